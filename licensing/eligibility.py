"""Who may have a seat: everyone whom an application provides, or chosen groups (R16)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from accounts import audit, names, sql
from accounts.cause import Cause
from accounts.deeds import Deed
from accounts.models import Admin, Application, Group
from accounts.refusal import Refusal
from licensing import allocation, preview
from licensing.allocation import LockedPool
from licensing.models import EligibleGroup, Policy, WaitingEntry
from licensing.preview import Done, Effect


def change(
    application: Application,
    *,
    eligibility: str,
    group_names: Sequence[str] = (),
    when_full: str | None = None,
    by: Admin | None = None,
    dry_run: bool = False,
    expected: str = "",
) -> Effect:
    """Other rules for an application, while it is in use: who is eligible, what when full.

    Seats follow at once: whoever becomes eligible gets one in the order of R17 or waits,
    whoever no longer is loses theirs. when_full: None leaves it as it is.
    dry_run: tell what would happen and undo it; expected: see licensing.preview.
    Refused: groups chosen while everyone is eligible, a name that is none, and what was
    confirmed is not so any more. Source: R16, R18.
    """
    check_groups(eligibility, group_names)
    policy = Policy.objects.get(application=application)
    cause = Cause.by(by, f"changed who gets licenses through {application.name}")
    decided: list[list[str]] = []

    def write() -> None:
        decided[:] = _write_policy(application.pk, eligibility, group_names, when_full)
        before, after = map(_told, decided)
        audit.note(
            application.organization_id,
            Deed.RULES_CHANGED,
            application,
            by=by,
            before=before,
            after=after,
        )

    def settle(pool: LockedPool) -> Done:
        return Done(allocation.settle(pool.id, None, cause=cause), decided)

    return preview.run(policy.pool_id, settle, before=write, dry_run=dry_run, expected=expected)


def check_groups(eligibility: str, group_names: Sequence[str]) -> None:
    if group_names and eligibility == Policy.Eligibility.EVERYONE:
        raise Refusal(
            "groups_without_eligibility",
            "Groups can be chosen only when eligibility is “groups”, not “everyone”.",
        )


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


def bind(pool_id: int) -> int:
    """Bind chosen names to groups that were pushed in the very moment of choosing.

    Neither of the two transactions sees the other then; reconciliation ends it (R9).
    Returns how many were bound.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE licensing_eligiblegroup chosen SET group_id = pushed.id, name = pushed.name "
            "FROM accounts_group pushed, licensing_policy policy "
            "WHERE policy.pool_id = %s AND chosen.policy_id = policy.application_id "
            "  AND chosen.group_id IS NULL AND pushed.application_id = policy.application_id "
            "  AND pushed.name_key = chosen.name_key",
            [pool_id],
        )
        return cursor.rowcount


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
    found = sql.fetch(
        "SELECT 1 FROM licensing_eligiblegroup chosen "
        "JOIN licensing_policy policy ON policy.application_id = chosen.policy_id "
        "WHERE chosen.group_id = %(group)s AND policy.eligibility = 'groups' LIMIT 1",
        {"group": group.pk},
    )
    return bool(found)


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


# ------------------------------------------------------------------ inside


def _write_policy(
    policy_id: uuid.UUID, eligibility: str, group_names: Sequence[str], when_full: str | None
) -> list[list[str]]:
    """Returns the rules before and after, for the digest of a preview.

    The groups of the choice before and after are held first: a push of one of them is
    either seen here, or sees what was chosen here.
    """
    policy = Policy.objects.select_for_update().get(pk=policy_id)
    chosen = Q(name_key__in=[names.key(name) for name in group_names]) | Q(
        pk__in=policy.eligible_groups.exclude(group=None).values("group")
    )
    groups = Group.objects.filter(chosen, application_id=policy.application_id).order_by("pk")
    list(groups.select_for_update(no_key=True).values_list("pk", flat=True))
    before = _rules(policy)
    policy.eligibility = eligibility
    policy.when_full = when_full or policy.when_full
    policy.save(update_fields=["eligibility", "when_full"])
    choose(policy, group_names)
    return [before, _rules(policy)]


def _told(rules: list[str]) -> dict[str, Any]:
    """The rules for the audit log."""
    eligibility, when_full, *chosen = rules
    return {"eligibility": eligibility, "when_full": when_full, "groups": chosen}


def _rules(policy: Policy) -> list[str]:
    chosen = policy.eligible_groups.order_by("name_key").values_list("name", flat=True)
    return [policy.eligibility, policy.when_full, *chosen]
