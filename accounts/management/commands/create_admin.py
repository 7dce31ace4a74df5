"""Create a login of the Admin Center."""

from __future__ import annotations

import getpass
import os
import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts import admins, organizations
from accounts.management.base import JsonCommand
from accounts.models import Role


class Command(JsonCommand):
    help = (
        "Create an admin, with the password from SEATKEEPER_PASSWORD or asked for. "
        "Example: create_admin ada@acme.example --organization acme --role read-only"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--organization", required=True, metavar="SLUG")
        parser.add_argument("--role", choices=Role.Kind.values, default=Role.Kind.OWNER.value)

    def perform(self, *, email: str, organization: str, role: str, **_: Any) -> dict[str, Any]:
        owner = organizations.get(organization)
        admin = admins.create(email, organization=owner, password=_password(), role=role)
        return {"email": admin.email, "organization": owner.slug}


def _password() -> str:
    password = os.environ.get("SEATKEEPER_PASSWORD")
    if password is None:
        if not sys.stdin.isatty():
            raise CommandError("Set SEATKEEPER_PASSWORD, or run this in a terminal.", returncode=2)
        password = getpass.getpass()
    return password
