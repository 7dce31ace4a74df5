"""What a filter means: RFC 7644 section 3.4.2.2 and the table in evaluate.py."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim.protocol import document
from scim.protocol.errors import InvalidFilter
from scim.protocol.evaluate import matches
from scim.protocol.filter import And, Compare, Not, Or, Present, ValuePath, check, parse
from scim.protocol.schema import ENTERPRISE_URN, USER, USER_URN

from .strategies import many, some, users, words

ANNA = {
    "schemas": [USER_URN, ENTERPRISE_URN],
    "id": "4A",
    "externalId": "Ext-1",
    "userName": "Anna@example.com",
    "name": {"givenName": "Anna", "familyName": "Smith"},
    "title": "Manager",
    "nickName": "",
    "active": False,
    "emails": [
        {"value": "anna@work.example", "type": "work", "primary": True},
        {"value": "anna@home.example", "type": "home"},
        {"value": "anna@plain.example"},
    ],
    "meta": {"created": "2026-01-31T12:00:00.5Z", "resourceType": "User"},
    ENTERPRISE_URN: {"employeeNumber": "10", "manager": {"value": "boss-1"}},
}
ENT = ENTERPRISE_URN


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        # eq and ne, case
        ('userName eq "anna@EXAMPLE.com"', True),
        ('externalId eq "ext-1"', False),
        ('externalId eq "Ext-1"', True),
        ('externalId ne "ext-1"', True),
        ('id eq "4a"', False),
        ('name.familyName ne "smith"', False),
        ('title eq "Managers"', False),
        # no value
        ('displayName eq "x"', False),
        ('displayName ne "x"', True),
        ("displayName eq null", True),
        ("displayName ne null", False),
        ("title eq null", False),
        ("title ne null", True),
        ('displayName co ""', False),
        ('displayName gt "a"', False),
        ('displayName le "a"', False),
        ("displayName pr", False),
        ("phoneNumbers pr", False),
        ('phoneNumbers.value ne "x"', True),
        ('phoneNumbers[type eq "work"]', False),
        ("not (displayName pr)", True),
        ('not (displayName eq "x")', True),
        # parts of text
        ('title co "NAG"', True),
        ('title co ""', True),
        ('title sw "man"', True),
        ('title sw "ager"', False),
        ('title ew "AGER"', True),
        ('title ew "man"', False),
        ('externalId sw "ext"', False),
        # order
        ('title gt "MANAGED"', True),
        ('title ge "manager"', True),
        ('title gt "manager"', False),
        ('title lt "manager"', False),
        ('title le "MANAGER"', True),
        ('title lt "Z"', True),
        ('title lt "é"', True),
        ('externalId lt "a"', True),
        # present
        ("title pr", True),
        ("active pr", True),
        ("nickName pr", False),
        ('nickName eq ""', True),
        ("name pr", True),
        ("name.middleName pr", False),
        ("emails pr", True),
        ("emails.type pr", True),
        (f"{ENT}:manager pr", True),
        (f"{ENT} pr", True),
        # booleans
        ("active eq false", True),
        ('active eq "False"', True),
        ("active ne true", True),
        ("emails.primary eq true", True),
        ("emails[primary eq false]", False),
        ("emails[primary ne true]", True),
        # times
        ('meta.created gt "2026-01-31T11:59:59Z"', True),
        ('meta.created eq "2026-01-31T13:00:00.500+01:00"', True),
        ('meta.created lt "2026-01-31T12:00:00.5Z"', False),
        ('meta.created le "2026-01-31T12:00:00.5Z"', True),
        ('meta.created ne "2026-01-31"', True),
        ('meta.created gt "2026-01-31"', True),
        # several values
        ('emails.value eq "anna@home.example"', True),
        ('emails eq "ANNA@home.example"', True),
        ('emails.type ne "work"', True),
        ('emails.type ne "x"', True),
        ('emails.value co "@nowhere"', False),
        ('not (emails.type eq "work")', False),
        ('emails[type eq "work" and value ew "@work.example"]', True),
        ('emails[type eq "home" and value ew "@work.example"]', False),
        ('emails.type eq "home" and emails.value ew "@work.example"', True),
        ('emails[type eq "work"].value eq "anna@work.example"', True),
        ('emails[type eq "work"].value eq "anna@home.example"', False),
        ("emails[type eq null]", True),
        ('emails[type ne "work" and value co "plain"]', True),
        ("emails[not (type pr)]", True),
        ('emails[type eq "work" or type eq "x"]', True),
        # extensions, schemas
        (f'{ENT}:employeeNumber eq "10"', True),
        (f'{ENT}:employeeNumber gt "9"', False),
        (f'{ENT}:manager eq "boss-1"', True),
        (f'{ENT}:manager[value eq "boss-1"]', True),
        (f'{ENT}:department ne "x"', True),
        (f'schemas eq "{ENT}"', True),
        ('schemas eq "x"', False),
        # connectives
        ('title eq "Manager" or name.givenName eq "Cara" and active eq true', True),
        ('(title eq "Manager" or name.givenName eq "Cara") and active eq true', False),
        ("not (active eq true) and title pr", True),
        ("title pr or noSuchThing pr", True),
    ],
)
def test_a_filter_holds_or_does_not(text: str, holds: bool) -> None:
    """RFC 7644 section 3.4.2.2 and the table in evaluate.py."""
    tree = parse(text)
    assert matches(tree, ANNA, USER) is holds
    if "noSuchThing" not in text:
        assert matches(check(tree, USER), ANNA, USER) is holds


@pytest.mark.parametrize("text", ["title eq 5", "title gt 5", "active gt true", "userName[a pr]"])
def test_values_of_another_type_are_unequal_and_in_no_order(text: str) -> None:
    """In filters that were not checked."""
    assert not matches(parse(text), ANNA, USER)
    assert matches(parse("title ne 5"), ANNA, USER)


# --- A second evaluator, written from the table and nothing else ---------------------------------


def _leaves(name: tuple[str | None, str, str | None], user: dict) -> list[object]:
    urn, attribute, sub = name
    value = (user.get(urn, {}) if urn else user).get(attribute)
    values = value if isinstance(value, list) else [value]
    if sub:
        values = [v.get(sub) for v in values if isinstance(v, dict)]
    return [v for v in values if v is not None]


def _folded(value: object, exact: bool) -> object:
    return value.casefold() if isinstance(value, str) and not exact else value


NAIVE = {
    "eq": lambda v, w: v == w,
    "ne": lambda v, w: v != w,
    "co": lambda v, w: w in v,
    "sw": lambda v, w: v.startswith(w),
    "ew": lambda v, w: v.endswith(w),
    "gt": lambda v, w: v > w,
    "ge": lambda v, w: v >= w,
    "lt": lambda v, w: v < w,
    "le": lambda v, w: v <= w,
}


def naive(tree, user: dict) -> bool:
    match tree:
        case And(terms):
            return False not in [naive(t, user) for t in terms]
        case Or(terms):
            return True in [naive(t, user) for t in terms]
        case Not(term):
            return not naive(term, user)
        case Present(path):
            return [
                v for v in _leaves((path.urn, path.name, path.sub), user) if v not in ("", {})
            ] != []
        case ValuePath(path, inside):
            return any(naive(inside, v) for v in _leaves((path.urn, path.name, None), user))
        case Compare(path, op, wanted):
            values = _leaves((path.urn, path.name, path.sub), user)
            if wanted is None:
                return (op == "eq") == (values == [])
            if not values:
                return op == "ne"
            exact = path.name == "externalId"
            results = [NAIVE[op](_folded(value, exact), _folded(wanted, exact)) for value in values]
            return True in results
    raise AssertionError


_texts = st.sampled_from(
    [
        "userName",
        "title",
        "externalId",
        "name.givenName",
        "emails.value",
        "emails.type",
        "emails",
        "roles.display",
        "addresses.country",
        f"{ENT}:department",
        f"{ENT}:manager",
        f"{ENT}:manager.value",
    ]
)
_comparisons = st.one_of(
    st.builds(
        lambda n, op, v: f'{n} {op} "{v}"',
        _texts,
        st.sampled_from(list(NAIVE)),
        words,
    ),
    st.builds(lambda n, op: f"{n} {op} null", _texts, st.sampled_from(["eq", "ne"])),
    st.builds(lambda n: f"{n} pr", _texts),
    st.builds(
        lambda op, v: f"active {op} {v}",
        st.sampled_from(["eq", "ne"]),
        st.sampled_from(["true", "false"]),
    ),
    st.builds(
        lambda a, op, v, c, w: f'emails[type {op} "{v}" {c} value {op} "{w}"]',
        st.none(),
        st.sampled_from(["eq", "ne", "co", "sw"]),
        words,
        st.sampled_from(["and", "or"]),
        words,
    ),
)
_filters = st.recursive(
    _comparisons,
    lambda inner: st.one_of(
        st.builds(lambda a, b: f"({a}) and ({b})", inner, inner),
        st.builds(lambda a, b: f"({a}) or ({b})", inner, inner),
        st.builds(lambda a: f"not ({a})", inner),
    ),
    max_leaves=5,
)


@many
@given(_filters, users)
def test_two_evaluators_agree(text: str, body: dict) -> None:
    """The product's against a naive one."""
    user = document.read(USER, body)
    tree = check(parse(text), USER)
    assert matches(tree, user, USER) == naive(tree, user), text


@some
@given(_filters, _filters, users)
def test_the_laws_of_logic_hold(a: str, b: str, body: dict) -> None:
    """De Morgan, double negation, and eq against ne null."""
    user = document.read(USER, body)

    def holds(text: str) -> bool:
        return matches(check(parse(text), USER), user, USER)

    assert holds(f"not (({a}) and ({b}))") == holds(f"not ({a}) or not ({b})")
    assert holds(f"not (not ({a}))") == holds(a)
    assert holds("emails.value eq null") != holds("emails.value ne null")


def test_an_unchecked_complex_comparison_never_fails() -> None:
    """A complex attribute without value part has no value."""
    assert not matches(parse('name eq "x"'), ANNA, USER)
    assert matches(parse('name ne "x"'), ANNA, USER)
    with pytest.raises(InvalidFilter):
        check(parse('name eq "x"'), USER)
