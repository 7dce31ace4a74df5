"""Identifiers that grow with time, so that new rows land at an index's end (RFC 9562, UUID 7)."""

import secrets
import time
import uuid


def uuid7() -> uuid.UUID:
    """48 bits of milliseconds, then 74 random bits: sorted by creation, not guessable."""
    stamp = time.time_ns() // 1_000_000
    value = stamp << 80 | 0x7 << 76 | secrets.randbits(12) << 64 | 0b10 << 62 | secrets.randbits(62)
    return uuid.UUID(int=value)
