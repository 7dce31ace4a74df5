"""The Admin API is what its OpenAPI description says, by Schemathesis."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.api import fuzzing
from tests.conformance.live import Server


@pytest.mark.slow
def test_schemathesis_finds_no_mismatch_and_no_fault(live: Server, tmp_path: Path) -> None:
    """R26: right data and wrong, alone and in sequences, with all checks: statuses, bodies,
    headers, authentication, what is refused and what must not be. Half a minute of it;
    `python -m benchmarks.fuzz_api` takes as long as it is told."""
    code, said = fuzzing.run(
        live,
        tmp_path,
        *("--phases", "examples,coverage,stateful", "--max-time", "20", "--max-examples", "3"),
        # One thread: with more of them Python 3.11 may fail to compile what Hypothesis reads.
        *("--seed", "9457", "--generation-deterministic", "--workers", "1", "--no-shrink"),
    )
    assert code == 0, said
    assert " passed" in said
    assert "Traceback" not in live.log.read_text()
