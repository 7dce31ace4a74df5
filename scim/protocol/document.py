"""Bodies: JSON to Python, and a resource as an IdP sent it to its normal form.

The normal form has canonical names, only known attributes and whole unknown extensions, checked
values, and no null, empty list or empty object, which all mean that there is no value (RFC 7643
section 2.5). `schemas` names what is there. Reading a normal form gives the same normal form.

What is larger than these limits is refused with invalidValue, and a body that is larger than the
caller's limit with 413: strings 4,096 characters; userName, externalId, employeeNumber, ids and
names of groups 256; photos and certificates 65,536; a list of a User 1,000 values; members
200,000; unknown extensions 20, each 1,000 values and 8 levels.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import orjson

from . import leniency, times
from .errors import InvalidSyntax, InvalidValue, PayloadTooLarge, ScimError
from .filter import split_name
from .schema import KEY_LIMIT, TEXT_LIMIT, Attribute, ResourceType, resolve

VALUE_LIMIT = 1_000
MEMBER_LIMIT = 200_000
EXTENSION_LIMIT = 20
EXTENSION_VALUE_LIMIT = 1_000
EXTENSION_DEPTH = 8
SCHEMAS_LIMIT = 50

Document = dict[str, object]


# --- JSON ---------------------------------------------------------------------------------------


def load(body: bytes, *, limit: int) -> Document:
    """Read a JSON object in UTF-8, of `limit` bytes at most.

    InvalidSyntax for anything that is not one JSON object, for the same name twice in an object
    (RFC 8259 leaves open which one counts, so somebody would be surprised), and for more than
    some 250 levels; PayloadTooLarge beyond the limit. A byte order mark is skipped, integers above
    64 bits become floating-point numbers. Source: RFC 7644 section 3.8.
    """
    if len(body) > limit:
        raise PayloadTooLarge(f"The body is larger than {limit} bytes. Split the request.")
    body = body.removeprefix(b"\xef\xbb\xbf")
    try:
        data = orjson.loads(body)
    except ValueError as error:
        raise InvalidSyntax(_why_not_json(body, error)) from None
    if not isinstance(data, dict):
        raise InvalidSyntax("The body must be a JSON object.")
    try:
        again = orjson.dumps(data)
    except TypeError:
        raise InvalidSyntax("The body is nested too deeply.") from None
    # The parser keeps the last of two equal names. Written again, a body that had such a pair
    # has fewer quotation marks; escaped ones aside, nothing else can change their number.
    if _quotation_marks(body) != _quotation_marks(again):
        raise InvalidSyntax("The body names the same attribute twice in one object.")
    return data


def _why_not_json(body: bytes, error: ValueError) -> str:
    try:
        body.decode()
    except UnicodeDecodeError:
        return "The body must be JSON in UTF-8."
    if not body.strip():
        return "The body is empty; a JSON object is expected."
    position = getattr(error, "pos", 0)
    return f"The body is not valid JSON: it cannot be read at character {position + 1}."


def _quotation_marks(text: bytes) -> int:
    """The quotation marks that begin and end strings."""
    if b"\\" in text:
        text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    return text.count(b'"')


# --- Resources ----------------------------------------------------------------------------------


def read(resource_type: ResourceType, data: object, *, for_replace: bool = False) -> Document:
    """The normal form of a resource that was sent with POST, or with PUT (for_replace).

    Read-only attributes are ignored and a password is dropped, as is every attribute that the
    resource type does not know. Members of a group come back as [{"value": id}, …], each once.
    InvalidSyntax if the body is no object, names one attribute twice or is of another schema;
    InvalidValue, naming the attribute, for everything else. Source: RFC 7644 sections 3.3, 3.5.1.
    """
    if not isinstance(data, dict):
        raise InvalidSyntax("The body must be a JSON object.")
    check_schemas(resource_type, data)
    document: Document = {"schemas": []}
    extra: list[tuple[str, object]] = []
    for key, value in data.items():
        lower = key.lower()
        attribute = resource_type.core.get(lower) or resource_type.containers.get(lower)
        if attribute is None:
            extra.append((key, value))
        elif attribute.mutability != "readOnly" and lower != "schemas":
            _put(document, attribute, value)
    for key, value in extra:
        _read_extra(resource_type, document, key, value)
    for attribute in resource_type.schema.attributes:
        if attribute.required and attribute.name not in document:
            why = ", also when a resource is replaced" if for_replace else ""
            raise InvalidValue(f"{attribute.name} is required{why}.")
    document["schemas"] = schemas_of(resource_type, document)
    return document


def _put(container: Document, attribute: Attribute, value: object, prefix: str = "") -> None:
    """Set one attribute to what was sent, unless that is nothing or must not be stored."""
    read_value = read_attribute(attribute, value, prefix)
    if read_value is None or attribute.mutability == "writeOnly":
        return
    if attribute.name in container:
        raise InvalidSyntax(f"{prefix}{attribute.name} is there twice.")
    container[attribute.name] = read_value


def _read_extra(resource_type: ResourceType, document: Document, key: str, value: object) -> None:
    """A key that is no attribute: an unknown extension, a leniency.dotted_key, or nothing."""
    path = split_name(key)
    if path is not None and (path.urn is not None or path.sub is not None):
        resolved = resolve(resource_type, path.urn, path.name, path.sub)
        if resolved is not None:
            attribute, sub = resolved.attribute, resolved.sub
            if "readOnly" in (attribute.mutability, resolved.leaf.mutability):
                return
            if attribute.name == "schemas":
                return  # which follows from the data
            if sub is not None and attribute.multi_valued:
                return  # which of the values is meant, nobody can tell
            nested: object = value if sub is None else {sub.name: value}
            _merge(document, resolved.urn, attribute, nested)
            return
        if path.urn is not None and is_known(resource_type, path.urn):
            return  # leniency.unknown_attribute, with its URN
    if ":" in key and not is_known(resource_type, key):
        kept = read_extension(key, value)
        if kept is not None:
            if key.lower() in [name.lower() for name in document if ":" in name]:
                raise InvalidSyntax(f"{key} is there twice.")
            document[key] = kept
            if sum(":" in name for name in document) > EXTENSION_LIMIT:
                raise InvalidValue(f"There are more than {EXTENSION_LIMIT} extensions.")


def _merge(document: Document, urn: str | None, attribute: Attribute, value: object) -> None:
    """Set an attribute that was named by a dotted key, beside what is there."""
    new = read_attribute(attribute, value, f"{urn}:" if urn else "")
    if new is None or attribute.mutability == "writeOnly":
        return
    extension = document.get(urn) if urn is not None else None
    container = extension if isinstance(extension, dict) else {}
    if urn is None:
        container = document
    else:
        document[urn] = container
    old = container.get(attribute.name)
    if old is None:
        container[attribute.name] = new
    elif isinstance(old, dict) and isinstance(new, dict) and old.keys().isdisjoint(new):
        container[attribute.name] = {**old, **new}
    else:
        raise InvalidSyntax(f"{attribute.name} is there twice.")


def is_of(resource_type: ResourceType, urn: str) -> bool:
    """Whether a URN is the resource type's schema or one of its extensions."""
    lower = urn.lower()
    return lower == resource_type.schema.urn.lower() or lower in resource_type.containers


_RESERVED = ("urn:ietf:params:scim:schemas:core", "urn:ietf:params:scim:api:")


def is_known(resource_type: ResourceType, urn: str) -> bool:
    """Whether a URN has a meaning of its own, so that no unknown extension can be called by it."""
    return is_of(resource_type, urn) or urn.lower().startswith(_RESERVED)


def check_schemas(resource_type: ResourceType, data: dict[str, object]) -> None:
    """Refuse a body that says it is something else.

    None, an empty list and foreign schemas beside the right one are fine (leniency:
    message_without_schemas, schema_without_data). Source: RFC 7643 section 3.
    """
    value = data.get("schemas")
    if value is None:
        value = leniency.member_in_any_case(data, "schemas")
    if value is None or value == []:
        return
    schemas = read_schemas(value)
    if not any(is_of(resource_type, schema) for schema in schemas):
        raise InvalidSyntax(f"schemas must name {resource_type.schema.urn}.")


def read_message(body: object, urn: str) -> dict[str, object]:
    """A message (PatchOp, SearchRequest, BulkRequest), whose `schemas` must name it if given.

    InvalidSyntax if it is no object or another message; leniency.message_without_schemas.
    """
    if not isinstance(body, dict):
        raise InvalidSyntax("The body must be a JSON object.")
    schemas = leniency.member_in_any_case(body, "schemas")
    if schemas is not None and schemas != []:
        named = [name.lower() for name in read_schemas(schemas)]
        if urn.lower() not in named:
            raise InvalidSyntax(f"schemas must name {urn}.")
    return body


def read_schemas(value: object) -> list[str]:
    """The value of `schemas`, checked to be a list of strings."""
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InvalidValue("schemas must be a list of strings.")
    if len(value) > SCHEMAS_LIMIT:
        raise InvalidValue(f"schemas must not have more than {SCHEMAS_LIMIT} values.")
    return value


def schemas_of(resource_type: ResourceType, document: Document) -> list[str]:
    """The core schema and each extension that has data: first those known, then by name."""
    known = [extension.urn for extension in resource_type.extensions if extension.urn in document]
    unknown = sorted(name for name in document if ":" in name and name not in known)
    return [resource_type.schema.urn, *known, *unknown]


# --- Attributes ---------------------------------------------------------------------------------


def read_attribute(attribute: Attribute, value: object, prefix: str = "") -> object:
    """The normal form of one attribute's value; None if it is no value.

    prefix: what stands before the attribute's name in details, with its dot or colon.
    """
    if value is None:
        return None
    if not attribute.multi_valued:
        return _READERS[attribute.type](attribute, value, prefix)
    if attribute.name == "members":
        return [{"value": id} for id in read_members(value)] or None
    return read_values(attribute, value, prefix)


def read_values(attribute: Attribute, value: object, prefix: str = "") -> object:
    """A list of complex values, each once, with one primary at most (RFC 7643 section 2.4)."""
    name = prefix + attribute.name
    if not isinstance(value, list):
        subs = ", ".join(sub.name for sub in attribute.sub_attributes[:3])
        raise InvalidValue(f"{name} must be a list of objects with {subs} and so on.")
    if len(value) > VALUE_LIMIT:
        raise InvalidValue(f"{name} must not have more than {VALUE_LIMIT} values.")
    values: list[Document] = []
    seen: set[frozenset[tuple[str, object]]] = set()
    for index, item in enumerate(value):
        element = read_element(attribute, item, f"{name}[{index}]")
        if element is None:
            continue
        if len(value) > 1:
            same = frozenset(element.items())
            if same in seen:
                continue
            seen.add(same)
        values.append(element)
    check_primary(attribute, values, prefix)
    return values or None


def read_element(attribute: Attribute, value: object, name: str) -> Document | None:
    """One value of a multi-valued attribute; None if it says nothing but its type.

    name: how it is called in details, such as emails[0].
    """
    element = read_element_parts(attribute, value, name)
    return None if says_nothing(element) else element


def read_element_parts(attribute: Attribute, value: object, name: str) -> Document:
    """What is said of one value of a multi-valued attribute, be it nothing or its type only."""
    if value is None:
        return {}
    if isinstance(value, str) and attribute.name in leniency.BARE_VALUES:
        value = leniency.bare_value(value)
    if not isinstance(value, dict):
        raise InvalidValue(f"{name} must be an object.")
    return read_parts(attribute, value, f"{name}.")


_LABELS = frozenset(("type", "primary"))


def says_nothing(element: Document) -> bool:
    """Whether a value has nothing but labels, so that it is no value."""
    return element.keys() <= _LABELS


def check_primary(attribute: Attribute, values: list[Document], prefix: str = "") -> None:
    """One value at most may be the primary one (RFC 7643 section 2.4)."""
    if sum(element.get("primary") is True for element in values) > 1:
        raise InvalidValue(f"{prefix}{attribute.name} must not have more than one primary value.")


def read_parts(attribute: Attribute, value: dict[str, object], prefix: str) -> Document:
    """The sub-attributes of a complex value, without those that are read-only or unknown."""
    parts: Document = {}
    for key, part in value.items():
        sub = attribute.subs.get(key.lower())
        if sub is not None and sub.mutability != "readOnly" and part is not None:
            _put(parts, sub, part, prefix)
    return parts


def read_members(value: object) -> list[str]:
    """The ids of the members in a list, each once, in order.

    A group may have 200,000, so nothing is made for each but its id. A member is an object with
    `value`, or a bare id (leniency.bare_value); what else it says is not kept, because it follows
    from the member itself. Members that are groups are refused: groups hold no groups here.
    """
    if not isinstance(value, list):
        raise InvalidValue("members must be a list of objects with the id of a user as value.")
    if len(value) > MEMBER_LIMIT:
        raise PayloadTooLarge(f"members must not have more than {MEMBER_LIMIT} values at once.")
    ids: dict[str, None] = {}
    for index, member in enumerate(value):
        if type(member) is dict:
            if "type" not in member and "value" in member:
                id = member["value"]
            else:
                id = _member_id(member, index)
        else:
            id = member
        # Ids are ours, so what cannot be printed (NUL, lone surrogates) is none of them.
        if type(id) is not str or not 0 < len(id) <= KEY_LIMIT or not id.isprintable():
            raise _bad_member(member, index)
        ids[id] = None
    return list(ids)


def _member_id(member: dict[str, object], index: int) -> object:
    kind = leniency.member_in_any_case(member, "type")
    if isinstance(kind, str) and kind.strip().lower() not in ("", "user"):
        raise InvalidValue(
            f"members[{index}] has type {kind[:20]!r}, but only users can be members of a group."
        )
    if kind is not None and not isinstance(kind, str):
        raise InvalidValue(f"members[{index}].type must be a string.")
    return leniency.member_in_any_case(member, "value")


def _bad_member(member: object, index: int) -> ScimError:
    if isinstance(member, dict) and leniency.member_in_any_case(member, "value") in (None, ""):
        return InvalidValue(f"members[{index}].value is missing: it must be the id of a user.")
    return InvalidValue(f"members[{index}] must be an object with the id of a user as value.")


def _read_string(attribute: Attribute, value: object, prefix: str) -> object:
    if type(value) is not str:
        raise InvalidValue(f"{prefix}{attribute.name} must be a string.")
    if len(value) > attribute.max_length:
        raise InvalidValue(
            f"{prefix}{attribute.name} must not be longer than {attribute.max_length} characters."
        )
    if not value.isprintable():
        _check_characters(value, prefix + attribute.name)
    if (attribute.blank_is_nothing or attribute.required) and leniency.blank_value(value):
        if attribute.required:
            raise InvalidValue(f"{prefix}{attribute.name} must not be empty.")
        return None
    return value


def _check_characters(text: str, name: str) -> None:
    """Refuse what PostgreSQL and UTF-8 cannot hold."""
    if "\x00" in text:
        raise InvalidValue(f"{name} must not contain the character NUL.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidValue(f"{name} must not contain half of a surrogate pair.") from None


def _read_boolean(attribute: Attribute, value: object, prefix: str) -> object:
    truth = leniency.boolean_as_string(value) if isinstance(value, str) else value
    if not isinstance(truth, bool):
        raise InvalidValue(f"{prefix}{attribute.name} must be true or false.")
    return truth


def _read_number(attribute: Attribute, value: object, prefix: str) -> object:
    whole = attribute.type == "integer"
    if not isinstance(value, int if whole else int | float) or isinstance(value, bool):
        raise InvalidValue(f"{prefix}{attribute.name} must be a {'whole ' if whole else ''}number.")
    return value


def _read_time(attribute: Attribute, value: object, prefix: str) -> object:
    if not isinstance(value, str) or "T" not in value or times.parse(value) is None:
        raise InvalidValue(
            f"{prefix}{attribute.name} must be a date and time such as 2026-01-31T12:00:00Z."
        )
    return value


_BASE64 = re.compile(r"[A-Za-z0-9+/_-]*+={0,2}+")


def _read_binary(attribute: Attribute, value: object, prefix: str) -> object:
    text = _read_string(attribute, value, prefix)
    if not isinstance(text, str):
        return None
    if not _BASE64.fullmatch(text) or len(text.rstrip("=")) % 4 == 1:
        raise InvalidValue(f"{prefix}{attribute.name} must be in base64.")
    return text


def _read_complex(attribute: Attribute, value: object, prefix: str) -> object:
    name = prefix + attribute.name
    if attribute.name == "manager":
        if isinstance(value, str):
            value = leniency.bare_manager(value)
        elif isinstance(value, dict):
            value = leniency.manager_id(value)
    if not isinstance(value, dict):
        subs = ", ".join(sub.name for sub in attribute.sub_attributes[:3])
        raise InvalidValue(f"{name} must be an object with {subs} and so on.")
    return read_parts(attribute, value, name + (":" if ":" in attribute.name else ".")) or None


_READERS: dict[str, Callable[[Attribute, object, str], object]] = {
    "string": _read_string,
    "reference": _read_string,
    "boolean": _read_boolean,
    "integer": _read_number,
    "decimal": _read_number,
    "dateTime": _read_time,
    "binary": _read_binary,
    "complex": _read_complex,
}


# --- Unknown extensions -------------------------------------------------------------------------


def read_extension(urn: str, value: object) -> object:
    """An extension that nobody here knows, as it came, without its nulls; None if it is empty.

    leniency.unknown_extension. InvalidValue if it is no object or too large.
    """
    if len(urn) > KEY_LIMIT:
        raise InvalidValue(f"The name of an extension must not be longer than {KEY_LIMIT}.")
    _check_characters(urn, "The name of an extension")
    if value is None:
        return None
    if not isinstance(value, dict):
        raise InvalidValue(f"{urn} must be an object, as every extension.")
    return _Keeper(urn).keep(value, 0)


def read_foreign(urn: str, value: object) -> object:
    """One value within an unknown extension, under the same limits; None if it is empty."""
    return _Keeper(urn).keep(value, 1)


class _Keeper:
    """Copies a value of unknown form and counts what it copies."""

    def __init__(self, urn: str) -> None:
        self.urn = urn
        self.left = EXTENSION_VALUE_LIMIT

    def keep(self, value: object, depth: int) -> object:
        self.left -= 1
        if self.left < 0 or depth > EXTENSION_DEPTH:
            raise InvalidValue(f"{self.urn} is too large or nested too deeply.")
        if isinstance(value, str):
            self.check(value)
            return value
        if isinstance(value, dict):
            kept: Document = {}
            for key, item in value.items():
                self.check(key)
                part = self.keep(item, depth + 1)
                if part is not None:
                    kept[key] = part
            return kept or None
        if isinstance(value, list):
            items = [self.keep(item, depth + 1) for item in value]
            return [item for item in items if item is not None] or None
        return value

    def check(self, text: str) -> None:
        if len(text) > TEXT_LIMIT:
            raise InvalidValue(
                f"{self.urn} must not contain text longer than {TEXT_LIMIT} characters."
            )
        if not text.isprintable():
            _check_characters(text, self.urn)


def member_ids(document: Document) -> list[str]:
    """The ids of the members in the normal form of a group, in order."""
    members = document.get("members")
    return [member["value"] for member in members] if isinstance(members, list) else []
