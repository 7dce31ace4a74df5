"""The organization, and the token that asks."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts import changes, organizations, sign_in_rules
from accounts.api.fields import Moment, Strict, Uuid, YesNo
from accounts.api.operations import Call, Resource, does, shows
from accounts.api.problems import Problem
from accounts.api_tokens import Caller
from accounts.models import Organization, Role


class OrganizationOut(serializers.Serializer):
    """One customer."""

    id = serializers.CharField(source="slug", help_text="Its short name.")
    name = serializers.CharField()
    plan = serializers.ChoiceField(choices=Organization.Plan.values)
    scim_enabled = serializers.BooleanField(help_text="Whether pushes are answered.")
    two_step_required = serializers.BooleanField(
        help_text="Whether every admin needs a second step to sign in."
    )
    created_at = Moment()

    class Meta:
        ref_name = "Organization"


class OrganizationChange(Strict):
    """What is left out stays."""

    scim_enabled = YesNo(required=False)
    two_step_required = YesNo(required=False, help_text="Only by a token of an owner.")


class TokenOut(serializers.Serializer):
    """The token that asks."""

    id = Uuid(source="token.id")
    name = serializers.CharField(source="token.name")
    organization = serializers.CharField(source="organization.slug")
    admin = serializers.EmailField(
        source="admin.email", default=None, allow_null=True, help_text="Null: a service token."
    )
    scopes = serializers.ListField(
        child=serializers.CharField(), help_text="What it may do now, within its admin's role."
    )
    expires_at = Moment(source="token.expires_at")

    class Meta:
        ref_name = "Token"


class OrganizationView(Resource):
    area = "Organization"

    @shows("organization:read", OrganizationOut, "The organization")
    def get(self, call: Call) -> Any:
        """The organization that the token belongs to."""
        return _whole(call.organization)

    @does(
        "organization:write",
        "Change the settings",
        takes=OrganizationChange,
        gives=OrganizationOut,
        example={"scim_enabled": False},
    )
    def patch(self, call: Call) -> Any:
        """Switch SCIM on or off, or require a second step of every admin."""
        wanted = call.data
        if "two_step_required" in wanted:
            _check_owner(call.caller)

        def change() -> None:
            if wanted.get("scim_enabled") is True:
                organizations.turn_scim_on(call.organization, by=call.by)
            if wanted.get("scim_enabled") is False:
                organizations.turn_scim_off(call.organization, by=call.by)
            if "two_step_required" in wanted:
                sign_in_rules.require_two_step(
                    call.organization, wanted["two_step_required"], by=call.by
                )

        changes.together(change)
        return _whole(call.organization)


class TokenView(Resource):
    area = "Organization"

    @shows("", TokenOut, "The token that asks")
    def get(self, call: Call) -> Any:
        """Whose it is, what it may do, and until when. Every token may ask that."""
        return call.caller


# ------------------------------------------------------------------ inside


def _whole(organization: Organization) -> Organization:
    rule = sign_in_rules.of(organization)
    organization.two_step_required = rule.two_step_required  # type: ignore[attr-defined]
    return organization


def _check_owner(caller: Caller) -> None:
    if caller.role not in (None, Role.Kind.OWNER):
        raise Problem(403, "Only an owner decides how admins sign in.", code="not_owner")
