"""Parts that fail in the middle of a push: a short form of `python -m benchmarks.faults`."""

from __future__ import annotations

import pytest

from benchmarks import faults


@pytest.mark.slow
def test_a_database_that_crashes_and_a_queue_that_is_away_lose_nothing() -> None:
    """R9, R15, R21, R26: PostgreSQL is stopped at once and started, then Valkey is away.

    Every error is a SCIM error with the request's id, a 503 says when to come again; with Valkey
    away pushes go on. Afterwards each person, seat, ledger line and invitation is there once, each
    e-mail went, the ledger is whole, and reconciliation finds nothing.
    """
    result = faults.run(
        [["PostgreSQL restarted (immediate)", "Valkey away"]], people=100, away=2, hurry=True
    )
    [scene] = result["scenes"]
    assert scene["faults"] == []
    assert set(scene["told"]) == set(scene["what"])
