"""Pages of a list: what was asked, and how the answer looks.

Source: RFC 7644 sections 3.4.2, 3.4.2.4 and 3.4.3; RFC 9865 for cursors.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from . import leniency
from .document import read_message
from .errors import InvalidCursor, InvalidValue
from .schema import LIST_RESPONSE, SEARCH_REQUEST

START_LIMIT = 2**31 - 1
"""The largest startIndex; what is larger means the same, because nothing is there."""
CURSOR_LIMIT = 2_048

_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,100}")

SEARCH_PARAMETERS = (
    "attributes",
    "excludedAttributes",
    "filter",
    "sortBy",
    "sortOrder",
    "startIndex",
    "count",
    "cursor",
)


@dataclass(frozen=True, slots=True)
class Page:
    """Which page: `count` resources at most from the `start`-th (from 1), or after `cursor`.

    cursor: None for paging by index, "" for the first page by cursor.
    """

    start: int
    count: int
    cursor: str | None = None


def read(params: Mapping[str, object], *, default: int, maximum: int) -> Page:
    """Read startIndex, count and cursor from a query or a search request.

    startIndex below 1 is 1, count below 0 is 0 and above `maximum` is `maximum`, an empty or
    missing one is 1 and `default`. InvalidValue for what is no whole number, and for startIndex
    together with a cursor; InvalidCursor for one that cannot be ours.
    """
    start = _number(params, "startIndex", 1)
    count = max(0, min(_number(params, "count", default), maximum))
    cursor = params.get("cursor")
    if cursor is None:
        return Page(max(1, min(start, START_LIMIT)), count)
    if not isinstance(cursor, str) or len(cursor) > CURSOR_LIMIT:
        raise InvalidCursor()
    if params.get("startIndex") not in (None, ""):
        raise InvalidValue("Use either startIndex or cursor, not both.")
    return Page(1, count, cursor)


def _number(params: Mapping[str, object], name: str, default: int) -> int:
    value = params.get(name)
    if value is None or value == "":
        return default
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _WHOLE_NUMBER.fullmatch(value.strip()):
        return int(value)
    raise InvalidValue(f"{name} must be a whole number.")


def read_search(body: object) -> dict[str, object]:
    """The parameters of a search request (.search), named as in a query, without empty ones.

    InvalidSyntax if it is no search request; filter, sortBy and sortOrder are strings, the rest
    is checked by who reads it. Source: RFC 7644 section 3.4.3.
    """
    message = read_message(body, SEARCH_REQUEST)
    params: dict[str, object] = {}
    for name in SEARCH_PARAMETERS:
        value = leniency.member_in_any_case(message, name)
        if value is None:
            continue
        if name in ("filter", "sortBy", "sortOrder") and not isinstance(value, str):
            raise InvalidValue(f"{name} must be a string.")
        params[name] = value
    return params


def list_response(
    resources: Sequence[Mapping[str, object]],
    total: int,
    start: int | None = 1,
    *,
    next_cursor: str | None = None,
    previous_cursor: str | None = None,
) -> dict[str, object]:
    """A page as ListResponse; start is None for paging by cursor."""
    response: dict[str, object] = {"schemas": [LIST_RESPONSE], "totalResults": total}
    if start is not None:
        response["startIndex"] = start
    response["itemsPerPage"] = len(resources)
    if next_cursor is not None:
        response["nextCursor"] = next_cursor
    if previous_cursor is not None:
        response["previousCursor"] = previous_cursor
    response["Resources"] = list(resources)
    return response
