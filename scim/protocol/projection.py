"""Which attributes an answer has: `attributes` and `excludedAttributes`.

Source: RFC 7644 sections 3.4.2.5 and 3.9, RFC 7643 section 2.2 (returned). `id` and `schemas` are
always there, a password never. Names come in any case, with URN and sub-attribute; those that
nobody knows are ignored, and so is a filter in brackets (Microsoft's Postman collection asks for
attributes=emails[type eq "work"]). Both parameters at once contradict each other: InvalidValue.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from .document import Document
from .errors import InvalidValue
from .filter import LENGTH_LIMIT, split_name
from .schema import ResourceType, resolve

NAME_LIMIT = 500

_Parts = Mapping[str, "frozenset[str] | None"]
"""Names in lower case, each with the sub-attributes meant, or None for the attribute as a whole."""


@dataclass(frozen=True, eq=False)
class Projection:
    """What to show, as names in lower case.

    excluding: whether the names are those left out. `own` are attributes of the resource itself,
    `extensions` those within an extension, by its URN; an extension as a whole stands in `own`.
    """

    resource_type: ResourceType
    excluding: bool
    own: _Parts
    extensions: Mapping[str, _Parts]

    @staticmethod
    def parse(
        resource_type: ResourceType,
        attributes: str | Sequence[object] | None,
        excluded: str | Sequence[object] | None,
    ) -> Projection | None:
        """Read the two parameters: text with commas, or the lists of a search request.

        None if neither says anything, which means that everything is shown.
        """
        shown = _names(attributes, "attributes")
        hidden = _names(excluded, "excludedAttributes")
        if shown and hidden:
            raise InvalidValue("Use either attributes or excludedAttributes, not both.")
        if not shown and not hidden:
            return None
        return _compile(resource_type, shown or hidden, not shown)

    def wants(self, name: str) -> bool:
        """Whether an attribute is shown at all, so that the caller need not load what is not.

        name: of an attribute of the resource (members, groups, meta) or the URN of an extension.
        """
        lower = name.lower()
        attribute = self.resource_type.core.get(lower)
        if attribute is not None and attribute.returned in ("always", "never"):
            return attribute.returned == "always"
        if self.excluding:
            return self.own.get(lower, frozenset()) is not None
        return lower in self.own or lower in self.extensions

    def names(self, name: str, sub: str) -> bool:
        """Whether a part that is returned on request only is asked for by its own name."""
        return not self.excluding and sub.lower() in (self.own.get(name.lower()) or ())

    def apply(self, document: Document) -> Document:
        """A document with what is to be shown; the given one is not changed."""
        shown: Document = {}
        for name, value in document.items():
            lower = name.lower()
            attribute = self.resource_type.core.get(lower)
            if attribute is not None and attribute.returned == "always":
                shown[name] = value
            elif attribute is None or attribute.returned != "never":
                part = self._part(lower, value)
                if part is not None:
                    shown[name] = part
        return shown

    def _part(self, lower: str, value: object) -> object:
        if self.excluding:
            subs = self.own.get(lower, frozenset())
            if subs is None:
                return None
            inner = self.extensions.get(lower)
            if inner and isinstance(value, dict):
                value = {
                    name: part
                    for name, item in value.items()
                    if (part := _left(item, inner.get(name.lower(), frozenset()))) is not None
                } or None
            return _left(value, subs)
        if lower in self.own:
            return _taken(value, self.own[lower])
        inner = self.extensions.get(lower)
        if inner is None or not isinstance(value, dict):
            return None
        return {
            name: part
            for name, item in value.items()
            if name.lower() in inner and (part := _taken(item, inner[name.lower()])) is not None
        } or None


def _names(value: str | Sequence[object] | None, parameter: str) -> tuple[str, ...]:
    """The names in a parameter, without blanks."""
    if value is None:
        return ()
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, Sequence) or not all(isinstance(name, str) for name in value):
        raise InvalidValue(f"{parameter} must be a list of names.")
    names = tuple(stripped for name in value if (stripped := str(name).strip()))
    if len(names) > NAME_LIMIT or sum(map(len, names)) > LENGTH_LIMIT:
        raise InvalidValue(f"{parameter} must not have more than {NAME_LIMIT} names.")
    return names


@lru_cache(maxsize=256)
def _compile(resource_type: ResourceType, names: tuple[str, ...], excluding: bool) -> Projection:
    own: dict[str, frozenset[str] | None] = {}
    extensions: dict[str, dict[str, frozenset[str] | None]] = {}
    for text in names:
        bracket, _, rest = text.partition("[")
        path = split_name(bracket + rest.rpartition("]")[2])
        if path is None:
            continue
        resolved = resolve(resource_type, path.urn, path.name, path.sub)
        if resolved is not None:
            sub = resolved.sub.name.lower() if resolved.sub else None
            target = (
                own if resolved.urn is None else extensions.setdefault(resolved.urn.lower(), {})
            )
            _note(target, resolved.attribute.name.lower(), sub)
        elif text.lower() == resource_type.schema.urn.lower():
            for attribute in resource_type.schema.attributes:
                _note(own, attribute.name.lower(), None)
        elif path.urn is not None:
            # An extension that nobody here knows, as a whole or one attribute of it.
            _note(own, text.lower(), None)
            sub = path.sub.lower() if path.sub else None
            _note(extensions.setdefault(path.urn.lower(), {}), path.name.lower(), sub)
    return Projection(resource_type, excluding, own, extensions)


def _note(parts: dict[str, frozenset[str] | None], name: str, sub: str | None) -> None:
    """Add a name; the whole attribute outweighs its parts."""
    if sub is None:
        parts[name] = None
    else:
        known = parts.get(name, frozenset())
        parts[name] = None if known is None else known | {sub}


def _taken(value: object, subs: frozenset[str] | None) -> object:
    """A value with only some of its parts; None if none is left."""
    if subs is None:
        return value
    if isinstance(value, list):
        return [part for item in value if (part := _taken(item, subs)) is not None] or None
    if isinstance(value, dict):
        return {name: part for name, part in value.items() if name.lower() in subs} or None
    return None


def _left(value: object, subs: frozenset[str] | None) -> object:
    """A value without some of its parts; None if nothing is left."""
    if subs is None:
        return None
    if not subs:
        return value
    if isinstance(value, list):
        return [part for item in value if (part := _left(item, subs)) is not None] or None
    if isinstance(value, dict):
        return {name: part for name, part in value.items() if name.lower() not in subs} or None
    return value
