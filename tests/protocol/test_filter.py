"""Filters as text and as trees: RFC 7644 section 3.4.2.2."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim.protocol.errors import InvalidFilter
from scim.protocol.filter import (
    And,
    AttrPath,
    Compare,
    Not,
    Or,
    Present,
    ValuePath,
    check,
    parse,
    simple_eq,
    write,
)
from scim.protocol.schema import ENTERPRISE_URN, GROUP, GROUP_URN, USER, USER_URN

from .strategies import filters, many


def path(name: str, sub: str | None = None, urn: str | None = None) -> AttrPath:
    return AttrPath(urn, name, sub)


A, B, C = (Present(path(name)) for name in "abc")
TYPE_WORK = Compare(path("type"), "eq", "work")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        # Figure 1 of RFC 7644.
        ('userName eq "bjensen"', Compare(path("userName"), "eq", "bjensen")),
        ('name.familyName co "O\'Malley"', Compare(path("name", "familyName"), "co", "O'Malley")),
        ('userName sw "J"', Compare(path("userName"), "sw", "J")),
        (f'{USER_URN}:userName sw "J"', Compare(path("userName", None, USER_URN), "sw", "J")),
        ("title pr", Present(path("title"))),
        (
            'meta.lastModified gt "2011-05-13T04:42:34Z"',
            Compare(path("meta", "lastModified"), "gt", "2011-05-13T04:42:34Z"),
        ),
        (
            'title pr and userType eq "Employee"',
            And((Present(path("title")), Compare(path("userType"), "eq", "Employee"))),
        ),
        (
            'title pr or userType eq "Intern"',
            Or((Present(path("title")), Compare(path("userType"), "eq", "Intern"))),
        ),
        (f'schemas eq "{ENTERPRISE_URN}"', Compare(path("schemas"), "eq", ENTERPRISE_URN)),
        (
            'userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")',
            And(
                (
                    Compare(path("userType"), "eq", "Employee"),
                    Or(
                        (
                            Compare(path("emails"), "co", "example.com"),
                            Compare(path("emails", "value"), "co", "example.org"),
                        )
                    ),
                )
            ),
        ),
        (
            'userType ne "Employee" and not (emails co "example.com" or emails.value co "x")',
            And(
                (
                    Compare(path("userType"), "ne", "Employee"),
                    Not(
                        Or(
                            (
                                Compare(path("emails"), "co", "example.com"),
                                Compare(path("emails", "value"), "co", "x"),
                            )
                        )
                    ),
                )
            ),
        ),
        (
            'userType eq "Employee" and (emails.type eq "work")',
            And(
                (
                    Compare(path("userType"), "eq", "Employee"),
                    Compare(path("emails", "type"), "eq", "work"),
                )
            ),
        ),
        (
            'emails[type eq "work" and value co "@example.com"] or '
            'ims[type eq "xmpp" and value co "@foo.com"]',
            Or(
                (
                    ValuePath(
                        path("emails"),
                        And((TYPE_WORK, Compare(path("value"), "co", "@example.com"))),
                    ),
                    ValuePath(
                        path("ims"),
                        And(
                            (
                                Compare(path("type"), "eq", "xmpp"),
                                Compare(path("value"), "co", "@foo.com"),
                            )
                        ),
                    ),
                )
            ),
        ),
        # Precedence and grouping.
        ("a pr or b pr and c pr", Or((A, And((B, C))))),
        ("a pr and b pr or c pr", Or((And((A, B)), C))),
        ("(a pr or b pr) and c pr", And((Or((A, B)), C))),
        ("a pr and b pr and c pr", And((A, B, C))),
        ("((a pr))", A),
        ("not (a pr) and b pr", And((Not(A), B))),
        ("not a pr and b pr", And((Not(A), B))),
        ("NOT(NOT (a pr))", Not(Not(A))),
        # Words in any case, brackets and blanks anywhere.
        ('A EQ "x" AND b PR', And((Compare(path("A"), "eq", "x"), B))),
        (" \ta  pr\r\nand(b pr) ", And((A, B))),
        ('emails [ type eq "work" ]', ValuePath(path("emails"), TYPE_WORK)),
        # Values.
        ('a eq "\\"\\\\\\/\\n\\u00e9\\ud83d\\ude00"', Compare(path("a"), "eq", '"\\/\né😀')),
        ('a eq ""', Compare(path("a"), "eq", "")),
        ('a eq "(not) [x] and \' or"', Compare(path("a"), "eq", "(not) [x] and ' or")),
        ("a eq 10", Compare(path("a"), "eq", 10)),
        ("a lt -12.5e2", Compare(path("a"), "lt", -1250.0)),
        ("a eq true", Compare(path("a"), "eq", True)),
        ("a eq False", Compare(path("a"), "eq", False)),
        ("a ne NULL", Compare(path("a"), "ne", None)),
        # What vendors send.
        (
            'emails[type eq "work"].value eq "x"',
            ValuePath(path("emails"), And((TYPE_WORK, Compare(path("value"), "eq", "x")))),
        ),
        (
            'emails[type eq "work" and primary eq true].value sw "x"',
            ValuePath(
                path("emails"),
                And(
                    (
                        TYPE_WORK,
                        Compare(path("primary"), "eq", True),
                        Compare(path("value"), "sw", "x"),
                    )
                ),
            ),
        ),
        (
            'emails[type eq "work"].value pr',
            ValuePath(path("emails"), And((TYPE_WORK, Present(path("value"))))),
        ),
        (
            f'{ENTERPRISE_URN}:manager eq "1"',
            Compare(path("manager", None, ENTERPRISE_URN), "eq", "1"),
        ),
        (
            f'{ENTERPRISE_URN}:manager.value eq "1"',
            Compare(path("manager", "value", ENTERPRISE_URN), "eq", "1"),
        ),
        (
            "name.FamilyName eq Employee and (emails.Value co x.com or emails.Value co x.org)",
            And(
                (
                    Compare(path("name", "FamilyName"), "eq", "Employee"),
                    Or(
                        (
                            Compare(path("emails", "Value"), "co", "x.com"),
                            Compare(path("emails", "Value"), "co", "x.org"),
                        )
                    ),
                )
            ),
        ),
        (
            "meta.Created gt 2015-10-10T14:38:21.8617979-07:00",
            Compare(path("meta", "Created"), "gt", "2015-10-10T14:38:21.8617979-07:00"),
        ),
        ('members[$ref eq "x"]', ValuePath(path("members"), Compare(path("$ref"), "eq", "x"))),
    ],
)
def test_a_filter_is_read(text: str, tree) -> None:
    """RFC 7644 section 3.4.2.2 with its examples; leniency.py for the rest."""
    assert parse(text) == tree
    assert parse(write(tree)) == tree


@pytest.mark.parametrize(
    ("text", "position", "expected"),
    [
        ("", 1, "the name of an attribute"),
        ("   ", 4, "the name of an attribute"),
        ("userName", 9, "an operator"),
        ('userName eqq "x"', 10, "an operator"),
        ("userName eq", 12, "a value"),
        ('userName eq "x" and', 20, "the name of an attribute"),
        ('userName eq "x" nad b pr', 17, "and, or, or the end"),
        ('userName eq "x', 13, "a closing double quote"),
        ("userName eq 'x'", 13, "a value"),
        ("userName eq and", 13, "a value"),
        ("userName eq [", 13, "a value"),
        ("userName eq \\x", 13, "no backslash"),
        ('userName eq "\\x"', 13, "a string with valid escapes"),
        ('userName eq "\\ud800"', 13, "a string with valid escapes"),
        ('userName eq "\\u0000"', 13, "a string without the character NUL"),
        ("userName eq 1e999", 13, "a smaller number"),
        ("(a pr", 6, "a closing parenthesis"),
        ("a pr)", 5, "the end"),
        ("()", 2, "the name of an attribute"),
        ("not", 4, "the name of an attribute"),
        ("or a pr", 1, "the name of an attribute"),
        ('emails[type eq "work"', 22, "a closing bracket"),
        ("emails[]", 8, "the name of an attribute"),
        ('emails.value[type eq "x"]', 13, "an operator"),
        ('emails[type[x pr] eq "x"]', 12, "value filters hold no value filters"),
        ('emails[emails.type eq "x"]', 8, "the plain name"),
        ('emails[type eq "x"].', 20, "the name of a sub-attribute"),
        ('emails[type eq "x"].a.b pr', 20, "the name of a sub-attribute"),
        ("a.b.c pr", 1, "the name of an attribute"),
        ("5 pr", 1, "the name of an attribute"),
        ('"a" eq "b"', 1, "the name of an attribute"),
        ("naïve pr", 1, "the name of an attribute"),
    ],
)
def test_a_filter_that_cannot_be_read_is_refused_where_it_goes_wrong(
    text: str, position: int, expected: str
) -> None:
    """RFC 7644 table 9: invalidFilter; tapes rfc-errors and rfc-search."""
    with pytest.raises(InvalidFilter) as refused:
        parse(text)
    assert f"at character {position}: " in refused.value.detail
    assert expected in refused.value.detail


def test_filters_are_bounded() -> None:
    """8,192 characters, 100 terms, 20 levels."""
    parse('a eq "' + "x" * 8_185 + '"')
    parse(" or ".join(["a pr"] * 100))
    parse("(" * 20 + "a pr" + ")" * 20)
    for text in (
        'a eq "' + "x" * 8_186 + '"',
        " or ".join(["a pr"] * 101),
        "(" * 21 + "a pr" + ")" * 21,
        "not " * 21 + "a pr",
        "(" * 20 + "emails[type pr]" + ")" * 20,
    ):
        with pytest.raises(InvalidFilter):
            parse(text)


@pytest.mark.parametrize("text", ["a eq \x00", 'a eq "\x00"', 'a eq "\ud800"'])
def test_characters_that_no_text_can_hold_are_refused(text: str) -> None:
    """NUL and lone surrogates."""
    with pytest.raises(InvalidFilter):
        parse(text)


@many
@given(filters)
def test_a_tree_is_written_and_read_back(tree) -> None:
    """Tree to text to tree."""
    assert parse(write(tree)) == tree


# --- The short cut ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('userName eq "a@example.com"', ("userName", "a@example.com")),
        ('USERNAME EQ "O\'Neil é"', ("userName", "O'Neil é")),
        ('externalId eq "1"', ("externalId", "1")),
        ('id eq "1"', ("id", "1")),
        ('displayName eq "Sales (EMEA) [x]"', ("displayName", "Sales (EMEA) [x]")),
        ('emails.value eq "a"', ("emails.value", "a")),
        ('emails[type eq "work"].value eq "a"', ('emails[type eq "work"].value', "a")),
        ('userName eq ""', ("userName", "")),
    ],
)
def test_the_filters_of_idps_take_the_short_cut(text: str, found: tuple[str, str]) -> None:
    """Those of the tapes of Okta, Entra and OneLogin."""
    assert simple_eq(text) == found


@pytest.mark.parametrize(
    "text",
    [
        'userName eq "a\\"b"',
        'userName eq "a" and title pr',
        'userName ne "a"',
        'title eq "a"',
        'userName  eq "a"',
        'userName eq "a"\n',
        'userName eq "a\x00"',
        "userName eq true",
        "",
        'uſerName eq "a"',
        'emails[type eq "home"].value eq "a"',
        'userName eq "' + "x" * 1001 + '"',
    ],
)
def test_everything_else_goes_to_the_parser(text: str) -> None:
    """No short cut where the meaning could differ."""
    assert simple_eq(text) is None


@many
@given(
    st.sampled_from(
        ["userName", "ID", "externalid", "emails.value", 'Emails[Type eq "work"].value']
    ),
    st.text(max_size=12),
)
def test_the_short_cut_means_what_the_parser_reads(name: str, value: str) -> None:
    """simple_eq agrees with parse and check."""
    text = f'{name} eq "{value}"'
    found = simple_eq(text)
    if found is None:
        return
    tree = check(parse(text), USER)
    if "[" in found[0]:
        inside = And((TYPE_WORK, Compare(path("value"), "eq", found[1])))
        assert tree == ValuePath(path("emails"), inside)
    else:
        first, _, sub = found[0].partition(".")
        assert tree == Compare(path(first, sub or None), "eq", found[1])


# --- Check --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ('USERNAME eq "x"', 'userName eq "x"'),
        (f'{USER_URN.upper()}:USERNAME eq "x"', 'userName eq "x"'),
        (f"{ENTERPRISE_URN.lower()}:EMPLOYEENUMBER pr", f"{ENTERPRISE_URN}:employeeNumber pr"),
        ('Emails[TYPE eq "work"].Value eq "x"', 'emails[type eq "work" and value eq "x"]'),
        ('emails co "x"', 'emails.value co "x"'),
        ('members eq "x"', 'members.value eq "x"'),
        (f'{ENTERPRISE_URN}:manager eq "x"', f'{ENTERPRISE_URN}:manager.value eq "x"'),
        (f"{ENTERPRISE_URN}:manager eq null", f"{ENTERPRISE_URN}:manager.value eq null"),
        ('ACTIVE eq "True"', "active eq true"),
        ('emails[primary eq "false"]', "emails[primary eq false]"),
        (
            'meta.lastmodified ge "2011-05-13T04:42:34Z"',
            'meta.lastModified ge "2011-05-13T04:42:34Z"',
        ),
        ("not (title pr or title eq null)", "not (title pr or title eq null)"),
        ('schemas eq "x"', 'schemas eq "x"'),
        ('x509certificates.VALUE eq "AAAA"', 'x509Certificates.value eq "AAAA"'),
        ("emails pr", "emails pr"),
        ("name pr", "name pr"),
        ('groups[value eq "x"]', 'groups[value eq "x"]'),
    ],
)
def test_a_checked_filter_has_canonical_names_and_values(text: str, canonical: str) -> None:
    """RFC 7643 section 2.1, RFC 7644 section 3.10."""
    types = GROUP if "members" in text else USER
    checked = check(parse(text), types)
    assert write(checked) == canonical
    assert check(checked, types) == checked


def test_an_extension_can_be_asked_for_as_a_whole() -> None:
    """RFC 7643 section 3.3."""
    checked = check(parse(f"{ENTERPRISE_URN.upper()} pr"), USER)
    assert checked == Present(path(ENTERPRISE_URN))
    assert check(checked, USER) == checked


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('noSuchThing eq "x"', "noSuchThing"),
        ('emails.nothing eq "x"', "emails.nothing"),
        ('emails[nothing eq "x"]', "nothing"),
        ('employeeNumber eq "9"', "employeeNumber"),
        ("urn:example:x:y pr", "urn:example:x:y"),
        ('members.value eq "x"', "members.value"),
        ('password eq "x"', "password"),
        ("password pr", "password"),
        ('active co "tru"', "active"),
        ("active gt true", "active"),
        ('active eq "perhaps"', "active"),
        ("active eq 1", "active"),
        ("title eq true", "title"),
        ("title eq 5", "double quotes"),
        ("title gt null", "null"),
        ('name eq "x"', "name.formatted"),
        ('addresses co "x"', "addresses.formatted"),
        ('meta eq "x"', "meta.resourceType"),
        (f'{ENTERPRISE_URN} eq "x"', "part"),
        (f'{ENTERPRISE_URN}[department eq "x"]', "brackets"),
        ('userName[value eq "x"]', "brackets"),
        ('meta.created gt "yesterday"', "meta.created"),
        ('meta.created co "2011"', "meta.created"),
        ("meta.created gt 5", "meta.created"),
        ('x509Certificates.value gt "AAAA"', "x509Certificates"),
        ("emails[primary gt true]", "primary"),
        ('schemas[value eq "x"]', "brackets"),
        ("title pr and (active eq true or not (nothing pr))", "nothing"),
    ],
)
def test_what_the_schema_does_not_allow_is_refused_by_name(text: str, said: str) -> None:
    """RFC 7644 table 9: the attribute and comparison combination is not supported."""
    with pytest.raises(InvalidFilter) as refused:
        check(parse(text), USER)
    assert said in refused.value.detail


def test_a_search_from_the_root_knows_the_names_of_all_types() -> None:
    """RFC 7644 section 3.4.2.1."""
    both = (USER, GROUP)
    text = 'userName eq "x" or members.value eq "y" or displayName eq "z"'
    assert write(check(parse(text), both)) == text
    kept = f'{GROUP_URN}:displayName eq "z"'
    assert write(check(parse(kept.upper().replace("EQ", "eq").replace('"Z"', '"z"')), both)) == kept
    with pytest.raises(InvalidFilter):
        check(parse("noSuchThing pr"), both)
