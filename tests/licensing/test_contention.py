"""Many pushes at once to the real web server: gunicorn's processes and threads, HTTP, PostgreSQL.

./test repeats each race three times; so many with SEATKEEPER_ROUNDS:

    SEATKEEPER_ROUNDS=50 ./test tests/licensing/test_contention.py
"""

from __future__ import annotations

import functools
import os
import random
from collections import Counter
from collections.abc import Iterator

import pytest
from django.db import connection

from accounts.models import Link, Person
from licensing.models import Pool
from tests import factories
from tests.config import processes
from tests.licensing import books
from tests.licensing.live import OverHttp, at_once, web

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

ROUNDS = int(os.environ.get("SEATKEEPER_ROUNDS") or 3)
THREADS = 32


@pytest.fixture(scope="module")
def base_url(django_db_setup: None) -> Iterator[str]:
    with processes.data_folder() as folder, web(folder) as url:
        yield url


@pytest.fixture(autouse=True)
def _books_are_right_at_the_end(transactional_db: None) -> Iterator[None]:
    """R15, R18, R21, R26: by SQL, and by reconciliation."""
    yield
    with connection.cursor() as cursor:

        def execute(statement: str) -> list:
            cursor.execute(statement)
            return cursor.fetchall()

        assert books.wrong(execute) == {}
    factories.check_books()


def _numbered(n: int) -> dict[str, str]:
    return {"email": f"p{n:03d}@acme.example", "number": str(n), "last": f"Person {n:03d}"}


@pytest.mark.parametrize("when_full", ["refuse", "waitlist"])
def test_so_many_threads_share_the_sixteen_seats_that_are_left(base_url, when_full):
    """R15, R18: 32 threads push at once, and exactly sixteen more have a seat."""
    for _ in range(ROUNDS):
        owner = factories.organization()
        idp = OverHttp(factories.connect(owner, seats=20, when_full=when_full), base_url)
        for n in range(4):
            assert idp.create(**_numbered(n)).status == 201
        answers = at_once(
            [functools.partial(idp.create, **_numbered(4 + n)) for n in range(THREADS)]
        )
        wanted = {201: 16, 403: 16} if when_full == "refuse" else {201: THREADS}
        assert Counter(answer.status for answer in answers) == wanted
        assert len(factories.holders(owner)) == 20
        assert len(factories.waiting(owner)) == 16
        assert Person.objects.of(owner).count() == (20 if when_full == "refuse" else 36)
        assert factories.pool_of(owner).held == 20


def test_two_applications_of_one_pool_share_what_is_left(base_url):
    """R2, R15: sixteen threads each, as many people twice: a human is one seat."""
    for _ in range(ROUNDS):
        owner = factories.organization()
        first = OverHttp(factories.connect(owner, seats=16), base_url)
        second = OverHttp(factories.connect(owner), base_url)
        answers = at_once(
            [
                functools.partial(idp.create, **_numbered(n))
                for n in range(THREADS // 2)
                for idp in (first, second)
            ]
        )
        # Sixteen people, sixteen seats, whoever came first.
        assert {answer.status for answer in answers} == {201}
        assert len(factories.holders(owner)) == 16
        assert factories.waiting(owner) == []
        assert Person.objects.of(owner).count() == 16


def test_one_person_pushed_by_all_at_once_is_one_person_with_one_seat(base_url):
    """R12, R15, R26: one 201, the others 409; then all replace them, and each is heard whole."""
    for _ in range(ROUNDS):
        owner = factories.organization()
        idp = OverHttp(factories.connect(owner, seats=16), base_url)
        answers = at_once([functools.partial(idp.create, "ada@acme.example")] * THREADS)
        assert Counter(answer.status for answer in answers) == {201: 1, 409: THREADS - 1}
        [id] = [answer.id for answer in answers if answer.status == 201]
        assert factories.holders(owner) == ["ada@acme.example"]
        replaced = at_once(
            [
                functools.partial(
                    idp.replace, id, "ada@acme.example", title=f"T{n}", nickName=f"T{n}"
                )
                for n in range(THREADS)
            ]
        )
        assert {answer.status for answer in replaced} == {200}
        shown = idp.get(id)
        assert shown.json["title"] == shown.json["nickName"]
        assert shown.headers["ETag"] == f'W/"{THREADS + 1}"'


def test_a_person_switched_on_and_off_by_all_at_once_is_one_of_both(base_url):
    """R13, R15, R26: the flag and the seat agree, and somebody else has the seat meanwhile."""
    for _ in range(ROUNDS):
        owner = factories.organization()
        idp = OverHttp(factories.connect(owner, seats=1, when_full="waitlist"), base_url)
        ada = idp.create("ada@acme.example", number="2").id
        max_ = idp.create("max@acme.example", number="1").id
        answers = at_once(
            [
                functools.partial(idp.set_active, (ada, max_)[n % 2], n % 4 < 2)
                for n in range(THREADS)
            ]
        )
        assert {answer.status for answer in answers} == {200}
        active = [
            email
            for id, email in ((max_, "max@acme.example"), (ada, "ada@acme.example"))
            if idp.get(id).json["active"]
        ]
        held, waits = factories.holders(owner), factories.waiting(owner)
        assert (len(held), sorted(held + waits)) == (min(1, len(active)), sorted(active))


def _deed(
    idp: OverHttp, people: dict[int, str], groups: dict[int, str], which: random.Random
) -> factories.Answer:
    """One push, drawn. Whom it makes stands in people or groups afterwards, under the number."""
    some = [people[n] for n in which.sample(range(16), 4)]
    n, one = which.randrange(4), which.randrange(16)
    match which.choice(["add", "remove", "replace", "switch"] * 3 + ["create", "end"] * 2):
        case "add":
            return idp.add_members(groups[n], *some)
        case "remove":
            return idp.remove_members(groups[n], *some)
        case "replace":
            return idp.replace_group(groups[n], f"G{n}", *some)
        case "switch":
            return idp.set_active(people[one], which.random() < 0.5)
        case "end" if which.random() < 0.5:
            return idp("DELETE", f"/Groups/{groups[n]}")
        case "end":
            return idp.delete(people[one])
    known, key = (groups, n) if which.random() < 0.5 else (people, one)
    made = idp.create_group(f"G{n}", *some) if known is groups else idp.create(**_numbered(one))
    if made.status == 201:
        known[key] = made.id
    return made


def test_groups_pushed_while_people_and_groups_are_deleted_never_end_in_an_error(base_url):
    """R16, R19, R26: a deadlock is tried again, never told; the books are right afterwards.

    Four groups whose members are eligible; people are put in, taken out, replaced, deleted,
    created again, and the groups renamed and deleted, by everybody at once.
    """
    for round_ in range(ROUNDS):
        owner = factories.organization()
        idp = OverHttp(
            factories.connect(
                owner, seats=8, eligibility="groups", eligible_groups=["G0", "G1", "G2", "G3"]
            ),
            base_url,
        )
        people = {n: idp.create(**_numbered(n)).id for n in range(16)}
        groups = {n: idp.create_group(f"G{n}", *list(people.values())[n::4]).id for n in range(4)}
        statuses: Counter[int] = Counter()

        def deeds(seed, idp=idp, people=people, groups=groups, statuses=statuses):
            which = random.Random(seed)
            for _ in range(8):
                statuses[_deed(idp, people, groups, which).status] += 1

        at_once([functools.partial(deeds, 1000 * round_ + n) for n in range(THREADS)])
        assert set(statuses) <= {200, 201, 204, 400, 403, 404, 409}, statuses
        # Enough of it was done for the races to be some.
        assert statuses[200] + statuses[201] + statuses[204] + statuses[403] > THREADS, statuses


def test_seats_bought_and_given_back_while_all_push_are_never_oversold(base_url):
    """R15, R20, R21: whatever the number was meanwhile, in the end it fits and nobody is lost."""
    for _ in range(ROUNDS):
        owner = factories.organization()
        idp = OverHttp(factories.connect(owner, seats=4, when_full="waitlist"), base_url)

        def raise_seats(owner=owner):
            try:
                for number in (8, 12, 16):
                    factories.set_seats(owner, number)
            finally:
                connection.close()

        answers = at_once(
            [raise_seats, *(functools.partial(idp.create, **_numbered(n)) for n in range(THREADS))]
        )
        assert {answer.status for answer in answers[1:]} == {201}
        assert (len(factories.holders(owner)), len(factories.waiting(owner))) == (16, 16)
        assert Link.objects.of(owner).count() == THREADS
        assert Pool.objects.get(organization=owner).held == 16
