"""Pages of a long list by its keys: the last page costs what the first one does.

A cursor is the place behind the last row of a page, signed, so that whoever changes one is told.
Rows that are added or go meanwhile make no other appear twice or never.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core import signing
from django.db.models import QuerySet

from accounts.api.fields import Cursor, Number, Query
from accounts.api.problems import Problem
from accounts.pages.paging import rows_beyond

DEFAULT = 50
MOST = 200


@dataclasses.dataclass(frozen=True, slots=True)
class Page:
    """next: the whole address of the page that follows; None is the last."""

    items: Sequence[Any]
    next: str | None


class Paged(Query):
    """The parameters of every list."""

    limit = Number(
        min_value=1,
        max_value=MOST,
        required=False,
        help_text=f"So many at most; {DEFAULT} unless told.",
    )
    cursor = Cursor(
        max_length=2000,
        required=False,
        help_text="Where the page begins, from `next` of the page before.",
    )


def page(request: Any, rows: QuerySet[Any], order: Sequence[str], asked: dict[str, Any]) -> Page:
    """order: all up or all down ("-…"), columns of the rows' own table, the last one unique."""
    limit = asked.get("limit", DEFAULT)
    of = f"{request.path} {' '.join(order)}"
    if "cursor" in asked:
        rows = rows_beyond(rows, order, _place(asked["cursor"], of))
    found = list(rows.order_by(*order)[: limit + 1])
    if len(found) <= limit:
        return Page(found, None)
    last = found[limit - 1]
    place = [getattr(last, _attribute(field)) for field in order]
    query = request.query_params.copy()
    query["cursor"] = _signer().sign_object([of, *map(str, place)])
    return Page(found[:limit], f"{settings.PUBLIC_URL}{request.path}?{query.urlencode()}")


# ------------------------------------------------------------------ inside


def _place(cursor: str, of: str) -> list[str]:
    try:
        which, *place = _signer().unsign_object(cursor)
    except (signing.BadSignature, ValueError):
        which, place = "", []
    if which != of:
        detail = "This list has no such cursor: take it from `next` of one of its pages."
        raise Problem(404, detail, code="cursor_unknown")
    return place


def _signer() -> signing.Signer:
    """Made when it is needed: `manage.py check` imports this without a SECRET_KEY to tell so."""
    return signing.Signer(salt="accounts.api.cursor")


def _attribute(field: str) -> str:
    return field.removeprefix("-")
