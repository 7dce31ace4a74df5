"""Recompute everything, report the drift, repair it (R9, R21). A second run changes nothing."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import logging
import time
import uuid
from collections.abc import Callable, Iterator
from typing import NamedTuple

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet

from accounts import audit, changes, clock
from accounts.cause import Cause
from accounts.deeds import Deed
from accounts.models import Admin, Organization, Person
from accounts.sets import among
from licensing import allocation, eligibility, forecast, pools, seals
from licensing.models import Pool, Reconciled, Seat, WaitingEntry

_CAUSE = Cause("Reconciliation found a difference")
_log = logging.getLogger("seatkeeper.ledger")


#: A run that was asked for and began so long ago without an end was killed: it begins again.
PATIENCE = dt.timedelta(minutes=10)


@dataclasses.dataclass(frozen=True, slots=True)
class Reconciliation:
    """granted, revoked: e-mail addresses, in allocation order. waiting: how many wait, and who
    only where it was asked for, since they may be most of a million.

    drift: how many differences were found, and repaired.
    """

    granted: list[str]
    revoked: list[str]
    waiting: int
    drift: int
    who_waits: list[str] = dataclasses.field(default_factory=list)


class _Undo(Exception):
    """A dry run: do everything, then roll it back."""


def reconcile(
    organization: Organization | None = None,
    *,
    dry_run: bool = False,
    naming: bool = False,
    told: Callable[[int], None] = lambda pools: None,
) -> Reconciliation:
    """Every pool of the organization, or of all; each in its own transaction.

    naming: tell who waits too, as it is afterwards. told: called with how many pools are done.
    """
    pools = Pool.objects.all() if organization is None else Pool.objects.of(organization)
    found = []
    for pool in in_turn(pools):
        found.append(reconcile_pool(pool, dry_run=dry_run, naming=naming))
        told(len(found))
    results = [result for result in found if result is not None]
    return Reconciliation(
        granted=[email for result in results for email in result.granted],
        revoked=[email for result in results for email in result.revoked],
        waiting=sum(result.waiting for result in results),
        drift=sum(result.drift for result in results),
        who_waits=[email for result in results for email in result.who_waits],
    )


def ask(pool: Pool, *, by: Admin) -> bool:
    """The worker reconciles the pool within a minute; False: it was asked to already (R9, R26)."""

    def change() -> bool:
        row, _ = Reconciled.objects.select_for_update().get_or_create(
            pool=pool, defaults={"organization_id": pool.organization_id}
        )
        if row.asked_at is not None:
            return False
        Reconciled.objects.filter(pk=row.pk).update(asked_at=clock.now(), asked_by=by)
        audit.note(pool.organization_id, Deed.RECONCILIATION_ASKED, pools.subject(pool), by=by)
        return True

    return changes.run(change)


def asked() -> QuerySet[Pool]:
    """What the worker was asked to reconcile and has not begun; or began, and was killed."""
    killed = Q(reconciled__started_at__lt=clock.now() - PATIENCE)
    begun = Q(reconciled__started_at__gte=F("reconciled__asked_at")) & ~killed
    return in_turn(Pool.objects.filter(reconciled__asked_at__isnull=False).exclude(begun))


def in_turn(pools: QuerySet[Pool]) -> QuerySet[Pool]:
    """Those that were not begun for longest come first: a run that was killed goes on with
    the next pool, and one that cannot end keeps no other waiting."""
    return pools.order_by(F("reconciled__started_at").asc(nulls_first=True), "id")


def reconcile_pool(
    pool: Pool,
    *,
    dry_run: bool = False,
    naming: bool = False,
    wait: bool = True,
    by: Admin | None = None,
) -> Reconciliation | None:
    """Recompute and repair; then seal the ledger, look whether it is whole, and keep how it went.

    One run at a time a pool: another one waits, or (wait=False) does nothing and gets None.
    A ledger that does not match its seals is no drift, since nothing can repair it: it is an
    error in the log and a notice on the pool's page. A dry run writes nothing at all. What an
    admin asked for (`ask`) is done by any run that begins afterwards, and noted as theirs. by: the
    admin who does it now.
    """
    if dry_run:
        return _recompute(pool, dry_run=True, naming=naming)
    with _alone(pool, wait=wait) as alone:
        if not alone:
            return None
        began = time.monotonic()
        row, _ = Reconciled.objects.update_or_create(
            pool=pool, defaults={"organization_id": pool.organization_id, "started_at": clock.now()}
        )
        by = by or row.asked_by
        result = _recompute(pool, naming=naming, by=by, asked_at=row.asked_at)
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
        waiting=result.waiting,
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


def _recompute(
    pool: Pool,
    *,
    dry_run: bool = False,
    naming: bool,
    by: Admin | None = None,
    asked_at: dt.datetime | None = None,
) -> Reconciliation:
    """1. bind chosen groups, lock; 2. the ledger against the seats; 3. the counter against the
    seats; 4. seats by hand against the ledger; 5. seats and waiting list against what people are
    entitled to.

    asked_at: what was asked for when it began is done with it, so that a run that is killed
    afterwards leaves nothing to be noted twice (R26).
    """
    result: Reconciliation | None = None
    try:
        with transaction.atomic(durable=True):
            bound = eligibility.bind(pool.pk)  # ahead of the pool's row, as pushes of groups do
            allocation.lock(pool.pk)
            unlike = _unlike_the_ledger(pool)
            _repair_ledger(pool, unlike)
            drift = bound + len(unlike) + _repair_counter(pool)
            taken_back, given_back = _repair_by_hand(pool, unlike)
            allocated = allocation.settle(pool.pk, None, cause=_CAUSE)
            granted = given_back + allocated.granted
            revoked = taken_back + allocated.released
            drift += len(granted) + len(revoked) + len(allocated.moved) + allocated.entries
            waiting = WaitingEntry.objects.filter(pool=pool)
            result = Reconciliation(
                granted=_emails(granted),
                revoked=_emails(revoked),
                waiting=waiting.count(),
                drift=drift,
                who_waits=list(waiting.order_by("sort_key", "id").values_list("email", flat=True))
                if naming
                else [],
            )
            if by is not None:
                about = {
                    "drift": drift,
                    "granted": audit.listed(result.granted),
                    "revoked": audit.listed(result.revoked),
                    "waiting": result.waiting,
                }
                audit.note(
                    pool.organization_id, Deed.RECONCILED, pools.subject(pool), by=by, after=about
                )
            if asked_at is not None:
                Reconciled.objects.filter(pool=pool, asked_at=asked_at).update(
                    asked_at=None, asked_by=None
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


class _Unlike(NamedTuple):
    """A seat that no line tells of (held), or a line of a seat that is not there.

    source, application_id: of the seat, or (without application) as the line says.
    """

    person_id: int
    held: bool
    source: str
    application_id: uuid.UUID | None

    @property
    def by_hand(self) -> bool:
        return self.source == Seat.Source.MANUAL


def _unlike_the_ledger(pool: Pool) -> list[_Unlike]:
    """The seats follow from the ledger: its last word on a person is whether they hold one."""
    with connection.cursor() as cursor:
        cursor.execute(_UNLIKE_THE_LEDGER, {"pool": pool.pk})
        return [_Unlike(*row) for row in cursor.fetchall()]


def _repair_ledger(pool: Pool, unlike: list[_Unlike]) -> None:
    """A seat that no line tells of gets a line; a line of a seat that is not there is answered
    by a release."""
    if not unlike:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _TELL_LEDGER,
            {
                "pool": pool.pk,
                "organization": pool.organization_id,
                "people": [one.person_id for one in unlike],
                "held": [one.held for one in unlike],
                "sources": [one.source for one in unlike],
                "applications": [one.application_id for one in unlike],
            },
        )


def _repair_by_hand(pool: Pool, unlike: list[_Unlike]) -> tuple[list[int], list[int]]:
    """Take back what nobody gave, give back what was lost as far as seats are free: nobody is
    entitled to a seat by hand, so the ledger alone says who has one."""
    forged = [one.person_id for one in unlike if one.by_hand and one.held]
    allocation.take_back(pool.pk, forged, cause=_CAUSE)
    lost = [one.person_id for one in unlike if one.by_hand and not one.held]
    locked = allocation.lock(pool.pk)
    given_back = list(
        Person.objects.filter(pk__in=among(lost, "bigint"), removed_at=None)
        .order_by("sort_key", "id")
        .values_list("pk", flat=True)[: locked.free]
    )
    if given_back:
        allocation.give_by_hand(locked, given_back, cause=_CAUSE)
    return forged, given_back


def _emails(people: list[int]) -> list[str]:
    found = Person.objects.filter(pk__in=among(people, "bigint")).order_by("sort_key", "id")
    return list(found.values_list("email", flat=True))


# Who holds a seat by the last word of the ledger on them, and from where it came.
_UNLIKE_THE_LEDGER = """
WITH last_word AS (
    SELECT DISTINCT ON (person_id) person_id, deed, source
    FROM licensing_ledgerentry
    WHERE pool_id = %(pool)s AND person_id IS NOT NULL
      AND deed IN ('grant', 'take_over', 'activate', 'release')
    ORDER BY person_id, id DESC
),
told AS (SELECT person_id, source FROM last_word WHERE deed <> 'release')
SELECT coalesce(seat.person_id, told.person_id) AS person_id, seat.id IS NOT NULL,
    coalesce(seat.source, told.source), seat.application_id
FROM told
FULL JOIN (SELECT * FROM licensing_seat WHERE pool_id = %(pool)s) seat
    ON seat.person_id = told.person_id
WHERE told.person_id IS NULL OR seat.person_id IS NULL
ORDER BY person_id
"""

_TELL_LEDGER = """
INSERT INTO licensing_ledgerentry (organization_id, pool_id, deed, person_id, email,
    application_id, source, request_id, because, at)
SELECT %(organization)s, %(pool)s, CASE WHEN unlike.held THEN 'grant' ELSE 'release' END,
    person.id, person.email, unlike.application_id,
    CASE WHEN unlike.held THEN unlike.source ELSE '' END, '',
    CASE WHEN unlike.held THEN 'Reconciliation found a seat that no line told of'
        ELSE 'Reconciliation found no seat where a line told of one' END,
    now()
FROM unnest(%(people)s::bigint[], %(held)s::bool[], %(sources)s::text[], %(applications)s::uuid[])
    AS unlike(person_id, held, source, application_id)
JOIN accounts_person person ON person.id = unlike.person_id
ORDER BY person.sort_key COLLATE "C", person.id
"""
