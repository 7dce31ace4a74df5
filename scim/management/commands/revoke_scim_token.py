"""Revoke a bearer token (R3)."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from accounts.management.base import JsonCommand
from scim import tokens


class Command(JsonCommand):
    help = "End a token at once. Example: revoke_scim_token TOKEN_ID"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("token_id")

    def perform(self, *, token_id: str, **_: Any) -> dict[str, Any]:
        revoked = tokens.revoke(tokens.get(token_id))
        return {"id": str(revoked.pk), "revoked_at": revoked.revoked_at}
