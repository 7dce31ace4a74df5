"""People from a CSV file, as the page does it (R10)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from accounts import organizations, people_files, sheets
from accounts.management.base import JsonCommand
from accounts.management.progress import Progress
from accounts.models import PeopleFile
from accounts.people_files import Preview
from accounts.refusal import Refusal

_REFUSED_SHOWN = 20


class Command(JsonCommand):
    help = (
        "Add and change people as a CSV file says; the first row names the columns, one of them "
        "E-mail. All that can be is imported at once, or nothing; rows that are refused are told. "
        "Example: import_people acme people.csv --dry-run"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="the organization")
        parser.add_argument(
            "file", type=Path, metavar="FILE.csv", help="its first row names the columns"
        )
        parser.add_argument("--dry-run", action="store_true", help="tell, change nothing")
        parser.add_argument(
            "--refused",
            type=Path,
            metavar="FILE.csv",
            help="write the refused rows there, with the reason, to mend them and feed them again",
        )

    def perform(
        self, *, slug: str, file: Path, dry_run: bool, refused: Path | None, **_: Any
    ) -> dict[str, Any]:
        organization = organizations.get(slug)
        try:
            with open(file, "rb") as source, Progress(None, "rows read") as show:
                kept = people_files.keep(organization, file.name, source, admin=None, told=show)
        except OSError as error:
            raise Refusal("file_unreadable", f"{file} cannot be read: {error.strerror}.") from None
        try:
            found = people_files.preview(kept)
            if refused is not None:
                _report(kept, refused)
            if not dry_run:
                found = people_files.import_(kept, expected=found.digest, by=None)
        finally:
            people_files.forget(kept)
        return _shown(slug, found, applied=not dry_run)

    def lines(self, result: Any) -> Iterable[str]:
        yield "Imported:" if result["applied"] else "Would be so, nothing was changed:"
        yield (
            f"{result['added']} added, {result['changed']} changed, {result['unchanged']} "
            f"unchanged, {result['refused']} refused"
        )
        for row in result["first_refused"]:
            yield f"  line {row['line']}  {row['email']}  {row['because']}"


def _report(kept: PeopleFile, target: Path) -> None:
    try:
        with open(target, "w", encoding="utf-8", newline="") as out:
            out.writelines(sheets.write(people_files.report(kept)))
    except OSError as error:
        raise Refusal("file_unwritable", f"{target} cannot be written: {error.strerror}.") from None


def _shown(slug: str, found: Preview, *, applied: bool) -> dict[str, Any]:
    return {
        "organization": slug,
        "applied": applied,
        "rows": found.rows,
        "added": found.total("add"),
        "changed": found.total("change"),
        "unchanged": found.total("keep"),
        "refused": found.total("refuse"),
        "first_refused": [
            {
                "line": verdict.wanted.number,
                "email": verdict.wanted.cells["email"],
                "because": verdict.because,
            }
            for verdict in found.of("refuse")[:_REFUSED_SHOWN]
        ],
    }
