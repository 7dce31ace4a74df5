"""How often something may be guessed: counted in the cache, for a while."""

from __future__ import annotations

from django.core.cache import cache

from accounts.refusal import Refusal

MOST = 5
MINUTES = 5


def count(what: str, who: object) -> None:
    """One more try. Refused after MOST within MINUTES, whether the next would be right or not."""
    key = _key(what, who)
    cache.add(key, 0, MINUTES * 60)
    try:
        tries = cache.incr(key)
    except ValueError:  # it ended between the two
        tries = 1
    if tries > MOST:
        raise Refusal(
            "too_many_attempts",
            f"There were {MOST} wrong ones in a row. Wait {MINUTES} minutes, then try again.",
        )


def forget(what: str, who: object) -> None:
    """It was right: the next mistake is the first one."""
    cache.delete(_key(what, who))


def _key(what: str, who: object) -> str:
    return f"attempts:{what}:{who}"
