"""The allocation order of R17. Plain Python.

Employee numbers by value, then other employee numbers, then people without one;
then last name, first name, e-mail. The order is kept as one text, `sort_key`, made by
`accounts.names.sort_key` and compared byte by byte, so that SQL and Python agree.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar


class HasSortKey(Protocol):
    @property
    def sort_key(self) -> str: ...


Entry = TypeVar("Entry", bound=HasSortKey)


def in_allocation_order(entries: Iterable[Entry]) -> list[Entry]:
    """Entries as seats are given out; a tie keeps the order in which they came."""
    return sorted(entries, key=lambda entry: entry.sort_key.encode())
