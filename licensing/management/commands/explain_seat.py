"""Why somebody has a seat, or none (R22)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.management.base import CommandParser

from accounts import organizations
from licensing import explain, pools
from licensing.management.base import PoolCommand


class Command(PoolCommand):
    help = "Say why somebody has a seat or none. Example: explain_seat acme sales-navigator EMAIL"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("email")

    def perform(self, *, slug: str, product: str, email: str, **_: Any) -> dict[str, Any]:
        organization = organizations.get(slug)
        pool = pools.get(organization, product)
        explanation = explain.explain_address(pool, organization, email)
        return {"has_seat": explanation.has_seat, "because": explanation.because}

    def lines(self, result: Any) -> Iterable[str]:
        yield from result["because"]
