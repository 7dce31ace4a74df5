"""Revoke a token of the Admin API."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from accounts import api_tokens
from accounts.management.base import JsonCommand


class Command(JsonCommand):
    help = "End a token of the Admin API at once. Example: revoke_api_token TOKEN_ID"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("token_id", help="what create_api_token has printed as id")

    def perform(self, *, token_id: str, **_: Any) -> dict[str, Any]:
        revoked = api_tokens.revoke(api_tokens.get(token_id))
        return {"id": str(revoked.pk), "revoked_at": revoked.revoked_at}
