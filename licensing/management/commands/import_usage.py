"""Record a CSV file of usage events (R25)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from accounts import organizations
from accounts.management.base import JsonCommand
from accounts.models import Product
from accounts.refusal import Refusal
from licensing import usage_files
from licensing.models import RefusedUse

#: Refused rows that are printed; the page of the file has them all.
SHOWN = 20


class Command(JsonCommand):
    help = "Record usage events from a CSV file. Example: import_usage acme usage.csv"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="the organization")
        parser.add_argument("file", type=Path, help="its first row names the columns")
        parser.add_argument(
            "--product", choices=Product.values, default="", help="of the rows that name none"
        )

    def perform(self, *, slug: str, file: Path, product: str, **_: Any) -> dict[str, Any]:
        organization = organizations.get(slug)
        try:
            raw = file.read_bytes()
        except OSError as error:
            raise Refusal("file_unreadable", f"{file} cannot be read: {error.strerror}.") from error
        done = usage_files.import_now(organization, file.name, raw, product=product)
        refused = RefusedUse.objects.filter(file=done).order_by("number")[:SHOWN]
        return {
            "organization": slug,
            "file": str(done.pk),
            "rows": done.rows,
            "accepted": done.accepted,
            "repeated": done.repeated,
            "refused": done.refused,
            "first_refused": [{"line": row.number, "because": row.because} for row in refused],
        }

    def lines(self, result: Any) -> Iterable[str]:
        yield f"{result['accepted']:,} of {result['rows']:,} rows were recorded"
        if result["repeated"]:
            yield f"{result['repeated']:,} were known"
        if result["refused"]:
            yield f"{result['refused']:,} were refused:"
            yield from (
                f"  line {row['line']}: {row['because']}" for row in result["first_refused"]
            )
