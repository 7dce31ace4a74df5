"""Recompute everything, report the drift, repair it (R9, R21). A second run changes nothing."""

from __future__ import annotations

import dataclasses

from django.db import connection, transaction

from accounts.cause import Cause
from accounts.models import Organization, Person
from licensing import allocation
from licensing.models import Pool, WaitingEntry

_CAUSE = Cause("Reconciliation found a difference")


@dataclasses.dataclass(frozen=True, slots=True)
class Reconciliation:
    """E-mail addresses, in allocation order; drift counts every difference that was found."""

    granted: list[str]
    revoked: list[str]
    waiting: list[str]
    drift: int


class _Undo(Exception):
    """A dry run: do everything, then roll it back."""


def reconcile(organization: Organization | None = None, *, dry_run: bool = False) -> Reconciliation:
    """Every pool of the organization, or of all; each in its own transaction."""
    pools = Pool.objects.select_related("organization").order_by("id")
    if organization is not None:
        pools = pools.of(organization)
    results = [reconcile_pool(pool, dry_run=dry_run) for pool in pools]
    return Reconciliation(
        granted=[email for result in results for email in result.granted],
        revoked=[email for result in results for email in result.revoked],
        waiting=[email for result in results for email in result.waiting],
        drift=sum(result.drift for result in results),
    )


def reconcile_pool(pool: Pool, *, dry_run: bool = False) -> Reconciliation:
    """1. lock; 2. seats against the ledger; 3. the counter against the seats;
    4. seats and waiting list against what people are entitled to."""
    result: Reconciliation | None = None
    try:
        with transaction.atomic(durable=True):
            allocation.lock(pool.pk)
            drift = _repair_ledger(pool) + _repair_counter(pool)
            allocated = allocation.settle(pool.pk, None, cause=_CAUSE)
            result = Reconciliation(
                granted=_emails(allocated.granted),
                revoked=_emails(allocated.released),
                waiting=list(
                    WaitingEntry.objects.filter(pool=pool)
                    .order_by("sort_key", "id")
                    .values_list("email", flat=True)
                ),
                drift=drift + len(allocated.granted) + len(allocated.released),
            )
            if dry_run:
                raise _Undo
    except _Undo:
        pass
    assert result is not None  # noqa: S101  set in the block above
    return result


def _repair_counter(pool: Pool) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE licensing_pool pool SET held = counted.seats FROM ("
            "  SELECT count(*) AS seats FROM licensing_seat WHERE pool_id = %(pool)s) counted "
            "WHERE pool.id = %(pool)s AND pool.held <> counted.seats",
            {"pool": pool.pk},
        )
        return cursor.rowcount


def _repair_ledger(pool: Pool) -> int:
    """The seats follow from the ledger: its last word on a person is whether they hold one.

    A seat that no line tells of gets a line; a line of a seat that is not there is
    answered by a release. Returns how many differed.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LEDGER_DRIFT, {"pool": pool.pk, "organization": pool.organization_id})
        return cursor.rowcount


def _emails(people: list[int]) -> list[str]:
    addresses = dict(Person.objects.filter(pk__in=people).values_list("pk", "email"))
    return [addresses[person] for person in people]


_LEDGER_DRIFT = """
WITH last_word AS (
    SELECT DISTINCT ON (person_id) person_id, deed
    FROM licensing_ledgerentry
    WHERE pool_id = %(pool)s AND person_id IS NOT NULL
      AND deed IN ('grant', 'take_over', 'activate', 'release')
    ORDER BY person_id, id DESC
),
told AS (SELECT person_id FROM last_word WHERE deed <> 'release'),
drift AS (
    SELECT seat.person_id, 'grant' AS deed, seat.source, seat.application_id
    FROM licensing_seat seat
    WHERE seat.pool_id = %(pool)s
      AND NOT EXISTS (SELECT 1 FROM told WHERE told.person_id = seat.person_id)
    UNION ALL
    SELECT told.person_id, 'release', '', NULL
    FROM told
    WHERE NOT EXISTS (SELECT 1 FROM licensing_seat seat
                      WHERE seat.pool_id = %(pool)s AND seat.person_id = told.person_id)
)
INSERT INTO licensing_ledgerentry (organization_id, pool_id, deed, person_id, email,
    application_id, source, request_id, because, at)
SELECT %(organization)s, %(pool)s, drift.deed, person.id, person.email, drift.application_id,
    drift.source, '',
    CASE drift.deed
        WHEN 'grant' THEN 'Reconciliation found a seat that no line told of'
        ELSE 'Reconciliation found no seat where a line told of one' END,
    now()
FROM drift JOIN accounts_person person ON person.id = drift.person_id
"""
