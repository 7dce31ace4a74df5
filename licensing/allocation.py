"""The only writer of Seat, WaitingEntry and Pool.held: who gets a seat, and who loses one.

`settle` is the whole of it. Under the lock of one pool's row one query compares, for
the people of a push (or for everybody), what they are entitled to with what they
hold; then at most one statement a deed releases, takes over, grants in order and
keeps the waiting list, each with its ledger lines. Of everybody it reads and writes only
what differs. Everything that can change an entitlement ends in it: pushes, group pushes,
pages, commands, workers, reconciliation.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from django.db import connection

from accounts import clock, sql
from accounts.cause import Cause
from accounts.models import Application, Link, Person, Product
from accounts.profile import Profile
from accounts.refusal import Refusal
from accounts.sets import among
from licensing.models import LedgerEntry, Policy, Pool, Seat, WaitingEntry

#: How the ledger line of a push ends that found no license: licensing.webhook_feed knows it by.
NO_LICENSE = ", and no license was free"


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

    moved: whose seat another application of the pool answers for from now on, or by right what
    was carried over. waiting: of the people asked about, those who are entitled and have no
    seat; of everybody that is the waiting list itself, and nobody is named here.
    entries: how many lines of it were made, changed or dropped, besides those of people who
    were granted a seat; counted for everybody only.
    """

    granted: list[int] = dataclasses.field(default_factory=list)
    released: list[int] = dataclasses.field(default_factory=list)
    taken_over: list[int] = dataclasses.field(default_factory=list)
    moved: list[int] = dataclasses.field(default_factory=list)
    waiting: list[int] = dataclasses.field(default_factory=list)
    entries: int = 0


def lock(pool_id: int) -> LockedPool:
    """One allocation at a time a pool (R15). Taken last, held until the commit."""
    [row] = sql.fetch(_LOCK, {"pool": pool_id})
    return LockedPool(*row)


def settle(
    pool_id: int,
    people: Sequence[int] | None,
    *,
    cause: Cause,
    claiming: bool = False,
    answered: uuid.UUID | None = None,
) -> Allocation:
    """Give every one of these people what they are entitled to, in the order of R17.

    people: ids of Person; None is everybody of the pool. Those first on the waiting
    list are always looked at too, so that a freed seat goes to them (R20) and nobody
    is seated past an earlier one who waits.
    claiming: the push manages these people from now on (created, took over or activated
    them), so seats that they hold by hand become SCIM's (R12).
    answered: the application whose own push of these people this is, when the push says whether
    they are active: it got through, so what was refused to it before has ended (R18).
    Runs inside the caller's transaction. Repeating it changes nothing.
    Source: R12, R13, R15–R18, R20, R21.
    """
    if people is None:
        return _settle_everybody(lock(pool_id), cause)
    asked = list(people)
    pool, verdicts = _lock_and_compare(pool_id, asked, claiming, answered)
    released = [verdict for verdict in verdicts if verdict.deed == "release"]
    kept = [verdict for verdict in verdicts if verdict.deed in ("take_over", "move")]
    wanting = [verdict for verdict in verdicts if verdict.deed == "want"]
    room = max(0, pool.purchased - pool.held + len(released))
    granted, unseated = wanting[:room], wanting[room:]
    _release(pool, released, cause)
    _keep(pool, kept, cause)
    _grant(pool, granted, cause)
    _let_wait(pool, unseated, {verdict.person_id: verdict for verdict in verdicts})
    known = set(asked)
    return Allocation(
        granted=_ids(granted),
        released=_ids(released),
        taken_over=[verdict.person_id for verdict in kept if verdict.deed == "take_over"],
        moved=[verdict.person_id for verdict in kept if verdict.deed == "move"],
        waiting=[verdict.person_id for verdict in unseated if verdict.person_id in known],
    )


def shortage(pool: Pool | LockedPool) -> int:
    """How many licenses the pool is short of: everybody who waits, and those over-assigned."""
    waiting = WaitingEntry.objects.filter(pool_id=pool.id).count()
    return waiting + max(0, pool.held - pool.purchased)


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
        "application_id": application.pk,
        "user_name_key": profile.user_name_key,
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
        "asked_at": now,
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
    if not _has_meanwhile(pool, application, profile, person_id) and not (
        WaitingEntry.objects.filter(**key).update(**values)
    ):
        WaitingEntry.objects.create(**key | values | {"since": now})
    note(
        pool,
        LedgerEntry.Deed.REFUSE,
        cause,
        person_id=person_id,
        email=profile.email[:512],
        because=f"{cause.because}{NO_LICENSE}",
        at=now,
    )
    return seats_missing(pool, max(1, shortage(pool)))


def forget_refusal(pool_id: int, application_id: uuid.UUID, person_id: int) -> None:
    """The application does not ask for a seat any more for whom it was refused one (R18)."""
    WaitingEntry.objects.filter(
        pool_id=pool_id, application_id=application_id, person_id=person_id, refused=True
    ).delete()


def grant_by_hand(pool_id: int, person: Person, *, cause: Cause) -> Seat:
    """A seat given by an admin (R10). A person who holds one keeps it.

    Refused: the pool is used up ("seats_missing").
    """
    pool = lock(pool_id)
    seat = Seat.objects.filter(pool_id=pool.id, person=person).first()
    if seat is not None:
        return seat
    if not pool.free:
        raise seats_missing(pool, shortage(pool) + 1)
    give_by_hand(pool, [person.pk], cause=cause)
    return Seat.objects.get(pool_id=pool.id, person=person)


def give_by_hand(pool: LockedPool, chosen: Sequence[int], *, cause: Cause) -> None:
    """A seat by hand, an invitation and a line for each of these people, in the order given.

    They wait no longer, and whose idle seat was reclaimed is entitled again. None of them
    holds a seat, and there is room: the caller has looked, under the pool's lock.
    """
    sql.fetch(
        _GIVE_BY_HAND,
        {
            "pool": pool.id,
            "organization": pool.organization_id,
            "people": list(chosen),
            "count": len(chosen),
            "application": cause.application_id,
            "admin": cause.admin_id,
            "request_id": cause.request_id,
            "because": cause.because,
            "now": clock.now(),
        },
    )


def release_by_hand(pool_id: int, person: Person, *, cause: Cause) -> None:
    """An admin removes a seat that was given by hand (R12).

    Refused: there is none ("no_seat"), or it is an application's ("seat_is_scim").
    """
    pool = lock(pool_id)
    label = Product(pool.product).label
    seat = Seat.objects.select_related("application").filter(pool_id=pool.id, person=person).first()
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
    _note_person(pool, LedgerEntry.Deed.RELEASE, cause, person, Seat.Source.MANUAL, clock.now())
    settle(pool.id, [person.pk], cause=Cause("A license was freed", request_id=cause.request_id))


def take_back(pool_id: int, people: Sequence[int], *, cause: Cause) -> None:
    """Reconciliation removes seats by hand that nobody gave (R21). Settling is the caller's."""
    pool = lock(pool_id)
    seats = Seat.objects.filter(
        pool_id=pool.id, person__in=among(people, "bigint"), source=Seat.Source.MANUAL
    ).order_by("person__sort_key", "person")
    verdicts = [
        _Verdict(person_id, "release", seat_id, Seat.Source.MANUAL, None, None, None, False, [])
        for person_id, seat_id in seats.values_list("person", "pk")
    ]
    if verdicts:
        _write(_RELEASE, pool, verdicts, cause, "")


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
        seat.last_used_at, seat.reclaim_at = seat.activated_at, None
        seat.save(update_fields=["state", "activated_at", "last_used_at", "reclaim_at"])
        _note_person(pool, LedgerEntry.Deed.ACTIVATE, cause, person, seat.source, seat.activated_at)
    return seat


def note(pool: Pool | LockedPool, deed: str, cause: Cause, **about: Any) -> None:
    """One line of the ledger; about: what else it tells (person, source, seats, …)."""
    LedgerEntry.objects.create(
        organization_id=pool.organization_id,
        pool_id=pool.id,
        deed=deed,
        application_id=cause.application_id,
        admin_id=cause.admin_id,
        request_id=cause.request_id,
        **{"because": cause.because, "at": clock.now()} | about,
    )


def holding_by_hand(people: Iterable[int]) -> set[int]:
    """Those of these people who hold a seat given by hand, in whichever pool."""
    return set(
        Seat.objects.filter(person__in=list(people), source=Seat.Source.MANUAL).values_list(
            "person_id", flat=True
        )
    )


# ------------------------------------------------------------------ inside


def _has_meanwhile(
    pool: LockedPool, application: Application, profile: Profile, person_id: int | None
) -> bool:
    """Whether another request got through with what this one was refused, so nobody waits; or
    another application keeps the person's place on the waiting list, which stays theirs (R2)."""
    if person_id is not None:
        return (
            Seat.objects.filter(pool_id=pool.id, person_id=person_id).exists()
            or WaitingEntry.objects.filter(
                pool_id=pool.id, person_id=person_id, refused=False
            ).exists()
        )
    return Link.objects.filter(
        application=application, user_name_key=profile.user_name_key
    ).exists()


def _note_person(
    pool: LockedPool, deed: str, cause: Cause, person: Person, source: str, at: dt.datetime
) -> None:
    note(pool, deed, cause, person=person, email=person.email[:512], source=source, at=at)


class _Verdict(NamedTuple):
    """What should happen to one person's seat in one pool; None is nothing.

    waiting: their own entry of the waiting list, and that of a refused push.
    """

    person_id: int
    deed: str | None
    seat_id: int | None
    source: str | None
    application_id: uuid.UUID | None
    user_name_key: str | None
    sort_key: str | None
    carried_over: bool
    waiting: list[int | None]


def _ids(verdicts: Iterable[_Verdict]) -> list[int]:
    return [verdict.person_id for verdict in verdicts]


def _lock_and_compare(
    pool_id: int, people: list[int], claiming: bool, answered: uuid.UUID | None
) -> tuple[LockedPool, list[_Verdict]]:
    """In allocation order, those for whom something is to be done or who stand waiting.

    The second statement sees what others committed before the first had the lock.
    """
    asked = {"pool": pool_id, "people": people, "claiming": claiming, "answered": answered}
    [row], found = sql.fetch_all((_LOCK, asked), (_COMPARE_SOME, asked))
    return LockedPool(*row), [_Verdict(*row) for row in found]


def _settle_everybody(pool: LockedPool, cause: Cause) -> Allocation:
    """Nearly always nothing differs: then one statement has counted, and no row is sent here.

    Otherwise the list is put right, and another one reads what has to be done to seats. Who
    waits as they should is neither read nor written, however many they are.
    """
    # A row for each application that feeds the pool, and each group that it chose.
    feeding = Policy.objects.filter(pool_id=pool.id).values_list("pk", "eligible_groups__group")
    several = len(feeding) > 1
    values: dict[str, Any] = {"pool": pool.id, "claiming": False}
    verdicts: list[_Verdict] = []
    with connection.cursor() as cursor:
        cursor.execute(_DROP_LATE_REFUSALS, values)
        entries = cursor.rowcount
        cursor.execute(_COUNT_DIFFERENCES[several], values)
        releases, moves, wanting, wrong = cursor.fetchone()
        room = max(0, pool.purchased - pool.held + releases)
        values |= {"room": room}
        if wrong:
            about = {"organization": pool.organization_id, "because": _why_waiting(pool)}
            cursor.execute(_WAIT_ALL[several], values | about | {"now": clock.now()})
            entries += cursor.rowcount
        if releases or moves or wrong or (wanting and room):
            cursor.execute(_DIFFERENCES[several], values)
            verdicts = [_Verdict(*row) for row in cursor]
    released = [verdict for verdict in verdicts if verdict.deed == "release"]
    moved = [verdict for verdict in verdicts if verdict.deed == "move"]
    granted = [verdict for verdict in verdicts if verdict.deed == "grant"]
    _release(pool, released, cause)
    _keep(pool, moved, cause)
    _grant(pool, granted, cause)
    _let_wait(pool, [], {verdict.person_id: verdict for verdict in verdicts})
    return Allocation(
        granted=_ids(granted),
        released=_ids(released),
        moved=_ids(moved),
        entries=entries
        + sum(any(verdict.waiting) for verdict in verdicts if verdict.deed != "grant"),
    )


def _release(pool: LockedPool, verdicts: list[_Verdict], cause: Cause) -> None:
    if verdicts:
        _write(_RELEASE, pool, verdicts, cause, ": no longer eligible and active")


def _keep(pool: LockedPool, verdicts: list[_Verdict], cause: Cause) -> None:
    if verdicts:
        _write(_KEEP, pool, verdicts, cause, ": the seat is managed by SCIM from now on")


def _grant(pool: LockedPool, verdicts: list[_Verdict], cause: Cause) -> None:
    if verdicts:
        _write(_GRANT, pool, verdicts, cause, ": eligible, active, and a license was free")


def _let_wait(pool: LockedPool, unseated: list[_Verdict], everyone: dict[int, _Verdict]) -> None:
    """Exactly the unseated stand on the waiting list; who stood there keeps their `since`."""
    staying = {verdict.person_id for verdict in unseated}
    over = [
        entry
        for verdict in everyone.values()
        for entry in verdict.waiting[verdict.person_id in staying :]
        if entry is not None
    ]
    if over:
        WaitingEntry.objects.filter(pk__in=among(over, "bigint")).delete()
    if unseated:
        _write(_WAIT, pool, unseated, Cause(_why_waiting(pool)), "")


def _why_waiting(pool: LockedPool) -> str:
    return (
        f"All {Product(pool.product).label} licenses are assigned; a seat follows as soon "
        f"as one is free, in the order of employee number and name."
    )


def _write(
    statement: str, pool: LockedPool, verdicts: list[_Verdict], cause: Cause, because: str
) -> None:
    """Run one statement about these people, in the order given."""
    sql.fetch(
        statement,
        {
            "pool": pool.id,
            "organization": pool.organization_id,
            "people": [verdict.person_id for verdict in verdicts],
            "seats": [verdict.seat_id for verdict in verdicts],
            "sources": [verdict.source for verdict in verdicts],
            "applications": [verdict.application_id for verdict in verdicts],
            "names": [verdict.user_name_key for verdict in verdicts],
            "sort_keys": [verdict.sort_key for verdict in verdicts],
            "carried_over": [verdict.carried_over for verdict in verdicts],
            "count": len(verdicts),
            "application": cause.application_id,
            "admin": cause.admin_id,
            "request_id": cause.request_id,
            "because": cause.because + because,
            "now": clock.now(),
        },
    )


_LOCK = """
SELECT id, organization_id, product, purchased, held FROM licensing_pool
WHERE id = %(pool)s FOR NO KEY UPDATE
"""

# Whom the pool's applications provide: of several links of one person the one that
# entitles, and among those the one whose seat it is.
_LINKED = """
    SELECT DISTINCT ON (link.person_id)
        link.person_id, link.application_id, link.user_name_key, link.sort_key, link.active,
        link.active AND NOT EXISTS (
            SELECT 1 FROM licensing_reclaimed reclaimed
            WHERE reclaimed.pool_id = policy.pool_id AND reclaimed.person_id = link.person_id)
        AND (policy.eligibility = 'everyone' OR EXISTS (
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

_DEED = """
    CASE
        WHEN seat.id IS NULL THEN CASE WHEN linked.entitled THEN 'want' END
        WHEN seat.source = 'manual' THEN CASE
            WHEN NOT %(claiming)s::bool OR linked.person_id IS NULL THEN NULL
            WHEN linked.active THEN 'take_over'
            ELSE 'release' END
        WHEN linked.entitled THEN CASE
            WHEN seat.carried_over OR seat.application_id <> linked.application_id
            THEN 'move' END
        WHEN seat.carried_over AND linked.active AND seat.application_id = linked.application_id
            THEN NULL
        ELSE 'release'
    END
"""

# What was refused stays for those who still have no right to a seat, until the application that
# was refused says something else of them. What it was refused under the name that it now gives
# to somebody has come true.
_COMPARE_SOME = f"""
WITH scope AS MATERIALIZED (
    SELECT unnest(%(people)s::bigint[]) AS person_id
    UNION
    (SELECT person_id FROM licensing_waitingentry
     WHERE pool_id = %(pool)s AND NOT refused
     ORDER BY sort_key LIMIT cardinality(%(people)s::bigint[]) + (
         SELECT greatest(0, purchased - held) FROM licensing_pool WHERE id = %(pool)s))
),
linked AS MATERIALIZED ({_LINKED.format(of_scope="JOIN scope ON scope.person_id = link.person_id")})
SELECT scope.person_id, deed.deed, seat.id, seat.source, linked.application_id,
    linked.user_name_key, linked.sort_key, NOT coalesce(linked.entitled, false),
    ARRAY[waiting.id, refused.id]
FROM scope
LEFT JOIN linked ON linked.person_id = scope.person_id
LEFT JOIN licensing_seat seat
    ON seat.pool_id = %(pool)s AND seat.person_id = scope.person_id
LEFT JOIN licensing_waitingentry waiting
    ON waiting.pool_id = %(pool)s AND waiting.person_id = scope.person_id
    AND (NOT waiting.refused OR waiting.application_id = %(answered)s::uuid
        OR seat.id IS NOT NULL OR linked.entitled)
LEFT JOIN accounts_link pushed ON pushed.person_id = scope.person_id
    AND pushed.application_id = %(answered)s::uuid
LEFT JOIN licensing_waitingentry refused ON refused.pool_id = %(pool)s
    AND refused.person_id IS NULL AND refused.application_id = pushed.application_id
    AND refused.user_name_key = pushed.user_name_key
CROSS JOIN LATERAL (SELECT {_DEED} AS deed) deed
WHERE deed.deed IS NOT NULL OR waiting.id IS NOT NULL OR refused.id IS NOT NULL
ORDER BY linked.sort_key COLLATE "C", person_id
"""

# Everybody of a pool, by the same rules, as joins of whole tables. Where one application feeds
# the pool, by at most one group, that is one row a person as it is; only where there are several
# the one that counts has to be found.
_EVERYBODY = f"""
    FROM (
        SELECT {{one_a_person}}
            link.person_id, link.application_id, link.user_name_key, link.sort_key, link.active,
            link.active AND reclaimed.id IS NULL
            AND (policy.eligibility = 'everyone' OR member.person_id IS NOT NULL) AS entitled
        FROM licensing_policy policy
        JOIN accounts_link link ON link.application_id = policy.application_id
        LEFT JOIN licensing_reclaimed reclaimed
            ON reclaimed.pool_id = policy.pool_id AND reclaimed.person_id = link.person_id
        LEFT JOIN (
            SELECT chosen.policy_id, membership.person_id
            FROM licensing_eligiblegroup chosen
            JOIN accounts_membership membership ON membership.group_id = chosen.group_id
        ) member ON member.policy_id = policy.application_id
            AND member.person_id = link.person_id
        {{own_seat}}
        WHERE policy.pool_id = %(pool)s
        {{the_one_that_counts}}
    ) linked
    FULL JOIN (SELECT * FROM licensing_seat WHERE pool_id = %(pool)s) seat
        ON seat.person_id = linked.person_id
    FULL JOIN (SELECT * FROM licensing_waitingentry
               WHERE pool_id = %(pool)s AND person_id IS NOT NULL) waiting
        ON waiting.person_id = coalesce(linked.person_id, seat.person_id)
    LEFT JOIN accounts_person person ON person.id = waiting.person_id
    CROSS JOIN LATERAL (SELECT {_DEED} AS deed) deed
    CROSS JOIN LATERAL (SELECT CASE WHEN deed.deed = 'want'
        THEN (waiting.sort_key, waiting.email, waiting.application_id, waiting.refused)
            IS DISTINCT FROM (linked.sort_key, person.email, linked.application_id, false)
        ELSE waiting.id IS NOT NULL AND (NOT waiting.refused OR seat.id IS NOT NULL)
        END AS is_wrong) entry
"""
#: By whether there are several.
_EVERYBODY_OF = {
    False: _EVERYBODY.format(one_a_person="", own_seat="", the_one_that_counts=""),
    True: _EVERYBODY.format(
        one_a_person="DISTINCT ON (link.person_id)",
        own_seat="LEFT JOIN licensing_seat own ON own.pool_id = %(pool)s "
        "AND own.person_id = link.person_id AND own.application_id = link.application_id",
        the_one_that_counts="ORDER BY link.person_id, entitled DESC, link.active DESC, own.id, "
        "link.created_at",
    ),
}

_COUNT_DIFFERENCES = {
    several: f"""
SELECT count(*) FILTER (WHERE deed.deed = 'release'), count(*) FILTER (WHERE deed.deed = 'move'),
    count(*) FILTER (WHERE deed.deed = 'want'), count(*) FILTER (WHERE entry.is_wrong)
{everybody}"""
    for several, everybody in _EVERYBODY_OF.items()
}

# Who is not as they should be, and everybody who wants a seat: as many as there is room for are
# granted one.
_FOUND = {
    several: f"""(
    SELECT coalesce(linked.person_id, seat.person_id, waiting.person_id) AS person_id,
        CASE WHEN deed.deed IS DISTINCT FROM 'want' THEN deed.deed
            WHEN row_number() OVER (PARTITION BY deed.deed
                ORDER BY linked.sort_key COLLATE "C", linked.person_id) <= %(room)s::bigint
            THEN 'grant' ELSE 'wait' END AS deed,
        seat.id AS seat_id, seat.source, linked.application_id, linked.user_name_key,
        linked.sort_key, NOT coalesce(linked.entitled, false) AS carried_over,
        waiting.id AS entry_id, entry.is_wrong
    {everybody}
    WHERE deed.deed IS NOT NULL OR entry.is_wrong
)"""
    for several, everybody in _EVERYBODY_OF.items()
}

_DIFFERENCES = {
    several: f"""
SELECT person_id, deed, seat_id, source, application_id, NULL, NULL, carried_over, ARRAY[entry_id]
FROM {found} found
WHERE deed IS DISTINCT FROM 'wait'
ORDER BY sort_key COLLATE "C", person_id
"""
    for several, found in _FOUND.items()
}

_DROP_LATE_REFUSALS = """
DELETE FROM licensing_waitingentry entry USING accounts_link link
WHERE entry.pool_id = %(pool)s AND entry.person_id IS NULL
  AND link.application_id = entry.application_id AND link.user_name_key = entry.user_name_key
"""

_LEDGER_LINES = """
    INSERT INTO licensing_ledgerentry (organization_id, pool_id, deed, person_id, email,
        application_id, admin_id, source, request_id, because, at)
    SELECT %(organization)s, %(pool)s, '{deed}', person.id, person.email,
        coalesce(%(application)s::uuid, given.application_id), %(admin)s::bigint, {source},
        %(request_id)s::text, %(because)s::text, %(now)s
    FROM given JOIN accounts_person person ON person.id = given.person_id
    ORDER BY given.n
"""

_RELEASE = """
WITH given AS MATERIALIZED (
    SELECT * FROM unnest(%(people)s::bigint[], %(seats)s::bigint[], %(sources)s::text[],
        %(applications)s::uuid[])
        WITH ORDINALITY AS given(person_id, seat_id, source, application_id, n)
),
released AS (DELETE FROM licensing_seat WHERE id = ANY(%(seats)s::bigint[])),
counted AS (UPDATE licensing_pool SET held = held - %(count)s WHERE id = %(pool)s)
""" + _LEDGER_LINES.format(deed="release", source="given.source")

_KEEP = """
WITH given AS MATERIALIZED (
    SELECT * FROM unnest(%(people)s::bigint[], %(seats)s::bigint[], %(applications)s::uuid[],
        %(carried_over)s::bool[])
        WITH ORDINALITY AS given(person_id, seat_id, application_id, carried_over, n)
),
kept AS (
    UPDATE licensing_seat seat SET source = 'scim', application_id = given.application_id,
        carried_over = given.carried_over
    FROM given WHERE seat.id = given.seat_id
)
""" + _LEDGER_LINES.format(deed="take_over", source="'scim'")

_GRANTED = """
granted AS (
    INSERT INTO licensing_seat (organization_id, pool_id, person_id, application_id, source,
                                state, carried_over, granted_at)
    SELECT %(organization)s, %(pool)s, person_id, application_id, '{source}', 'provisioned', false,
           %(now)s
    FROM given ORDER BY n
    RETURNING id
),
invited AS (
    INSERT INTO accounts_outbox (organization_id, kind, payload, created_at, due_at, attempts,
                                 error, request_id)
    SELECT %(organization)s, 'invitation', jsonb_build_object('seat', id), %(now)s, %(now)s, 0, '',
           %(request_id)s::text
    FROM granted
),
counted AS (UPDATE licensing_pool SET held = held + %(count)s WHERE id = %(pool)s)
"""

_GRANT = (
    """
WITH given AS MATERIALIZED (
    SELECT * FROM unnest(%(people)s::bigint[], %(applications)s::uuid[])
        WITH ORDINALITY AS given(person_id, application_id, n)
),
"""
    + _GRANTED.format(source="scim")
    + _LEDGER_LINES.format(deed="grant", source="'scim'")
)

_GIVE_BY_HAND = (
    """
WITH given AS MATERIALIZED (
    SELECT person.id AS person_id, person.email, NULL::uuid AS application_id, given.n
    FROM unnest(%(people)s::bigint[]) WITH ORDINALITY AS given(person_id, n)
    JOIN accounts_person person ON person.id = given.person_id
),
no_longer_reclaimed AS (
    DELETE FROM licensing_reclaimed
    WHERE pool_id = %(pool)s AND person_id = ANY(%(people)s::bigint[])
),
served AS (
    DELETE FROM licensing_waitingentry WHERE id IN (
        SELECT entry.id FROM licensing_waitingentry entry
        JOIN given ON given.person_id = entry.person_id
        WHERE entry.pool_id = %(pool)s
        UNION ALL
        SELECT entry.id FROM licensing_waitingentry entry
        JOIN given ON upper(given.email) = upper(entry.email)
        WHERE entry.pool_id = %(pool)s AND entry.person_id IS NULL)
),
"""
    + _GRANTED.format(source="manual")
    + _LEDGER_LINES.format(deed="grant", source="'manual'")
)

_WAITING = """
INSERT INTO licensing_waitingentry (organization_id, pool_id, application_id, person_id,
    user_name_key, email, name, employee_number, sort_key, since, reason, refused)
SELECT %(organization)s, %(pool)s, given.application_id, person.id, given.user_name_key,
    person.email, trim(person.first_name || ' ' || person.last_name), person.employee_number,
    given.sort_key, %(now)s, %(because)s::text, false
FROM {given} AS given(person_id, application_id, user_name_key, sort_key)
JOIN accounts_person person ON person.id = given.person_id
ON CONFLICT (pool_id, person_id) DO UPDATE
SET application_id = excluded.application_id, user_name_key = excluded.user_name_key,
    email = excluded.email, name = excluded.name, employee_number = excluded.employee_number,
    sort_key = excluded.sort_key, reason = excluded.reason, refused = false
WHERE (licensing_waitingentry.sort_key, licensing_waitingentry.email,
       licensing_waitingentry.application_id, licensing_waitingentry.refused)
    IS DISTINCT FROM (excluded.sort_key, excluded.email, excluded.application_id, false)
"""

_WAIT = _WAITING.format(
    given="""unnest(%(people)s::bigint[], %(applications)s::uuid[], %(names)s::text[],
    %(sort_keys)s::text[])"""
)

_WAIT_ALL = {
    several: _WAITING.format(
        given=f"""(
    SELECT person_id, application_id, user_name_key, sort_key FROM {found} found
    WHERE deed = 'wait' AND is_wrong
    ORDER BY sort_key COLLATE "C", person_id)"""
    )
    for several, found in _FOUND.items()
}
