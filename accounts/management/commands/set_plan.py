"""Change an organization's plan (R1)."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from accounts import organizations
from accounts.management.base import JsonCommand


class Command(JsonCommand):
    help = "Change an organization's plan. Example: set_plan acme advanced"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("plan", choices=organizations.PLANS)

    def perform(self, *, slug: str, plan: str, **_: Any) -> dict[str, Any]:
        changed = organizations.set_plan(organizations.get(slug), plan)
        return {"slug": changed.slug, "name": changed.name, "plan": changed.plan}
