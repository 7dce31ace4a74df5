"""Generate, rotate and revoke tokens (R3)."""

from __future__ import annotations

import datetime as dt
import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.debug import sensitive_variables

from accounts.models import Application
from accounts.pages.access import AdminRequest, admin_required, changes_things
from accounts.pages.typed import read_name
from accounts.refusal import Refusal
from scim import applications, tokens
from scim.models import Token
from scim.pages import guides, rows, settings
from scim.pages.forms import RotateForm, TokenForm


@sensitive_variables("issued")
@admin_required
@changes_things
def generate(request: AdminRequest, application_id: uuid.UUID) -> HttpResponse:
    """A new token. The answer to this very request is the only place where it is shown:
    never in an address, the session or a log, and no cache may keep it."""
    application = get_object_or_404(Application.objects.of(request.organization), pk=application_id)
    if request.method != "POST":
        return redirect("scim_settings:application", application_id)
    form = TokenForm(request.POST)
    if not form.is_valid():
        return settings.show(request, application_id, form, status=422)
    try:
        issued = tokens.issue(application, **form.cleaned_data, by=request.admin)
    except Refusal as refusal:
        form.add_error(None, refusal.detail)
        return settings.show(request, application_id, form, status=422)
    return shown(request, issued)


@sensitive_variables("issued")
@admin_required
@changes_things
def rotate(request: AdminRequest, token_id: uuid.UUID) -> HttpResponse:
    """A new token of the same name; the old one works on for as long as the admin says."""
    token = get_object_or_404(
        Token.objects.of(request.organization).select_related("application"), pk=token_id
    )
    form = RotateForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        overlap = dt.timedelta(hours=form.cleaned_data["overlap"])
        try:
            issued = tokens.rotate(token, overlap=overlap, by=request.admin)
        except Refusal as refusal:
            form.add_error(None, refusal.detail)
        else:
            token.refresh_from_db(fields=["expires_at"])
            return shown(request, issued, old=token)
    context = {"token": token, "form": form, "works": rows.token_row(token).works}
    return render(request, "scim/rotate.html", context, status=422 if form.is_bound else 200)


@sensitive_variables("issued")
def shown(
    request: HttpRequest, issued: tokens.Issued, *, old: Token | None = None, contact: bool = False
) -> HttpResponse:
    """The one page that shows a token. contact: to an IT contact without a login."""
    application = issued.token.application
    context = {
        "application": application,
        "issued": issued,
        "old": old,
        "base_url": applications.base_url(),
    }
    if contact:
        context |= {**guides.context_of(application, application.idp), "contact": True}
    template = "scim/setup_done.html" if contact else "scim/token_shown.html"
    response = render(request, template, context)
    response["Cache-Control"] = "no-store, private"
    return response


@admin_required
@changes_things
def revoke(request: AdminRequest, token_id: uuid.UUID) -> HttpResponse:
    """Asks first, unless the dialog has asked already; then the token ends for good."""
    token = get_object_or_404(
        Token.objects.of(request.organization).select_related("application"), pk=token_id
    )
    name = read_name(request, str(token))
    if not name.right:
        [row] = rows.token_rows(request.organization, [token])
        context = {"token": token, "row": row, "typed": name}
        return render(request, "scim/revoke.html", context, status=name.status)
    tokens.revoke(token, by=request.admin)
    messages.success(request, f"The token {token} is revoked. Pushes with it are refused.")
    return redirect("scim_settings:application", token.application_id)
