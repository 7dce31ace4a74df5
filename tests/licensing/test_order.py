"""Python and PostgreSQL agree about the order of R17."""

import random

import pytest

from accounts import names
from licensing import seats
from licensing.order import in_allocation_order
from tests.factories import connect, organization, pool_of, set_seats

WORDS = [
    "",
    "a",
    "A",
    "Á",
    "ä",
    "z",
    "Z",
    "ø",
    "ß",
    "ss",
    "9",
    "10",
    "-",
    " ",
    "a b",
    "a-b",
    "ñ",
    "李",
    "Ω",
    "\U0001f388",
    "\x01",
    "~",
    "é",
    "e\u0301",
]


@pytest.mark.django_db
def test_the_database_sorts_as_python_does():
    """R17: one order in lists, in grants and in bulk requests."""
    which = random.Random(5)
    owner = organization()
    idp = connect(owner, seats=0, when_full="waitlist")
    made = []
    for n in range(60):
        number, last, first = (which.choice(WORDS) for _ in range(3))
        answer = idp.create(f"p{n:02d}@acme.example", number=number, last=last, first=first)
        assert answer.status == 201
        made.append(
            (
                names.sort_key(number, last, first, f"p{n:02d}@acme.example").encode(),
                f"p{n:02d}@acme.example",
            )
        )
    expected = [email for _, email in sorted(made)]
    waiting = list(seats.waiting(pool_of(owner)))
    assert [entry.email for entry in waiting] == expected
    which.shuffle(waiting)
    assert [entry.email for entry in in_allocation_order(waiting)] == expected
    set_seats(owner, 30)
    assert [seat.person.email for seat in seats.holders(pool_of(owner))] == expected[:30]
