"""What a reader is shown in examples/ works."""

from __future__ import annotations

import json
import re
import shlex
import uuid

from tests.conformance.live import ROOT, Server

_README = ROOT / "examples" / "README.md"


def test_the_example_runs_as_its_readme_says(live: Server) -> None:
    """R15, R17, R18, R25: ten people, six licenses, four wait in order and get theirs."""
    lines = re.findall(r"^    \.venv/bin/python (.+)$", _README.read_text(), re.MULTILINE)
    organization, token, story = map(shlex.split, lines)
    slug = f"story-{uuid.uuid4().hex[:8]}"  # the server is that of other tests too
    named = {"story": slug, "http://127.0.0.1:8000": f"http://127.0.0.1:{live.port}"}
    live.run(*(named.get(word, word) for word in organization))
    issued = json.loads(live.run(*(named.get(word, word) for word in token), "--json"))
    named["TOKEN"] = issued["token"]
    said = live.run(*(named.get(word, word) for word in story)).splitlines()
    assert said[1:3] == ["6 licenses are free.", "Pushed 10 people: 4 wait for a license."]
    numbers = [int(line.split()[0]) for line in said[3:7]]
    assert numbers == sorted(numbers)
    assert said[7] == "Bought 4 more: 0 wait."
    everybody = next(line for line in said if line.startswith("Everybody"))
    assert everybody.split() == ["Everybody", "10", "10", "0", "0"]
    assert issued["token"] not in "".join(said)
