"""End tokens that are over and warn of those that will be (R4)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.management.base import JsonCommand
from scim import tokens


class Command(JsonCommand):
    help = "What the worker does each hour. Example: expire_scim_tokens --now 2027-01-31T00:00:00Z"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--now", metavar="ISO8601", help="as if it were then")

    def perform(self, *, now: str | None, **_: Any) -> dict[str, Any]:
        result = tokens.expire(_moment(now) if now else None)
        return {
            "expired": [
                {"id": str(token.pk), "application": token.application.name}
                for token in result.expired
            ],
            "reminded": [
                {"id": str(warning.token_id), "days": warning.days} for warning in result.reminded
            ],
        }


def _moment(text: str) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"--now: “{text}” is not an ISO 8601 time.", returncode=2) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
