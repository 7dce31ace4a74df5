"""What a license costs, for the cost of idle ones in reports (R25)."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from accounts.models import Product
from accounts.pages.access import AdminRequest, admin_required, changes_things
from accounts.refusal import Refusal
from licensing import prices as domain
from licensing.models import Pool
from licensing.pages import figures


class PriceForm(forms.Form):
    price = forms.DecimalField(
        label="Price of one license a month",
        required=False,
        min_value=0,
        max_value=domain.HIGHEST,
        decimal_places=2,
        help_text="Empty: reports show no cost.",
        widget=forms.NumberInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    currency = forms.CharField(
        label="Currency",
        required=False,
        max_length=3,
        help_text="Three letters, as EUR or USD.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "size": 4}),
    )


@admin_required
@changes_things
def prices(request: AdminRequest) -> HttpResponse:
    """A form for each product."""
    return render(request, "licensing/prices.html", {"forms": _forms(request)})


@require_POST
@admin_required
@changes_things
def set_price(request: AdminRequest, product: str) -> HttpResponse:
    figures.check(product)
    form = PriceForm(request.POST, prefix=product, auto_id=f"{product}-%s")
    if form.is_valid():
        wanted = form.cleaned_data
        try:
            domain.set_price(
                request.organization,
                product,
                wanted["price"],
                wanted["currency"],
                by=request.admin,
            )
        except Refusal as refusal:
            wrong = "currency" if refusal.code == "currency_invalid" else "price"
            form.add_error(wrong, refusal.detail)
        else:
            messages.success(request, f"The price of {Product(product).label} was saved.")
            return redirect("licensing:prices")
    context = {"forms": _forms(request, {product: form})}
    return render(request, "licensing/prices.html", context, status=422)


# ------------------------------------------------------------------ inside


def _forms(
    request: AdminRequest, given: dict[str, PriceForm] | None = None
) -> list[tuple[str, str, PriceForm]]:
    pools = {pool.product: pool for pool in Pool.objects.of(request.organization)}
    return [
        (product, label, (given or {}).get(product) or _form(product, pools.get(product)))
        for product, label in Product.choices
    ]


def _form(product: str, pool: Pool | None) -> PriceForm:
    initial = {"price": pool.price, "currency": pool.currency} if pool else {}
    return PriceForm(initial=initial, prefix=product, auto_id=f"{product}-%s")
