"""Groups that admins make by hand, for usage reporting, with any people in them (R23, R24)."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from typing import Any

from accounts import audit, by_hand, changes, groups
from accounts.deeds import Deed
from accounts.models import Admin, Group, Membership, Organization
from accounts.refusal import NotFound, Refusal
from accounts.sets import among

#: It begins only where a word does, so that a long word without an @ is read once.
_ADDRESS = re.compile(r"(?<![^\s<>,;\"'()@])[^\s<>,;\"'()@]+@[^\s<>,;\"'()]+")
_NAMED = 10


@dataclasses.dataclass(frozen=True, slots=True)
class Joined:
    """How many came into a group, how many were in it, and whom nobody knows."""

    added: int
    already: int
    unknown: list[str]


def create(organization: Organization, name: str, *, by: Admin | None = None) -> Group:
    """Refused: no name, or that of any group of the organization ("group_name_taken", R24)."""
    return changes.run(lambda: groups.create(organization, name, by=by))


def rename(group: Group, name: str, *, by: Admin | None = None) -> Group:
    """Held to the same rule. Refused: an application's group ("group_is_scim", R23)."""

    def change() -> Group:
        held = hold(group)
        before = held.name
        groups.change(held, name=name, external_id=held.external_id, document=held.document)
        audit.note(
            held.organization_id,
            Deed.GROUP_RENAMED,
            held,
            by=by,
            before={"name": before},
            after={"name": held.name},
            undo={"group": held.pk, "from": before, "to": held.name},
        )
        return held

    return changes.run(change)


def delete(group: Group, *, by: Admin | None = None) -> int:
    """The group goes, its people stay; returns how many were in it."""

    def change() -> int:
        held = hold(group)
        subject = audit.about(held)  # a group that is deleted has lost its id
        gone = groups.delete(held)
        audit.note(
            held.organization_id,
            Deed.GROUP_DELETED,
            subject,
            by=by,
            before=audit.people(gone),
            undo={"name": held.name, "people": gone},
        )
        return len(gone)

    return changes.run(change)


def remove(group: Group, people: Sequence[int], *, by: Admin | None = None) -> int:
    """Out of the group; returns how many were in it."""

    def change() -> int:
        held = hold(group)
        gone = groups.remove_people(held, people)
        if gone:
            groups.touch(held)
            _note(held, Deed.GROUP_PEOPLE_REMOVED, gone, by, before=audit.people(gone))
        return len(gone)

    return changes.run(change)


def add_addresses(
    group: Group,
    emails: Sequence[str],
    *,
    leave_out_unknown: bool,
    people: Sequence[int] = (),
    by: Admin | None = None,
) -> Joined:
    """People by their addresses, all or nobody; three statements however many they are.

    people: others besides, by their own ids. leave_out_unknown: whom nobody knows is told and no
    obstacle. Refused otherwise, naming them ("person_not_found"); and an address that several
    people have ("email_ambiguous").
    """

    def change() -> Joined:
        held = hold(group)
        found = by_hand.by_address(held.organization, emails)
        several = [email for email, people in found.items() if len(people) > 1]
        if several:
            raise Refusal(
                "email_ambiguous",
                f"More than one person has the address {_some(several)}. Add them by search.",
            )
        unknown = [email for email, people in found.items() if not people]
        if unknown and not leave_out_unknown:
            raise NotFound(
                "person_not_found",
                f"{held.organization.name} has nobody with {_some(unknown)}. Nobody was added: "
                f"mend the list, or tick that unknown addresses are left out.",
            )
        known = {id for ids in found.values() for id in ids}
        return _join(held, known | set(people), unknown, by)

    return changes.run(change)


def add(group: Group, people: Sequence[int], *, by: Admin | None = None) -> Joined:
    """People by their own ids; those of another organization are nobody's."""
    return changes.run(lambda: _join(hold(group), set(people), [], by))


def addresses(text: str) -> tuple[list[str], list[str]]:
    """The e-mail addresses in a pasted list, and its entries that have none."""
    found: dict[str, None] = {}
    without: list[str] = []
    for entry in re.split(r"[\n\r,;\t]+", text):
        inside = _ADDRESS.findall(entry)
        found |= dict.fromkeys(inside)
        if entry.strip() and not inside:
            without.append(entry.strip())
    return list(found), without


def hold(group: Group) -> Group:
    """The group as it is now, for this transaction alone.

    Refused: it is gone ("group_not_found"), or an application owns it ("group_is_scim", R23).
    """
    held = (
        Group.objects.select_for_update(no_key=True, of=("self",))
        .select_related("organization", "application")
        .filter(pk=group.pk)
        .first()
    )
    if held is None:
        raise NotFound("group_not_found", f"The group “{group.name}” was deleted meanwhile.")
    if held.application is not None:
        raise Refusal(
            "group_is_scim",
            f"{held.application.name} owns the group “{held.name}”: change it in the identity "
            f"provider.",
        )
    return held


# ------------------------------------------------------------------ inside


def _join(held: Group, people: set[int], unknown: list[str], by: Admin | None) -> Joined:
    inside = Membership.objects.filter(group=held, person__in=among(people, "bigint"))
    members = inside.values_list("person_id", flat=True)
    before = set(members.all())
    groups.add_ids(held, sorted(people))
    joined = set(members.all()) - before
    if joined:
        groups.touch(held)
        _note(held, Deed.GROUP_PEOPLE_ADDED, sorted(joined), by, after=audit.people(joined))
    return Joined(len(joined), len(before), unknown)


def _note(held: Group, deed: Deed, who: Sequence[int], by: Admin | None, **change: Any) -> None:
    undo = {"group": held.pk, "people": list(who)}
    audit.note(held.organization_id, deed, held, by=by, undo=undo, **change)


def _some(entries: Sequence[str]) -> str:
    more = len(entries) - _NAMED
    return ", ".join(entries[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")
