"""Recompute everything, report the drift, repair it (R9, R21). A second run changes nothing."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import time
from collections.abc import Iterator

from django.db import connection, transaction
from django.db.models import F, QuerySet

from accounts import audit, clock
from accounts.cause import Cause
from accounts.deeds import Deed
from accounts.models import Admin, Organization, Person
from licensing import allocation, eligibility, forecast, pools, seals
from licensing.models import Pool, Reconciled, WaitingEntry

_CAUSE = Cause("Reconciliation found a difference")
_log = logging.getLogger("seatkeeper.ledger")


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
    pools = Pool.objects.all() if organization is None else Pool.objects.of(organization)
    found = [reconcile_pool(pool, dry_run=dry_run) for pool in in_turn(pools)]
    results = [result for result in found if result is not None]
    return Reconciliation(
        granted=[email for result in results for email in result.granted],
        revoked=[email for result in results for email in result.revoked],
        waiting=[email for result in results for email in result.waiting],
        drift=sum(result.drift for result in results),
    )


def in_turn(pools: QuerySet[Pool]) -> QuerySet[Pool]:
    """Those that were not begun for longest come first: a run that was killed goes on with
    the next pool, and one that cannot end keeps no other waiting."""
    return pools.order_by(F("reconciled__started_at").asc(nulls_first=True), "id")


def reconcile_pool(
    pool: Pool, *, dry_run: bool = False, wait: bool = True, by: Admin | None = None
) -> Reconciliation | None:
    """Recompute and repair; then seal the ledger, look whether it is whole, and keep how it went.

    One run at a time a pool: another one waits, or (wait=False) does nothing and gets None.
    A ledger that does not match its seals is no drift, since nothing can repair it: it is an
    error in the log and a notice on the pool's page. A dry run writes nothing at all. by: the
    admin who asked for it; None is the schedule or a command that does what it does.
    """
    if dry_run:
        return _recompute(pool, dry_run=True)
    with _alone(pool, wait=wait) as alone:
        if not alone:
            return None
        began = time.monotonic()
        Reconciled.objects.update_or_create(
            pool=pool, defaults={"organization_id": pool.organization_id, "started_at": clock.now()}
        )
        result = _recompute(pool, by=by)
        seals.seal(pool.pk)
        _keep(pool, result, seals.verify(pool), forecast.pace(pool), began)
        return result


def _keep(
    pool: Pool,
    result: Reconciliation,
    ledger: seals.Verification,
    pace: forecast.Pace,
    began: float,
) -> None:
    """How it went, for pages. A seal that was seen is remembered as long as none is broken."""
    kept = Reconciled.objects.filter(pool=pool)
    if ledger.broken is not None:
        _log.error("pool %s (%s): %s", pool.pk, pool, ledger.broken.detail)
    elif ledger.head is not None:
        kept.update(seal=ledger.head.seal, digest=ledger.head.digest)
    kept.update(
        finished_at=clock.now(),
        seconds=round(time.monotonic() - began, 3),
        drift=result.drift,
        granted=len(result.granted),
        revoked=len(result.revoked),
        waiting=len(result.waiting),
        broken=ledger.broken.detail if ledger.broken else "",
        pace=dataclasses.asdict(pace),
    )


@contextlib.contextmanager
def _alone(pool: Pool, *, wait: bool) -> Iterator[bool]:
    """Whether this run is the pool's only one. The database frees it when the process dies."""
    key = [f"reconcile {pool.pk}"]
    with connection.cursor() as cursor:
        if wait:
            cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", key)
            alone = True
        else:
            cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", key)
            alone = cursor.fetchone()[0]
        try:
            yield alone
        finally:
            if alone:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", key)


def _recompute(pool: Pool, *, dry_run: bool = False, by: Admin | None = None) -> Reconciliation:
    """1. bind chosen groups, lock; 2. seats against the ledger; 3. the counter against the
    seats; 4. seats by hand against the ledger; 5. seats and waiting list against what people are
    entitled to."""
    result: Reconciliation | None = None
    try:
        with transaction.atomic(durable=True):
            bound = eligibility.bind(pool.pk)  # ahead of the pool's row, as pushes of groups do
            allocation.lock(pool.pk)
            forged, lost = _by_hand_unlike_the_ledger(pool)
            waited = _waiting(pool)
            drift = bound + _repair_ledger(pool) + _repair_counter(pool)
            taken_back, given_back = _repair_by_hand(pool, forged, lost)
            allocated = allocation.settle(pool.pk, None, cause=_CAUSE)
            granted = given_back + allocated.granted
            revoked = taken_back + allocated.released
            drift += len(granted) + len(revoked)
            drift += len((waited ^ _waiting(pool)) - {*granted, *revoked})
            result = Reconciliation(
                granted=_emails(granted),
                revoked=_emails(revoked),
                waiting=list(
                    WaitingEntry.objects.filter(pool=pool)
                    .order_by("sort_key", "id")
                    .values_list("email", flat=True)
                ),
                drift=drift,
            )
            if by is not None:
                about = {
                    "drift": drift,
                    "granted": audit.listed(result.granted),
                    "revoked": audit.listed(result.revoked),
                    "waiting": len(result.waiting),
                }
                audit.note(
                    pool.organization_id, Deed.RECONCILED, pools.subject(pool), by=by, after=about
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


def _by_hand_unlike_the_ledger(pool: Pool) -> tuple[list[int], list[int]]:
    """People with a seat by hand that no line tells of, and people without the one that the
    ledger tells of: nobody is entitled to a seat by hand, so the ledger alone says who has one."""
    with connection.cursor() as cursor:
        cursor.execute(_BY_HAND, {"pool": pool.pk})
        rows = cursor.fetchall()
    return [person for person, held in rows if held], [person for person, held in rows if not held]


def _repair_by_hand(pool: Pool, forged: list[int], lost: list[int]) -> tuple[list[int], list[int]]:
    """Take back what nobody gave, give back what was lost as far as seats are free."""
    for person_id in forged:
        allocation.take_back(pool.pk, person_id, cause=_CAUSE)
    given_back = []
    for person in Person.objects.filter(pk__in=lost, removed_at=None).order_by("sort_key", "id"):
        if allocation.lock(pool.pk).free:
            allocation.grant_by_hand(pool.pk, person, cause=_CAUSE)
            given_back.append(person.pk)
    return forged, given_back


def _waiting(pool: Pool) -> set[int]:
    """Who waits; somebody who is not there yet by the entry's own number, below zero."""
    entries = WaitingEntry.objects.filter(pool=pool).values_list("person_id", "pk")
    return {-pk if person is None else person for person, pk in entries}


def _emails(people: list[int]) -> list[str]:
    found = Person.objects.filter(pk__in=people).order_by("sort_key", "id")
    return list(found.values_list("email", flat=True))


# Who holds a seat by the last word of the ledger on them, and from where it came.
_TOLD = """
WITH last_word AS (
    SELECT DISTINCT ON (person_id) person_id, deed, source
    FROM licensing_ledgerentry
    WHERE pool_id = %(pool)s AND person_id IS NOT NULL
      AND deed IN ('grant', 'take_over', 'activate', 'release')
    ORDER BY person_id, id DESC
),
told AS (SELECT person_id, source FROM last_word WHERE deed <> 'release')"""

_BY_HAND = f"""{_TOLD}
SELECT seat.person_id, true
FROM licensing_seat seat
WHERE seat.pool_id = %(pool)s AND seat.source = 'manual'
  AND NOT EXISTS (SELECT 1 FROM told WHERE told.person_id = seat.person_id)
UNION ALL
SELECT told.person_id, false
FROM told
WHERE told.source = 'manual' AND NOT EXISTS (
    SELECT 1 FROM licensing_seat seat
    WHERE seat.pool_id = %(pool)s AND seat.person_id = told.person_id)
"""

_LEDGER_DRIFT = f"""{_TOLD},
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
