"""R10: people are added, changed and removed by hand. R8: not what an application owns."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Link, Membership, Person
from licensing.models import LedgerEntry
from tests.factories import (
    connect,
    dump,
    grant,
    holders,
    ledger,
    manage,
    organization,
    pool_of,
    seat_of,
    set_seats,
    waiting,
)
from tests.pages.test_pages import text

pytestmark = pytest.mark.django_db

ADA, GRACE = "ada@acme.example", "grace@acme.example"
PROFILE = {
    "first_name": "Ada",
    "last_name": "Lovelace",
    "email": ADA,
    "employee_number": "0007",
    "title": "Analyst",
    "department": "Engines",
}
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


def add(admin: Client, **more: str) -> Any:
    return admin.post(reverse("licensing:new_person"), PROFILE | more)


def person(email: str = ADA) -> Person:
    return Person.objects.get(email=email)


def edit(admin: Client, who: Person, **more: str) -> Any:
    return admin.post(reverse("licensing:edit_person", args=[who.pk]), PROFILE | more)


def remove(admin: Client, who: Person) -> Any:
    return admin.post(reverse("licensing:remove_person", args=[who.pk]), follow=True)


# ---------------------------------------------------------------- adding


def test_a_person_is_added_with_every_field_and_seen_by_an_application(owner, admin):
    """R7, R10, R11: as an IdP would have pushed them."""
    idp = connect(owner)
    answer = add(admin)
    assert answer["Location"] == reverse("licensing:person", args=[person().pk])
    [seen] = idp.find(f'userName eq "{ADA}"')
    assert (seen["name"]["givenName"], seen["name"]["familyName"]) == ("Ada", "Lovelace")
    assert seen["title"] == "Analyst"
    assert seen[ENTERPRISE] == {"employeeNumber": "0007", "department": "Engines"}
    assert seen["emails"][0]["value"] == ADA


def test_a_person_is_added_with_a_license_at_once(owner, admin, lea):
    """R10, R14: by hand and provisioned, with a line that names the admin."""
    set_seats(owner, 1)
    add(admin, product="sales-navigator")
    seat = seat_of(owner, ADA)
    assert (seat.source, seat.state) == ("manual", "provisioned")
    line = LedgerEntry.objects.get(deed="grant")
    assert (line.admin, line.because) == (lea, "lea@acme.example gave the seat by hand")


def test_without_a_free_license_nobody_is_added(owner, admin):
    """R15, R26: refused plainly, nothing half done."""
    set_seats(owner, 1)
    grant(owner, GRACE)
    before = dump()
    answer = add(admin, product="sales-navigator")
    assert answer.status_code == 422
    assert "1 more Sales Navigator license is needed: 1 of 1 are assigned." in text(answer)
    assert dump() == before


@pytest.mark.parametrize("known", ["by hand", "pushed", "by its user name"])
def test_an_address_that_is_known_is_refused_by_its_name(owner, admin, known):
    """R10: whoever has it, in whatever case."""
    if known == "by hand":
        add(admin)
    elif known == "pushed":
        connect(owner, seats=1).create(ADA)
    else:
        connect(owner, seats=1).create(ADA, emails=[{"value": GRACE, "primary": True}])
    before = dump()
    answer = add(admin, email="Ada@ACME.example")
    assert answer.status_code == 422
    assert f"Ada@ACME.example is in the people of {owner.name} already" in text(answer)
    assert dump() == before


@pytest.mark.parametrize("wrong", [{"email": ""}, {"email": "ada"}, {"title": "x" * 257}])
def test_what_cannot_be_kept_is_refused(owner, admin, wrong):
    before = dump()
    assert add(admin, **wrong).status_code == 422
    assert dump() == before


# ---------------------------------------------------------------- changing


def test_a_person_added_by_hand_is_changed(owner, admin):
    """R10: profile, address, user name and order; repeating changes nothing."""
    idp = connect(owner)
    add(admin)
    id = Link.objects.get().pk
    edit(admin, person(), email=GRACE, first_name="Grace", last_name="Hopper", department="")
    seen = idp.get(str(id)).json
    assert (seen["userName"], seen["displayName"]) == (GRACE, "Grace Hopper")
    assert [address["value"] for address in seen["emails"]] == [GRACE]
    assert seen[ENTERPRISE] == {"employeeNumber": "0007"}
    changed = person(GRACE)
    assert changed.sort_key == Link.objects.get().sort_key
    before = dump()
    edit(admin, changed, email=GRACE, first_name="Grace", last_name="Hopper", department="")
    assert dump() == before


def test_what_an_application_left_behind_is_kept_when_the_profile_is_changed(owner, admin):
    """R7: other standard attributes are returned unharmed."""
    idp = connect(owner, seats=2)
    other = connect(owner)
    made = idp.create(ADA, nickName="Countess", phoneNumbers=[{"value": "+44", "type": "work"}])
    manage("remove_seat", owner.slug, "sales-navigator", ADA)
    idp.set_active(made.id, False)
    grant(owner, ADA)
    idp.delete(made.id)  # the seat by hand keeps the account
    edit(admin, person(), title="Countess")
    [seen] = other.find(f'userName eq "{ADA}"')
    assert (seen["title"], seen["nickName"]) == ("Countess", "Countess")
    assert seen["phoneNumbers"][0]["value"] == "+44"


def test_a_profile_that_an_application_owns_is_shown_locked_and_refused(owner, admin):
    """R8: even when it is posted anyway."""
    connect(owner, seats=1, name="Okta production").create(ADA)
    address = reverse("licensing:edit_person", args=[person().pk])
    page = text(admin.get(address))
    assert "Okta production (Another identity provider) owns these fields." in page
    assert page.count("disabled") == 6
    assert "Save" not in page
    before = dump()
    answer = edit(admin, person(), first_name="Augusta")
    assert answer.status_code == 422
    assert "Okta production owns the profile of Ada Lovelace." in text(answer)
    assert dump() == before


def test_an_address_of_somebody_else_is_refused(owner, admin):
    add(admin)
    add(admin, email=GRACE, first_name="Grace")
    before = dump()
    answer = edit(admin, person(GRACE))
    assert answer.status_code == 422
    assert f"{ADA} is the address of Ada Lovelace." in text(answer)
    assert dump() == before


# ---------------------------------------------------------------- removing


def test_removing_asks_first_and_tells_what_goes_with_the_person(owner, admin):
    """R10: the license and the groups, by name."""
    set_seats(owner, 1)
    add(admin, product="sales-navigator")
    manage("create_group", owner.slug, "SMB", "--member", ADA)
    before = dump()
    page = text(admin.get(reverse("licensing:remove_person", args=[person().pk])))
    assert "The Sales Navigator license (provisioned)" in page
    assert "Their place in SMB" in page
    assert dump() == before


def test_removing_frees_the_license_for_whoever_waits(owner, admin, lea):
    """R10, R12, R20, R21: with a line, at once."""
    set_seats(owner, 1)
    add(admin, product="sales-navigator")
    idp = connect(owner, when_full="waitlist")
    idp.create(GRACE)
    assert waiting(owner) == [GRACE]
    assert "Ada Lovelace was removed." in text(remove(admin, person()))
    assert holders(owner) == [GRACE]
    assert idp.user_names() == [GRACE]
    line = LedgerEntry.objects.get(deed="release")
    assert (line.admin, line.email, line.source) == (lea, ADA, "manual")
    assert line.because == "lea@acme.example removed the person, who was added by hand"
    assert not Link.objects.filter(person=person()).exists()
    assert remove(admin, person()).status_code == 404


def test_somebody_removed_leaves_the_groups_of_every_application(owner, admin):
    """R23: no group of an IdP keeps a member whom it cannot see."""
    add(admin)
    idp = connect(owner)
    [seen] = idp.find(f'userName eq "{ADA}"')
    group = idp.create_group("Sellers", seen["id"])
    assert idp.members(group.id) == [seen["id"]]
    remove(admin, person())
    assert not Membership.objects.exists()
    assert idp.members(group.id) == []


def test_somebody_removed_is_restored_with_the_license_or_comes_back_by_being_added(owner, admin):
    """R13: the same person, with their history and manual groups."""
    set_seats(owner, 1)
    add(admin, product="sales-navigator")
    manage("create_group", owner.slug, "SMB", "--member", ADA)
    id = person().pk
    remove(admin, person())
    assert manage("show_group", owner.slug, "SMB").json["members"] == []
    assert manage("restore_seats", owner.slug, "sales-navigator", ADA).exit == 0
    assert holders(owner) == [ADA]
    remove(admin, person())
    add(admin, title="Countess")
    assert (person().pk, person().title) == (id, "Countess")
    assert manage("show_group", owner.slug, "SMB").json["members"] == [ADA]
    deeds = [deed for deed, _ in ledger(owner) if deed != "resize"]
    assert deeds == ["grant", "release", "grant", "release"]


def test_whom_an_application_manages_is_not_removed_by_hand(owner, admin):
    """R8: also when they hold a seat by hand."""
    connect(owner, name="Okta", eligibility="groups").create(ADA)
    set_seats(owner, 1)
    grant(owner, ADA)
    before = dump()
    assert "Okta manages this person" in text(remove(admin, person()))
    assert dump() == before


# ---------------------------------------------------------------- licenses


def test_a_license_is_given_and_taken_away_on_the_persons_page(owner, admin):
    """R10, R12."""
    set_seats(owner, 1)
    add(admin)
    give, take = (
        reverse(f"licensing:{deed}_seat", args=[person().pk, "sales-navigator"])
        for deed in ("give", "take")
    )
    assert "was given a Sales Navigator license" in text(admin.post(give, follow=True))
    assert holders(owner) == [ADA]
    assert "Has a Sales Navigator license already" in text(admin.post(give, follow=True))
    assert "has no Sales Navigator license any more" in text(admin.post(take, follow=True))
    assert holders(owner) == []
    assert pool_of(owner).held == 0


def test_a_license_that_an_application_gives_is_not_taken_away(owner, admin):
    """R8, R12: the refusal names the application."""
    connect(owner, seats=1, name="Okta").create(ADA)
    take = reverse("licensing:take_seat", args=[person().pk, "sales-navigator"])
    before = dump()
    assert "Okta gives the license" in text(admin.post(take, follow=True))
    assert dump() == before


@pytest.mark.django_db(transaction=True)
def test_a_push_and_an_admin_who_add_the_same_human_make_one_person(owner, admin, race):
    """R12, R26: whoever is first; the other one takes over or is refused."""
    idp = connect(owner, seats=1)
    pushed, added = race(lambda: idp.create(ADA).status, lambda: add(admin).status_code)
    assert pushed == 201
    assert added in (302, 422)
    assert Person.objects.count() == 1


def test_nothing_of_another_organization_is_touched(owner, admin):
    stranger = organization()
    set_seats(stranger, 1)
    grant(stranger, ADA)
    theirs = person()
    before = dump()
    for name in ("edit_person", "remove_person"):
        assert (
            admin.post(reverse(f"licensing:{name}", args=[theirs.pk]), PROFILE).status_code == 404
        )
    for name in ("give_seat", "take_seat"):
        address = reverse(f"licensing:{name}", args=[theirs.pk, "sales-navigator"])
        assert admin.post(address).status_code == 404
    assert dump() == before
