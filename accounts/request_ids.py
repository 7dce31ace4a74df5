"""One id from an identity provider's request to the worker's last task.

The web gives each request its id (config.logging), what must leave the house keeps it in its
row of the outbox, and a task gets it from whoever started it (config.heartbeat).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

LONGEST = 128
#: Of what this thread does now; empty is a command.
current: ContextVar[str] = ContextVar("request_id", default="")


@contextlib.contextmanager
def of(request_id: str) -> Iterator[None]:
    """Inside, what is logged and what is put into the outbox belongs to that request."""
    before = current.set(request_id)
    try:
        yield
    finally:
        current.reset(before)
