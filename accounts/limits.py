"""How often something may be asked for: counted in the cache, which may be lost."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import time

from django.core.cache import cache
from redis.exceptions import RedisError


def within(what: str, whose: str, *, most: int, per: dt.timedelta) -> bool:
    """Count one more; whether it is still among the first `most` of its stretch of time.

    whose: an address, an IP; only its hash is kept.
    """
    key = f"limit:{what}:{hashlib.sha256(whose.encode()).hexdigest()}"
    return _count(key, int(per.total_seconds())) <= most


@dataclasses.dataclass(frozen=True, slots=True)
class Spent:
    """left: how many more are let through in this stretch; seconds: until the next begins."""

    left: int
    over: bool
    seconds: float


def spend(what: str, whose: str, *, most: int, per: dt.timedelta) -> Spent:
    """The same, telling how many are left. Stretches begin with the clock. While the cache does
    not answer nothing is counted: whoever asks is not to blame."""
    now, length = time.time(), per.total_seconds()
    stretch, passed = divmod(now, length)
    name = f"{what}:{int(stretch)}:{hashlib.sha256(whose.encode()).hexdigest()}"
    try:
        count = _count(f"limit:{name}", int(length))
    except RedisError:
        count = 1
    return Spent(max(0, most - count), count > most, length - passed)


def _count(key: str, seconds: int) -> int:
    if cache.add(key, 1, seconds):
        return 1
    try:
        return cache.incr(key)
    except ValueError:  # it has just ended
        return 1
