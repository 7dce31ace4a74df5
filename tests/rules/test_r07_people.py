"""R7: what a push carries. R8: whose it is. R9: when it is seen. R10: people by hand."""

import pytest

from accounts.models import Person
from scim.models import Exchange
from tests.factories import (
    ENTERPRISE_USER,
    connect,
    dump,
    explain,
    grant,
    holders,
    manage,
    seat_of,
    set_seats,
)

pytestmark = pytest.mark.django_db

ADA = "ada@acme.example"
FULL = {
    "title": "Countess",
    "nickName": "Ada",
    "locale": "en-GB",
    "timezone": "Europe/London",
    "preferredLanguage": "en",
    "userType": "Employee",
    "profileUrl": "https://acme.example/ada",
    "phoneNumbers": [{"value": "+44 1", "type": "work"}],
    "addresses": [{"type": "work", "locality": "London", "country": "GB"}],
    "roles": [{"value": "seller"}],
    ENTERPRISE_USER: {
        "employeeNumber": "007",
        "department": "Engines",
        "costCenter": "C1",
        "manager": {"value": "42"},
    },
    "urn:example:acme:1.0": {"shoe": {"size": 38}, "tags": ["a", "b"]},
}


@pytest.fixture
def idp(owner):
    return connect(owner, seats=2, name="Okta")


def _person():
    return Person.objects.get(email=ADA)


def test_a_push_carries_the_six_fields_of_the_people_list(owner, idp):
    """R7: first name, last name, department, title, e-mail and employee number."""
    idp.create(ADA, **FULL)
    person = _person()
    assert (person.first_name, person.last_name) == ("Ada", "Lovelace")
    assert (person.department, person.title) == ("Engines", "Countess")
    assert (person.email, person.employee_number) == (ADA, "007")
    [holder] = manage("list_seats", owner.slug, "sales-navigator").json["holders"]
    assert (holder["email"], holder["employee_number"]) == (ADA, "007")


def test_other_standard_attributes_and_extensions_are_returned_unharmed(owner, idp):
    """R7: kept and returned unharmed, also after a change of something else."""
    ada = idp.create(ADA, **FULL)
    idp.patch(f"/Users/{ada.id}", ("replace", "name.familyName", "King"))
    shown = idp.get(ada.id).json
    for name, value in FULL.items():
        assert shown[name] == value, name
    assert _person().last_name == "King"


def test_the_main_address_is_the_one_that_is_shown(owner, idp):
    """R7: the primary one, else the first for work, else the first, else the user name."""
    for n, (emails, main) in enumerate(
        (
            ([{"value": "a@x.example"}, {"value": "b@x.example", "primary": True}], "b@x.example"),
            (
                [
                    {"value": "c@x.example", "type": "home"},
                    {"value": "d@x.example", "type": "work"},
                ],
                "d@x.example",
            ),
            ([{"value": "e@x.example"}, {"value": "f@x.example"}], "e@x.example"),
            ([], "user4"),
        )
    ):
        made = idp.create(f"user{n + 1}", emails=emails, active=False)
        assert made.status == 201
        assert Person.objects.filter(email=main).exists(), main


def test_what_a_put_leaves_out_is_gone(owner, idp):
    """R7, R8: the identity provider is the source of truth."""
    ada = idp.create(ADA, **FULL)
    idp.replace(ada.id, ADA)
    person = _person()
    assert (person.title, person.department, person.employee_number) == ("", "", "")
    assert "title" not in idp.get(ada.id).json


def test_a_hand_changes_nothing_of_what_the_identity_provider_manages(owner, idp):
    """R8: those fields are read-only; giving a seat by hand does not write the profile."""
    idp.create(ADA, active=False, title="Countess")
    before = idp.find(f'userName eq "{ADA}"')
    given = grant(owner, ADA, first_name="Eve", last_name="Hacker", employee_number="666")
    assert given.exit == 0
    person = _person()
    assert (person.first_name, person.employee_number) == ("Ada", "")
    assert idp.find(f'userName eq "{ADA}"') == before


def test_the_second_applications_push_does_not_change_the_profile(owner, idp):
    """R8, R2: the application that manages the person writes the profile, no other."""
    idp.create(ADA, title="Countess")
    other = connect(owner, product="teamlink-extend", seats=1)
    theirs = other.create(ADA, title="Other", number="9")
    other.replace(theirs.id, ADA, title="Another")
    assert (_person().title, _person().managed_by) == ("Countess", idp.application)
    assert other.get(theirs.id).json["title"] == "Another"


def test_an_address_that_changes_stays_the_same_person(owner, idp):
    """R7, R9: by PUT and by PATCH; the seat, the id and the history stay."""
    ada = idp.create(ADA)
    manage("activate_seat", owner.slug, "sales-navigator", ADA)
    idp.replace(ada.id, "ada.king@acme.example")
    assert holders(owner) == ["ada.king@acme.example"]
    assert seat_of(owner, "ada.king@acme.example").state == "activated"
    assert explain(owner, ADA).exit == 1
    assert explain(owner, "ada.king@acme.example").json["has_seat"] is True
    assert idp.create(ADA).status == 201


def test_somebody_who_takes_a_freed_address_is_somebody_else(owner, idp):
    """R7: an address that was given up and is given to another human brings no seat along."""
    ada = idp.create(ADA)
    idp.replace(ada.id, "ada.king@acme.example")
    second = idp.create(ADA, first="Adam")
    assert second.id != ada.id
    assert Person.objects.of(owner).count() == 2


def test_the_answer_to_a_push_comes_after_everything_is_done(owner, idp):
    """R9: visible at once after the push answers: person, seat, list and log."""
    idp.create(ADA, number="3")
    assert idp.find(f'emails.value eq "{ADA}"')
    shown = manage("list_seats", owner.slug, "sales-navigator").json
    assert (shown["assigned"], shown["free"]) == (1, 1)
    assert Exchange.objects.filter(status=201).count() == 1


# ---------------------------------------------------------------- by hand


def test_admins_add_people_by_hand_and_give_them_seats(owner):
    """R10: singly; with what is known of them, and the identity provider sees it."""
    set_seats(owner, 1)
    given = grant(owner, ADA, first_name="Ada", last_name="Lovelace", employee_number="7")
    assert given.json == {
        "email": ADA,
        "employee_number": "7",
        "source": "manual",
        "state": "provisioned",
        "application": None,
    }
    [shown] = connect(owner).find(f'userName eq "{ADA}"')
    assert shown["name"] == {"givenName": "Ada", "familyName": "Lovelace"}
    assert shown[ENTERPRISE_USER]["employeeNumber"] == "7"


@pytest.mark.parametrize("address", ["", "ada", "a b@acme.example", "@acme.example", "ada@"])
def test_somebody_without_an_address_cannot_be_added(owner, address):
    """R10, R26: refused with a code, and nothing half done."""
    set_seats(owner, 1)
    before = dump()
    ran = grant(owner, address)
    assert (ran.exit, ran.json["error"]["code"]) == (1, "email_invalid")
    assert dump() == before


def test_removing_a_seat_by_hand_keeps_the_person(owner):
    """R10: another seat may follow."""
    set_seats(owner, 1)
    grant(owner, ADA)
    assert manage("remove_seat", owner.slug, "sales-navigator", ADA).json == {"removed": True}
    again = manage("remove_seat", owner.slug, "sales-navigator", ADA)
    assert (again.exit, again.json["error"]["code"]) == (1, "no_seat")
    assert grant(owner, ADA.upper()).json["email"] == ADA
