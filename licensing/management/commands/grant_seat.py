"""Give somebody a seat by hand (R10)."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from accounts import organizations
from licensing import roster, seats
from licensing.management.base import PoolCommand


class Command(PoolCommand):
    help = "Give a seat by hand. Example: grant_seat acme sales-navigator ada@acme.example"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("email")
        parser.add_argument("--first-name", default="")
        parser.add_argument("--last-name", default="")
        parser.add_argument("--employee-number", default="")

    def perform(
        self,
        *,
        slug: str,
        product: str,
        email: str,
        first_name: str,
        last_name: str,
        employee_number: str,
        **_: Any,
    ) -> dict[str, Any]:
        seat = roster.grant(
            organizations.get(slug),
            product,
            email,
            first_name=first_name,
            last_name=last_name,
            employee_number=employee_number,
        )
        return seats.as_dict(seat)
