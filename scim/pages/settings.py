"""Settings > Global Settings > SCIM: the switch and the applications (R1, R2)."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import urlencode
from django.views.decorators.http import require_POST

from accounts import audit, organizations
from accounts.deeds import Deed
from accounts.models import AuditEntry, Organization, Person
from accounts.pages.access import AdminRequest, admin_required, changes_things
from accounts.pages.typed import read_name
from accounts.refusal import Refusal
from scim import applications, clashes, mapping, setup_links
from scim.pages import drafts, rows
from scim.pages.forms import TokenForm

LAST = 8


@admin_required
def settings(request: AdminRequest) -> HttpResponse:
    """The switch and a card for each application; names that clash, before it is switched on."""
    return render(
        request,
        "scim/settings.html",
        {
            "applications": rows.with_health(request.organization),
            "draft": drafts.of(request),
            "clashes": clashes.to_come(request.organization),
            "plan_sentence": organizations.plan_sentence(request.organization.plan),
            "switched_off": _switched_off(request.organization),
            "will": _will_end(request.organization),
        },
    )


@require_POST
@admin_required
@changes_things
def turn_on(request: AdminRequest) -> HttpResponse:
    try:
        organizations.turn_scim_on(request.organization, by=request.admin)
    except Refusal as refusal:
        messages.error(request, refusal.detail)
    else:
        messages.success(request, "SCIM is on: pushes are answered again.")
    return redirect("scim_settings:settings")


@admin_required
@changes_things
def turn_off(request: AdminRequest) -> HttpResponse:
    """Asks first, unless the dialog has asked already."""
    name = read_name(request, request.organization.name)
    if not name.right:
        context = {"typed": name, "will": _will_end(request.organization)}
        return render(request, "scim/turn_off.html", context, status=name.status)
    organizations.turn_scim_off(request.organization, by=request.admin)
    messages.success(request, "SCIM is off: pushes are refused. People and licenses stay.")
    return redirect("scim_settings:settings")


@admin_required
def application(request: AdminRequest, application_id: uuid.UUID) -> HttpResponse:
    """One application: what to give the identity provider, tokens, rules, last requests."""
    return show(request, application_id, TokenForm())


def show(
    request: AdminRequest, application_id: uuid.UUID, form: TokenForm, *, status: int = 200
) -> HttpResponse:
    """The application's page, with its token form as it was sent when that was refused."""
    organization = request.organization
    application = get_object_or_404(rows.with_health(organization), pk=application_id)
    tokens = application.tokens.order_by("-issued_at").select_related(
        "issued_by", "setup_link__made_by"
    )
    away = rows.turned_away(application)
    attributes, newest = mapping.last_seen(application)
    return render(
        request,
        "scim/application.html",
        {
            "application": application,
            "log_query": urlencode({"application": str(application.pk)}),
            "base_url": applications.base_url(),
            "tokens": rows.token_rows(organization, tokens, away),
            "form": form,
            "setup_links": setup_links.open_of(application),
            "clashes": clashes.to_come(organization, application),
            "attributes": attributes,
            "newest": newest,
            "exchanges": rows.last_exchanges(organization, LAST, application),
        },
        status=status,
    )


def _will_end(organization: Organization) -> list[str]:
    """What stops when SCIM is turned off, with numbers."""
    number = organization.applications.count()
    feed = "1 application" if number == 1 else f"{number:,} applications"
    people = Person.objects.of(organization).filter(removed_at=None).exclude(managed_by=None)
    managed = people.count()
    are = "1 person is" if managed == 1 else f"{managed:,} people are"
    return [f"Pushes of {feed} are refused.", f"{are} kept up to date no longer."]


def _switched_off(organization: Organization) -> AuditEntry | None:
    """Who switched SCIM off, while it is; nobody did where it never was on."""
    if organization.scim_enabled:
        return None
    return audit.last(organization, Deed.SCIM_TURNED_OFF, [organization]).get(organization.pk)
