"""Schemathesis against the real server: what the description promises, and what comes of less."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.conformance.live import Server

_WORLD = """
import json, django
django.setup()
from accounts import api_tokens
from tests.pages import world
made = world.make()
world.hold_removals(made)
issued = api_tokens.issue(
    made.organization, "Fuzzing", scopes=list(api_tokens.SCOPES), admin=made.owner, days=1
)
print(json.dumps(issued.secret))
"""


#: Besides what Schemathesis expects: an address that is too long, and a key that was used before,
#: which it cannot know.
_SETTINGS = """
[checks]
positive_data_acceptance.expected-statuses = [
    "2xx", "3xx", 401, 403, 404, 409, 414, 422, 429,
]
negative_data_rejection.expected-statuses = [400, 401, 403, 404, 405, 409, 414, 415, 422]
"""


def run(server: Server, folder: Path, *arguments: str) -> tuple[int, str]:
    """`st run` with every check, by an owner's token of an organization with something in it.

    folder: of its own, where Schemathesis finds no settings. Returns its exit code and what it
    said.
    """
    token = json.loads(server.run("-c", _WORLD))
    (folder / "schemathesis.toml").write_text(_SETTINGS)
    done = subprocess.run(
        [
            str(Path(sys.executable).parent / "st"),
            "run",
            f"http://127.0.0.1:{server.port}/api/v1/openapi.json",
            "--header", f"Authorization: Bearer {token}",
            "--checks", "all",
            "--mode", "all",
            "--no-color",
            *arguments,
        ],
        cwd=folder,
        env={**os.environ, "HOME": str(folder)},
        capture_output=True,
        text=True,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr
