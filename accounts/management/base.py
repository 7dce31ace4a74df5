"""What every command shares: --json, refusals, exit codes (interface.md)."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import Any

from django.core.management.base import BaseCommand, CommandParser, DjangoHelpFormatter
from django.core.serializers.json import DjangoJSONEncoder
from django.db import OperationalError

from accounts.refusal import Refusal

_UNREACHABLE = Refusal(
    "database_unreachable",
    "The database does not answer. Start ./run (with the same SEATKEEPER_DATA), or set "
    "DATABASE_URL to a database that runs.",
)


_EXAMPLE = "Example: "


def with_example(parser: CommandParser) -> CommandParser:
    """What a command's `help` ends with after "Example: " stands by itself, below its options."""
    told, _, example = (parser.description or "").partition(_EXAMPLE)
    parser.description = told.strip()
    parser.epilog = f"{_EXAMPLE}python manage.py {example}"
    parser.formatter_class = _Help
    return parser


class _Help(DjangoHelpFormatter):
    def _fill_text(self, text: str, width: int, indent: str) -> str:
        """An example is one line, to be copied: no word of it is parted at a hyphen."""
        return text if text.startswith(_EXAMPLE) else super()._fill_text(text, width, indent)


class JsonCommand(BaseCommand):
    """A command whose `perform` returns what it prints.

    With --json exactly one JSON document goes to standard output. Exit 0 on success,
    1 on a refused operation, 2 on wrong usage.
    """

    # Settings are checked when the web starts; a command must be quick and print JSON alone.
    requires_system_checks = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = with_example(super().create_parser(prog_name, subcommand, **kwargs))
        parser.add_argument("--json", action="store_true", help="print one JSON document")
        return parser

    def perform(self, **options: Any) -> dict[str, Any] | list[Any]:
        raise NotImplementedError

    def lines(self, result: Any) -> Iterable[str]:
        """The result for people, when --json is not given."""
        for name, value in result.items():
            if isinstance(value, list):
                yield f"{name}: {len(value)}"
                yield from (f"  {_flat(item)}" for item in value)
            else:
                yield f"{name}: {_flat(value)}"

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            result = self.perform(**options)
        except Refusal as refusal:
            self._refuse(options, refusal)
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", None) is not None:
                raise  # the database answered
            self._refuse(options, _UNREACHABLE)
        if options["json"]:
            self._print(result)
        else:
            for line in self.lines(result):
                self.stdout.write(line)

    def _refuse(self, options: dict[str, Any], refusal: Refusal) -> None:
        if options["json"]:
            self._print({"error": {"code": refusal.code, "detail": refusal.detail}})
        else:
            self.stderr.write(refusal.detail)
        sys.exit(1)

    def _print(self, document: Any) -> None:
        self.stdout.write(json.dumps(document, cls=DjangoJSONEncoder, ensure_ascii=False))


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        return "  ".join(str(part) for part in value.values() if part not in (None, ""))
    return str(value)
