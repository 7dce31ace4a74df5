"""restore: a back-up in a new database, and whether what is there adds up."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import CommandParser

from accounts.management.base import JsonCommand
from accounts.models import Organization, Person
from config import backups
from licensing import reconcile, seals
from licensing.models import LedgerEntry, Pool, Seat


class Command(JsonCommand):
    help = (
        "Fill the empty database of DATABASE_URL from what back_up wrote, bring it to this "
        "release's schema, and look whether the ledger is whole and the seats follow from it. "
        "Nothing else may run on it meanwhile. Example: restore /backups/seatkeeper-monday.dump"
    )
    _sound = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path, help="what back_up wrote")

    def perform(self, *, file: Path, **_: Any) -> dict[str, Any]:
        backups.restore(file)
        call_command("migrate", interactive=False, verbosity=0)
        pools = list(Pool.objects.all())
        whole = all(seals.verify(pool).broken is None for pool in pools)
        drift = reconcile.reconcile(dry_run=True).drift
        self._sound = whole and drift == 0
        return {
            "organizations": Organization.objects.count(),
            "people": Person.objects.count(),
            "seats": Seat.objects.count(),
            "ledger": LedgerEntry.objects.count(),
            "whole": whole,
            "drift": drift,
        }

    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **options)
        if not self._sound:
            sys.exit(1)
