"""Groups: those of applications are seen, manual ones are made, changed and deleted (R23, R24)."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import Count, QuerySet
from django.shortcuts import get_object_or_404
from rest_framework import serializers

from accounts import manual_groups
from accounts.api.fields import Choice, Email, Id, Moment, Name, Query, Several, Strict, Uuid
from accounts.api.operations import Call, Resource, does, lists, shows
from accounts.models import Group, Person
from accounts.names import key


class GroupOut(serializers.Serializer):
    """A group: of an application, or made by hand."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    source = serializers.ChoiceField(choices=["scim", "manual"])
    application = serializers.UUIDField(
        source="application_id", allow_null=True, help_text="Null: made by hand."
    )
    members = serializers.IntegerField(source="number", help_text="How many are in it.")
    created_at = Moment()
    changed_at = Moment()

    class Meta:
        ref_name = "Group"


class MemberOut(serializers.Serializer):
    """Somebody in a group."""

    id = serializers.IntegerField(help_text="Of the person.")
    email = serializers.CharField()
    first_name = serializers.CharField()
    last_name = serializers.CharField()

    class Meta:
        ref_name = "Member"


class GroupFilters(Query):
    name = Name(required=False, help_text="Exactly this one, whatever its case.")
    source = Choice(choices=["scim", "manual"], required=False)
    application = Uuid(required=False)


class GroupIn(Strict):
    name = Name(help_text="That of no other group of the organization.")


class MembersIn(Strict):
    """By id or by address; whoever is in the group already stays in it."""

    people = Several(child=Id(), required=False, help_text="Ids of people.")
    emails = Several(child=Email(), required=False, help_text="Addresses or user names.")


class JoinedOut(serializers.Serializer):
    """What came of it."""

    added = serializers.IntegerField()
    already = serializers.IntegerField(help_text="How many were in the group before.")

    class Meta:
        ref_name = "Joined"


class Groups(Resource):
    area = "Groups"

    @lists("groups:read", GroupOut, "List groups", order=("id",), filters=GroupFilters)
    def get(self, call: Call) -> QuerySet[Group]:
        """In the order in which they were made."""
        rows = _groups(call)
        asked = call.asked
        if "name" in asked:
            rows = rows.filter(name_key=key(asked["name"]))
        if "source" in asked:
            rows = rows.filter(application__isnull=asked["source"] == "manual")
        if "application" in asked:
            rows = rows.filter(application=asked["application"])
        return rows

    @does(
        "groups:write",
        "Make a manual group",
        takes=GroupIn,
        gives=GroupOut,
        status=201,
        example={"name": "SMB"},
    )
    def post(self, call: Call) -> Group:
        """Refused: the name of another group of the organization (`group_name_taken`)."""
        made = manual_groups.create(call.organization, call.data["name"], by=call.by)
        return _groups(call).get(pk=made.pk)


class OneGroup(Resource):
    area = "Groups"

    @shows("groups:read", GroupOut, "One group")
    def get(self, call: Call, group_id: uuid.UUID) -> Group:
        return _group(call, group_id)

    @does(
        "groups:write",
        "Rename a manual group",
        takes=GroupIn,
        gives=GroupOut,
        example={"name": "Mid-market"},
    )
    def patch(self, call: Call, group_id: uuid.UUID) -> Group:
        """Refused: an application's group (`group_is_scim`): change it in the identity provider."""
        manual_groups.rename(_group(call, group_id), call.data["name"], by=call.by)
        return _group(call, group_id)

    @does("groups:write", "Delete a manual group")
    def delete(self, call: Call, group_id: uuid.UUID) -> None:
        """The group goes, its people stay. Refused: an application's group (`group_is_scim`)."""
        manual_groups.delete(_group(call, group_id), by=call.by)


class Members(Resource):
    area = "Groups"

    @lists("groups:read", MemberOut, "List the members of a group", order=("id",))
    def get(self, call: Call, group_id: uuid.UUID) -> QuerySet[Person]:
        """People in the order in which they were added to the organization."""
        group = _group(call, group_id)
        return Person.objects.of(call.organization).filter(memberships__group=group)

    @does(
        "groups:write",
        "Add people to a manual group",
        takes=MembersIn,
        gives=JoinedOut,
        example={"emails": ["ada@example.com"]},
    )
    def post(self, call: Call, group_id: uuid.UUID) -> manual_groups.Joined:
        """All of them or nobody. Refused: an address that nobody has (`person_not_found`), an
        application's group (`group_is_scim`)."""
        group, wanted = _group(call, group_id), call.data
        return manual_groups.add_addresses(
            group,
            wanted.get("emails", []),
            people=wanted.get("people", []),
            leave_out_unknown=False,
            by=call.by,
        )


class OneMember(Resource):
    area = "Groups"

    @does("groups:write", "Take somebody out of a manual group")
    def delete(self, call: Call, group_id: uuid.UUID, person_id: int) -> None:
        """The person stays. Refused: an application's group (`group_is_scim`)."""
        group = _group(call, group_id)
        person = get_object_or_404(
            Person.objects.of(call.organization).filter(memberships__group=group), pk=person_id
        )
        manual_groups.remove(group, [person.pk], by=call.by)


# ------------------------------------------------------------------ inside


def _groups(call: Call) -> QuerySet[Any]:
    rows = Group.objects.of(call.organization).defer("document")
    return rows.annotate(number=Count("memberships"))


def _group(call: Call, group_id: uuid.UUID) -> Any:
    return get_object_or_404(_groups(call), pk=group_id)
