"""The page of one product's seats over time, and the same as CSV."""

from __future__ import annotations

import dataclasses
import datetime as dt
from itertools import chain

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from accounts import clock
from accounts.pages import csvs
from accounts.pages.access import AdminRequest, admin_required
from licensing import counts
from licensing.pages.licenses import about_pool
from licensing.pages.trends import PERIODS, SERIES, SIX_MONTHS, trends


@admin_required
def over_time(request: AdminRequest, product: str) -> HttpResponse:
    """Seats of one product over 30, 90 or 182 days."""
    context = about_pool(request, product)
    days = _asked(request)
    context |= {
        "tab": "over-time",
        "days": days,
        "periods": {30: "30 days", 90: "90 days", SIX_MONTHS: "Six months"},
        "trends": trends([context["figures"]], days=days),
    }
    return render(request, "licensing/pool.html", context)


@admin_required
def over_time_sheet(request: AdminRequest, product: str) -> HttpResponseBase:
    """The same, day by day, as CSV."""
    pool = about_pool(request, product)["figures"].pool
    today, days = clock.now().date(), _asked(request)
    since = today - dt.timedelta(days=days)
    found = counts.over_time([pool], since=since, until=today).get(pool.pk, [])
    head = ("Day", *(name for name, _ in SERIES.values()))
    rows = (dataclasses.astuple(count) for count in found if count is not None)
    return csvs.answer(chain([head], rows), f"{product}-seats.csv")


def _asked(request: AdminRequest) -> int:
    days = request.GET.get("days", "")
    return int(days) if days in map(str, PERIODS) else SIX_MONTHS
