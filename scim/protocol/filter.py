"""Filters: the text of RFC 7644 section 3.4.2.2 as a tree, and the tree checked against a schema.

`parse` reads the grammar, `check` gives every name its canonical spelling and refuses what the
schema does not allow, `write` turns a tree into text again. Reading takes linear time and is
bounded: LENGTH_LIMIT characters, TERM_LIMIT comparisons, DEPTH_LIMIT levels of brackets and not.

Grammar, names and operators in any case:

    filter     = and-list *("or" and-list)
    and-list   = factor *("and" factor)
    factor     = ["not"] "(" filter ")" / "not" factor / term
    term       = path "pr" / path operator value / path "[" filter "]" ["." name (…)]
    operator   = eq ne co sw ew gt ge lt le
    path       = [URN ":"] name ["." name]
    value      = JSON string / JSON number / true / false / null

Beyond the RFC (each is in leniency.py): `not` without parentheses, a sub-attribute after a value
filter (`emails[type eq "work"].value eq "x"`), and values without quotes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

import orjson

from . import leniency, times
from .errors import InvalidFilter, InvalidPath
from .schema import Attribute, Resolved, ResourceType, resolve

LENGTH_LIMIT = 8_192
TERM_LIMIT = 100
DEPTH_LIMIT = 20

Value = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class AttrPath:
    """A name: `urn` qualifies it, `sub` is the sub-attribute.

    Inside a value filter (`emails[type eq "work"]`) the names are sub-attributes, and stand in
    `name`. After `check` all parts have their canonical spelling, and urn is None for attributes
    that stand in the resource itself, or the URN of the extension that holds them.
    """

    urn: str | None
    name: str
    sub: str | None = None

    def __str__(self) -> str:
        name = self.name if self.sub is None else f"{self.name}.{self.sub}"
        return name if self.urn is None else f"{self.urn}:{name}"


@dataclass(frozen=True, slots=True)
class Compare:
    """One comparison; `op` is eq, ne, co, sw, ew, gt, ge, lt or le."""

    path: AttrPath
    op: str
    value: Value


@dataclass(frozen=True, slots=True)
class Present:
    """`path pr`: there is a value, and it is not empty."""

    path: AttrPath


@dataclass(frozen=True, slots=True)
class ValuePath:
    """`path[filter]`: one value of a complex attribute fulfils the whole filter."""

    path: AttrPath
    filter: Filter


@dataclass(frozen=True, slots=True)
class Not:
    """The term does not hold."""

    term: Filter


@dataclass(frozen=True, slots=True)
class And:
    """All terms hold; two or more."""

    terms: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one term holds; two or more. Binds less tightly than `And`."""

    terms: tuple[Filter, ...]


Filter = And | Or | Not | Compare | Present | ValuePath

OPERATORS = frozenset(("eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"))
_TEXT_OPERATORS = OPERATORS
_ORDER_OPERATORS = frozenset(("eq", "ne", "gt", "ge", "lt", "le"))
_EQUALITY_OPERATORS = frozenset(("eq", "ne"))
_OPERATORS_BY_TYPE = {
    "string": _TEXT_OPERATORS,
    "reference": _TEXT_OPERATORS,
    "dateTime": _ORDER_OPERATORS,
    "integer": _ORDER_OPERATORS,
    "decimal": _ORDER_OPERATORS,
    "boolean": _EQUALITY_OPERATORS,
    "binary": _EQUALITY_OPERATORS,
}

# Possessive quantifiers (*+) never give back what they took, so no input makes this backtrack.
_TOKEN = re.compile(
    r"""[ \t\r\n]*+(?:
        (?P<string> "[^"\\]*+(?:\\.[^"\\]*+)*+" )
      | (?P<mark>   [()\[\]] )
      | (?P<word>   [^ \t\r\n()\[\]"\\]++ )
      | (?P<end>    \Z )
    )""",
    re.VERBOSE | re.DOTALL,
)
_BLANK = re.compile(r"[ \t\r\n]*+")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_NAME = re.compile(r"[A-Za-z$][A-Za-z0-9_$-]*+")
_URN = re.compile(r"[A-Za-z][A-Za-z0-9._~:/%+@!*',;=#?&$-]*+")
_LITERALS: dict[str, Value] = {"true": True, "false": False, "null": None}
_CONNECTIVES = frozenset(("and", "or", "not"))
_WORDS = _CONNECTIVES | OPERATORS | {"pr"}

_SIMPLE = re.compile(
    r"(userName|externalId|id|displayName|emails\.value|emails\[type[ ]eq[ ]\"work\"\]\.value)"
    r"[ ]eq[ ]\"([^\"\\\x00-\x1f\ud800-\udfff]{0,1000}+)\"",
    re.IGNORECASE | re.ASCII,
)
_SIMPLE_NAMES = {
    name.lower(): name for name in ("userName", "externalId", "id", "displayName", "emails.value")
} | {'emails[type eq "work"].value': 'emails[type eq "work"].value'}


def simple_eq(text: str) -> tuple[str, str] | None:
    """The filters that IdPs really send, without the parser; None if it is not one of them.

    Gives the canonical name (`userName`, `externalId`, `id`, `displayName`, `emails.value` or
    `emails[type eq "work"].value`) and the value. What it accepts means the same to `parse`.
    """
    match = _SIMPLE.fullmatch(text)
    if match is None:
        return None
    return _SIMPLE_NAMES[match[1].lower()], match[2]


def parse(text: str) -> Filter:
    """Read a filter; InvalidFilter tells the position and what was expected there."""
    parser = Parser(text, InvalidFilter, "filter")
    found = parser.filter(0)
    if parser.kind != "end":
        parser.fail("and, or, or the end")
    return found


class Parser:
    """Reads one text from left to right, one token ahead.

    kind: string, mark, word or end; token: its text; start: where it begins, from 0. Paths of
    PATCH (path.py) read their value filters with it too, and refuse with another error class.
    """

    def __init__(
        self, text: str, error: type[InvalidFilter] | type[InvalidPath], what: str
    ) -> None:
        self.text = text
        self.error = error
        self.what = what
        self.terms = 0
        self.position = 0
        if len(text) > LENGTH_LIMIT:
            raise error(f"The {what} is too long: at most {LENGTH_LIMIT} characters.")
        if "\x00" in text or not _encodable(text):
            raise error(f"The {what} contains characters that are not allowed.")
        self.advance()

    def advance(self) -> None:
        """Step to the next token."""
        match = _TOKEN.match(self.text, self.position)
        if match is None:
            self.start = _BLANK.match(self.text, self.position).end()  # type: ignore[union-attr]
            quote = self.text[self.start] == '"'
            self.fail("a closing double quote" if quote else "no backslash outside of quotes")
        self.kind = match.lastgroup or "end"
        self.token: str = match[self.kind]
        self.start = match.start(self.kind)
        self.position = match.end()

    def fail(self, expected: str) -> NoReturn:
        """Refuse, naming the position of the present token."""
        raise self.error(
            f"The {self.what} cannot be read at character {self.start + 1}: expected {expected}."
        )

    def word(self) -> str:
        """The present token in lower case if it is a word, otherwise nothing."""
        return self.token.lower() if self.kind == "word" else ""

    def mark(self, mark: str) -> bool:
        """Whether the present token is this bracket."""
        return self.kind == "mark" and self.token == mark

    def take(self, mark: str, expected: str) -> None:
        """Step over a bracket that must be here."""
        if not self.mark(mark):
            self.fail(expected)
        self.advance()

    def deeper(self, depth: int) -> int:
        """One level more of nesting, up to the limit."""
        if depth >= DEPTH_LIMIT:
            raise self.error(f"The {self.what} is nested too deeply: at most {DEPTH_LIMIT} levels.")
        return depth + 1

    def count(self) -> None:
        """One comparison more, up to the limit."""
        self.terms += 1
        if self.terms > TERM_LIMIT:
            raise self.error(f"The {self.what} has too many terms: at most {TERM_LIMIT}.")

    def filter(self, depth: int, *, in_value: bool = False) -> Filter:
        """and-list *("or" and-list)"""
        terms = [self.and_list(depth, in_value)]
        while self.word() == "or":
            self.advance()
            terms.append(self.and_list(depth, in_value))
        return terms[0] if len(terms) == 1 else Or(tuple(terms))

    def and_list(self, depth: int, in_value: bool) -> Filter:
        """factor *("and" factor)"""
        terms = [self.factor(depth, in_value)]
        while self.word() == "and":
            self.advance()
            terms.append(self.factor(depth, in_value))
        return terms[0] if len(terms) == 1 else And(tuple(terms))

    def factor(self, depth: int, in_value: bool) -> Filter:
        """A term, a negation, or a filter in parentheses."""
        if self.mark("("):
            self.advance()
            inside = self.filter(self.deeper(depth), in_value=in_value)
            self.take(")", "and, or, or a closing parenthesis")
            return inside
        if self.word() == "not":
            self.advance()
            return Not(self.factor(self.deeper(depth), in_value))
        return self.term(depth, in_value)

    def term(self, depth: int, in_value: bool) -> Filter:
        """One comparison, presence test or value path."""
        path = self.path(in_value)
        if self.mark("["):
            if in_value:
                self.fail("an operator, because value filters hold no value filters")
            return self.value_path(path, depth)
        return self.comparison(path)

    def comparison(self, path: AttrPath) -> Compare | Present:
        """What follows the name: pr, or an operator and a value."""
        self.count()
        op = self.word()
        if op == "pr":
            self.advance()
            return Present(path)
        if op not in OPERATORS:
            self.fail("an operator (eq, ne, co, sw, ew, gt, ge, lt, le or pr)")
        self.advance()
        return Compare(path, op, self.value())

    def value_path(self, path: AttrPath, depth: int) -> Filter:
        """A filter in brackets, and perhaps a comparison of a sub-attribute after it."""
        if path.sub is not None:
            self.fail("an operator, because value filters belong to an attribute as a whole")
        inside = self.value_filter(depth)
        if self.kind != "word" or not self.token.startswith("."):
            return ValuePath(path, inside)
        compared = self.comparison(self.sub_attribute())
        terms = inside.terms if isinstance(inside, And) else (inside,)
        return ValuePath(path, And((*terms, compared)))

    def value_filter(self, depth: int) -> Filter:
        """ "[" filter "]" """
        self.take("[", "an opening bracket")
        inside = self.filter(self.deeper(depth), in_value=True)
        self.take("]", "and, or, or a closing bracket")
        return inside

    def sub_attribute(self) -> AttrPath:
        """ "." name, straight after a closing bracket"""
        name = self.token[1:]
        if not _NAME.fullmatch(name):
            self.fail("the name of a sub-attribute")
        self.advance()
        return AttrPath(None, name)

    def path(self, in_value: bool = False) -> AttrPath:
        """[URN ":"] name ["." name]"""
        path = split_name(self.token) if self.kind == "word" else None
        if path is None or self.word() in _CONNECTIVES:
            self.fail("the name of an attribute")
        if in_value and (path.urn is not None or path.sub is not None):
            self.fail("the plain name of a sub-attribute")
        self.advance()
        return path

    def value(self) -> Value:
        """A JSON string, number or literal; a plain word by leniency."""
        token = self.token
        if self.kind == "string":
            value: Value = token[1:-1]
            if "\\" in token:
                try:
                    value = orjson.loads(token.encode())
                except ValueError:
                    self.fail("a string with valid escapes")
                if isinstance(value, str) and "\x00" in value:
                    self.fail("a string without the character NUL")
        elif self.kind == "word":
            value = self.bare_value(token)
        else:
            self.fail("a value in double quotes, a number, true, false or null")
        self.advance()
        return value

    def bare_value(self, token: str) -> Value:
        """A value that is written without quotes."""
        literal = token.lower()
        if literal in _LITERALS:
            return _LITERALS[literal]
        number = _NUMBER.fullmatch(token)
        if number is None:
            text = None if literal in _WORDS else leniency.unquoted_value(token)
            if text is None:
                self.fail("a value in double quotes, a number, true, false or null")
            return text
        if len(token) > 100:
            self.fail("a number of at most 100 digits")
        if number[1] is None and number[2] is None:
            return int(token)
        value = float(token)
        if value in (float("inf"), float("-inf")):
            self.fail("a smaller number")
        return value


def split_name(text: str) -> AttrPath | None:
    """[URN ":"] name ["." name]; None if it has another form.

    The URN ends at the last colon, because names hold none and URNs hold dots ("2.0").
    """
    urn, colon, rest = text.rpartition(":")
    if colon and not _URN.fullmatch(urn):
        return None
    name, dot, sub = rest.partition(".")
    if not _NAME.fullmatch(name) or (dot and not _NAME.fullmatch(sub)):
        return None
    return AttrPath(urn if colon else None, name, sub if dot else None)


def _encodable(text: str) -> bool:
    """Whether the text is free of lone surrogates, which no UTF-8 can hold."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def write(filter: Filter) -> str:
    """The filter as text, which `parse` reads back to the same tree."""
    match filter:
        case Compare(path, op, value):
            return f"{path} {op} {orjson.dumps(value).decode()}"
        case Present(path):
            return f"{path} pr"
        case ValuePath(path, inside):
            return f"{path}[{write(inside)}]"
        case Not(term):
            return f"not ({write(term)})"
        case And(terms):
            return " and ".join(_write_term(term) for term in terms)
        case Or(terms):
            return " or ".join(_write_term(term) for term in terms)


def _write_term(term: Filter) -> str:
    return f"({write(term)})" if isinstance(term, And | Or) else write(term)


# --- Check --------------------------------------------------------------------------------------


def check(filter: Filter, resource_types: ResourceType | Sequence[ResourceType]) -> Filter:
    """The filter with canonical names, or InvalidFilter if the schema does not allow it.

    With several resource types (a search from the root) a name must be known to one of them; for
    the others it means an attribute without a value. Then a name that was qualified with the URN
    of a core schema keeps it, so that it goes on meaning that one type. Refused are unknown names,
    attributes that are never returned, operators that do not fit the type (`co` or `gt` on a
    boolean; only eq and ne on binary), values of another type, and null with anything but eq and
    ne. A complex attribute that is compared as a whole means its `value` (leniency.bare_complex).
    """
    if isinstance(resource_types, ResourceType):
        resource_types = (resource_types,)
    return _check(filter, resource_types)


def _check(filter: Filter, types: Sequence[ResourceType]) -> Filter:
    match filter:
        case And(terms):
            return And(tuple(_check(term, types) for term in terms))
        case Or(terms):
            return Or(tuple(_check(term, types) for term in terms))
        case Not(term):
            return Not(_check(term, types))
        case Present(path):
            return Present(_known(path, types)[0])
        case ValuePath(path, inside):
            known, resolved = _known(path, types)
            if resolved.leaf.type != "complex" or ":" in resolved.attribute.name:
                raise InvalidFilter(
                    f"{path} has no sub-attributes, so it cannot have a filter in brackets."
                )
            return ValuePath(known, check_value_filter(inside, resolved.attribute))
        case Compare(path, op, value):
            known, resolved = _known(path, types)
            attribute = resolved.leaf
            if attribute.type == "complex":
                attribute = leniency.bare_complex(attribute)
                known = replace(known, sub=attribute.name)
            return Compare(known, op, _fitting(attribute, path, op, value))


def check_value_filter(filter: Filter, attribute: Attribute) -> Filter:
    """Check what stands in the brackets after `attribute`; names are its sub-attributes."""
    match filter:
        case And(terms):
            return And(tuple(check_value_filter(term, attribute) for term in terms))
        case Or(terms):
            return Or(tuple(check_value_filter(term, attribute) for term in terms))
        case Not(term):
            return Not(check_value_filter(term, attribute))
        case Present(path):
            return Present(AttrPath(None, _sub(path, attribute).name))
        case Compare(path, op, value):
            sub = _sub(path, attribute)
            return Compare(AttrPath(None, sub.name), op, _fitting(sub, path, op, value))
        case ValuePath(path, _):
            raise InvalidFilter(f"Value filters hold no value filters, such as {path}[…].")


def _sub(path: AttrPath, attribute: Attribute) -> Attribute:
    sub = attribute.subs.get(path.name.lower())
    if sub is None or path.urn is not None or path.sub is not None:
        raise InvalidFilter(f"{attribute.name} has no sub-attribute called {path}.")
    return sub


def _known(path: AttrPath, types: Sequence[ResourceType]) -> tuple[AttrPath, Resolved]:
    """The canonical path and what it means to the first type that knows it."""
    for resource_type in types:
        resolved = resolve(resource_type, path.urn, path.name, path.sub)
        if resolved is None:
            continue
        attribute, sub = resolved.attribute, resolved.sub
        if resolved.leaf.returned == "never":
            raise InvalidFilter(f"{attribute.name} is never shown, so it cannot be filtered on.")
        urn = resolved.urn
        whole_extension = attribute.name.lower() in resource_type.containers
        if urn is None and path.urn is not None and len(types) > 1 and not whole_extension:
            urn = resource_type.schema.urn
        return AttrPath(urn, attribute.name, sub.name if sub else None), resolved
    raise InvalidFilter(f"There is no attribute called {path}.")


def _fitting(attribute: Attribute, path: AttrPath, op: str, value: Value) -> Value:
    """The value as the attribute's type wants it."""
    if op not in _OPERATORS_BY_TYPE.get(attribute.type, _TEXT_OPERATORS):
        raise InvalidFilter(f"{path} is of type {attribute.type} and cannot be compared with {op}.")
    if value is None:
        if op not in _EQUALITY_OPERATORS:
            raise InvalidFilter(f"{path} can be compared with null by eq and ne only, not by {op}.")
        return None
    match attribute.type:
        case "boolean":
            truth = leniency.boolean_as_string(value) if isinstance(value, str) else value
            if isinstance(truth, bool):
                return truth
            wanted = "true or false"
        case "integer" | "decimal":
            if isinstance(value, int | float) and not isinstance(value, bool):
                return value
            wanted = "a number"
        case "dateTime":
            if isinstance(value, str) and times.parse(value) is not None:
                return value
            wanted = "a date such as 2026-01-31T12:00:00Z, in double quotes"
        case _:
            if isinstance(value, str):
                return value
            wanted = "text in double quotes"
    raise InvalidFilter(f"{path} must be compared with {wanted}.")
