"""The page behind the link of an invitation: whoever opens it is no admin (R14)."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache

from accounts.refusal import Refusal
from licensing import activation
from licensing.models import Seat


@never_cache
def activate(request: HttpRequest, token: str) -> HttpResponse:
    """Opening the link changes nothing (mail scanners open links too): pressing the button does."""
    try:
        if request.method == "POST":
            activation.activate(token)
            return redirect("licensing:activate", token)
        seat = activation.find(token)
    except Refusal as refusal:
        return render(request, "licensing/activate.html", {"refusal": refusal}, status=404)
    activated = seat.state == Seat.State.ACTIVATED
    return render(request, "licensing/activate.html", {"seat": seat, "activated": activated})
