"""What an admin chooses for their own browser: appearance, time zone, shortcuts, organization."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from accounts import clock, zones
from accounts.context import KEYS_COOKIE, SCHEME_COOKIE, SCHEMES
from accounts.pages import gate
from accounts.pages.access import CHOSEN, AdminRequest, admin_required

YEAR = 365 * 24 * 3600


@admin_required
def preferences(request: AdminRequest) -> HttpResponse:
    """All of them on one page."""
    context = {"regions": zones.by_region(), "now": clock.now()}
    return render(request, "accounts/preferences.html", context)


@require_POST
def scheme(request: HttpRequest) -> HttpResponse:
    """Light, dark, or (empty) what the system says."""
    chosen = request.POST.get("scheme", "")
    return _remembering(request, SCHEME_COOKIE, chosen if chosen in SCHEMES else "")


@require_POST
def keys(request: HttpRequest) -> HttpResponse:
    """Whether a letter is a shortcut (WCAG 2.1.4)."""
    return _remembering(request, KEYS_COOKIE, "off" if request.POST.get("keys") == "off" else "")


@require_POST
def zone(request: HttpRequest) -> HttpResponse:
    """The zone in which times are shown; what is none is UTC, which needs no cookie."""
    chosen = zones.known(request.POST.get("zone"))
    return _remembering(request, zones.COOKIE, "" if chosen == zones.UTC else chosen)


@require_POST
@admin_required
@gate.before_set_up
def switch(request: AdminRequest) -> HttpResponse:
    """Another organization, of those that the admin has a role in; others are not there."""
    roles = request.access.roles  # type: ignore[attr-defined]
    chosen = request.POST.get("organization")
    role = next((role for role in roles if str(role.organization_id) == chosen), None)
    if role is None:
        raise Http404
    request.session[CHOSEN] = role.organization_id
    return redirect("licensing:overview")


def back(request: HttpRequest) -> HttpResponse:
    """To the page that the form was on (`next`); what is no page of ours is the overview."""
    page = request.POST.get("next", "")
    return redirect(page if gate.is_ours(request, page) else "/")


def _remembering(request: HttpRequest, name: str, value: str) -> HttpResponse:
    """Back to the page, with the cookie; without a value it is forgotten."""
    response = back(request)
    if value:
        # Read by app.js too, which sets it without loading the page again.
        response.set_cookie(
            name, value, max_age=YEAR, samesite="Lax", secure=request.is_secure(), httponly=False
        )
    else:
        response.delete_cookie(name, samesite="Lax")
    return response
