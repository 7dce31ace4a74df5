"""The audit log (R28)."""

from __future__ import annotations

import datetime as dt

from django.db.models import QuerySet
from rest_framework import serializers

from accounts import audit
from accounts.api.fields import Choice, Day, Moment, Name, Query
from accounts.api.operations import Call, Resource, lists
from accounts.deeds import Deed
from accounts.models import AuditEntry
from accounts.pages.asked import midnight


class AuditEntryOut(serializers.Serializer):
    """What somebody did."""

    id = serializers.IntegerField()
    at = Moment()
    who = serializers.CharField(help_text="An admin's address, a service token, a command.")
    deed = serializers.CharField()
    subject_kind = serializers.CharField()
    subject_id = serializers.CharField()
    subject_name = serializers.CharField()
    before = serializers.DictField(allow_null=True, help_text="What changed, as it was.")
    after = serializers.DictField(allow_null=True, help_text="And as it is.")
    request_id = serializers.CharField()
    address = serializers.CharField(allow_null=True, help_text="The IP address it came from.")

    class Meta:
        ref_name = "AuditEntry"


class Since(Query):
    """Days in UTC, both included."""

    first = Day(required=False, help_text="From this day on, in UTC.")
    last = Day(required=False, help_text="Until the end of this day, in UTC.")


class AuditFilters(Since):
    deed = Choice(choices=Deed.values, required=False)
    who = Name(required=False, help_text="A part of the address or name.")
    subject_id = Name(required=False, max_length=64)


class AuditLog(Resource):
    area = "Logs"

    @lists("logs:read", AuditEntryOut, "The audit log", order=("-id",), filters=AuditFilters)
    def get(self, call: Call) -> QuerySet[AuditEntry]:
        """What admins, service tokens and commands did, the newest first."""
        rows = within_days(audit.of_organization(call.organization), call.asked)
        if "deed" in call.asked:
            rows = rows.filter(deed=call.asked["deed"])
        if "who" in call.asked:
            rows = rows.filter(email__icontains=call.asked["who"])
        if "subject_id" in call.asked:
            rows = rows.filter(subject_id=call.asked["subject_id"])
        return rows


def within_days(rows: QuerySet, asked: dict[str, dt.date]) -> QuerySet:
    """Rows of these days, by their `at`."""
    if "first" in asked:
        rows = rows.filter(at__gte=midnight(asked["first"]))
    if "last" in asked:
        rows = rows.filter(at__lt=midnight(asked["last"]) + dt.timedelta(days=1))
    return rows
