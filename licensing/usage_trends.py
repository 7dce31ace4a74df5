"""How many people used a product, day by day or week by week, by group (R25)."""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from collections.abc import Iterator, Sequence

from django.db import connection

from accounts.models import Organization
from licensing.models import Pool
from licensing.reporting import Period

#: How many days a point is, and how long a period is shown so: by day, week or four weeks.
STEPS = ((1, 45), (7, 441), (28, 63 * 28))
EVERYBODY = ("everybody", "")


@dataclasses.dataclass(frozen=True, slots=True)
class Trend:
    """step: how many days a point is. days: the first of each point, the oldest first.

    active: people who used the product within the point, by ("everybody", ""), ("group", id)
    and ("department", name); a point for each of days.
    """

    step: int
    days: list[dt.date]
    active: dict[tuple[str, str], list[int]]


def trend(
    organization: Organization,
    pool: Pool | None,
    period: Period,
    *,
    groups: Sequence[uuid.UUID] = (),
    everybody: bool = False,
    departments: Sequence[str] = (),
) -> Trend:
    """One statement, however many people. Weeks are whole ones, the last ends with the period."""
    length = (period.last - period.first).days + 1
    step = next(step for step, most in STEPS if length <= most)
    points = length // step
    first = period.last - dt.timedelta(days=points * step - 1)
    parts = list(_parts(first, step, points))
    asked = [EVERYBODY] * everybody + [("group", str(id)) for id in groups]
    asked += [("department", name) for name in departments]
    active = {key: [0] * points for key in asked}
    with connection.cursor() as cursor:
        cursor.execute(
            _TREND.format(
                counts=", ".join(
                    f"count(*) FILTER (WHERE points & {1 << n} <> 0)" for n in range(points)
                )
            ),
            {
                "organization": organization.pk,
                "pool": pool.pk if pool and pool.pk else 0,
                "groups": list(groups),
                "everybody": everybody,
                "departments": list(departments),
                "months": [month for month, _, _ in parts],
                "masks": [mask for _, mask, _ in parts],
                "points": [1 << point for _, _, point in parts],
            },
        )
        for kind, key, *people in cursor.fetchall():
            active[kind, key] = people
    return Trend(step, [first + dt.timedelta(days=n * step) for n in range(points)], active)


# ------------------------------------------------------------------ inside


def _parts(first: dt.date, step: int, points: int) -> Iterator[tuple[dt.date, int, int]]:
    """Month, days of it as bits, and the point that they are in: a point may have two months."""
    for point in range(points):
        begins = first + dt.timedelta(days=point * step)
        within = Period(begins, begins + dt.timedelta(days=step - 1))
        for month, mask in within.months.items():
            yield month, mask, point


# First the points of each person as bits of one number, then each bit counted: no row for a
# person and day. Of everybody no membership is looked up; who was removed meanwhile used it
# nevertheless, and is in no group any more.
_TREND = """
WITH used AS MATERIALIZED (
    SELECT person_id, bit_or(point) AS points
    FROM unnest(%(months)s::date[], %(masks)s::int[], %(points)s::bigint[])
        AS part(month, mask, point)
    JOIN licensing_usagemonth USING (month)
    WHERE pool_id = %(pool)s AND days & mask <> 0
    GROUP BY person_id
),
member AS (
    SELECT 'group' AS kind, group_id::text AS key, person_id FROM accounts_membership
    WHERE group_id = ANY(%(groups)s::uuid[]) AND organization_id = %(organization)s
    UNION ALL
    SELECT 'department', department, id FROM accounts_person
    WHERE organization_id = %(organization)s AND removed_at IS NULL
      AND department = ANY(%(departments)s::text[])
)
SELECT 'everybody', '', {counts} FROM used WHERE %(everybody)s::bool HAVING %(everybody)s::bool
UNION ALL
SELECT kind, key, {counts} FROM member JOIN used USING (person_id) GROUP BY kind, key
"""
