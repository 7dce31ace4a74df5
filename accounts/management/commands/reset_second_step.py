"""Reset the second step of an admin whom no owner can help."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from accounts import admins, second_step
from accounts.management.base import JsonCommand


class Command(JsonCommand):
    help = (
        "Take the authenticator app, recovery codes and passkeys from an admin who lost them, and "
        "sign them out everywhere; the password stays. Example: reset_second_step ada@acme.example"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")

    def perform(self, *, email: str, **_: Any) -> dict[str, Any]:
        admin = admins.get(email)
        second_step.reset(admin)
        return {"email": admin.email}
