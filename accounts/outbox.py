"""What must leave the house, saved in the transaction of its cause.

The schedule sweeps for lines that are due, so a lost queue loses nothing. A line is
claimed by pushing its due time ahead, so that a worker that dies gives it back by itself.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

from django.db import transaction
from django.db.models import Count, F, Max, Min, QuerySet

from accounts import audit, clock
from accounts.deeds import Deed
from accounts.models import Admin, Organization, Outbox

#: A worker has this long for the lines it claimed before another may take them: more than
#: AT_ONCE mail servers that hang until EMAIL_TIMEOUT.
AT_ONCE = 20
CLAIM = dt.timedelta(minutes=10)
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
            )
        ],
        ignore_conflicts=once is not None,
    )


@transaction.atomic(durable=True)
def claim(limit: int = AT_ONCE) -> list[Outbox]:
    """Lines that are due, for this worker alone.

    Their error is of the time before: without it nobody makes them due beside this worker.
    """
    now = clock.now()
    lines = list(
        Outbox.objects.select_for_update(skip_locked=True)
        .filter(done_at=None, due_at__lte=now)
        .order_by("due_at", "id")[:limit]
    )
    Outbox.objects.filter(pk__in=[line.pk for line in lines]).update(
        due_at=now + CLAIM, attempts=F("attempts") + 1, error=""
    )
    return lines


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
