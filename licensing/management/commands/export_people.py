"""Everybody of an organization as a CSV file (R10)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts import organizations, sheets
from accounts.management.base import JsonCommand
from accounts.management.progress import Progress
from accounts.models import Person
from accounts.refusal import Refusal
from licensing import people_export


class Command(JsonCommand):
    help = (
        "Write everybody to a CSV file (standard output if none is named), as the page of the "
        "users does; import_people reads it again. Example: export_people acme people.csv"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="the organization")
        parser.add_argument(
            "file", nargs="?", type=Path, metavar="FILE", help="standard output if left out"
        )

    def perform(self, *, slug: str, file: Path | None, json: bool, **_: Any) -> dict[str, Any]:
        if file is None and json:
            raise CommandError(
                "Name a FILE: with --json, standard output has the one document.", returncode=2
            )
        organization = organizations.get(slug)
        people = Person.objects.of(organization).filter(removed_at=None)
        total = people.count()
        with Progress(total, "people") as show:
            rows = _counted(people_export.rows(people, ("sort_key", "id")), show)
            written = _write(sheets.write(rows), file, self.stdout.write)
        return {"organization": slug, "people": total, "file": str(file), "bytes": written}

    def lines(self, result: Any) -> Iterable[str]:
        if result["file"] != "None":
            yield f"{result['people']} people in {result['file']}"


def _counted(rows: Iterator[list[str]], show: Callable[[int], None]) -> Iterator[list[str]]:
    for number, row in enumerate(rows):
        show(number)
        yield row


def _write(pieces: Iterable[str], file: Path | None, out: Callable[..., None]) -> int:
    """The whole file or none: it gets its name when it is complete."""
    written = 0
    if file is None:
        for piece in pieces:
            out(piece, ending="")
            written += len(piece.encode())
        return written
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with open(draft, "xb") as target:
            for piece in pieces:
                written += target.write(piece.encode())
        draft.replace(file)
    except OSError as error:
        raise Refusal("file_unwritable", f"{file} cannot be written: {error.strerror}.") from None
    finally:
        draft.unlink(missing_ok=True)
    return written
