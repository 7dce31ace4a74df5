"""Reporting's figures, recounted person by person (R25). People are made past the domain here,
since it is reading that is measured."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import pytest
from django.test import Client

from accounts import groups
from accounts.models import Group, Membership, Organization, Person
from licensing import idle
from licensing.models import LedgerEntry, Seat, WaitingEntry
from tests.factories import connect, pool_of, set_seats
from tests.rules.test_r25_reporting import NOW, PRODUCT, _today, admin, lines_of, owner

__all__ = ["_today", "admin", "owner"]
pytestmark = pytest.mark.django_db


def test_departments_are_compared_the_largest_first(owner: Organization, admin: Client) -> None:
    Person.objects.bulk_create(
        Person(
            organization=owner,
            department=department,
            sort_key=str(n),
            created_at=NOW,
            changed_at=NOW,
            removed_at=NOW if n == 5 else None,
        )
        for n, department in enumerate(["Sales", "Sales", "Legal", "", "Sales", "Legal"])
    )
    lines = lines_of(admin.get("/reporting/csv/?departments=1"))
    assert [(line["Group"], line["People"]) for line in lines] == [
        ("Sales", "3"),
        ("Legal", "1"),
        ("Together, each person once", "4"),
    ]


def test_the_figures_are_those_of_a_recount_and_cost_the_same_for_many_groups(
    owner: Organization, admin: Client, django_assert_num_queries: Any
) -> None:
    """R25: compared with Python that looks at each person of each group."""
    chance = random.Random(3)
    pool = _crowd(owner, chance)
    several = [_random_group(owner, f"Group {n}", chance) for n in range(30)]
    one, many = {"group": several[0].pk}, {"group": [group.pk for group in several]}
    admin.get("/reporting/", one)
    for query in (one, many):
        with django_assert_num_queries(7):
            admin.get("/reporting/", query)
    lines = {line["Group"]: line for line in lines_of(admin.get("/reporting/csv/", many))}
    since = NOW.replace(hour=0) - dt.timedelta(days=29)
    for group in several:
        members = Person.objects.filter(memberships__group=group, removed_at=None)
        seats = list(Seat.objects.filter(pool=pool, person__in=members))
        line = lines[group.name]
        assert int(line["People"]) == members.count()
        assert int(line["Seats"]) == len(seats)
        assert int(line["Activated"]) == sum(seat.state == "activated" for seat in seats)
        used = [seat for seat in seats if seat.last_used_at and seat.last_used_at >= since]
        assert int(line["Used in the period"]) == len(used)
        idle_ones = idle.of_pool(pool).filter(person__in=members)
        assert int(line["Idle"]) == idle_ones.count()
        waiting = WaitingEntry.objects.filter(pool=pool, person__in=members)
        assert int(line["Waiting"]) == waiting.count()
        told = LedgerEntry.objects.filter(pool=pool, person__in=members, at__gte=since)
        assert int(line["Given in the period"]) == told.filter(deed="grant").count()
        assert int(line["Freed in the period"]) == told.filter(deed="release").count()


def _crowd(owner: Organization, chance: random.Random) -> Any:
    """Sixty people, made past the domain: what is read is measured."""
    set_seats(owner, 100)
    idle.set_rule(owner, PRODUCT, after_days=45)
    pool = pool_of(owner)
    idp = connect(owner, name="Okta")
    crowd = Person.objects.bulk_create(
        Person(
            organization=owner,
            email=f"{n}@example.com",
            sort_key=f"{n:03}",
            created_at=NOW,
            changed_at=NOW,
            removed_at=NOW if n > 55 else None,
        )
        for n in range(60)
    )
    for person in crowd:
        kind = chance.choice(["activated", "provisioned", "waiting", "nothing"])
        ago = [NOW - dt.timedelta(days=chance.randint(0, 99)) for _ in range(3)]
        of_pool = {"organization": owner, "pool": pool, "person": person}
        if kind in ("activated", "provisioned"):
            Seat.objects.create(
                **of_pool,
                source="manual",
                state=kind,
                granted_at=ago[0],
                activated_at=ago[1] if kind == "activated" else None,
                last_used_at=ago[2] if kind == "activated" else None,
            )
        elif kind == "waiting":
            WaitingEntry.objects.create(
                **of_pool, application=idp.application, user_name_key=person.email,
                email=person.email, sort_key=person.sort_key, since=NOW, reason="x",
            )  # fmt: skip
        for deed in ("grant", "release", "grant")[: chance.randint(0, 3)]:
            LedgerEntry.objects.create(**of_pool, deed=deed, because="x", at=chance.choice(ago))
    return pool


def _random_group(owner: Organization, name: str, chance: random.Random) -> Group:
    group = groups.create(owner, name)
    crowd = list(Person.objects.of(owner))
    Membership.objects.bulk_create(
        Membership(organization=owner, group=group, person=person)
        for person in chance.sample(crowd, chance.randint(0, 40))
    )
    return group
