"""Generate and revoke tokens (R3)."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.debug import sensitive_variables

from accounts.models import Application
from accounts.pages.access import AdminRequest, admin_required, changes_things
from accounts.refusal import Refusal
from scim import applications, tokens
from scim.models import Token
from scim.pages import rows, settings
from scim.pages.forms import TokenForm


@sensitive_variables("issued")
@admin_required
@changes_things
def generate(request: AdminRequest, application_id: uuid.UUID) -> HttpResponse:
    """A new token. The answer to this very request is the only place where it is shown:
    never in an address, the session or a log, and no cache may keep it."""
    if request.method != "POST":
        return redirect("scim_settings:application", application_id)
    application = get_object_or_404(Application.objects.of(request.organization), pk=application_id)
    form = TokenForm(request.POST)
    if not form.is_valid():
        return settings.show(request, application_id, form, status=422)
    try:
        issued = tokens.issue(application, **form.cleaned_data, by=request.admin)
    except Refusal as refusal:
        form.add_error(None, refusal.detail)
        return settings.show(request, application_id, form, status=422)
    response = render(
        request,
        "scim/token_shown.html",
        {"application": application, "issued": issued, "base_url": applications.base_url()},
    )
    response["Cache-Control"] = "no-store, private"
    return response


@admin_required
@changes_things
def revoke(request: AdminRequest, token_id: uuid.UUID) -> HttpResponse:
    """Asks first, unless the dialog has asked already; then the token ends for good."""
    token = get_object_or_404(
        Token.objects.of(request.organization).select_related("application"), pk=token_id
    )
    if request.method != "POST":
        [row] = rows.token_rows(request.organization, [token])
        return render(request, "scim/revoke.html", {"token": token, "row": row})
    tokens.revoke(token, by=request.admin)
    messages.success(request, f"The token {token} is revoked. Pushes with it are refused.")
    return redirect("scim_settings:application", token.application_id)
