"""The order of a list: `sortBy` and `sortOrder`. Source: RFC 7644 section 3.4.2.3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .errors import InvalidPath, InvalidValue
from .filter import AttrPath, split_name
from .schema import Attribute, ResourceType, resolve


@dataclass(frozen=True, slots=True)
class Sort:
    """By which attribute, and in which direction.

    path: as in a checked filter, with sub-attribute wherever the attribute is complex; attribute:
    what is compared. Of a multi-valued attribute the primary value counts, or else the first.
    Values compare as in filters (evaluate.py); resources without a value come last when ascending
    and first when descending.
    """

    path: AttrPath
    attribute: Attribute
    descending: bool = False


def read(
    params: Mapping[str, object], resource_types: ResourceType | Sequence[ResourceType]
) -> Sort | None:
    """Read sortBy and sortOrder; None if there is no sortBy.

    InvalidPath for a name that no resource type knows or that cannot be compared, InvalidValue
    for another order than ascending and descending (in any case; ascending if not given).
    """
    name = params.get("sortBy")
    if name is None or name == "":
        return None
    order = params.get("sortOrder")
    if order is None or order == "":
        order = "ascending"
    if not isinstance(order, str) or order.lower() not in ("ascending", "descending"):
        raise InvalidValue("sortOrder must be ascending or descending.")
    if not isinstance(name, str):
        raise InvalidValue("sortBy must be the name of an attribute.")
    if isinstance(resource_types, ResourceType):
        resource_types = (resource_types,)
    path = split_name(name.strip()) if len(name) <= 1_000 else None
    if path is None:
        raise InvalidPath(f"sortBy names no attribute: {name[:100]}.")
    for resource_type in resource_types:
        resolved = resolve(resource_type, path.urn, path.name, path.sub)
        if resolved is None or resolved.leaf.returned == "never":
            continue
        attribute, sub = resolved.attribute, resolved.sub
        if attribute.type == "complex" and sub is None:
            sub = attribute.subs.get("value")
            if sub is None:
                part = f"{attribute.name}.{attribute.sub_attributes[0].name}"
                raise InvalidPath(f"sortBy must name a part of {attribute.name}, such as {part}.")
        known = AttrPath(resolved.urn, attribute.name, sub.name if sub else None)
        return Sort(known, sub or attribute, order.lower() == "descending")
    raise InvalidPath(f"sortBy names no attribute: {name[:100]}.")
