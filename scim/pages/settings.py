"""Settings > Global Settings > SCIM: the switch, applications, a new one (R1, R2)."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import urlencode
from django.views.decorators.http import require_POST

from accounts import audit, organizations
from accounts.deeds import Deed
from accounts.models import Application, AuditEntry, Organization
from accounts.pages.access import AdminRequest, admin_required, changes_things
from accounts.refusal import Refusal
from scim import applications
from scim.models import Exchange
from scim.pages import rows
from scim.pages.forms import ApplicationForm, TokenForm

LAST = 8


@admin_required
def settings(request: AdminRequest) -> HttpResponse:
    """The switch and a card for each application."""
    return render(
        request,
        "scim/settings.html",
        {
            "applications": rows.applications(request.organization),
            "plan_sentence": organizations.plan_sentence(request.organization.plan),
            "switched_off": _switched_off(request.organization),
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
    if request.method != "POST":
        return render(request, "scim/turn_off.html")
    organizations.turn_scim_off(request.organization, by=request.admin)
    messages.success(request, "SCIM is off: pushes are refused. People and licenses stay.")
    return redirect("scim_settings:settings")


@admin_required
@changes_things
def new(request: AdminRequest) -> HttpResponse:
    """Add new SCIM configuration."""
    if not request.organization.may_use_scim:
        return redirect("scim_settings:settings")
    form = ApplicationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        wanted = form.cleaned_data
        try:
            application = applications.create(
                request.organization, wanted.pop("name"), **wanted, by=request.admin
            )
        except Refusal as refusal:
            form.add_error(_field_of(refusal), refusal.detail)
        else:
            messages.success(request, f"{application.name} is ready. Generate its first token.")
            return redirect("scim_settings:application", application.pk)
    status = 422 if form.is_bound else 200
    return render(request, "scim/new.html", {"form": form}, status=status)


@admin_required
def application(request: AdminRequest, application_id: uuid.UUID) -> HttpResponse:
    """One application: what to give the identity provider, tokens, rules, last requests."""
    return show(request, application_id, TokenForm())


def show(
    request: AdminRequest, application_id: uuid.UUID, form: TokenForm, *, status: int = 200
) -> HttpResponse:
    """The application's page, with its token form as it was sent when that was refused."""
    organization = request.organization
    application = get_object_or_404(rows.applications(organization), pk=application_id)
    tokens = application.tokens.order_by("-issued_at").select_related("issued_by")
    return render(
        request,
        "scim/application.html",
        {
            "application": application,
            "log_query": urlencode({"application": str(application.pk)}),
            "base_url": applications.base_url(),
            "tokens": rows.token_rows(organization, tokens),
            "form": form,
            "exchanges": Exchange.objects.of(organization)
            .filter(application=application)
            .defer("request", "response")
            .order_by("-at", "-id")[:LAST],
        },
        status=status,
    )


@admin_required
def guide(request: AdminRequest, application_id: uuid.UUID) -> HttpResponse:
    """What to press in the identity provider, with this application's real values (R6)."""
    application = get_object_or_404(rows.applications(request.organization), pk=application_id)
    asked = request.GET.get("idp")
    idp = asked if asked in Application.Idp.values else application.idp
    return render(
        request,
        "scim/guide.html",
        {
            "application": application,
            "base_url": applications.base_url(),
            "idp": idp,
            "idps": Application.Idp.choices,
            "steps": f"scim/guides/{idp}.html",
            "steps_title": f"In {Application.Idp(idp).label}"
            if idp != "other"
            else "In its console",
        },
    )


def _switched_off(organization: Organization) -> AuditEntry | None:
    """Who switched SCIM off, while it is; nobody did where it never was on."""
    if organization.scim_enabled:
        return None
    return audit.last(organization, Deed.SCIM_TURNED_OFF, [organization]).get(organization.pk)


def _field_of(refusal: Refusal) -> str | None:
    """The field that a refusal is about."""
    return {
        "application_exists": "name",
        "name_invalid": "name",
        "group_name_invalid": "eligible_groups",
    }.get(refusal.code)
