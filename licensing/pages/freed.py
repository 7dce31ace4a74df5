"""Recently freed: licenses that can be restored for 30 days (R13)."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from accounts.models import Product
from accounts.pages import asked
from accounts.pages.access import AdminRequest, admin_required, changes_things
from accounts.pages.paging import page_of
from accounts.pages.undoing import done
from accounts.refusal import Refusal
from licensing import restore as restoring
from licensing.models import LedgerEntry
from licensing.pages import figures, licenses

MOST = 1000


@admin_required
def freed(request: AdminRequest, product: str) -> HttpResponse:
    """Whose license was freed, when and why, the newest first."""
    context = licenses.about_pool(request, product)
    pool = context["figures"].pool
    rows = restoring.freed(pool) if pool.pk else LedgerEntry.objects.none()
    context |= {"tab": "freed", "page": page_of(request, rows)}
    return render(request, "licensing/pool.html", context)


@require_POST
@admin_required
@changes_things
def restore(request: AdminRequest, product: str) -> HttpResponse:
    """One (`only`), or those that were selected (`people`)."""
    figures.check(product)
    people = request.POST.getlist("only") or request.POST.getlist("people")
    chosen = sorted(asked.ids(people[:MOST]))
    if not chosen:
        messages.error(request, "Nobody was selected.")
        return redirect("licensing:freed", product)
    try:
        number = restoring.restore(request.organization, product, chosen, by=request.admin)
    except Refusal as refusal:
        messages.error(request, refusal.detail)
    else:
        licenses_were = "license was" if number == 1 else "licenses were"
        done(request, f"{number:,} {Product(product).label} {licenses_were} restored, by hand.")
    return redirect("licensing:freed", product)
