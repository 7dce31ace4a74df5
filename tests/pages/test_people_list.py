"""The list of people: filters, pages that begin at somebody, export."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.models import Link, Person
from tests.pages.test_pages import EVERYBODY, text
from tests.pages.test_queries import MANY, many_more
from tests.pages.world import World


def names(answer: Any) -> set[str]:
    return {person.name for person in answer.context["page"].rows}


FILTERS: dict[str, set[str]] = {
    "source=idp": EVERYBODY - {"Sam Seaborn", "Zoë Washburne"},
    "product=teamlink-extend&license=waiting": {"Ada Lovelace", "Alan Turing"},
    "product=sales-navigator&license=waiting": set(),
    "product=sales-navigator&license=none": {"Edsger Dijkstra"},
    "product=nonsense": EVERYBODY,
    "license=deactivated": {"Edsger Dijkstra"},
    "department=Sales+EMEA": {"Ada Lovelace", "Alan Turing"},
    "department=Sales": set(),
    "group=nonsense&application=nonsense": EVERYBODY,
    "after=nonsense&before=99999": EVERYBODY,
}


def test_filters_are_kept_in_the_address(admin: Client) -> None:
    """R7, R23: what makes no sense is left out."""
    for query, found in FILTERS.items():
        assert names(admin.get(f"/users/?{query}")) == found, query


def test_people_of_a_group_and_of_an_application_are_found(admin: Client, world: World) -> None:
    assert names(admin.get(f"/users/?group={world.manual_group.pk}")) == {
        "Sam Seaborn",
        "Zoë Washburne",
    }
    entra = names(admin.get(f"/users/?application={world.entra.application.pk}"))
    assert entra == {"Ada Lovelace", "Grace Hopper", "Katherine Johnson", "Alan Turing"}
    page = text(admin.get(f"/users/?group={world.manual_group.pk}&department=Navy"))
    assert '<details class="more-filters" open>' in page
    assert "<option selected>Navy</option>" in page


@pytest.mark.parametrize("sort", ["-number", "department"])
def test_pages_lead_through_everybody_and_back(admin: Client, world: World, sort: str) -> None:
    """R17: in order, nobody twice and nobody missed."""
    many_more(world)
    address, seen, addresses = f"?sort={sort}", [], []
    while address:
        answer = admin.get(f"/users/{address}")
        seen += [person.pk for person in answer.context["page"].rows]
        addresses.append([person.pk for person in answer.context["page"].rows])
        address = answer.context["page"].next
    everybody = Person.objects.of(world.organization)
    order = {"number": "sort_key", "name": "last_name", "department": "department"}
    assert len(seen) == len(set(seen)) == everybody.count() == MANY + len(EVERYBODY)
    values = dict(everybody.values_list("pk", order[sort.removeprefix("-")]))
    found = [values[pk].encode() for pk in seen] if "number" in sort else None
    assert found is None or found == sorted(found, reverse=sort.startswith("-"))
    back = answer.context["page"].previous
    assert [p.pk for p in admin.get(f"/users/{back}").context["page"].rows] == addresses[-2]
    first = admin.get(f"/users/{admin.get(f'/users/{back}').context['page'].previous}")
    assert len(first.context["page"].rows) == 50


def test_a_page_begins_at_somebody_by_an_index(admin: Client, world: World) -> None:
    """Paging does not slow down at depth: no page is read to be passed over."""
    many_more(world)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE accounts_person")
        for columns, index in (
            ("sort_key, id", "people_in_allocation_order"),
            ("last_name, first_name, id", "people_by_name"),
        ):
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
            last = Person.objects.of(world.organization).latest(*columns.split(", "))
            place = [getattr(last, name) for name in columns.split(", ")]
            cursor.execute(
                f"EXPLAIN SELECT * FROM accounts_person WHERE organization_id = %s "
                f"AND removed_at IS NULL AND ({columns}) > ({', '.join(['%s'] * len(place))}) "
                f"ORDER BY {columns} LIMIT 51",
                [world.organization.pk, *place],
            )
            plan = "\n".join(row[0] for row in cursor.fetchall())
            assert f"Index Scan using {index}" in plan
            assert "Sort" not in plan


def test_what_the_filters_show_is_exported(admin: Client, world: World) -> None:
    """R10: defused, in the columns that an import reads."""
    Person.objects.filter(pk=world.sam.pk).update(title="=cmd|' /C calc'!A0")
    answer = admin.get("/users/export.csv?source=manual&sort=name")
    assert answer.streaming
    assert answer["Content-Disposition"] == 'attachment; filename="people-northwind-traders.csv"'
    written = b"".join(answer.streaming_content).decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(written))) == [
        [
            "First name",
            "Last name",
            "E-mail",
            "Employee number",
            "Title",
            "Department",
            "Managed by",
            "Sales Navigator",
            "TeamLink Extend",
        ],
        [
            "Sam",
            "Seaborn",
            "sam@example.com",
            "",
            "'=cmd|' /C calc'!A0",
            "",
            "By hand",
            "Activated",
            "",
        ],
        ["Zoë", "Washburne", "zoe@example.com", "", "", "", "By hand", "Provisioned", ""],
    ]


def test_everybody_is_exported_and_imported_unchanged(admin: Client, world: World) -> None:
    """R10: an export is an import without a change."""
    many_more(world)
    Link.objects.filter(person=world.sam).update(document={"userName": "sam@example.com"})
    written = b"".join(admin.get("/users/export.csv").streaming_content)
    assert written.count(b"\r\n") == MANY + len(EVERYBODY) + 1
    file = io.BytesIO(written)
    file.name = "people.csv"
    looked = admin.get(admin.post(reverse("licensing:import"), {"file": file})["Location"])
    totals = {each["deed"]: each["total"] for each in looked.context["lists"]}
    assert totals == {"add": 0, "change": 0, "refuse": 0, "keep": MANY + len(EVERYBODY)}


def test_the_read_only_role_is_offered_no_deed(world: World) -> None:
    world.owner.roles.update(kind="read-only")
    client = Client()
    client.force_login(world.owner)
    for address in ("/users/", f"/users/{world.sam.pk}/", f"/groups/{world.manual_group.pk}/"):
        page = text(client.get(address))
        for deed in ("Add a person", "Select ", "Give a license", "Remove", "Delete", "Add them"):
            assert deed not in page, (address, deed)
