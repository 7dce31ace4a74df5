"""The only writer of Seat, WaitingEntry and Pool.held: who gets a seat, and who loses one.

`settle` is the whole of it. Under the lock of one pool's row it compares, for the
people of a push (or for everybody), what they are entitled to with what they hold,
then in one statement releases, takes over, grants in order, keeps the waiting list and
writes the ledger and the invitations. Everything that can change an entitlement
ends in it: pushes, group pushes, pages, commands, workers, reconciliation.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection

from accounts import clock
from accounts.cause import Cause
from accounts.models import Application, Person, Product
from accounts.profile import Profile
from accounts.refusal import Refusal
from licensing.models import LedgerEntry, Pool, Seat, WaitingEntry


@dataclasses.dataclass(frozen=True, slots=True)
class LockedPool:
    """A pool whose row this transaction has locked: its numbers cannot change under us."""

    id: int
    organization_id: int
    product: str
    purchased: int
    held: int

    @property
    def free(self) -> int:
        return max(0, self.purchased - self.held)


@dataclasses.dataclass(frozen=True, slots=True)
class Allocation:
    """What `settle` did: ids of people, each list in allocation order.

    waiting: of the people asked about, those who are entitled and have no seat.
    """

    granted: list[int] = dataclasses.field(default_factory=list)
    released: list[int] = dataclasses.field(default_factory=list)
    taken_over: list[int] = dataclasses.field(default_factory=list)
    waiting: list[int] = dataclasses.field(default_factory=list)


def lock(pool_id: int) -> LockedPool:
    """One allocation at a time a pool (R15). Taken last, held until the commit."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, organization_id, product, purchased, held FROM licensing_pool "
            "WHERE id = %s FOR NO KEY UPDATE",
            [pool_id],
        )
        return LockedPool(*cursor.fetchone())


def settle(
    pool_id: int,
    people: Sequence[int] | None,
    *,
    cause: Cause,
    claiming: bool = False,
) -> Allocation:
    """Give every one of these people what they are entitled to, in the order of R17.

    people: ids of Person; None is everybody of the pool. Those first on the waiting
    list are always looked at too, so that a freed seat goes to them (R20) and nobody
    is seated past an earlier one who waits.
    claiming: the push manages these people from now on (created, taken over, activated
    or deactivated them), so seats that they hold by hand become SCIM's (R12).
    Runs inside the caller's transaction. Repeating it changes nothing.
    Source: R12, R13, R15–R18, R20, R21.
    """
    pool = lock(pool_id)
    everybody = people is None
    with connection.cursor() as cursor:
        cursor.execute(
            _SETTLE_EVERYBODY if everybody else _SETTLE_SOME,
            {
                "pool": pool.id,
                "organization": pool.organization_id,
                "people": list(people or ()),
                "first_waiting": pool.free + len(people or ()),
                "room": pool.purchased - pool.held,
                "claiming": claiming,
                "now": clock.now(),
                "because": cause.because,
                "application": cause.application_id,
                "admin": cause.admin_id,
                "request_id": cause.request_id,
                "product": Product(pool.product).label,
            },
        )
        rows = cursor.fetchall()
    done: dict[str, list[int]] = {"grant": [], "release": [], "take_over": [], "wait": []}
    for deed, person_id in rows:
        done[deed].append(person_id)
    asked = None if everybody else set(people or ())
    return Allocation(
        granted=done["grant"],
        released=done["release"],
        taken_over=done["take_over"],
        waiting=[person for person in done["wait"] if asked is None or person in asked],
    )


def shortage(pool_id: int) -> int:
    """How many licenses the pool is short of: everybody who waits."""
    return WaitingEntry.objects.filter(pool_id=pool_id).count()


def seats_missing(pool: Pool | LockedPool, missing: int) -> Refusal:
    """R18, R19: the answer that names the product and how many licenses are missing."""
    label = Product(pool.product).label
    licenses, are = ("license", "is") if missing == 1 else ("licenses", "are")
    return Refusal(
        "seats_missing",
        f"{missing} more {label} {licenses} {are} needed: all {pool.purchased} purchased are "
        f"assigned. Buy more or free some, then push again.",
    )


def note_refusal(
    pool_id: int, application: Application, profile: Profile, person_id: int | None, *, cause: Cause
) -> Refusal:
    """A push was refused whole: the person stands on the waiting list all the same (R18).

    Runs in a transaction of its own, after the push was rolled back. Returns the
    refusal with the number of licenses that are missing now.
    """
    pool = lock(pool_id)
    now = clock.now()
    values = {
        "organization_id": pool.organization_id,
        "email": profile.email[:320],
        "name": profile.name[:520],
        "employee_number": profile.employee_number[:256],
        "sort_key": profile.sort_key,
        "reason": (
            f"All {Product(pool.product).label} licenses were assigned when "
            f"{application.name} pushed this person; the push was refused and succeeds "
            f"once a license is free."
        ),
        "refused": True,
    }
    key = (
        {"pool_id": pool.id, "person_id": person_id}
        if person_id is not None
        else {
            "pool_id": pool.id,
            "application_id": application.pk,
            "user_name_key": profile.user_name_key,
            "person": None,
        }
    )
    if not WaitingEntry.objects.filter(**key).update(**values):
        WaitingEntry.objects.create(
            **key
            | values
            | {
                "application_id": application.pk,
                "user_name_key": profile.user_name_key,
                "since": now,
            }
        )
    LedgerEntry.objects.create(
        organization_id=pool.organization_id,
        pool_id=pool.id,
        deed=LedgerEntry.Deed.REFUSE,
        person_id=person_id,
        email=profile.email[:512],
        application=application,
        request_id=cause.request_id,
        because=f"{cause.because}, and no license was free",
        at=now,
    )
    return seats_missing(pool, shortage(pool.id))


def grant_by_hand(pool_id: int, person: Person, *, cause: Cause) -> Seat:
    """A seat given by an admin (R10). A person who holds one keeps it.

    Refused: the pool is used up ("seats_missing").
    """
    pool = lock(pool_id)
    seat = Seat.objects.filter(pool_id=pool.id, person=person).first()
    if seat is not None:
        return seat
    if not pool.free:
        raise seats_missing(pool, shortage(pool.id) + 1)
    now = clock.now()
    seat = Seat.objects.create(
        organization_id=pool.organization_id,
        pool_id=pool.id,
        person=person,
        source=Seat.Source.MANUAL,
        granted_at=now,
    )
    WaitingEntry.objects.filter(pool_id=pool.id, person=person).delete()
    Pool.objects.filter(pk=pool.id).update(held=pool.held + 1)
    _write_line(pool, LedgerEntry.Deed.GRANT, cause, person, Seat.Source.MANUAL, now)
    _invite(pool, seat, now)
    return seat


def release_by_hand(pool_id: int, person: Person, *, cause: Cause) -> None:
    """An admin removes a seat that was given by hand (R12).

    Refused: there is none ("no_seat"), or it is an application's ("seat_is_scim").
    """
    pool = lock(pool_id)
    label = Product(pool.product).label
    seat = (
        Seat.objects.select_related("application")
        .filter(pool_id=pool.id, person=person)
        .first()
    )
    if seat is None:
        raise Refusal("no_seat", f"{person} has no {label} license.")
    if seat.application is not None:
        raise Refusal(
            "seat_is_scim",
            f"{person}'s {label} license is managed by {seat.application.name}: "
            f"deactivate the person or remove them from the group in the identity provider.",
        )
    seat.delete()
    Pool.objects.filter(pk=pool.id).update(held=pool.held - 1)
    _write_line(pool, LedgerEntry.Deed.RELEASE, cause, person, Seat.Source.MANUAL, clock.now())
    settle(pool.id, (), cause=Cause("A license was freed", request_id=cause.request_id))


def activate(pool_id: int, person: Person, *, cause: Cause) -> Seat:
    """The owner activates the seat (R14); a second time changes nothing.

    Refused: the person has no seat ("no_seat").
    """
    pool = lock(pool_id)
    seat = Seat.objects.filter(pool_id=pool.id, person=person).first()
    if seat is None:
        raise Refusal(
            "no_seat",
            f"{person} has no {Product(pool.product).label} license, so there is "
            f"nothing to activate.",
        )
    if seat.state == Seat.State.PROVISIONED:
        seat.state, seat.activated_at = Seat.State.ACTIVATED, clock.now()
        seat.save(update_fields=["state", "activated_at"])
        _write_line(
            pool, LedgerEntry.Deed.ACTIVATE, cause, person, seat.source, seat.activated_at
        )
    return seat


def note(pool: Pool, deed: str, cause: Cause, *, seats: int | None = None) -> None:
    """A ledger line about the pool itself."""
    LedgerEntry.objects.create(
        organization_id=pool.organization_id,
        pool=pool,
        deed=deed,
        application_id=cause.application_id,
        admin_id=cause.admin_id,
        request_id=cause.request_id,
        seats=seats,
        because=cause.because,
        at=clock.now(),
    )


def holding_by_hand(people: Iterable[int]) -> set[int]:
    """Those of these people who hold a seat given by hand, in whichever pool."""
    return set(
        Seat.objects.filter(person__in=list(people), source=Seat.Source.MANUAL).values_list(
            "person_id", flat=True
        )
    )


# ------------------------------------------------------------------ inside


def _write_line(
    pool: LockedPool, deed: str, cause: Cause, person: Person, source: str, at: dt.datetime
) -> None:
    LedgerEntry.objects.create(
        organization_id=pool.organization_id,
        pool_id=pool.id,
        deed=deed,
        person=person,
        email=person.email[:512],
        application_id=cause.application_id,
        admin_id=cause.admin_id,
        source=source,
        request_id=cause.request_id,
        because=cause.because,
        at=at,
    )


def _invite(pool: LockedPool, seat: Seat, now: dt.datetime) -> None:
    from accounts.models import Outbox

    Outbox.objects.create(
        organization_id=pool.organization_id,
        kind="invitation",
        payload={"seat": seat.pk},
        created_at=now,
        due_at=now,
    )


# One statement. Every part reads the data as it was before; the lock on the pool's row
# was taken by an earlier statement, so that nothing can have changed in between.
_STATEMENT = """
WITH {scope}
verdict AS MATERIALIZED (
    SELECT
        coalesce(linked.person_id, seat.person_id) AS person_id,
        seat.id AS seat_id,
        seat.source,
        linked.application_id,
        linked.user_name_key,
        linked.sort_key,
        NOT coalesce(linked.entitled, false) AS carried_over,
        CASE
            WHEN seat.id IS NULL THEN CASE WHEN linked.entitled THEN 'want' END
            WHEN seat.source = 'manual' THEN CASE
                WHEN NOT %(claiming)s OR linked.person_id IS NULL THEN NULL
                WHEN linked.active THEN 'take_over'
                ELSE 'release' END
            WHEN linked.entitled THEN CASE
                WHEN seat.carried_over OR seat.application_id <> linked.application_id
                THEN 'move' END
            WHEN seat.carried_over AND linked.active THEN NULL
            ELSE 'release'
        END AS deed
    FROM linked FULL JOIN held seat ON seat.person_id = linked.person_id
),
released AS (
    DELETE FROM licensing_seat seat USING verdict
    WHERE seat.id = verdict.seat_id AND verdict.deed = 'release'
    RETURNING seat.person_id, seat.source
),
kept AS (
    UPDATE licensing_seat seat
    SET source = 'scim', application_id = verdict.application_id,
        carried_over = verdict.carried_over
    FROM verdict
    WHERE seat.id = verdict.seat_id AND verdict.deed IN ('take_over', 'move')
),
granted AS (
    INSERT INTO licensing_seat (organization_id, pool_id, person_id, application_id, source,
                                state, carried_over, granted_at)
    SELECT %(organization)s, %(pool)s, person_id, application_id, 'scim',
           'provisioned', false, %(now)s
    FROM verdict WHERE deed = 'want'
    ORDER BY sort_key COLLATE "C", person_id
    LIMIT greatest(0, %(room)s::int + (SELECT count(*) FROM released))
    RETURNING id, person_id
),
unseated AS MATERIALIZED (
    SELECT verdict.* FROM verdict
    WHERE deed = 'want' AND NOT EXISTS (
        SELECT 1 FROM granted WHERE granted.person_id = verdict.person_id)
),
done AS (
    SELECT verdict.deed, verdict.person_id, verdict.sort_key, verdict.source,
           verdict.application_id
    FROM verdict WHERE deed IN ('release', 'take_over', 'move')
    UNION ALL
    SELECT 'grant', verdict.person_id, verdict.sort_key, 'scim', verdict.application_id
    FROM granted JOIN verdict USING (person_id)
),
no_longer_waiting AS (
    DELETE FROM licensing_waitingentry waiting
    WHERE waiting.pool_id = %(pool)s AND ({no_longer_waiting})
),
now_waiting AS (
    INSERT INTO licensing_waitingentry (organization_id, pool_id, application_id, person_id,
        user_name_key, email, name, employee_number, sort_key, since, reason, refused)
    SELECT %(organization)s, %(pool)s, unseated.application_id, unseated.person_id,
        unseated.user_name_key, person.email,
        trim(person.first_name || ' ' || person.last_name), person.employee_number,
        unseated.sort_key, %(now)s,
        'All ' || %(product)s::text || ' licenses are assigned; a seat follows as soon as one '
        || 'is free, in the order of employee number and name.', false
    FROM unseated JOIN accounts_person person ON person.id = unseated.person_id
    ON CONFLICT (pool_id, person_id) DO UPDATE
    SET application_id = excluded.application_id, user_name_key = excluded.user_name_key,
        email = excluded.email, name = excluded.name,
        employee_number = excluded.employee_number, sort_key = excluded.sort_key,
        reason = excluded.reason, refused = false
    WHERE (licensing_waitingentry.sort_key, licensing_waitingentry.email,
           licensing_waitingentry.application_id, licensing_waitingentry.refused)
        IS DISTINCT FROM (excluded.sort_key, excluded.email, excluded.application_id, false)
),
lines AS (
    INSERT INTO licensing_ledgerentry (organization_id, pool_id, deed, person_id, email,
        application_id, admin_id, source, request_id, because, at)
    SELECT %(organization)s, %(pool)s,
        CASE done.deed WHEN 'move' THEN 'take_over' ELSE done.deed END,
        person.id, person.email,
        coalesce(%(application)s::uuid, done.application_id), %(admin)s::bigint,
        CASE done.deed WHEN 'release' THEN done.source ELSE 'scim' END,
        %(request_id)s::text,
        %(because)s::text || CASE done.deed
            WHEN 'grant' THEN ': eligible, active, and a license was free'
            WHEN 'release' THEN ': no longer eligible and active'
            WHEN 'take_over' THEN ': the seat was given by hand and is managed by SCIM from now on'
            ELSE ': the seat is held through another group or application from now on' END,
        %(now)s
    FROM done JOIN accounts_person person ON person.id = done.person_id
    ORDER BY done.deed <> 'release', done.sort_key COLLATE "C", person.id
),
invitations AS (
    INSERT INTO accounts_outbox (organization_id, kind, payload, created_at, due_at, attempts,
                                 error)
    SELECT %(organization)s, 'invitation', jsonb_build_object('seat', granted.id),
           %(now)s, %(now)s, 0, ''
    FROM granted
),
counted AS (
    UPDATE licensing_pool SET held = held
        + (SELECT count(*) FROM granted) - (SELECT count(*) FROM released)
    WHERE id = %(pool)s AND EXISTS (
        SELECT 1 FROM done WHERE deed IN ('grant', 'release'))
)
SELECT deed, person_id FROM (
    SELECT deed, person_id, sort_key FROM done WHERE deed <> 'move'
    UNION ALL
    SELECT 'wait', person_id, sort_key FROM unseated
) answer ORDER BY sort_key COLLATE "C", person_id
"""

# Whom the pool's applications provide: of several links of one person the one that
# entitles, and among those the one whose seat it is.
_LINKED = """
    SELECT DISTINCT ON (link.person_id)
        link.person_id, link.application_id, link.user_name_key, link.sort_key, link.active,
        link.active AND (policy.eligibility = 'everyone' OR EXISTS (
            SELECT 1 FROM licensing_eligiblegroup chosen
            JOIN accounts_membership membership ON membership.group_id = chosen.group_id
            WHERE chosen.policy_id = policy.application_id
              AND membership.person_id = link.person_id)) AS entitled
    FROM licensing_policy policy
    JOIN accounts_link link ON link.application_id = policy.application_id
    {of_scope}
    LEFT JOIN licensing_seat own ON own.pool_id = %(pool)s AND own.person_id = link.person_id
        AND own.application_id = link.application_id
    WHERE policy.pool_id = %(pool)s
    ORDER BY link.person_id, entitled DESC, link.active DESC, own.id, link.created_at
"""

_SETTLE_SOME = _STATEMENT.format(
    scope=f"""
scope AS MATERIALIZED (
    SELECT unnest(%(people)s::bigint[]) AS person_id
    UNION
    (SELECT person_id FROM licensing_waitingentry
     WHERE pool_id = %(pool)s AND NOT refused
     ORDER BY sort_key LIMIT %(first_waiting)s)
),
linked AS MATERIALIZED ({_LINKED.format(of_scope="JOIN scope ON scope.person_id = link.person_id")}),
held AS MATERIALIZED (
    SELECT seat.* FROM scope JOIN licensing_seat seat
        ON seat.person_id = scope.person_id AND seat.pool_id = %(pool)s
),
""",
    no_longer_waiting="""
        (waiting.person_id IN (SELECT person_id FROM scope)
         AND waiting.person_id NOT IN (SELECT person_id FROM unseated))
        OR (waiting.person_id IS NULL AND EXISTS (
            SELECT 1 FROM linked WHERE linked.application_id = waiting.application_id
              AND linked.user_name_key = waiting.user_name_key))""",
)

_SETTLE_EVERYBODY = _STATEMENT.format(
    scope=f"""
linked AS MATERIALIZED ({_LINKED.format(of_scope="")}),
held AS MATERIALIZED (SELECT * FROM licensing_seat WHERE pool_id = %(pool)s),
""",
    no_longer_waiting="""
        (waiting.person_id IS NOT NULL AND NOT waiting.refused
         AND NOT EXISTS (SELECT 1 FROM unseated WHERE unseated.person_id = waiting.person_id))
        OR (waiting.person_id IS NULL AND EXISTS (
            SELECT 1 FROM linked WHERE linked.application_id = waiting.application_id
              AND linked.user_name_key = waiting.user_name_key))""",
)
