"""What the address of a page asks for, read so that what makes no sense is left out."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Iterable
from contextlib import suppress

from django.http import QueryDict
from django.utils.dateparse import parse_datetime


def text(query: QueryDict, name: str, *, longest: int = 200) -> str:
    """As PostgreSQL takes it: no zero byte, and not without end."""
    return query.get(name, "").replace("\x00", "").strip()[:longest]


def day(query: QueryDict, name: str) -> dt.date | None:
    """Of a year that has days before and after it, whatever is reckoned with it."""
    with suppress(ValueError):
        found = dt.date.fromisoformat(query.get(name, ""))
        return found if 2000 <= found.year < 9000 else None
    return None


def moment(text: str) -> dt.datetime | None:
    """With its zone, as ISO 8601."""
    with suppress(ValueError):
        found = parse_datetime(text)
        return found if found and found.tzinfo else None
    return None


def ids(texts: Iterable[str]) -> set[int]:
    """Numbers that a database may have given to a row."""
    return {int(text) for text in texts if re.fullmatch("[0-9]{1,18}", text)}


def as_id(text: str) -> uuid.UUID | None:
    with suppress(ValueError):
        return uuid.UUID(text)
    return None


def midnight(day: dt.date) -> dt.datetime:
    """When the day begins, in UTC."""
    return dt.datetime.combine(day, dt.time(), dt.UTC)
