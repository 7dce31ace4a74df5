"""What commands about one pool share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.management.base import CommandParser

from accounts.management.base import JsonCommand
from accounts.models import Product
from licensing.preview import Effect


class PoolCommand(JsonCommand):
    """SLUG PRODUCT …: which organization's pool."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="the organization")
        parser.add_argument("product", choices=Product.values)


#: The lists of an effect, by the words of the commands.
_LISTS = {
    "gain": "gain a seat",
    "lose": "lose theirs",
    "wait": "wait for one",
    "leave": "wait no longer, as they are not eligible",
}


def effect_as_dict(effect: Effect) -> dict[str, Any]:
    """Each list with its total and the first e-mail addresses, in allocation order."""
    return {
        name: {
            "total": getattr(effect, name).total,
            "first": [person.email for person in getattr(effect, name).first],
        }
        for name in _LISTS
    } | {
        "refused": effect.refused,
        "purchased": effect.purchased,
        "assigned": effect.held,
        "over_assigned": effect.over_assigned,
    }


def effect_lines(result: dict[str, Any]) -> Iterable[str]:
    """The same for people."""
    for name, words in _LISTS.items():
        yield f"{result[name]['total']} {words}"
        yield from (f"  {email}" for email in result[name]["first"])
    if result["refused"]:
        yield f"{result['refused']} were refused: the identity provider must push them again"
