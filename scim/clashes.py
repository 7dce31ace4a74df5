"""Names that an identity provider cannot push, because a manual group has them (R24)."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Exists, OuterRef, QuerySet

from accounts import names
from accounts.models import Application, Group, Organization
from licensing.models import EligibleGroup


def of_names(organization: Organization, group_names: Iterable[str]) -> QuerySet[Group]:
    """Manual groups that have one of these names."""
    keys = [names.key(name) for name in group_names]
    return _manual(organization).filter(name_key__in=keys).order_by("name_key")


def to_come(
    organization: Organization, application: Application | None = None
) -> QuerySet[EligibleGroup]:
    """Chosen groups that are yet to be pushed, and will be refused as things are."""
    taken = _manual(organization).filter(name_key=OuterRef("name_key"))
    chosen = EligibleGroup.objects.of(organization).filter(Exists(taken), group=None)
    if application is not None:
        chosen = chosen.filter(policy_id=application.pk)
    return chosen.select_related("policy__application").order_by("name_key")


def names_taken(organization: Organization) -> QuerySet[Group]:
    """Every manual group: no identity provider can push one of the same name."""
    return _manual(organization).order_by("name_key")


def _manual(organization: Organization) -> QuerySet[Group]:
    return Group.objects.of(organization).filter(application=None)
