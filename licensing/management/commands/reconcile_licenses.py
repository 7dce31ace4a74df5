"""Recompute every seat, report the drift and repair it (R21)."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from accounts import organizations
from accounts.management.base import JsonCommand
from accounts.management.progress import Progress
from licensing import reconcile
from licensing.models import Pool


class Command(JsonCommand):
    help = (
        "Recompute seats from memberships, links and ledger; report and repair what differs. "
        "Example: reconcile_licenses --organization acme --dry-run"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", metavar="SLUG", help="all of them if left out")
        parser.add_argument("--dry-run", action="store_true", help="report, change nothing")

    def perform(self, *, organization: str | None, dry_run: bool, **_: Any) -> dict[str, Any]:
        owner = organizations.get(organization) if organization else None
        pools = Pool.objects.of(owner) if owner else Pool.objects.all()
        with Progress(pools.count(), "pools") as show:
            result = reconcile.reconcile(owner, dry_run=dry_run, naming=True, told=show)
        return {
            "granted": result.granted,
            "revoked": result.revoked,
            "waiting": result.who_waits,
            "drift": result.drift,
        }
