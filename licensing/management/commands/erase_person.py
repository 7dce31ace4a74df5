"""Erase one person's data; the ledger keeps that a seat was given and released, without them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from django.core.management.base import CommandParser

from accounts.refusal import Refusal
from licensing import erasing
from licensing.management.of_person import PersonCommand


class Command(PersonCommand):
    help = (
        "Erase everything that is known of one person. It cannot be undone. "
        "Example: erase_person --organization acme --email ada@acme.example --yes"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--yes", action="store_true", help="erase them, and do not only ask")

    def perform(self, *, yes: bool, **options: Any) -> dict[str, Any]:
        human = self.human(**options)
        if not yes:
            raise Refusal(
                "not_confirmed",
                f"Everything that is known of {human.person or human.key} would be erased, for "
                f"good. Nothing was erased: say --yes to do it.",
            )
        return dataclasses.asdict(erasing.erase(human))

    def lines(self, result: Any) -> Iterable[str]:
        yield "Their data was erased. Backups that were made before hold it until they are deleted."
        for product in result["released"]:
            yield f"The {product} license was released."
