"""When a pool runs out: the sums by hand, then what the ledger and the pages make of it."""

from __future__ import annotations

import datetime as dt
import itertools
import random

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from accounts import admins, clock
from licensing import forecast, pools, roster, seals
from licensing.forecast import HORIZON, Pace
from tests.factories import connect, manage, manage_for_people, organization, reconcile_licenses

TODAY = dt.date(2026, 11, 24)
NOW = dt.datetime(2026, 11, 24, 15, tzinfo=dt.UTC)
NOBODY = Pace([], 0, 0)


@pytest.fixture(autouse=True)
def _today():
    with clock.stopped(at=NOW):
        yield


def _days(day: dt.date | None) -> int | None:
    return None if day is None else (day - TODAY).days


def _range(told):
    outlook = told.outlook
    return tuple(_days(day) for day in (outlook.earliest, outlook.runs_out, outlook.latest))


# ---------------------------------------------------------------- the sums


def test_steady_growth_gives_one_day():
    """Three more each week, twelve free: in four weeks, and no week speaks against it."""
    told = forecast.predict(100, 88, Pace([3] * 12, 36, 84))
    assert _range(told) == (28, 28, 28)
    assert told.sentence == (
        "At the rate of the last 12 weeks (about 3 more in use a week) the 12 free licenses run "
        "out around Dec 22, 2026. Every week was like the others."
    )


def test_noisy_growth_gives_a_range_around_the_same_day():
    """The same rate, told with less certainty, the more weeks differ."""
    little = forecast.predict(100, 70, Pace([2, 4] * 6, 40, 84))
    much = forecast.predict(100, 70, Pace([0, 6] * 6, 60, 84))
    assert _range(little)[1] == _range(much)[1] == 70
    assert _range(much)[0] < _range(little)[0] < 70 < _range(little)[2] < _range(much)[2]
    assert little.sentence.endswith(
        "Weeks differ: in about nine of ten cases it is between Jan 18, 2027 and Feb 26, 2027."
    )


def test_growth_that_may_be_none_says_so():
    """The range has no end where the rate may well be nothing."""
    told = forecast.predict(100, 60, Pace([9, -8, 7, -6, 8, -5, 9, -7, 6, -4, 5, 3], 80, 84))
    earliest, _, latest = _range(told)
    assert latest is None
    assert earliest < 365
    assert "and it may not be within two years." in told.sentence


def test_no_growth_does_not_run_out():
    """As many freed as given, every week."""
    told = forecast.predict(100, 60, Pace([0] * 12, 48, 84))
    assert _range(told) == (None, None, None)
    assert told.sentence == (
        "At the rate of the last 12 weeks (as many freed as given) the 40 free licenses do not "
        "run out within two years."
    )


def test_shrinking_does_not_run_out():
    """Fewer each week."""
    told = forecast.predict(100, 60, Pace([-2, -2, -3, -1] * 3, 24, 84))
    assert _range(told) == (None, None, None)
    assert "(about 2 fewer in use a week)" in told.sentence


def test_shrinking_by_chance_says_that_it_is_not_certain():
    """The mean is below nothing, but weeks differ by far more than that."""
    told = forecast.predict(100, 98, Pace([9, -8, 7, -9, 8, -8, 9, -9, 6, -6, 5, -5], 90, 84))
    earliest, central, latest = _range(told)
    assert (central, latest) == (None, None)
    assert earliest < 14
    assert "it is not certain" in told.sentence


@pytest.mark.parametrize(
    ("purchased", "held", "sentence"),
    [
        (10, 10, "All 10 are in use: none is free."),
        (10, 13, "More are in use than were bought, by 3: none is free."),
        (0, 2, "More are in use than were bought, by 2: none is free."),
    ],
)
def test_a_pool_that_is_used_up_has_run_out_today(purchased, held, sentence):
    """R15: over-assigned too; no history is needed to tell."""
    told = forecast.predict(purchased, held, NOBODY)
    assert (_range(told), told.sentence) == ((0, 0, 0), sentence)


@pytest.mark.parametrize(
    ("pace", "why"),
    [
        (NOBODY, "the ledger has 0 whole days of history, and 28 are needed"),
        (Pace([5], 30, 13), "the ledger has 13 whole days of history, and 28 are needed"),
        (Pace([5, 5, 5], 15, 27), "the ledger has 27 whole days of history, and 28 are needed"),
        (Pace([1] * 9 + [0] * 3, 9, 84), "9 licenses were given or freed in the last 12 weeks"),
        (Pace([0, 0, 0, 1], 1, 28), "1 license was given or freed in the last 4 weeks"),
        (Pace([0] * 12, 0, 400), "no license was given or freed in the last 12 weeks"),
    ],
)
def test_too_little_history_gives_no_day(pace, why):
    """Nothing, and a sentence that says why."""
    told = forecast.predict(100, 20, pace)
    assert told.outlook is None
    assert why in told.sentence


def test_a_pool_that_nobody_bought_gives_no_day():
    """There is nothing to run out."""
    assert forecast.predict(0, 0, NOBODY) == forecast.Forecast(None, "No licenses were bought yet.")


PACES = st.lists(st.integers(-50, 50), min_size=4, max_size=12).map(
    lambda weeks: Pace(weeks, max(10, sum(map(abs, weeks))), 7 * len(weeks))
)


@given(pace=PACES, free=st.integers(1, 500), more=st.integers(1, 100))
def test_the_range_holds_its_day_and_more_free_licenses_last_longer(pace, free, more):
    """Earliest, at the rate, latest stand in this order; buying more brings none nearer."""
    few = _range(forecast.predict(1000 + free, 1000, pace))
    many = _range(forecast.predict(1000 + free + more, 1000, pace))
    never = HORIZON + 1
    days = [never if day is None else day for day in few]
    assert days == sorted(days)
    assert all(
        (never if later is None else later) >= day for day, later in zip(days, many, strict=True)
    )


@given(pace=PACES, free=st.integers(1, 500))
def test_every_forecast_is_whole_sentences(pace, free):
    """For people: it ends, and has no number of a program."""
    sentence = forecast.predict(free, 0, pace).sentence
    assert sentence.endswith(".")
    assert not {"None", "nan", "inf", "-"} & set(sentence.replace("(", " ").split())


@pytest.mark.parametrize("weeks", [4, 8, 12])
@pytest.mark.parametrize(
    ("given", "freed", "free"), [(5, 2, 20), (5, 2, 80), (10, 8, 40), (20, 5, 200)]
)
def test_nine_of_ten_simulated_pools_run_out_within_the_range(weeks, given, freed, free):
    """What the sentence promises, for pools that go on as they did."""
    chance = random.Random(f"{weeks} {given} {freed} {free}")
    tries = 300
    within = 0
    for _ in range(tries):
        past = [_poisson(chance, given) - _poisson(chance, freed) for _ in range(weeks)]
        earliest, _, latest = _range(forecast.predict(free, 0, Pace(past, 99, 84)))
        day = _really(chance, given / 7, freed / 7, free)
        within += (earliest or HORIZON) <= min(day, HORIZON) and day <= (latest or 10**6)
    assert 0.85 <= within / tries <= 0.97


def _poisson(chance: random.Random, rate: float) -> int:
    number, waited = 0, chance.expovariate(rate)
    while waited < 1:
        number += 1
        waited += chance.expovariate(rate)
    return number


def _really(chance: random.Random, given: float, freed: float, free: int) -> int:
    for day in itertools.count(1):
        free -= _poisson(chance, given) - _poisson(chance, freed)
        if free <= 0 or day > 3 * HORIZON:
            return day
    raise AssertionError


# ---------------------------------------------------------------- the ledger


@pytest.fixture
def owner(db, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return organization()


def _live(owner, given: dict[int, int], freed: dict[int, int] | None = None) -> None:
    """So many licenses given and freed so many days ago, by the product's own functions."""
    people = []
    days = {**given, **(freed or {})}
    for ago in sorted(days, reverse=True):
        with clock.stopped(at=NOW - dt.timedelta(days=ago)):
            for _ in range(given.get(ago, 0)):
                email = f"p{len(people)}-{ago}@acme.example"
                roster.grant(owner, "sales-navigator", email)
                people.append(email)
            for _ in range((freed or {}).get(ago, 0)):
                roster.remove(owner, "sales-navigator", people.pop())


def _shown(owner):
    ran = manage("forecast_seats", owner.slug, "sales-navigator")
    assert ran.exit == 0
    return ran.json


def test_the_command_counts_the_ledger(owner):
    """A hundred on the first day are set-up; two more a week are growth."""
    with clock.stopped(at=NOW - dt.timedelta(days=60)):
        pools.set_seats(owner, "sales-navigator", 60)
    _live(owner, {50: 30} | dict.fromkeys(range(3, 50, 3), 1) | {1: 2})
    shown = _shown(owner)
    assert (shown["assigned"], shown["free"]) == (48, 12)
    assert shown["forecast"]["weeks"] == 7
    assert shown["forecast"]["per_week"] == pytest.approx(18 / 7, abs=0.01)
    days = [dt.date.fromisoformat(shown["forecast"][name]) for name in ("earliest", "latest")]
    assert days[0] < TODAY + dt.timedelta(weeks=12 * 7 / 18) < days[1]
    told = manage_for_people("forecast_seats", owner.slug, "sales-navigator").out
    assert told.splitlines() == ["48 of 60 assigned, 12 free", shown["because"]]


def test_licenses_that_were_freed_count_against_those_given(owner):
    """Net change: takeovers, activations, refusals and another number bought are none."""
    pools.set_seats(owner, "sales-navigator", 60)
    _live(owner, {60: 10, 27: 4, 20: 4, 13: 4, 6: 4, 2: 1}, {26: 1, 19: 1, 12: 1, 5: 1})
    roster.activate(owner, "sales-navigator", "p0-60@acme.example")
    connect(owner).create("p0-60@acme.example")
    counted = forecast.pace(pools.get(owner, "sales-navigator"))
    assert (counted.weeks, counted.days) == ([0, 0, 0, 0, 3, 3, 3, 4], 59)
    assert counted.changes == 21


def test_today_and_what_is_older_than_twelve_weeks_do_not_count(owner):
    """Whole days, whole weeks."""
    pools.set_seats(owner, "sales-navigator", 60)
    _live(owner, {200: 3, 90: 5, 85: 5, 84: 2, 78: 1, 77: 1, 1: 1, 0: 9})
    counted = forecast.pace(pools.get(owner, "sales-navigator"))
    assert counted.weeks == [3, 1, *[0] * 9, 1]
    assert (counted.changes, counted.days) == (5, 199)


def test_a_short_history_gives_null_and_why(owner):
    """{"forecast": null, "because"}."""
    pools.set_seats(owner, "sales-navigator", 60)
    _live(owner, {28: 10, 10: 10})
    shown = _shown(owner)
    assert list(shown) == [
        *("organization", "product", "purchased", "assigned", "free", "forecast", "because")
    ]
    assert shown["forecast"] is None
    assert "27 whole days of history" in shown["because"]
    assert manage("forecast_seats", "nowhere", "sales-navigator").exit == 1


def test_seals_only_shorten_the_way_to_the_lines(owner):
    """The same numbers with a seal from before the window, one in it, or none."""
    pools.set_seats(owner, "sales-navigator", 60)
    pool = pools.get(owner, "sales-navigator")
    _live(owner, {200: 5, 120: 3})
    with clock.stopped(at=NOW - dt.timedelta(days=110)):
        assert seals.seal(pool.pk) == 1
    _live(owner, {80: 4, 40: 3})
    before = forecast.pace(pool)
    with clock.stopped(at=NOW - dt.timedelta(days=20)):
        assert seals.seal(pool.pk) == 1
    _live(owner, {10: 3})
    assert (before.changes, forecast.pace(pool).changes) == (7, 10)


def test_counting_is_one_statement(owner, django_assert_num_queries):
    """However many days and lines there are."""
    pools.set_seats(owner, "sales-navigator", 60)
    _live(owner, dict.fromkeys(range(2, 40, 2), 1))
    pool = pools.get(owner, "sales-navigator")
    with django_assert_num_queries(1):
        forecast.of_pool(pool)


def test_a_changed_number_of_seats_changes_the_forecast_of_the_page_at_once(owner):
    """Pages: what was counted at the last reconciliation, with the numbers of now."""
    pools.set_seats(owner, "sales-navigator", 60)
    _live(owner, {50: 20} | dict.fromkeys(range(3, 50, 3), 1))
    admin = admins.create("lea@acme.example", organization=owner, password="a long password")
    client = Client()
    client.force_login(admin)
    assert "Not reconciled yet" in client.get("/").content.decode()
    reconcile_licenses(owner)
    for page in ("/", "/licenses/", "/licenses/sales-navigator/"):
        shown = client.get(page).content.decode()
        assert "the 24 free licenses run out around" in shown, page
        assert "nothing differed; the history is whole" in shown, page
    pools.set_seats(owner, "sales-navigator", 30)
    assert "More are in use than were bought, by 6" in client.get("/").content.decode()
