"""CSV files that are sent while they are made."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator

from django.http import StreamingHttpResponse

#: What makes a spreadsheet compute a cell (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


class _Echo:
    def write(self, line: str) -> str:
        return line


def answer(rows: Iterable[Iterable[object]], name: str) -> StreamingHttpResponse:
    """The rows, the head among them, as a file of that name."""
    return StreamingHttpResponse(
        _written(rows),
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "private, no-store",
        },
    )


def defused(value: object) -> str:
    """A text that would be a formula begins with an apostrophe, which spreadsheets leave out."""
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _written(rows: Iterable[Iterable[object]]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield "\ufeff"  # without it a spreadsheet takes UTF-8 for something older
    for row in rows:
        yield writer.writerow([defused(value) for value in row])
