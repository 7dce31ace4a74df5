"""E-mail that could not be sent: seen on the overview, tried again by one button (R9)."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.views.decorators.http import require_POST

from accounts import mail, outbox
from accounts.models import Organization
from accounts.pages.access import AdminRequest, admin_required, changes_things


def notice(request: HttpRequest, **_: Any) -> str:
    """One line for each kind and reason; nothing when everything goes out."""
    organization: Organization = request.organization  # type: ignore[attr-defined]
    lines = [
        {"line": line, "name": mail.name_of(line.kind)} for line in outbox.unsent(organization)
    ]
    if not lines:
        return ""
    return render_to_string("accounts/unsent.html", {"lines": lines}, request)


@require_POST
@admin_required
@changes_things
def retry(request: AdminRequest) -> HttpResponse:
    number = outbox.retry(request.organization, by=request.admin)
    if number:
        what = "1 e-mail is" if number == 1 else f"{number:,} e-mails are"
        messages.success(request, f"{what} tried again within a minute.")
    else:
        messages.success(request, "There is no e-mail left that could not be sent.")
    return redirect("licensing:overview")
