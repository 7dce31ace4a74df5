"""Long lists in queries."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from django.db.models.expressions import RawSQL


def among(values: Iterable[int] | Iterable[str], kind: Literal["bigint", "text"]) -> RawSQL:
    """For `…__in`: one parameter, joined as a set, however many values there are.

    A list would be one parameter a value, of which a statement takes 65,535, and would be
    compared one by one with each row.
    """
    return RawSQL(f"SELECT unnest(%s::{kind}[])", [list(values)])  # noqa: S611  kind is ours
