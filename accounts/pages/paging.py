"""Pages of a long list, without counting it to the end."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

PER_PAGE = 50
#: Lists are counted up to here; what is longer says "1,000+".
COUNT_TO = 1000
LAST_PAGE = 100_000


@dataclasses.dataclass(frozen=True, slots=True)
class Page:
    """rows: at most PER_PAGE. counted: how many there are, as far as they were counted;
    more: whether there are more. parameter: the page number's name in the address."""

    rows: Sequence[Any]
    number: int
    counted: int
    more: bool
    has_next: bool
    parameter: str

    @property
    def first(self) -> int:
        return (self.number - 1) * PER_PAGE + 1 if self.rows else 0

    @property
    def last(self) -> int:
        return (self.number - 1) * PER_PAGE + len(self.rows)

    @property
    def of(self) -> str:
        """How many there are, for people: "87", "1,000+"."""
        return f"{max(self.counted, self.last):,}+" if self.more else f"{self.counted:,}"

    @property
    def has_previous(self) -> bool:
        return self.number > 1


def page_of(request: HttpRequest, rows: QuerySet[Any], *, parameter: str = "page") -> Page:
    """The page that the address asks for; a number that makes no sense is the first page."""
    asked = request.GET.get(parameter, "")
    number = min(max(1, int(asked)), LAST_PAGE) if re.fullmatch("[0-9]{1,9}", asked) else 1
    start = (number - 1) * PER_PAGE
    found = list(rows[start : start + PER_PAGE + 1])
    has_next = len(found) > PER_PAGE
    if has_next or (number > 1 and not found):
        counted = rows.order_by()[: COUNT_TO + 1].count()
    else:
        counted = start + len(found)  # the last page knows how many there are
    more = has_next and counted > COUNT_TO
    return Page(
        rows=found[:PER_PAGE],
        number=number,
        counted=COUNT_TO if more else counted,
        more=more,
        has_next=has_next,
        parameter=parameter,
    )
