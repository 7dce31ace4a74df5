"""What can be undone, and by what: one table, WAYS, for accounts.undo.

Each way looks under its locks whether things are as the deed left them, and then calls the
function that an admin would call for the reverse. Everything or nothing.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator, Sequence

from accounts import by_hand as profiles
from accounts import manual_groups, people, roles, undo
from accounts.deeds import Deed
from accounts.models import Application, Group, Product, Role
from accounts.refusal import NotFound, Refusal
from accounts.undo import Undoing, Way
from licensing import allocation, by_hand, pools, restore, review
from licensing.models import Pool


def number_back(it: Undoing) -> str:
    """The former number of licenses (R15)."""
    product, before, after = it.needs["product"], it.needs["from"], it.needs["to"]
    label = Product(product).label
    pool = allocation.lock(pools.get(it.organization, product).pk)
    if pool.purchased != after:
        raise _changed(f"{label} has {pool.purchased:,} licenses now, not {after:,} any more")
    pools.change_seats(it.organization, product, before, by=it.by)
    return f"{label} has {before:,} {'license' if before == 1 else 'licenses'} again."


def take(it: Undoing) -> str:
    """Seats that were given or restored by hand (R12)."""
    pool = pools.get(it.organization, it.needs["product"])
    _do_to_all(it, by_hand.RemoveSeat(pool))
    return f"The {pool.get_product_display()} license of {_told(it.needs['people'])} is free again."


def give_back(it: Undoing) -> str:
    """Seats that were taken away by hand: restored, to be activated anew (R13, R14)."""
    product, chosen = it.needs["product"], it.needs["people"]
    number = _restore(it, product, chosen)
    if number != len(chosen):
        raise _changed(f"{_told(chosen[number:])} got a license again meanwhile")
    return f"{_told(chosen)} {_have(chosen)} the {Product(product).label} license again."


def remove_person(it: Undoing) -> str:
    """Somebody who was added by hand (R10)."""
    person = profiles.find(it.organization, it.needs["person"])
    by_hand.one(it.organization, by_hand.Remove(it.organization), person.pk, by=it.by)
    return f"{person.name} was removed."


def bring_back(it: Undoing) -> str:
    """People who were removed, with the licenses that they held (R13)."""
    chosen = it.needs["people"]
    found = people.bring_back(it.organization, chosen)
    if len(found) != len(chosen):
        raise _changed(f"{_told(chosen[len(found) :])} cannot be found any more")
    seats = it.needs["seats"]
    for pool in Pool.objects.of(it.organization).filter(product__in=seats).order_by("pk"):
        _restore(it, pool.product, seats[pool.product])
    who = found[0].name if len(found) == 1 else f"{len(found):,} people"
    return f"{who} {_have(chosen)} come back, as they were."


def edit_back(it: Undoing) -> str:
    """The former values of a profile (R8)."""
    people.keep_newcomers_out(it.organization.pk)
    profiles.hold(it.organization, [it.needs["person"]])
    person = profiles.find(it.organization, it.needs["person"])
    for field, value in it.needs["to"].items():
        if getattr(person, field) != value:
            label = profiles.FIELDS[field]
            raise _changed(f"{label} of {person.name} is “{getattr(person, field)}” now")
    cells = {"email": person.email} | it.needs["from"]
    edited = profiles.edit(it.organization, person.pk, cells, by=it.by)
    return f"The profile of {edited.name} is what it was."


def rename_back(it: Undoing) -> str:
    group = manual_groups.hold(_group(it))
    if group.name != it.needs["to"]:
        raise _changed(f"The group is called {group.name} now")
    with _name_of_a_group(it.needs["from"]):
        manual_groups.rename(group, it.needs["from"], by=it.by)
    return f"The group is called {it.needs['from']} again."


def make_again(it: Undoing) -> str:
    """A group that was deleted, with its people (R23)."""
    with _name_of_a_group(it.needs["name"]):
        group = manual_groups.create(it.organization, it.needs["name"], by=it.by)
    chosen = it.needs["people"]
    if chosen:
        manual_groups.add(group, chosen, by=it.by)
    return f"The group {group.name} is there again, with {_told(chosen)}."


def out_of_group(it: Undoing) -> str:
    group, chosen = _group(it), it.needs["people"]
    number = manual_groups.remove(group, chosen, by=it.by)
    if number != len(chosen):
        raise _changed(f"{_told(chosen[number:])} left {group.name} meanwhile")
    return f"{_told(chosen)} taken out of {group.name} again."


def into_group(it: Undoing) -> str:
    group, chosen = _group(it), it.needs["people"]
    joined = manual_groups.add(group, chosen, by=it.by)
    if joined.added != len(chosen):
        raise _changed(f"{_told(chosen[joined.added :])} came into {group.name} meanwhile")
    return f"{_told(chosen)} {_have(chosen)} been put into {group.name} again."


def role_back(it: Undoing) -> str:
    roles.hold(it.organization.pk)
    role = Role.objects.of(it.organization).filter(pk=it.needs["role"]).first()
    if role is None or role.kind != it.needs["to"]:
        raise _changed("The admin was removed, or has another role")
    changed = roles.change(it.organization, role.pk, it.needs["from"], by=it.by)
    return f"{changed.admin.email} is {changed.get_kind_display().lower()} again."


def hold_approved(it: Undoing) -> str:
    """As long as the worker has not carried it out (R27)."""
    return _hold(it, "take_back")


def hold_dismissed(it: Undoing) -> str:
    return _hold(it, "undo")


WAYS: dict[Deed, Way] = {
    Deed.SEATS_CHANGED: number_back,
    Deed.SEAT_GIVEN: take,
    Deed.SEATS_RESTORED: take,
    Deed.SEAT_REMOVED: give_back,
    Deed.PERSON_ADDED: remove_person,
    Deed.PERSON_CHANGED: edit_back,
    Deed.PEOPLE_REMOVED: bring_back,
    Deed.GROUP_RENAMED: rename_back,
    Deed.GROUP_DELETED: make_again,
    Deed.GROUP_PEOPLE_ADDED: out_of_group,
    Deed.GROUP_PEOPLE_REMOVED: into_group,
    Deed.ROLE_CHANGED: role_back,
    Deed.REMOVALS_APPROVED: hold_approved,
    Deed.REMOVALS_DISMISSED: hold_dismissed,
}


def register() -> None:
    undo.register(WAYS)


# ------------------------------------------------------------------ inside


def _do_to_all(it: Undoing, deed: by_hand.Deed) -> None:
    chosen = it.needs["people"]
    outcome = by_hand.run(it.organization, deed, lambda: chosen, by=it.by)
    for refused in outcome.refused:
        raise _changed(f"{refused.people.first[0].name}: {refused.because.rstrip('.')}")
    if outcome.done.total != len(chosen):
        raise _changed(f"{_told(chosen[outcome.done.total :])} were removed meanwhile")


def _restore(it: Undoing, product: str, chosen: Sequence[int]) -> int:
    try:
        return restore.restore(it.organization, product, chosen, by=it.by)
    except Refusal as refusal:
        if refusal.code != "seats_missing":
            raise
        raise Refusal(
            "seats_missing", f"What was freed has gone to others meanwhile: {refusal.detail}"
        ) from None


def _hold(it: Undoing, deed: str) -> str:
    application = Application.objects.of(it.organization).get(pk=uuid.UUID(it.needs["application"]))
    ids = it.needs["removals"]
    review.hold_again(application, ids, deed, by=it.by)
    removals = "1 removal is" if len(ids) == 1 else f"{len(ids):,} removals are"
    return f"{removals} held for review again."


def _group(it: Undoing) -> Group:
    groups = Group.objects.of(it.organization).select_related("application", "organization")
    group = groups.filter(pk=it.needs["group"]).first()
    if group is None:
        raise NotFound("group_not_found", "The group was deleted meanwhile. Nothing was changed.")
    return group


@contextlib.contextmanager
def _name_of_a_group(name: str) -> Iterator[None]:
    """R24's refusal as an admin reads it, who did not type the name."""
    try:
        yield
    except Refusal as refusal:
        if refusal.code != "group_name_taken":
            raise
        raise _changed(f"Another group is called {name} now") from None


def _changed(because: str) -> Refusal:
    return Refusal("changed_since", f"{because}, so it was not undone. Nothing was changed.")


def _told(people: Sequence[int]) -> str:
    return "1 person" if len(people) == 1 else f"{len(people):,} people"


def _have(people: Sequence[int]) -> str:
    return "has" if len(people) == 1 else "have"
