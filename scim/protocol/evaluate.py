"""A filter on a document in memory. This is the meaning of filters; the SQL must agree with it.

Values of a name: the value itself; for a multi-valued attribute each of its values; with a
sub-attribute (`emails.type`, `name.givenName`) that part of each value that has it. What is null,
missing, or unknown to the resource type gives no value, so that "no value" is one case:

| filter       | no value | one value v                         | several values                 |
|--------------|----------|-------------------------------------|--------------------------------|
| `eq x`       | false    | v = x                               | any v = x                      |
| `ne x`       | true     | v ≠ x                               | any v ≠ x                      |
| `eq null`    | true     | false                               | false                          |
| `ne null`    | false    | true                                | true                           |
| `co sw ew x` | false    | v contains, begins with, ends in x  | any v does                     |
| `gt ge lt le`| false    | v > x, v ≥ x, v < x, v ≤ x          | any v is                       |
| `pr`         | false    | v is not empty                      | any v is not empty             |
| `[filter]`   | false    | filter holds for v                  | filter holds for any one v     |
| `not (f)`    | not f    | not f                               | not f                          |

RFC 7644 section 3.4.2.2 says that of several values "only one has to match", which goes for `ne`
too: `emails.value ne "x"` finds a person with "x" and "y". To find those without "x" at all, ask
`not (emails.value eq "x")`. In brackets the names are parts of the one value under test, and a
part that is missing there is "no value": `emails[type ne "work"]` holds for an e-mail without type.

How values compare, by type of the attribute:

- string and reference: by Unicode code points; after `str.casefold()` of both sides unless the
  attribute is caseExact. So "a" < "b", "Z" = "z" < "É". Nothing is trimmed or normalised. Every
  string contains, begins with and ends in "".
- dateTime: as points in time, whatever the zone (times.parse).
- boolean: eq and ne; strings "true" and "false" in any case mean the booleans. integer, decimal:
  by value. binary: eq and ne, exact.
- Values of different types (in a filter that was not checked) are not equal and in no order.

Empty, for `pr`: "" and null; a complex value all of whose parts are empty; a list of such. False
and 0 are not empty.
"""

from __future__ import annotations

from collections.abc import Mapping

from . import leniency, times
from .filter import And, AttrPath, Compare, Filter, Not, Or, Present, Value, ValuePath
from .schema import Attribute, Resolved, ResourceType, resolve

_Object = Mapping[str, object]


def matches(filter: Filter, document: _Object, resource_type: ResourceType) -> bool:
    """Whether the filter holds for a document in normal form, by the table above.

    The filter should have gone through `filter.check`; without, unknown names have no value.
    """
    match filter:
        case And(terms):
            return all(matches(term, document, resource_type) for term in terms)
        case Or(terms):
            return any(matches(term, document, resource_type) for term in terms)
        case Not(term):
            return not matches(term, document, resource_type)
        case Compare(path, op, value):
            resolved = _resolve(path, resource_type)
            if resolved is None:
                return _without_value(op, value)
            if resolved.leaf.type == "complex":
                part = resolved.leaf.subs.get("value")
                if part is None:
                    return _without_value(op, value)
                resolved = Resolved(resolved.urn, resolved.attribute, part)
            return _compare(resolved.leaf, op, _values(resolved, document), value)
        case Present(path):
            resolved = _resolve(path, resource_type)
            return resolved is not None and any(map(_full, _values(resolved, document)))
        case ValuePath(path, inside):
            resolved = _resolve(path, resource_type)
            return resolved is not None and any(
                isinstance(value, Mapping) and matches_value(inside, value, resolved.attribute)
                for value in _values(resolved, document)
            )


def matches_value(filter: Filter, value: _Object, attribute: Attribute) -> bool:
    """Whether a value filter holds for one value of a complex attribute."""
    match filter:
        case And(terms):
            return all(matches_value(term, value, attribute) for term in terms)
        case Or(terms):
            return any(matches_value(term, value, attribute) for term in terms)
        case Not(term):
            return not matches_value(term, value, attribute)
        case Compare(path, op, wanted):
            sub = attribute.subs.get(path.name.lower())
            part = None if sub is None else value.get(sub.name)
            if sub is None or part is None:
                return _without_value(op, wanted)
            return _compare(sub, op, [part], wanted)
        case Present(path):
            sub = attribute.subs.get(path.name.lower())
            return sub is not None and _full(value.get(sub.name))
        case ValuePath():
            return False


def _resolve(path: AttrPath, resource_type: ResourceType) -> Resolved | None:
    return resolve(resource_type, path.urn, path.name, path.sub)


def _values(resolved: Resolved, document: _Object) -> list[object]:
    """The values of a name in a document, without those that are missing or null."""
    holder: object = document if resolved.urn is None else document.get(resolved.urn)
    if not isinstance(holder, Mapping):
        return []
    value = holder.get(resolved.attribute.name)
    values = value if isinstance(value, list) else [value]
    if resolved.sub is not None:
        name = resolved.sub.name
        values = [item.get(name) for item in values if isinstance(item, Mapping)]
    return [item for item in values if item is not None]


def _without_value(op: str, wanted: Value) -> bool:
    """What a comparison says of an attribute that has no value."""
    return (op == "eq") == (wanted is None) and op in ("eq", "ne")


def _compare(attribute: Attribute, op: str, values: list[object], wanted: Value) -> bool:
    if not values:
        return _without_value(op, wanted)
    if wanted is None:
        return op == "ne"
    right = _comparable(attribute, wanted)
    return any(_holds(op, _comparable(attribute, value), right) for value in values)


def _comparable(attribute: Attribute, value: object) -> object:
    """A value in the form in which values of its attribute are compared."""
    if not isinstance(value, str):
        return value
    match attribute.type:
        case "string" | "reference":
            return value if attribute.case_exact else value.casefold()
        case "dateTime":
            return times.parse(value) or value
        case "boolean":
            truth = leniency.boolean_as_string(value)
            return value if truth is None else truth
    return value


def _holds(op: str, left: object, right: object) -> bool:
    if _kind(left) is not _kind(right):
        return op == "ne"
    if op in ("eq", "ne"):
        return (left == right) == (op == "eq")
    if isinstance(left, bool):
        return False
    match op:
        case "gt":
            return left > right  # type: ignore[operator,no-any-return]
        case "ge":
            return left >= right  # type: ignore[operator,no-any-return]
        case "lt":
            return left < right  # type: ignore[operator,no-any-return]
        case "le":
            return left <= right  # type: ignore[operator,no-any-return]
    if not (isinstance(left, str) and isinstance(right, str)):
        return False
    match op:
        case "co":
            return right in left
        case "sw":
            return left.startswith(right)
        case "ew":
            return left.endswith(right)
    return False


def _kind(value: object) -> type:
    """Values compare within one kind only; whole and broken numbers are of one kind."""
    return float if type(value) is int else type(value)


def _full(value: object) -> bool:
    """Whether a value counts for pr."""
    if value is None or value == "":
        return False
    if isinstance(value, Mapping):
        return any(map(_full, value.values()))
    if isinstance(value, list):
        return any(map(_full, value))
    return True
