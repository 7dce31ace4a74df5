"""Everything that Seatkeeper knows of one person, as one JSON document."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.core.serializers.json import DjangoJSONEncoder

from accounts.refusal import Refusal
from licensing import erasing
from licensing.management.of_person import PersonCommand


class Command(PersonCommand):
    help = (
        "Everything that is known of one person, as JSON. "
        "Example: export_person --organization acme --email ada@acme.example --out ada.json"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--out", metavar="FILE", type=Path, help="write it there")

    def perform(self, *, out: Path | None, **options: Any) -> dict[str, Any]:
        document = erasing.export(self.human(**options))
        if out is None:
            return document
        text = json.dumps(document, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2)
        try:
            out.write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            raise Refusal(
                "file_unwritable", f"“{out}” cannot be written: {error.strerror}."
            ) from None
        return {"file": str(out), "sections": list(document["sections"])}

    def lines(self, result: Any) -> Iterable[str]:
        if "file" in result:
            return super().lines(result)
        return [json.dumps(result, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2)]
