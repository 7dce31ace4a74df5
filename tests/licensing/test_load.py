"""The benchmarks of load and of hours, in small: `python -m benchmarks.load` and `.soak`."""

from __future__ import annotations

import pytest

from benchmarks import load, soak


@pytest.mark.slow
def test_each_style_pushes_and_a_noisy_tenant_loses_nothing() -> None:
    """R6, R15, R21, R26: first cycles, a day of cycles and noise leave what was accepted, no seat
    too many, nothing to reconcile and a whole ledger."""
    result = load.run(people=20, rounds=1, seconds=0.5, tenants=4, minutes=1)
    assert result["faults"] == []
    assert all(told["first"]["finished"] for told in result["styles"].values())
    assert result["tenants"]["with noise, no limit"]["noisy"]["requests"] > 0


def test_a_soak_tells_growth_from_what_stays() -> None:
    """R26: a figure that grows after the warm-up is too much, one that grew in it is not."""
    rows = [
        {
            "minute": minute,
            "memory": {
                "web": {"private_mb": min(minute, 10) * 10 + 100},
                "worker": {"private_mb": 100 + minute},
            },
            "ratio": {"p50_ms": 2.0, "p95_ms": 3.0},
            "cpu_ms": 3.0,
        }
        for minute in range(1, 61)
    ]
    told = soak.verdict(rows)
    assert [what for what, row in told.items() if row["too_much"]] == ["memory of worker (MB)"]
    assert told["memory of worker (MB)"]["an_hour"] == 60


@pytest.mark.slow
def test_a_short_soak_is_served_without_a_fault() -> None:
    """R15, R21, R26: at set moments people come, change and go; nothing is refused or lost."""
    result = soak.run(minutes=0.1, rate=20, tenants=3, people=10)
    assert [fault for fault in result["faults"] if "grew" not in fault] == []
    assert len(result["samples"]) == 12
