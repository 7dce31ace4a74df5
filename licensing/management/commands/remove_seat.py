"""Remove a seat that was given by hand (R12)."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from accounts import organizations
from licensing import roster
from licensing.management.base import PoolCommand


class Command(PoolCommand):
    help = "Remove a seat that was given by hand. Example: remove_seat acme sales-navigator EMAIL"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("email")

    def perform(self, *, slug: str, product: str, email: str, **_: Any) -> dict[str, Any]:
        roster.remove(organizations.get(slug), product, email)
        return {"removed": True}
