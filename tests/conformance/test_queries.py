"""No endpoint's number of statements depends on how many people, groups or members there are.

Each request is counted in a small directory and in one twenty times as large. Bulk is linear in its
operations, and in nothing else. A page that is full needs one statement more than the last one, for
the total: pages here are full in both directories, or in neither.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from licensing import brake
from licensing.models import HeldRemoval, Policy
from scim import exchanges
from tests import factories

SMALL, LARGE = 3, 60

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"


class Directory:
    """People who are all in every group, some added by hand, with a chosen eligible group."""

    def __init__(self, size: int, **policy: Any) -> None:
        owner = factories.organization()
        self.idp = factories.connect(owner, seats=10_000, **policy)
        self.brake = Policy.objects.get(application=self.idp.application)
        brake.set_limits(self.brake, on=False, people=0, percent=0)
        self.size = size
        made = self.idp.bulk(
            *(
                ("POST", "/Users", factories.person(f"p{n}@example.com", number=str(n)))
                for n in range(size)
            )
        )
        self.people = [one["location"].rpartition("/")[2] for one in made.json["Operations"]]
        for n in range(3):
            factories.grant(owner, f"hand{n}@example.com", first_name="By", last_name="Hand")
        self.groups = [
            self.idp.create_group(f"Group {n}", *self.people).id for n in range(max(3, size // 6))
        ]

    @property
    def person(self) -> str:
        return self.people[0]

    @property
    def group(self) -> str:
        return self.groups[0]


def get(path: str, **query: str) -> Callable[[Directory], Any]:
    def send(there: Directory) -> Any:
        where = path.format(person=there.person, group=there.group)
        filled = {name: text.format(person=there.person) for name, text in query.items()}
        return there.idp("GET", where, query=filled)

    return send


def post(path: str, **body: Any) -> Callable[[Directory], Any]:
    return lambda there: there.idp("POST", path, body)


def patch_group(*operations: dict[str, Any]) -> Callable[[Directory], Any]:
    """Ids of people go in where {all}, {person} and {last} stand."""

    def send(there: Directory) -> Any:
        text = json.dumps({"schemas": [factories.PATCH_OP], "Operations": list(operations)})
        everybody = json.dumps([{"value": id} for id in there.people])
        for name, value in (
            ('"{all}"', everybody), ("{person}", there.person), ("{last}", there.people[-1]),
        ):  # fmt: skip
            text = text.replace(name, value)
        return there.idp("PATCH", f"/Groups/{there.group}", text)

    return send


READS = {
    "a person": get("/Users/{person}"),
    "a person with some attributes": get("/Users/{person}", attributes="userName,groups"),
    "all people": get("/Users"),
    "all people by name": get("/Users", sortBy="name.familyName", sortOrder="descending"),
    "people without groups": get("/Users", excludedAttributes="groups"),
    "a page of people": get("/Users", startIndex="2", count="2"),
    "no people but their number": get("/Users", count="0"),
    "people by cursor": get("/Users", cursor="", count="2"),
    "a person by name": get("/Users", filter='userName eq "p1@example.com"'),
    "a person by address": get("/Users", filter='emails[type eq "work"].value eq "p1@example.com"'),
    "people by a filter": get("/Users", filter=f'{ENTERPRISE}:employeeNumber gt "1" or title pr'),
    "people by group": get("/Users", filter='groups.display sw "Group"'),
    "a group": get("/Groups/{group}"),
    "a group without members": get("/Groups/{group}", excludedAttributes="members"),
    "a group with names of members": get("/Groups/{group}", attributes="members.display"),
    "all groups": get("/Groups"),
    "a group by name": get("/Groups", filter='displayName eq "group 1"'),
    "groups by member": get("/Groups", filter='members.value eq "{person}"'),
    "a search for people": post("/Users/.search", schemas=[SEARCH], filter="active eq true"),
    "a search for groups": post("/Groups/.search", schemas=[SEARCH], count=2),
    "a search for all": post("/.search", schemas=[SEARCH], sortBy="displayName"),
    "ServiceProviderConfig": get("/ServiceProviderConfig"),
    "ResourceTypes": get("/ResourceTypes"),
    "Schemas": get("/Schemas"),
    "nobody": get("/Users/00000000-0000-0000-0000-000000000000"),
}

_PERSON = factories.person("new@example.com", number="7")

WRITES = {
    "create a person": lambda there: there.idp("POST", "/Users", _PERSON),
    "create a person again": lambda there: there.idp.create("p1@example.com"),
    "replace a person": lambda there: there.idp.replace(there.person, "p0@example.com", title="x"),
    "patch a person": lambda there: there.idp.patch(
        f"/Users/{there.person}", ("replace", "title", "Boss")
    ),
    "patch a person into nothing new": lambda there: there.idp.set_active(there.person, True),
    "deactivate a person": lambda there: there.idp.set_active(there.person, False),
    "delete a person": lambda there: there.idp.delete(there.person),
    "create a group": lambda there: there.idp.create_group("New", *there.people),
    "replace a group": lambda there: there.idp.replace_group(
        there.group, "Renamed", *there.people[1:]
    ),
    "rename a group": lambda there: there.idp.rename_group(there.group, "Renamed"),
    "add all members": patch_group({"op": "add", "path": "members", "value": "{all}"}),
    "replace all members": patch_group({"op": "replace", "path": "members", "value": "{all}"}),
    "remove a member": patch_group({"op": "remove", "path": 'members[value eq "{person}"]'}),
    "remove all members": patch_group({"op": "remove", "path": "members"}),
    "swap members": patch_group(
        {"op": "remove", "path": 'members[value eq "{person}" or value eq "{last}"]'},
        {"op": "add", "path": "members", "value": [{"value": "{last}"}]},
    ),
    "delete a group": lambda there: there.idp("DELETE", f"/Groups/{there.group}"),
}


def statements(send: Callable[[Directory], Any], there: Directory) -> tuple[list[str], int]:
    """The statements of one request, and its answer's status."""
    with CaptureQueriesContext(connection) as captured:
        status = send(there).status
    exchanges._reads.rows.clear()
    return [query["sql"][:2000] for query in captured.captured_queries], status


def assert_the_same(
    name: str,
    send: Callable[[Directory], Any],
    small: Directory,
    large: Directory,
    *,
    most: int,
) -> None:
    few, status = statements(send, small)
    many, same_status = statements(send, large)
    assert status == same_status < 500, name
    same = len(few) == len(many) <= most
    assert same, "\n".join([name, "in the large one:", *many, "in the small one:", *few])


@contextlib.contextmanager
def undone() -> Iterator[None]:
    """What is changed inside is undone at the end."""
    block = transaction.atomic()
    block._from_testcase = True  # type: ignore[attr-defined]  durable blocks may be inside
    with block:
        yield
        transaction.set_rollback(True)


def test_a_held_removal_takes_as_many_statements_however_many_people_it_is(db: None) -> None:
    """R27: noting it, repeating it, and taking it back."""
    policy = {"eligibility": "groups", "eligible_groups": ["Group 0"]}
    small, large = Directory(SMALL, **policy), Directory(LARGE, **policy)
    for there in (small, large):
        brake.set_limits(there.brake, on=True, people=0, percent=0)
    for name in ("remove all members", "remove all members", "replace all members"):
        assert_the_same(name, WRITES[name], small, large, most=40)
    states = HeldRemoval.objects.values_list("state", flat=True)
    assert list(states) == ["superseded"] * (SMALL + LARGE)


def test_reading_takes_as_many_statements_however_many_there_are(db: None) -> None:
    """RFC 7644 section 3.4: reading one, listing, filtering, sorting, paging, searching."""
    small, large = Directory(SMALL), Directory(LARGE)
    for name, send in READS.items():
        assert_the_same(name, send, small, large, most=5)


@pytest.mark.parametrize(
    "policy",
    [
        pytest.param({"eligibility": "everyone"}, id="everyone-is-eligible"),
        pytest.param(
            {"eligibility": "groups", "eligible_groups": ["Group 0"]}, id="a-group-is-eligible"
        ),
    ],
)
def test_a_change_takes_as_many_statements_however_many_there_are(
    policy: dict[str, Any], db: None
) -> None:
    """RFC 7644 sections 3.3, 3.5 and 3.6; also where membership decides about seats (R16)."""
    small, large = Directory(SMALL, **policy), Directory(LARGE, **policy)
    for name, send in WRITES.items():
        with undone():
            assert_the_same(name, send, small, large, most=40)


def test_bulk_takes_as_many_statements_an_operation_however_many_there_are(db: None) -> None:
    """RFC 7644 section 3.7: linear in operations, whatever is there already."""

    def bulk(number: int) -> Callable[[Directory], Any]:
        people = [("POST", "/Users", factories.person(f"b{n}@example.com")) for n in range(number)]
        return lambda there: there.idp.bulk(*people)

    small, large = Directory(SMALL), Directory(LARGE)
    with undone():
        assert_the_same("bulk", bulk(4), small, large, most=100)
    counts = []
    for number in (2, 4, 8):
        with undone():
            counts.append(len(statements(bulk(number), large)[0]))
    assert counts[2] - counts[1] == 2 * (counts[1] - counts[0]), counts
