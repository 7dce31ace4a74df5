"""Idle licenses: the rule of a product, who is idle, and reclaiming and giving back."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from accounts import clock
from accounts.models import Person
from accounts.pages import asked, typed
from accounts.pages.access import AdminRequest, admin_required, changes_things
from accounts.pages.forms import HintedRadio
from accounts.pages.paging import page_of
from accounts.refusal import Refusal
from licensing import foretell, idle
from licensing.models import Pool, Reclaimed
from licensing.pages import figures
from licensing.pages.licenses import about_pool

EVERYBODY = "all"
_NUMBER = {"inputmode": "numeric", "autocomplete": "off"}
_LONG_AGO = dt.timedelta(days=idle.MOST_DAYS)
_OUTCOMES = {
    "granted": "{name} has the {product} license back, and is invited to activate it.",
    "waiting": "No {product} license is free: {name} waits for the next one.",
    "not_eligible": "{name} is not eligible for a {product} license now. They get one as soon as "
    "an application makes them eligible.",
}


class RuleForm(forms.Form):
    """When a license is idle, and what becomes of it."""

    after_days = forms.IntegerField(
        label="Idle after days",
        required=False,
        min_value=1,
        max_value=idle.MOST_DAYS,
        help_text="Not activated, or not used, for so many days. Empty: no license is idle.",
        widget=forms.NumberInput(attrs=_NUMBER),
    )
    reclaim = forms.ChoiceField(
        label="Reclaim idle licenses",
        choices=Pool.Reclaim.choices,
        widget=HintedRadio(
            {
                "by_hand": "They are listed; an admin chooses.",
                "automatic": "Once a day. The person gets an e-mail first, and keeps the "
                "license by using it.",
            }
        ),
    )
    warn_days = forms.IntegerField(
        label="Warn days ahead",
        min_value=1,
        max_value=idle.MOST_DAYS,
        help_text="An automatic reclaim comes so many days after its e-mail.",
        widget=forms.NumberInput(attrs=_NUMBER),
    )
    scim = forms.ChoiceField(
        label="Licenses that an identity provider gives",
        choices=[("stay", "Stay"), ("reclaim", "May be reclaimed too")],
        widget=HintedRadio(
            {
                "stay": "Whoever it provides as eligible keeps the license, used or not.",
                "reclaim": "The person gets none by itself until the identity provider "
                "deactivates and activates them, or an admin gives it back.",
            }
        ),
    )


@admin_required
def idle_seats(request: AdminRequest, product: str) -> HttpResponse:
    """Who is idle, the longest first, and the rule."""
    return render(request, "licensing/pool.html", _listed(request, product))


@require_POST
@admin_required
@changes_things
def set_rule(request: AdminRequest, product: str) -> HttpResponse:
    figures.check(product)
    form = RuleForm(request.POST)
    if form.is_valid():
        wanted = form.cleaned_data
        may_reclaim_scim = wanted.pop("scim") == "reclaim"
        try:
            idle.set_rule(
                request.organization,
                product,
                **wanted,
                may_reclaim_scim=may_reclaim_scim,
                by=request.admin,
            )
        except Refusal as refusal:
            form.add_error(None, refusal.detail)
        else:
            messages.success(request, "The rule for idle licenses was changed.")
            return redirect("licensing:idle", product)
    context = _listed(request, product) | {"rule_form": form}
    return render(request, "licensing/pool.html", context, status=422)


@admin_required
@changes_things
def reclaim(request: AdminRequest, product: str) -> HttpResponse:
    """Shows whom it would be, and asks; the answer reclaims exactly those.

    person: ids, or "all" of those who were idle at the moment `at`, when the list was shown.
    """
    figures.check(product)
    pool = figures.of_product(request.organization, product).pool
    sent = request.POST if request.method == "POST" else request.GET
    at = _moment(sent.get("at", ""))
    people = sent.getlist("person")
    chosen = None if EVERYBODY in people else asked.ids(people)
    seats = idle.reclaimable(pool, at=at).select_related("person", "application")
    if chosen is not None:
        seats = seats.filter(person__in=chosen)
    number = seats.count()
    name = typed.read_name(request, pool.get_product_display(), wanted=number > typed.MANY)
    if request.method == "POST" and pool.pk is not None and name.right:
        done = idle.reclaim(pool, chosen, by=request.admin, at=at)
        messages.success(request, _outcome(done, chosen))
        return redirect("licensing:idle", product)
    return render(
        request,
        "licensing/reclaim.html",
        {
            "pool": pool,
            "page": page_of(request, seats.order_by("since", "pk")),
            "number": number,
            "will": foretell.freeing(request.organization, {product: number}),
            "chosen": [EVERYBODY] if chosen is None else sorted(chosen),
            "at": at.isoformat(),
            "typed": name,
        },
        status=name.status,
    )


@admin_required
def reclaimed(request: AdminRequest, product: str) -> HttpResponse:
    """Whose license was reclaimed and is not back, the last first."""
    figures.check(product)
    rows = (
        Reclaimed.objects.of(request.organization)
        .filter(pool__product=product)
        .select_related("person", "by", "pool")
        .order_by("-at", "-pk")
    )
    context = {
        "figures": figures.of_product(request.organization, product),
        "page": page_of(request, rows),
    }
    return render(request, "licensing/reclaimed.html", context)


@require_POST
@admin_required
@changes_things
def give_back(request: AdminRequest, product: str, person_id: int) -> HttpResponse:
    figures.check(product)
    organization = request.organization
    person = get_object_or_404(Person.objects.of(organization), pk=person_id)
    pool = get_object_or_404(Pool.objects.of(organization), product=product)
    try:
        outcome = idle.give_back(pool, person, by=request.admin)
    except Refusal as refusal:
        messages.error(request, refusal.detail)
    else:
        label = pool.get_product_display()
        messages.success(request, _OUTCOMES[outcome].format(name=person.name, product=label))
    return redirect("licensing:person", person.pk)


# ------------------------------------------------------------------ inside


def _listed(request: AdminRequest, product: str) -> dict[str, Any]:
    about = about_pool(request, product)
    pool, now = about["figures"].pool, clock.now()
    rows = idle.of_pool(pool, at=now).select_related("person", "application")
    page = page_of(request, rows.order_by("since", "pk"))
    return about | {
        "tab": "idle",
        "page": page,
        "at": now.isoformat(),
        "may_reclaim": any(not seat.must_stay for seat in page.rows),
        "reclaimed": pool.reclaimed.count() if pool.pk else 0,
        "rule_form": RuleForm(
            initial={
                "after_days": pool.idle_after_days,
                "reclaim": pool.reclaim,
                "warn_days": pool.warn_days,
                "scim": "reclaim" if pool.may_reclaim_scim else "stay",
            }
        ),
    }


def _outcome(done: idle.Result, chosen: set[int] | None) -> str:
    number = len(done.reclaimed)
    said = f"{number:,} {'license was' if number == 1 else 'licenses were'} reclaimed."
    if done.granted:
        who = "1 person" if len(done.granted) == 1 else f"{len(done.granted):,} people"
        said += f" {who} who waited got one."
    left = 0 if chosen is None else len(chosen) - number
    if left:
        stay = "stays" if left == 1 else "stay"
        said += f" {left:,} {stay}: used or freed meanwhile, or not to be reclaimed."
    return said


def _moment(text: str) -> dt.datetime:
    """When the admin looked at the list; what makes no sense, or is to come, is now."""
    now = clock.now()
    return min(max(asked.moment(text) or now, now - _LONG_AGO), now)
