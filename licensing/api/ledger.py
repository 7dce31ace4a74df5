"""The ledger: what happened to licenses, and why (R21)."""

from __future__ import annotations

from django.db.models import QuerySet
from rest_framework import serializers

from accounts.api.audit_log import Since, within_days
from accounts.api.fields import Choice, Id, Moment, Uuid
from accounts.api.operations import Call, Resource, lists
from accounts.models import Product
from licensing.api.seats import chosen
from licensing.models import LedgerEntry


class LedgerOut(serializers.Serializer):
    """A line, never changed and never deleted."""

    id = serializers.IntegerField()
    at = Moment()
    product = serializers.ChoiceField(source="pool.product", choices=Product.values)
    deed = serializers.ChoiceField(choices=LedgerEntry.Deed.values)
    person = serializers.IntegerField(source="person_id", allow_null=True)
    email = serializers.CharField()
    application = serializers.UUIDField(source="application_id", allow_null=True)
    admin = serializers.CharField(source="admin.email", default=None, allow_null=True)
    source = serializers.CharField(help_text="scim, manual, or empty.")
    seats = serializers.IntegerField(allow_null=True, help_text="The number that was set.")
    request_id = serializers.CharField(help_text="As in the activity log.")
    because = serializers.CharField()

    class Meta:
        ref_name = "LedgerEntry"


class LedgerFilters(Since):
    product = Choice(choices=Product.values, required=False)
    deed = Choice(choices=LedgerEntry.Deed.values, required=False)
    person = Id(required=False)
    application = Uuid(required=False)


class Ledger(Resource):
    area = "Logs"

    @lists("logs:read", LedgerOut, "The ledger", order=("-id",), filters=LedgerFilters)
    def get(self, call: Call) -> QuerySet[LedgerEntry]:
        """Every grant, release, takeover, activation and refusal, the newest first."""
        rows = LedgerEntry.objects.of(call.organization).select_related("pool", "admin")
        return chosen(within_days(rows, call.asked), call, "deed", "person", "application")
