"""People: seen with licenses, added, changed and removed by hand, explained (R7, R10, R22)."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict
from rest_framework import serializers

from accounts import by_hand as profiles
from accounts.api.fields import Choice, Email, Line, Moment, Name, Query, Strict, Uuid
from accounts.api.operations import Call, Resource, does, lists, shows
from accounts.models import Person, Product
from accounts.names import key
from licensing import by_hand, explain
from licensing.models import Pool, WaitingEntry
from licensing.pages.wanted import LICENSES, Wanted, with_what_is_shown


class LicenseOut(serializers.Serializer):
    """A license that the person holds."""

    id = serializers.IntegerField()
    product = serializers.CharField(source="pool.product")
    source = serializers.ChoiceField(choices=["scim", "manual"])
    state = serializers.ChoiceField(choices=["provisioned", "activated"])

    class Meta:
        ref_name = "HeldLicense"


class PersonOut(serializers.Serializer):
    """Somebody of the organization."""

    id = serializers.IntegerField()
    email = serializers.CharField()
    first_name = serializers.CharField()
    last_name = serializers.CharField()
    employee_number = serializers.CharField()
    title = serializers.CharField()
    department = serializers.CharField()
    managed_by = serializers.UUIDField(
        source="managed_by_id",
        allow_null=True,
        help_text="The application that owns the profile; null: it is edited by hand.",
    )
    licenses = LicenseOut(source="shown_seats", many=True)
    waiting_for = serializers.SerializerMethodField(help_text="Products they wait for.")
    created_at = Moment()
    changed_at = Moment()

    class Meta:
        ref_name = "Person"

    def get_waiting_for(self, person: Person) -> list[str]:
        waiting: list[WaitingEntry] = person.shown_waiting  # type: ignore[attr-defined]  # a prefetch
        return [entry.pool.product for entry in waiting]


class Profile(Strict):
    email = Email(help_text="That of nobody else; invitations go there.")
    first_name = Line(required=False)
    last_name = Line(required=False)
    employee_number = Line(required=False, help_text="Decides who goes first (R17).")
    title = Line(required=False)
    department = Line(required=False)


class PersonIn(Profile):
    license = Choice(
        choices=Product.values,
        required=False,
        help_text="Give them a license of this product too, or add nobody.",
    )


class PersonChange(Profile):
    """What is left out stays."""

    email = Email(required=False)


class PeopleFilters(Query):
    q = Name(required=False, max_length=200, help_text="Words in name, address, number, title.")
    email = Name(required=False, max_length=320, help_text="Exactly this address.")
    employee_number = Name(required=False, help_text="Exactly this number.")
    department = Name(required=False)
    source = Choice(choices=["idp", "manual"], required=False, help_text="Who owns the profile.")
    application = Uuid(required=False, help_text="Whom this application knows.")
    group = Uuid(required=False, help_text="Members of this group.")
    product = Choice(choices=Product.values, required=False)
    license = Choice(choices=list(LICENSES), required=False, help_text="Of any product, or one.")


class ExplanationOut(serializers.Serializer):
    """Why somebody has a license of a product, or none (R22)."""

    product = serializers.ChoiceField(choices=Product.values)
    has_license = serializers.BooleanField()
    because = serializers.ListField(child=serializers.CharField())

    class Meta:
        ref_name = "Explanation"


class ExplanationsOut(serializers.Serializer):
    """Of each product that the organization has."""

    id = serializers.IntegerField(help_text="Of the person.")
    products = ExplanationOut(many=True)

    class Meta:
        ref_name = "Explanations"


class People(Resource):
    area = "People"

    @lists("people:read", PersonOut, "List people", order=("id",), filters=PeopleFilters)
    def get(self, call: Call) -> QuerySet[Person]:
        """Those who are there, in the order in which they were added."""
        rows = _wanted(call.asked).people(call.organization)
        if "email" in call.asked:
            rows = rows.filter(email_key=key(call.asked["email"]))
        if "employee_number" in call.asked:
            rows = rows.filter(employee_number=call.asked["employee_number"])
        return with_what_is_shown(rows, call.organization)

    @does(
        "people:write",
        "Add somebody by hand",
        takes=PersonIn,
        gives=PersonOut,
        status=201,
        example={
            "email": "ada@example.com",
            "first_name": "Ada",
            "last_name": "Lovelace",
            "license": "sales-navigator",
        },
    )
    def post(self, call: Call) -> Person:
        """With a license, if one is named and free. Refused: an address that is known
        (`person_exists`), no license left (`no_license_free`); then nobody is added."""
        cells = dict(call.data)
        product = cells.pop("license", "")
        made = by_hand.add(call.organization, cells, product=product, by=call.by)
        return person_of(call, made.pk)


class OnePerson(Resource):
    area = "People"

    @shows("people:read", PersonOut, "One person")
    def get(self, call: Call, person_id: int) -> Person:
        return person_of(call, person_id)

    @does(
        "people:write",
        "Change a profile",
        takes=PersonChange,
        gives=PersonOut,
        example={"title": "Analyst"},
    )
    def patch(self, call: Call, person_id: int) -> Person:
        """Refused: what an application owns (`managed_by_application`): change it in the
        identity provider. An address that somebody else has (`person_exists`)."""
        person = person_of(call, person_id)
        cells = {"email": person.email} | call.data
        profiles.edit(call.organization, person.pk, cells, by=call.by)
        return person_of(call, person_id)

    @does("people:write", "Remove somebody who was added by hand")
    def delete(self, call: Call, person_id: int) -> None:
        """Their licenses are free at once. Refused: whom an application manages
        (`not_by_hand`): remove them in the identity provider."""
        person = person_of(call, person_id)
        deed = by_hand.Remove(call.organization)
        by_hand.one(call.organization, deed, person.pk, by=call.by)


class Explanation(Resource):
    area = "People"

    @shows("people:read", ExplanationsOut, "Why somebody has a license or none")
    def get(self, call: Call, person_id: int) -> dict[str, Any]:
        """In plain sentences, of each product."""
        person = person_of(call, person_id)
        pools = Pool.objects.of(call.organization).order_by("product")
        told = [(pool.product, explain.explain(pool, person)) for pool in pools]
        return {
            "id": person.pk,
            "products": [
                {"product": product, "has_license": why.has_seat, "because": why.because}
                for product, why in told
            ],
        }


def person_of(call: Call, person_id: int) -> Person:
    """Somebody of the organization who is there, with what is told of them. Refused: nobody."""
    people = with_what_is_shown(Person.objects.of(call.organization), call.organization)
    found = people.filter(pk=person_id, removed_at=None).first()
    return found or profiles.find(call.organization, person_id)


# ------------------------------------------------------------------ inside


def _wanted(asked: dict[str, Any]) -> Wanted:
    """The same filters as those of the page."""
    query = QueryDict(mutable=True)
    query.update({name: str(value) for name, value in asked.items() if not isinstance(value, list)})
    return Wanted.read(query)
