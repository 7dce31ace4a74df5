"""Set the number of purchased seats (R15)."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from accounts import organizations
from licensing import pools
from licensing.management.base import PoolCommand


class Command(PoolCommand):
    help = "Set the number of purchased seats. Example: set_seats acme sales-navigator 100"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("number", type=int)

    def perform(self, *, slug: str, product: str, number: int, **_: Any) -> dict[str, Any]:
        pool = pools.set_seats(organizations.get(slug), product, number)
        return {"organization": slug, "product": product, "purchased": pool.purchased}
