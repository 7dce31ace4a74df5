"""One real server a session, for all that speak HTTP to it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from tests.conformance.live import ROOT, Server


@pytest.fixture(scope="session")
def live() -> Iterator[Server]:
    with Server(settings.DATABASE_URL, settings.REDIS_URL) as server:
        yield server


def shared_folder() -> Path:
    """What stands beside the checkout, not in it: tapes, and the suites of identity providers."""
    return Path(os.environ.get("SEATKEEPER_SHARED") or ROOT.parent / "shared")


def shared(*parts: str) -> Path:
    """A file or folder in there. Skips when it is not there."""
    path = shared_folder().joinpath(*parts)
    if not path.exists():
        pytest.skip(f"There is no {path}: SEATKEEPER_SHARED tells where the tapes are.")
    return path
