"""Who acts where no admin does: a service token of the Admin API, by its name."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

_name: ContextVar[str] = ContextVar("actor", default="")


def name() -> str:
    """For the ledger and the audit log; empty where nobody was named."""
    return _name.get()


@contextlib.contextmanager
def named(who: str) -> Iterator[None]:
    """What is done inside without an admin is done by `who`."""
    reset = _name.set(who)
    try:
        yield
    finally:
        _name.reset(reset)
