"""A table to take away: a CSV file that is sent while it is made (accounts.sheets writes it)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.http import StreamingHttpResponse

from accounts import sheets


def answer(rows: Iterable[Sequence[object]], name: str) -> StreamingHttpResponse:
    """The rows, the head first, to be saved under that name, which is ours and plain ASCII."""
    return StreamingHttpResponse(
        sheets.write(rows),
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "private, no-store",
        },
    )
