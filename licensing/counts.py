"""How many seats a pool had at the end of each day: kept, so that no page reads the ledger.

A row a day and pool, in UTC. What was held, activated and bought follows from the ledger: the
figures of now, less what the lines since that day changed. Who waited and what was idle no
line tells, so it is counted while the day lasts, and stays unknown for days on which nobody
counted (docs/decisions/0017).
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable

from django.db import connection
from django.db.models import Max

from accounts import changes, clock
from licensing import idle
from licensing.models import DailyCount, Pool

#: How far back the ledger is read when a pool is counted for the first time.
FIRST_DAYS = 400
#: A day is over for us when its last changes are committed for certain.
GRACE = dt.timedelta(hours=1)


@dataclasses.dataclass(frozen=True, slots=True)
class Count:
    """At the end of the day. waiting, idle: None where nobody counted."""

    day: dt.date
    purchased: int
    held: int
    activated: int
    waiting: int | None
    idle: int | None


def count_all() -> None:
    """Every pool, for the schedule."""
    for pool in Pool.objects.order_by("pk"):
        count(pool)


def count(pool: Pool) -> None:
    """Write what is so far of today, and the days that were not finished or not counted.

    A day is counted again from the ledger once it is over, so that what happened after its
    last count is in it. Repeating it changes nothing. Reads the lines of those days alone.
    """
    today = (clock.now() - GRACE).date()

    def change() -> None:
        last = DailyCount.objects.filter(pool=pool).aggregate(last=Max("day"))["last"]
        since = today - dt.timedelta(days=FIRST_DAYS) if last is None else min(last, today)
        with connection.cursor() as cursor:
            cursor.execute(
                _COUNT,
                {"pool": pool.pk, "since": since, "today": today, "idle": idle.count(pool)},
            )

    changes.run(change)


def over_time(
    pools: Iterable[Pool], *, since: dt.date, until: dt.date, step: int = 1
) -> dict[int, list[Count | None]]:
    """By pool, one for each `step` days, the last of them `until`; None where no row is.

    One statement, and a row a day: whatever the length of the ledger.
    """
    days = [since + dt.timedelta(days=n) for n in range((until - since).days + 1)]
    wanted = days[::-1][::step][::-1]
    found: dict[int, dict[dt.date, Count]] = {pool.pk: {} for pool in pools if pool.pk}
    for row in DailyCount.objects.filter(pool__in=list(found), day__in=wanted):
        found[row.pool_id][row.day] = Count(
            row.day, row.purchased, row.held, row.activated, row.waiting, row.idle
        )
    return {pool_id: [counts.get(day) for day in wanted] for pool_id, counts in found.items()}


# Backwards from now: what is held, less what the days after changed. One snapshot, so that the
# figures of now agree with the lines. Whether a seat that was released had been activated, the
# line of its person before it tells.
_COUNT = """
WITH pool AS (
    SELECT id, organization_id, purchased, held,
        (SELECT count(*) FROM licensing_seat
         WHERE pool_id = %(pool)s AND state = 'activated') AS activated,
        (SELECT count(*) FROM licensing_waitingentry WHERE pool_id = %(pool)s) AS waiting
    FROM licensing_pool WHERE id = %(pool)s
),
line AS MATERIALIZED (
    SELECT id, deed, person_id, seats, (at AT TIME ZONE 'UTC')::date AS day
    FROM licensing_ledgerentry
    WHERE pool_id = %(pool)s AND at >= %(since)s::date::timestamp AT TIME ZONE 'UTC'
      AND deed IN ('grant', 'release', 'activate', 'resize')
),
changed AS MATERIALIZED (
    SELECT line.day,
        sum(CASE line.deed WHEN 'grant' THEN 1 WHEN 'release' THEN -1 ELSE 0 END) AS held,
        sum(CASE WHEN line.deed = 'activate' THEN 1 WHEN before.deed = 'activate' THEN -1
            ELSE 0 END) AS activated
    FROM line
    LEFT JOIN LATERAL (
        SELECT earlier.deed FROM licensing_ledgerentry earlier
        WHERE line.deed = 'release' AND earlier.person_id = line.person_id
          AND earlier.pool_id = %(pool)s AND earlier.id < line.id
          AND earlier.deed IN ('grant', 'activate', 'release')
        ORDER BY earlier.id DESC LIMIT 1
    ) before ON true
    WHERE line.deed <> 'resize'
    GROUP BY line.day
),
resized AS MATERIALIZED (SELECT id, day, seats FROM line WHERE deed = 'resize'),
bought_before AS (
    SELECT coalesce(
        (SELECT purchased FROM licensing_dailycount
         WHERE pool_id = %(pool)s AND day <= %(since)s::date ORDER BY day DESC LIMIT 1),
        (SELECT seats FROM licensing_ledgerentry
         WHERE pool_id = %(pool)s AND deed = 'resize'
           AND at < %(since)s::date::timestamp AT TIME ZONE 'UTC'
         ORDER BY at DESC LIMIT 1),
        CASE WHEN EXISTS (SELECT 1 FROM resized) THEN 0 END) AS number
),
start AS (
    SELECT greatest(%(since)s::date, least(%(today)s::date, (
        SELECT (at AT TIME ZONE 'UTC')::date FROM licensing_ledgerentry
        WHERE pool_id = %(pool)s ORDER BY at LIMIT 1))) AS day
),
each AS (
    SELECT start.day + n AS day FROM start, generate_series(0, %(today)s::date - start.day) AS n
)
INSERT INTO licensing_dailycount (organization_id, pool_id, day, purchased, held, activated,
                                  waiting, idle)
SELECT pool.organization_id, pool.id, each.day,
    coalesce((SELECT seats FROM resized WHERE resized.day <= each.day ORDER BY id DESC LIMIT 1),
             bought_before.number, pool.purchased),
    greatest(0, pool.held - coalesce(
        (SELECT sum(held) FROM changed WHERE changed.day > each.day), 0)),
    greatest(0, pool.activated - coalesce(
        (SELECT sum(activated) FROM changed WHERE changed.day > each.day), 0)),
    CASE WHEN each.day = %(today)s::date THEN pool.waiting END,
    CASE WHEN each.day = %(today)s::date THEN %(idle)s::int END
FROM pool, bought_before, each
ORDER BY each.day
ON CONFLICT (pool_id, day) DO UPDATE
SET purchased = excluded.purchased, held = excluded.held, activated = excluded.activated,
    waiting = coalesce(excluded.waiting, licensing_dailycount.waiting),
    idle = coalesce(excluded.idle, licensing_dailycount.idle)
"""
