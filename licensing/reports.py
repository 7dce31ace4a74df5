"""A usage report: what is compared, its rows with their names, its CSV (R25).

The page, its CSV and the report by e-mail are the same report.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from accounts.models import Group, Organization
from licensing import prices, reporting, usage_trends
from licensing.models import Pool
from licensing.reporting import Compared, Period, Usage
from licensing.usage_trends import EVERYBODY, Trend

#: Groups that are compared at once, and lines of a picture over time.
MOST_GROUPS = 50
MOST_LINES = 5
TOGETHER = "Together, each person once"
COLUMNS = (
    ("People", "people"),
    ("Seats", "held"),
    ("Provisioned", "provisioned"),
    ("Activated", "activated"),
    ("Activation rate", "rate"),
    ("Used in the period", "active"),
    ("Last activity", "last_day"),
    ("Idle", "idle"),
    ("Waiting", "waiting"),
    ("Given in the period", "given"),
    ("Freed in the period", "freed"),
)
COST = "Cost of idle seats a month"


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """total: everybody of the others once. cost: of the idle seats a month, None without price.

    key: how licensing.usage_trends calls it.
    """

    label: str
    usage: Usage
    key: tuple[str, str]
    group: Group | None = None
    total: bool = False
    cost: Decimal | None = None
    currency: str = ""

    @property
    def cost_written(self) -> str:
        return prices.written(self.cost, self.currency)

    @property
    def name(self) -> str:
        """Tells groups of one name apart: two applications may each push one."""
        owner = self.group.application if self.group else None
        return f"{self.label} ({owner.name})" if owner else self.label


@dataclasses.dataclass(frozen=True, slots=True)
class Report:
    """pool: None where the product was never bought or connected. total: in `rows` only if that
    says something more than one of them."""

    pool: Pool | None
    period: Period
    rows: list[Row]
    total: Usage

    @property
    def parts(self) -> list[Row]:
        return [row for row in self.rows if not row.total]

    @property
    def currency(self) -> str:
        return self.pool.currency if self.pool else ""


def groups_of(organization: Organization, ids: Sequence[uuid.UUID]) -> list[Group]:
    """Those that are there, by name."""
    known = Group.objects.of(organization).select_related("application").defer("document")
    return list(known.filter(pk__in=ids).order_by("name_key", "id"))


def make(
    organization: Organization,
    product: str,
    period: Period,
    *,
    groups: Sequence[Group],
    everybody: bool,
    departments: bool,
) -> Report:
    """Two statements, however many groups and people."""
    pool = Pool.objects.of(organization).filter(product=product).first()
    compared = reporting.compare(
        organization,
        pool,
        period,
        groups=[group.pk for group in groups],
        everybody=everybody,
        departments=departments,
    )
    rows = [
        dataclasses.replace(
            row, cost=prices.amount(pool, row.usage.idle), currency=pool.currency if pool else ""
        )
        for row in _rows(compared, groups)
    ]
    return Report(pool, period, rows, compared.total)


def trend(
    organization: Organization, report: Report, *, most: int = MOST_LINES
) -> tuple[list[Row], Trend]:
    """The first rows of the report over time, the total left out. most: as a picture shows."""
    rows = report.parts[:most]
    return rows, usage_trends.trend(
        organization,
        report.pool,
        report.period,
        groups=[row.group.pk for row in rows if row.group],
        everybody=EVERYBODY in [row.key for row in rows],
        departments=[row.label for row in rows if row.key[0] == "department"],
    )


def sheet(report: Report) -> Iterator[list[Any]]:
    """The table as CSV rows, the head first."""
    yield ["Group", *(name for name, _ in COLUMNS), COST, "Currency", "From", "To"]
    for row in report.rows:
        figures = [getattr(row.usage, field) for _, field in COLUMNS]
        period = report.period
        yield [row.name, *figures, row.cost, report.currency, period.first, period.last]


def sheet_name(product: str, period: Period) -> str:
    return f"usage-{product}-{period.first}-{period.last}.csv"


def week_before(day: dt.date) -> Period:
    """The last whole week (Monday to Sunday) before that day."""
    monday = day - dt.timedelta(days=day.weekday() + 7)
    return Period(monday, monday + dt.timedelta(days=6))


def month_before(day: dt.date) -> Period:
    """The last whole month before that day."""
    last = day.replace(day=1) - dt.timedelta(days=1)
    return Period(last.replace(day=1), last)


# ------------------------------------------------------------------ inside


def _rows(compared: Compared, groups: Sequence[Group]) -> Iterator[Row]:
    if compared.everybody is not None:
        yield Row("Everybody", compared.everybody, EVERYBODY)
    by_id = {group.pk: group for group in groups}
    for id, usage in compared.groups:
        yield Row(by_id[id].name, usage, ("group", str(id)), by_id[id])
    for name, usage in compared.departments:
        yield Row(name, usage, ("department", name))
    several = len(compared.groups) + len(compared.departments) > 1
    if several and compared.everybody is None:
        yield Row(TOGETHER, compared.total, ("total", ""), total=True)
