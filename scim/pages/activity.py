"""Activity log: every request that came in, and what was answered (R28)."""

from __future__ import annotations

import uuid
from contextlib import suppress

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from accounts.models import Application
from accounts.pages.access import AdminRequest, admin_required
from accounts.pages.paging import page_of
from scim.models import Exchange

ANSWERS = {
    "done": "Done (below 400)",
    "refused": "Refused or failed (400 and above)",
    "failed": "Failed (500 and above)",
}


@admin_required
def log(request: AdminRequest) -> HttpResponse:
    """The newest first, of one application or answer if asked."""
    rows = (
        Exchange.objects.of(request.organization)
        .select_related("application")
        .defer("request", "response")
        .order_by("-at", "-id")
    )
    application, answer = _asked(request)
    request_id = request.GET.get("request", "").replace("\x00", "")[:128]
    if application:
        rows = rows.filter(application=application)
    if request_id:
        rows = rows.filter(request_id=request_id)
    context = {
        "page": page_of(request, _answered(rows, answer)),
        "applications": Application.objects.of(request.organization).order_by("name"),
        "application": application,
        "answers": ANSWERS,
        "answer": answer,
        "request_id": request_id,
        "narrowed": bool(application or answer or request_id),
    }
    part = "scim/activity.html#results" if request.htmx else "scim/activity.html"
    return render(request, part, context)


@admin_required
def exchange(request: AdminRequest, exchange_id: int) -> HttpResponse:
    """One request, its answer and what was wrong, with secrets removed when it was recorded."""
    exchange = get_object_or_404(
        Exchange.objects.of(request.organization).select_related("application", "token"),
        pk=exchange_id,
    )
    return render(request, "scim/exchange.html", {"exchange": exchange})


def _asked(request: HttpRequest) -> tuple[uuid.UUID | None, str]:
    """The application and the answer of the filter; what makes no sense is left out."""
    answer = request.GET.get("answer", "")
    application = None
    with suppress(ValueError):
        application = uuid.UUID(request.GET.get("application", ""))
    return application, answer if answer in ANSWERS else ""


def _answered(rows: QuerySet[Exchange], answer: str) -> QuerySet[Exchange]:
    if answer == "done":
        return rows.filter(status__lt=400)
    if answer == "refused":
        return rows.filter(status__gte=400)
    if answer == "failed":
        return rows.filter(status__gte=500)
    return rows
