"""Counted uses and what reports say of them, compared with a recount event by event (R25)."""

from __future__ import annotations

import datetime as dt
import random

import pytest

from accounts import admins, clock, groups
from accounts.models import Organization, Outbox, Person
from licensing import report_schedules, reporting, usage, usage_trends
from licensing.models import Pool, SentReport, UsageDay, UsageEvent
from licensing.report_schedules import Wanted
from licensing.reporting import Period
from licensing.usage import Event
from tests.factories import grant, organization, pool_of, set_seats

NOW = dt.datetime(2026, 11, 24, 15, tzinfo=dt.UTC)
PRODUCT = "sales-navigator"


def _used(owner: Organization, chance: random.Random, people: int = 15) -> Pool:
    """Some weeks of uses, counted in pieces that overlap the days."""
    with clock.stopped(at=NOW - dt.timedelta(days=200)):
        set_seats(owner, people)
        for n in range(people):
            grant(owner, f"{n}@example.com")
    for round_ in range(6):
        events = [
            Event.read(
                {
                    "id": f"{round_} {n}",
                    "product": PRODUCT,
                    "email": f"{chance.randrange(people)}@example.com",
                    "happened_at": NOW - dt.timedelta(minutes=chance.randrange(85 * 1440)),
                }
            )
            for n in range(40)
        ]
        usage.record(owner, events)
        usage.roll_up_all()
    return pool_of(owner)


@pytest.mark.django_db
def test_days_and_reports_are_those_of_a_recount() -> None:
    """R25: days, people who used it in any period, the last day, and each point over time."""
    chance, owner = random.Random(7), organization()
    with clock.stopped(at=NOW):
        pool = _used(owner, chance)
        group = groups.create(owner, "SMB")
        groups.add_people(group, list(Person.objects.of(owner).order_by("id")[:6]))
    members = set(group.memberships.values_list("person_id", flat=True))
    uses = list(UsageEvent.objects.values_list("person_id", "happened_at"))
    counted: dict[tuple[int, dt.date], list[dt.datetime]] = {}
    for person, at in uses:
        counted.setdefault((person, at.date()), []).append(at)
    kept = {(row.person_id, row.day): (row.count, row.last_at) for row in UsageDay.objects.all()}
    assert kept == {key: (len(ats), max(ats)) for key, ats in counted.items()}
    for _ in range(12):
        first = NOW.date() - dt.timedelta(days=chance.randrange(100))
        last = first + dt.timedelta(days=chance.randrange((NOW.date() - first).days + 1))
        period = Period(first, last)
        within = [(who, day) for who, day in counted if first <= day <= last]
        compared = reporting.compare(owner, pool, period, groups=[group.pk], everybody=True)
        [(_, smb)] = compared.groups
        assert compared.everybody is not None
        assert compared.everybody.active == len({who for who, _ in within})
        assert smb.active == len({who for who, _ in within if who in members})
        assert smb.last_day == max((day for who, day in within if who in members), default=None)
        told = usage_trends.trend(owner, pool, period, groups=[group.pk], everybody=True)
        for n, begins in enumerate(told.days):
            ends = begins + dt.timedelta(days=told.step - 1)
            people = {who for who, day in within if begins <= day <= ends}
            assert told.active["everybody", ""][n] == len(people)
            assert told.active["group", str(group.pk)][n] == len(people & members)
        assert ends == last


@pytest.mark.django_db
def test_each_length_of_a_period_has_points_that_fit_into_one_number() -> None:
    """R25: day by day, week by week, four weeks by four; no period is too long."""
    owner = organization()
    for days in (1, 45, 46, 441, 442, 3 * 366):
        period = Period(NOW.date() - dt.timedelta(days=days - 1), NOW.date())
        told = usage_trends.trend(owner, None, period, everybody=True)
        assert told.step == (1 if days <= 45 else 7 if days <= 441 else 28)
        assert told.active["everybody", ""] == [0] * (days // told.step)


@pytest.mark.django_db(transaction=True)
def test_workers_that_send_at_once_send_a_report_once(race) -> None:
    """R25: a row for each period keeps it so."""
    owner = organization()
    lea = admins.create("lea@example.com", organization=owner, password="x" * 12)
    for n in range(4):
        wanted = Wanted(f"Report {n}", PRODUCT, "weekly", 1, [lea.pk], everybody=True)
        report_schedules.make(owner, wanted, by=lea)
    with clock.stopped(at=clock.now() + dt.timedelta(days=8)):
        race(*[report_schedules.send_due] * 3)
        report_schedules.send_due()
    assert SentReport.objects.count() == 4
    assert Outbox.objects.filter(kind="usage_report").count() == 4


@pytest.mark.django_db(transaction=True)
def test_the_same_uses_sent_twice_at_once_are_taken_once(race) -> None:
    """R25, R26: whatever their order."""
    owner = organization()
    with clock.stopped(at=NOW):
        _used(owner, random.Random(1), people=3)
        events = [
            Event(f"x{n}", PRODUCT, "2026-11-20T10:00:00Z", email=f"{n % 3}@example.com")
            for n in range(300)
        ]
        answers = race(
            lambda: usage.record(owner, events), lambda: usage.record(owner, events[::-1])
        )
    told = sorted(answer.outcome for each in answers for answer in each)
    assert told == ["accepted"] * 300 + ["repeated"] * 300
