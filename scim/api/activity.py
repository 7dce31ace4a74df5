"""The activity log: what identity providers sent, and what was answered (R28)."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from rest_framework import serializers

from accounts.api.audit_log import Since, within_days
from accounts.api.fields import Choice, Moment, Name, Number, Uuid
from accounts.api.operations import Call, Resource, lists, shows
from scim import words
from scim.models import Exchange


class ExchangeOut(serializers.Serializer):
    """One request and its answer, in short."""

    id = serializers.IntegerField()
    at = Moment()
    application = serializers.UUIDField(source="application_id")
    token = serializers.UUIDField(source="token_id", allow_null=True)
    request_id = serializers.CharField()
    method = serializers.CharField()
    path = serializers.CharField()
    status = serializers.IntegerField()
    milliseconds = serializers.FloatField()
    detail = serializers.CharField(help_text="Why it was refused.")

    class Meta:
        ref_name = "Exchange"


class WholeExchangeOut(ExchangeOut):
    """One request and its answer, with both bodies; secrets were removed when it came."""

    deed = serializers.SerializerMethodField(help_text="What it was, in words.")
    request = serializers.JSONField()
    response = serializers.JSONField()

    class Meta:
        ref_name = "WholeExchange"

    def get_deed(self, exchange: Exchange) -> str:
        return words.deed(exchange)


class ExchangeFilters(Since):
    application = Uuid(required=False)
    method = Choice(choices=["GET", "POST", "PUT", "PATCH", "DELETE"], required=False)
    status = Number(min_value=100, max_value=599, required=False)
    request_id = Name(required=False, max_length=128)


class Activity(Resource):
    area = "Logs"

    @lists(
        "logs:read", ExchangeOut, "The activity log", order=("-at", "-id"), filters=ExchangeFilters
    )
    def get(self, call: Call) -> QuerySet[Exchange]:
        """The newest first, without bodies."""
        rows = _exchanges(call).defer("request", "response")
        names = ("application", "method", "status", "request_id")
        chosen: dict[str, Any] = {name: call.asked[name] for name in names if name in call.asked}
        return within_days(rows, call.asked).filter(**chosen)


class OneExchange(Resource):
    area = "Logs"

    @shows("logs:read", WholeExchangeOut, "One request of the activity log")
    def get(self, call: Call, exchange_id: int) -> Exchange:
        return get_object_or_404(_exchanges(call), pk=exchange_id)


# ------------------------------------------------------------------ inside


def _exchanges(call: Call) -> QuerySet[Exchange]:
    return Exchange.objects.of(call.organization)
