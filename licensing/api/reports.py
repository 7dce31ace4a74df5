"""Reports: groups compared (R25)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from rest_framework import serializers

from accounts import clock
from accounts.api.audit_log import Since
from accounts.api.fields import Choice, Several, Uuid, YesNo
from accounts.api.operations import Call, Resource, shows
from accounts.models import Group, Product
from licensing import reporting
from licensing.models import Pool
from licensing.reporting import Period, Usage

_DAYS = 30


class UsageOut(serializers.Serializer):
    """How people of a group use their licenses."""

    people = serializers.IntegerField()
    held = serializers.IntegerField(help_text="Licenses now.")
    activated = serializers.IntegerField()
    provisioned = serializers.IntegerField()
    idle = serializers.IntegerField()
    waiting = serializers.IntegerField()
    active = serializers.IntegerField(help_text="Whose last use is in the period.")
    given = serializers.IntegerField(help_text="In the period.")
    freed = serializers.IntegerField(help_text="In the period.")

    class Meta:
        ref_name = "Usage"


class GroupUsageOut(UsageOut):
    id = serializers.UUIDField(help_text="Of the group.")
    name = serializers.CharField()

    class Meta:
        ref_name = "GroupUsage"


class DepartmentUsageOut(UsageOut):
    department = serializers.CharField()

    class Meta:
        ref_name = "DepartmentUsage"


class ComparedOut(serializers.Serializer):
    """Groups, side by side."""

    product = serializers.ChoiceField(choices=Product.values)
    first = serializers.DateField()
    last = serializers.DateField()
    total = UsageOut(help_text="Everybody of them once, whoever is in several.")
    everybody = UsageOut(allow_null=True, help_text="Null unless asked for.")
    groups = GroupUsageOut(many=True)
    departments = DepartmentUsageOut(many=True)

    class Meta:
        ref_name = "Compared"


class ReportFilters(Since):
    product = Choice(choices=Product.values, required=False, help_text="Sales Navigator at first.")
    groups = Several(
        child=Uuid(), required=False, max_length=50, help_text="Ids of groups, between commas."
    )
    everybody = YesNo(required=False, help_text="The whole organization beside them.")
    departments = YesNo(required=False, help_text="The largest departments beside them.")


class Compared(Resource):
    area = "Reports"

    @shows("reports:read", ComparedOut, "Compare groups", filters=ReportFilters)
    def get(self, call: Call) -> dict[str, Any]:
        """Licenses, activation, use and idle licenses of any groups, over the last 30 days unless
        days are given (R25). A period that ends before it begins is empty."""
        asked = call.asked
        product = asked.get("product", Product.SALES_NAVIGATOR.value)
        last = asked.get("last", clock.now().date())
        first = asked.get("first", max(dt.date.min, last - _days_before(last)))
        chosen = Group.objects.of(call.organization).filter(pk__in=asked.get("groups", []))
        names = dict(chosen.order_by("name_key").values_list("pk", "name"))
        found = reporting.compare(
            call.organization,
            Pool.objects.of(call.organization).filter(product=product).first(),
            Period(first, last),
            groups=list(names),
            everybody=asked.get("everybody", False),
            departments=asked.get("departments", False),
        )
        return {
            "product": product,
            "first": first,
            "last": last,
            "total": found.total,
            "everybody": found.everybody,
            "groups": [
                _told(usage) | {"id": group, "name": names[group]} for group, usage in found.groups
            ],
            "departments": [
                _told(usage) | {"department": name} for name, usage in found.departments
            ],
        }


# ------------------------------------------------------------------ inside


def _days_before(last: dt.date) -> dt.timedelta:
    return min(dt.timedelta(days=_DAYS - 1), last - dt.date.min)


def _told(usage: Usage) -> dict[str, int]:
    return dict(UsageOut(usage).data)
