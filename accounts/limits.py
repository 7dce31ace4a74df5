"""How often something may be asked for: counted in the cache, which may be lost."""

from __future__ import annotations

import datetime as dt
import hashlib

from django.core.cache import cache


def within(what: str, whose: str, *, most: int, per: dt.timedelta) -> bool:
    """Count one more; whether it is still among the first `most` of its stretch of time.

    whose: an address, an IP; only its hash is kept.
    """
    key = f"limit:{what}:{hashlib.sha256(whose.encode()).hexdigest()}"
    if cache.add(key, 1, int(per.total_seconds())):
        return most >= 1
    try:
        return cache.incr(key) <= most
    except ValueError:  # it has just ended
        return True
