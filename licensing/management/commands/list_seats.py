"""Who holds a seat and who waits, in allocation order (R17, R18)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from accounts import organizations
from licensing import pools, seats
from licensing.management.base import PoolCommand


class Command(PoolCommand):
    help = "List holders and the waiting list. Example: list_seats acme sales-navigator"

    def perform(self, *, slug: str, product: str, **_: Any) -> dict[str, Any]:
        pool = pools.get(organizations.get(slug), product)
        return {
            "purchased": pool.purchased,
            "assigned": pool.held,
            "free": pool.free,
            "holders": [seats.as_dict(seat) for seat in seats.holders(pool)],
            "waiting": [
                {"email": entry.email, "since": entry.since, "reason": entry.reason}
                for entry in seats.waiting(pool)
            ],
        }

    def lines(self, result: Any) -> Iterable[str]:
        yield f"{result['assigned']} of {result['purchased']} assigned, {result['free']} free"
        for seat in result["holders"]:
            number = seat["employee_number"] or "–"
            yield f"  {number:>10}  {seat['email']}  {seat['state']}  {seat['source']}"
        for entry in result["waiting"]:
            yield f"  waiting since {entry['since']:%Y-%m-%d %H:%M}  {entry['email']}"
