"""Create a SCIM application (R1, R2)."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from accounts import organizations
from accounts.management.base import JsonCommand
from accounts.models import Application, Product
from licensing.models import Policy
from scim import applications


class Command(JsonCommand):
    help = (
        "Connect an identity provider to a pool. "
        "Example: create_scim_application acme Okta --product sales-navigator --idp okta"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="the organization")
        parser.add_argument("name")
        parser.add_argument("--product", required=True, choices=Product.values)
        parser.add_argument("--idp", default="other", choices=Application.Idp.values)
        parser.add_argument("--when-full", default="refuse", choices=Policy.WhenFull.values)
        parser.add_argument("--eligibility", default="everyone", choices=Policy.Eligibility.values)
        parser.add_argument(
            "--eligible-group",
            action="append",
            default=[],
            metavar="NAME",
            help="members get seats; the group may be pushed later; may be given again",
        )

    def perform(
        self,
        *,
        slug: str,
        name: str,
        product: str,
        idp: str,
        when_full: str,
        eligibility: str,
        eligible_group: list[str],
        **_: Any,
    ) -> dict[str, Any]:
        made = applications.create(
            organizations.get(slug),
            name,
            product=product,
            idp=idp,
            when_full=when_full,
            eligibility=eligibility,
            eligible_groups=eligible_group,
        )
        return {
            "id": str(made.pk),
            "name": made.name,
            "product": made.product,
            "base_url": applications.base_url(),
            "when_full": when_full,
            "eligibility": eligibility,
        }
