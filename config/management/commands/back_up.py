"""back_up: the whole database in one file, while everything runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from accounts.management.base import JsonCommand
from config import backups


class Command(JsonCommand):
    help = (
        "Write the whole database to a file, by pg_dump, while everything goes on. Keep "
        "SECRET_KEY beside it. Example: back_up /backups/seatkeeper-monday.dump"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path, help="must not be there yet")

    def perform(self, *, file: Path, **_: Any) -> dict[str, Any]:
        made = backups.back_up(file)
        return {"file": str(made.file), "bytes": made.bytes}
