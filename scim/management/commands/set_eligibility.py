"""Other rules for an application in use: who is eligible, what when seats run out (R16, R18)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.management.base import CommandParser

from accounts.management.base import JsonCommand
from licensing import eligibility as licensing_eligibility
from licensing.management.base import effect_as_dict, effect_lines
from licensing.models import Policy
from scim import applications


class Command(JsonCommand):
    help = (
        "Change who gets licenses through an application. Example: "
        "set_eligibility APPLICATION_ID groups --group Sales --group Partners --dry-run"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("application_id")
        parser.add_argument("eligibility", choices=Policy.Eligibility.values)
        parser.add_argument(
            "--group",
            action="append",
            default=[],
            metavar="NAME",
            help="members get seats; the group may be pushed later; may be given again",
        )
        parser.add_argument(
            "--when-full", choices=Policy.WhenFull.values, help="as it is if left out"
        )
        parser.add_argument("--dry-run", action="store_true", help="tell, change nothing")

    def perform(
        self,
        *,
        application_id: str,
        eligibility: str,
        group: list[str],
        when_full: str | None,
        dry_run: bool,
        **_: Any,
    ) -> dict[str, Any]:
        application = applications.get(application_id)
        effect = licensing_eligibility.change(
            application,
            eligibility=eligibility,
            group_names=group,
            when_full=when_full,
            dry_run=dry_run,
        )
        return {
            "id": str(application.pk),
            "eligibility": eligibility,
            "groups": group,
            "when_full": when_full or application.policy.when_full,
            "applied": not dry_run,
            **effect_as_dict(effect),
        }

    def lines(self, result: Any) -> Iterable[str]:
        yield "Applied:" if result["applied"] else "Would be so, nothing was changed:"
        yield from effect_lines(result)
