"""A CSV file as the answer to a request, sent while it is written."""

from __future__ import annotations

from collections.abc import Iterator

from django.http import StreamingHttpResponse


def csv_answer(pieces: Iterator[str], name: str) -> StreamingHttpResponse:
    """To be saved under that name, which is ours: letters, digits, hyphens and a dot."""
    response = StreamingHttpResponse(pieces, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
