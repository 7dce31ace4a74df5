"""Held removals: what the safety brake keeps, decided by an admin (R27)."""

from __future__ import annotations

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from rest_framework import serializers

from accounts.api.fields import Choice, Id, Moment, Query, Strict, Uuid
from accounts.api.operations import Call, Resource, does, lists, shows
from accounts.api.problems import Problem
from accounts.models import Product
from licensing import review
from licensing.api.seats import Who, chosen
from licensing.models import HeldRemoval


class RemovalOut(serializers.Serializer):
    """A license that a push would have taken, and that the safety brake kept."""

    id = serializers.IntegerField()
    product = serializers.ChoiceField(source="pool.product", choices=Product.values)
    application = serializers.UUIDField(source="application_id")
    person = Who()
    wanted = serializers.ChoiceField(choices=HeldRemoval.Wanted.values)
    group_name = serializers.CharField(help_text="Which group; empty where none is meant.")
    state = serializers.ChoiceField(choices=HeldRemoval.State.values)
    because = serializers.CharField()
    at = Moment(help_text="When it was held.")
    decided_at = Moment(allow_null=True)
    decided_by = serializers.CharField(
        source="decided_by.email", default=None, allow_null=True, help_text="The admin."
    )
    done_at = Moment(allow_null=True, help_text="When the worker carried it out.")

    class Meta:
        ref_name = "HeldRemoval"


class RemovalFilters(Query):
    state = Choice(choices=HeldRemoval.State.values, required=False)
    application = Uuid(required=False)
    person = Id(required=False)
    product = Choice(choices=Product.values, required=False)


#: The state that is asked for, and the deed that leads to it.
_DEEDS = {"approved": "approve", "dismissed": "dismiss", "held": "undo"}


class Decision(Strict):
    state = Choice(
        choices=list(_DEEDS),
        help_text="approved: the worker does it within a minute. dismissed: it stays refused. "
        "held: a dismissal is undone.",
    )


class Removals(Resource):
    area = "Held removals"

    @lists("licenses:read", RemovalOut, "List held removals", order=("id",), filters=RemovalFilters)
    def get(self, call: Call) -> QuerySet[HeldRemoval]:
        """In the order in which they were held, whatever became of them."""
        rows = review.of_organization(call.organization)
        return chosen(rows, call, "state", "application", "person")


class OneRemoval(Resource):
    area = "Held removals"

    @shows("licenses:read", RemovalOut, "One held removal")
    def get(self, call: Call, removal_id: int) -> HeldRemoval:
        return _removal(call, removal_id)

    @does(
        "licenses:write",
        "Approve or dismiss a removal",
        takes=Decision,
        gives=RemovalOut,
        example={"state": "approved"},
    )
    def patch(self, call: Call, removal_id: int) -> HeldRemoval:
        """By a personal token: an admin answers for it, a service token cannot (403). Refused:
        it was decided meanwhile (`removal_decided`)."""
        removal = _removal(call, removal_id)
        if call.by is None:
            raise Problem(
                403, "An admin decides this: use a personal token.", code="personal_token_needed"
            )
        review.decide(removal, _DEEDS[call.data["state"]], by=call.by)
        return _removal(call, removal_id)


# ------------------------------------------------------------------ inside


def _removal(call: Call, removal_id: int) -> HeldRemoval:
    return get_object_or_404(review.of_organization(call.organization), pk=removal_id)
