"""The first page: held removals (R27), seats of each product, what needs attention, last pushes."""

from __future__ import annotations

from collections.abc import Iterator

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from accounts.pages import panels
from accounts.pages.access import AdminRequest, admin_required
from accounts.pages.panels import Attention
from licensing import review
from licensing.pages import figures
from licensing.pages.figures import Figures


@admin_required
def overview(request: AdminRequest) -> HttpResponse:
    pools = figures.of_organization(request.organization)
    attention = [*_of_pools(pools), *panels.attention(request)]
    return render(
        request,
        "licensing/overview.html",
        {
            "pools": pools,
            "held": review.waiting(request.organization),
            "attention": panels.worst_first(attention),
        },
    )


def _of_pools(pools: list[Figures]) -> Iterator[Attention]:
    """A ledger that was tampered with, over-assigned products, people who wait, idle licenses."""
    for each in pools:
        label = each.pool.get_product_display()
        link = reverse("licensing:pool", args=[each.pool.product])
        if each.reconciled and each.reconciled.broken:
            yield Attention(
                "bad",
                f"The history of {label} is not what it was: {each.reconciled.broken}",
                link,
                "See the product",
            )
        if each.over:
            yield Attention(
                "bad",
                f"{label} is over-assigned by {each.over:,}: more licenses are held than bought. "
                f"Nobody lost theirs; none is given until it fits.",
                link,
                "Change the number",
            )
        if each.waiting:
            people = "person waits" if each.waiting == 1 else "people wait"
            yield Attention(
                "warn",
                f"{each.waiting:,} {people} for a {label} license.",
                reverse("licensing:waiting", args=[each.pool.product]),
                "See who waits",
            )
        if each.idle:
            licenses = "license is" if each.idle == 1 else "licenses are"
            yield Attention(
                "info",
                f"{each.idle:,} {label} {licenses} idle: not activated or not used for "
                f"{each.pool.idle_after_days:,} days or more.",
                reverse("licensing:idle", args=[each.pool.product]),
                "See the idle licenses",
            )
