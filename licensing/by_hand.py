"""What admins do by hand to one person or to many: seats, groups, removal (R10, R12, R23).

Each deed holds the people, judges each of them, and does what may be done in one
transaction, by statements whose number does not depend on how many they are. A preview
is the same without the doing; whoever confirms hands back the digest of what was shown.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from django.db import connection
from django.db.models import Model

from accounts import audit, by_hand, changes, clock, groups, manual_groups, people
from accounts.by_hand import Held
from accounts.cause import Cause
from accounts.deeds import Deed as Noted
from accounts.models import Admin, Group, Membership, Organization, Person, Product
from accounts.profile import Profile
from accounts.refusal import Refusal
from accounts.sets import among
from licensing import allocation, pools
from licensing.allocation import LockedPool
from licensing.models import Pool, Seat
from licensing.preview import NAMED, Named, People

#: One deed is done to so many at most.
MOST = 50_000


class Deed(ABC):
    """Something that is done to many.

    noted: its word in the audit log; because: in the ledger, after the admin's name. ends:
    whether people lose something by it. removes: whether their accounts go with it.
    """

    noted: ClassVar[Noted]
    because: ClassVar[str] = ""
    ends: ClassVar[bool] = False
    removes: ClassVar[bool] = False

    @abstractmethod
    def subject(self) -> Model | audit.Subject:
        """What the audit log says that it is about, when it is done to several."""

    def told(self) -> dict[str, str]:
        """And what it says besides of one person: the product or the group."""
        subject = audit.about(self.subject())
        return {subject.kind: subject.name}

    def undo(self, chosen: Sequence[int]) -> dict[str, Any]:
        """What the reverse deed needs, asked before this one is done (licensing.undo)."""
        return {"people": list(chosen)}

    def frees(self, chosen: Sequence[int]) -> dict[str, int]:
        """How many seats become free by it, by product."""
        return {}

    def hold_first(self) -> None:  # noqa: B027  most deeds have nothing to hold
        """Lock what comes before links and people in the order of locks."""

    @abstractmethod
    def judge(self, held: Sequence[Held]) -> Mapping[int, str]:
        """Why it cannot be done, by person; whoever is missing may be done."""

    @abstractmethod
    def do(self, chosen: Sequence[int], cause: Cause) -> None:
        """Do it to these, whom `judge` has let through."""


@dataclasses.dataclass(frozen=True, slots=True)
class Refused:
    because: str
    people: People


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """Whom a deed is done to, and whom not and why; all in allocation order. frees: of a dry run
    how many seats become free, by product."""

    done: People
    refused: list[Refused]
    digest: str
    frees: Mapping[str, int] = dataclasses.field(default_factory=dict)


class Outdated(Refusal):
    """What was confirmed is not what would happen now."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(
            "preview_outdated",
            "People have changed since you looked, so nothing was done. Look at what would "
            "happen now, and confirm again.",
        )
        self.outcome = outcome


def run(
    organization: Organization,
    deed: Deed,
    chosen: Callable[[], Sequence[int]],
    *,
    by: Admin | None,
    dry_run: bool = False,
    expected: str = "",
) -> Outcome:
    """Do a deed to whoever of these people it may be done to.

    chosen: says whom, ids of Person, asked inside the transaction. dry_run: only say.
    Refused: more than MOST ("too_many"), other people or reasons than were `expected`
    ("preview_outdated").
    """

    def change() -> Outcome:
        asked = chosen()
        if len(asked) > MOST:
            raise Refusal(
                "too_many",
                f"{len(asked):,} people are more than can be done at once; {MOST:,} is the most. "
                f"Narrow the list by its filters.",
            )
        deed.hold_first()
        held = by_hand.hold(organization, asked, to_remove=deed.removes)
        why_not = deed.judge(held)
        outcome = _outcome(held, why_not)
        if expected and outcome.digest != expected:
            raise Outdated(outcome)
        done = [one for one in held if one.id not in why_not]
        ids = [one.id for one in done]
        if dry_run:
            return dataclasses.replace(outcome, frees=deed.frees(ids))
        if done:
            undo = deed.undo(ids)
            deed.do(ids, Cause.by(by, deed.because))
            _note(organization, deed, done, by, undo)
        return outcome

    return changes.run(change)


def one(organization: Organization, deed: Deed, person_id: int, *, by: Admin | None) -> None:
    """The same for one person. Refused: it cannot be done, and why ("not_by_hand")."""
    outcome = run(organization, deed, lambda: [person_id], by=by)
    for refused in outcome.refused:
        raise Refusal("not_by_hand", f"{refused.people.first[0].name}: {refused.because}")
    if not outcome.done.total:
        raise Refusal("person_not_found", "This person was removed meanwhile.")


def add(
    organization: Organization, cells: Mapping[str, str], *, product: str = "", by: Admin | None
) -> Person:
    """Add somebody, with a seat of a product if one is named, or do nothing at all.

    Refused: values that cannot be kept ("profile_invalid"), an address that is known
    ("person_exists"), no license free ("no_license_free").
    """
    pool = pools.get(organization, product) if product else None

    def change() -> Person:
        why_not = by_hand.complaint(cells)
        if why_not:
            raise Refusal("profile_invalid", why_not)
        person = people.add_by_hand(organization, Profile.by_hand(**dict(cells)))
        if pool is not None:
            locked = allocation.lock(pool.pk)
            if not locked.free:
                raise Refusal(
                    "no_license_free",
                    f"{_none_free(locked)} Nobody was added: buy more or free one, or add the "
                    f"person without a license.",
                )
            cause = Cause.by(by, GiveSeat.because)
            allocation.give_by_hand(locked, [person.pk], cause=cause)
        about = {field: value for field, value in cells.items() if value}
        undo = {"person": person.pk}
        audit.note(organization.pk, Noted.PERSON_ADDED, person, by=by, after=about, undo=undo)
        if pool is not None:
            about = GiveSeat(pool).told()
            audit.note(organization.pk, Noted.SEAT_GIVEN, person, by=by, after=about)
        return person

    return changes.run(change)


# ------------------------------------------------------------------ the deeds


@dataclasses.dataclass(frozen=True)
class _OfPool(Deed):
    pool: Pool

    def subject(self) -> audit.Subject:
        return pools.subject(self.pool)

    def undo(self, chosen: Sequence[int]) -> dict[str, Any]:
        return super().undo(chosen) | {"product": self.pool.product}

    def seats(self, held: Sequence[Held]) -> tuple[LockedPool, dict[int, str | None]]:
        """The locked pool, and the seats of these people with the application that gives them."""
        pool = allocation.lock(self.pool.pk)
        ids = among([one.id for one in held], "bigint")
        seats = Seat.objects.filter(pool_id=pool.id, person__in=ids)
        return pool, dict(seats.values_list("person_id", "application__name"))


class GiveSeat(_OfPool):
    """A seat by hand, in allocation order as long as there are any (R10, R17)."""

    noted = Noted.SEAT_GIVEN
    because = "gave the seat by hand"

    def judge(self, held: Sequence[Held]) -> Mapping[int, str]:
        pool, seats = self.seats(held)
        label = Product(pool.product).label
        wanting = [one.id for one in held if one.id not in seats]
        return dict.fromkeys(seats, f"Has a {label} license already.") | {
            id: _none_free(pool, len(wanting) - pool.free) for id in wanting[pool.free :]
        }

    def do(self, chosen: Sequence[int], cause: Cause) -> None:
        allocation.give_by_hand(allocation.lock(self.pool.pk), chosen, cause=cause)


class RemoveSeat(_OfPool):
    """Take away seats that were given by hand; an application's stay (R12)."""

    noted = Noted.SEAT_REMOVED
    because = "removed the seat by hand"
    ends = True

    def frees(self, chosen: Sequence[int]) -> dict[str, int]:
        return {self.pool.product: len(chosen)}

    def judge(self, held: Sequence[Held]) -> Mapping[int, str]:
        pool, seats = self.seats(held)
        label = Product(pool.product).label
        without = (one.id for one in held if one.id not in seats)
        return dict.fromkeys(without, f"Has no {label} license.") | {
            id: f"{application} gives the license: take it away in the identity provider."
            for id, application in seats.items()
            if application is not None
        }

    def do(self, chosen: Sequence[int], cause: Cause) -> None:
        release(self.pool.pk, chosen, cause)


@dataclasses.dataclass(frozen=True)
class _OfGroup(Deed):
    group: Group

    def subject(self) -> Group:
        return self.group

    def undo(self, chosen: Sequence[int]) -> dict[str, Any]:
        return super().undo(chosen) | {"group": self.group.pk}

    def hold_first(self) -> None:
        manual_groups.hold(self.group)

    def members(self, held: Sequence[Held]) -> set[int]:
        ids = among([one.id for one in held], "bigint")
        found = Membership.objects.filter(group=self.group, person__in=ids)
        return set(found.values_list("person_id", flat=True))

    def touch(self) -> None:
        groups.touch(Group.objects.get(pk=self.group.pk))


class Join(_OfGroup):
    """Into a manual group (R23)."""

    noted = Noted.GROUP_PEOPLE_ADDED

    def judge(self, held: Sequence[Held]) -> Mapping[int, str]:
        return dict.fromkeys(self.members(held), "Is in the group already.")

    def do(self, chosen: Sequence[int], cause: Cause) -> None:
        groups.add_ids(self.group, chosen)
        self.touch()


class Leave(_OfGroup):
    """Out of a manual group (R23)."""

    noted = Noted.GROUP_PEOPLE_REMOVED
    ends = True

    def judge(self, held: Sequence[Held]) -> Mapping[int, str]:
        inside = self.members(held)
        return {one.id: "Is not in the group." for one in held if one.id not in inside}

    def do(self, chosen: Sequence[int], cause: Cause) -> None:
        groups.remove_people(self.group, chosen)
        self.touch()


@dataclasses.dataclass(frozen=True)
class Remove(Deed):
    """Remove people who were added by hand, and free their seats (R10, R12)."""

    organization: Organization
    noted = Noted.PEOPLE_REMOVED
    because = "removed the person, who was added by hand"
    ends = True
    removes = True

    def subject(self) -> Organization:
        return self.organization

    def told(self) -> dict[str, str]:
        return {}

    def undo(self, chosen: Sequence[int]) -> dict[str, Any]:
        seats: dict[str, list[int]] = defaultdict(list)
        found = Seat.objects.of(self.organization).filter(person__in=among(chosen, "bigint"))
        for product, person in found.order_by("pool", "pk").values_list("pool__product", "person"):
            seats[product].append(person)
        return super().undo(chosen) | {"seats": seats}

    def frees(self, chosen: Sequence[int]) -> dict[str, int]:
        return {product: len(who) for product, who in self.undo(chosen)["seats"].items()}

    def judge(self, held: Sequence[Held]) -> Mapping[int, str]:
        return {
            one.id: f"{one.manager} manages this person: remove them in the identity provider."
            for one in held
            if one.manager
        }

    def do(self, chosen: Sequence[int], cause: Cause) -> None:
        by_hand.remove(chosen)
        for pool in Pool.objects.of(self.organization).order_by("pk"):
            release(pool.pk, chosen, cause)


# ------------------------------------------------------------------ inside


def _note(
    organization: Organization,
    deed: Deed,
    done: Sequence[Held],
    by: Admin | None,
    undo: dict[str, Any],
) -> None:
    """One line however many they are: about the person if it is one, else it counts and names."""
    subject = deed.subject()
    if len(done) == 1 and not isinstance(subject, Group):
        subject = audit.Subject("person", done[0].id, done[0].name)
        about: dict[str, Any] = {"email": done[0].email} | deed.told()
    else:
        names = audit.listed([f"{one.name} ({one.email})" for one in done])
        about = {"number": len(done), "people": names}
    change = {"before": about} if deed.ends else {"after": about}
    audit.note(organization.pk, deed.noted, subject, by=by, undo=undo, **change)


def release(pool_id: int, chosen: Sequence[int], cause: Cause) -> None:
    """Free the seats by hand of these people, each with its line; those who wait follow."""
    pool = allocation.lock(pool_id)
    with connection.cursor() as cursor:
        cursor.execute(
            _RELEASE,
            {
                "pool": pool.id,
                "organization": pool.organization_id,
                "people": list(chosen),
                "admin": cause.admin_id,
                "because": cause.because,
                "now": clock.now(),
            },
        )
    allocation.settle(pool.id, chosen, cause=Cause("A license was freed"))


def _none_free(pool: LockedPool, missing: int = 1) -> str:
    licenses = "license is" if missing == 1 else "licenses are"
    return (
        f"{missing:,} more {Product(pool.product).label} {licenses} needed: {pool.held:,} of "
        f"{pool.purchased:,} are assigned."
    )


def _outcome(held: Sequence[Held], why_not: Mapping[int, str]) -> Outcome:
    refused: dict[str, list[Held]] = defaultdict(list)
    for one in held:
        if one.id in why_not:
            refused[why_not[one.id]].append(one)
    done = [one for one in held if one.id not in why_not]
    decided = [[one.id for one in done], [[why, len(who)] for why, who in refused.items()]]
    return Outcome(
        _listed(done),
        [Refused(because, _listed(who)) for because, who in refused.items()],
        hashlib.sha256(json.dumps(decided).encode()).hexdigest(),
    )


def _listed(who: Sequence[Held]) -> People:
    return People(
        len(who), [Named(one.id, one.name, one.email, one.employee_number) for one in who[:NAMED]]
    )


_RELEASE = """
WITH gone AS (
    DELETE FROM licensing_seat
    WHERE pool_id = %(pool)s AND source = 'manual'
      AND person_id IN (SELECT unnest(%(people)s::bigint[]))
    RETURNING person_id
),
counted AS (
    UPDATE licensing_pool SET held = held - (SELECT count(*) FROM gone)
    WHERE id = %(pool)s AND EXISTS (SELECT 1 FROM gone)
)
INSERT INTO licensing_ledgerentry (organization_id, pool_id, deed, person_id, email, admin_id,
    source, request_id, because, at)
SELECT %(organization)s, %(pool)s, 'release', person.id, person.email, %(admin)s::bigint,
    'manual', '', %(because)s::text, %(now)s
FROM gone JOIN accounts_person person ON person.id = gone.person_id
ORDER BY person.sort_key, person.id
"""
