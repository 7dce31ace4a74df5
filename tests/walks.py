"""How state machines are run: a few walks that are the same each time, or as many as asked for."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

WALKS = int(os.environ.get("SEATKEEPER_WALKS") or 0)


def run(machine: type[RuleBasedStateMachine], *, examples: int) -> None:
    """Walk through the machine; SEATKEEPER_WALKS is how many random walks instead."""
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=WALKS or examples,
            stateful_step_count=30,
            derandomize=not WALKS,
            # Making a failure small takes minutes: only where time was asked for.
            phases=tuple(Phase) if WALKS else (Phase.generate,),
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
