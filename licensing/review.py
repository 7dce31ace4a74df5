"""What an admin does with removals that the safety brake holds, and what follows (R27)."""

from __future__ import annotations

import dataclasses
import functools
import logging
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Count, Max, QuerySet

from accounts import audit, changes, clock, groups, people
from accounts.cause import Cause
from accounts.deeds import Deed
from accounts.models import Admin, Application, Group, Link, Organization
from accounts.refusal import Refusal
from accounts.sets import among
from licensing import allocation, removals
from licensing.models import OPEN_REMOVAL, HeldRemoval

State = HeldRemoval.State
_IN_GROUPS = [HeldRemoval.Wanted.LEAVE_GROUP, HeldRemoval.Wanted.DELETE_GROUP]
_log = logging.getLogger("seatkeeper.brake")


@dataclasses.dataclass(frozen=True, slots=True)
class Waiting:
    """number: removals of the application that are held; last: the newest one's number, so that
    "all" means those that the admin has seen."""

    application: Application
    number: int
    last: int


#: What each deed is done to, what it makes of it, and what the audit log calls it.
_DEEDS = {
    "approve": ([State.HELD], State.APPROVED, Deed.REMOVALS_APPROVED),
    "dismiss": ([State.HELD], State.DISMISSED, Deed.REMOVALS_DISMISSED),
    "undo": ([State.DISMISSED], State.HELD, Deed.REMOVALS_UNDONE),
    "take_back": ([State.APPROVED], State.HELD, Deed.REMOVALS_TAKEN_BACK),
}


def of_organization(organization: Organization) -> QuerySet[HeldRemoval]:
    """Each with application, person and who decided, in allocation order."""
    return (
        HeldRemoval.objects.of(organization)
        .select_related("application", "person", "pool", "decided_by")
        .order_by("application__name", "person__sort_key", "id")
    )


def waiting(organization: Organization) -> list[Waiting]:
    """Applications with removals that wait for an admin, by name."""
    found = (
        HeldRemoval.objects.of(organization)
        .filter(OPEN_REMOVAL, state=State.HELD)
        .values_list("application")
        .annotate(number=Count("id"), last=Max("id"))
        .order_by()
    )
    numbers = {application: (number, last) for application, number, last in found}
    applications = Application.objects.of(organization).filter(pk__in=numbers).order_by("name")
    return [Waiting(application, *numbers[application.pk]) for application in applications]


def decide(removal: HeldRemoval, deed: str, *, by: Admin) -> None:
    """Approve or dismiss one removal, or undo its dismissal.

    Refused: another admin, or another push, was faster ("removal_decided").
    """
    if not _decide(removal.application, {"pk": removal.pk}, deed, by):
        raise Refusal(
            "removal_decided",
            f"The removal of {removal.person} has been decided meanwhile. Nothing was changed.",
        )


def decide_all(application: Application, deed: str, *, last: int, by: Admin) -> int:
    """The same for everything of the application that an admin has seen: up to the row `last`.

    Returns how many were decided.
    """
    return _decide(application, {"pk__lte": last}, deed, by)


def hold_again(application: Application, ids: Sequence[int], deed: str, *, by: Admin) -> None:
    """What was decided of these removals is decided no more. deed: "undo" a dismissal, or
    "take_back" an approval that the worker has not carried out.

    Refused, all of them: one is not as it was decided any more ("removal_decided").
    """

    def change() -> None:
        with changes.joined():
            number = _decide(application, {"pk__in": among(ids, "bigint")}, deed, by)
        if number != len(ids):
            raise Refusal(
                "removal_decided",
                f"{len(ids) - number:,} of {len(ids):,} were carried out, decided or pushed "
                f"differently meanwhile. Nothing was changed.",
            )

    changes.run(change)


def carry_out() -> int:
    """The worker does what was approved: returns how many removals were over with that.

    Each person, and each group, in a transaction of its own; one that fails stops no other
    and is tried again at the next turn. Seats that are free by it go to those who wait (R20).
    """
    approved = HeldRemoval.objects.filter(state=State.APPROVED, done_at=None)
    of_people = approved.exclude(wanted__in=_IN_GROUPS).order_by("id")
    of_groups = approved.filter(wanted__in=_IN_GROUPS).order_by("application", "group")
    jobs = [
        *(functools.partial(_carry_out, removal) for removal in _with_relations(of_people)),
        *(
            functools.partial(_carry_out_in_group, *which)
            for which in of_groups.values_list("application", "group", "decided_by").distinct()
        ),
    ]
    done = 0
    for job in jobs:
        try:
            done += changes.run(job)
        except Exception:
            _log.exception("an approved removal could not be carried out")
    return done


# ------------------------------------------------------------------ inside


def _decide(application: Application, which: Mapping[str, Any], deed: str, by: Admin) -> int:
    before, after, told = _DEEDS[deed]
    decided = after != State.HELD

    def change() -> int:
        found = HeldRemoval.objects.filter(
            OPEN_REMOVAL, application=application, state__in=before, **which
        )
        pool_id = found.values_list("pool_id", flat=True).first()
        if pool_id is None:
            return 0
        allocation.lock(pool_id)  # no push notes anything meanwhile
        first = list(found.select_related("person").order_by("pk")[: audit.NAMED])
        ids = list(found.order_by("pk").values_list("pk", flat=True)) if decided else []
        number = found.update(
            state=after,
            decided_by=by if decided else None,
            decided_at=clock.now() if decided else None,
        )
        if number:
            about = {"removals": number, "people": [str(removal.person) for removal in first]}
            undo = {"application": application.pk, "removals": ids} if decided else None
            audit.note(
                application.organization_id, told, application, by=by, after=about, undo=undo
            )
        return number

    return changes.run(change)


def _with_relations(found: QuerySet[HeldRemoval]) -> QuerySet[HeldRemoval]:
    return found.select_related("application", "decided_by")


def _carry_out(removal: HeldRemoval) -> int:
    """One person. Locks as a push does: groups, link, person, pool."""
    application = removal.application
    deletes = removal.wanted == HeldRemoval.Wanted.DELETE
    link = _link(removal)
    if link is not None and deletes:
        groups.hold_all_of(application, link.pk)
    if link is not None:
        link = Link.objects.select_for_update(no_key=not deletes).filter(pk=link.pk).first()
    if link is not None:
        link.person = people.hold(link.person_id)
    if not _finish(removal.pool_id, [removal.pk]):
        return 0  # pushed differently meanwhile
    if link is not None:
        deed = removals.delete if deletes else removals.deactivate
        deed(link, application, removal.pool_id, cause=_cause(removal))
    return 1


def _carry_out_in_group(application_id: uuid.UUID, group_id: uuid.UUID, admin_id: int) -> int:
    """Everybody whom one admin approved to leave one group, as a set."""
    group = Group.objects.select_for_update(no_key=True).filter(pk=group_id).first()
    approved = HeldRemoval.objects.filter(
        application=application_id,
        group=group_id,
        decided_by=admin_id,
        state=State.APPROVED,
        done_at=None,
    )
    first = _with_relations(approved).first()
    if first is None:
        return 0
    allocation.lock(first.pool_id)
    rows = list(approved.values_list("pk", "person_id", "wanted"))
    _finish(first.pool_id, [pk for pk, _, _ in rows])
    if group is None:
        return len(rows)
    gone = groups.remove_people(group, [person for _, person, _ in rows])
    deletes = any(wanted == HeldRemoval.Wanted.DELETE_GROUP for _, _, wanted in rows)
    if deletes and not HeldRemoval.objects.filter(OPEN_REMOVAL, group=group_id).exists():
        gone += groups.delete(group)  # nobody is kept in it
    elif gone:
        groups.touch(group)
    allocation.settle(first.pool_id, gone, cause=_cause(first))
    return len(rows)


def _link(removal: HeldRemoval) -> Link | None:
    """The person as the application sees them: still by hand where it would take them over."""
    takes_over = removal.wanted == HeldRemoval.Wanted.TAKE_OVER
    application_id = None if takes_over else removal.application_id
    return Link.objects.filter(person=removal.person_id, application=application_id).first()


def _finish(pool_id: int, ids: Sequence[int]) -> int:
    """Whoever marks the rows does the deed."""
    allocation.lock(pool_id)
    return HeldRemoval.objects.filter(pk__in=ids, state=State.APPROVED, done_at=None).update(
        done_at=clock.now()
    )


def _cause(removal: HeldRemoval) -> Cause:
    return Cause(
        f"{removal.decided_by} approved what was held for review: {removal.because}",
        application_id=removal.application_id,
        admin_id=removal.decided_by_id,
        request_id=removal.request_id,
    )
