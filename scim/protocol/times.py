"""Points in time as SCIM writes them (xsd:dateTime). Source: RFC 7643 section 2.3.5."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_FORM = re.compile(
    r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d{1,12})?(?:Z|[+-]\d\d:\d\d)?)?", re.ASCII
)


def parse(text: str) -> datetime | None:
    """The moment that a text means, in UTC; None if it means none.

    A date without a time is its midnight, a time without a zone is UTC. Digits after the
    microsecond, which .NET writes, are cut off.
    """
    if len(text) > 64 or not _FORM.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            return moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
