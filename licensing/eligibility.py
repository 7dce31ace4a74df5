"""Who may have a seat: everyone whom an application provides, or chosen groups (R16)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from django.db import transaction
from django.db.models import Q

from accounts import names
from accounts.models import Group
from accounts.refusal import Refusal
from licensing.models import EligibleGroup, Policy, WaitingEntry


def choose(policy: Policy, group_names: Iterable[str]) -> None:
    """The groups whose members are eligible, by name; a group may be pushed later.

    None chosen means sync people only: nobody gets a seat. Who gains or loses one is for
    the caller to settle.
    """
    chosen: dict[str, str] = {}
    for name in group_names:
        name_key = names.key(name)
        if not name_key or len(name) > 256:
            raise Refusal("group_name_invalid", "A chosen group needs a name of 1 to 256 letters.")
        chosen[name_key] = name.strip()
    with transaction.atomic():
        policy.eligible_groups.exclude(name_key__in=chosen).delete()
        pushed = {
            group.name_key: group
            for group in Group.objects.filter(
                application_id=policy.application_id, name_key__in=chosen
            )
        }
        EligibleGroup.objects.bulk_create(
            [
                EligibleGroup(
                    organization_id=policy.organization_id,
                    policy=policy,
                    name=name,
                    name_key=name_key,
                    group=pushed.get(name_key),
                )
                for name_key, name in chosen.items()
            ],
            ignore_conflicts=True,
        )


def follow(group: Group) -> bool:
    """A SCIM group was created or renamed: bind it where its name was chosen.

    A group that was chosen already stays chosen under its new name. Returns whether
    its members became eligible by this.
    """
    bound = EligibleGroup.objects.filter(policy_id=group.application_id, group=group).first()
    by_name = EligibleGroup.objects.filter(policy_id=group.application_id, name_key=group.name_key)
    if bound is None:
        return bool(by_name.filter(group=None).update(group=group, name=group.name))
    if bound.name != group.name:
        by_name.exclude(pk=bound.pk).delete()
        bound.name, bound.name_key = group.name, group.name_key
        bound.save(update_fields=["name", "name_key"])
    return False


def makes_eligible(group: Group) -> bool:
    """Whether membership of this group decides about seats."""
    return EligibleGroup.objects.filter(
        group=group, policy__eligibility=Policy.Eligibility.GROUPS
    ).exists()


def makes_person_eligible(application_id: uuid.UUID, person_id: int) -> bool:
    """Whether the application itself gives this person, when active, a right to a seat (R16)."""
    everyone = Q(eligibility=Policy.Eligibility.EVERYONE)
    by_group = Q(eligible_groups__group__memberships__person=person_id)
    return Policy.objects.filter(everyone | by_group, pk=application_id).exists()


def members_wait(group: Group) -> bool:
    """Whether anybody of the group is on its pool's waiting list (R19)."""
    return WaitingEntry.objects.filter(
        pool__policies__application=group.application,
        refused=False,
        person__memberships__group=group,
    ).exists()
