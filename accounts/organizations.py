"""Organizations: create, plan, the SCIM switch (R1)."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.utils.text import slugify

from accounts import audit
from accounts.deeds import Deed
from accounts.models import Admin, Organization
from accounts.refusal import NotFound, Refusal

PLANS = tuple(Organization.Plan.values)


def get(slug: str) -> Organization:
    try:
        return Organization.objects.get(slug=slug)
    except Organization.DoesNotExist:
        raise NotFound(
            "organization_not_found", f"There is no organization with the slug “{slug}”."
        ) from None


@transaction.atomic
def create(
    name: str,
    *,
    slug: str | None = None,
    plan: str = Organization.Plan.ADVANCED_PLUS,
    by: Admin | None = None,
) -> Organization:
    """A new customer. Refused: a slug that is used, a plan that does not exist."""
    name = name.strip()
    slug = slug or slugify(name)[:63]
    if not name or not slug:
        raise Refusal("name_missing", "An organization needs a name with a letter or digit in it.")
    if len(name) > 200 or len(slug) > 63:
        raise Refusal("name_too_long", "A name has at most 200 characters and a slug at most 63.")
    if slug != slugify(slug):
        raise Refusal(
            "slug_invalid",
            f"The slug “{slug}” may have only lower-case letters, digits and hyphens.",
        )
    _check_plan(plan)
    try:
        with transaction.atomic():
            made = Organization.objects.create(name=name, slug=slug, plan=plan)
    except IntegrityError:
        raise Refusal("slug_taken", f"An organization with the slug “{slug}” exists.") from None
    audit.note(made.pk, Deed.ORGANIZATION_CREATED, made, by=by, after={"plan": plan})
    return made


@transaction.atomic
def set_plan(organization: Organization, plan: str, *, by: Admin | None = None) -> Organization:
    """A lower plan keeps people and seats; SCIM then answers 403 (R1)."""
    _check_plan(plan)
    _set(organization, Deed.PLAN_CHANGED, by=by, plan=plan)
    return organization


@transaction.atomic
def turn_scim_on(organization: Organization, *, by: Admin | None = None) -> None:
    """Refused on a plan without SCIM (R1)."""
    check_plan_allows_scim(organization)
    _set(organization, Deed.SCIM_TURNED_ON, by=by, scim_enabled=True)


@transaction.atomic
def turn_scim_off(organization: Organization, *, by: Admin | None = None) -> None:
    """Pushes are answered 403 from now on; people and seats stay."""
    _set(organization, Deed.SCIM_TURNED_OFF, by=by, scim_enabled=False)


def check_plan_allows_scim(organization: Organization) -> None:
    if not organization.may_use_scim:
        raise Refusal("plan_without_scim", plan_sentence(organization.plan))


def plan_sentence(plan: str) -> str:
    return (
        f"SCIM is available to Sales Navigator Advanced and Advanced Plus. "
        f"This organization is on {Organization.Plan(plan).label}: upgrade the plan to use SCIM."
    )


def _set(organization: Organization, deed: Deed, *, by: Admin | None, **after: Any) -> None:
    """What was there is read under the row's lock, so that the audit log tells the truth."""
    rows = Organization.objects.filter(pk=organization.pk)
    before = rows.select_for_update(no_key=True).values(*after).get()
    rows.update(**after)
    for name, value in after.items():
        setattr(organization, name, value)
    audit.note(organization.pk, deed, organization, by=by, before=before, after=after)


def _check_plan(plan: str) -> None:
    if plan not in PLANS:
        raise Refusal("plan_unknown", f"There is no plan “{plan}”. Plans are {', '.join(PLANS)}.")
