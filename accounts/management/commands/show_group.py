"""Show a group and its members."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from accounts import names, organizations
from accounts.management.base import JsonCommand
from accounts.management.commands.create_group import show
from accounts.models import Group
from accounts.refusal import NotFound, Refusal


class Command(JsonCommand):
    help = "Show a group, manual or SCIM, with its members. Example: show_group acme SMB"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("name")

    def perform(self, *, slug: str, name: str, **_: Any) -> dict[str, Any]:
        organization = organizations.get(slug)
        found = list(
            Group.objects.of(organization)
            .filter(name_key=names.key(name))
            .select_related("application")
            .order_by("created_at")[:2]
        )
        if not found:
            raise NotFound("group_not_found", f"{organization.name} has no group “{name}”.")
        if len(found) > 1:
            raise Refusal(
                "group_ambiguous", f"More than one application of {organization.name} has “{name}”."
            )
        return show(found[0])
