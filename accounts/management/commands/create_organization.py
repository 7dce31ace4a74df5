"""Create an organization."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from accounts import organizations
from accounts.management.base import JsonCommand


class Command(JsonCommand):
    help = "Create an organization. Example: create_organization 'Acme Ltd' --slug acme"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument(
            "--slug", help="short name for commands; made from the name if left out"
        )
        parser.add_argument("--plan", default="advanced-plus", choices=organizations.PLANS)

    def perform(self, *, name: str, slug: str | None, plan: str, **_: Any) -> dict[str, Any]:
        made = organizations.create(name, slug=slug, plan=plan)
        return {"slug": made.slug, "name": made.name, "plan": made.plan}
