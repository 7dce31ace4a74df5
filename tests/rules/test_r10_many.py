"""R10: one deed for many people, with a preview of how many it would be and why not the others."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Group, Organization, Person
from tests.factories import (
    Idp,
    connect,
    dump,
    grant,
    holders,
    ledger,
    manage,
    organization,
    pool_of,
    set_seats,
    waiting,
)
from tests.pages.test_pages import text
from tests.rules.test_r10_import import confirm as import_
from tests.rules.test_r10_import import look

pytestmark = pytest.mark.django_db

GIVE, TAKE = "give:sales-navigator", "take:sales-navigator"


def email(n: int) -> str:
    return f"p{n}@acme.example"


@pytest.fixture
def by_hand(owner: Organization, admin: Client) -> list[Person]:
    """Four people without a license, in allocation order."""
    for n in (3, 1, 2, 0):
        form = {"email": email(n), "last_name": "Hand", "employee_number": str(n)}
        admin.post(reverse("licensing:new_person"), form)
    return list(Person.objects.of(owner).order_by("sort_key"))


def ask(admin: Client, deed: str, people: list[Person] | str, **more: str) -> Any:
    """people: those who are ticked, or the filters of the list for all that match."""
    form: dict[str, Any] = {"deed": deed, **more}
    if isinstance(people, str):
        form |= {"whom": "all", "query": people}
    else:
        form |= {"person": [person.pk for person in people]}
    return admin.post(reverse("licensing:many"), form)


def confirm(admin: Client, deed: str, people: list[Person] | str, asked: Any, **more: str) -> Any:
    """With the name typed where many lose something."""
    digest, name = asked.context["outcome"].digest, asked.context["name"]
    return ask(admin, deed, people, confirmed=digest, typed_name=name, **more)


def members_of_smb(owner: Organization) -> list[str]:
    return manage("show_group", owner.slug, "SMB").json["members"]


def told(asked: Any) -> tuple[list[str], dict[str, list[str]]]:
    """Who it is done to, and who not by reason."""
    outcome = asked.context["outcome"]
    return (
        [person.email for person in outcome.done.first],
        {each.because: [p.email for p in each.people.first] for each in outcome.refused},
    )


def test_licenses_are_given_in_allocation_order_as_far_as_they_go(owner, admin, by_hand):
    """R10, R15, R17: first the preview, which changes nothing."""
    set_seats(owner, 3)
    grant(owner, email(1))
    before = dump()
    asked = ask(admin, GIVE, "source=manual")
    assert told(asked) == (
        [email(0), email(2)],
        {
            "Has a Sales Navigator license already.": [email(1)],
            "1 more Sales Navigator license is needed: 1 of 3 are assigned.": [email(3)],
        },
    )
    assert "Give 2 people a Sales Navigator license?" in text(asked)
    assert dump() == before
    answer = confirm(admin, GIVE, "source=manual", asked)
    assert answer["Location"] == "/users/?source=manual"
    assert holders(owner) == [email(0), email(1), email(2)]
    assert "2 people left as they were." in text(admin.get(answer["Location"]))


def test_licenses_given_by_hand_are_taken_away_and_go_to_those_who_wait(owner, admin, by_hand):
    """R12, R20, R21: what an application gives stays."""
    set_seats(owner, 3)
    for n in (0, 1):
        grant(owner, email(n))
    idp = connect(owner, name="Okta", when_full="waitlist")
    idp.create("a@acme.example", number="9")
    idp.create("b@acme.example", number="8")
    assert waiting(owner) == ["b@acme.example"]
    asked = ask(admin, TAKE, "")
    done, refused = told(asked)
    assert done == [email(0), email(1)]
    assert refused == {
        "Has no Sales Navigator license.": [email(2), email(3), "b@acme.example"],
        "Okta gives the license: take it away in the identity provider.": ["a@acme.example"],
    }
    confirm(admin, TAKE, "", asked)
    assert holders(owner) == ["b@acme.example", "a@acme.example"]
    assert [line for line in ledger(owner) if line[0] == "release"] == [
        ("release", email(0)),
        ("release", email(1)),
    ]


def test_people_are_removed_whom_no_application_manages(owner, admin, by_hand):
    """R8, R10: with their licenses."""
    set_seats(owner, 2)
    grant(owner, email(0))
    connect(owner, name="Okta").create("a@acme.example")
    asked = ask(admin, "remove", "")
    assert told(asked) == (
        [email(n) for n in range(4)],
        {"Okta manages this person: remove them in the identity provider.": ["a@acme.example"]},
    )
    confirm(admin, "remove", "", asked)
    assert holders(owner) == ["a@acme.example"]
    assert [p.email for p in Person.objects.filter(removed_at=None)] == ["a@acme.example"]


def test_people_join_and_leave_a_manual_group(owner, admin, by_hand):
    """R23: which group is asked first; those of an application are not offered."""
    idp: Idp = connect(owner, seats=1)
    scim = idp.create_group("Sellers", idp.create("a@acme.example").id)
    manage("create_group", owner.slug, "SMB", "--member", email(1))
    group = Group.objects.get(name="SMB")
    page = ask(admin, "join", by_hand[:2])
    assert [each.name for each in page.context["groups"]] == ["SMB"]
    assert ask(admin, "join", by_hand[:2], group=scim.id).status_code == 422
    chosen = {"group": str(group.pk)}
    asked = ask(admin, "join", by_hand[:2], **chosen)
    assert told(asked) == ([email(0)], {"Is in the group already.": [email(1)]})
    confirm(admin, "join", by_hand[:2], asked, **chosen)
    members = members_of_smb(owner)
    assert members == [email(0), email(1)]
    asked = ask(admin, "leave", by_hand[1:], **chosen)
    assert told(asked) == ([email(1)], {"Is not in the group.": [email(2), email(3)]})
    confirm(admin, "leave", by_hand[1:], asked, **chosen)
    assert members_of_smb(owner) == [email(0)]


def test_what_changed_since_the_preview_is_asked_again(owner, admin, by_hand):
    """R26: nothing is done that was not shown."""
    set_seats(owner, 2)
    asked = ask(admin, GIVE, by_hand)
    grant(owner, email(3))
    before = dump()
    answer = confirm(admin, GIVE, by_hand, asked)
    assert answer.status_code == 409
    assert "Nothing was done yet." in text(answer)
    assert told(answer)[0] == [email(0)]
    assert dump() == before


def test_what_makes_no_sense_does_nothing_and_says_so(owner, admin, by_hand):
    for deed, people, said in (
        (GIVE, [], "Nobody was selected."),
        ("give:nonsense", by_hand, "Choose what to do"),
        ("shout", by_hand, "Choose what to do"),
        ("remove:everything", by_hand, "Choose what to do"),
    ):
        answer = ask(admin, deed, people)
        assert answer["Location"] == "/users/"
        assert said in text(admin.get("/users/"))
    assert ask(admin, "join", by_hand, group="nonsense").status_code == 422


def test_nobody_of_another_organization_is_meant(owner, admin, by_hand):
    stranger = organization()
    set_seats(stranger, 1)
    grant(stranger, "eve@other.example")
    eve = Person.objects.get(email="eve@other.example")
    set_seats(owner, 9)
    for deed in (GIVE, TAKE, "remove"):
        assert told(ask(admin, deed, [eve])) == ([], {})
    manage("create_group", stranger.slug, "Theirs")
    theirs = Group.objects.get(name="Theirs")
    assert ask(admin, "join", by_hand, group=str(theirs.pk)).status_code == 422


def test_the_number_of_statements_does_not_depend_on_the_people(owner, admin):
    """R10: giving, taking away and removing are sets."""
    set_seats(owner, 1000)
    file = "email\n" + "\n".join(email(n) for n in range(300))
    import_(admin, look(admin, file))
    few, everybody = "q=p7%40", "source=manual"
    for deed in (GIVE, TAKE, "remove"):
        counts = []
        for people in (few, everybody):
            asked = ask(admin, deed, people)
            with CaptureQueriesContext(connection) as queries:
                confirm(admin, deed, people, asked)
            counts.append(len(queries))
        assert counts[0] == counts[1], deed
    assert pool_of(owner).held == 0
