"""Commands about one person: by number or by address."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from accounts import organizations
from accounts.management.base import JsonCommand
from licensing import erasing
from licensing.erasing import Human


class PersonCommand(JsonCommand):
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", metavar="SLUG", required=True)
        who = parser.add_mutually_exclusive_group(required=True)
        who.add_argument(
            "--id", type=int, help="the person's number, as in the address of their page"
        )
        who.add_argument("--email", help="also of somebody who was removed")

    def human(self, *, organization: str, id: int | None, email: str | None, **_: Any) -> Human:
        return erasing.find(organizations.get(organization), id=id, email=email or "")
