"""How fast SCIM may be asked: by a token, and by an address that sends wrong ones (R3).

Asked before the token is looked up, so that whoever is too fast costs next to nothing. It is
about headers, never about what they lead to: an answer of 429 tells nobody whether a token is
good. Off (rate 0) where only this machine is concerned.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import cache

from django.conf import settings

from accounts import client_address
from accounts.pace import Pace
from scim.protocol import errors

#: After its wrong tokens an address has one more try in so many seconds.
FORGIVEN = 10
#: A token that was refused for its address alone is looked up when it comes again after so long:
#: an identity provider repeats its one token, who guesses has to try another.
SECOND_LOOK = 1.0
_MOST = 10_000


class Doors:
    """What one process remembers. Tokens are remembered by a hash that this process alone can
    make."""

    def __init__(self, rate: float, burst: float, wrong: float) -> None:
        self.tokens = Pace(rate, burst)
        self.wrong = Pace(1 / FORGIVEN if wrong else 0, wrong)
        self.good: dict[int, None] = {}
        self.refused: dict[int, float] = {}

    def knock(self, header: str, meta: Mapping[str, str]) -> None:
        """Raises TooManyRequests for a token that comes too fast, and for one that is not known
        to be good from an address that has sent too many wrong ones."""
        who = hash(header)
        seconds = self.tokens.take(who)
        if seconds:
            raise _too_many(
                f"This token sends more than {settings.SCIM_RATE:g} requests a second.", seconds
            )
        if self.wrong.full_at and who not in self.good:
            address = client_address.neighbours(client_address.of(meta))
            seconds = self.wrong.wait(address)
            if seconds and not self._has_waited(who):
                raise _too_many("Too many wrong tokens came from this address.", SECOND_LOOK)

    def known(self, header: str) -> None:
        """The token was good: no address can lock it out of this process any more."""
        who = hash(header)
        if who not in self.good:
            if len(self.good) >= _MOST:
                self.good.clear()
            self.good[who] = None

    def unknown(self, header: str, meta: Mapping[str, str]) -> None:
        """The token was not good, or not any more."""
        self.good.pop(hash(header), None)
        self.wrong.take(client_address.neighbours(client_address.of(meta)))

    def _has_waited(self, who: int) -> bool:
        now = time.monotonic()
        since = self.refused.get(who)
        if since is not None and now - since >= SECOND_LOOK:
            del self.refused[who]
            return True
        if since is None:
            if len(self.refused) >= _MOST:
                self.refused.clear()
            self.refused[who] = now
        return False


@cache
def doors() -> Doors:
    return Doors(settings.SCIM_RATE, settings.SCIM_BURST, settings.SCIM_WRONG_TOKENS)


def _too_many(why: str, seconds: float) -> errors.TooManyRequests:
    whole = max(1, round(seconds + 0.5))
    unit = "second" if whole == 1 else "seconds"
    return errors.TooManyRequests(
        f"{why} Nothing was changed; repeat the request in {whole} {unit}.",
        headers={"Retry-After": str(whole)},
    )
