"""The end of a refused push that is not repeated (R18).

Who was refused stands on the waiting list and counts as missing, so that somebody buys a
license for them. That ends when their push gets through, when the application takes it
back, when it was not repeated for LAPSE_AFTER, or by an admin. Identity providers repeat
a push for as long as they want it, so one that stopped asking does not want it any more.
A push that comes after all is refused, or succeeds, as any other.
"""

from __future__ import annotations

import datetime as dt
import functools

from django.db import connection
from django.db.models import Q

from accounts import audit, changes, clock
from accounts.cause import Cause
from accounts.deeds import Deed
from accounts.models import Admin
from accounts.refusal import NotFound
from licensing import allocation
from licensing.models import LedgerEntry, Pool, WaitingEntry

#: Entra repeats every 40 minutes, later once a day; Okta when an admin presses a button.
LAPSE_AFTER = dt.timedelta(days=7)


def lapse() -> int:
    """End every refusal that was not repeated for so long. Returns how many."""
    before = clock.now() - LAPSE_AFTER
    late = WaitingEntry.objects.filter(
        Q(asked_at__lt=before) | Q(asked_at=None, since__lt=before), refused=True
    )
    cause = Cause(f"The refused push was not repeated for {LAPSE_AFTER.days} days")
    pools = late.order_by("pool").values_list("pool", flat=True).distinct()
    return sum(
        changes.run(functools.partial(_end, pool_id, cause, before=before)) for pool_id in pools
    )


def drop(pool: Pool, entry_id: int, *, by: Admin | None = None) -> WaitingEntry:
    """An admin ends one refusal. Returns what it said.

    Refused: it is not there, or no refusal ("not_refused"): whoever is eligible waits until
    a seat is free, and only the identity provider changes that (R8).
    """
    entry = WaitingEntry.objects.filter(pool=pool, pk=entry_id, refused=True).first()
    cause = Cause.by(by, "dropped the refused push")
    gone = NotFound("not_refused", "That push was not refused, or is not waited for any more.")
    if entry is None:
        raise gone

    def change() -> None:
        if not _end(pool.pk, cause, entry_id=entry_id):
            raise gone
        subject = audit.Subject("refused push", entry.pk, entry.email or entry.name)
        about = {"product": pool.get_product_display()}
        audit.note(pool.organization_id, Deed.REFUSAL_DROPPED, subject, by=by, after=about)

    changes.run(change)
    return entry


def _end(
    pool_id: int, cause: Cause, *, before: dt.datetime | None = None, entry_id: int | None = None
) -> int:
    """What was repeated in the meantime stays: it is looked at under the pool's lock."""
    pool = allocation.lock(pool_id)
    with connection.cursor() as cursor:
        cursor.execute(
            _END,
            {
                "pool": pool.id,
                "organization": pool.organization_id,
                "before": before,
                "entry": entry_id,
                "deed": LedgerEntry.Deed.LAPSE.value,
                "admin": cause.admin_id,
                "because": cause.because,
                "now": clock.now(),
            },
        )
        return cursor.rowcount


_END = """
WITH ended AS (
    DELETE FROM licensing_waitingentry
    WHERE pool_id = %(pool)s AND refused
      AND (id = %(entry)s::bigint OR coalesce(asked_at, since) < %(before)s::timestamptz)
    RETURNING person_id, email, sort_key, id
)
INSERT INTO licensing_ledgerentry (organization_id, pool_id, deed, person_id, email, admin_id,
    source, request_id, because, at)
SELECT %(organization)s, %(pool)s, %(deed)s::text, person_id, email, %(admin)s::bigint, '', '',
    %(because)s::text, %(now)s
FROM ended ORDER BY sort_key, id
"""
