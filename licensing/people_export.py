"""Everybody as the rows of a CSV file, which can be imported again unchanged (R10)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.db.models import Exists, OuterRef, QuerySet, Subquery

from accounts.by_hand import FIELDS
from accounts.models import Person, Product
from licensing.models import Seat, WaitingEntry

HEADER = [*FIELDS.values(), "Managed by", *Product.labels]
#: So many rows are fetched at once.
_AT_ONCE = 2000


def rows(people: QuerySet[Person], order: Sequence[str]) -> Iterator[list[str]]:
    """The header, then a row a person with the licenses that they have or wait for.

    One statement, whose rows the database keeps and hands out as they are read.
    """
    yield HEADER
    found = people.annotate(
        **{f"seat_{n}": _seat(product) for n, product in enumerate(Product.values)},
        **{f"waits_{n}": _waits(product) for n, product in enumerate(Product.values)},
    ).order_by(*order)
    kinds = len(Product.values)
    columns = [f"{kind}_{n}" for kind in ("seat", "waits") for n in range(kinds)]
    for row in found.values_list(*FIELDS, "managed_by__name", *columns).iterator(_AT_ONCE):
        *fields, manager = row[: -2 * kinds]
        seats, waits = row[-2 * kinds : -kinds], row[-kinds:]
        yield [
            *fields,
            manager or "By hand",
            *(
                Seat.State(seat).label if seat else "Waiting" if waiting else ""
                for seat, waiting in zip(seats, waits, strict=True)
            ),
        ]


def _seat(product: str) -> Subquery:
    seats = Seat.objects.filter(person=OuterRef("pk"), pool__product=product)
    return Subquery(seats.values("state")[:1])


def _waits(product: str) -> Exists:
    return Exists(WaitingEntry.objects.filter(person=OuterRef("pk"), pool__product=product))
