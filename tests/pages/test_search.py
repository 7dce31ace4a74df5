"""The search box of every page: what is found, by which index, and for whom."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Person
from licensing.pages.search import find_people
from tests.pages.test_pages import text
from tests.pages.test_queries import many_more
from tests.pages.world import World


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("hopper", {"Grace Hopper"}),
        ("GRA", {"Grace Hopper"}),
        ("grace hop", {"Grace Hopper"}),
        ("hopper g", {"Grace Hopper"}),
        ("katherine.j", {"Katherine Johnson"}),
        ("1007", {"Ada Lovelace"}),
        ("01007", {"Ada Lovelace"}),
        ("a-1", {"Edsger Dijkstra"}),
        ("zoe", {"Zoë Washburne"}),
        ("ZOË wash", {"Zoë Washburne"}),
        ("ada turing", set()),
        ("opper", set()),
        ("%", set()),
    ],
)
def test_people_are_found_by_the_beginning(world: World, typed: str, found: set[str]) -> None:
    people = Person.objects.filter(pk__in=find_people(world.organization, typed))
    assert {person.name for person in people} == found


@pytest.mark.parametrize(
    ("typed", "section", "title"),
    [
        ("executives", "Groups", "Account executives"),
        ("teamlink", "Applications", "Entra – TeamLink Extend"),
        ("waiting teamlink", "Licenses", "Waiting list of TeamLink Extend"),
        ("held", "Licenses", "Held removals"),
        ("time zone", "Pages", "Preferences"),
        ("okta", "Pages", "SCIM"),
        ("report", "Pages", "Reporting"),
    ],
)
def test_groups_applications_and_pages_are_found(
    admin: Client, typed: str, section: str, title: str
) -> None:
    sections = {s.title: s.hits for s in admin.get("/search/", {"q": typed}).context["sections"]}
    [hit] = [hit for hit in sections[section] if hit.title == title]
    assert admin.get(hit.link).status_code == 200


def test_a_request_is_found_by_its_id_and_by_its_number(admin: Client, world: World) -> None:
    """R28."""
    exchange = world.exchange
    for typed in (exchange.request_id, str(exchange.pk)):
        page = admin.get("/search/", {"q": typed}).content.decode()
        assert f'href="{reverse("activity:exchange", args=[exchange.pk])}"' in page


def test_nothing_of_a_stranger_is_found(admin: Client, world: World, stranger: World) -> None:
    links = [
        reverse("licensing:person", args=[stranger.person.pk]),
        reverse("licensing:group", args=[stranger.group.pk]),
        reverse("scim_settings:application", args=[stranger.application.pk]),
        reverse("activity:exchange", args=[stranger.exchange.pk]),
    ]
    for typed in ("ada", "account", "okta", stranger.exchange.request_id, stranger.exchange.pk):
        page = admin.get("/search/", {"q": typed}).content.decode()
        assert not [link for link in links if f'"{link}"' in page]


def test_people_who_were_removed_are_not_found(world: World) -> None:
    Person.objects.filter(pk=world.person.pk).update(removed_at=world.person.created_at)
    assert find_people(world.organization, "lovelace") == []


def test_without_a_question_or_an_answer_it_says_what_to_do(admin: Client) -> None:
    for nothing in ("", "?q=", "?q=%00", "?q=+"):
        assert "Type the beginning of a name" in text(admin.get(f"/search/{nothing}"))
    nobody = text(admin.get("/search/?q=xyzzy"))
    assert "Nothing begins like that" in nobody
    assert 'href="/users/?q=xyzzy"' in nobody


def test_what_was_typed_is_escaped(admin: Client) -> None:
    page = admin.get("/search/", {"q": "<script>x</script>"}).content.decode()
    assert "<script>x" not in page


def test_each_branch_of_the_search_for_people_is_a_stretch_of_an_index(world: World) -> None:
    """So that it costs the same among ten people and among a hundred thousand."""
    many_more(world)
    with CaptureQueriesContext(connection) as asked:
        assert len(find_people(world.organization, "person number 1")) == 8
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE accounts_person")
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        cursor.execute(f"EXPLAIN {asked[-1]['sql']}")
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "Seq Scan" not in plan
    for index in (
        "people_by_last_name",
        "people_by_first_name",
        "people_by_address",
        "people_in_allocation_order",
    ):
        assert index in plan
