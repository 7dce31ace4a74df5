"""Deeds on the waiting list: look at it again, drop who was refused."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from accounts.pages.access import AdminRequest, admin_required, changes_things
from accounts.refusal import Refusal
from licensing import refusals
from licensing import reprocess as reprocessing
from licensing.models import Pool
from licensing.pages import figures
from licensing.preview import Effect


@require_POST
@admin_required
@changes_things
def reprocess(request: AdminRequest, product: str) -> HttpResponse:
    """Reprocess now (R20)."""
    figures.check(product)
    effect = reprocessing.reprocess(request.organization, product, by=request.admin)
    messages.success(request, _outcome(effect))
    return redirect("licensing:waiting", product)


@require_POST
@admin_required
@changes_things
def drop(request: AdminRequest, product: str, entry_id: int) -> HttpResponse:
    """The refused push is not waited for any more (R18)."""
    pool = get_object_or_404(Pool.objects.of(request.organization), product=product)
    try:
        entry = refusals.drop(pool, entry_id, by=request.admin)
    except Refusal as refusal:
        messages.error(request, refusal.detail)
    else:
        messages.success(request, f"{entry.name or entry.email} is not waited for any more.")
    return redirect("licensing:waiting", product)


def _outcome(effect: Effect) -> str:
    told = [f"Looked at everybody again: {effect.happened}."]
    if effect.leave.total:
        told.append(f"{effect.leave.total:,} not eligible any more.")
    if effect.refused:
        free = "license is" if effect.free == 1 else "licenses are"
        told.append(
            f"{effect.refused:,} refused: push them again from the identity provider. "
            f"{effect.free:,} {free} free now."
        )
    return " ".join(told)
