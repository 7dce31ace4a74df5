"""Who may do what in an organization. It never loses its last owner, nor, where single sign-on
is required, the last owner who could come in without it (R5).

Whoever changes a role holds the organization's row first, so that one decision follows the
other: two owners who remove each other at the same moment cannot both succeed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from accounts import audit, changes, sessions
from accounts.deeds import Deed
from accounts.models import Admin, Organization, Role, SingleSignOn
from accounts.refusal import NotFound, Refusal

OWNER = Role.Kind.OWNER
Result = TypeVar("Result")


def owners_left(organization: Organization) -> int:
    """How many owners can sign in. One is a risk, none a locked door."""
    return _owners(organization.pk)


def change(organization: Organization, role_id: int, kind: str, *, by: Admin | None = None) -> Role:
    """Another role for an admin. Refused: the last owner would be none ("last_owner"), or the
    last one with a password where single sign-on is required ("last_way_in")."""
    check(kind)

    def deed() -> Role:
        role = _get(organization, role_id)
        before, role.kind = role.kind, kind
        if before == OWNER != kind:
            _keep_an_owner(role, "cannot get another role")
        role.save(update_fields=["kind"])
        if before == OWNER != kind:
            _keep_a_way_in(organization)
        audit.note(
            organization.pk,
            Deed.ROLE_CHANGED,
            role.admin,
            by=by,
            before={"role": before},
            after={"role": kind},
            undo={"role": role.pk, "from": before, "to": kind},
        )
        return role

    return as_owner(organization, deed, by=by)


def remove(organization: Organization, role_id: int, *, by: Admin | None = None) -> Admin:
    """The admin has no part in this organization any more; roles elsewhere stay.

    Sessions that its single sign-on made end; others see that the role is gone.
    Refused: the last owner ("last_owner", "last_way_in").
    """

    def deed() -> Admin:
        role = _get(organization, role_id)
        if role.kind == OWNER:
            _keep_an_owner(role, "cannot be removed")
        role.delete()
        if role.kind == OWNER:
            _keep_a_way_in(organization)
        audit.note(
            organization.pk, Deed.ADMIN_REMOVED, role.admin, by=by, before={"role": role.kind}
        )
        return role.admin

    removed = as_owner(organization, deed, by=by)
    sessions.end_others(removed, but="", within=organization)
    return removed


def owners_with_password(organization: Organization) -> list[Admin]:
    """Who comes in when the identity provider does not work."""
    owners = Admin.objects.filter(
        roles__organization=organization, roles__kind=OWNER, is_active=True
    )
    return [owner for owner in owners.order_by("email") if owner.has_usable_password()]


def as_owner(organization: Organization, deed: Callable[[], Result], *, by: Admin | None) -> Result:
    """Run a deed of an owner in its transaction, holding the organization.

    Refused: `by` is no owner any more ("not_owner"); None is the command line.
    """

    def held() -> Result:
        hold(organization.pk)
        if by is not None and not _owns(by, organization):
            raise Refusal("not_owner", f"You are no owner of {organization.name} any more.")
        return deed()

    return changes.run(held)


def hold(organization_id: int) -> None:
    """One decision about roles at a time an organization; taken before any other lock."""
    Organization.objects.select_for_update(no_key=True).get(pk=organization_id)


def check(kind: str) -> None:
    if kind not in Role.Kind.values:
        raise Refusal("role_unknown", f"A role is one of {', '.join(Role.Kind.values)}.")


# ------------------------------------------------------------------ inside


def _owners(organization_id: int) -> int:
    return Role.objects.filter(
        organization=organization_id, kind=OWNER, admin__is_active=True
    ).count()


def _owns(admin: Admin, organization: Organization) -> bool:
    return Role.objects.of(organization).filter(admin=admin, kind=OWNER).exists()


def _get(organization: Organization, role_id: int) -> Role:
    role = Role.objects.of(organization).select_related("admin").filter(pk=role_id).first()
    if role is None:
        raise NotFound("admin_not_found", "That admin has been removed meanwhile.")
    return role


def _keep_an_owner(role: Role, what: str) -> None:
    """Before the row is written: the others that can sign in are counted."""
    others = _owners(role.organization_id) - (1 if role.admin.is_active else 0)
    if others < 1:
        raise Refusal(
            "last_owner",
            f"{role.admin} is the only owner and {what}: nobody could manage admins any more. "
            f"Make somebody else an owner first.",
        )


def _keep_a_way_in(organization: Organization) -> None:
    """After the row is written: an identity provider that fails must not lock everybody out."""
    required = SingleSignOn.objects.of(organization).filter(mode=SingleSignOn.Mode.REQUIRED)
    if required.exists() and not owners_with_password(organization):
        raise Refusal(
            "last_way_in",
            "Single sign-on is required, and no other owner has a password: if the identity "
            "provider fails, nobody could come in. Make somebody with a password an owner first.",
        )
