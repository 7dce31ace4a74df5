"""Who asks, for which organization, with which role: what every page starts with."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import patch_cache_control, patch_vary_headers
from django_htmx.middleware import HtmxDetails

from accounts.models import Admin, Organization, Role
from accounts.pages import gate

#: The session's key for the organization that an admin of several has chosen.
CHOSEN = "organization"
#: Roles that change things; the read-only role looks at them.
CHANGING = (Role.Kind.OWNER.value, Role.Kind.ADMIN.value)
NO_ROLE = (
    "You are signed in, but you are not an admin of any organization. Ask an owner of "
    "yours to add you under Admins."
)
NOT_HERE = (
    "You are no admin any more of the organization whose page you had open, so nothing was done. "
    "The next page is of {organization}."
)
READ_ONLY = (
    "Your role here is read-only: you can see everything and change nothing. Ask an owner "
    "of {organization} for the admin role."
)


class AdminRequest(HttpRequest):
    """A request that `admin_required` let through."""

    admin: Admin
    organization: Organization
    role: Role
    htmx: HtmxDetails


Page = Callable[..., HttpResponseBase]


@dataclasses.dataclass(frozen=True, slots=True)
class Access:
    """roles: every role of the admin, by organization name; role: the one in use."""

    admin: Admin | None
    roles: list[Role]
    role: Role | None

    @property
    def organization(self) -> Organization | None:
        return self.role.organization if self.role else None


def access_of(request: HttpRequest) -> Access:
    """One query for whoever is signed in, none for a stranger.

    Whoever has not done the second step yet is nobody.
    """
    user = request.user
    if not isinstance(user, Admin):
        return Access(None, [], None)
    roles = list(
        Role.objects.filter(admin=user)
        .select_related(
            "organization__sign_in_rule", "organization__single_sign_on", "admin__second_step"
        )
        .order_by("organization__name")
    )
    roles = gate.reached(request.session, roles)
    chosen = request.session.get(CHOSEN)
    # One that wants single sign-on is only opened when it is chosen.
    first = min(roles, key=lambda role: gate.is_locked(request.session, role), default=None)
    role = next((role for role in roles if role.organization_id == chosen), first)
    if not gate.has_come_in(request.session, role):
        return Access(None, [], None)
    return Access(user, roles, role)


def may_change(role: Role | None) -> bool:
    """Whether the role may change anything at all."""
    return bool(role and role.kind in CHANGING)


def admin_required(view: Page) -> Page:
    """Only for an admin of the organization in use; a stranger signs in first."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        access: Access = request.access  # type: ignore[attr-defined]
        if access.admin is None:
            return gate.sign_in_first(request)
        if access.role is None:
            raise PermissionDenied(NO_ROLE)
        gate.note_visit(request, access.admin)
        elsewhere = None if hasattr(view, "before_set_up") else gate.lead(request, access)
        if elsewhere is not None:
            return elsewhere
        _stay(request, access.role)
        asked = cast(AdminRequest, request)
        asked.admin = access.admin
        asked.role = access.role
        asked.organization = access.role.organization
        response = view(asked, *args, **kwargs)
        if "Cache-Control" not in response:
            patch_cache_control(response, private=True, no_cache=True)
        patch_vary_headers(response, ["HX-Request"])
        return response

    return guarded


def _stay(request: HttpRequest, role: Role) -> None:
    """In the organization whose page was shown. Who was removed from it meanwhile and has a role
    in another must not do to that one what an open page was about."""
    shown = request.session.get(CHOSEN)
    if shown == role.organization_id:
        return
    if shown is not None and request.method not in ("GET", "HEAD"):
        raise PermissionDenied(NOT_HERE.format(organization=role.organization.name))
    request.session[CHOSEN] = role.organization_id


def changes_things(view: Page) -> Page:
    """Not for the read-only role. Stands below `admin_required`."""

    @wraps(view)
    def guarded(request: AdminRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not may_change(request.role):
            raise PermissionDenied(READ_ONLY.format(organization=request.organization.name))
        return view(request, *args, **kwargs)

    return guarded
