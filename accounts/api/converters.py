"""Parts of an address that stand for something; what fits none is not there."""

from __future__ import annotations

from accounts.models import Product


class IdConverter:
    """The number of a row, as long as one can be."""

    regex = "[1-9][0-9]{0,15}"

    def to_python(self, value: str) -> int:
        return int(value)

    def to_url(self, value: int) -> str:
        return str(value)


class ProductConverter:
    regex = "|".join(Product.values)

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


#: How the description tells of them.
DESCRIBED = {
    "id": {"type": "integer", "minimum": 1, "maximum": 2**53 - 1},
    "product": {"type": "string", "enum": Product.values},
}
