"""R15: seats in use never exceed seats purchased, under any concurrency."""

import functools
import random

import pytest

from accounts.models import Person
from licensing import tasks
from licensing.models import Seat
from tests.factories import (
    connect,
    grant,
    holders,
    ledger,
    manage,
    organization,
    person,
    pool_of,
    set_seats,
    waiting,
)

pytestmark = pytest.mark.django_db


def _numbered(n):
    return {"email": f"p{n:02d}@acme.example", "number": str(n), "last": f"Person {n:02d}"}


def test_lowering_below_the_seats_in_use_takes_nobodys_seat(owner, over_assigned):
    """R15: allowed, shown as over-assigned, and takes nobody's seat by itself."""
    idp = connect(owner, seats=3)
    for n in range(3):
        idp.create(**_numbered(n))
    assert manage("set_seats", owner.slug, "sales-navigator", 1).json["purchased"] == 1
    shown = manage("list_seats", owner.slug, "sales-navigator").json
    assert (shown["purchased"], shown["assigned"], shown["free"]) == (1, 3, 0)
    assert pool_of(owner).over_assigned == 2
    assert len(holders(owner)) == 3
    manage("reconcile_licenses", "--organization", owner.slug)
    tasks.fill_waiting_lists()
    assert len(holders(owner)) == 3


def test_while_over_assigned_nothing_is_granted_until_it_fits(owner, over_assigned):
    """R15: grants none until it fits: by no push, no hand and no reconciliation."""
    idp = connect(owner, seats=4, when_full="waitlist")
    people = [idp.create(**_numbered(n)) for n in range(4)]
    set_seats(owner, 2)
    late = idp.create(**_numbered(9))
    assert late.status == 201
    assert waiting(owner) == ["p09@acme.example"]
    assert grant(owner, "max@acme.example").exit == 1
    for freed in (0, 1):  # 3 of 2 left, then 2 of 2
        idp.set_active(people[freed].id, False)
        manage("reconcile_licenses", "--organization", owner.slug)
        assert waiting(owner) == ["p09@acme.example"], freed
    idp.delete(people[2].id)
    assert holders(owner) == ["p03@acme.example", "p09@acme.example"]


def test_while_over_assigned_a_refusal_tells_how_many_licenses_must_be_bought(owner, over_assigned):
    """R15, R18: as many as the pool is short of: those over-assigned, and those who wait."""
    idp = connect(owner, seats=3)
    for n in range(3):
        idp.create(**_numbered(n))
    set_seats(owner, 1)
    answer = idp.create(**_numbered(9))
    assert answer.status == 403
    assert "3 more Sales Navigator licenses" in answer.detail
    set_seats(owner, 4)
    assert idp.create(**_numbered(9)).status == 201


@pytest.mark.parametrize("number", ["-1", "10000001"])
def test_an_odd_number_of_seats_is_refused(owner, number):
    """R15: from 0 to a sane limit."""
    ran = manage("set_seats", owner.slug, "sales-navigator", number)
    assert (ran.exit, ran.json["error"]["code"]) == (1, "number_invalid")


def test_no_seat_at_all_may_be_purchased(owner):
    """R15: a pool of nothing grants nothing."""
    idp = connect(owner, seats=0)
    assert idp.create("ada@acme.example").status == 403
    assert grant(owner, "ada@acme.example").json["error"]["code"] == "seats_missing"
    assert holders(owner) == []


def test_giving_by_hand_beyond_the_purchased_seats_is_refused_and_adds_nobody(owner):
    """R15, R10: the refusal tells the number; nothing half done."""
    set_seats(owner, 1)
    assert grant(owner, "ada@acme.example").exit == 0
    refused = grant(owner, "grace@acme.example")
    assert (refused.exit, refused.json["error"]["code"]) == (1, "seats_missing")
    assert "1 more Sales Navigator license" in refused.json["error"]["detail"]
    assert not Person.objects.of(owner).filter(email="grace@acme.example").exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("threads", "seats"), [(8, 1), (32, 1), (32, 16)])
def test_so_many_pushes_at_once_get_exactly_the_seats_that_there_are(race, threads, seats):
    """R15, R18: under any concurrency; who was refused is 403, on the list and not created."""
    owner = organization()
    idp = connect(owner, seats=seats)
    answers = race(*(functools.partial(idp.create, **_numbered(n)) for n in range(threads)))
    statuses = [answer.status for answer in answers]
    assert (statuses.count(201), statuses.count(403)) == (seats, threads - seats)
    assert (len(holders(owner)), len(waiting(owner))) == (seats, threads - seats)
    assert Person.objects.of(owner).count() == seats
    assert [deed for deed, _ in ledger(owner)].count("grant") == seats


@pytest.mark.django_db(transaction=True)
def test_a_waitlist_gives_the_last_seats_to_as_many_as_there_are(race):
    """R15, R18: everybody is created, as many have a seat as were bought."""
    owner = organization()
    idp = connect(owner, seats=5, when_full="waitlist")
    answers = race(*(functools.partial(idp.create, **_numbered(n)) for n in range(16)))
    assert {answer.status for answer in answers} == {201}
    assert (len(holders(owner)), len(waiting(owner))) == (5, 11)


@pytest.mark.django_db(transaction=True)
def test_the_last_seat_goes_to_one_of_two_applications_of_one_pool(race):
    """R15, R2: two applications, the same pool, one seat."""
    owner = organization()
    first, second = connect(owner, seats=1), connect(owner)
    answers = race(
        functools.partial(first.create, "ada@acme.example"),
        functools.partial(second.create, "grace@acme.example"),
        behind=owner,
    )
    assert sorted(answer.status for answer in answers) == [201, 403]


@pytest.mark.django_db(transaction=True)
def test_the_last_seat_goes_to_a_push_or_to_a_hand_never_to_both(race):
    """R15: pushes and admins draw from one pool."""
    owner = organization()
    idp = connect(owner, seats=1)
    *pushes, given = race(
        *(functools.partial(idp.create, **_numbered(n)) for n in range(3)),
        functools.partial(grant, owner, "max@acme.example"),
        behind=owner,
    )
    got = [push.status == 201 for push in pushes] + [given.exit == 0]
    assert got.count(True) == 1
    assert len(holders(owner)) == 1


@pytest.mark.django_db(transaction=True)
def test_many_reactivations_at_once_share_the_free_seats(race):
    """R15, R13: activating is asking for a seat."""
    owner = organization()
    idp = connect(owner, seats=2)
    people = [idp.create(**_numbered(n), active=False) for n in range(8)]
    answers = race(*(functools.partial(idp.set_active, person.id, True) for person in people))
    assert sorted(answer.status for answer in answers) == [200] * 2 + [403] * 6
    for person_made, answer in zip(people, answers, strict=True):
        assert idp.get(person_made.id).json["active"] is (answer.status == 200)


@pytest.mark.django_db(transaction=True)
def test_group_pushes_at_once_share_the_free_seats(race):
    """R15, R19: several groups, several members, one pool."""
    owner = organization()
    idp = connect(owner, seats=3, eligibility="groups", eligible_groups=["A", "B", "C", "D"])
    people = [idp.create(**_numbered(n)) for n in range(8)]
    groups = [idp.create_group(name).id for name in "ABCD"]
    race(
        *(
            functools.partial(idp.add_members, group, people[2 * n].id, people[2 * n + 1].id)
            for n, group in enumerate(groups)
        )
    )
    assert (len(holders(owner)), len(waiting(owner))) == (3, 5)


@pytest.mark.django_db(transaction=True)
def test_seats_lowered_while_pushes_come_are_never_granted_beyond_what_was_bought(
    race, over_assigned
):
    """R15: what is granted after the number was lowered fits the lower number."""
    owner = organization()
    idp = connect(owner, seats=4)
    idp.create(**_numbered(0))
    race(
        *(functools.partial(idp.create, **_numbered(n)) for n in range(1, 9)),
        functools.partial(manage, "set_seats", owner.slug, "sales-navigator", 2),
        behind=owner,
    )
    assert len(holders(owner)) <= 4
    pool = pool_of(owner)
    lowered = [line for line in ledger(owner) if line[0] in ("resize", "grant")]
    granted_after = lowered[len(lowered) - lowered[::-1].index(("resize", "")) :]
    assert pool.purchased == 2
    assert len(holders(owner)) <= max(2, len(holders(owner)) - len(granted_after))


@pytest.mark.django_db(transaction=True)
def test_the_same_person_created_by_many_threads_is_created_once(race):
    """R15, R12, R26: exactly one 201, the others 409, one seat."""
    owner = organization()
    idp = connect(owner, seats=5)
    answers = race(*[lambda: idp.create("ada@acme.example")] * 12)
    assert sorted(answer.status for answer in answers) == [201] + [409] * 11
    assert holders(owner) == ["ada@acme.example"]


@pytest.mark.django_db(transaction=True)
def test_the_same_person_without_a_seat_created_by_many_threads_waits_once(race):
    """R15, R18: a refused push repeated at once is one line on the waiting list."""
    owner = organization()
    idp = connect(owner, seats=0)
    answers = race(*[lambda: idp.create("ada@acme.example")] * 8)
    assert {answer.status for answer in answers} == {403}
    assert waiting(owner) == ["ada@acme.example"]


@pytest.mark.django_db(transaction=True)
def test_a_refused_push_that_succeeds_by_another_request_leaves_nobody_waiting(race):
    """R18, R26: while a seat is freed the same push comes many times."""
    owner = organization()
    idp = connect(owner, seats=1)
    for n in range(3):
        holder = idp.create(**_numbered(n))
        late = _numbered(50 + n)
        race(
            *[functools.partial(idp.create, **late)] * 10,
            functools.partial(idp.delete, holder.id),
            behind=owner,
        )
        again = idp.create(**late)
        assert again.status in (201, 409)
        assert (holders(owner), waiting(owner)) == ([late["email"]], [])
        [found] = idp.find(f'userName eq "{late["email"]}"')
        idp.delete(found["id"])


@pytest.mark.django_db(transaction=True)
def test_everything_at_once_keeps_the_books_right(race):
    """R15, R21, R26: pushes, deletes, group pushes, hands, seat numbers and reconciliation."""
    owner = organization()
    waitlist = connect(owner, seats=6, when_full="waitlist", name="Waitlist")
    refuse = connect(owner, name="Refuse")
    members = connect(owner, name="Groups", eligibility="groups", eligible_groups=["A"])
    people = [waitlist.create(**_numbered(n)).id for n in range(6)]
    by_group = [members.create(**_numbered(n)).id for n in range(20, 26)]
    group = members.create_group("A", *by_group[:3]).id

    def deeds(n):
        which = random.Random(n)
        for _ in range(6):
            deed = which.choice(
                [
                    lambda: waitlist.set_active(which.choice(people), which.random() < 0.5),
                    lambda: refuse.create(**_numbered(which.randrange(12))),
                    lambda: members.add_members(group, which.choice(by_group)),
                    lambda: members.remove_members(group, which.choice(by_group)),
                    lambda: grant(owner, f"hand{which.randrange(3)}@acme.example"),
                    lambda: manage(
                        "remove_seat",
                        owner.slug,
                        "sales-navigator",
                        f"hand{which.randrange(3)}@acme.example",
                    ),
                    lambda: set_seats(owner, which.randrange(6, 9)),
                    lambda: manage("reconcile_licenses", "--organization", owner.slug),
                    lambda: [
                        refuse.delete(user["id"]) for user in refuse.find("active eq true")[:1]
                    ],
                ]
            )
            deed()

    race(*(functools.partial(deeds, n) for n in range(8)))
    set_seats(owner, 30)  # over-assigned is allowed meanwhile; now everybody fits
    first = manage("reconcile_licenses", "--organization", owner.slug).json
    assert first["drift"] == 0
    seats = Seat.objects.filter(pool=pool_of(owner))
    assert seats.count() == seats.values("person").distinct().count() == pool_of(owner).held
    grants = [deed for deed, _ in ledger(owner)]
    assert grants.count("grant") - grants.count("release") == seats.count()


@pytest.mark.django_db(transaction=True)
def test_a_bulk_request_and_single_pushes_share_the_free_seats(race):
    """R15: a bulk request is many pushes."""
    owner = organization()
    idp = connect(owner, seats=4)
    bulk, *single = race(
        lambda: idp.bulk(*(("POST", "/Users", person(f"b{n}@acme.example")) for n in range(6))),
        *(functools.partial(idp.create, **_numbered(n)) for n in range(6)),
    )
    statuses = [result["status"] for result in bulk.json["Operations"]]
    statuses += [str(answer.status) for answer in single]
    assert (statuses.count("201"), statuses.count("403")) == (4, 8)
