"""Pages of a long list that begin at somebody, so that the last costs what the first costs."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from django.db.models import BooleanField, Model, QuerySet
from django.db.models.expressions import RawSQL
from django.http import HttpRequest

from accounts.pages.paging import COUNT_TO, PER_PAGE

Row = TypeVar("Row", bound=Model)


@dataclasses.dataclass(frozen=True, slots=True)
class KeyPage:
    """rows: at most PER_PAGE. counted: how many there are in all, as far as they were counted;
    more: whether there are more. previous, next: the addresses beside; empty when none is.
    first: whether the list begins here."""

    rows: Sequence[Any]
    counted: int
    more: bool
    previous: str
    next: str
    first: bool

    @property
    def of(self) -> str:
        """How many there are, for people: "87", "1,000+"."""
        return f"{self.counted:,}+" if self.more else f"{self.counted:,}"


def page_by_key(
    request: HttpRequest, rows: QuerySet[Row], fields: Sequence[str], anchors: QuerySet[Row]
) -> KeyPage:
    """The page that the address asks for: after or before somebody of `anchors`.

    fields: what the list is sorted by, all of them up or all down ("-…"), the last one unique.
    An address that makes no sense is the first page.
    """
    after, before = (_anchor(request, name, fields, anchors) for name in ("after", "before"))
    backwards = before is not None and after is None
    start = before if backwards else after
    ordered = [_turned(field) for field in fields] if backwards else list(fields)
    wanted = rows if start is None else _beyond(rows, ordered, start)
    found = list(wanted.order_by(*ordered)[: PER_PAGE + 1])
    beyond = len(found) > PER_PAGE
    shown = found[:PER_PAGE]
    if backwards:
        shown.reverse()
    first = start is None or (backwards and not beyond)
    last = not (beyond or backwards)
    whole = first and last
    counted = len(shown) if whole else rows.order_by()[: COUNT_TO + 1].count()
    return KeyPage(
        rows=shown,
        counted=min(counted, COUNT_TO),
        more=counted > COUNT_TO,
        previous="" if first or not shown else _link(request, "before", shown[0].pk),
        next="" if last or not shown else _link(request, "after", shown[-1].pk),
        first=first,
    )


def chunks(rows: QuerySet[Row], fields: Sequence[str], size: int = 1000) -> Iterator[list[Row]]:
    """All rows in order, `size` at a time, each by a statement of its own."""
    names = [field.removeprefix("-") for field in fields]
    chunk = list(rows.order_by(*fields)[:size])
    while chunk:
        yield chunk
        start = [getattr(chunk[-1], name) for name in names]
        chunk = list(_beyond(rows, fields, start).order_by(*fields)[:size])


# ------------------------------------------------------------------ inside


def _anchor(
    request: HttpRequest, name: str, fields: Sequence[str], anchors: QuerySet[Row]
) -> Sequence[Any] | None:
    """What the list is sorted by, of the row that the address names."""
    asked = request.GET.get(name, "")
    if not re.fullmatch("[0-9]{1,18}", asked):
        return None
    found = anchors.filter(pk=int(asked))
    return found.values_list(*(field.removeprefix("-") for field in fields)).first()


def _beyond(rows: QuerySet[Row], fields: Sequence[str], start: Sequence[Any]) -> QuerySet[Row]:
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


def _link(request: HttpRequest, name: str, key: Any) -> str:
    query = request.GET.copy()
    for place in ("page", "after", "before"):
        query.pop(place, None)
    query[name] = str(key)
    return f"?{query.urlencode()}"
