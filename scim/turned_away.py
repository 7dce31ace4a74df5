"""Requests that were turned away although their token is known: why, for admins alone (R3, R28).

Whoever asked gets the very same answer as for an unknown token, and as fast: the token is
looked up a second later, by the thread that also writes the reads of the activity log.
"""

from __future__ import annotations

import datetime as dt
import logging
import re
from typing import NamedTuple

from django.db import DatabaseError, connection

from accounts import clock, secrets
from scim.exchanges import KEPT
from scim.later import Later
from scim.models import TurnedAway

_TOKEN = re.compile(secrets.PREFIX + "[0-9A-Za-z]+")
_LONGEST_HEADER = 500
_MOST = 2000
_log = logging.getLogger("seatkeeper.turned_away")


class _Noted(NamedTuple):
    """digest: of a token whose checksum holds; hint: the beginning of another one."""

    digest: str
    hint: str
    why: str
    at: dt.datetime


def note(header: str, *, why: str = "") -> None:
    """Remember a request that was not let in. why: empty is found out by the token itself."""
    found = _TOKEN.search(header[:_LONGEST_HEADER])
    if found is None or len(found[0]) < secrets.HINT:
        return
    if secrets.well_formed(found[0]):
        _noted.put(_Noted(secrets.digest(found[0]), "", why, clock.now()))
    else:
        hint = found[0][: secrets.HINT]
        _noted.put(_Noted("", hint, TurnedAway.Why.MISTYPED, clock.now()))


def flush() -> None:
    _noted.flush()


def prune() -> None:
    """Forget what happened last as long ago as the activity log is kept."""
    TurnedAway.objects.filter(last_at__lt=clock.now() - KEPT).delete()


_WRITE = """
INSERT INTO scim_turnedaway
    (organization_id, application_id, token_id, why, times, first_at, last_at)
SELECT known.organization_id, known.application_id, known.id, known.why,
    count(*), min(known.at), max(known.at)
FROM (
    SELECT token.*, given.at, CASE
        WHEN given.why <> '' THEN given.why
        WHEN token.revoked_at IS NOT NULL THEN 'revoked'
        WHEN token.expired_at IS NOT NULL OR token.expires_at <= given.at THEN 'expired'
        ELSE 'missent' END AS why
    FROM unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[])
        AS given(digest, hint, why, at)
    JOIN scim_token token ON (given.digest <> '' AND token.digest = given.digest)
        OR (given.digest = '' AND token.hint = given.hint)
) known
GROUP BY known.organization_id, known.application_id, known.id, known.why
ON CONFLICT (token_id, why) DO UPDATE SET
    times = scim_turnedaway.times + excluded.times,
    last_at = greatest(scim_turnedaway.last_at, excluded.last_at)
"""


def _write(noted: list[_Noted]) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute(_WRITE, [list(column) for column in zip(*noted, strict=True)])
    except DatabaseError:
        _log.exception("%d requests that were turned away could not be noted", len(noted))


_noted = Later("turned away", _write, most=_MOST)
