"""Pictures of seats over time, one for each product."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence

from accounts import clock
from accounts.pages.charts import Lines, Series
from licensing import counts
from licensing.counts import Count
from licensing.pages.figures import Figures

#: Days → how many of them are one point, so that a picture has about thirty.
PERIODS = {30: 1, 90: 3, 182: 7}
SIX_MONTHS = 182
#: The names that a figure has on pages, and its look.
SERIES = {
    "purchased": ("Bought", "bought"),
    "held": ("Held", "held"),
    "activated": ("Activated", "activated"),
    "waiting": ("Waiting", "waiting"),
    "idle": ("Idle", "idle"),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Trend:
    """One product's seats over a period."""

    figures: Figures
    chart: Lines


def trends(pools: Sequence[Figures], *, days: int = SIX_MONTHS) -> list[Trend]:
    """Of each product that is used, in one query. The last point is now."""
    used = [each for each in pools if each.used and each.pool.pk]
    step = PERIODS[days]
    today = clock.now().date()
    since = today - dt.timedelta(days=days - days % step)
    found = counts.over_time([each.pool for each in used], since=since, until=today, step=step)
    return [_trend(each, found[each.pool.pk], since, step) for each in used]


# ------------------------------------------------------------------ inside


def _trend(figures: Figures, found: list[Count | None], since: dt.date, step: int) -> Trend:
    """What is so now takes the place of what was counted of today."""
    now = Count(
        since, figures.pool.purchased, figures.held, figures.activated, figures.waiting,
        figures.idle,
    )  # fmt: skip
    points = [*found[:-1], now]
    days = [since + dt.timedelta(days=n * step) for n in range(len(points))]
    return Trend(
        figures,
        Lines(
            [f"{day:%b} {day.day}, {day.year}" for day in days],
            [
                Series(
                    name,
                    look,
                    [getattr(point, field) if point else None for point in points],
                    steps=field == "purchased",
                    area=field == "held",
                )
                for field, (name, look) in SERIES.items()
                if field != "idle" or figures.pool.idle_after_days
            ],
        ),
    )
