"""Which resources a filter finds, in which order, page by page: filters as SQL.

`scim.protocol.evaluate` says what a filter means; the SQL here means the same (a test draws
random documents and filters and compares the two). What an application may see is in the first
WHERE of every statement (R2, R11), and the filter stands in brackets behind it. Values are
parameters; names in the SQL come from the schema and from the tables below, never from a request.
Ids come first, documents are loaded by id afterwards (scim.resources), so that the number of
statements never depends on the number of rows: one for the page, and one more for the total
where the page does not tell it.

Filters that IdPs match by are answered from an index: id, externalId, userName, e-mail addresses,
names of groups, members; alone, with `and`, and with `or` between them. Columns that hold
`accounts.names.key` only narrow the search: the value itself is compared too, so that a name that
is the same to the product but not to the protocol is not found.

Source: RFC 7644 sections 3.4.2 and 3.4.3, RFC 9865 for cursors.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import unicodedata
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any, Literal, NamedTuple

import orjson
from django.db import connection
from django.http import HttpRequest
from django_scim.filters import FilterQuery

from accounts import names, sql
from accounts.models import Group, Link
from scim.applications import base_url
from scim.protocol import filter as filters
from scim.protocol import times
from scim.protocol.errors import InvalidCursor, InvalidPath
from scim.protocol.filter import And, AttrPath, Compare, Filter, Not, Or, Present, Value, ValuePath
from scim.protocol.paging import Page
from scim.protocol.schema import GROUP, USER, Attribute, Resolved, ResourceType, resolve
from scim.protocol.sorting import Sort


@dataclass(frozen=True, slots=True)
class View:
    """What one application may see (R11): the parameters of the fragments below.

    along: what was read together with the caller.
    """

    organization_id: int
    application_id: uuid.UUID
    pool_id: int
    along: Along | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        return {
            "organization": self.organization_id,
            "application": self.application_id,
            "pool": self.pool_id,
        }


@dataclass(frozen=True, slots=True)
class Along:
    """A statement that the look-up of the caller runs with it, and its rows then: what identity
    providers ask most is one statement, token and all. wanted: its parameter of that name."""

    statement: str
    wanted: Any
    rows: sql.Rows | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """ids: of one kind, in the order asked for, page.count at most. total: totalResults.

    next_cursor: where to go on (RFC 9865), when paging by cursor and there is more.
    """

    ids: list[uuid.UUID]
    total: int
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class FoundOfAnyKind:
    """The same for a search from the root: each id with the name of its resource type."""

    ids: list[tuple[str, uuid.UUID]]
    total: int
    next_cursor: str | None = None


# ------------------------------------------------------------------ what is visible

# True for a seat of the pool, NULL for no seat at all, false for seats of other pools only. One
# look into the index of seats by person; two EXISTS are planned as a scan of everybody's seats.
NOT_OF_ANOTHER_POOL = """(
    SELECT bool_or(seat.pool_id = %(pool)s) FROM licensing_seat seat
    WHERE seat.person_id = link.person_id
) IS NOT FALSE"""

#: R11, for `accounts_link link`: those whom the application manages, and those added by hand who
#: hold a seat of its pool or none at all.
USERS_VISIBLE = f"""(
    link.organization_id = %(organization)s AND (
        link.application_id = %(application)s
        OR (link.application_id IS NULL AND {NOT_OF_ANOTHER_POOL})
    )
)"""

#: For `accounts_group g`: manual groups are never shown over SCIM.
GROUPS_VISIBLE = """(
    g.organization_id = %(organization)s AND g.application_id = %(application)s
)"""

# The same people as two parts, each in the order of an index of its own, which lists need. The
# application is looked up once, within its organization, so that no row of a link must be read
# to tell the organization: the index (application, id) is enough.
_APPLICATION = """(SELECT application.id FROM accounts_application application
    WHERE application.id = %(application)s AND application.organization_id = %(organization)s)"""
_USERS_IN_PARTS = (
    f"link.application_id = {_APPLICATION}",
    "link.organization_id = %(organization)s AND link.application_id IS NULL "
    f"AND {NOT_OF_ANOTHER_POOL}",
)
_GROUPS_IN_PARTS = (f"g.application_id = {_APPLICATION}",)


# ------------------------------------------------------------------ what can be asked


@dataclass(frozen=True, slots=True)
class _Scalar:
    """One value, or NULL where there is none.

    form: how it compares: text without case, exact text, text that is folded already, and so on.
    key: a column with an index that holds names.key of the value. indexed: sql has an index.
    """

    sql: str
    form: Literal["text", "exact", "folded", "boolean", "time", "uuid"]
    key: str | None = None
    indexed: bool = False


@dataclass(frozen=True, slots=True)
class _Values:
    """The values of a complex or multi-valued attribute.

    source: what stands behind FROM, with its WHERE; "" if there is exactly one value, which is
    always there. parts: its sub-attributes by name, "" is the value itself. full: condition for
    `pr`. keyed: condition, with a place for names.key of one of the parts called `value`, that an
    index answers. order: which value counts in sorting; "" if the values have no order.
    """

    source: str
    parts: Mapping[str, _Scalar]
    full: str = "TRUE"
    keyed: str = ""
    order: str = ""


def _meta(kind: str, table: str) -> _Values:
    """Times compare as they are shown: in milliseconds."""
    return _Values(
        "",
        {
            "resourceType": _Scalar(f"'{kind}'::text", "exact"),
            "created": _Scalar(f"date_trunc('milliseconds', {table}.created_at)", "time"),
            "lastModified": _Scalar(f"date_trunc('milliseconds', {table}.changed_at)", "time"),
            "location": _Scalar(f"(%(base)s::text || '/{kind}s/' || {table}.id)", "exact"),
            "version": _Scalar(f"""('W/"' || {table}.version || '"')""", "exact"),
        },
    )


def _schemas(urn: str, table: str) -> _Values:
    """The core schema, and every extension that has data (document.schemas_of)."""
    source = (
        f"(SELECT '{urn}' UNION ALL SELECT name FROM jsonb_object_keys({table}.document) name "
        "WHERE position(':' in name) > 0) AS held(urn) WHERE TRUE"
    )
    return _Values(source, {"": _Scalar("held.urn", "exact")})


# Whose address it is, found before anything else: nothing is known of how often an address stands
# in the array, and the planner's guess (one in two hundred) makes it read other indexes too.
_HAS_ADDRESS = """link.id = ANY(ARRAY(
    SELECT keyed.id FROM accounts_link keyed WHERE keyed.email_keys @> ARRAY[{0}]
))"""

# What ties them to the outer row stands in WHERE, because PostgreSQL makes a join of an EXISTS
# only then.
_MEMBERSHIPS_OF_PERSON = """accounts_membership membership
    JOIN accounts_group held
        ON held.id = membership.group_id AND held.application_id = %(application)s
    WHERE membership.person_id = link.person_id"""
_MEMBERS_OF_GROUP = f"""accounts_membership membership
    JOIN accounts_link held ON held.person_id = membership.person_id
        AND (held.application_id = %(application)s OR (held.application_id IS NULL
            AND {NOT_OF_ANOTHER_POOL.replace("link.", "held.")}))
    WHERE membership.group_id = g.id"""

_Held = Mapping[str, "_Scalar | _Values"]

_USER_COLUMNS: _Held = {
    "id": _Scalar("link.id", "uuid", indexed=True),
    "externalId": _Scalar("link.external_id", "exact", indexed=True),
    "userName": _Scalar("link.user_name", "text", key="link.user_name_key"),
    "active": _Scalar("link.active", "boolean"),
    "meta": _meta("User", "link"),
    "schemas": _schemas(USER.schema.urn, "link"),
    "groups": _Values(
        _MEMBERSHIPS_OF_PERSON,
        {
            "value": _Scalar("held.id", "uuid"),
            "$ref": _Scalar("(%(base)s::text || '/Groups/' || held.id)", "exact"),
            "display": _Scalar("held.name", "text"),
            "type": _Scalar("'direct'::text", "folded"),
        },
        full=f"EXISTS (SELECT 1 FROM {_MEMBERSHIPS_OF_PERSON})",
    ),
}
_GROUP_COLUMNS: _Held = {
    "id": _Scalar("g.id", "uuid", indexed=True),
    "externalId": _Scalar("g.external_id", "exact", indexed=True),
    "displayName": _Scalar("(g.document ->> 'displayName')", "text", key="g.name_key"),
    "meta": _meta("Group", "g"),
    "schemas": _schemas(GROUP.schema.urn, "g"),
    "members": _Values(
        _MEMBERS_OF_GROUP,
        {
            "value": _Scalar("held.id", "uuid"),
            "$ref": _Scalar("(%(base)s::text || '/Users/' || held.id)", "exact"),
            "display": _Scalar("coalesce(held.document ->> 'displayName', held.user_name)", "text"),
            "type": _Scalar("'user'::text", "folded"),
        },
        full=f"EXISTS (SELECT 1 FROM {_MEMBERS_OF_GROUP})",
    ),
}


@dataclass(frozen=True, slots=True)
class _Kind:
    """A resource type as it is stored: what is not in `columns` is in the document."""

    type: ResourceType
    table: str
    alias: str
    visible: str
    in_parts: Sequence[str]
    columns: _Held
    keyed: Mapping[str, str] = field(default_factory=dict)


_USERS = _Kind(
    USER,
    "accounts_link link",
    "link",
    USERS_VISIBLE,
    _USERS_IN_PARTS,
    _USER_COLUMNS,
    keyed={"emails": _HAS_ADDRESS},
)
_GROUPS = _Kind(GROUP, "accounts_group g", "g", GROUPS_VISIBLE, _GROUPS_IN_PARTS, _GROUP_COLUMNS)

_FORM_OF_TYPE: Mapping[str, Literal["text", "boolean", "exact"]] = {
    "string": "text",
    "reference": "text",
    "boolean": "boolean",
    "binary": "exact",
}
"""How what stands in the document compares. Numbers and times would need a form of their own: the
schema has times in columns only, and no numbers (a test watches that)."""

_NOT_EMPTY = (
    """'$.** ? (@.type() == "boolean" || @.type() == "number" """
    """|| (@.type() == "string" && @ != ""))'"""
)
"""A JSON path to what counts for `pr`, at any depth."""

_PRIMARY_OR_FIRST = "((v ->> 'primary') = 'true') IS TRUE DESC, n"


def _held(kind: _Kind, resolved: Resolved) -> _Scalar | _Values:
    """Where an attribute's values are: the value itself if there is one, else all of them."""
    attribute, sub = resolved.attribute, resolved.sub
    if resolved.urn is None and attribute.name in kind.columns:
        return kind.columns[attribute.name]
    holder = f"{kind.alias}.document"
    if resolved.urn is not None:
        holder = f"({holder} -> {_quoted(resolved.urn)})"
    if not attribute.multi_valued:
        if attribute.type != "complex":
            return _part(holder, attribute)
        if sub is not None:
            return _part(f"({holder} -> {_quoted(attribute.name)})", sub)
    path = _quoted(f"$.{orjson.dumps(attribute.name).decode()}[*]")
    return _Values(
        f"jsonb_path_query({holder}, {path}) WITH ORDINALITY AS held(v, n) WHERE TRUE",
        {s.name: _part("v", s) for s in attribute.sub_attributes if s.type != "complex"},
        full=f"jsonb_path_exists({holder} -> {_quoted(attribute.name)}, {_NOT_EMPTY})",
        keyed=kind.keyed.get(attribute.name, ""),
        order=_PRIMARY_OR_FIRST,
    )


def _part(holder: str, attribute: Attribute) -> _Scalar:
    """One attribute of a JSON object, as text or what its type asks for."""
    value = f"({holder} ->> {_quoted(attribute.name)})"
    form = _FORM_OF_TYPE[attribute.type]
    if form == "boolean":
        return _Scalar(f"({value} = 'true')", form)
    return _Scalar(value, "exact" if attribute.case_exact else form)


def _quoted(name: str) -> str:
    """A name of the schema as a literal."""
    return "'" + name.replace("'", "''").replace("%", "%%") + "'"


# ------------------------------------------------------------------ text without case


_FOLDED = """(CASE WHEN {0} COLLATE "C" ~ %({1}_letters)s::text THEN (
    SELECT string_agg(coalesce(%({1}_folds)s::jsonb ->> c, c), '' ORDER BY place)
    FROM string_to_table(lower({0} COLLATE "C"), NULL) WITH ORDINALITY AS letter(c, place)
) ELSE lower({0} COLLATE "C") END)"""


@cache
def _folds(name: Literal["all", "ascii"]) -> dict[str, str]:
    """The parameters of _FOLDED: letters beyond ASCII that str.casefold changes, and into what.

    PostgreSQL's own functions fold by locale and version; this folds as evaluate.py does. "ascii"
    are the few letters that fold into something with ASCII, such as ß. They are all that counts
    in a comparison with ASCII: every other letter is beyond ASCII before and after. The highest
    letter that folds is U+1E921.
    """
    folds = {
        letter: folded
        for letter in map(chr, range(0x80, 0x20000))
        if (folded := letter.casefold()) != letter
        and (name == "all" or any(part.isascii() for part in folded))
    }
    return {
        f"{name}_folds": orjson.dumps(folds).decode(),
        f"{name}_letters": f"[{''.join(_ranges(map(ord, folds)))}]",
    }


def _ranges(numbers: Iterable[int]) -> Iterator[str]:
    """Characters as they stand in a bracket of a regular expression."""
    first = last = -1
    for number in [*numbers, -1]:
        if number == last + 1:
            last = number
            continue
        if first >= 0:
            yield chr(first) if first == last else f"{chr(first)}-{chr(last)}"
        first = last = number


def _key(text: str) -> str | None:
    """names.key of a text, if whatever has the same casefold surely has the same key.

    That is so for ASCII, and for what NFKC leaves alone. Not with a Greek iota among accents: it
    may have been one below another letter (U+0345), whose accents stand in another order.
    """
    folded = text.casefold()
    if not folded.isascii():
        if not unicodedata.is_normalized("NFKC", folded):
            return None
        if "ι" in folded and any(map(unicodedata.combining, folded)):
            return None
    return names.key(text) or None


# ------------------------------------------------------------------ filters as SQL


class _Condition(NamedTuple):
    """sql: true, false or NULL, which counts as false. narrow: an index finds the few rows."""

    sql: str
    narrow: bool = False


_TRUE, _FALSE = _Condition("TRUE"), _Condition("FALSE")

_HOLDS = {
    "eq": "{0} = {1}",
    "ne": "{0} <> {1}",
    "gt": "{0} > {1}",
    "ge": "{0} >= {1}",
    "lt": "{0} < {1}",
    "le": "{0} <= {1}",
}
_TEXT_HOLDS = _HOLDS | {
    "gt": '{0} COLLATE "C" > {1}',
    "ge": '{0} COLLATE "C" >= {1}',
    "lt": '{0} COLLATE "C" < {1}',
    "le": '{0} COLLATE "C" <= {1}',
    "co": "position({1} in {0}) > 0",
    "sw": "starts_with({0}, {1})",
    "ew": "right({0}, length({1})) = {1}",
}


class _Parameters:
    """The parameters of one statement. Each knows its type, so that nothing is left to guess."""

    def __init__(self, view: View) -> None:
        self.values: dict[str, Any] = view.parameters | {"base": base_url()}

    def put(self, value: object, type: str) -> str:
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f"%({name})s::{type}"

    def folded(self, sql: str, beside: str | None = None) -> str:
        """SQL for the text without case, to be compared with a certain one, or with each other."""
        name: Literal["all", "ascii"] = "ascii" if beside and beside.isascii() else "all"
        self.values |= _folds(name)
        return _FOLDED.format(sql, name)


class _Compiler:
    """One filter on one kind as a condition, by the table of evaluate.py."""

    def __init__(self, kind: _Kind, parameters: _Parameters) -> None:
        self.kind = kind
        self.parameters = parameters

    def condition(self, filter: Filter) -> _Condition:
        match filter:
            case Compare(path, op, value):
                return self.compare(path, op, value)
            case Present(path):
                return self.present(path)
            case ValuePath(path, inside):
                return self.value_path(path, inside)
        return self.joined(filter, self.condition)

    def joined(
        self, filter: And | Or | Not, condition: Callable[[Filter], _Condition]
    ) -> _Condition:
        """IS NOT TRUE keeps SQL's third value from passing through a negation."""
        match filter:
            case Not(term):
                return _Condition(f"({condition(term).sql}) IS NOT TRUE")
            case And(terms):
                all_of = [condition(term) for term in terms]
                return _Condition(_join("AND", all_of), any(term.narrow for term in all_of))
            case Or(terms):
                one_of = [condition(term) for term in terms]
                return _Condition(_join("OR", one_of), all(term.narrow for term in one_of))

    def resolve(self, path: AttrPath) -> Resolved | None:
        """A complex attribute that is compared as a whole means its `value`."""
        resolved = resolve(self.kind.type, path.urn, path.name, path.sub)
        if resolved is not None and resolved.leaf.type == "complex":
            return Resolved(resolved.urn, resolved.attribute, resolved.leaf.subs.get("value"))
        return resolved

    def compare(self, path: AttrPath, op: str, wanted: Value) -> _Condition:
        resolved = self.resolve(path)
        if resolved is None or resolved.leaf.type == "complex":
            return _TRUE if op in ("eq", "ne") and (op == "eq") == (wanted is None) else _FALSE
        held = _held(self.kind, resolved)
        if isinstance(held, _Scalar):
            return self.holds(held, op, wanted)
        part = held.parts[resolved.sub.name if resolved.sub else ""]
        if not held.source:
            return self.holds(part, op, wanted)
        if wanted is None:
            some = f"EXISTS (SELECT 1 FROM {held.source} AND {part.sql} IS NOT NULL)"
            return _Condition(some if op == "ne" else f"NOT {some}")
        if op == "ne":  # one that differs, or none at all
            differs = self.compared(part, op, wanted)
            return _Condition(f"(SELECT bool_or({differs}) FROM {held.source}) IS NOT FALSE")
        is_value = op == "eq" and resolved.sub is not None and resolved.sub.name == "value"
        return self.some(held, self.holds(part, op, wanted), wanted if is_value else None)

    def some(self, values: _Values, condition: _Condition, value: Value) -> _Condition:
        """One of the values fulfils the condition, which asks that its `value` equals a text."""
        sql = f"EXISTS (SELECT 1 FROM {values.source} AND {condition.sql})"
        if values.keyed and isinstance(value, str) and (key := _key(value)):
            has_key = values.keyed.format(self.parameters.put(key, "text"))
            return _Condition(f"({has_key} AND {sql})", narrow=True)
        return _Condition(sql)

    def present(self, path: AttrPath) -> _Condition:
        resolved = resolve(self.kind.type, path.urn, path.name, path.sub)
        if resolved is None:
            return _FALSE
        held = _held(self.kind, resolved)
        if isinstance(held, _Scalar):
            return _Condition(_full(held))
        if resolved.sub is None:
            return _Condition(held.full)
        full = _full(held.parts[resolved.sub.name])
        if not held.source:
            return _Condition(full)
        return _Condition(f"EXISTS (SELECT 1 FROM {held.source} AND {full})")

    def value_path(self, path: AttrPath, inside: Filter) -> _Condition:
        """One value fulfils the whole filter in brackets."""
        resolved = resolve(self.kind.type, path.urn, path.name)
        if resolved is None:
            return _FALSE
        values = _held(self.kind, resolved)
        assert isinstance(values, _Values)  # noqa: S101 - filter.check refuses any other
        condition = self.of_value(inside, values)
        if not values.source:
            return condition
        return self.some(values, condition, next(_values_asked(inside), None))

    def of_value(self, filter: Filter, values: _Values) -> _Condition:
        """A filter in brackets, on one value."""
        match filter:
            case Compare(path, op, wanted):
                return self.holds(values.parts[path.name], op, wanted)
            case Present(path):
                return _Condition(_full(values.parts[path.name]))
            case ValuePath():
                return _FALSE
        return self.joined(filter, partial(self.of_value, values=values))

    def holds(self, left: _Scalar, op: str, wanted: Value) -> _Condition:
        """A comparison of one value, which may be missing."""
        if wanted is None:
            return _Condition(f"{left.sql} IS {'NOT ' if op == 'ne' else ''}NULL")
        compared = self.compared(left, op, wanted)
        if op == "ne":
            return _Condition(f"({compared}) IS NOT FALSE")
        if op == "eq" and left.key and isinstance(wanted, str) and (key := _key(wanted)):
            has_key = f"{left.key} = {self.parameters.put(key, 'text')}"
            return _Condition(f"({has_key} AND {compared})", narrow=True)
        return _Condition(compared, narrow=left.indexed and op == "eq")

    def compared(self, left: _Scalar, op: str, wanted: Value) -> str:
        """A comparison of one value that is there, as SQL; what is missing gives NULL."""
        put = self.parameters.put
        match left.form:
            case "boolean":
                return _HOLDS[op].format(left.sql, put(wanted, "boolean"))
            case "time":
                return _HOLDS[op].format(left.sql, put(times.parse(str(wanted)), "timestamptz"))
            case "uuid" if op in ("eq", "ne"):
                id = _uuid(wanted)
                if id is None:  # which no id is
                    return "TRUE" if op == "ne" else "FALSE"
                return _HOLDS[op].format(left.sql, put(id, "uuid"))
            case "uuid":
                return _TEXT_HOLDS[op].format(f"{left.sql}::text", put(wanted, "text"))
            case "exact":
                return _TEXT_HOLDS[op].format(left.sql, put(wanted, "text"))
            case "text" | "folded":
                folded = str(wanted).casefold()
                sql = self.parameters.folded(left.sql, folded) if left.form == "text" else left.sql
                return _TEXT_HOLDS[op].format(sql, put(folded, "text"))


def _join(word: str, terms: Sequence[_Condition]) -> str:
    return "(" + f" {word} ".join(term.sql for term in terms) + ")"


def _full(value: _Scalar) -> str:
    """`pr` of one value."""
    if value.form in ("text", "exact"):
        return f"{value.sql} <> ''"
    return f"{value.sql} IS NOT NULL"


def _uuid(text: Value) -> uuid.UUID | None:
    """An id as it is written: 36 characters, in lower case."""
    try:
        id = uuid.UUID(str(text))
    except ValueError:
        return None
    return id if str(id) == text else None


def _values_asked(filter: Filter) -> Iterator[Value]:
    """What `value` must equal, or the filter in brackets does not hold."""
    match filter:
        case And(terms):
            for term in terms:
                yield from _values_asked(term)
        case Compare(AttrPath(name="value"), "eq", wanted):
            yield wanted


# ------------------------------------------------------------------ filters as text

_EMAILS = AttrPath(None, "emails")
_WORK = Compare(AttrPath(None, "type"), "eq", "work")
_VALUE = AttrPath(None, "value")


def _equal(path: AttrPath, value: str) -> Filter:
    return Compare(path, "eq", value)


def _work_address(value: str) -> Filter:
    return ValuePath(_EMAILS, And((_WORK, Compare(_VALUE, "eq", value))))


_SIMPLE: Mapping[ResourceType, Mapping[str, Callable[[str], Filter]]] = {
    USER: {
        "userName": partial(_equal, AttrPath(None, "userName")),
        "externalId": partial(_equal, AttrPath(None, "externalId")),
        "id": partial(_equal, AttrPath(None, "id")),
        "emails.value": partial(_equal, AttrPath(None, "emails", "value")),
        'emails[type eq "work"].value': _work_address,
    },
    GROUP: {
        "displayName": partial(_equal, AttrPath(None, "displayName")),
        "externalId": partial(_equal, AttrPath(None, "externalId")),
        "id": partial(_equal, AttrPath(None, "id")),
    },
}


def _read(text: str, kinds: Sequence[_Kind]) -> Filter:
    """The checked filter; what IdPs ask all day without the parser."""
    simple = filters.simple_eq(text) if len(kinds) == 1 else None
    if simple is not None and (make := _SIMPLE[kinds[0].type].get(simple[0])):
        return make(simple[1])
    return filters.check(filters.parse(text), [kind.type for kind in kinds])


# ------------------------------------------------------------------ order

SORTED_CHARACTERS = 300
"""Texts that begin with as many equal characters are in the order of ids: a cursor holds one."""

_TYPE_OF_FORM = {"boolean": "boolean", "time": "timestamptz", "uuid": "uuid"}


class _Order:
    """The order of a list: by an attribute, and then by id, which is the order of creation.

    Source: RFC 7644 section 3.4.2.3. Missing values are last when ascending, else first, which is
    PostgreSQL's own rule.
    """

    def __init__(self, sort: Sort | None, kinds: Sequence[_Kind]) -> None:
        self.sort = sort
        self.descending = sort is not None and sort.descending
        self._held = {kind.alias: self._find(kind, sort) for kind in kinds} if sort else {}
        forms = [held[1].form for held in self._held.values() if held is not None]
        self.type = _TYPE_OF_FORM.get(forms[0], "text") if forms else "text"

    @staticmethod
    def _find(kind: _Kind, sort: Sort) -> tuple[_Values | None, _Scalar] | None:
        resolved = resolve(kind.type, sort.path.urn, sort.path.name, sort.path.sub)
        if resolved is None:
            return None
        held = _held(kind, resolved)
        if isinstance(held, _Scalar):
            return None, held
        if held.source and not held.order:
            raise InvalidPath(f"The order cannot be that of {sort.path}: it has no first value.")
        return held if held.source else None, held.parts[resolved.sub.name if resolved.sub else ""]

    def key(self, kind: _Kind, parameters: _Parameters) -> str:
        """SQL for what is sorted by."""
        found = self._held.get(kind.alias)
        if found is None:
            return f"NULL::{self.type}" + (' COLLATE "C"' if self.type == "text" else "")
        values, part = found
        key = part.sql
        if self.type == "text":
            key = parameters.folded(key) if part.form == "text" else key
            key = f'left({key}, {SORTED_CHARACTERS}) COLLATE "C"'
        if values is None:
            return key
        return f"(SELECT {key} FROM {values.source} ORDER BY {values.order} LIMIT 1)"

    @property
    def columns(self) -> str:
        if self.sort is None:
            return "id"
        return f"key {'DESC' if self.descending else 'ASC'}, id"

    def after(self, position: _Position, parameters: _Parameters) -> str:
        """What comes after a position."""
        later = f"id > {parameters.put(position.id, 'uuid')}"
        if self.sort is None:
            return later
        if position.key is None:
            missing = f"(key IS NULL AND {later})"
            return f"(key IS NOT NULL OR {missing})" if self.descending else missing
        key = parameters.put(position.key, self.type)
        if self.descending:
            return f"(key < {key} OR (key = {key} AND {later}))"
        return f"(key > {key} OR key IS NULL OR (key = {key} AND {later}))"


# ------------------------------------------------------------------ cursors


class _Position(NamedTuple):
    """The last resource of a page: its sort key, and its id."""

    key: Any
    id: uuid.UUID


@dataclass(frozen=True, slots=True)
class _Cursors:
    """Positions as opaque texts, good for the query that they came from. RFC 9865 section 2.

    They hold no secret and give no right: whoever makes up a position in a list that they may see
    sees the rest of that list.
    """

    query: str
    type: str

    @classmethod
    def of(cls, view: View, kinds: Sequence[_Kind], filter: str | None, order: _Order) -> _Cursors:
        sort = order.sort
        said = [
            str(view.application_id),
            *(kind.alias for kind in kinds),
            filter,
            str(sort.path) if sort else None,
            order.descending,
        ]
        digest = hashlib.blake2b(orjson.dumps(said), digest_size=8)
        return cls(digest.hexdigest(), order.type if sort else "")

    def write(self, position: _Position) -> str:
        text = orjson.dumps([self.query, position.key, position.id])
        return base64.urlsafe_b64encode(text).decode().rstrip("=")

    def read(self, cursor: str) -> _Position:
        """InvalidCursor for what did not come from `write` for this query."""
        try:
            text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
            query, key, id = orjson.loads(text)
            position = _Position(self._key(key), uuid.UUID(id))
        except (ValueError, TypeError, AttributeError):
            raise InvalidCursor() from None
        if query != self.query:
            raise InvalidCursor(
                "The cursor belongs to another filter or order. Start again with an empty cursor."
            )
        return position

    def _key(self, key: object) -> object:
        """The sort key as its type wants it; ValueError or TypeError if it is none."""
        if key is None:
            return None
        match self.type:
            case "text" if isinstance(key, str) and "\x00" not in key:
                return key
            case "boolean" if isinstance(key, bool):
                return key
            case "timestamptz" if isinstance(key, str):
                moment = dt.datetime.fromisoformat(key)
                return moment if moment.tzinfo else None
            case "uuid" if isinstance(key, str):
                return uuid.UUID(key)
        raise ValueError


# ------------------------------------------------------------------ pages


def users(view: View, *, filter: str | None = None, page: Page, sort: Sort | None = None) -> Found:
    """People whom the application may see and the filter finds.

    filter: as it came; sort: from sorting.read, default is the order of creation. Refused:
    InvalidFilter, InvalidPath (sort), InvalidCursor. RFC 7644 section 3.4.2, R11.
    """
    return _of_one_kind(_find([_USERS], view, filter, page, sort))


def groups(view: View, *, filter: str | None = None, page: Page, sort: Sort | None = None) -> Found:
    """Groups of the application; like `users`."""
    return _of_one_kind(_find([_GROUPS], view, filter, page, sort))


def everything(
    view: View, *, filter: str | None = None, page: Page, sort: Sort | None = None
) -> FoundOfAnyKind:
    """Users and Groups in one order (RFC 7644 section 3.4.3, POST /.search)."""
    return _find([_USERS, _GROUPS], view, filter, page, sort)


def _of_one_kind(found: FoundOfAnyKind) -> Found:
    return Found([id for _, id in found.ids], found.total, found.next_cursor)


def _find(
    kinds: Sequence[_Kind], view: View, filter: str | None, page: Page, sort: Sort | None
) -> FoundOfAnyKind:
    asked = None if filter is None else _read(filter, kinds)
    order = _Order(sort, kinds)
    parameters = _Parameters(view)
    visible = _visible(kinds, asked, parameters)
    if page.cursor is not None:
        cursors = _Cursors.of(view, kinds, filter, order)
        return _by_cursor(visible, order, cursors, page, parameters)
    rows = _page(visible, order, "TRUE", page.start - 1, page.count, parameters)
    if len(rows) < page.count and (rows or page.start == 1):
        total = page.start - 1 + len(rows)
    else:
        total = _count(visible, parameters)
    return FoundOfAnyKind([(row.kind, row.id) for row in rows], total)


def _by_cursor(
    visible: Sequence[_Part],
    order: _Order,
    cursors: _Cursors,
    page: Page,
    parameters: _Parameters,
) -> FoundOfAnyKind:
    """The page behind a cursor, or the first one. One row more tells whether there is more."""
    after = "TRUE"
    if page.cursor:
        after = order.after(cursors.read(page.cursor), parameters)
    rows = _page(visible, order, after, 0, page.count and page.count + 1, parameters)
    more, rows = len(rows) > page.count, rows[: page.count]
    known = not page.cursor and page.count and not more
    total = len(rows) if known else _count(visible, parameters)
    last = cursors.write(_Position(rows[-1].key, rows[-1].id)) if more else None
    return FoundOfAnyKind([(row.kind, row.id) for row in rows], total, last)


class _Row(NamedTuple):
    kind: str
    id: uuid.UUID
    key: Any


class _Part(NamedTuple):
    """Rows of one kind that are visible and found."""

    kind: _Kind
    where: str


def _visible(kinds: Sequence[_Kind], asked: Filter | None, parameters: _Parameters) -> list[_Part]:
    """A narrow filter has an index of its own; all others follow the indexes of the parts."""
    parts = []
    for kind in kinds:
        condition = _Compiler(kind, parameters).condition(asked) if asked else _TRUE
        for where in [kind.visible] if condition.narrow else kind.in_parts:
            parts.append(_Part(kind, f"{where} AND ({condition.sql})"))
    return parts


def _page(
    parts: Sequence[_Part],
    order: _Order,
    after: str,
    skip: int,
    count: int,
    parameters: _Parameters,
) -> list[_Row]:
    if not count:
        return []
    # Each part in order and cut off, so that the whole is a merge of index scans, and no sort.
    ordered = " UNION ALL ".join(
        f"(SELECT kind, id, key FROM ({rows}) AS part WHERE {after} ORDER BY {order.columns} "
        f"LIMIT {parameters.put(skip + count, 'bigint')})"
        for rows in [
            f"SELECT '{kind.type.name}'::text AS kind, {kind.alias}.id AS id, "
            f"{order.key(kind, parameters)} AS key FROM {kind.table} WHERE {where}"
            for kind, where in parts
        ]
    )
    statement = (
        f"SELECT kind, id, key FROM ({ordered}) AS found ORDER BY {order.columns} "
        f"LIMIT {parameters.put(count, 'bigint')} OFFSET {parameters.put(skip, 'bigint')}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters.values)
        return [_Row(*row) for row in cursor.fetchall()]


def _count(parts: Sequence[_Part], parameters: _Parameters) -> int:
    counts = " + ".join(
        f"(SELECT count(*) FROM {kind.table} WHERE {where})" for kind, where in parts
    )
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {counts}", parameters.values)
        return int(cursor.fetchone()[0])


# ------------------------------------------------------------------ django-scim2's hook

#: More than a page may hold; django-scim2 cuts its own page out of what it is given.
_HOOK_LIMIT = 1_000


class UserFilterQuery(FilterQuery):
    """django-scim2's FilterQuery over `users`: its own SQL lets an `or` escape the tenant."""

    @classmethod
    def search(cls, filter_query: str, request: HttpRequest | None = None) -> list[Link]:
        view = request.caller.view  # type: ignore[union-attr]
        found = users(view, filter=filter_query, page=Page(1, _HOOK_LIMIT))
        links = Link.objects.in_bulk(found.ids)
        return [links[id] for id in found.ids if id in links]


class GroupFilterQuery(FilterQuery):
    """The same over `groups`."""

    @classmethod
    def search(cls, filter_query: str, request: HttpRequest | None = None) -> list[Group]:
        view = request.caller.view  # type: ignore[union-attr]
        found = groups(view, filter=filter_query, page=Page(1, _HOOK_LIMIT))
        loaded = Group.objects.in_bulk(found.ids)
        return [loaded[id] for id in found.ids if id in loaded]
