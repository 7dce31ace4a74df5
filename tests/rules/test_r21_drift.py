"""R21: every difference that reconciliation repairs is counted, and a second run finds none."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Person
from licensing import reconcile
from licensing.models import LedgerEntry, Pool, Seat, WaitingEntry
from tests.factories import (
    check_books,
    connect,
    dump,
    grant,
    holders,
    manage,
    manage_for_people,
    pool_of,
    reconcile_licenses,
    seat_of,
    set_seats,
    waiting,
)

pytestmark = pytest.mark.django_db

ADA, GRACE, HEDY, MAX = (f"{name}@acme.example" for name in ("ada", "grace", "hedy", "max"))


@pytest.fixture
def idp(owner):
    """Ada has the one seat, Grace and Hedy wait, Max is inactive."""
    idp = connect(owner, seats=1, name="Okta", when_full="waitlist")
    for number, email in enumerate((ADA, GRACE, HEDY)):
        idp.create(email, number=str(number))
    idp.create(MAX, active=False)
    return idp


@pytest.fixture
def second(owner, idp):
    """Another application of the pool, which has everybody too and entitles nobody."""
    second = connect(owner, name="Second", eligibility="groups")
    for email in (ADA, GRACE, HEDY, MAX):
        assert second.create(email).status == 201
    return second


def _entry(owner, email):
    return WaitingEntry.objects.of(owner).filter(email=email)


def _refused(owner, idp, email, **more):
    """An entry as a refused push leaves it."""
    pool = pool_of(owner)
    WaitingEntry.objects.create(
        **{
            "organization": owner,
            "pool": pool,
            "application": idp.application,
            "user_name_key": email,
            "email": email,
            "sort_key": "2",
            "since": "2026-03-01T12:00:00Z",
            "reason": "?",
            "refused": True,
        }
        | more
    )


def _person(owner, email):
    return Person.objects.of(owner).get(email=email)


#: What was changed behind its back → how many differences that is.
DIFFERENCES = {
    "who waits is marked as refused": (
        lambda owner, idp, other: _entry(owner, GRACE).update(refused=True),
        1,
    ),
    "who holds a seat is left over as refused": (
        lambda owner, idp, other: _refused(owner, idp, ADA, person=_person(owner, ADA)),
        1,
    ),
    "who holds a seat waits": (
        lambda owner, idp, other: _refused(
            owner, idp, ADA, person=_person(owner, ADA), refused=False
        ),
        1,
    ),
    "who is inactive waits": (
        lambda owner, idp, other: _refused(
            owner, idp, MAX, person=_person(owner, MAX), refused=False
        ),
        1,
    ),
    "a refused name is left over that is there": (
        lambda owner, idp, other: _refused(owner, idp, GRACE),
        1,
    ),
    "a place in the order": (
        lambda owner, idp, other: _entry(owner, GRACE).update(sort_key="9"),
        1,
    ),
    "an address": (
        lambda owner, idp, other: _entry(owner, GRACE).update(email="old@acme.example"),
        1,
    ),
    "an application": (
        lambda owner, idp, other: _entry(owner, GRACE).update(application=other.application),
        1,
    ),
    "two lines lost": (
        lambda owner, idp, other: WaitingEntry.objects.of(owner).delete(),
        2,
    ),
    "a seat of another application": (
        lambda owner, idp, other: Seat.objects.of(owner).update(application=other.application),
        1,
    ),
    "a seat carried over that is theirs by right": (
        lambda owner, idp, other: Seat.objects.of(owner).update(carried_over=True),
        1,
    ),
    "the counter": (
        lambda owner, idp, other: Pool.objects.filter(pk=pool_of(owner).pk).update(held=3),
        1,
    ),
    # The line of the lost seat is answered, and the seat given back.
    "a seat": (lambda owner, idp, other: Seat.objects.of(owner).delete(), 3),
}


@pytest.mark.parametrize("applications", ["one application", "two applications"])
@pytest.mark.parametrize("what", DIFFERENCES)
def test_each_difference_is_counted_and_repaired_once(owner, idp, request, what, applications):
    """R21: reports the drift and repairs it; a second run changes nothing."""
    other = connect(owner, name="Idle", product="teamlink-extend", seats=0)
    if applications == "two applications":
        request.getfixturevalue("second")
    assert reconcile_licenses(owner)["drift"] == 0
    inject, number = DIFFERENCES[what]
    inject(owner, idp, other)
    told = reconcile_licenses(owner, "--dry-run")
    assert told["drift"] == number
    assert reconcile_licenses(owner) == told
    assert (holders(owner), waiting(owner)) == ([ADA], [GRACE, HEDY])
    assert seat_of(owner, ADA).application == idp.application
    before = dump()
    assert reconcile_licenses(owner) == {
        "granted": [],
        "revoked": [],
        "waiting": [GRACE, HEDY],
        "drift": 0,
    }
    assert dump() == before
    check_books()


def test_seats_that_are_free_go_to_the_first_also_of_those_who_wait_as_they_should(owner, idp):
    """R17, R21: the order is that of everybody who is entitled, known to the list or not."""
    for n in range(3, 9):
        idp.create(f"p{n}@acme.example", number=str(n))
    everybody = [ADA, GRACE, HEDY, *(f"p{n}@acme.example" for n in range(3, 9))]
    _entry(owner, HEDY).delete()
    _entry(owner, "p7@acme.example").delete()
    Pool.objects.filter(pk=pool_of(owner).pk).update(purchased=5)
    found = reconcile_licenses(owner)
    assert found["granted"] == everybody[1:5]
    assert (holders(owner), waiting(owner)) == (everybody[:5], everybody[5:])
    assert found["waiting"] == everybody[5:]
    granted = LedgerEntry.objects.filter(pool=pool_of(owner), deed="grant").order_by("id")
    assert list(granted.values_list("email", flat=True)) == everybody[:5]
    assert found["drift"] == 5, "four seats, and one lost line"
    assert reconcile_licenses(owner)["drift"] == 0


def test_a_seat_that_is_freed_and_one_that_is_granted_meet_in_one_run(owner, idp):
    """R20, R21: what a released seat frees is given at once."""
    forged = _person(owner, MAX)
    Seat.objects.of(owner).update(person=forged)
    found = reconcile_licenses(owner)
    assert (found["granted"], found["revoked"]) == ([ADA], [MAX])
    assert (holders(owner), waiting(owner)) == ([ADA], [GRACE, HEDY])
    assert reconcile_licenses(owner)["drift"] == 0


def test_lost_and_forged_seats_by_hand_are_put_right_together(owner):
    """R21, R15: by the ledger's last word, as far as seats are free, in order."""
    set_seats(owner, 4)
    for number, email in enumerate((ADA, GRACE, HEDY)):
        grant(owner, email, employee_number=str(9 - number))
    connect(owner).create(MAX, active=False)
    Seat.objects.of(owner).delete()
    Seat.objects.create(
        organization=owner,
        pool=pool_of(owner),
        person=_person(owner, MAX),
        source="manual",
        granted_at="2026-03-01T12:00:00Z",
    )
    Pool.objects.of(owner).update(held=1, purchased=2)
    found = reconcile_licenses(owner)
    assert (found["granted"], found["revoked"]) == ([HEDY, GRACE], [MAX])
    assert holders(owner) == [HEDY, GRACE]
    assert reconcile_licenses(owner)["drift"] == 0


def test_who_waits_is_named_by_the_command_and_only_counted_otherwise(owner, idp):
    """R21: they may be most of a million."""
    found = reconcile.reconcile(owner)
    assert (found.waiting, found.who_waits) == (2, [])
    assert manage("reconcile_licenses").json["waiting"] == [GRACE, HEDY]
    assert GRACE in manage_for_people("reconcile_licenses").out


def test_who_waits_as_they_should_is_not_written_again(owner, idp):
    """R21: reading alone, and as many statements for many as for few."""

    def statements():
        with CaptureQueriesContext(connection) as captured:
            assert reconcile.reconcile(owner).drift == 0
        return [query["sql"] for query in captured]

    reconcile.reconcile(owner)  # seals the new lines
    few = statements()
    assert not any("INSERT INTO licensing_waitingentry" in sql for sql in few)
    for n in range(20):
        idp.create(f"p{n}@acme.example")
    assert len(statements()) == len(few)
