"""Inviting again: one person, or everybody who has not activated yet (R14)."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from accounts.pages.access import AdminRequest, admin_required, changes_things
from accounts.refusal import Refusal
from licensing import activation, pools
from licensing.models import Seat
from licensing.pages import figures


class InviteForm(forms.Form):
    days = forms.IntegerField(
        label="Assigned so many days ago or more",
        min_value=0,
        max_value=activation.MOST_DAYS,
        initial=7,
        widget=forms.NumberInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )


@require_POST
@admin_required
@changes_things
def invite(request: AdminRequest, seat_id: int) -> HttpResponse:
    seat = get_object_or_404(
        Seat.objects.of(request.organization).select_related("person"), pk=seat_id
    )
    try:
        activation.invite(seat, by=request.admin)
    except Refusal as refusal:
        messages.error(request, refusal.detail)
    else:
        messages.success(request, f"A new invitation goes to {seat.person.email} within a minute.")
    return redirect("licensing:person", seat.person_id)


@require_POST
@admin_required
@changes_things
def invite_all(request: AdminRequest, product: str) -> HttpResponse:
    figures.check(product)
    form = InviteForm(request.POST)
    if not form.is_valid():
        messages.error(
            request, f"Nobody was invited: the days are from 0 to {activation.MOST_DAYS:,}."
        )
        return redirect("licensing:pool", product)
    pool = pools.get(request.organization, product)
    days = form.cleaned_data["days"]
    number = activation.invite_all(pool, older_than_days=days, by=request.admin)
    people = "1 person is" if number == 1 else f"{number:,} people are"
    messages.success(
        request,
        f"{people} invited again."
        if number
        else "Nobody is to be invited: all have activated, or were invited within the last hour.",
    )
    return redirect("licensing:pool", product)
