"""Reports: groups compared and over time, and the reports that go by e-mail (R25)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from accounts import clock
from accounts.api.fields import Choice, Day, Moment, Number, Query, Several, Uuid, YesNo
from accounts.api.operations import Call, Resource, lists, shows
from accounts.models import Product
from licensing import prices, report_schedules, reports
from licensing.models import ReportSchedule
from licensing.reporting import Period, Usage
from licensing.reports import Report, Row

_DAYS, _MOST_DAYS = 30, 3 * 366


class UsageOut(serializers.Serializer):
    """How people use their licenses."""

    people = serializers.IntegerField(help_text="With and without a license.")
    held = serializers.IntegerField(help_text="Licenses now.")
    activated = serializers.IntegerField()
    provisioned = serializers.IntegerField()
    activation_rate = serializers.IntegerField(
        source="rate", allow_null=True, help_text="Of a hundred licenses; null without one."
    )
    active = serializers.IntegerField(help_text="People who used it in the period.")
    last_activity = serializers.DateField(
        source="last_day", allow_null=True, help_text="The day of the last use."
    )
    idle = serializers.IntegerField(help_text="By the pool's rule.")
    waiting = serializers.IntegerField()
    given = serializers.IntegerField(help_text="In the period.")
    freed = serializers.IntegerField(help_text="In the period.")

    class Meta:
        ref_name = "Usage"


class ComparedOut(UsageOut):
    """A group, a department, or everybody."""

    kind = serializers.ChoiceField(choices=["everybody", "group", "department"])
    group = serializers.UUIDField(allow_null=True, help_text="The id, of a group.")
    name = serializers.CharField()
    idle_cost = serializers.CharField(
        allow_null=True, help_text="Of the idle licenses a month; null unless a price is set."
    )
    trend = serializers.ListField(
        child=serializers.IntegerField(), help_text="People who used it, point by point."
    )

    class Meta:
        ref_name = "ComparedUsage"


class ReportOut(serializers.Serializer):
    """Groups, side by side."""

    product = serializers.ChoiceField(choices=Product.values)
    first = serializers.DateField()
    last = serializers.DateField()
    currency = serializers.CharField(help_text="Empty unless a price is set.")
    rows = ComparedOut(many=True)
    total = UsageOut(help_text="Everybody of them once, whoever is in several.")
    idle_cost = serializers.CharField(allow_null=True, help_text="That of the total.")
    points = serializers.ListField(
        child=serializers.DateField(), help_text="The first day of each point of a trend."
    )
    days_a_point = serializers.IntegerField(help_text="1, 7 or 28.")

    class Meta:
        ref_name = "UsageReport"


class ReportFilters(Query):
    product = Choice(choices=Product.values, required=False, help_text="Sales Navigator at first.")
    days = Number(
        min_value=1,
        max_value=_MOST_DAYS,
        required=False,
        help_text=f"How long the period is; {_DAYS} unless told.",
    )
    last = Day(required=False, help_text="Its last day, in UTC; today unless told.")
    groups = Several(
        child=Uuid(),
        required=False,
        allow_empty=False,
        min_length=1,
        max_length=reports.MOST_GROUPS,
        help_text="Ids of groups, between commas.",
    )
    everybody = YesNo(
        required=False, help_text="The whole organization too; it is shown when nothing is chosen."
    )
    departments = YesNo(required=False, help_text="The largest departments too.")


class ScheduleOut(serializers.Serializer):
    """A report that goes to admins by e-mail each week or month."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    product = serializers.ChoiceField(choices=Product.values)
    rhythm = serializers.ChoiceField(choices=ReportSchedule.Rhythm.values)
    day = serializers.IntegerField(help_text="Of the week (1 is Monday) or of the month.")
    groups = serializers.ListField(child=serializers.UUIDField(), help_text="Their ids.")
    everybody = serializers.BooleanField()
    departments = serializers.BooleanField()
    recipients = serializers.SerializerMethodField(help_text="Addresses of admins.")
    due_at = Moment(help_text="When the next one goes, unless it is paused.")
    paused_at = Moment(allow_null=True)

    class Meta:
        ref_name = "ReportSchedule"

    def get_recipients(self, schedule: ReportSchedule) -> list[str]:
        return sorted(each.admin.email for each in schedule.recipients.all())


class UsageReport(Resource):
    area = "Reports"

    @shows("reports:read", ReportOut, "Compare usage", filters=ReportFilters)
    def get(self, call: Call) -> dict[str, Any]:
        """Licenses, activation, use, idle licenses and what those cost, of any groups side by
        side (R25). Uses that were sent are in it within a minute."""
        asked = call.asked
        groups = reports.groups_of(call.organization, asked.get("groups", []))
        departments = asked.get("departments", False)
        report = reports.make(
            call.organization,
            asked.get("product", Product.SALES_NAVIGATOR.value),
            _period(asked),
            groups=groups,
            everybody=asked.get("everybody", False) or not (groups or departments),
            departments=departments,
        )
        rows, trend = reports.trend(call.organization, report, most=len(report.parts))
        return {
            "product": asked.get("product", Product.SALES_NAVIGATOR.value),
            "first": report.period.first,
            "last": report.period.last,
            "currency": report.currency,
            "rows": [_row(row, trend.active[row.key]) for row in rows],
            "total": report.total,
            "idle_cost": _cost(report),
            "points": trend.days,
            "days_a_point": trend.step,
        }


class Schedules(Resource):
    area = "Reports"

    @lists("reports:read", ScheduleOut, "List reports by e-mail", order=("id",))
    def get(self, call: Call) -> QuerySet[ReportSchedule]:
        """In the order in which they were made, paused ones too."""
        return report_schedules.of(call.organization)


# ------------------------------------------------------------------ inside


def _period(asked: dict[str, Any]) -> Period:
    """So many days up to the last; none before there are days."""
    last: dt.date = asked.get("last", clock.now().date())
    before = min(asked.get("days", _DAYS) - 1, (last - dt.date.min).days)
    return Period(last - dt.timedelta(days=before), last)


def _row(row: Row, trend: list[int]) -> dict[str, Any]:
    return {
        **_told(row.usage),
        "kind": row.key[0],
        "group": row.group.pk if row.group else None,
        "name": row.name,
        "idle_cost": _money(row.cost),
        "trend": trend,
    }


def _told(usage: Usage) -> dict[str, Any]:
    """By the names that a serializer looks for."""
    return {field.source: getattr(usage, field.source) for field in UsageOut().fields.values()}


def _cost(report: Report) -> str | None:
    return _money(prices.amount(report.pool, report.total.idle))


def _money(amount: Any) -> str | None:
    """As text: binary fractions are no money."""
    return None if amount is None else f"{amount:.2f}"
