"""Seats: listed, given by hand, taken back, restored, reclaimed when idle (R10, R12, R14, R15)."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from rest_framework import serializers

from accounts.api.fields import Choice, Id, Moment, Query, Strict, Uuid
from accounts.api.operations import Call, Resource, does, lists, shows
from accounts.models import Product
from licensing import activation, by_hand, idle, pools, restore
from licensing.api.people import person_of
from licensing.api.pools import PeopleIn, pool_of
from licensing.models import LedgerEntry, Seat


class Who(serializers.Serializer):
    """A person, in short."""

    id = serializers.IntegerField()
    email = serializers.CharField()
    first_name = serializers.CharField()
    last_name = serializers.CharField()
    employee_number = serializers.CharField()

    class Meta:
        ref_name = "Who"


class SeatOut(serializers.Serializer):
    """One license held by one person."""

    id = serializers.IntegerField()
    product = serializers.ChoiceField(source="pool.product", choices=Product.values)
    person = Who()
    source = serializers.ChoiceField(choices=Seat.Source.values)
    state = serializers.ChoiceField(choices=Seat.State.values)
    application = serializers.UUIDField(
        source="application_id", allow_null=True, help_text="That gives it; null: by hand."
    )
    granted_at = Moment()
    activated_at = Moment(allow_null=True)
    last_used_at = Moment(allow_null=True)

    class Meta:
        ref_name = "Seat"


class SeatFilters(Query):
    product = Choice(choices=Product.values, required=False)
    source = Choice(choices=Seat.Source.values, required=False)
    state = Choice(choices=Seat.State.values, required=False)
    person = Id(required=False)
    application = Uuid(required=False)


class SeatIn(Strict):
    product = Choice(choices=Product.values)
    person = Id(help_text="Who gets it.")


class FreedOut(serializers.Serializer):
    """A license that was freed in the last 30 days, of somebody who has none now."""

    id = serializers.IntegerField(help_text="Of the line of the ledger.")
    person = Who()
    at = Moment()
    because = serializers.CharField()

    class Meta:
        ref_name = "Freed"


class IdleOut(serializers.Serializer):
    """A license that was not activated or not used for as long as the pool's rule says."""

    id = serializers.IntegerField(help_text="Of the seat.")
    person = Who()
    since = Moment(help_text="Last granted, activated or used.")
    must_stay = serializers.BooleanField(help_text="An identity provider says so.")
    reclaim_at = Moment(allow_null=True, help_text="The day that the person was told.")

    class Meta:
        ref_name = "IdleSeat"


class ReclaimedOut(serializers.Serializer):
    """What came of it."""

    reclaimed = serializers.ListField(child=serializers.IntegerField(), help_text="People.")
    granted = serializers.ListField(
        child=serializers.IntegerField(), help_text="People who waited and got one."
    )

    class Meta:
        ref_name = "Reclaimed"


class Seats(Resource):
    area = "Licenses"

    @lists("licenses:read", SeatOut, "List licenses", order=("id",), filters=SeatFilters)
    def get(self, call: Call) -> QuerySet[Seat]:
        """Who holds one, in the order in which they were given."""
        return chosen(_seats(call), call, "source", "state", "person", "application")

    @does(
        "licenses:write",
        "Give a license by hand",
        takes=SeatIn,
        gives=SeatOut,
        status=201,
        example={"product": "sales-navigator", "person": 17},
    )
    def post(self, call: Call) -> Seat:
        """The person is invited to activate it. Refused: they have one, or none is free
        (`not_by_hand`, with the reason)."""
        person = person_of(call, call.data["person"])
        pool = pools.get(call.organization, call.data["product"])
        by_hand.one(call.organization, by_hand.GiveSeat(pool), person.pk, by=call.by)
        return get_object_or_404(_seats(call), pool=pool, person=person)


class OneSeat(Resource):
    area = "Licenses"

    @shows("licenses:read", SeatOut, "One license")
    def get(self, call: Call, seat_id: int) -> Seat:
        return _seat(call, seat_id)

    @does("licenses:write", "Take away a license that was given by hand")
    def delete(self, call: Call, seat_id: int) -> None:
        """Whoever waits gets it. Refused: an application gives it (`not_by_hand`): take it away
        in the identity provider (R12)."""
        seat = _seat(call, seat_id)
        deed = by_hand.RemoveSeat(seat.pool)
        by_hand.one(call.organization, deed, seat.person_id, by=call.by)


class Invite(Resource):
    area = "Licenses"

    @does("licenses:write", "Send the invitation again")
    def post(self, call: Call, seat_id: int) -> None:
        """By e-mail, once an hour at most. Refused: it is activated, or was sent just now."""
        activation.invite(_seat(call, seat_id), by=call.by)


class Freed(Resource):
    area = "Licenses"

    @lists("licenses:read", FreedOut, "List licenses that can be restored", order=("-id",))
    def get(self, call: Call, product: str) -> QuerySet[LedgerEntry]:
        """Freed in the last 30 days, the newest first; `restore` gives them back."""
        lines = restore.freed(pool_of(call, product)).values("pk")
        found = LedgerEntry.objects.of(call.organization).filter(pk__in=lines)
        return found.select_related("person")


class Idle(Resource):
    area = "Licenses"

    @lists("licenses:read", IdleOut, "List idle licenses", order=("id",))
    def get(self, call: Call, product: str) -> QuerySet[Any]:
        """By the pool's rule; without one none is idle."""
        return idle.of_pool(pool_of(call, product)).select_related("person")


class Reclaim(Resource):
    area = "Licenses"

    @does(
        "licenses:write",
        "Reclaim idle licenses",
        takes=PeopleIn,
        gives=ReclaimedOut,
        example={"people": [17]},
    )
    def post(self, call: Call, product: str) -> idle.Result:
        """Of these people, as far as theirs are idle still and may be reclaimed."""
        return idle.reclaim(pool_of(call, product), call.data["people"], by=call.by)


def chosen(rows: QuerySet[Any], call: Call, *columns: str) -> QuerySet[Any]:
    """Rows that the parameters of these names choose, and `product` if it is one."""
    columns_asked = {name: call.asked[name] for name in columns if name in call.asked}
    if "product" in call.asked:
        columns_asked["pool__product"] = call.asked["product"]
    return rows.filter(**columns_asked)


# ------------------------------------------------------------------ inside


def _seats(call: Call) -> QuerySet[Seat]:
    return Seat.objects.of(call.organization).select_related("person", "pool")


def _seat(call: Call, seat_id: int) -> Seat:
    return get_object_or_404(_seats(call), pk=seat_id)
