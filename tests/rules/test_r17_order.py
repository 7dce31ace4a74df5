"""R17: the order in which competitors get seats."""

import random

import pytest

from tests.factories import (
    connect,
    holders,
    manage,
    person,
    reconcile_licenses,
    set_seats,
    waiting,
)

pytestmark = pytest.mark.django_db

#: Name → what decides, in the order of R17.
IN_ORDER = {
    "zero": {"number": "0", "last": "Z"},
    "two": {"number": "2", "last": "Z"},
    "nine": {"number": "09", "last": "Y"},
    "nine-and-a-half": {"number": "9.5", "last": "A"},
    "ten": {"number": "10", "last": "A"},
    "hundred": {"number": "100", "last": "A"},
    "huge": {"number": "123456789012345678901234567890", "last": "A"},
    "text-a": {"number": "A7", "last": "Z"},
    "text-b": {"number": "b1", "last": "A"},
    "text-mixed": {"number": "E-9", "last": "A"},
    "none-adams": {"last": "Adams", "first": "Zoe"},
    "none-agren-1": {"last": "Ågren", "first": "Åsa"},
    "none-agren-2": {"last": "agren", "first": "Bo"},
    "none-ali": {"last": "ali", "first": "A"},
    "none-muller-1": {"last": "MÜLLER", "first": "Élodie"},
    "none-muller-2": {"last": "Müller", "first": "Emil"},
    "none-zoe-1": {"last": "Zoë", "first": "Same"},
    "none-zoe-2": {"last": "Zoe", "first": "Same"},  # a tie up to here: the e-mail decides
}
EMAILS = [f"{name}@acme.example" for name in IN_ORDER]


def _documents():
    documents = [person(f"{name}@acme.example", **more) for name, more in IN_ORDER.items()]
    random.Random(3).shuffle(documents)
    return documents


@pytest.mark.parametrize("seats", [1, 4, 9, 14])
def test_a_bulk_request_seats_in_order(owner, seats):
    """R17: numbers by value, then other text, then people without one; then names, then e-mail."""
    idp = connect(owner, seats=seats)
    answer = idp.bulk(*(("POST", "/Users", document) for document in _documents()))
    assert holders(owner) == EMAILS[:seats]
    assert waiting(owner) == EMAILS[seats:]
    by_status = {"201": [], "403": []}
    for document, result in zip(_documents(), answer.json["Operations"], strict=True):
        by_status[result["status"]].append(document["userName"])
    assert set(by_status["201"]) == set(EMAILS[:seats])


def test_reactivations_in_one_bulk_request_are_seated_in_order(owner):
    """R17: several compete at once in a bulk request, whatever the operation."""
    idp = connect(owner, seats=2, when_full="waitlist")
    made = [idp("POST", "/Users", document | {"active": False}) for document in _documents()]
    wake = {"Operations": [{"op": "replace", "path": "active", "value": True}]}
    idp.bulk(*(("PATCH", f"/Users/{answer.id}", wake) for answer in made))
    assert holders(owner) == EMAILS[:2]


def test_putting_a_bulk_request_in_order_breaks_no_reference_of_it(owner):
    """R17, R26: a group in the middle still finds the people whom the request creates."""
    idp = connect(owner, seats=1, when_full="waitlist")
    members = [{"value": "bulkId:b0"}, {"value": "bulkId:b2"}]
    answer = idp.bulk(
        ("POST", "/Users", person("late@acme.example", number="9")),
        ("POST", "/Groups", {"displayName": "Late", "members": members[:1]}),
        ("POST", "/Users", person("early@acme.example", number="1")),
        ("POST", "/Groups", {"displayName": "Both", "members": members}),
    )
    assert [result["status"] for result in answer.json["Operations"]] == ["201"] * 4
    assert holders(owner) == ["early@acme.example"]


def test_the_same_person_twice_in_a_bulk_request_ends_as_the_request_says(owner):
    """R17, R26: putting competitors in order never swaps what is done to one person."""
    idp = connect(owner, seats=5)
    ada = idp.create("ada@acme.example", number="9", active=False)
    bob = idp.create("bob@acme.example", number="1", active=False)

    def says(**values):
        return {"Operations": [{"op": "replace", "value": values}]}

    idp.bulk(
        ("PATCH", f"/Users/{ada.id}", says(active=True, title="First")),
        ("PUT", f"/Users/{ada.id}", person("ada@acme.example", number="0", title="Second")),
        ("PATCH", f"/Users/{bob.id}", says(active=True)),
        ("PATCH", f"/Users/{ada.id}", says(active=False)),
        ("PATCH", f"/Users/{ada.id}", says(title="Third")),
        ("PATCH", f"/Users/{bob.id}", says(active="false")),
        ("PATCH", f"/Users/{bob.id}", says(active="true")),
    )
    assert idp.get(ada.id).json["title"] == "Third"
    assert holders(owner) == ["bob@acme.example"]


def test_in_a_bulk_request_what_frees_a_seat_still_frees_it_for_what_comes_after(owner):
    """R17, R26: putting competitors in order never lets one fail that would have fitted."""
    idp = connect(owner, seats=1)
    old = idp.create("old@acme.example", number="50")
    answer = idp.bulk(
        ("DELETE", f"/Users/{old.id}", None),
        ("POST", "/Users", person("b@acme.example", number="9")),
    )
    assert [result["status"] for result in answer.json["Operations"]] == ["204", "201"]
    [b] = idp.find('userName eq "b@acme.example"')
    answer = idp.bulk(
        ("POST", "/Users", person("c@acme.example", number="5")),
        ("DELETE", f"/Users/{b['id']}", None),
        ("POST", "/Users", person("a@acme.example", number="1")),
    )
    assert [result["status"] for result in answer.json["Operations"]][1:] == ["204", "201"]
    assert holders(owner) == ["a@acme.example"]


def test_a_group_push_seats_in_order(owner):
    """R17, R19: in whichever order the members stand in the push."""
    idp = connect(owner, seats=6, eligibility="groups", eligible_groups=["Sellers"])
    ids = [idp("POST", "/Users", document).id for document in _documents()]
    idp.create_group("Sellers", *ids)
    assert holders(owner) == EMAILS[:6]
    assert waiting(owner) == EMAILS[6:]


def test_raising_the_number_of_seats_serves_in_order(owner):
    """R17, R20: a raised seat number."""
    idp = connect(owner, seats=0, when_full="waitlist")
    for document in _documents():
        assert idp("POST", "/Users", document).status == 201
    assert waiting(owner) == EMAILS
    for seats in (1, 2, 7, 18):
        set_seats(owner, seats)
        assert holders(owner) == EMAILS[:seats]


def test_reconciliation_serves_in_order(owner):
    """R17: a reconciliation."""
    from licensing.models import Pool, WaitingEntry

    idp = connect(owner, seats=0, when_full="waitlist")
    for document in _documents():
        idp("POST", "/Users", document)
    WaitingEntry.objects.all().delete()
    Pool.objects.update(purchased=5)
    assert reconcile_licenses(owner)["granted"] == EMAILS[:5]
    assert (holders(owner), waiting(owner)) == (EMAILS[:5], EMAILS[5:])


def test_arrival_decides_between_pushes(owner):
    """R17: a push that comes later takes no seat that is given, whatever its number."""
    idp = connect(owner, seats=1)
    assert idp.create("late@acme.example", number="99").status == 201
    assert idp.create("early@acme.example", number="1").status == 403
    assert holders(owner) == ["late@acme.example"]


def test_a_number_that_changes_changes_the_place_on_the_waiting_list(owner):
    """R17: in the order of what is known when a seat is free."""
    idp = connect(owner, seats=0, when_full="waitlist")
    first, second = (idp.create(f"{n}@acme.example", number=str(n)) for n in (1, 2))
    assert waiting(owner) == ["1@acme.example", "2@acme.example"]
    idp.replace(second.id, "2@acme.example", number="0")
    assert waiting(owner) == ["2@acme.example", "1@acme.example"]
    idp.patch(
        f"/Users/{first.id}",
        (
            "replace",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber",
            "-",
        ),
    )
    idp.patch(
        f"/Users/{second.id}",
        (
            "remove",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber",
            None,
        ),
    )
    assert waiting(owner) == ["1@acme.example", "2@acme.example"]
    set_seats(owner, 1)
    assert holders(owner) == ["1@acme.example"]


def test_the_commands_list_holders_and_waiting_in_order(owner):
    """R17: interface.md: both in allocation order."""
    idp = connect(owner, seats=9, when_full="waitlist")
    idp.bulk(*(("POST", "/Users", document) for document in _documents()))
    shown = manage("list_seats", owner.slug, "sales-navigator").json
    assert [holder["email"] for holder in shown["holders"]] == EMAILS[:9]
    assert [entry["email"] for entry in shown["waiting"]] == EMAILS[9:]


def test_a_tie_in_everything_but_the_address_goes_by_the_address(owner):
    """R17: last name, first name, e-mail."""
    idp = connect(owner, seats=0, when_full="waitlist")
    for name in ("c", "a", "b"):
        idp.create(f"{name}@acme.example", number="5")
    set_seats(owner, 2)
    assert holders(owner) == ["a@acme.example", "b@acme.example"]
