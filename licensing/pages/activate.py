"""The page behind the link of an invitation: whoever opens it is no admin (R14)."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

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
        about = {"refusal": refusal, "token": token, "expired": refusal.code == "link_expired"}
        return render(request, "licensing/activate.html", about, status=404)
    activated = seat.state == Seat.State.ACTIVATED
    about = {"seat": seat, "activated": activated}
    return render(request, "licensing/activate.html", about)


@require_POST
def ask(request: HttpRequest, token: str) -> HttpResponse:
    """A new link, to the person's own address. The answer is the same whatever was found."""
    activation.ask_again(token)
    return redirect("licensing:asked")


def asked(request: HttpRequest) -> HttpResponse:
    return render(request, "licensing/asked.html")
