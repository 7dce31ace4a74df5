"""Seats over time: each day's figures, compared with a recount line by line (R25)."""

from __future__ import annotations

import datetime as dt
import itertools
import random

import pytest

from accounts import clock
from accounts.models import Organization
from accounts.refusal import Refusal
from licensing import counts, idle, pools, roster
from licensing.counts import Count
from licensing.models import DailyCount, LedgerEntry, Pool, Seat
from tests.factories import connect, organization, pool_of, set_seats

NOW = dt.datetime(2026, 11, 24, 15, tzinfo=dt.UTC)
PRODUCT = "sales-navigator"
PEOPLE = [f"person{number}@example.com" for number in range(12)]


def _at(days_ago: float) -> clock.stopped:
    return clock.stopped(at=NOW - dt.timedelta(days=days_ago))


def _by_hand(owner: Organization, days: int, chance: random.Random) -> None:
    """Some weeks of a pool: bought, given, taken, activated, at random."""
    for ago in range(days, -1, -1):
        with _at(ago):
            if ago == days or chance.random() < 0.1:
                set_seats(owner, chance.randint(6, 12))
            for email in chance.sample(PEOPLE, chance.randint(0, 4)):
                try:
                    if not Seat.objects.filter(person__email=email).exists():
                        roster.grant(owner, PRODUCT, email)
                    elif chance.random() < 0.5:
                        roster.activate(owner, PRODUCT, email)
                    else:
                        roster.remove(owner, PRODUCT, email)
                except Refusal:
                    pass


def _recounted(pool: Pool) -> dict[dt.date, tuple[int, int, int]]:
    """Day → bought, held, activated: each line played, in order, without SQL."""
    bought, held, activated = 0, set(), set()
    found = {}
    lines = LedgerEntry.objects.filter(pool=pool).order_by("id")
    for day, of_day in itertools.groupby(lines, key=lambda line: line.at.date()):
        for line in of_day:
            if line.deed == "resize":
                bought = line.seats
            elif line.deed == "grant":
                held.add(line.person_id)
            elif line.deed == "activate":
                activated.add(line.person_id)
            elif line.deed == "release":
                held.discard(line.person_id)
                activated.discard(line.person_id)
        found[day] = (bought, len(held), len(activated))
    day, last = min(found), (0, 0, 0)
    while day <= NOW.date():
        last = found.setdefault(day, last)
        day += dt.timedelta(days=1)
    return found


def _kept(pool: Pool) -> dict[dt.date, tuple[int, int, int]]:
    rows = DailyCount.objects.filter(pool=pool)
    return {row.day: (row.purchased, row.held, row.activated) for row in rows}


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(4))
def test_what_is_counted_at_once_is_what_a_naive_recount_finds(seed: int) -> None:
    """R25: the first count of a pool fills all the days that its ledger tells of."""
    owner = organization()
    _by_hand(owner, 40, random.Random(seed))
    with _at(0):
        counts.count_all()
    assert _kept(pool_of(owner)) == _recounted(pool_of(owner))


@pytest.mark.django_db
def test_what_is_counted_while_time_goes_by_is_the_same() -> None:
    """R25: whenever the schedule came by, or stayed away for days, and however often."""
    owner = organization()
    chance = random.Random(7)
    with _at(20):
        set_seats(owner, 9)
    for ago in range(20, -1, -1):
        with _at(ago):
            for email in chance.sample(PEOPLE, 3):
                if Seat.objects.filter(person__email=email).exists():
                    roster.remove(owner, PRODUCT, email)
                elif pool_of(owner).free:
                    roster.grant(owner, PRODUCT, email)
                    roster.activate(owner, PRODUCT, email)
                if chance.random() < 0.4:
                    counts.count(pool_of(owner))
    with _at(0):
        counts.count(pool_of(owner))
        before = list(DailyCount.objects.order_by("id").values())
        counts.count(pool_of(owner))
        assert list(DailyCount.objects.order_by("id").values()) == before
    assert _kept(pool_of(owner)) == _recounted(pool_of(owner))


@pytest.mark.django_db
def test_what_the_ledger_cannot_tell_is_counted_day_by_day_and_else_unknown() -> None:
    """R18, R25: who waits and what is idle leaves no line; a day without a count has a gap."""
    owner = organization()
    with _at(3):
        idp = connect(owner, seats=1, when_full="waitlist")
        for email in PEOPLE[:3]:
            idp.create(email)
        idle.set_rule(owner, PRODUCT, after_days=1)
        counts.count(pool_of(owner))
    with _at(1):
        counts.count(pool_of(owner))
    with _at(0):
        set_seats(owner, 2)
        counts.count(pool_of(owner))
    rows = list(DailyCount.objects.order_by("day"))
    assert [row.waiting for row in rows] == [2, None, 2, 1]
    assert [row.idle for row in rows] == [0, None, 1, 1]
    assert [row.purchased for row in rows] == [1, 1, 1, 2]


@pytest.mark.django_db
def test_a_day_that_is_over_is_counted_again_from_the_ledger() -> None:
    """R25: what happened between the last count of a day and midnight is in it."""
    owner = organization()
    evening = NOW.replace(hour=23)
    with clock.stopped(at=evening):
        set_seats(owner, 5)
        counts.count(pool_of(owner))
    with clock.stopped(at=evening + dt.timedelta(minutes=59)):
        roster.grant(owner, PRODUCT, PEOPLE[0])
    with clock.stopped(at=evening + dt.timedelta(hours=2, minutes=30)):
        roster.grant(owner, PRODUCT, PEOPLE[1])
        counts.count(pool_of(owner))
    assert [row.held for row in DailyCount.objects.order_by("day")] == [1, 2]


@pytest.mark.django_db
def test_a_pool_without_a_ledger_has_today_alone() -> None:
    owner = organization()
    pool = pools.get(owner, PRODUCT)
    with _at(0):
        counts.count(pool)
    assert _kept(pool) == {NOW.date(): (0, 0, 0)}


@pytest.mark.django_db
def test_a_stretch_is_read_by_one_statement_with_gaps_where_nothing_was_counted(
    django_assert_num_queries,
) -> None:
    owner = organization()
    pool, other = pools.get(owner, PRODUCT), pools.get(owner, "teamlink-extend")
    with _at(8):
        set_seats(owner, 4)
    with _at(0):
        counts.count(pool)
    until = NOW.date()
    with django_assert_num_queries(1):
        found = counts.over_time(
            [pool, other], since=until - dt.timedelta(days=14), until=until, step=7
        )
    assert found[other.pk] == [None, None, None]
    assert found[pool.pk] == [
        None,
        Count(until - dt.timedelta(days=7), 4, 0, 0, None, None),
        Count(until, 4, 0, 0, 0, 0),
    ]


@pytest.mark.django_db
def test_days_that_were_counted_after_their_end_are_not_looked_at_again() -> None:
    """R25: so that counting costs the same however long the ledger is."""
    owner = organization()
    with _at(30):
        set_seats(owner, 4)
    for ago in (20, 10):
        with _at(ago):
            counts.count(pool_of(owner))
    done = DailyCount.objects.filter(day__lt=(NOW - dt.timedelta(days=10)).date())
    done.update(held=77)
    with _at(0):
        counts.count(pool_of(owner))
    assert set(done.values_list("held", flat=True)) == {77}
    assert set(DailyCount.objects.exclude(held=77).values_list("held", flat=True)) == {0}
    assert DailyCount.objects.count() == 31
