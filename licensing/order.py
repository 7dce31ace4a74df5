"""The allocation order of R17. Plain Python.

Employee numbers by value, then other employee numbers, then people without one;
then last name, first name, e-mail. The order is kept as one text, `sort_key`, made by
`accounts.names.sort_key` and compared byte by byte, so that SQL (collation "C") and
Python agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import TypeVar

Entry = TypeVar("Entry")

#: After every key, which is UTF-8 and so never has this byte.
_LAST = b"\xff"


def in_allocation_order(
    entries: Iterable[Entry], sort_key: Callable[[Entry], str | None] = attrgetter("sort_key")
) -> list[Entry]:
    """Entries as seats are given out; those without a key last; a tie stays as it came."""

    def position(entry: Entry) -> bytes:
        key = sort_key(entry)
        return _LAST if key is None else key.encode()

    return sorted(entries, key=position)
