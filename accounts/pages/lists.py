"""Long lists of rows, shown in part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def in_part(
    title: str,
    rows: Sequence[Any],
    most: int | None = None,
    *,
    total: int | None = None,
    **about: Any,
) -> dict[str, Any]:
    """The first rows, how many there are, and how many more than are shown.

    most: so many are shown, or all of them. total: how many there are, where `rows` are the
    first ones only.
    """
    shown = rows[:most]
    total = len(rows) if total is None else total
    return {"title": title, "total": total, "rows": shown, "more": total - len(shown), **about}


def columns(
    labels: Mapping[str, str], aliases: Mapping[str, Sequence[str]]
) -> list[tuple[str, str]]:
    """The columns of a CSV file as we call them, and how else each may be called."""
    return [
        (label, ", ".join(f"“{name}”" for name in aliases[field][1:4]))
        for field, label in labels.items()
    ]
