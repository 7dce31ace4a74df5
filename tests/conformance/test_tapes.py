"""Recorded conversations of identity providers, one case each, where a folder of tapes is named.

replay.py runs unchanged, against the real server and the real commands, in two processes at once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.conformance import commands
from tests.conformance.conftest import shared, shared_folder
from tests.conformance.live import ROOT, Server

_TAPES = shared_folder() / "replay" / "tapes"
NAMES = sorted(file.stem for file in _TAPES.glob("*.json")) or ["none"]


@pytest.fixture(scope="session")
def results(live: Server, request: pytest.FixtureRequest) -> Iterator[dict[str, Future[Any]]]:
    """What came of each tape that this session asks for, soon."""
    replay = shared("replay", "replay.py")
    asked = {
        item.callspec.params["tape"]
        for item in request.session.items
        if item.path == Path(__file__) and hasattr(item, "callspec")
    }
    environment = {**live.environment, "PYTHONPATH": str(ROOT)}
    address = f"{live.environment['SEATKEEPER_DATA']}/commands"
    start = f"from {commands.__name__} import main; main({address!r})"
    forking = subprocess.Popen([sys.executable, "-c", start], env=environment, cwd=ROOT)
    manage = f"{sys.executable} -S -E {commands.__file__} {address}"
    while not os.path.exists(address):
        assert forking.poll() is None, "the process for commands ended"

    def run(tapes: list[str]) -> dict[str, Any]:
        done = subprocess.run(
            [
                *(sys.executable, str(replay), "--json", "--base-url", live.base_url),
                *("--manage", manage),
                *(part for tape in tapes for part in ("--only", tape)),
            ],
            env=environment, cwd=ROOT, capture_output=True, text=True,
        )  # fmt: skip
        assert done.stdout, done.stderr[-3000:]
        return {tape["name"]: tape for tape in json.loads(done.stdout)["tapes"]}

    with ThreadPoolExecutor(2) as pool:
        futures = {}
        for half in _halves(asked):
            future = pool.submit(run, half)
            futures.update(dict.fromkeys(half, future))
        yield futures
    forking.terminate()
    forking.wait()


def _halves(tapes: set[str]) -> list[list[str]]:
    """Those with commands take longest: they go to both halves in turns."""
    with_commands = sorted(
        tapes, key=lambda tape: ('"manage"' in (_TAPES / f"{tape}.json").read_text(), tape)
    )
    return [half for half in (with_commands[::2], with_commands[1::2]) if half]


@pytest.mark.parametrize("tape", NAMES)
def test_a_tape_passes(tape: str, live: Server, request: pytest.FixtureRequest) -> None:
    """Each tape names the RFC section, the identity provider's page or the rule it stands for."""
    result = request.getfixturevalue("results")[tape].result()[tape]
    assert result["result"] == "PASS", "\n".join(
        (json.dumps(result, indent=2, ensure_ascii=False)[:6000], live.log.read_text()[-4000:])
    )
