"""What the address of a page asks for, read so that what makes no sense is left out."""

from __future__ import annotations

import datetime as dt
import uuid
from contextlib import suppress

from django.http import QueryDict


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
    """A moment as isoformat() writes it."""
    with suppress(ValueError):
        return dt.datetime.fromisoformat(text)
    return None


def as_id(text: str) -> uuid.UUID | None:
    with suppress(ValueError):
        return uuid.UUID(text)
    return None


def midnight(day: dt.date) -> dt.datetime:
    """When the day begins, in UTC."""
    return dt.datetime.combine(day, dt.time(), dt.UTC)
