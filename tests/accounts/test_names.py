"""One form for names, and the order of R17 as one text."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts import names


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ada@Acme.Example", "ada@acme.example"),
        ("  SMB ", "smb"),
        ("STRASSE", "straße"),
        ("ＳＭＢ", "smb"),
        ("Å", "Å"),
        ("İ", "i̇"),
        ("ﬁ", "fi"),
    ],
)
def test_spellings_that_a_person_would_call_the_same_have_one_key(one, other):
    """R24: ignoring case and outer spaces."""
    assert names.key(one) == names.key(other)


@pytest.mark.parametrize(("one", "other"), [("a b", "ab"), ("Ada", "Ád"), ("o", "0"), ("é", "e")])
def test_other_names_have_other_keys(one, other):
    """R24: no more than that is ignored."""
    assert names.key(one) != names.key(other)


@given(st.text())
def test_a_key_is_its_own_key(text):
    """R24: keys are stable, or the database would know one name twice."""
    assert names.key(names.key(text)) == names.key(text)


NUMBERS = [
    "0",
    "1",
    "1.05",
    "1.5",
    "2",
    "9",
    "10",
    "0011",
    "99",
    "100",
    "12345678901234567890",
    "-5",
    "7a",
    "A",
    "a7",
    "B-1",
    "Ö",
    "p",
    "",
]


def test_employee_numbers_go_by_value_then_text_then_none():
    """R17: 9 before 10, then other text, and people without one after all who have one."""
    shuffled = NUMBERS[:]
    random.Random(1).shuffle(shuffled)
    keys = sorted(shuffled, key=lambda number: names.employee_number_key(number).encode())
    assert keys == NUMBERS


@pytest.mark.parametrize(
    ("one", "other"), [("9", "009"), ("1.5", "1.50"), (" 7 ", "7"), ("A7", "a7"), ("", "  ")]
)
def test_the_same_number_in_another_spelling_is_the_same_place(one, other):
    """R17: numbers by value."""
    assert names.employee_number_key(one) == names.employee_number_key(other)


@given(st.integers(0, 10**60), st.integers(0, 10**60))
def test_whole_numbers_compare_as_numbers_whatever_their_length(one, other):
    """R17: numbers by value."""
    keys = names.employee_number_key(str(one)), names.employee_number_key(str(other))
    assert (keys[0] < keys[1]) == (one < other)


@given(st.decimals(0, 10**6, places=3), st.decimals(0, 10**6, places=3))
def test_fractions_compare_as_numbers(one, other):
    """R17: numbers by value."""
    keys = names.employee_number_key(f"{one:f}"), names.employee_number_key(f"{other:f}")
    assert (keys[0] < keys[1]) == (one < other)


@given(st.lists(st.tuples(*[st.text(max_size=8)] * 4), max_size=20))
def test_a_part_never_spills_into_the_next(people):
    """R17: last name, then first name, then e-mail: compared part by part."""

    def by_parts(person):
        number, last, first, email = person
        return (
            names.employee_number_key(number),
            names.alphabetical(last),
            names.alphabetical(first),
            names.key(email),
        )

    harmless = [tuple("".join(c for c in part if c > " ") for part in person) for person in people]
    by_text = sorted(harmless, key=lambda person: names.sort_key(*person).encode())
    assert [by_parts(person) for person in by_text] == sorted(
        (by_parts(person) for person in harmless),
        key=lambda parts: tuple(part.encode() for part in parts),
    )


@given(*[st.text(max_size=400)] * 4)
def test_a_place_fits_its_column_and_the_database(number, last, first, email):
    """R17: whatever an identity provider sends."""
    key = names.sort_key(number, last, first, email)
    assert len(key) <= 512
    assert "\x00" not in key


@pytest.mark.parametrize("text", ["a@b", "ada@acme.example", "ünïcödé@acme.example", "a+b@c.de"])
def test_an_address_looks_like_one(text):
    """R12: people are matched by what is an address."""
    assert names.looks_like_email(text)


@pytest.mark.parametrize(
    "text", ["", "@", "a@", "@b", "a b@c", "a@b c", "a,b@c", "<a@b>", "a@b\n.x"]
)
def test_what_is_no_address_does_not_look_like_one(text):
    """R12: and never by anything else."""
    assert not names.looks_like_email(text)
