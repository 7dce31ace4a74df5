"""What commands about one pool share."""

from __future__ import annotations

from django.core.management.base import CommandParser

from accounts.management.base import JsonCommand
from accounts.models import Product


class PoolCommand(JsonCommand):
    """SLUG PRODUCT …: which organization's pool."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="the organization")
        parser.add_argument("product", choices=Product.values)
