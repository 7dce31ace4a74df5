"""Give back seats that were freed in the last 30 days (R13)."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts import organizations
from licensing import restore
from licensing.management.base import PoolCommand


class Command(PoolCommand):
    help = "Restore freed seats, all or none. Example: restore_seats acme sales-navigator EMAIL"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("emails", nargs="*", metavar="EMAIL")
        parser.add_argument("--all", action="store_true", help="everybody of list_freed")

    def perform(
        self, *, slug: str, product: str, emails: list[str], all: bool, **_: Any
    ) -> dict[str, Any]:
        if bool(emails) == all:
            raise CommandError("Name whose seats to restore, or --all.", returncode=2)
        organization = organizations.get(slug)
        return {"restored": restore.restore_addresses(organization, product, emails)}
