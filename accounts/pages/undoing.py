"""Undo: a button in the notice of what was done, and on its line of the audit log."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_POST

from accounts import undo as undos
from accounts.pages.access import AdminRequest, admin_required, changes_things
from accounts.pages.preferences import back
from accounts.refusal import Refusal
from accounts.templatetags.ui import UNDO


def done(request: AdminRequest, sentence: str) -> None:
    """The notice of a deed, with *Undo* where what this request did can be undone."""
    line = undos.newest(request.organization, getattr(request, "request_id", ""), by=request.admin)
    messages.success(request, sentence, extra_tags=f"{UNDO}{line}" if line else "")


@require_POST
@admin_required
@changes_things
def undo(request: AdminRequest, entry_id: int) -> HttpResponse:
    """Undo the deed of a line of the audit log, and go back to the page."""
    try:
        said = undos.undo(request.organization, entry_id, by=request.admin)
    except Refusal as refusal:
        messages.error(request, refusal.detail)
    else:
        done(request, f"Undone. {said}")
    return back(request)
