"""Tokens of applications: issued and shown once, rotated, revoked (R3)."""

from __future__ import annotations

import datetime as dt
import uuid

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from rest_framework import serializers

from accounts.api.fields import Line, Moment, Number, Strict
from accounts.api.operations import Call, Resource, does, lists
from scim import applications, tokens
from scim.api.applications import application_of
from scim.models import Token

_MOST_HOURS = 24 * 30


class TokenOut(serializers.Serializer):
    """A bearer token of an application; the secret itself is kept nowhere."""

    id = serializers.UUIDField()
    application = serializers.UUIDField(source="application_id")
    name = serializers.CharField()
    hint = serializers.CharField(help_text="How it begins.")
    issued_at = Moment()
    expires_at = Moment()
    revoked_at = Moment(allow_null=True)
    last_used_at = Moment(allow_null=True)

    class Meta:
        ref_name = "ScimToken"


class IssuedOut(serializers.Serializer):
    """A new token: the only answer that shows it."""

    id = serializers.UUIDField(source="token.id")
    token = serializers.CharField(
        source="secret",
        allow_null=True,
        help_text="Null when the answer is repeated by its Idempotency-Key.",
    )
    base_url = serializers.SerializerMethodField()
    expires_at = Moment(source="token.expires_at")

    class Meta:
        ref_name = "IssuedScimToken"

    def get_base_url(self, issued: tokens.Issued) -> str:
        return applications.base_url()


class TokenIn(Strict):
    name = Line(max_length=100, required=False, help_text="Where it is used.")
    days = Number(min_value=1, max_value=tokens.DAYS, required=False, help_text="730 unless told.")


class RotationIn(Strict):
    overlap_hours = Number(
        min_value=0,
        max_value=_MOST_HOURS,
        default=168,
        help_text="The old token works so long beside the new one; 0 ends it now.",
    )


class Tokens(Resource):
    area = "Applications"

    @lists("applications:read", TokenOut, "List the tokens of an application", order=("id",))
    def get(self, call: Call, application_id: uuid.UUID) -> QuerySet[Token]:
        """In the order in which they were issued, those that have ended too."""
        application = application_of(call, application_id)
        return _tokens(call).filter(application=application)

    @does(
        "applications:write",
        "Issue a token",
        takes=TokenIn,
        gives=IssuedOut,
        status=201,
        secrets=("token",),
        example={"name": "Okta production"},
    )
    def post(self, call: Call, application_id: uuid.UUID) -> tokens.Issued:
        """Shown by this answer and never again (R3)."""
        return tokens.issue(application_of(call, application_id), **call.data, by=call.by)


class Rotate(Resource):
    area = "Applications"

    @does(
        "applications:write",
        "Rotate a token",
        takes=RotationIn,
        gives=IssuedOut,
        status=200,
        secrets=("token",),
        example={"overlap_hours": 24},
    )
    def post(self, call: Call, token_id: uuid.UUID) -> tokens.Issued:
        """A new one of the same name; the old one works on for the overlap. Refused: it has
        ended (`token_ended`)."""
        overlap = dt.timedelta(hours=call.data["overlap_hours"])
        return tokens.rotate(_token(call, token_id), overlap=overlap, by=call.by)


class OneToken(Resource):
    area = "Applications"

    @does("applications:write", "Revoke a token")
    def delete(self, call: Call, token_id: uuid.UUID) -> None:
        """It ends now, for good; a second time changes nothing."""
        tokens.revoke(_token(call, token_id), by=call.by)


# ------------------------------------------------------------------ inside


def _tokens(call: Call) -> QuerySet[Token]:
    return Token.objects.of(call.organization)


def _token(call: Call, token_id: uuid.UUID) -> Token:
    return get_object_or_404(_tokens(call).select_related("application"), pk=token_id)
