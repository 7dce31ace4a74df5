"""The safety brake of one application: on or off, and its limits (R27)."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from accounts.pages.access import AdminRequest, admin_required, changes_things
from accounts.refusal import Refusal
from licensing import brake as brakes
from licensing.models import Policy
from scim.pages.forms import BrakeForm


@admin_required
@changes_things
def brake(request: AdminRequest, application_id: uuid.UUID) -> HttpResponse:
    policy = get_object_or_404(
        Policy.objects.of(request.organization).select_related("application"), pk=application_id
    )
    form = BrakeForm(
        request.POST or None,
        initial={
            "on": "on" if policy.brake_on else "off",
            "people": policy.brake_people,
            "percent": policy.brake_percent,
        },
    )
    if request.method == "POST" and form.is_valid():
        wanted = form.cleaned_data | {"on": form.cleaned_data["on"] == "on"}
        try:
            brakes.set_limits(policy, **wanted, by=request.admin)
        except Refusal as refusal:
            form.add_error(None, refusal.detail)
        else:
            messages.success(request, f"The safety brake of {policy.application.name} is set.")
            return redirect("scim_settings:application", application_id)
    status = 422 if form.is_bound else 200
    return render(
        request,
        "scim/brake.html",
        {"application": policy.application, "form": form},
        status=status,
    )
