"""What an admin is told by e-mail, and how often; and the link that stops it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from accounts import notices as told
from accounts.pages.access import AdminRequest, admin_required
from accounts.refusal import Refusal


class NoticesForm(forms.Form):
    """A choice for each topic."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for topic in told.topics():
            self.fields[topic.key] = forms.ChoiceField(
                label=topic.title,
                help_text=f"{topic.sentence} {topic.always}".strip(),
                choices=topic.choices,
            )


@admin_required
def notices(request: AdminRequest) -> HttpResponse:
    """For this admin in this organization; every role may, about itself."""
    now = told.chosen(request.organization, request.admin)
    form = NoticesForm(request.POST or None, initial=now)
    if request.method == "POST" and form.is_valid():
        told.choose(request.organization, request.admin, form.cleaned_data, by=request.admin)
        messages.success(request, "Your choice is kept.")
        return redirect("accounts:notices")
    status = 422 if form.is_bound else 200
    return render(request, "accounts/notices.html", {"form": form}, status=status)


@csrf_exempt  # RFC 8058: the mail program posts it, with what only the e-mail's receiver knows
@never_cache
def stop(request: HttpRequest, proof: str) -> HttpResponse:
    """Without a login. Opening the link changes nothing (mail scanners open links too)."""
    try:
        organization, admin, topic = told.find(proof)
    except Refusal as refusal:
        return render(request, "accounts/stop_notices.html", {"why": refusal.detail}, status=410)
    if request.method == "POST":
        told.stop(organization, admin, topic)
    return render(
        request,
        "accounts/stop_notices.html",
        {
            "organization": organization,
            "address": admin.email,
            "title": told.title_of(topic),
            "stopped": request.method == "POST",
        },
    )
