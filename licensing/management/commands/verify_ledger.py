"""Whether the ledger is what was sealed: any line that was changed shows (R21)."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from accounts import organizations
from accounts.management.base import JsonCommand
from accounts.management.progress import Progress
from accounts.refusal import Refusal
from licensing import seals
from licensing.models import Pool
from licensing.seals import Broken, Mark, Verification


class Command(JsonCommand):
    help = (
        "Recompute every seal of the ledger; exit 1 when a line is not what was sealed. "
        "What --json prints, kept elsewhere, finds later whether the whole was rewritten. "
        "Example: verify_ledger --against kept-elsewhere.json"
    )
    _whole = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", metavar="SLUG", help="all of them if left out")
        parser.add_argument(
            "--against",
            metavar="FILE",
            type=Path,
            help="what --json printed before: its seals must still be there",
        )

    def perform(
        self, *, organization: str | None, against: Path | None, **_: Any
    ) -> dict[str, Any]:
        pools = Pool.objects.select_related("organization").order_by(
            "organization__slug", "product"
        )
        if organization is not None:
            pools = pools.of(organizations.get(organization))
        kept = _kept(against) if against else {}
        shown = []
        with Progress(pools.count(), "pools") as show:
            for pool in pools:
                key = (pool.organization.slug, pool.product)
                shown.append(_shown(*key, seals.verify(pool, kept.pop(key, []))))
                show(len(shown))
        shown += [
            _shown(slug, product, _gone(marks))
            for (slug, product), marks in kept.items()
            if organization in (None, slug)
        ]
        self._whole = all(pool["broken"] is None for pool in shown)
        return {"pools": shown, "whole": self._whole}

    def lines(self, result: Any) -> Iterable[str]:
        for pool in result["pools"]:
            yield (
                f"{pool['organization']} {pool['product']}: {pool['lines']} lines, "
                f"{pool['seals']} seals, {pool['unsealed']} not sealed yet"
            )
            if pool["broken"]:
                yield f"  BROKEN: {pool['broken']['detail']}"
        yield "The ledger is whole." if result["whole"] else "The ledger is not whole."

    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **options)
        if not self._whole:
            sys.exit(1)


def _gone(marks: list[Mark]) -> Verification:
    detail = "The whole ledger of this product, which was seen before, is gone."
    return Verification(0, 0, 0, None, Broken(marks[0].seal, None, None, None, None, detail))


def _shown(slug: str, product: str, found: Verification) -> dict[str, Any]:
    return {
        "organization": slug,
        "product": product,
        "lines": found.lines,
        "seals": found.seals,
        "unsealed": found.unsealed,
        "head": found.head._asdict() if found.head else None,
        "broken": _place(found.broken) if found.broken else None,
    }


def _place(broken: Broken) -> dict[str, Any]:
    return {
        "seal": broken.seal,
        "after_id": broken.after_id,
        "last_id": broken.last_id,
        "sealed": broken.sealed,
        "found": broken.found,
        "detail": broken.detail,
    }


def _kept(path: Path) -> dict[tuple[str, str], list[Mark]]:
    """The newest seal of each pool in what was printed before."""
    try:
        return {
            (pool["organization"], pool["product"]): [Mark(**pool["head"])]
            for pool in json.loads(path.read_text())["pools"]
            if pool["head"]
        }
    except (OSError, ValueError, KeyError, TypeError):
        raise Refusal(
            "file_invalid", f"“{path}” is not what verify_ledger --json has printed."
        ) from None
