"""The safety brake: removals by one application above a limit are held for review (R27).

A push settles as ever. Under the lock of the pool's row, which it then holds, `check` looks
at who lost a seat by it: more people and more percent within an hour than the admin allows,
and the push is rolled back whole, what it wanted is noted (`run`), and the identity provider
is told. Whose removal was held stays held, however it is pushed again, until an admin decides
(licensing.review) or the identity provider wants it no more (`supersede`).

Only pushes are counted, and only they are held: a worker, a page and reconciliation do what
the data says, and of a held push nothing is in the data.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from django.conf import settings
from django.urls import reverse

from accounts import actor, audit, changes, clock, notices, sql, webhooks
from accounts.cause import Cause
from accounts.deeds import Deed
from accounts.models import Admin, Application, Person, Product
from accounts.refusal import Refusal
from licensing import allocation
from licensing.models import OPEN_REMOVAL, HeldRemoval, LedgerEntry, Policy

Result = TypeVar("Result")
Wanted = HeldRemoval.Wanted
State = HeldRemoval.State

WITHIN = dt.timedelta(hours=1)
MOST_PEOPLE = 10_000_000
#: After a count that found room, so many more removals at most, and for so long, are not counted
#: to the last one: counting all costs more the more there were in the hour.
_ROOM = 500
_COUNTED_FOR = dt.timedelta(minutes=1)


class InGroup(NamedTuple):
    """The group that a push would take people out of; it may be gone in that push."""

    id: uuid.UUID
    name: str


@dataclasses.dataclass(frozen=True, slots=True)
class _Push:
    """What a push would do. people: who lose a seat; named: SCIM ids that it wants to stay."""

    pool_id: int
    application: Application
    people: list[int]
    wanted: str
    cause: Cause
    group: InGroup | None
    named: Sequence[uuid.UUID]
    at: dt.datetime

    @property
    def parameters(self) -> dict[str, Any]:
        return {
            "pool": self.pool_id,
            "application": self.application.pk,
            "people": self.people,
            "wanted": self.wanted,
            "group": self.group.id if self.group else None,
            "since": self.at - WITHIN,
            # So that months to come are not looked at; the clock of another process may be ahead.
            "until": self.at + WITHIN,
            "counted_since": self.at - _COUNTED_FOR,
            "now": self.at,
        }


class _Braked(Exception):
    """The push would remove too many: undo it."""

    def __init__(self, push: _Push) -> None:
        self.push = push


def run(change: Callable[[], Result]) -> Result:
    """`changes.run` for a push. Refused: a removal above the limit ("removals_held"), or one
    that an admin has dismissed ("removal_dismissed"); nothing was changed then but the note."""
    try:
        return changes.run(change)
    except _Braked as braked:
        push = braked.push
    raise changes.run(lambda: _hold(push))


def check(
    pool_id: int,
    application: Application,
    people: Sequence[int],
    *,
    wanted: str,
    cause: Cause,
    group: InGroup | None = None,
    named: Sequence[uuid.UUID] = (),
) -> None:
    """Let a push go on, or undo it. Called right after `settle`, under its lock.

    people: who lost a seat by it; with none it costs nothing, otherwise one statement.
    """
    if not people:
        return
    push = _Push(pool_id, application, list(people), wanted, cause, group, named, clock.now())
    look = _look(push)
    if look.on and (look.blocking or (look.most > look.room and _is_too_many(push, look))):
        raise _Braked(push)
    if look.own:
        _supersede(HeldRemoval.objects.filter(application=application, person__in=push.people))


def supersede(application: Application, person_id: int) -> None:
    """The identity provider says that the person is active: what it wanted before is over."""
    _supersede(
        HeldRemoval.objects.filter(
            application=application,
            person=person_id,
            wanted__in=[Wanted.DEACTIVATE, Wanted.TAKE_OVER, Wanted.DELETE],
        )
    )


def supersede_members(pool_id: int, group_id: uuid.UUID, named: Sequence[uuid.UUID]) -> None:
    """The identity provider says that these, by their SCIM ids, are members of the group."""
    if named:
        allocation.lock(pool_id)  # many rows, so in turn
        _supersede(HeldRemoval.objects.filter(group=group_id, person__links__in=named))


def set_limits(
    policy: Policy, *, on: bool, people: int, percent: int, by: Admin | None = None
) -> Policy:
    """What an application may remove within an hour. Switched off, it holds nothing more;
    what is held already waits for an admin or for its next push."""
    if not 0 <= people <= MOST_PEOPLE:
        raise Refusal("people_invalid", f"The number of people is from 0 to {MOST_PEOPLE:,}.")
    if not 0 <= percent <= 100:
        raise Refusal("percent_invalid", "The share is from 0 to 100 percent.")

    who, name = by.email if by else actor.name() or "An admin", policy.application.name
    cause = Cause(
        f"{who} set the safety brake of {name} to {people:,} people and {percent} %"
        if on
        else f"{who} switched the safety brake of {name} off",
        application_id=policy.application_id,
        admin_id=by.pk if by else None,
    )

    def change() -> Policy:
        pool = allocation.lock(policy.pool_id)
        policies = Policy.objects.filter(pk=policy.pk)
        before = policies.values("brake_on", "brake_people", "brake_percent").get()
        policy.brake_on, policy.brake_people, policy.brake_percent = on, people, percent
        policy.brake_counted_at = None
        policy.save(update_fields=["brake_on", "brake_people", "brake_percent", "brake_counted_at"])
        allocation.note(pool, LedgerEntry.Deed.BRAKE, cause)
        audit.note(
            pool.organization_id,
            Deed.BRAKE_SET,
            policy.application,
            by=by,
            before=before,
            after={"brake_on": on, "brake_people": people, "brake_percent": percent},
        )
        return policy

    return changes.run(change)


def page() -> str:
    """Where removals are reviewed."""
    return settings.PUBLIC_URL + reverse("licensing:held")


# ------------------------------------------------------------------ inside


class _Look(NamedTuple):
    """on, people, percent: the limits. most: removals at most, in the hour or since they were
    counted last, as far as they pass room: what may go before they are counted to the last one.
    own: open removals of the push's people; blocking: those of them that refuse it."""

    on: bool
    people: int
    percent: int
    room: int
    most: int
    own: int
    blocking: int


class _Count(NamedTuple):
    """lost: people without the seat that pushes took in the hour; removed: with those held."""

    lost: int
    removed: int


def _look(push: _Push) -> _Look:
    [row] = sql.fetch(_LOOK, push.parameters)
    return _Look(*row)


def _count(push: _Push) -> _Count:
    [row] = sql.fetch(_COUNT, push.parameters)
    return _Count(*row)


def _is_too_many(push: _Push, look: _Look) -> bool:
    """Both limits are passed: R27. The share is of the seats at the start of the hour.

    Otherwise it is kept how many more would not pass them.
    """
    count = _count(push)
    allowed = look.people
    if look.percent:
        # Seats are counted only as far as they could matter.
        enough = (count.removed + _ROOM) * 100 // look.percent + 1
        [(seats,)] = sql.fetch(_SEATS, push.parameters | {"enough": enough})
        allowed = max(allowed, look.percent * (seats + count.lost) // 100)
    if count.removed > allowed:
        return True
    Policy.objects.filter(application=push.application).update(
        brake_counted_at=push.at, brake_room=min(allowed - count.removed, _ROOM)
    )
    return False


def _supersede(removals: Any) -> None:
    removals.filter(OPEN_REMOVAL).update(state=State.SUPERSEDED, decided_at=clock.now())


def _hold(push: _Push) -> Refusal:
    """After the rollback, in a transaction of its own: note what the push wanted, once.

    1. the pool, so that the notes of two pushes go one after the other; 2. whom the push names
    as members is wanted no more; 3. the rows; 4. the first of a burst is told to the admins;
    5. the refusal, a line of the ledger each time.
    """
    pool = allocation.lock(push.pool_id)
    now, application = push.at, push.application
    Policy.objects.filter(application=application).update(brake_counted_at=None)
    in_burst = HeldRemoval.objects.filter(
        OPEN_REMOVAL, application=application, state=State.HELD, pushed_at__gte=now - WITHIN
    ).exists()
    if push.group is not None:
        supersede_members(push.pool_id, push.group.id, push.named)
    parameters = push.parameters | {
        "organization": pool.organization_id,
        "group_name": push.group.name if push.group else "",
        "because": push.cause.because,
        "request_id": push.cause.request_id,
    }
    sql.fetch(_REPLACE, parameters)
    noted = sql.fetch(_HOLD, parameters)
    if not in_burst and any(is_new for _, is_new in noted):
        _tell(pool, application, len(noted), now)
    states = {state for state, _ in noted}
    if State.HELD in states:
        refusal = _held(push, pool)
    elif State.DISMISSED in states:
        refusal = _dismissed(push)
    else:
        refusal = _under_way()
    _note(push, pool, refusal)
    return refusal


def _tell(
    pool: allocation.LockedPool, application: Application, held: int, now: dt.datetime
) -> None:
    """The admins, as each wants it, and the webhooks: once a burst."""
    notices.tell(
        pool.organization_id, "removals", "removals_held", {"application": str(application.pk)}
    )
    data = {
        "application": {"id": application.pk, "name": application.name},
        "product": pool.product,
        "held": held,
        "review_at": page(),
    }
    once = f"{application.pk} {now.isoformat()}"
    webhooks.put(pool.organization_id, "removals.held", data, once=once)


def _note(push: _Push, pool: allocation.LockedPool, refusal: Refusal) -> None:
    said = {
        "removals_held": "held for review",
        "removal_dismissed": "refused, as an admin dismissed it before",
        "removal_under_way": "left to the worker, as an admin approved it before",
    }[refusal.code]
    about: dict[str, Any] = {}
    if len(push.people) == 1:
        person = Person.objects.get(pk=push.people[0])
        about = {"person": person, "email": person.email[:512]}
    what = "the removal was" if about else f"the removal of {len(push.people):,} people was"
    because = f"{push.cause.because}; {what} {said}"
    allocation.note(pool, LedgerEntry.Deed.REFUSE, push.cause, because=because, **about)


def _held(push: _Push, pool: allocation.LockedPool) -> Refusal:
    policy = Policy.objects.get(application=push.application)
    held = HeldRemoval.objects.filter(
        OPEN_REMOVAL, application=push.application, state=State.HELD
    ).count()
    removals, are = ("removal", "is") if held == 1 else ("removals", "are")
    lost = _count(push).lost
    return Refusal(
        "removals_held",
        f"Nothing was changed: {held:,} {removals} by {push.application.name} {are} held for "
        f"review, this push's included. Within an hour it may take a {Product(pool.product).label} "
        f"license from {policy.brake_people:,} people or {policy.brake_percent} % of those who "
        f"have one from it, whichever is more; {lost:,} lost theirs in the last hour. "
        f"An admin must approve or dismiss the removals at {page()}.",
    )


def _dismissed(push: _Push) -> Refusal:
    removal = (
        HeldRemoval.objects.filter(
            OPEN_REMOVAL, application=push.application, person__in=push.people
        )
        .order_by("decided_at")
        .first()
    )
    on = f" on {removal.decided_at:%d %B %Y}" if removal and removal.decided_at else ""
    keep = "the person keeps" if len(push.people) == 1 else f"{len(push.people):,} people keep"
    return Refusal(
        "removal_dismissed",
        f"Nothing was changed: an admin dismissed this removal{on}, so {keep} the license. Push "
        f"that they stay, or let an admin undo the dismissal at {page()}.",
    )


def _under_way() -> Refusal:
    return Refusal(
        "removal_under_way",
        "Nothing was changed by this push: an admin approved this removal, and it is carried out "
        "within a minute. Repeat the push then.",
    )


# Lines of the ledger: what the application took by its own pushes. Served by the index
# removals_by_an_application alone.
_TAKEN = """
    line.application_id = %(application)s AND line.at >= %(since)s AND line.at < %(until)s
    AND line.deed = 'release' AND line.admin_id IS NULL AND NOT line.request_id = ''
"""

_OPEN = "held.state IN ('held', 'approved', 'dismissed') AND held.done_at IS NULL"

_HELD_NOW = f"""
    held.application_id = %(application)s AND {_OPEN}
    AND held.state = 'held' AND held.pushed_at >= %(since)s
"""

# Deleting a group takes the same people out of it as taking them out one by one.
_SAME = """
    held.group_id IS NOT DISTINCT FROM %(group)s::uuid
    AND (%(group)s::uuid IS NOT NULL OR held.wanted = %(wanted)s)
"""

_LOOK = f"""
SELECT policy.brake_on, policy.brake_people, policy.brake_percent, policy.room,
    (SELECT count(*) FROM (SELECT 1 FROM licensing_ledgerentry line
                           WHERE {_TAKEN} AND line.at >= policy.since
                           LIMIT policy.room + 1) AS counted)
    + (SELECT count(*) FROM (SELECT 1 FROM licensing_heldremoval held WHERE {_HELD_NOW}
                             LIMIT policy.room + 1) AS counted),
    own.removals, own.blocking
FROM (
    SELECT known.*,
        CASE WHEN counted THEN brake_counted_at ELSE %(since)s END AS since,
        CASE WHEN counted THEN brake_room ELSE brake_people END AS room
    FROM (SELECT *, (brake_counted_at BETWEEN %(counted_since)s AND %(now)s) IS TRUE AS counted
          FROM licensing_policy WHERE application_id = %(application)s) AS known
) AS policy
CROSS JOIN LATERAL (
    SELECT count(*) AS removals,
        count(*) FILTER (WHERE held.state <> 'dismissed' OR ({_SAME})) AS blocking
    FROM licensing_heldremoval held
    WHERE held.application_id = policy.application_id
      AND held.person_id = ANY(%(people)s::bigint[]) AND {_OPEN}
) own
"""

# Each person once: who has the seat again was not removed.
_COUNT = f"""
WITH lost AS (
    SELECT DISTINCT line.person_id FROM licensing_ledgerentry line
    WHERE {_TAKEN} AND NOT EXISTS (
        SELECT 1 FROM licensing_seat seat
        WHERE seat.pool_id = %(pool)s AND seat.person_id = line.person_id)
)
SELECT (SELECT count(*) FROM lost), (SELECT count(*) FROM (
    SELECT person_id FROM lost
    UNION
    SELECT held.person_id FROM licensing_heldremoval held WHERE {_HELD_NOW}) AS removed)
"""

_SEATS = """
SELECT count(*) FROM (
    SELECT 1 FROM licensing_seat
    WHERE application_id = %(application)s AND pool_id = %(pool)s LIMIT %(enough)s) AS counted
"""

# Another removal than the one that was dismissed is for the admin to look at anew.
_REPLACE = f"""
UPDATE licensing_heldremoval held SET state = 'superseded', decided_at = %(now)s
WHERE held.application_id = %(application)s AND held.person_id = ANY(%(people)s::bigint[])
  AND held.state = 'dismissed' AND NOT ({_SAME})
"""

# Who lost the seat by another request meanwhile has nothing to be held. Of several ways in which
# a removal is pushed while it is held, the last one counts.
_HOLD = f"""
INSERT INTO licensing_heldremoval AS held (organization_id, application_id, pool_id, person_id,
    wanted, group_id, group_name, because, request_id, at, pushed_at, state)
SELECT %(organization)s, %(application)s, %(pool)s, seat.person_id, %(wanted)s, %(group)s::uuid,
    %(group_name)s, %(because)s, %(request_id)s, %(now)s, %(now)s, 'held'
FROM licensing_seat seat
WHERE seat.pool_id = %(pool)s AND seat.person_id = ANY(%(people)s::bigint[])
ORDER BY seat.person_id
ON CONFLICT (application_id, person_id) WHERE {_OPEN.replace("held.", "")} DO UPDATE
SET wanted = CASE held.state WHEN 'held' THEN excluded.wanted ELSE held.wanted END,
    group_id = CASE held.state WHEN 'held' THEN excluded.group_id ELSE held.group_id END,
    group_name = CASE held.state WHEN 'held' THEN excluded.group_name ELSE held.group_name END,
    because = excluded.because, request_id = excluded.request_id, pushed_at = excluded.pushed_at
RETURNING held.state, (held.xmax = 0)
"""
