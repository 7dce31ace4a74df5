"""SCIM applications: added, their rules and safety brake changed (R2, R16, R18, R27)."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from rest_framework import serializers

from accounts import changes
from accounts.api.fields import Choice, Moment, Name, Number, Query, Several, Strict, YesNo
from accounts.api.operations import Call, Resource, does, lists, shows
from accounts.models import Application, Product
from licensing import brake, eligibility
from licensing.models import Policy
from scim import applications


class BrakeOut(serializers.Serializer):
    """More removals within an hour than both limits allow are held for review (R27)."""

    on = serializers.BooleanField(source="brake_on")
    people = serializers.IntegerField(source="brake_people")
    percent = serializers.IntegerField(source="brake_percent")

    class Meta:
        ref_name = "SafetyBrake"


class ApplicationOut(serializers.Serializer):
    """One connection from an identity provider; it feeds the pool of its product."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    product = serializers.ChoiceField(choices=Product.values)
    idp = serializers.ChoiceField(choices=Application.Idp.values)
    base_url = serializers.SerializerMethodField(help_text="What the identity provider is given.")
    eligibility = serializers.ChoiceField(
        source="policy.eligibility", choices=Policy.Eligibility.values
    )
    eligible_groups = serializers.SerializerMethodField(help_text="Names of chosen groups.")
    when_full = serializers.ChoiceField(source="policy.when_full", choices=Policy.WhenFull.values)
    brake = BrakeOut(source="policy")
    created_at = Moment()

    class Meta:
        ref_name = "Application"

    def get_base_url(self, application: Application) -> str:
        return applications.base_url()

    def get_eligible_groups(self, application: Application) -> list[str]:
        return [group.name for group in application.policy.eligible_groups.all()]


class _Rules(Strict):
    eligibility = Choice(
        choices=Policy.Eligibility.values,
        required=False,
        help_text="Who gets a license: everyone, or members of chosen groups.",
    )
    eligible_groups = Several(
        child=Name(),
        required=False,
        max_length=200,
        help_text="Names of groups; one may be pushed later. None: people are synced only.",
    )
    when_full = Choice(
        choices=Policy.WhenFull.values,
        required=False,
        help_text="Refuse the push, or create the person and let them wait.",
    )


class ApplicationIn(_Rules):
    name = Name(max_length=200, help_text="That of no other application.")
    product = Choice(choices=Product.values)
    idp = Choice(choices=Application.Idp.values, required=False)


class BrakeIn(Strict):
    on = YesNo(required=False)
    people = Number(min_value=0, max_value=brake.MOST_PEOPLE, required=False)
    percent = Number(min_value=0, max_value=100, required=False)


class ApplicationChange(_Rules):
    """What is left out stays."""

    brake = BrakeIn(required=False)


class ApplicationFilters(Query):
    product = Choice(choices=Product.values, required=False)
    idp = Choice(choices=Application.Idp.values, required=False)


class Applications(Resource):
    area = "Applications"

    @lists(
        "applications:read",
        ApplicationOut,
        "List applications",
        order=("id",),
        filters=ApplicationFilters,
    )
    def get(self, call: Call) -> QuerySet[Application]:
        """In the order in which they were added."""
        return _applications(call).filter(
            **{name: call.asked[name] for name in ("product", "idp") if name in call.asked}
        )

    @does(
        "applications:write",
        "Add an application",
        takes=ApplicationIn,
        gives=ApplicationOut,
        status=201,
        example={"name": "Okta", "product": "sales-navigator", "idp": "okta"},
    )
    def post(self, call: Call) -> Application:
        """It turns SCIM on. Refused: a plan without SCIM (`plan_without_scim`), a name that is
        used (`application_exists`), groups while everyone is eligible."""
        made = applications.create(call.organization, **call.data, by=call.by)
        return application_of(call, made.pk)


class OneApplication(Resource):
    area = "Applications"

    @shows("applications:read", ApplicationOut, "One application")
    def get(self, call: Call, application_id: uuid.UUID) -> Application:
        return application_of(call, application_id)

    @does(
        "applications:write",
        "Change rules and safety brake",
        takes=ApplicationChange,
        gives=ApplicationOut,
        example={"when_full": "waitlist", "brake": {"people": 100}},
    )
    def patch(self, call: Call, application_id: uuid.UUID) -> Application:
        """Licenses follow the rules at once: whoever becomes eligible gets one or waits, whoever
        no longer is loses theirs (R16)."""
        application, wanted = application_of(call, application_id), dict(call.data)
        limits = wanted.pop("brake", None)
        policy = application.policy

        def change() -> None:
            if wanted:
                chosen = wanted.get("eligibility", policy.eligibility)
                names = [group.name for group in policy.eligible_groups.all()]
                kept = names if chosen == Policy.Eligibility.GROUPS else []
                eligibility.change(
                    application,
                    eligibility=chosen,
                    group_names=wanted.get("eligible_groups", kept),
                    when_full=wanted.get("when_full"),
                    by=call.by,
                )
            if limits:
                now = dict(BrakeOut(policy).data)
                brake.set_limits(policy, **(now | limits), by=call.by)

        changes.together(change)
        return application_of(call, application_id)


def application_of(call: Call, application_id: uuid.UUID) -> Any:
    return get_object_or_404(_applications(call), pk=application_id)


# ------------------------------------------------------------------ inside


def _applications(call: Call) -> QuerySet[Any]:
    rows = Application.objects.of(call.organization).select_related("policy__pool")
    return rows.prefetch_related("policy__eligible_groups")
