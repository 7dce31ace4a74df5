"""Reporting: any groups compared by seats, activation, use and idle seats (R25).

What was chosen stands in the address, so that it can be kept and handed on.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import render

from accounts import clock
from accounts.models import Group, Organization, Product
from accounts.pages import asked, csvs
from accounts.pages.access import AdminRequest, admin_required
from accounts.pages.charts import Bar, Bars, Lines, Part, Series
from licensing import reporting, reports
from licensing.reporting import Period
from licensing.reports import Report, Row

PERIODS = {30: "Last 30 days", 90: "Last 90 days", 180: "Last 180 days"}
USUAL = 30
MOST_DAYS = 3 * 366
#: Groups that are offered to choose from, and that are shown unasked.
LISTED = 100
FIRST = 8
#: The looks of the lines of the picture over time.
_LOOKS = ("one", "two", "three", "four", "five")
_POINTS = {1: "day by day", 7: "week by week", 28: "four weeks by four weeks"}


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """What the address asks for; what makes no sense is left out, and told in `wrong`."""

    product: str
    days: int | None
    period: Period
    groups: list[uuid.UUID]
    everybody: bool
    departments: bool
    find: str
    wrong: str

    @property
    def chosen(self) -> bool:
        return bool(self.groups or self.everybody or self.departments)

    @classmethod
    def read(cls, request: HttpRequest) -> Wanted:
        query = request.GET
        product = query.get("product", "")
        days, period, wrong = _period(query)
        return cls(
            product=product if product in Product.values else Product.values[0],
            days=days,
            period=period,
            groups=ids(query.getlist("group"))[: reports.MOST_GROUPS],
            everybody="everybody" in query,
            departments="departments" in query,
            find=asked.text(query, "find"),
            wrong=wrong,
        )


@admin_required
def report(request: AdminRequest) -> HttpResponse:
    """The choice, the pictures and the table."""
    wanted = Wanted.read(request)
    groups, made = _made(request.organization, wanted)
    return render(
        request,
        "licensing/reporting.html",
        {
            "wanted": wanted,
            "products": Product.choices,
            "periods": PERIODS,
            "offered": offered(request.organization, wanted.find, groups if wanted.chosen else []),
            "chosen": {group.pk for group in groups},
            "report": made,
            "rows": made.rows,
            "columns": [name for name, _ in reports.COLUMNS],
            "charts": _charts(made.parts),
            **_over_time(request.organization, made),
            "sheet": request.GET.urlencode(),
            "today": clock.now().date(),
            "most_departments": reporting.MOST_DEPARTMENTS,
        },
    )


@admin_required
def report_sheet(request: AdminRequest) -> HttpResponseBase:
    """The table of the same address as CSV."""
    wanted = Wanted.read(request)
    _, made = _made(request.organization, wanted)
    return csvs.answer(reports.sheet(made), reports.sheet_name(wanted.product, wanted.period))


def offered(organization: Organization, find: str, chosen: Sequence[Group]) -> dict[str, Any]:
    """Groups to choose from: those that were chosen, then the others by name."""
    found = Group.objects.of(organization).select_related("application").defer("document")
    if find:
        found = found.filter(name__icontains=find)
    mine = {group.pk for group in chosen}
    others = list(found.order_by("name_key", "id")[: LISTED + 1])
    rest = [group for group in others[:LISTED] if group.pk not in mine]
    return {
        "groups": [*chosen, *rest],
        "more": len(others) > LISTED,
        "search": bool(find) or len(others) > LISTED,
    }


# ------------------------------------------------------------------ inside


def _made(organization: Organization, wanted: Wanted) -> tuple[list[Group], Report]:
    """Without a choice it is everybody beside the first groups by name."""
    if wanted.chosen:
        groups = reports.groups_of(organization, wanted.groups)
    else:
        known = Group.objects.of(organization).select_related("application").defer("document")
        groups = list(known.order_by("name_key", "id")[:FIRST])
    return groups, reports.make(
        organization,
        wanted.product,
        wanted.period,
        groups=groups,
        everybody=wanted.everybody or not wanted.chosen,
        departments=wanted.departments,
    )


def _over_time(organization: Organization, made: Report) -> dict[str, Any]:
    """The first rows over time, and in words what a point is; no picture where nothing is."""
    rows, found = reports.trend(organization, made)
    lines = [
        Series(row.name, look, found.active[row.key])
        for row, look in zip(rows, _LOOKS, strict=False)
    ]
    if not any(value for line in lines for value in line.values):
        return {"trend": None}
    days = [_point(day, found.step) for day in found.days]
    more = len(made.parts) - len(rows)
    return {"trend": Lines(days, lines), "points": _POINTS[found.step], "more_lines": more}


def _point(first: dt.date, step: int) -> str:
    """A day, or from when to when."""
    last = first + dt.timedelta(days=step - 1)
    ends = f"{last:%b} {last.day}, {last.year}"
    return ends if step == 1 else f"{first:%b} {first.day} to {ends}"


def _charts(rows: list[Row]) -> list[tuple[str, str, Bars]]:
    """Title, what it shows, and the bars."""
    return [
        (
            "Seats",
            "Of the people who are in it now",
            Bars(
                [
                    _bar(
                        row,
                        f"{row.usage.held:,} of {row.usage.people:,}",
                        activated=row.usage.activated,
                        provisioned=row.usage.provisioned,
                        rest=max(0, row.usage.people - row.usage.held),
                    )
                    for row in rows
                ],
                {
                    "activated": "Activated",
                    "provisioned": "Provisioned",
                    "rest": "Without a license",
                },
            ),
        ),
        (
            "Activation rate",
            "Activated, of the seats",
            _percent([(row, row.usage.rate) for row in rows], "activated", "Activated"),
        ),
        (
            "Used in the period",
            "Of those who have a license, or used one in the period",
            _percent([(row, row.usage.active_rate) for row in rows], "held", "Used"),
        ),
        (
            "Idle seats",
            "As the rule of the product says, now",
            Bars(
                [
                    _bar(
                        row,
                        f"{row.usage.idle:,} of {row.usage.held:,}",
                        idle=row.usage.idle,
                        rest=max(0, row.usage.held - row.usage.idle),
                    )
                    for row in rows
                ],
                {"idle": "Idle", "rest": "Not idle"},
            ),
        ),
    ]


def _bar(row: Row, text: str, **parts: int) -> Bar:
    return Bar(row.name, [Part(look, value) for look, value in parts.items()], text)


def _percent(rates: list[tuple[Row, int | None]], look: str, name: str) -> Bars:
    bars = [
        _bar(row, "no seat" if rate is None else f"{rate} %", **{look: rate or 0})
        for row, rate in rates
    ]
    return Bars(bars, {look: name}, most=100)


def ids(texts: list[str]) -> list[uuid.UUID]:
    return list(dict.fromkeys(id for id in map(asked.as_id, texts) if id))


def _period(query: QueryDict) -> tuple[int | None, Period, str]:
    """Two dates win over a number of days; what is wrong with them is told."""
    today = clock.now().date()
    text = query.get("days", "")
    days = int(text) if text in map(str, PERIODS) else USUAL
    usual = Period(today - dt.timedelta(days=days - 1), today)
    if not query.get("from") and not query.get("to"):
        return days, usual, ""
    first, last = asked.day(query, "from"), asked.day(query, "to") if query.get("to") else today
    if first is None or last is None:
        return days, usual, "Give both days as year-month-day, as 2026-05-31."
    if first > last:
        return days, usual, "The first day comes after the last one."
    if last > today:
        return days, usual, "The last day is still to come."
    if (last - first).days > MOST_DAYS:
        return days, usual, f"A period has at most {MOST_DAYS:,} days."
    return None, Period(first, last), ""
