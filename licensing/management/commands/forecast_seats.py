"""When the free seats are used up, if it goes on as in the last weeks."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from accounts import organizations
from licensing import forecast, pools
from licensing.management.base import PoolCommand


class Command(PoolCommand):
    help = (
        "Say when the seats run out, and how sure that is. "
        "Example: forecast_seats acme sales-navigator"
    )

    def perform(self, *, slug: str, product: str, **_: Any) -> dict[str, Any]:
        pool = pools.get(organizations.get(slug), product)
        told = forecast.of_pool(pool)
        return {
            "organization": slug,
            "product": pool.product,
            "purchased": pool.purchased,
            "assigned": pool.held,
            "free": pool.free,
            "forecast": dataclasses.asdict(told.outlook) if told.outlook else None,
            "because": told.sentence,
        }

    def lines(self, result: Any) -> Iterable[str]:
        yield f"{result['assigned']} of {result['purchased']} assigned, {result['free']} free"
        yield result["because"]
