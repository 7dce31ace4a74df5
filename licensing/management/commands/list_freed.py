"""Whose license was freed in the last 30 days and can be restored (R13)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from accounts import organizations
from licensing import pools, restore
from licensing.management.base import PoolCommand


class Command(PoolCommand):
    help = "List what can be restored, newest first. Example: list_freed acme sales-navigator"

    def perform(self, *, slug: str, product: str, **_: Any) -> list[Any]:
        lines = restore.freed(pools.get(organizations.get(slug), product))
        return [
            {
                "email": line.person.email,
                "freed_at": line.at,
                "because": line.because,
                "removed": line.person.removed_at is not None,
            }
            for line in lines
            if line.person is not None
        ]

    def lines(self, result: Any) -> Iterable[str]:
        for line in result:
            yield f"{line['freed_at']:%Y-%m-%d %H:%M}  {line['email']}  {line['because']}"
