"""Licenses: how many of each product, who holds them, who waits, what happened."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from accounts.models import Product
from accounts.pages.access import AdminRequest, admin_required, changes_things
from accounts.pages.paging import page_of
from accounts.pages.undoing import done
from licensing import pools, seats
from licensing.models import LedgerEntry, Pool, Seat, WaitingEntry
from licensing.pages import figures
from licensing.pages.confirm import answer
from licensing.pages.invitations import InviteForm
from licensing.pages.trends import trends
from licensing.preview import Effect


class SeatsForm(forms.Form):
    number = forms.IntegerField(
        label="Licenses bought",
        min_value=0,
        max_value=pools.MOST_SEATS,
        help_text="More serve the waiting list at once. Fewer take nobody's license.",
        widget=forms.NumberInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )


@admin_required
def licenses(request: AdminRequest) -> HttpResponse:
    """Every product with its numbers."""
    pools_ = figures.of_organization(request.organization)
    context = {"pools": pools_, "trends": trends(pools_)}
    return render(request, "licensing/licenses.html", context)


@admin_required
def pool(request: AdminRequest, product: str) -> HttpResponse:
    """Who holds a license of the product, in allocation order (R17)."""
    return render(request, "licensing/pool.html", _holders(request, product))


@admin_required
def waiting(request: AdminRequest, product: str) -> HttpResponse:
    """Who waits, in allocation order, since when and why (R18)."""
    context = about_pool(request, product)
    pool = context["figures"].pool
    rows = seats.waiting(pool) if pool.pk else WaitingEntry.objects.none()
    rows = rows.select_related("application", "person")
    context |= {"tab": "waiting", "page": page_of(request, rows)}
    return render(request, "licensing/pool.html", context)


@admin_required
def history(request: AdminRequest, product: str) -> HttpResponse:
    """The ledger of the product, the newest line first (R21)."""
    context = about_pool(request, product)
    rows = (
        LedgerEntry.objects.of(request.organization)
        .filter(pool__product=product)
        .select_related("person", "application", "admin")
        .order_by("-id")
    )
    context |= {"tab": "history", "page": page_of(request, rows)}
    return render(request, "licensing/pool.html", context)


@require_POST
@admin_required
@changes_things
def set_seats(request: AdminRequest, product: str) -> HttpResponse:
    """Another number of licenses (R15): first whom it would serve, then the change."""
    context = about_pool(request, product)
    form = SeatsForm(request.POST)
    context |= {"form": form}
    if form.is_valid():
        number = form.cleaned_data["number"]

        def deed(*, dry_run: bool, expected: str = "") -> Effect:
            return pools.change_seats(
                request.organization,
                product,
                number,
                by=request.admin,
                dry_run=dry_run,
                expected=expected,
            )

        context |= {"number": number}
        asked, effect = answer(
            request,
            deed,
            "licensing/seats_preview.html",
            context,
            name=Product(product).label,
        )
        if asked is not None:
            return asked
        done(request, _outcome(product, effect))
        return redirect("licensing:pool", product)
    context |= _rows_of_holders(request, context["figures"].pool)
    return render(request, "licensing/pool.html", context, status=422)


def _outcome(product: str, effect: Effect) -> str:
    licenses = "license" if effect.purchased == 1 else "licenses"
    told = f"{Product(product).label} now has {effect.purchased:,} {licenses}"
    if effect.over_assigned:
        return f"{told}. It is over-assigned by {effect.over_assigned:,}; nobody lost a license."
    return f"{told}: {effect.happened}."


def _holders(request: AdminRequest, product: str) -> dict[str, Any]:
    context = about_pool(request, product)
    return context | _rows_of_holders(request, context["figures"].pool)


def _rows_of_holders(request: AdminRequest, pool: Pool) -> dict[str, Any]:
    rows = seats.holders(pool) if pool.pk else Seat.objects.none()
    return {"tab": "holders", "page": page_of(request, rows)}


def about_pool(request: AdminRequest, product: str) -> dict[str, Any]:
    """What each tab of a product's page shows. 404: no such product."""
    figures.check(product)
    about = figures.of_product(request.organization, product)
    return {
        "figures": about,
        "form": SeatsForm(initial={"number": about.pool.purchased}),
        "invite_form": InviteForm(),
    }
