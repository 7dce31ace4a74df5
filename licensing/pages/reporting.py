"""Reporting: any groups compared by seats, activation, use and idle seats (R25).

What was chosen stands in the address, so that it can be kept and handed on.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import render

from accounts import clock
from accounts.models import Group, Organization, Product
from accounts.pages import asked, csvs
from accounts.pages.access import AdminRequest, admin_required
from accounts.pages.charts import Bar, Bars, Part
from licensing import reporting
from licensing.models import Pool
from licensing.reporting import Compared, Period, Usage

PERIODS = {30: "Last 30 days", 90: "Last 90 days", 180: "Last 180 days"}
USUAL = 30
MOST_DAYS = 3 * 366
#: Groups that are compared at once, that are offered to choose from, and that are shown unasked.
MOST_GROUPS = 50
LISTED = 100
FIRST = 8
TOGETHER = "Together, each person once"
_COLUMNS = (
    ("People", "people"),
    ("Seats", "held"),
    ("Provisioned", "provisioned"),
    ("Activated", "activated"),
    ("Activation rate", "rate"),
    ("Used in the period", "active"),
    ("Idle", "idle"),
    ("Waiting", "waiting"),
    ("Given in the period", "given"),
    ("Freed in the period", "freed"),
)


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
            groups=_ids(query.getlist("group"))[:MOST_GROUPS],
            everybody="everybody" in query,
            departments="departments" in query,
            find=asked.text(query, "find"),
            wrong=wrong,
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """badge, owner: which kind of group it is. total: everybody of the others once."""

    label: str
    usage: Usage
    group: Group | None = None
    total: bool = False

    @property
    def name(self) -> str:
        """Tells groups of one name apart: two applications may each push one."""
        owner = self.group.application if self.group else None
        return f"{self.label} ({owner.name})" if owner else self.label


@admin_required
def report(request: AdminRequest) -> HttpResponse:
    """The choice, four pictures and the table."""
    wanted = Wanted.read(request)
    groups, rows, compared = _compared(request.organization, wanted)
    shown = [row for row in rows if not row.total]
    return render(
        request,
        "licensing/reporting.html",
        {
            "wanted": wanted,
            "products": Product.choices,
            "periods": PERIODS,
            "offered": _offered(request.organization, wanted, groups),
            "chosen": {group.pk for group in groups},
            "rows": rows,
            "columns": [name for name, _ in _COLUMNS],
            "total": compared.total,
            "charts": _charts(shown),
            "sheet": request.GET.urlencode(),
            "today": clock.now().date(),
            "most_departments": reporting.MOST_DEPARTMENTS,
        },
    )


@admin_required
def report_sheet(request: AdminRequest) -> HttpResponseBase:
    """The table of the same address as CSV."""
    wanted = Wanted.read(request)
    _, rows, _ = _compared(request.organization, wanted)
    first, last = wanted.period.first, wanted.period.last
    return csvs.answer(
        _sheet_rows(rows, wanted.period), f"usage-{wanted.product}-{first}-{last}.csv"
    )


# ------------------------------------------------------------------ inside


def _compared(
    organization: Organization, wanted: Wanted
) -> tuple[list[Group], list[Row], Compared]:
    """Without a choice it is everybody beside the first groups by name."""
    known = Group.objects.of(organization).select_related("application").defer("document")
    by_name = known.order_by("name_key", "id")
    groups = list(by_name.filter(pk__in=wanted.groups) if wanted.chosen else by_name[:FIRST])
    pool = Pool.objects.of(organization).filter(product=wanted.product).first()
    compared = reporting.compare(
        organization,
        pool,
        wanted.period,
        groups=[group.pk for group in groups],
        everybody=wanted.everybody or not wanted.chosen,
        departments=wanted.departments,
    )
    rows = []
    if compared.everybody is not None:
        rows.append(Row("Everybody", compared.everybody))
    by_id = {group.pk: group for group in groups}
    rows += [Row(by_id[id].name, usage, by_id[id]) for id, usage in compared.groups]
    rows += [Row(name, usage) for name, usage in compared.departments]
    if len(rows) > 1 and compared.everybody is None:
        rows.append(Row(TOGETHER, compared.total, total=True))
    return groups, rows, compared


def _offered(organization: Organization, wanted: Wanted, chosen: list[Group]) -> dict[str, Any]:
    """Groups to choose from: those that were chosen, then the others by name."""
    found = Group.objects.of(organization).select_related("application").defer("document")
    if wanted.find:
        found = found.filter(name__icontains=wanted.find)
    mine = {group.pk for group in chosen} if wanted.chosen else set()
    others = list(found.order_by("name_key", "id")[: LISTED + 1])
    rest = [group for group in others[:LISTED] if group.pk not in mine]
    return {
        "groups": [*(chosen if wanted.chosen else ()), *rest],
        "more": len(others) > LISTED,
        "search": bool(wanted.find) or len(others) > LISTED,
    }


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
            "Last used in the period, of the seats",
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


def _sheet_rows(rows: list[Row], period: Period) -> Iterator[list[Any]]:
    yield ["Group", *(name for name, _ in _COLUMNS), "From", "To"]
    for row in rows:
        figures = [getattr(row.usage, field) for _, field in _COLUMNS]
        yield [row.name, *figures, period.first, period.last]


def _ids(texts: list[str]) -> list[uuid.UUID]:
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
