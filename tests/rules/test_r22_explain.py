"""R22: why somebody has a seat or not, in plain sentences."""

import datetime as dt

import pytest

from accounts import clock
from tests.factories import connect, explain, grant, manage, set_seats

pytestmark = pytest.mark.django_db

ADA, GRACE = "ada@acme.example", "grace@acme.example"


def _told(owner, email=ADA):
    ran = explain(owner, email)
    assert ran.exit == 0
    assert set(ran.json) == {"has_seat", "because"}
    assert ran.json["because"]
    for sentence in ran.json["because"]:
        assert sentence[0].isupper() or sentence[0].isdigit() or sentence[0].islower()
        assert sentence.endswith(".")
        assert "None" not in sentence
        assert "_" not in sentence
    return ran.json["has_seat"], " ".join(ran.json["because"])


def test_a_seat_because_everyone_is_eligible(owner):
    """R22: which application, and why it entitles."""
    idp = connect(owner, seats=1, name="Okta")
    idp.create(ADA)
    has_seat, why = _told(owner)
    assert has_seat
    assert "Ada Lovelace has a Sales Navigator license because Okta provides them as active" in why
    assert "everyone whom it provides is eligible" in why
    assert "have not activated" in why
    manage("activate_seat", owner.slug, "sales-navigator", ADA)
    assert "activated it" in _told(owner)[1]


def test_a_seat_because_of_a_group(owner):
    """R22: which group."""
    idp = connect(owner, seats=1, eligibility="groups", eligible_groups=["Sellers", "Cooks"])
    ada = idp.create(ADA)
    idp.create_group("Sellers", ada.id)
    has_seat, why = _told(owner)
    assert has_seat
    assert "“Sellers”" in why
    assert "Cooks" not in why


def test_a_seat_given_by_hand(owner):
    """R22: and who may remove it."""
    set_seats(owner, 1)
    grant(owner, ADA)
    has_seat, why = _told(owner)
    assert has_seat
    assert "by hand" in why
    assert "only an admin can remove it" in why


def test_a_seat_that_was_kept_at_the_takeover(owner):
    """R22, R12: why somebody in no chosen group has one, and when it goes."""
    idp = connect(owner, seats=1, name="Okta", eligibility="groups", eligible_groups=["Sellers"])
    grant(owner, ADA)
    idp.create(ADA)
    has_seat, why = _told(owner)
    assert has_seat
    assert "kept" in why
    assert "Okta took the person over" in why


def test_no_seat_because_the_pool_is_full_and_how_many_stand_before(owner):
    """R22, R18: since when, and how many stand before them."""
    idp = connect(owner, seats=0, when_full="waitlist")
    with clock.stopped(at=dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)):
        idp.create(ADA, number="2")
    idp.create(GRACE, number="1")
    has_seat, why = _told(owner)
    assert not has_seat
    assert "waits" in why
    assert "01 March 2026" in why
    assert "1 person stands before them" in why


def test_no_seat_because_the_push_was_refused_and_nobody_was_created(owner):
    """R22, R18: also for somebody who is not there yet."""
    idp = connect(owner, seats=0, name="Okta")
    idp.create(ADA)
    has_seat, why = _told(owner)
    assert not has_seat
    assert "Okta" in why
    assert "refused" in why


def test_no_seat_because_the_reactivation_was_refused_also_when_one_is_free_meanwhile(owner):
    """R22, R18: says what must be done, and never that all are assigned when one is free."""
    idp = connect(owner, seats=0, name="Okta")
    ada = idp.create(ADA, active=False)
    idp.set_active(ada.id, True)
    set_seats(owner, 5)
    has_seat, why = _told(owner)
    assert not has_seat
    assert "refused" in why
    assert "all 5 are assigned" not in why


def test_no_seat_because_the_identity_provider_says_inactive(owner):
    """R22: which application says so, and what happened last."""
    idp = connect(owner, seats=1, name="Okta")
    ada = idp.create(ADA)
    idp.set_active(ada.id, False)
    has_seat, why = _told(owner)
    assert not has_seat
    assert "Okta says that Ada Lovelace is not active" in why
    assert "Last change" in why


def test_no_seat_because_of_no_chosen_group(owner):
    """R22, R16: which groups would."""
    idp = connect(owner, seats=1, eligibility="groups", eligible_groups=["Sellers"])
    idp.create(ADA)
    has_seat, why = _told(owner)
    assert not has_seat
    assert "none of the groups" in why
    assert "“Sellers”" in why


def test_no_seat_because_the_application_only_syncs_people(owner):
    """R22, R16: nobody gets one."""
    idp = connect(owner, seats=1, eligibility="groups", name="Okta")
    idp.create(ADA)
    assert "Okta only syncs people" in _told(owner)[1]


def test_no_seat_because_no_application_of_the_pool_provides_the_person(owner):
    """R22, R2: the other product's application does not count."""
    connect(owner, seats=1)
    other = connect(owner, product="teamlink-extend", seats=1)
    other.create(ADA)
    has_seat, why = _told(owner)
    assert not has_seat
    assert "No application that feeds Sales Navigator provides Ada Lovelace" in why


def test_no_seat_because_a_seat_by_hand_was_removed(owner):
    """R22: and nobody gave one again."""
    set_seats(owner, 1)
    grant(owner, ADA)
    manage("remove_seat", owner.slug, "sales-navigator", ADA)
    has_seat, why = _told(owner)
    assert not has_seat
    assert "nobody gave them a license by hand" in why
    assert "removed the seat by hand" in why


def test_nobody_of_that_address_is_a_refusal(owner):
    """R22: exit 1 with a code."""
    ran = explain(owner, "nobody@acme.example")
    assert (ran.exit, ran.json["error"]["code"]) == (1, "person_not_found")
