"""kill -9 in the middle of a push: a short form of `python -m benchmarks.kills`, which see."""

from __future__ import annotations

import pytest

from benchmarks import kills


@pytest.mark.slow
def test_killed_in_the_middle_nothing_is_lost_and_nothing_done_twice() -> None:
    """R9, R21, R26: web and worker are killed during a push, reconciliations and deliveries.

    The push is repeated as an identity provider does; then each person, seat, ledger line and
    invitation is there once, each e-mail was handed over, and reconciliation finds nothing.
    """
    result = kills.run(people=300, kills=6, seed=3, hurry=True)
    assert result["faults"] == []
    assert sum(result["kills"].values()) == 6
