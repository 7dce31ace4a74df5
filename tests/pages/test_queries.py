"""Pages cost the same with ten people and with many."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import clock, names
from accounts.models import Application, Group, Link, Membership, Person
from licensing import pools
from licensing.models import HeldRemoval, LedgerEntry, Reclaimed, Seat, WaitingEntry
from scim.models import Exchange
from tests.pages import addresses
from tests.pages.world import World, hold_removals

#: The admin and the roles are two of each.
MOST = {
    "overview": 17,
    "users": 16,
    "new-person": 10,
    "edit-person": 8,
    "remove-person": 10,
    "erase-person": 12,
    "import-file": 8,
    "person": 19,
    "holders": 12,
    "waiting": 12,
    "idle": 14,
    "reclaim": 12,
    "reclaimed": 12,
    "over-time": 12,
    "history": 12,
    "freed": 12,
    "licenses": 10,
    "held": 10,
    "groups": 10,
    "group": 12,
    "security": 10,
    "two-step": 6,
    "sign-in-settings": 10,
    "single-sign-on": 8,
    "report": 12,
    "usage": 8,
    "usage-file": 10,
    "usage-done": 8,
    "prices": 6,
    "schedules": 8,
    "new-schedule": 10,
    "schedule": 12,
    "found": 10,
    "preferences": 4,
    "webhooks": 6,
    "webhook": 8,
    "webhook-delivery": 6,
    "mails": 6,
    "notices": 6,
    "manual-group": 14,
    "scim": 12,
    "application": 16,
    "guide": 12,
    "test": 14,
    "activity": 10,
    "admins": 10,
    "audit": 10,
    "api-tokens": 8,
    "request": 12,
}
MANY = 300


def test_the_number_of_queries_does_not_grow(
    admin: Client, world: World, django_assert_max_num_queries: Any
) -> None:
    shown = addresses.every(world)
    hold_removals(world)
    admin.get("/")  # the session is in the cache from now on
    few = {}
    for name, most in MOST.items():
        with django_assert_max_num_queries(most, info=name) as queries:
            admin.get(shown[name])
        few[name] = len(queries)
    many_more(world)
    for name, before in few.items():
        with django_assert_max_num_queries(before + 1, info=name):  # a second page is counted
            assert admin.get(shown[name]).status_code == 200


def test_a_search_costs_little_more_than_the_list(
    admin: Client, world: World, django_assert_max_num_queries: Any
) -> None:
    many_more(world)
    admin.get("/users/")
    narrow = f"product=sales-navigator&group={world.group.pk}&application={world.application.pk}"
    with django_assert_max_num_queries(MOST["users"] + 1):
        answer = admin.get(f"/users/?q=Person&license=held&sort=-name&department=x&{narrow}")
    assert answer.status_code == 200
    with django_assert_max_num_queries(10):
        b"".join(admin.get("/users/export.csv").streaming_content)


def test_pages_without_an_admin_touch_neither_session_nor_roles(
    db: None, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(0):
        assert Client().get("/sign-in/").status_code == 200


def test_no_page_grows_with_the_organization(admin: Client, world: World) -> None:
    """Each page is sent in 100 kB and needs fewer than 20 queries, with 1,500 people, groups and
    departments: whatever listed them all, at some 70 bytes each, would be larger."""
    shown = addresses.every(world)
    hold_removals(world)
    many_more(world, 1500)
    _many_groups(world, 1500)
    admin.get("/")
    heavy = {}
    for name, address in shown.items():
        with CaptureQueriesContext(connection) as queries:
            answer = admin.get(address)
        assert answer.status_code == 200, name
        if len(answer.content) > 100_000 or len(queries) >= 20:
            heavy[name] = (len(answer.content), len(queries))
    assert heavy == {}


def many_more(world: World, many: int = MANY) -> None:
    """Rows by the hundred: made past the domain, since it is reading that is measured."""
    organization, now = world.organization, clock.now()
    application = world.application
    pool = pools.get(organization, "sales-navigator")
    people = Person.objects.bulk_create(_person(world, number) for number in range(many))
    Link.objects.bulk_create(_link(world, person) for person in people)
    seats = Seat.objects.bulk_create(
        Seat(
            organization=organization,
            pool=pool,
            person=person,
            application=application,
            source="scim",
            granted_at=now - dt.timedelta(days=100),
        )
        for person in people[::2]
    )
    Seat.objects.filter(pk__in=[seat.pk for seat in seats[::2]]).update(carried_over=True)
    Reclaimed.objects.bulk_create(
        Reclaimed(
            organization=organization,
            pool=pool,
            person=person,
            by_hand=False,
            because="it was not used for 60 days",
            at=now,
        )
        for person in people[1::2]
    )
    WaitingEntry.objects.bulk_create(
        WaitingEntry(
            organization=organization,
            pool=pool,
            application=application,
            person=person,
            user_name_key=person.email_key,
            email=person.email,
            sort_key=person.sort_key,
            since=now,
            reason="All licenses were assigned.",
        )
        for person in people[1::2]
    )
    HeldRemoval.objects.bulk_create(
        HeldRemoval(
            organization=organization,
            application=application,
            pool=pool,
            person=person,
            wanted="delete",
            because="For the test",
            at=now,
            pushed_at=now,
        )
        for person in people
    )
    Membership.objects.bulk_create(
        Membership(organization=organization, group=world.group, person=person) for person in people
    )
    LedgerEntry.objects.bulk_create(
        LedgerEntry(
            organization=organization,
            pool=pools.get(organization, product),
            deed="grant",
            person=person,
            application=application,
            because="For the test",
            at=now,
        )
        for person in [*people, world.person]
        for product in ("sales-navigator", "teamlink-extend")
    )
    Exchange.objects.bulk_create(
        Exchange(
            organization=organization,
            application=Application.objects.of(organization)[number % 2],
            request_id=str(number),
            at=now - dt.timedelta(seconds=number),
            milliseconds=1,
            method="POST",
            path="/Users",
            status=403 if number % 3 else 201,
        )
        for number in range(many)
    )


def _many_groups(world: World, many: int) -> None:
    """Groups and departments of one person each; every other group is pushed."""
    people = Person.objects.of(world.organization).order_by("-id")[:many]
    made = Group.objects.bulk_create(
        Group(
            organization=world.organization,
            application=world.application if number % 2 else None,
            name=f"A group with the number {number}",
            name_key=f"a group with the number {number}",
            created_at=clock.now(),
            changed_at=clock.now(),
        )
        for number in range(many)
    )
    Membership.objects.bulk_create(
        Membership(organization=world.organization, group=group, person=person)
        for group, person in zip(made, people, strict=True)
    )
    for person in people:
        person.department = f"The department with the number {person.pk}"
    Person.objects.bulk_update(people, ["department"], batch_size=500)


def _person(world: World, number: int) -> Person:
    email = f"person{number}@example.com"
    return Person(
        organization=world.organization,
        managed_by=world.application,
        email=email,
        email_key=email,
        first_name="Person",
        last_name=f"Number {number}",
        employee_number=str(number),
        sort_key=names.sort_key(str(number), f"Number {number}", "Person", email),
        created_at=clock.now(),
        changed_at=clock.now(),
    )


def _link(world: World, person: Person) -> Link:
    return Link(
        organization=world.organization,
        application=world.application,
        person=person,
        user_name=person.email,
        user_name_key=person.email_key,
        sort_key=person.sort_key,
        document={},
        created_at=clock.now(),
        changed_at=clock.now(),
    )
