"""Account > Security: the second step, passkeys, and where the admin is signed in."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from accounts import second_step, sessions
from accounts.models import Organization, Passkey, SecondStep
from accounts.pages import gate, passkeys
from accounts.pages.access import AdminRequest, admin_required
from accounts.pages.paging import page_of


@admin_required
@gate.before_set_up
def overview(request: AdminRequest) -> HttpResponse:
    kept = SecondStep.objects.filter(admin=request.admin).first()
    return render(
        request,
        "accounts/security.html",
        {
            "second_step": kept,
            "codes_left": second_step.recovery_codes_left(request.admin) if kept else 0,
            "required": gate.requires_second_step(request.role),
            "passkeys": Passkey.objects.filter(admin=request.admin).order_by("name", "id"),
            "passkeys_work": passkeys.site_of(request).can_have_passkeys,
            "page": page_of(request, sessions.of(request.admin, within=_within(request))),
            "by_sso": gate.SSO in request.session,
            "here": request.session.session_key,
        },
    )


@require_POST
@admin_required
@gate.before_set_up
def end_session(request: AdminRequest, session_id: int) -> HttpResponse:
    """One of the admin's own; this one is ended by signing out."""
    own = sessions.of(request.admin, within=_within(request))
    session = get_object_or_404(own.exclude(session_key=request.session.session_key), pk=session_id)
    sessions.end_own(request.admin, session)
    messages.success(request, f"{session.browser} is signed out.")
    return redirect("accounts:security")


@require_POST
@admin_required
@gate.before_set_up
def end_other_sessions(request: AdminRequest) -> HttpResponse:
    here = request.session.session_key or ""
    number = sessions.end_own_others(request.admin, but=here, within=_within(request))
    what = "1 other session has" if number == 1 else f"{number:,} other sessions have"
    messages.success(request, f"{what} ended.")
    return redirect("accounts:security")


def _within(request: AdminRequest) -> Organization | None:
    """Whoever came by single sign-on sees the sessions of that organization alone."""
    return request.organization if gate.SSO in request.session else None
