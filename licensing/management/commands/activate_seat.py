"""Activate a seat, as the person's own link does (R14)."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from accounts import organizations
from licensing import roster, seats
from licensing.management.base import PoolCommand


class Command(PoolCommand):
    help = "Activate somebody's seat. Example: activate_seat acme sales-navigator ada@acme.example"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("email")

    def perform(self, *, slug: str, product: str, email: str, **_: Any) -> dict[str, Any]:
        return seats.as_dict(roster.activate(organizations.get(slug), product, email))
