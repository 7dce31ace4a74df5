"""The first page: held removals (R27), seats of each product now and over six months, what needs
attention with the button that mends it, last pushes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts import clock
from accounts.models import Organization
from accounts.pages import panels
from accounts.pages.access import AdminRequest, admin_required, changes_things
from accounts.pages.panels import Attention
from accounts.templatetags.ui import distance
from licensing import reconcile, review
from licensing.models import Pool
from licensing.pages import figures
from licensing.pages.figures import Figures
from licensing.pages.trends import trends

#: Reconciliation comes every hour (R9); after so long it was missed more than once.
LATE = dt.timedelta(hours=3)


@admin_required
def overview(request: AdminRequest) -> HttpResponse:
    pools = figures.of_organization(request.organization)
    attention = [*_of_pools(request.organization, pools), *panels.attention(request)]
    return render(
        request,
        "licensing/overview.html",
        {
            "pools": pools,
            "trends": trends(pools),
            "held": review.waiting(request.organization),
            "attention": panels.worst_first(attention),
        },
    )


@require_POST
@admin_required
@changes_things
def reconcile_now(request: AdminRequest, product: str) -> HttpResponse:
    """What the schedule does every hour, by the worker within a minute (R9, R21)."""
    pool = get_object_or_404(Pool.objects.of(request.organization), product=product)
    name = pool.get_product_display()
    new = reconcile.ask(pool, by=request.admin)
    told = "is reconciled within a minute" if new else "is asked for already: it is reconciled soon"
    messages.success(request, f"{name} {told}. How it went stands here and on its page.")
    return redirect("licensing:pool", product)


def _of_pools(organization: Organization, pools: list[Figures]) -> Iterator[Attention]:
    """A ledger that was tampered with, reconciliation that does not come, over-assigned products,
    people who wait, idle licenses."""
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
        if each.pool.pk and (late := _late(organization, each)):
            yield Attention(
                "bad",
                f"{label} {late}, and it should be every hour: what is left for later may be "
                f"waiting. Ask whoever runs Seatkeeper whether the worker is up.",
                reverse("licensing:reconcile_now", args=[each.pool.product]),
                "Reconcile now",
                deed=True,
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


def _late(organization: Organization, each: Figures) -> str:
    """When the product was reconciled last, if that is too long ago."""
    last = each.reconciled.finished_at if each.reconciled else None
    if (last or organization.created_at) > clock.now() - LATE:
        return ""
    return f"was reconciled last {distance(last)}" if last else "was never reconciled"
