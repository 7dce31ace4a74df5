"""Idle seats: not activated, or not used, for as long as the admin says; listed and reclaimed.

A seat is idle when the pool's `idle_after_days` have passed since it was granted, activated
or used, whichever came last. Reclaiming it releases it, with its line in the ledger, and
remembers the person (`Reclaimed`), so that what entitles them does not give it right back:
it comes back when an application activates them again, or when an admin gives it back.
The freed seats go to those who wait, in order (R20). A seat that SCIM says must stay, since
its owner is entitled (R16), is reclaimed only where the admin allows it.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Collection, Mapping
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Greatest
from django.urls import reverse

from accounts import audit, changes, clock, people, sql
from accounts.cause import Cause
from accounts.deeds import Deed
from accounts.mail import Message
from accounts.models import Admin, Link, Organization, Outbox, Person, Product
from accounts.refusal import Refusal
from licensing import activation, allocation, pools
from licensing.models import EligibleGroup, Policy, Pool, Reclaimed, Seat, WaitingEntry

MOST_DAYS = 3650
#: The kind of the e-mail in the outbox.
WARNING = "idle_seat"


@dataclasses.dataclass(frozen=True, slots=True)
class Result:
    """Ids of people. granted: who waited and got a seat that was freed."""

    reclaimed: list[int] = dataclasses.field(default_factory=list)
    granted: list[int] = dataclasses.field(default_factory=list)
    warned: int = 0


# ------------------------------------------------------------------ the rule of a pool


def set_rule(
    organization: Organization,
    product: str,
    *,
    after_days: int | None,
    reclaim: str = Pool.Reclaim.BY_HAND,
    warn_days: int = 7,
    may_reclaim_scim: bool = False,
    by: Admin | None = None,
) -> Pool:
    """When a seat of the product is idle, and what becomes of it. after_days: None is never.

    Another number of warn_days holds for warnings from now on. Any other change takes the
    warnings back that were given by the old rule: who is idle by the new one is warned anew.
    """
    if after_days is not None and not 1 <= after_days <= MOST_DAYS:
        raise Refusal("days_invalid", f"A license is idle after 1 to {MOST_DAYS:,} days.")
    if not 1 <= warn_days <= MOST_DAYS:
        raise Refusal("days_invalid", f"A warning comes 1 to {MOST_DAYS:,} days ahead.")
    if reclaim not in Pool.Reclaim.values:
        raise Refusal(
            "reclaim_invalid", f"Licenses are reclaimed {' or '.join(Pool.Reclaim.values)}."
        )
    pool_id = pools.get(organization, product).pk
    rule = {
        "idle_after_days": after_days,
        "reclaim": reclaim,
        "may_reclaim_scim": may_reclaim_scim,
    }

    def change() -> Pool:
        allocation.lock(pool_id)
        pools_ = Pool.objects.filter(pk=pool_id)
        if not pools_.filter(**rule).exists():
            Seat.objects.filter(pool=pool_id, reclaim_at__isnull=False).update(reclaim_at=None)
        whole = rule | {"warn_days": warn_days}
        before = pools_.values(*whole).get()
        pools_.update(**whole)
        pool = pools_.get()
        audit.note(
            organization.pk,
            Deed.IDLE_RULE_CHANGED,
            pools.subject(pool),
            by=by,
            before=before,
            after=whole,
        )
        return pool

    return changes.run(change)


def of_pool(pool: Pool, *, at: dt.datetime | None = None) -> QuerySet[Any]:
    """Seats that are idle at that moment. `since`: when they were last granted, activated or
    used; `must_stay`: SCIM says so, and the admin allows nothing else."""
    if pool.pk is None or pool.idle_after_days is None:
        seats = Seat.objects.none()
    else:
        seats = Seat.objects.filter(_idle(pool, at or clock.now()), pool=pool)
    return seats.alias(entitled=Exists(_entitling_links())).annotate(
        since=_since(),
        must_stay=Value(False) if pool.may_reclaim_scim else _MUST_STAY,
    )


def reclaimable(pool: Pool, *, at: dt.datetime | None = None) -> QuerySet[Any]:
    """Idle seats that may be reclaimed."""
    seats = of_pool(pool, at=at)
    return seats if pool.may_reclaim_scim else seats.filter(must_stay=False)


def count(pool: Pool) -> int:
    """How many seats are idle now."""
    if pool.pk is None or pool.idle_after_days is None:
        return 0
    return Seat.objects.filter(_idle(pool, clock.now()), pool=pool).count()


def note_uses(pool_id: int, uses: Mapping[int, dt.datetime]) -> int:
    """These people used the product, each last at that moment: their seats are not idle since.

    uses: by id of Person; who has no activated seat here is left out. An older use than the
    one that is known changes nothing; one in the future counts as now. A warning that was
    given is taken back. Returns how many seats it is news of. Within the transaction of the
    caller, to whom the pool's lock is the last one that it takes.
    """
    if not uses:
        return 0
    allocation.lock(pool_id)
    with connection.cursor() as cursor:
        cursor.execute(
            _NOTE_USES,
            {
                "pool": pool_id,
                "people": list(uses),
                "ats": list(uses.values()),
                "now": clock.now(),
            },
        )
        return cursor.rowcount


# ------------------------------------------------------------------ reclaiming


def reclaim(
    pool: Pool,
    chosen: Collection[int] | None,
    *,
    by: Admin | None,
    at: dt.datetime | None = None,
) -> Result:
    """An admin reclaims idle seats: of these people, or of all who could be chosen.

    chosen: ids of Person; None is everybody whose seat was idle at that moment (when the
    admin looked) and still is. Who used theirs meanwhile, or must stay, is left out.
    """
    moment = min(at or clock.now(), clock.now())
    wanted = None if chosen is None else set(chosen)

    def choose(pool: Pool) -> list[tuple[int, int]]:
        seats = reclaimable(pool, at=moment).values_list("person_id", "pk")
        return [row for row in seats if wanted is None or row[0] in wanted]

    cause = Cause.by(by, "reclaimed the seat")

    def change() -> Result:
        done = _reclaim(pool.pk, choose, cause)
        if done.reclaimed:
            held_by = Person.objects.filter(pk__in=done.reclaimed[: audit.NAMED]).order_by(
                "sort_key"
            )
            about = {
                "licenses": len(done.reclaimed),
                "people": [str(person) for person in held_by],
            }
            audit.note(
                pool.organization_id, Deed.SEATS_RECLAIMED, pools.subject(pool), by=by, after=about
            )
        return done

    return changes.run(change)


def sweep(pool_id: int) -> Result:
    """What the worker does once a day: reclaim from whoever was warned in time, and warn who
    is idle now (once, until they use the seat). Nothing, unless the pool says automatic."""

    def change() -> Result:
        cause = Cause("Seatkeeper reclaimed the seat, after a warning")
        done = _reclaim(pool_id, _warned_in_time, cause)
        return dataclasses.replace(done, warned=_warn(pool_id))

    return changes.run(change)


def give_back(pool: Pool, person: Person, *, by: Admin | None = None) -> str:
    """An admin undoes a reclaim. Returns "granted", "waiting", or "not_eligible": what was
    SCIM's comes back as soon as an application makes the person eligible again.

    A seat that was given by hand is given by hand again. Refused: nothing was reclaimed
    ("not_reclaimed"), the person is gone, or no license is free for a seat by hand.
    """
    cause = Cause.by(by, "gave the seat back")

    def change() -> str:
        held = people.hold(person.pk)
        allocation.lock(pool.pk)
        reclaimed = Reclaimed.objects.filter(pool=pool, person=held).first()
        if reclaimed is None:
            raise Refusal(
                "not_reclaimed",
                f"No {pool.get_product_display()} license of {held.name} was reclaimed.",
            )
        if held.removed_at is not None:
            raise Refusal("person_removed", f"{held.name} was removed: nothing holds the account.")
        reclaimed.delete()
        about = {"product": pool.get_product_display()}
        audit.note(pool.organization_id, Deed.SEAT_GIVEN_BACK, held, by=by, after=about)
        allocated = allocation.settle(pool.pk, [held.pk], cause=cause)
        if held.pk in allocated.granted or Seat.objects.filter(pool=pool, person=held).exists():
            return "granted"
        if WaitingEntry.objects.filter(pool=pool, person=held, refused=False).exists():
            return "waiting"
        if not reclaimed.by_hand:
            return "not_eligible"
        allocation.grant_by_hand(pool.pk, held, cause=cause)
        return "granted"

    return changes.run(change)


def welcome_back(pool_id: int, person_id: int) -> None:
    """An application activates the person again: they are entitled as if nothing was reclaimed.

    Runs in the transaction of the push, which holds the person; settling is the caller's.
    """
    sql.fetch(
        "DELETE FROM licensing_reclaimed WHERE pool_id = %(pool)s AND person_id = %(person)s",
        {"pool": pool_id, "person": person_id},
    )


def warning(payload: dict[str, Any]) -> Message | None:
    """The e-mail before an idle seat is reclaimed; None when it was used or lost meanwhile."""
    seat = (
        Seat.objects.select_related("person", "pool", "organization")
        .filter(pk=payload["seat"], reclaim_at__isnull=False)
        .first()
    )
    if seat is None or seat.reclaim_at is None or "@" not in seat.person.email:
        return None
    unused = seat.state != Seat.State.PROVISIONED
    return _letter(
        seat.person.email,
        seat.organization,
        name=seat.person.first_name or seat.person.name,
        product=seat.pool.get_product_display(),
        day=seat.reclaim_at,
        link="" if unused else activation.link(seat),
    )


def sample(organization: Organization, to: str) -> Message:
    """The e-mail with made-up data."""
    return _letter(
        to,
        organization,
        name="Ada",
        product=Product.SALES_NAVIGATOR.label,
        day=clock.now() + dt.timedelta(days=7),
        link=settings.PUBLIC_URL + reverse("licensing:activate", args=["EXAMPLE"]),
    )


# ------------------------------------------------------------------ inside


def _letter(
    to: str, organization: Organization, *, name: str, product: str, day: dt.datetime, link: str
) -> Message:
    """link: by which it is activated; empty when it was, and was not used."""
    if link:
        why = "You have not activated it yet. To keep it, activate it before that day."
    else:
        why = f"You have not used it lately. To keep it, use {product} before that day."
    return Message(
        to=to,
        subject=f"Your {product} license will be taken back",
        paragraphs=(
            f"Hello {name},",
            f"the {product} license that {organization.name} has assigned you will be "
            f"taken back on {day:%d %B %Y}. {why}",
        ),
        button=("Activate the license", link) if link else None,
        after=("The link is yours alone.",) if link else (),
        preheader=f"It will be taken back on {day:%d %B %Y}. {why}",
        why=f"You get this because you hold a license of {organization.name}.",
    )


def _since() -> Greatest:
    """Moments that are missing do not count."""
    return Greatest("granted_at", "activated_at", "last_used_at")


def _idle(pool: Pool, at: dt.datetime) -> Q:
    days = dt.timedelta(days=pool.idle_after_days or 0)
    before = at - days
    return Q(granted_at__lte=before) & (
        (Q(activated_at=None) | Q(activated_at__lte=before))
        & (Q(last_used_at=None) | Q(last_used_at__lte=before))
    )


# A seat of SCIM's own is there because its owner is entitled; one that was carried over is
# kept although they are not. Only of a seat by hand nothing is known yet.
_MUST_STAY = Q(source=Seat.Source.SCIM, carried_over=False) | Q(
    source=Seat.Source.MANUAL, entitled=True
)


def _entitling_links() -> QuerySet[Link]:
    """What entitles the owner of a seat, as licensing.allocation has it (R16)."""
    return Link.objects.filter(
        Q(application__policy__eligibility=Policy.Eligibility.EVERYONE)
        | Exists(
            EligibleGroup.objects.filter(
                policy=OuterRef("application"),
                group__memberships__person=OuterRef("person"),
            )
        ),
        person=OuterRef("person"),
        active=True,
        application__policy__pool=OuterRef("pool"),
    )


def _warned_in_time(pool: Pool) -> list[tuple[int, int]]:
    """Idle, warned, and the day has come. A warning that could not be sent yet is none."""
    if pool.reclaim != Pool.Reclaim.AUTOMATIC:
        return []
    unsent = set(
        Outbox.objects.filter(organization=pool.organization_id, kind=WARNING, done_at=None)
        .values_list("payload__seat", flat=True)
        .order_by()
    )
    due = reclaimable(pool).filter(reclaim_at__lte=clock.now()).values_list("person_id", "pk")
    return [row for row in due if row[1] not in unsent]


def _reclaim(pool_id: int, choose: Callable[[Pool], list[tuple[int, int]]], cause: Cause) -> Result:
    """1. hold the people, before the pool as everybody does; 2. choose again under the locks;
    3. release, remember, note; 4. serve those who wait."""
    before = dict(choose(Pool.objects.get(pk=pool_id)))
    if not before:
        return Result()
    people.hold_all(before)
    allocation.lock(pool_id)
    pool = Pool.objects.get(pk=pool_id)
    seats = [seat for person, seat in choose(pool) if person in before]
    if not seats:
        return Result()
    with connection.cursor() as cursor:
        cursor.execute(
            _RECLAIM,
            {
                "pool": pool.pk,
                "organization": pool.organization_id,
                "seats": seats,
                "count": len(seats),
                "unused": f"it was not used for {_days(pool)}",
                "unactivated": f"it was not activated within {_days(pool)}",
                "because": cause.because,
                "admin": cause.admin_id,
                "now": clock.now(),
            },
        )
        reclaimed = [row[0] for row in cursor.fetchall()]
    freed = allocation.settle(pool.pk, (), cause=Cause("An idle seat was freed"))
    return Result(reclaimed, freed.granted)


def _warn(pool_id: int) -> int:
    """Each once, by one line of the outbox; who cannot be written to is left to the admin."""
    allocation.lock(pool_id)
    pool = Pool.objects.get(pk=pool_id)
    if pool.reclaim != Pool.Reclaim.AUTOMATIC:
        return 0
    idle = list(
        reclaimable(pool)
        .filter(reclaim_at=None, person__email__contains="@")
        .values_list("pk", flat=True)
    )
    if not idle:
        return 0
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(
            _WARN,
            {
                "seats": idle,
                "reclaim_at": now + dt.timedelta(days=pool.warn_days),
                "kind": WARNING,
                "now": now,
            },
        )
        return cursor.rowcount


def _days(pool: Pool) -> str:
    return "1 day" if pool.idle_after_days == 1 else f"{pool.idle_after_days} days"


_NOTE_USES = """
UPDATE licensing_seat seat SET last_used_at = use.at, reclaim_at = NULL
FROM (
    SELECT person_id, least(at, %(now)s) AS at
    FROM unnest(%(people)s::bigint[], %(ats)s::timestamptz[]) AS told(person_id, at)
) use
WHERE seat.pool_id = %(pool)s AND seat.person_id = use.person_id AND seat.state = 'activated'
  AND (seat.last_used_at IS NULL OR seat.last_used_at < use.at)
"""

_WARN = """
WITH warned AS (
    UPDATE licensing_seat SET reclaim_at = %(reclaim_at)s WHERE id = ANY(%(seats)s::bigint[])
    RETURNING id, organization_id
)
INSERT INTO accounts_outbox (organization_id, kind, payload, created_at, due_at, attempts, error)
SELECT organization_id, %(kind)s::text, jsonb_build_object('seat', id), %(now)s, %(now)s, 0, ''
FROM warned
"""

_RECLAIM = """
WITH gone AS (
    DELETE FROM licensing_seat WHERE id = ANY(%(seats)s::bigint[])
    RETURNING person_id, application_id, source, source = 'manual' OR carried_over AS by_hand,
        CASE state WHEN 'activated' THEN %(unused)s::text ELSE %(unactivated)s::text END AS because
),
remembered AS (
    INSERT INTO licensing_reclaimed (organization_id, pool_id, person_id, by_id, by_hand, because,
                                     at)
    SELECT %(organization)s, %(pool)s, person_id, %(admin)s::bigint, by_hand, because, %(now)s
    FROM gone
    ON CONFLICT (pool_id, person_id) DO UPDATE
    SET by_id = excluded.by_id, by_hand = excluded.by_hand, because = excluded.because,
        at = excluded.at
),
counted AS (UPDATE licensing_pool SET held = held - %(count)s WHERE id = %(pool)s)
INSERT INTO licensing_ledgerentry (organization_id, pool_id, deed, person_id, email,
    application_id, admin_id, source, request_id, because, at)
SELECT %(organization)s, %(pool)s, 'release', person.id, person.email, gone.application_id,
    %(admin)s::bigint, gone.source, '', %(because)s::text || ': ' || gone.because, %(now)s
FROM gone JOIN accounts_person person ON person.id = gone.person_id
ORDER BY person.sort_key, person.id
RETURNING person_id
"""
