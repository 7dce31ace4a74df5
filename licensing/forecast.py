"""When a pool runs out, if it goes on as it did (what-if, from the ledger).

How it is counted. The last twelve whole weeks that ended yesterday (fewer if the pool is
younger; the day of its first line is set-up and not growth) each have a net change: seats
granted less seats released. Their mean is the rate, their standard deviation `s` is how
much weeks differ. `t` weeks from now the seats in use have grown by the rate times `t`,
give or take `s` times the square root of `t + t²/weeks`: the first part is that future
weeks differ as past ones did, the second that the rate itself is known from a few weeks
only. The range is that times Student's t for nine of ten, and it holds the day in about
nine of ten simulated pools (tests/licensing/test_forecast.py).

What it does not know: plans, seasons, who waits for a seat, and that a pool which was used
up for a while could not grow. With too little history it says so instead of a date.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
import statistics
from typing import Any

from django.db import connection

from accounts import clock
from licensing.models import Pool

WEEKS = 12
FEWEST_DAYS = 28
FEWEST_CHANGES = 10
HORIZON = 730
#: Student's t, 90 % two-sided, for so many weeks (weeks - 1 degrees of freedom).
_WIDTH = {4: 2.35, 5: 2.13, 6: 2.02, 7: 1.94, 8: 1.89, 9: 1.86, 10: 1.83, 11: 1.81, 12: 1.80}


@dataclasses.dataclass(frozen=True, slots=True)
class Pace:
    """weeks: net change of each whole week, the oldest first; changes: grants and releases
    in them; days: whole days since the day of the pool's first line."""

    weeks: list[int]
    changes: int
    days: int


@dataclasses.dataclass(frozen=True, slots=True)
class Outlook:
    """Days on which the last free seat is taken: at the rate, and the range around it.

    None is: not within two years. per_week: None when nobody needs it to tell.
    """

    runs_out: dt.date | None
    earliest: dt.date | None
    latest: dt.date | None
    per_week: float | None
    weeks: int


@dataclasses.dataclass(frozen=True, slots=True)
class Forecast:
    """outlook: None when nothing can be told; the sentence then says why."""

    outlook: Outlook | None
    sentence: str


def pace(pool: Pool) -> Pace:
    """What the ledger says of the last weeks, in one statement."""
    today = clock.now().date()
    since = today - dt.timedelta(days=7 * WEEKS)
    with connection.cursor() as cursor:
        cursor.execute(_DAILY, {"pool": pool.pk, "since": since, "today": today})
        rows = cursor.fetchall()
    if not rows:
        return Pace([], 0, 0)
    days = max(0, (today - rows[0][0]).days - 1)
    weeks = [0] * min(WEEKS, days // 7)
    changes = 0
    for _, day, net, number in rows:
        ago = (today - day).days if day is not None else 0
        if 1 <= ago <= 7 * len(weeks):
            weeks[-1 - (ago - 1) // 7] += net
            changes += number
    return Pace(weeks, changes, days)


def of_pool(pool: Pool) -> Forecast:
    """Counted anew: for a command."""
    return predict(pool.purchased, pool.held, pace(pool))


def as_counted(pool: Pool, counted: dict[str, Any] | None) -> Forecast | None:
    """From what the last reconciliation counted, without a query: for pages.

    None as long as nothing was counted.
    """
    return None if counted is None else predict(pool.purchased, pool.held, Pace(**counted))


def predict(purchased: int, held: int, pace: Pace) -> Forecast:
    """When so many free seats are used up at that pace, in words and days."""
    today = clock.now().date()
    free = purchased - held
    if not purchased and not held:
        return Forecast(None, "No licenses were bought yet.")
    if free <= 0:
        outlook = Outlook(today, today, today, None, len(pace.weeks))
        if free:
            return Forecast(
                outlook, f"More are in use than were bought, by {-free:,}: none is free."
            )
        return Forecast(outlook, f"All {purchased:,} are in use: none is free.")
    if pace.days < FEWEST_DAYS or pace.changes < FEWEST_CHANGES:
        return Forecast(None, f"When they run out cannot be told yet: {_too_little(pace)}.")
    mean = statistics.fmean(pace.weeks)
    spread = statistics.stdev(pace.weeks)

    def crosses(width: float) -> dt.date | None:
        for day in range(1, HORIZON + 1):
            t = day / 7
            doubt = width * spread * math.sqrt(t + t * t / len(pace.weeks))
            if mean * t + doubt >= free - 1e-9:
                return today + dt.timedelta(days=day)
        return None

    width = _WIDTH[len(pace.weeks)]
    outlook = Outlook(crosses(0), crosses(width), crosses(-width), round(mean, 2), len(pace.weeks))
    return Forecast(outlook, _tell(free, mean, outlook))


# ------------------------------------------------------------------ inside


def _too_little(pace: Pace) -> str:
    if pace.days < FEWEST_DAYS:
        days = "1 whole day" if pace.days == 1 else f"{pace.days} whole days"
        return f"the ledger has {days} of history, and {FEWEST_DAYS} are needed"
    changes = {0: "no license was", 1: "1 license was"}.get(
        pace.changes, f"{pace.changes} licenses were"
    )
    return (
        f"{changes} given or freed in the last {len(pace.weeks)} weeks, "
        f"and {FEWEST_CHANGES} are needed"
    )


def _tell(free: int, mean: float, outlook: Outlook) -> str:
    licenses = "the free license runs" if free == 1 else f"the {free:,} free licenses run"
    do_not = "does not run" if free == 1 else "do not run"
    rate = f"At the rate of the last {outlook.weeks} weeks ({_rate(mean)})"
    if outlook.runs_out is None:
        licenses = licenses.rsplit(" ", 1)[0]
        sentence = f"{rate} {licenses} {do_not} out within two years."
        if outlook.earliest is not None:
            sentence += (
                f" Weeks differ, so it is not certain: in about nine of ten cases it is not "
                f"before {_day(outlook.earliest)}."
            )
        return sentence
    sentence = f"{rate} {licenses} out around {_day(outlook.runs_out)}."
    if outlook.latest is None:
        return (
            f"{sentence} Weeks differ, so it is not certain: in about nine of ten cases it is not "
            f"before {_day(outlook.earliest)}, and it may not be within two years."
        )
    if outlook.earliest == outlook.latest:
        return f"{sentence} Every week was like the others."
    return (
        f"{sentence} Weeks differ: in about nine of ten cases it is between "
        f"{_day(outlook.earliest)} and {_day(outlook.latest)}."
    )


def _rate(mean: float) -> str:
    number = f"{abs(mean):.1f}".removesuffix(".0")
    if number == "0":
        return "as many freed as given"
    return f"about {number} {'more' if mean > 0 else 'fewer'} in use a week"


def _day(day: dt.date | None) -> str:
    assert day is not None  # noqa: S101  whoever asks has looked
    return f"{day:%b} {day.day}, {day.year}"


# Lines of the window have a higher id than any that was sealed before it, so that an index
# finds them in a ledger of millions.
_DAILY = """
WITH first AS MATERIALIZED (
    SELECT (at AT TIME ZONE 'UTC')::date AS day FROM licensing_ledgerentry
    WHERE pool_id = %(pool)s AND deed IN ('grant', 'release') ORDER BY id LIMIT 1
),
daily AS (
    SELECT (at AT TIME ZONE 'UTC')::date AS day,
        (count(*) FILTER (WHERE deed = 'grant') - count(*) FILTER (WHERE deed = 'release'))::int
            AS net,
        count(*)::int AS number
    FROM licensing_ledgerentry
    WHERE pool_id = %(pool)s AND deed IN ('grant', 'release')
      AND id > coalesce((
        SELECT last_id FROM licensing_ledgerseal
        WHERE pool_id = %(pool)s AND at < %(since)s::date::timestamp AT TIME ZONE 'UTC'
        ORDER BY at DESC LIMIT 1), 0)
      AND at >= %(since)s::date::timestamp AT TIME ZONE 'UTC'
      AND at < %(today)s::date::timestamp AT TIME ZONE 'UTC'
    GROUP BY 1
)
SELECT first.day, daily.day, daily.net, daily.number
FROM first LEFT JOIN daily ON true
ORDER BY daily.day
"""
