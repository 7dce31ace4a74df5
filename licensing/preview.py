"""Do a change whose seats follow, and tell what it did; or do it, tell, and undo it (R16).

What an admin is shown before and what happens then come from the same statements, so
they cannot differ. Whoever confirms hands back the digest of what was shown: when the
world has moved on since, nothing is done and the new numbers are told.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from accounts import changes
from accounts.models import Person
from accounts.refusal import Refusal
from accounts.sets import among
from licensing import allocation
from licensing.allocation import Allocation, LockedPool
from licensing.models import Pool, WaitingEntry

#: So many of each list are named.
NAMED = 100


@dataclasses.dataclass(frozen=True, slots=True)
class Named:
    """Somebody of a list, as pages and commands name them."""

    person_id: int
    name: str
    email: str
    employee_number: str


@dataclasses.dataclass(frozen=True, slots=True)
class People:
    """total: how many; first: the first NAMED of them, in allocation order."""

    total: int
    first: list[Named]

    @property
    def more(self) -> int:
        return self.total - len(self.first)


@dataclasses.dataclass(frozen=True, slots=True)
class Effect:
    """What a change does to a pool.

    gain, lose: who gets a seat, whose seat is freed. wait: everybody eligible without a
    seat afterwards. leave: who waited before and is not eligible any more.
    refused: of how many a push was refused; a seat is theirs when it is repeated (R18).
    purchased, held: the pool afterwards. digest: of all that was decided, to confirm by.
    """

    gain: People
    lose: People
    wait: People
    leave: People
    refused: int
    purchased: int
    held: int
    digest: str

    @property
    def free(self) -> int:
        return max(0, self.purchased - self.held)

    @property
    def over_assigned(self) -> int:
        return max(0, self.held - self.purchased)

    @property
    def foretold(self) -> str:
        """ "12 people gain a license, 3 lose theirs, 5 will wait"."""
        return self._told("gains", "gain", "loses", "lose", "will wait", "will wait")

    @property
    def happened(self) -> str:
        """ "12 people gained a license, 3 lost theirs, 5 wait"."""
        return self._told("gained", "gained", "lost", "lost", "waits", "wait")

    def _told(self, gains: str, gain: str, loses: str, lose: str, waits: str, wait: str) -> str:
        return ", ".join(
            (
                _people(self.gain.total, f"{gains} a license", f"{gain} a license", first=True),
                _people(self.lose.total, f"{loses} theirs", f"{lose} theirs"),
                _people(self.wait.total, waits, wait),
            )
        )


class Outdated(Refusal):
    """What was confirmed is not what would happen now; effect: what would."""

    def __init__(self, effect: Effect) -> None:
        super().__init__(
            "preview_outdated",
            "People or seats have changed since you looked, so nothing was changed. Now it is "
            f"so: {effect.foretold}. Look at it and confirm again.",
        )
        self.effect = effect


class Done(NamedTuple):
    """about: what else was decided (a number of seats, the chosen groups), for the digest."""

    allocated: Allocation
    about: Sequence[Any]


class _Undo(Exception):
    def __init__(self, effect: Effect) -> None:
        self.effect = effect


def run(
    pool_id: int,
    settle: Callable[[LockedPool], Done],
    *,
    before: Callable[[], None] | None = None,
    dry_run: bool = False,
    expected: str = "",
) -> Effect:
    """One change in its own transaction, and what it did to the pool.

    before: what is locked and written ahead of the pool's row, which is locked last.
    settle: the change itself, under the pool's lock. dry_run: undo it all afterwards.
    expected: the digest that was shown; refused ("preview_outdated") when it is another now.
    """

    def change() -> Effect:
        if before is not None:
            before()
        pool = allocation.lock(pool_id)
        waited = set(_waiting(pool_id))
        done = settle(pool)
        effect = _effect(pool_id, waited, done)
        if expected and effect.digest != expected:
            raise Outdated(effect)
        if dry_run:
            raise _Undo(effect)
        return effect

    try:
        return changes.run(change)
    except _Undo as undo:
        return undo.effect


# ------------------------------------------------------------------ inside


def _effect(pool_id: int, waited: set[int], done: Done) -> Effect:
    pool = Pool.objects.get(pk=pool_id)
    gain, lose, wait = done.allocated.granted, done.allocated.released, _waiting(pool_id)
    gone = waited.difference(gain, wait)
    leave = list(
        Person.objects.filter(pk__in=among(gone, "bigint"))
        .order_by("sort_key", "id")
        .values_list("pk", flat=True)
    )
    decided = [list(done.about), gain, lose, wait, leave, max(0, pool.held - pool.purchased)]
    named = _named({id for people in (gain, lose, wait, leave) for id in people[:NAMED]})

    def listed(people: list[int]) -> People:
        return People(len(people), [named[id] for id in people[:NAMED]])

    return Effect(
        gain=listed(gain),
        lose=listed(lose),
        wait=listed(wait),
        leave=listed(leave),
        refused=WaitingEntry.objects.filter(pool_id=pool_id, refused=True).count(),
        purchased=pool.purchased,
        held=pool.held,
        digest=hashlib.sha256(json.dumps(decided).encode()).hexdigest(),
    )


def _waiting(pool_id: int) -> list[int]:
    """People who get a seat as soon as one is free, in order."""
    return list(
        WaitingEntry.objects.filter(pool_id=pool_id, refused=False)
        .order_by("sort_key", "id")
        .values_list("person_id", flat=True)
    )


def _named(people: set[int]) -> dict[int, Named]:
    found = Person.objects.filter(pk__in=people).only(
        "first_name", "last_name", "display_name", "email", "employee_number"
    )
    return {
        person.pk: Named(person.pk, person.name, person.email, person.employee_number)
        for person in found
    }


def _people(number: int, one: str, many: str, *, first: bool = False) -> str:
    if not number:
        return f"{'Nobody' if first else 'nobody'} {one}"
    who = " person" if number == 1 else " people"
    return f"{number:,}{who if first else ''} {one if number == 1 else many}"
