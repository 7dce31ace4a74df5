"""The waiting list, and refused pushes that an admin drops (R18)."""

from __future__ import annotations

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from rest_framework import serializers

from accounts.api.fields import Choice, Moment, Query, Uuid, YesNo
from accounts.api.operations import Call, Resource, does, lists
from accounts.models import Product
from licensing import refusals
from licensing.api.seats import chosen
from licensing.models import WaitingEntry


class WaitingOut(serializers.Serializer):
    """Somebody who is eligible and has no license because all are used up."""

    id = serializers.IntegerField()
    product = serializers.ChoiceField(source="pool.product", choices=Product.values)
    person = serializers.IntegerField(
        source="person_id", allow_null=True, help_text="Null: their push was refused whole."
    )
    email = serializers.CharField()
    name = serializers.CharField()
    employee_number = serializers.CharField()
    application = serializers.UUIDField(source="application_id")
    refused = serializers.BooleanField(help_text="The push must be repeated once one is free.")
    since = Moment()
    asked_at = Moment(allow_null=True, help_text="When the refused push was repeated last.")
    reason = serializers.CharField()

    class Meta:
        ref_name = "WaitingEntry"


class WaitingFilters(Query):
    product = Choice(choices=Product.values, required=False)
    application = Uuid(required=False)
    refused = YesNo(required=False)


class Waiting(Resource):
    area = "Waiting list"

    @lists(
        "licenses:read",
        WaitingOut,
        "The waiting list",
        order=("sort_key", "id"),
        filters=WaitingFilters,
    )
    def get(self, call: Call) -> QuerySet[WaitingEntry]:
        """In the order in which free licenses are given (R17)."""
        return chosen(_entries(call), call, "application", "refused")


class OneWaiting(Resource):
    area = "Waiting list"

    @does("licenses:write", "Drop a refused push")
    def delete(self, call: Call, entry_id: int) -> None:
        """It is not waited for any more. Whoever was not refused waits until a license is free:
        only the identity provider changes that, so they are not found (`not_refused`)."""
        entry = get_object_or_404(_entries(call), pk=entry_id)
        refusals.drop(entry.pool, entry.pk, by=call.by)


# ------------------------------------------------------------------ inside


def _entries(call: Call) -> QuerySet[WaitingEntry]:
    return WaitingEntry.objects.of(call.organization).select_related("pool")
