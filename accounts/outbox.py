"""What must leave the house, saved in the transaction of its cause.

The schedule sweeps for lines that are due, so a lost queue loses nothing. A worker that
sends one holds a lock on it as long as it lives, and a dead one's are sent by the next.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
from collections.abc import Iterator
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, F, Max, Min, Q, QuerySet

from accounts import audit, clock, request_ids
from accounts.deeds import Deed
from accounts.models import Admin, Organization, Outbox

#: What a worker had in hand when it died is due again after so long, which with the schedule's
#: next turn is within a minute (R9); time enough for the others, if it is the line that kills.
PATIENCE = dt.timedelta(seconds=30)
#: So many due lines are looked at for one that nobody has in hand; more than there are workers.
LOOKED_AT = 200
KEPT = dt.timedelta(days=90)
_LONGEST_WAIT = dt.timedelta(hours=6)


def put(
    organization_id: int, kind: str, payload: dict[str, Any], *, once: str | None = None
) -> None:
    """Save a message; `once` makes it unique for ever."""
    now = clock.now()
    Outbox.objects.bulk_create(
        [
            Outbox(
                organization_id=organization_id,
                kind=kind,
                payload=payload,
                once=once,
                created_at=now,
                due_at=now,
                request_id=request_ids.current.get()[: request_ids.LONGEST],
            )
        ],
        ignore_conflicts=once is not None,
    )


@contextlib.contextmanager
def claimed() -> Iterator[Outbox | None]:
    """The first line that is due, in the hand of this worker alone; None when there is none.

    What makes it this worker's is a lock of its connection. However slow a mail server is,
    nobody takes the line meanwhile, and when the process dies the lock is gone with it. One
    line at a time, so that none waits behind a slow one while another worker is idle.
    """
    with connection.cursor() as cursor:
        while True:
            now = clock.now()
            cursor.execute(_LOCK_FIRST, {"now": now, "looked_at": LOOKED_AT})
            found = cursor.fetchone()
            if found is None:
                yield None
                return
            try:
                due = Outbox.objects.filter(pk=found[0], done_at=None, due_at__lte=now)
                line = due.first()
                if line is not None:
                    # Its error is of the time before: without it nobody makes it due (retry).
                    due.update(due_at=now + PATIENCE, attempts=F("attempts") + 1, error="")
                    yield line
                    return
                # Another worker sent it after we had looked, and before we had the lock.
            finally:
                cursor.execute(_UNLOCK, [found[0]])


def bring_back() -> int:
    """Make due what only a clock that was ahead can have put off. Returns how many.

    A line is due when it is written, and after a failure at most _LONGEST_WAIT later.
    """
    now = clock.now()
    late = Q(attempts=0, due_at__gt=now) | Q(due_at__gt=now + _LONGEST_WAIT)
    return Outbox.objects.filter(late, done_at=None).update(due_at=now)


def done(line: Outbox) -> None:
    Outbox.objects.filter(pk=line.pk).update(done_at=clock.now(), error="")


def prune() -> None:
    """Forget what was done long ago."""
    Outbox.objects.filter(done_at__lt=clock.now() - KEPT).delete()


def failed(line: Outbox, error: str) -> None:
    """Try again later: after 1, 2, 4 … minutes, at most six hours."""
    attempts = line.attempts + 1
    wait = min(_LONGEST_WAIT, dt.timedelta(minutes=2 ** min(attempts - 1, 12)))
    Outbox.objects.filter(pk=line.pk).update(due_at=clock.now() + wait, error=error[:2000])


@dataclasses.dataclass(frozen=True, slots=True)
class Unsent:
    """Messages of one kind that failed for one reason, and will be tried again.

    error: as the machine says it. attempts: of the one that was tried most often.
    """

    kind: str
    error: str
    number: int
    attempts: int
    next_at: dt.datetime


def unsent(organization: Organization, *, limit: int = 5) -> list[Unsent]:
    """What could not be sent, together by kind and reason, the most frequent first."""
    found = (
        _failing(organization)
        .values_list("kind", "error")
        .annotate(number=Count("id"), most=Max("attempts"), next_at=Min("due_at"))
        .order_by("-number", "kind", "error")
    )
    return [Unsent(*row) for row in found[:limit]]


@transaction.atomic
def retry(organization: Organization, *, by: Admin | None = None) -> int:
    """Make due now whatever failed. Returns how many; what a worker has in hand is not touched."""
    number = _failing(organization).update(due_at=clock.now())
    if number:
        audit.note(
            organization.pk, Deed.MAIL_RETRIED, organization, by=by, after={"messages": number}
        )
    return number


def _failing(organization: Organization) -> QuerySet[Outbox]:
    return Outbox.objects.of(organization).filter(done_at=None).exclude(error="")


_KEY = "hashtextextended('outbox ' || {id}, 0)"

# Locks are tried in order, until one is got.
_LOCK_FIRST = f"""
WITH due AS MATERIALIZED (
    SELECT id FROM accounts_outbox WHERE done_at IS NULL AND due_at <= %(now)s
    ORDER BY due_at, id LIMIT %(looked_at)s
)
SELECT id FROM due WHERE pg_try_advisory_lock({_KEY.format(id="id")}) LIMIT 1
"""

_UNLOCK = f"SELECT pg_advisory_unlock({_KEY.format(id='%s::bigint')})"
