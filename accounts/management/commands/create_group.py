"""Create a manual group (R23, R24)."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from accounts import changes, groups, organizations, people
from accounts.management.base import JsonCommand
from accounts.models import Group, Person
from accounts.refusal import NotFound


class Command(JsonCommand):
    help = (
        "Create a group by hand, for usage reporting. "
        "Example: create_group acme SMB --member ada@acme.example"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("name")
        parser.add_argument("--member", action="append", default=[], metavar="EMAIL")

    def perform(self, *, slug: str, name: str, member: list[str], **_: Any) -> dict[str, Any]:
        organization = organizations.get(slug)

        def change() -> Group:
            group = groups.create(organization, name)
            groups.add_people(group, [_person(organization, email) for email in member])
            return group

        return show(changes.run(change))


def _person(organization: Any, email: str) -> Person:
    person = people.find_by_email(organization, email)
    if person is None:
        raise NotFound(
            "person_not_found", f"{organization.name} has nobody with the address {email}."
        )
    return person


def show(group: Group) -> dict[str, Any]:
    members = Person.objects.filter(memberships__group=group, removed_at=None)
    return {
        "name": group.name,
        "source": group.source,
        "application": group.application.name if group.application else None,
        "members": list(members.order_by("sort_key", "id").values_list("email", flat=True)),
    }
