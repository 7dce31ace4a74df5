"""What stands between a right password and the pages: the second step, and what it is for.

A session says how far its admin has come. Every page asks (`admin_required`), so that no way
to sign in, whoever writes the next one, gets past the second step.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.contrib.sessions.backends.base import SessionBase
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode

from accounts import client_address, sessions
from accounts.models import Admin, Passkey, Role, SignInRule, SingleSignOn

if TYPE_CHECKING:
    from accounts.pages.access import Access

BACKEND = "accounts.admins.EmailBackend"
#: Session: what proved the second step (code, recovery, passkey, sso).
PROVED = "second_step"
#: Session: the organization whose identity provider signed the admin in. It sees no other, since
#: no identity provider may speak for another organization.
SSO = "sso_organization"
#: Session: how the admin signed in, where it was not with a password.
SIGNED_IN_BY = "signed_in_by"

KEPT_BY_PROVIDER = (
    "You signed in with single sign-on: your identity provider keeps your sign-in safe. To change "
    "two-step sign-in or passkeys, sign in with your password."
)

View = Callable[..., HttpResponse]


def has_come_in(session: SessionBase, role: Role | None) -> bool:
    """Whether no second step is missing. role: the one in use, with its admin and rule."""
    if role is None or session.get(PROVED):
        return True
    if getattr(role.admin, "second_step", None) is not None:
        return False
    return not (requires_second_step(role) and has_passkey(role.admin))


def reached(session: SessionBase, roles: list[Role]) -> list[Role]:
    """Of the admin's roles those that this sign-in is good for."""
    only = session.get(SSO)
    return [role for role in roles if only in (None, role.organization_id)]


def is_locked(session: SessionBase, role: Role) -> bool:
    """Whether the organization wants its own single sign-on from this role. Owners can always
    come in without, so that a broken identity provider locks nobody out."""
    found: SingleSignOn | None = getattr(role.organization, "single_sign_on", None)
    return (
        found is not None
        and found.mode == SingleSignOn.Mode.REQUIRED
        and role.kind != Role.Kind.OWNER
        and session.get(SSO) != role.organization_id
    )


def requires_second_step(role: Role) -> bool:
    rule: SignInRule | None = getattr(role.organization, "sign_in_rule", None)
    return rule is not None and rule.two_step_required


def has_passkey(admin: Admin) -> bool:
    return Passkey.objects.filter(admin=admin).exists()


def sign_in_first(request: HttpRequest) -> HttpResponse:
    """To the sign-in page, or to its second step for whoever has done the first."""
    if isinstance(request.user, Admin):
        return redirect(_with_next(reverse("accounts:second_step"), request))
    return redirect_to_login(request.get_full_path())


def lead(request: HttpRequest, access: Access) -> HttpResponse | None:
    """Where somebody who has come in must go before this page; None: nowhere."""
    role = access.role
    if role is None:
        return None
    if is_locked(request.session, role):
        page = reverse("accounts:sso_offer", args=[role.organization.slug])
        return redirect(_with_next(page, request))
    if SSO in request.session or not requires_second_step(role):
        return None
    if getattr(role.admin, "second_step", None) is not None or has_passkey(role.admin):
        return None
    return redirect(_with_next(reverse("accounts:two_step"), request))


def own_sign_in(view: View) -> View:
    """A page that changes how an admin signs in, everywhere: not for whoever came by single
    sign-on, or an identity provider of one organization could open the others. Stands below
    `admin_required`."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if SSO in request.session:
            raise PermissionDenied(KEPT_BY_PROVIDER)
        return view(request, *args, **kwargs)

    return guarded


def before_set_up(view: View) -> View:
    """A page that is open to whoever has yet to set up what the organization requires."""
    view.before_set_up = True  # type: ignore[attr-defined]
    return view


def note_visit(request: HttpRequest, admin: Admin) -> None:
    """The list of sessions learns that this one is in use."""
    key = request.session.session_key
    if key:
        visit = sessions.Visit(
            key,
            by=request.session.get(SIGNED_IN_BY, "password"),
            address=address_of(request),
            user_agent=request.headers.get("User-Agent", ""),
            organization_id=request.session.get(SSO),
        )
        sessions.seen(admin, visit)


def where_to(request: HttpRequest) -> str:
    """The page that was asked for before signing in, if it is one of ours; else the overview."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    return wanted if is_ours(request, wanted) else resolve_url(settings.LOGIN_REDIRECT_URL)


def is_ours(request: HttpRequest, address: str) -> bool:
    """Whether somebody may be led there. Another text than an address could be the name of one,
    which Django's redirect would look up."""
    return address.startswith("/") and url_has_allowed_host_and_scheme(
        address, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )


def address_of(request: HttpRequest) -> str | None:
    """The visitor's address, which they cannot make up."""
    return client_address.of(request.META)


def _with_next(address: str, request: HttpRequest) -> str:
    """The page to come back to; after a form that was sent it is the overview."""
    if request.method != "GET":
        return address
    return f"{address}?{urlencode({'next': request.get_full_path()})}"


def prove(request: HttpRequest, by: str) -> None:
    """The second step is done; the session gets a new key, as at each step up."""
    before = request.session.session_key
    request.session.cycle_key()
    sessions.follow(before, request.session.session_key)
    request.session[PROVED] = by
