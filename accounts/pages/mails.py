"""Settings > E-mails: every e-mail that Seatkeeper sends, to be looked at with made-up data."""

from __future__ import annotations

from csp.constants import NONE, SELF
from csp.decorators import csp, csp_update
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from accounts import mail, mail_style
from accounts.mail import Message
from accounts.pages.access import AdminRequest, admin_required
from accounts.pages.panels import Setting

SETTING = Setting(
    "E-mails", "Look at every e-mail that goes to people and admins.", "accounts:mails", "mail"
)


@require_safe
@admin_required
def overview(request: AdminRequest) -> HttpResponse:
    samples = [
        {"kind": kind, "name": name, "message": _sample(request, kind)}
        for kind, name in mail.samples().items()
    ]
    return render(request, "accounts/mails.html", {"samples": samples})


@require_safe
@csp_update({"frame-src": [SELF]})
@admin_required
def preview(request: AdminRequest, kind: str) -> HttpResponse:
    """Both parts of one e-mail; the HTML part in a frame, since it has a style of its own."""
    message = _sample(request, kind)
    context = {"kind": kind, "name": mail.name_of(kind), "message": message}
    return render(request, "accounts/mail.html", context)


@require_safe
@csp(
    {
        "default-src": [NONE],
        "style-src": [mail_style.SOURCE],
        "base-uri": [NONE],
        "form-action": [NONE],
        "frame-ancestors": [SELF],
    }
)
@xframe_options_sameorigin
@admin_required
def letter(request: AdminRequest, kind: str) -> HttpResponse:
    """The HTML part alone, as it is sent: nothing but its own style works in it."""
    return HttpResponse(_sample(request, kind).html)


def _sample(request: AdminRequest, kind: str) -> Message:
    if kind not in mail.samples():
        raise Http404
    return mail.sample(kind, request.organization, request.admin.email)
