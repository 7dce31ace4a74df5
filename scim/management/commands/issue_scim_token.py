"""Issue a bearer token (R3)."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from accounts.management.base import JsonCommand
from scim import applications, tokens


class Command(JsonCommand):
    help = "Issue a token; it is shown this once. Example: issue_scim_token APPLICATION_ID"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("application_id")
        parser.add_argument("--days", type=int, default=tokens.DAYS, help="at most 730")

    def perform(self, *, application_id: str, days: int, **_: Any) -> dict[str, Any]:
        issued = tokens.issue(applications.get(application_id), days=days)
        return {
            "id": str(issued.token.pk),
            "token": issued.secret,
            "expires_at": issued.token.expires_at,
            "base_url": applications.base_url(),
        }
