"""Held removals: what the safety brake keeps for review, and what was decided (R27)."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from accounts.models import Application
from accounts.pages import typed
from accounts.pages.access import AdminRequest, admin_required, changes_things
from accounts.pages.paging import page_of
from accounts.pages.undoing import done
from accounts.refusal import Refusal
from licensing import foretell, review
from licensing.models import HeldRemoval, Seat

State = HeldRemoval.State
TABS = {
    "held": "Held",
    "dismissed": "Dismissed",
    "approved": "Approved",
    "superseded": "Superseded",
}
_DONE = {
    "approve": "approved: the worker carries that out within a minute",
    "dismiss": "dismissed: they keep the license, and the same push stays refused",
    "undo": "held for review again",
}


@admin_required
def held(request: AdminRequest) -> HttpResponse:
    """Who would have lost a license; those that wait for an admin unless asked otherwise."""
    asked = request.GET.get("state", "")
    state = asked if asked in TABS else State.HELD.value
    rows = review.of_organization(request.organization).filter(state=state)
    return render(
        request,
        "licensing/held.html",
        {
            "tabs": TABS,
            "state": state,
            "waiting": review.waiting(request.organization),
            "page": page_of(request, rows),
        },
    )


@require_POST
@admin_required
@changes_things
def decide(request: AdminRequest, removal_id: int) -> HttpResponse:
    """Approve, dismiss or undo for one person."""
    removal = get_object_or_404(review.of_organization(request.organization), pk=removal_id)
    deed = _deed(request)
    if deed is not None:
        try:
            review.decide(removal, deed, by=request.admin)
        except Refusal as refusal:
            messages.error(request, refusal.detail)
        else:
            done(request, f"The removal of {removal.person.name} is {_DONE[deed]}.")
    return redirect("licensing:held")


@require_POST
@admin_required
@changes_things
def decide_all(request: AdminRequest, application_id: uuid.UUID) -> HttpResponse:
    """The same for everybody whom the admin has seen held."""
    application = get_object_or_404(Application.objects.of(request.organization), pk=application_id)
    deed, last = _deed(request), request.POST.get("last", "")
    if deed == "approve" and (question := _ask(request, application, last)):
        return question
    if deed is not None and last.isascii() and last.isdecimal() and len(last) < 19:
        number = review.decide_all(application, deed, last=int(last), by=request.admin)
        removals, are = ("removal", "is") if number == 1 else ("removals", "are")
        done(request, f"{number:,} {removals} by {application.name} {are} {_DONE[deed]}.")
    return redirect("licensing:held")


def _ask(request: AdminRequest, application: Application, last: str) -> HttpResponse | None:
    """Many are approved by typing the application's name: the worker cannot take it back."""
    waiting = review.waiting(request.organization)
    number = next((each.number for each in waiting if each.application == application), 0)
    name = typed.read_name(request, application.name, wanted=number > typed.MANY)
    if name.right:
        return None
    asks_first = typed.FIELD not in request.POST
    held = HeldRemoval.objects.filter(application=application, state=State.HELD)
    seats = Seat.objects.of(request.organization).filter(
        pool__product=application.product, person__in=held.values("person")
    )
    will = foretell.freeing(request.organization, {application.product: seats.count()})
    context = {
        "application": application,
        "number": number,
        "last": last,
        "will": will,
        "name": name.name,
        "wrong": "" if asks_first else name.wrong,
    }
    status = 200 if asks_first else name.status
    return render(request, "licensing/approve_all.html", context, status=status)


def _deed(request: AdminRequest) -> str | None:
    deed = request.POST.get("deed", "")
    return deed if deed in _DONE else None
