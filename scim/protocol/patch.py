"""PATCH: the message, and what its operations make of a document. RFC 7644 section 3.5.2.

`read` checks the message, `apply` a User, `apply_group` a Group, whose members are never loaded:
what comes back is the difference. Documents are in the normal form of document.py before and
after. Nothing that was given is changed in place; a refusal leaves nothing half done.

Where the RFC leaves a choice:

- A complex attribute (name, manager, an extension as a whole) is merged by add and by replace:
  parts that the value does not name stay. Another manager.value drops the old manager.$ref.
- add to a list finds a value that is already there by value and type (by value alone if no type
  is given) and merges into it; without a `value` part the whole must be equal.
- replace with a value filter replaces the values found; what the filter demands by eq (type in
  `emails[type eq "work"]`) stays if the new value does not say otherwise. If nothing is found it
  is noTarget; for add a value is made from the filter if it is made of eq and and only.
- remove of what is not there changes nothing; remove of a required attribute is mutability.
- null unassigns with replace and does nothing with add (RFC 7643 section 2.5).
- A value that becomes primary takes that from the others; two at once are invalidValue.
- A list without filter but with a sub-attribute (`emails.type`) means all its values.
- Without a path, read-only and unknown attributes are ignored; with one they are refused:
  mutability and invalidPath. `schemas` follows from the data and is ignored in both.
- Paths into unknown extensions (leniency.unknown_extension) set and remove what is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from . import leniency
from .document import (
    EXTENSION_LIMIT,
    MEMBER_LIMIT,
    VALUE_LIMIT,
    Document,
    check_primary,
    is_known,
    read_attribute,
    read_element,
    read_element_parts,
    read_extension,
    read_foreign,
    read_members,
    read_message,
    read_parts,
    read_schemas,
    read_values,
    says_nothing,
    schemas_of,
)
from .errors import (
    InvalidFilter,
    InvalidPath,
    InvalidSyntax,
    InvalidValue,
    Mutability,
    NoTarget,
    PayloadTooLarge,
)
from .evaluate import matches_value
from .filter import And, Compare, Filter, Not, Or, Present, ValuePath, check_value_filter
from .path import Path
from .path import parse as parse_path
from .schema import GROUP, PATCH_OP, Attribute, Resolved, ResourceType, resolve

OPERATION_LIMIT = 1_000
WORK_LIMIT = 200_000
"""Values looked at, times terms of the filter, in one request: far above what anybody needs."""

Op = Literal["add", "replace", "remove"]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation; path None means that the value is an object of attributes."""

    op: Op
    path: Path | None
    value: object = None


@dataclass(frozen=True, slots=True)
class Patched:
    """The document after all operations; the same object as before if nothing changed."""

    document: Document
    changed: bool


@dataclass(frozen=True, slots=True)
class MemberChange:
    """What happens to the members: first all go (clear), then `remove` go and `add` come.

    An id stands in one of the two at most; each is in the order of the request.
    """

    clear: bool = False
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.clear or bool(self.add) or bool(self.remove)


@dataclass(frozen=True, slots=True)
class GroupPatched:
    """A group's document without members, whether that changed, and the change of members."""

    document: Document
    changed: bool
    members: MemberChange


# --- Message ------------------------------------------------------------------------------------


def read(body: object) -> list[Operation]:
    """Check a PatchOp message; paths are parsed, names are not looked up yet.

    InvalidSyntax for a wrong form or an unknown op, NoTarget for remove without a path,
    InvalidPath, InvalidValue for a missing value, PayloadTooLarge above 1,000 operations.
    """
    message = read_message(body, PATCH_OP)
    operations = leniency.single_operation(leniency.member_in_any_case(message, "Operations"))
    if not isinstance(operations, list) or not operations:
        raise InvalidSyntax("Operations must be a list of at least one operation.")
    if len(operations) > OPERATION_LIMIT:
        raise PayloadTooLarge(
            f"There are more than {OPERATION_LIMIT} operations. Split the request."
        )
    return [_read_operation(item, index) for index, item in enumerate(operations)]


def _read_operation(item: object, index: int) -> Operation:
    if not isinstance(item, dict):
        raise InvalidSyntax(f"Operations[{index}] must be an object.")
    name = leniency.member_in_any_case(item, "op")
    op = leniency.operation_in_any_case(name) if isinstance(name, str) else ""
    if op not in ("add", "replace", "remove"):
        raise InvalidSyntax(f"Operations[{index}].op must be add, replace or remove.")
    text = leniency.member_in_any_case(item, "path")
    if text is not None and not isinstance(text, str):
        raise InvalidPath(f"Operations[{index}].path must be a string.")
    path = parse_path(text) if text else None  # leniency.empty_path
    value = leniency.member_in_any_case(item, "value")
    if op == "remove":
        if path is None:
            raise NoTarget(f"Operations[{index}] removes nothing: it needs a path.")
    elif value is None and not any(key.lower() == "value" for key in item):
        raise InvalidValue(f"Operations[{index}] needs a value.")
    if path is None and not isinstance(value, dict):
        raise InvalidValue(
            f"Operations[{index}] has no path, so its value must be an object of attributes."
        )
    return Operation(cast(Op, op), path, value)


# --- Application --------------------------------------------------------------------------------


def apply(
    resource_type: ResourceType,
    document: Document,
    operations: Sequence[Operation],
    *,
    resource_id: str | None = None,
) -> Patched:
    """Apply operations in order to a document in normal form.

    resource_id: the id of the resource; a value without path that has another one is refused
    (without resource_id the document's own `id` is taken, if it has one). What else the caller
    keeps in the document (id, meta, groups) stays as it is.
    """
    work = _Work(resource_type, document, resource_id)
    work.run(operations)
    new = work.finish()
    if new == document:
        return Patched(document, False)
    return Patched(new, True)


def apply_group(
    document: Document,
    operations: Sequence[Operation],
    *,
    resource_id: str | None = None,
) -> GroupPatched:
    """Apply operations to a group without loading its members.

    Members are selected by `members[value eq "id"]`, joined by or and and, and by type, which is
    always User; by nothing else (InvalidFilter). Members are added and removed and never changed:
    a path to a part of a member is mutability, and so is replacing one member by another with a
    filter, because members.value is immutable (RFC 7643 section 4.2). Ids that are no members are
    passed on in `remove`, and existing ones in `add`: the caller's difference takes care of them.
    """
    document = {name: value for name, value in document.items() if name != "members"}
    work = _GroupWork(GROUP, document, resource_id)
    work.run(operations)
    new = work.finish()
    members = MemberChange(work.clear, tuple(work.add), tuple(work.remove))
    return GroupPatched(new, new != document, members)


class _Work:
    """One run of operations over a document. Containers are replaced, never changed in place."""

    def __init__(
        self, resource_type: ResourceType, document: Document, resource_id: str | None
    ) -> None:
        self.resource_type = resource_type
        self.document = dict(document)
        self.resource_id = resource_id if resource_id is not None else document.get("id")
        self.left = WORK_LIMIT

    def run(self, operations: Sequence[Operation]) -> None:
        for operation in operations:
            if operation.path is not None:
                self.apply_path(operation.op, operation.path, operation.value)
            elif isinstance(operation.value, dict):
                self.apply_object(operation.op, operation.value)

    def finish(self) -> Document:
        """The document with `schemas` that name what is there."""
        extensions = sum(":" in name for name in self.document)
        if extensions > EXTENSION_LIMIT:
            raise InvalidValue(f"There are more than {EXTENSION_LIMIT} extensions.")
        schemas = schemas_of(self.resource_type, self.document)
        named = self.document.get("schemas")
        if not isinstance(named, list) or set(named) != set(schemas):
            self.document["schemas"] = schemas
        return self.document

    def spend(self, amount: int) -> None:
        self.left -= amount
        if self.left < 0:
            raise PayloadTooLarge("The operations are too much work. Split the request.")

    # One operation

    def apply_path(self, op: Op, path: Path, value: object) -> None:
        """An operation with a path: what it names must exist and may be changed."""
        resolved = resolve(self.resource_type, path.urn, path.name, path.sub)
        if resolved is None:
            self.apply_beyond(op, path, value)
        elif "readOnly" in (resolved.attribute.mutability, resolved.leaf.mutability):
            raise Mutability(f"{_spell(path)} is read-only.")
        else:
            self.set(resolved, path.filter, op, value)

    def apply_object(self, op: Op, value: dict[str, object]) -> None:
        """An operation without a path: each key is an attribute, an extension or a path."""
        for key, part in value.items():
            lower = key.lower()
            attribute = self.resource_type.core.get(lower)
            attribute = attribute or self.resource_type.containers.get(lower)
            if lower == "id":
                self.check_id(part)
            elif attribute is not None:
                if attribute.mutability != "readOnly":
                    self.set(Resolved(None, attribute, None), None, op, part)
            elif "[" in key or "." in key or ":" in key:  # leniency.dotted_key
                self.apply_key(op, key, part)
            # Everything else is leniency.unknown_attribute.

    def check_id(self, value: object) -> None:
        """leniency.whole_resource_as_value: the id may be repeated, not changed."""
        if value and self.resource_id is not None and value != self.resource_id:
            raise Mutability("id is read-only, and the value names the id of another resource.")

    def apply_key(self, op: Op, key: str, value: object) -> None:
        """A key of a value without path that is itself a path, or an unknown extension."""
        urn = key.rpartition(":")[0]
        beyond = bool(urn) and not is_known(self.resource_type, urn)
        if beyond and isinstance(value, dict) and self.present(urn) not in self.document:
            self.apply_extension(op, key, value)
            return
        path = parse_path(key)
        resolved = resolve(self.resource_type, path.urn, path.name, path.sub)
        if resolved is None:
            if beyond and path.filter is None and path.urn:
                self.apply_foreign(op, path.urn, path, value)
        elif "readOnly" not in (resolved.attribute.mutability, resolved.leaf.mutability):
            self.set(resolved, path.filter, op, value)

    def set(self, resolved: Resolved, filter: Filter | None, op: Op, value: object) -> None:
        """Do one operation to one known attribute that may be written."""
        urn, attribute, sub = resolved
        prefix = f"{urn}:" if urn else ""
        if attribute.name == "schemas":
            if op != "remove":
                read_schemas(value if isinstance(value, list) else [value])
            return
        if attribute.mutability == "writeOnly":
            if op != "remove":
                read_attribute(attribute, value, prefix)
            return
        holder = self.document if urn is None else _object(self.document.get(urn))
        old = holder.get(attribute.name)
        new: object
        if filter is not None:
            if not attribute.multi_valued:
                raise InvalidPath(f"{prefix}{attribute.name} has one value, so it takes no filter.")
            checked = check_value_filter(filter, attribute)
            self.spend(_terms(checked) * (1 + len(_list(old))))
            new = _change_found(attribute, sub, op, _list(old), checked, value, prefix)
        elif attribute.multi_valued:
            self.spend(len(_list(old)))
            new = _change_list(attribute, sub, op, _list(old), value, prefix)
        else:
            new = _change_single(attribute, sub, op, old, value, prefix)
        if new is not None:
            holder[attribute.name] = new
        else:
            holder.pop(attribute.name, None)
        if urn is not None:
            self.keep(urn, holder)

    # Extensions

    def keep(self, urn: str, extension: Document) -> None:
        """Store an extension; an empty one is none."""
        if extension:
            self.document[urn] = extension
        else:
            self.document.pop(urn, None)

    def apply_beyond(self, op: Op, path: Path, value: object) -> None:
        """A path that names no attribute of the resource type."""
        whole = f"{path.urn}:{path.name}".lower() == self.resource_type.schema.urn.lower()
        if whole and path.sub is None and op != "remove" and isinstance(value, dict):
            # The core schema as a whole is the resource itself.
            self.apply_object(op, value)
        elif not path.urn or path.filter or is_known(self.resource_type, path.urn):
            raise InvalidPath(f"There is no attribute called {_spell(path)}.")
        else:
            self.apply_foreign(op, path.urn, path, value)

    def apply_foreign(self, op: Op, urn: str, path: Path, value: object) -> None:
        """A path into an unknown extension: leniency.unknown_extension."""
        whole = self.present(f"{urn}:{path.name}")
        if whole in self.document and path.sub is None:
            self.apply_extension(op, whole, value)
            return
        urn = self.present(urn)
        extension = _object(self.document.get(urn))
        name = _present(extension, path.name)
        if path.sub is None:
            _put_foreign(urn, extension, name, op, value)
        else:
            part = _object(extension.get(name))
            _put_foreign(urn, part, _present(part, path.sub), op, value)
            _put_foreign(urn, extension, name, "replace", part)
        self.store_foreign(urn, extension)

    def apply_extension(self, op: Op, key: str, value: object) -> None:
        """An unknown extension as a whole: merged like every complex attribute."""
        urn = self.present(key)
        if op == "remove" or (value is None and op == "replace"):
            self.document.pop(urn, None)
            return
        if value is None:
            return
        if not isinstance(value, dict):
            raise InvalidValue(f"{urn} must be an object, as every extension.")
        extension = _object(self.document.get(urn))
        for name, part in value.items():
            _put_foreign(urn, extension, _present(extension, name), op, part)
        self.store_foreign(urn, extension)

    def store_foreign(self, urn: str, extension: Document) -> None:
        self.spend(len(extension))
        self.keep(urn, _object(read_extension(urn, extension)))

    def present(self, urn: str) -> str:
        """The spelling of an unknown extension that the document has already."""
        return _present(self.document, urn)


class _GroupWork(_Work):
    """As `_Work`, with the members as a difference."""

    def __init__(
        self, resource_type: ResourceType, document: Document, resource_id: str | None
    ) -> None:
        super().__init__(resource_type, document, resource_id)
        self.clear = False
        self.add: dict[str, None] = {}
        self.remove: dict[str, None] = {}

    def set(self, resolved: Resolved, filter: Filter | None, op: Op, value: object) -> None:
        if resolved.attribute.name != "members":
            super().set(resolved, filter, op, value)
        elif resolved.sub is not None:
            raise Mutability("Members cannot be changed, only added and removed.")
        elif filter is not None:
            self.change_found(resolved.attribute, filter, op, value)
        elif op == "remove":
            if value is None:
                self.clear_members()
            else:  # leniency.removal_by_value
                self.remove_members(read_members(_as_list("members", value)))
        else:
            ids = [] if value is None else read_members(_as_list("members", value))
            if op == "replace":
                self.clear_members()
            self.add_members(ids)

    def change_found(self, attribute: Attribute, filter: Filter, op: Op, value: object) -> None:
        """An operation on the members that a filter selects."""
        selected = _selected(check_value_filter(filter, attribute))
        if op == "remove":
            if selected is None:
                self.clear_members()
            else:
                self.remove_members(selected)
            return
        ids = read_members(_as_list("members", value))
        if selected is not None and set(ids) != set(selected):
            raise Mutability(
                "A member cannot be turned into another one. Remove the one and add the other."
            )
        if op == "add":
            self.add_members(ids)

    def clear_members(self) -> None:
        self.clear = True
        self.add.clear()
        self.remove.clear()

    def add_members(self, ids: Iterable[str]) -> None:
        for id in ids:
            self.remove.pop(id, None)
            self.add[id] = None
        if len(self.add) > MEMBER_LIMIT:
            raise PayloadTooLarge(f"There are more than {MEMBER_LIMIT} members. Split the request.")

    def remove_members(self, ids: Iterable[str]) -> None:
        for id in ids:
            self.add.pop(id, None)
            if not self.clear:
                self.remove[id] = None


def _selected(filter: Filter) -> dict[str, None] | None:
    """The ids that a filter on members selects, in order; None for all members.

    A member is always a user, so that a comparison of type holds for all or for none.
    """
    match filter:
        case Compare(path, "eq", str(value)) if path.name == "value":
            return {value: None}
        case Compare(path, "eq", str(value)) if path.name == "type":
            return None if value.casefold() == "user" else {}
        case Or(terms):
            union: dict[str, None] = {}
            for term in terms:
                part = _selected(term)
                if part is None:
                    return None
                union |= part
            return union
        case And(terms):
            both: dict[str, None] | None = None
            for term in terms:
                part = _selected(term)
                if both is None:
                    both = part
                elif part is not None:
                    both = {id: None for id in both if id in part}
            return both
    raise InvalidFilter('Members can be selected by their value only: members[value eq "id"].')


# --- One attribute ------------------------------------------------------------------------------


def _change_single(
    attribute: Attribute, sub: Attribute | None, op: Op, old: object, value: object, prefix: str
) -> object:
    """The new value of a singular attribute, simple or complex; None for no value."""
    if sub is not None:
        parts = _object(old)
        inner = f"{prefix}{attribute.name}."
        part = _change_single(sub, None, op, parts.get(sub.name), value, inner)
        return _with_part(attribute, parts, sub, part) or None
    if op == "remove":
        if attribute.required:
            raise Mutability(f"{prefix}{attribute.name} is required and cannot be removed.")
        return None
    if value is not None and attribute.type == "complex":
        return _merge(attribute, op, _object(old), value, prefix)
    new = read_attribute(attribute, value, prefix)
    if new is None and attribute.required:
        raise InvalidValue(f"{prefix}{attribute.name} must not be empty.")
    return old if new is None and op == "add" else new


def _merge(attribute: Attribute, op: Op, parts: Document, value: object, prefix: str) -> object:
    """A complex attribute with the parts that the value names."""
    if attribute.name == "manager":
        if isinstance(value, str):
            value = leniency.bare_manager(value)
        elif isinstance(value, dict):
            value = leniency.manager_id(value)
    if not isinstance(value, dict):
        return read_attribute(attribute, value, prefix)  # which says what is wrong
    inner = prefix + attribute.name + (":" if ":" in attribute.name else ".")
    given: set[str] = set()
    merged = parts
    for key, item in value.items():
        sub = attribute.subs.get(key.lower())
        if sub is None or sub.mutability == "readOnly":
            continue
        given.add(sub.name)
        part = _change_single(sub, None, op, merged.get(sub.name), item, inner)
        merged = _with_part(attribute, merged, sub, part, given)
    return merged or None


def _with_part(
    attribute: Attribute,
    parts: Document,
    sub: Attribute,
    part: object,
    given: set[str] | None = None,
) -> Document:
    """A copy of a complex value with one part set, or without it if part is None."""
    new = {name: item for name, item in parts.items() if name != sub.name or part is not None}
    if part is not None:
        new[sub.name] = part
    if sub.name == "value" and part != parts.get("value") and "$ref" not in (given or ()):
        # The address belongs to the value that was there before.
        new.pop("$ref", None)
    return new


def _change_list(
    attribute: Attribute,
    sub: Attribute | None,
    op: Op,
    old: list[Document],
    value: object,
    prefix: str,
) -> object:
    """The new values of a multi-valued attribute, without a filter; None for none."""
    name = prefix + attribute.name
    if sub is not None:
        if not old and op != "remove":
            return _add(attribute, old, [read_element(attribute, {sub.name: value}, name)], prefix)
        changed = [_change_part(element, sub, op, value, name) for element in old]
        return _settle(attribute, changed, None, prefix)
    if op == "remove":
        return None if value is None else _without(attribute, old, value, name)
    if value is None:
        return old or None if op == "add" else None
    values = _as_list(attribute.name, value)
    if op == "replace":
        return read_values(attribute, values, prefix)
    return _add(attribute, old, _list(read_values(attribute, values, prefix)), prefix)


def _change_found(
    attribute: Attribute,
    sub: Attribute | None,
    op: Op,
    old: list[Document],
    filter: Filter,
    value: object,
    prefix: str,
) -> object:
    """The new values of a multi-valued attribute where a filter says which ones change."""
    name = prefix + attribute.name
    found = {i for i, element in enumerate(old) if matches_value(filter, element, attribute)}
    if op == "remove" and sub is None:
        return [element for i, element in enumerate(old) if i not in found] or None
    if not found and op != "add":
        if op == "remove":  # leniency.removal_of_nothing
            return old or None
        raise NoTarget(f"No value of {name} is selected by the filter.")
    fixed = _fixed(filter)
    if not found:
        if fixed is None:
            raise NoTarget(f"No value of {name} is selected by the filter.")
        given = {sub.name: value} if sub is not None else _one(value, name)
        made = read_parts(attribute, fixed, f"{name}.")  # leniency.value_made_from_filter
        made |= read_element_parts(attribute, given, name)
        return _add(attribute, old, [made], prefix)
    changed = list(old)
    if sub is not None:
        for i in found:
            changed[i] = _change_part(old[i], sub, op, value, name)
    else:
        new = read_element_parts(attribute, _one(value, name), name)
        for i in found:
            kept = old[i] if op == "add" else _only(old[i], fixed or ())
            changed[i] = {**kept, **new} if new or op == "add" else {}
    primary = next((i for i in found if changed[i].get("primary") is True), None)
    return _settle(attribute, changed, primary if len(found) == 1 else None, prefix)


def _change_part(element: Document, sub: Attribute, op: Op, value: object, name: str) -> Document:
    """One value of a list with one of its parts changed."""
    part = None if op == "remove" else read_attribute(sub, value, f"{name}.")
    if part is not None:
        return {**element, sub.name: part}
    if op == "add":
        return element
    return {key: item for key, item in element.items() if key != sub.name}


def _add(
    attribute: Attribute, old: list[Document], new: Sequence[Document | None], prefix: str
) -> object:
    """The values with new ones merged in, each once."""
    values = list(old)
    exact: dict[object, int] = {}
    loose: dict[object, int] = {}

    def note(element: Document, place: int) -> None:
        exact.setdefault(_key(attribute, element), place)
        loose.setdefault(_key(attribute, element, typed=False), place)

    for place, element in enumerate(old):
        note(element, place)
    primary = None
    for new_element in new:
        if new_element is None or says_nothing(new_element):
            continue
        found = exact.get(_key(attribute, new_element))
        if found is None and "type" not in new_element:
            found = loose.get(_key(attribute, new_element, typed=False))
        if found is None:
            found = len(values)
            values.append(new_element)
            note(new_element, found)
        else:
            values[found] = {**values[found], **new_element}
        if new_element.get("primary") is True:
            primary = found
    return _settle(attribute, values, primary, prefix)


def _key(attribute: Attribute, element: Document, *, typed: bool = True) -> object:
    """By what a value is recognised: its value, and its type if typed; without value, all of it."""
    value = element.get("value")
    if not isinstance(value, str):
        return frozenset(element.items())
    if not attribute.subs["value"].case_exact:
        value = value.casefold()
    kind = element.get("type")
    return (value, kind.casefold() if isinstance(kind, str) else None) if typed else value


def _without(attribute: Attribute, old: list[Document], value: object, name: str) -> object:
    """The values without those that are listed: leniency.removal_by_value."""
    listed: set[object] = set()
    for index, item in enumerate(_as_list(attribute.name, value, bare=True)):
        wanted = leniency.bare_value(item) if isinstance(item, str) else item
        if wanted is None:
            continue
        if not isinstance(wanted, dict):
            raise InvalidValue(f"{name}[{index}] must be an object.")
        parts = read_parts(attribute, wanted, f"{name}[{index}].")
        if parts:
            listed.add(_key(attribute, parts, typed="type" in parts))
    return [
        element
        for element in old
        if _key(attribute, element) not in listed
        and _key(attribute, element, typed=False) not in listed
    ] or None


def _settle(
    attribute: Attribute, values: list[Document], primary: int | None, prefix: str
) -> object:
    """The list in normal form: no empty values, none twice, one primary; None if it is empty.

    primary: the place of the value that has just become primary, and takes it from the others.
    """
    if primary is not None and says_nothing(values[primary]):
        primary = None
    settled: list[Document] = []
    seen: set[object] = set()
    for i, element in enumerate(values):
        if primary is not None and i != primary and element.get("primary") is True:
            element = {**element, "primary": False}
        same = frozenset(element.items())
        if same in seen or says_nothing(element):
            continue
        seen.add(same)
        settled.append(element)
    if len(settled) > VALUE_LIMIT:
        raise InvalidValue(
            f"{prefix}{attribute.name} must not have more than {VALUE_LIMIT} values."
        )
    check_primary(attribute, settled, prefix)
    return settled or None


def _fixed(filter: Filter) -> dict[str, object] | None:
    """What a filter made of eq and and demands of a value; None for any other filter."""
    match filter:
        case Compare(path, "eq", value) if value is not None:
            return {path.name: value}
        case And(terms):
            demands: dict[str, object] = {}
            for term in terms:
                part = _fixed(term)
                if part is None:
                    return None
                demands |= part
            return demands
    return None


def _terms(filter: Filter) -> int:
    match filter:
        case And(terms) | Or(terms):
            return sum(map(_terms, terms))
        case Not(term):
            return _terms(term)
        case Compare() | Present() | ValuePath():
            return 1


# --- Small things -------------------------------------------------------------------------------


def _as_list(name: str, value: object, *, bare: bool = False) -> list[object]:
    """leniency.single_value_for_list; bare strings only where they mean something."""
    if isinstance(value, dict):
        return [value]
    if isinstance(value, str) and (bare or name in leniency.BARE_VALUES):
        return [value]
    if isinstance(value, list):
        return value
    raise InvalidValue(f"{name} must be a list of objects.")


def _one(value: object, name: str) -> object:
    """The one value that is meant for the places that a filter found."""
    if isinstance(value, list):
        if len(value) != 1:
            raise InvalidValue(f"{name} with a filter takes one value, not {len(value)}.")
        return value[0]
    return value


def _only(element: Document, names: Iterable[str]) -> Document:
    return {name: element[name] for name in names if name in element}


def _object(value: object) -> Document:
    """A copy of an object, empty if it is none."""
    return dict(value) if isinstance(value, dict) else {}


def _list(value: object) -> list[Document]:
    return cast(list[Document], value) if isinstance(value, list) else []


def _present(container: Document, name: str) -> str:
    """The spelling of a name that the container has already; names ignore case."""
    if name in container:
        return name
    lower = name.lower()
    return next((key for key in container if key.lower() == lower), name)


def _put_foreign(urn: str, container: Document, name: str, op: Op, value: Any) -> None:
    kept = None if op == "remove" else read_foreign(urn, value)
    if kept is not None:
        container[name] = kept
    elif op != "add":
        container.pop(name, None)


def _spell(path: Path) -> str:
    """A path as it is called in details."""
    name = path.name if path.urn is None else f"{path.urn}:{path.name}"
    return name if path.sub is None else f"{name}.{path.sub}"
