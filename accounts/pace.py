"""How fast something may come: a bucket for each of whom it comes from, in this process alone.

Needs nobody else, so that it neither waits nor fails with anything; each process of the web has
buckets of its own (docs/decisions/0029). accounts.limits counts across all of them, in Valkey.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable


class Pace:
    """`rate` a second for as long as one likes, `burst` at once after a rest. rate 0: no limit.

    A bucket is one number: when it will be full again, were nothing taken from now on (the
    generic cell rate algorithm). Two threads that meet may take one too many, which is fine.
    most: more buckets than so many are never kept, so that nobody can fill the memory.
    """

    def __init__(
        self,
        rate: float,
        burst: float,
        *,
        most: int = 20_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.step = 1 / rate if rate else 0.0
        self.depth = self.step * max(1.0, burst)
        self.most, self.clock = most, clock
        self.full_at: dict[Hashable, float] = {}

    def take(self, who: Hashable) -> float:
        """One more; 0.0, or in how many seconds there is room for it. That takes nothing."""
        if not self.step:
            return 0.0
        now = self.clock()
        full_at = max(self.full_at.get(who, now), now) + self.step
        if full_at - now > self.depth:
            return full_at - now - self.depth
        if len(self.full_at) >= self.most and who not in self.full_at:
            self._forget(now)
        self.full_at[who] = full_at
        return 0.0

    def wait(self, who: Hashable) -> float:
        """The same, with nothing taken."""
        full_at = self.full_at.get(who)
        if full_at is None:
            return 0.0
        return max(0.0, full_at + self.step - self.clock() - self.depth)

    def _forget(self, now: float) -> None:
        """Those that are full tell nothing; if all tell something, the oldest half goes."""
        kept = [(who, at) for who, at in list(self.full_at.items()) if at > now]
        if len(kept) >= self.most:
            kept = kept[len(kept) // 2 :]
        self.full_at = dict(kept)
