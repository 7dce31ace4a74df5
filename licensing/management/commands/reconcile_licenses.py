"""Recompute every seat, report the drift and repair it (R21)."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from accounts import organizations
from accounts.management.base import JsonCommand
from licensing import reconcile


class Command(JsonCommand):
    help = (
        "Recompute seats from memberships, links and ledger; report and repair what differs. "
        "Example: reconcile_licenses --organization acme --dry-run"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", metavar="SLUG", help="all of them if left out")
        parser.add_argument("--dry-run", action="store_true", help="report, change nothing")

    def perform(self, *, organization: str | None, dry_run: bool, **_: Any) -> dict[str, Any]:
        result = reconcile.reconcile(
            organizations.get(organization) if organization else None,
            dry_run=dry_run,
            naming=True,
        )
        return {
            "granted": result.granted,
            "revoked": result.revoked,
            "waiting": result.who_waits,
            "drift": result.drift,
        }
