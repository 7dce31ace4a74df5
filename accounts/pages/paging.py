"""Pages of a long list, without counting it to the end: by number, or beginning at a row.

A page that begins at a row costs the same however deep it lies; lists that may be very long
are paged so.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from django.db.models import BooleanField, Model, QuerySet
from django.db.models.expressions import RawSQL
from django.http import HttpRequest, QueryDict

PER_PAGE = 50
#: Lists are counted up to here; what is longer says "1,000+".
COUNT_TO = 1000
LAST_PAGE = 100_000
#: So many rows are read at once where a whole list is told.
AT_ONCE = 1000
#: What tells in an address where the page begins.
_PLACES = ("page", "after", "before")

Row = TypeVar("Row", bound=Model)


@dataclasses.dataclass(frozen=True, slots=True)
class Page:
    """rows: at most PER_PAGE. counted: how many there are in all, as far as they were counted;
    more: whether there are more. previous, next: the addresses beside, empty when none is; of a
    page behind the end, previous is the beginning. first: whether the list begins here.
    start: the place of the first row from 1; None when the page begins at a row.
    """

    rows: Sequence[Any]
    counted: int
    more: bool
    previous: str
    next: str
    first: bool
    start: int | None = None

    @property
    def last(self) -> int | None:
        return None if self.start is None else self.start + len(self.rows) - 1

    @property
    def of(self) -> str:
        """How many there are, for people: "87", "1,000+"."""
        return f"{max(self.counted, self.last or 0):,}+" if self.more else f"{self.counted:,}"


def page_of(request: HttpRequest, rows: QuerySet[Any]) -> Page:
    """The page that the address asks for; a number that makes no sense is the first page."""
    asked = request.GET.get("page", "")
    number = min(max(1, int(asked)), LAST_PAGE) if re.fullmatch("[0-9]{1,9}", asked) else 1
    start = (number - 1) * PER_PAGE
    found = list(rows[start : start + PER_PAGE + 1])
    beyond = len(found) > PER_PAGE
    behind = number > 1 and not found
    # The last page knows how many there are.
    counted = _counted(rows) if beyond or behind else start + len(found)
    more = beyond and counted > COUNT_TO
    previous = 1 if behind else number - 1
    return Page(
        rows=found[:PER_PAGE],
        counted=COUNT_TO if more else counted,
        more=more,
        previous=_link(request, page=previous) if number > 1 else "",
        next=_link(request, page=number + 1) if beyond else "",
        first=number == 1,
        start=start + 1,
    )


def page_by_key(
    request: HttpRequest, rows: QuerySet[Row], fields: Sequence[str], shown: QuerySet[Row]
) -> Page:
    """The page that the address asks for: after or before a row of `shown`.

    rows: the list, filtered. fields: what it is sorted by, all of them up or all down ("-…"), the
    last one unique. shown: the rows that it may hold, unfiltered, with what is shown of them.
    An address that makes no sense is the first page.
    """
    after, before = (_anchor(request, name, fields, shown) for name in ("after", "before"))
    backwards = before is not None and after is None
    start = before if backwards else after
    ordered = [_turned(field) for field in fields] if backwards else list(fields)
    wanted = rows if start is None else rows_beyond(rows, ordered, start)
    # From the beginning, one look through the filter tells both the page and how many there are.
    looked_at = COUNT_TO + 1 if start is None else PER_PAGE + 1
    found = list(wanted.order_by(*ordered).values_list("pk", flat=True)[:looked_at])
    beyond = len(found) > PER_PAGE
    first = start is None or (backwards and not beyond)
    last = not (beyond or backwards)
    counted = len(found) if start is None else _counted(rows)
    here = list(shown.filter(pk__in=found[:PER_PAGE]).order_by(*fields)) if found else []
    previous = _link(request, before=here[0].pk) if here else _link(request)
    return Page(
        rows=here,
        counted=min(counted, COUNT_TO),
        more=counted > COUNT_TO,
        previous="" if first else previous,
        next="" if last or not here else _link(request, after=here[-1].pk),
        first=first,
    )


def chunks(rows: QuerySet[Row], fields: Sequence[str]) -> Iterator[list[Row]]:
    """All rows in order, AT_ONCE at a time, each by a statement of its own. fields: as above."""
    names = [field.removeprefix("-") for field in fields]
    chunk = list(rows.order_by(*fields)[:AT_ONCE])
    while chunk:
        yield chunk
        start = [getattr(chunk[-1], name) for name in names]
        chunk = list(rows_beyond(rows, fields, start).order_by(*fields)[:AT_ONCE])


def from_the_beginning(query: QueryDict) -> QueryDict:
    """What the address asks for, without the place in the list."""
    query = query.copy()
    for place in _PLACES:
        query.pop(place, None)
    return query


# ------------------------------------------------------------------ inside


def _counted(rows: QuerySet[Any]) -> int:
    return rows.order_by()[: COUNT_TO + 1].count()


def _anchor(
    request: HttpRequest, name: str, fields: Sequence[str], rows: QuerySet[Row]
) -> Sequence[Any] | None:
    """What the list is sorted by, of the row that the address names."""
    asked = request.GET.get(name, "")
    if not re.fullmatch("[0-9]{1,18}", asked):
        return None
    found = rows.prefetch_related(None).filter(pk=int(asked))
    return found.values_list(*(field.removeprefix("-") for field in fields)).first()


def rows_beyond(rows: QuerySet[Row], fields: Sequence[str], start: Sequence[Any]) -> QuerySet[Row]:
    """Rows that come after a place in this order: one comparison, which an index answers."""
    table = rows.model._meta.db_table
    columns = ", ".join(f"{table}.{field.removeprefix('-')}" for field in fields)
    compared = "<" if fields[0].startswith("-") else ">"
    places = ", ".join(["%s"] * len(fields))
    return rows.filter(
        RawSQL(  # noqa: S611  the columns are ours
            f"({columns}) {compared} ({places})", list(start), output_field=BooleanField()
        )
    )


def _turned(field: str) -> str:
    return field[1:] if field.startswith("-") else f"-{field}"


def _link(request: HttpRequest, **place: Any) -> str:
    query = from_the_beginning(request.GET)
    query.update({name: str(value) for name, value in place.items()})
    return f"?{query.urlencode()}"
