"""Make the demo organization by itself; `./run` makes it in an empty database."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from accounts.management.base import JsonCommand
from config import demo


class Command(JsonCommand):
    help = (
        "Make the demo organization Acme, with an admin, a SCIM token and people. "
        "Example: seed_demo --json"
    )

    def perform(self, **_: Any) -> dict[str, Any]:
        return demo.make_demo(settings.DATA_DIR)
