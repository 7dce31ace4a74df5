"""R18: who was refused stands on the waiting list until repeated, seated, lapsed or taken back."""

import pytest

from licensing.models import WaitingEntry
from tests.factories import (
    check_books,
    connect,
    grant,
    holders,
    manage,
    pool_of,
    reconcile_licenses,
    set_seats,
    waiting,
)

pytestmark = pytest.mark.django_db

ADA, GRACE, HEDY = "ada@acme.example", "grace@acme.example", "hedy@acme.example"


@pytest.fixture
def idp(owner):
    """Its one seat is Ada's; Grace is inactive, and her activation was refused."""
    idp = connect(
        owner, seats=1, name="Okta", eligibility="groups", eligible_groups=["Sellers", "Buyers"]
    )
    idp.ada, idp.grace = idp.create(ADA, number="1"), idp.create(GRACE, active=False)
    idp.sellers = idp.create_group("Sellers", idp.ada.id, idp.grace.id)
    assert idp.set_active(idp.grace.id, True).status == 403
    assert waiting(owner) == [GRACE]
    return idp


@pytest.fixture
def second(owner):
    """Another application of the pool, which has Grace too."""
    return connect(owner, name="Second", when_full="waitlist")


def _by_second(what):
    def deed(idp, second):
        grace = second.create(GRACE, active=False)
        what(second, grace.id)

    return deed


OTHER_DEEDS = {
    "another group": lambda idp, second: idp.create_group("Buyers", idp.grace.id),
    "the same group": lambda idp, second: idp.replace_group(
        idp.sellers.id, "Sellers", idp.ada.id, idp.grace.id
    ),
    "out of the group": lambda idp, second: idp.remove_members(idp.sellers.id, idp.grace.id),
    "a new title": lambda idp, second: idp.patch(
        f"/Users/{idp.grace.id}", ("replace", "title", "Admiral")
    ),
    "a new name": lambda idp, second: idp.patch(
        f"/Users/{idp.grace.id}", ("replace", "name.familyName", "Hopper")
    ),
    "created by another application": _by_second(lambda second, id: None),
    "deactivated by another application": _by_second(
        lambda second, id: second.set_active(id, False)
    ),
    "deleted by another application": _by_second(lambda second, id: second.delete(id)),
    "new rules": lambda idp, second: manage(
        "set_eligibility", idp.application.pk, "groups", "--group", "Sellers"
    ),
    "nothing": lambda idp, second: reconcile_licenses(idp.application.organization),
}


@pytest.mark.parametrize("what", OTHER_DEEDS)
def test_whoever_was_refused_stands_there_whatever_else_becomes_of_them(owner, idp, second, what):
    """R18: the push was refused and not repeated; nobody took it back."""
    OTHER_DEEDS[what](idp, second)
    assert waiting(owner) == [GRACE]
    assert WaitingEntry.objects.of(owner).get().refused
    assert "2 more Sales Navigator licenses" in connect(owner, name="Third").create(HEDY).detail
    check_books()


TAKEN_BACK = {
    "inactive by PATCH": lambda idp: idp.set_active(idp.grace.id, False),
    "inactive by PUT": lambda idp: idp.replace(idp.grace.id, GRACE, active=False),
    "inactive and renamed": lambda idp: idp.replace(
        idp.grace.id, GRACE, active=False, number="7", last="Hopper"
    ),
    "deleted": lambda idp: idp.delete(idp.grace.id),
}


@pytest.mark.parametrize("what", TAKEN_BACK)
def test_the_application_that_was_refused_takes_it_back(owner, idp, what):
    """R18: no longer asked for."""
    assert TAKEN_BACK[what](idp).status in (200, 204)
    assert waiting(owner) == []
    check_books()


def test_a_refused_activation_that_gets_through_without_a_seat_has_ended(owner, idp):
    """R18, R16: repeated, and no seat is needed any more."""
    idp.remove_members(idp.sellers.id, idp.grace.id)
    assert waiting(owner) == [GRACE]
    assert idp.set_active(idp.grace.id, True).status == 200
    assert (holders(owner), waiting(owner)) == ([ADA], [])
    check_books()


def test_who_is_seated_by_another_application_is_refused_no_longer(owner, idp, second):
    """R18: seated."""
    set_seats(owner, 2)
    second.create(GRACE)
    assert (holders(owner), waiting(owner)) == ([ADA, GRACE], [])
    check_books()


def test_who_is_seated_by_hand_is_refused_no_longer(owner, idp):
    """R18: seated."""
    set_seats(owner, 2)
    grant(owner, GRACE)
    assert (holders(owner), waiting(owner)) == ([ADA, GRACE], [])
    check_books()


def test_only_the_one_who_was_refused_last_takes_it_back(owner, idp):
    """R18, R2: each application speaks for itself."""
    third = connect(owner, name="Third")
    assert third.create(GRACE).status == 403
    idp.set_active(idp.grace.id, False)
    assert waiting(owner) == [GRACE]
    set_seats(owner, 2)
    assert third.create(GRACE).status == 201
    assert (holders(owner), waiting(owner)) == ([ADA, GRACE], [])
    check_books()


def test_a_refused_name_that_is_given_at_last_waits_no_more(owner, second):
    """R18: by the same push after another application seated the person, or by a rename."""
    refuses = connect(owner, seats=1, name="Okta")
    ada = refuses.create(ADA)
    assert [refuses.create(email).status for email in (GRACE, HEDY)] == [403, 403]
    set_seats(owner, 2)
    second.create(GRACE)
    assert refuses.create(GRACE).status == 201
    assert waiting(owner) == [HEDY]
    refuses.patch(f"/Users/{ada.id}", ("replace", "userName", HEDY))
    assert waiting(owner) == []
    assert pool_of(owner).held == 2
    check_books()
