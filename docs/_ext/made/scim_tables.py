"""The attributes of the SCIM resources, from the tables that the endpoint itself goes by."""

from __future__ import annotations

from collections.abc import Iterator

from made.markdown import code, plain, table
from scim.protocol import schema


def attributes() -> str:
    parts = []
    named = [("Every resource", "", schema.COMMON)]
    named += [(each.name, each.urn, each.attributes) for each in schema.SCHEMAS]
    for title, urn, attributes_of in named:
        parts.append(f"## {title}\n")
        if urn:
            parts.append(f"{code(urn)}\n")
        rows = [row for attribute in attributes_of for row in _rows(attribute, "")]
        parts.append(table(("attribute", "type", "is"), rows))
    return "\n".join(parts)


def _rows(attribute: schema.Attribute, above: str) -> Iterator[tuple[str, str, str]]:
    name = f"{above}{attribute.name}"
    kind = f"{attribute.type}{', many' if attribute.multi_valued else ''}"
    marks = [
        mark
        for holds, mark in (
            (attribute.required, "required"),
            (attribute.mutability != "readWrite", attribute.mutability),
            (attribute.returned != "default", f"returned: {attribute.returned}"),
            (attribute.uniqueness != "none", f"unique: {attribute.uniqueness}"),
        )
        if holds
    ]
    if attribute.canonical_values:
        marks.append("usually " + ", ".join(attribute.canonical_values))
    more = f" ({'; '.join(marks)})" if marks else ""
    yield code(name), kind, f"{plain(attribute.description)}{more}"
    for sub in attribute.sub_attributes:
        yield from _rows(sub, f"{name}.")
