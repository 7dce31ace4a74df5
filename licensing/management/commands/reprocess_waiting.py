"""Look again at everybody who waits or was refused (R18, R20)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from accounts import organizations
from licensing import reprocess
from licensing.management.base import PoolCommand, effect_as_dict, effect_lines


class Command(PoolCommand):
    help = "Look again at who waits. Example: reprocess_waiting acme sales-navigator"

    def perform(self, *, slug: str, product: str, **_: Any) -> dict[str, Any]:
        return effect_as_dict(reprocess.reprocess(organizations.get(slug), product))

    def lines(self, result: Any) -> Iterable[str]:
        yield from effect_lines(result)
