"""Issue a token of the Admin API."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from accounts import admins, api_tokens, organizations
from accounts.management.base import JsonCommand


class Command(JsonCommand):
    help = (
        "Issue a token of the Admin API; it is shown this once. "
        "Example: create_api_token acme Payroll --scope people:read --scope licenses:write"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="the organization")
        parser.add_argument("name", help="what the token is for")
        parser.add_argument(
            "--scope",
            action="append",
            choices=list(api_tokens.SCOPES),
            metavar="SCOPE",
            help=f"what it may do, once or more: {', '.join(api_tokens.SCOPES)}; "
            f"by default everything that reads",
        )
        parser.add_argument(
            "--admin", metavar="EMAIL", help="a personal token of this admin, not a service token"
        )
        parser.add_argument(
            "--days", type=int, default=api_tokens.DAYS, help=f"at most {api_tokens.MOST_DAYS}"
        )

    def perform(
        self,
        *,
        slug: str,
        name: str,
        scope: list[str] | None,
        admin: str | None,
        days: int,
        **_: Any,
    ) -> dict[str, Any]:
        owner = organizations.get(slug)
        issued = api_tokens.issue(
            owner,
            name,
            scopes=scope or api_tokens.READING,
            admin=admins.get(admin) if admin else None,
            days=days,
        )
        return {
            "id": str(issued.token.pk),
            "token": issued.secret,
            "expires_at": issued.token.expires_at,
            "scopes": issued.token.scopes,
            "base_url": f"{settings.PUBLIC_URL}/api/v1",
        }
