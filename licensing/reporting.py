"""Groups compared by seats, activation, use and idle seats (R25).

What is known, and no more: seats, idle ones and who waits are those of now; given, freed and
used are of the period. Who used a product is read from the days that licensing.usage counted,
whether they still have the seat or not. Who is in a group is who is in it now.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from collections.abc import Sequence

from django.db import connection

from accounts import clock
from accounts.models import Organization
from licensing.models import Pool

#: Departments that are compared at once, those with most people.
MOST_DEPARTMENTS = 30


@dataclasses.dataclass(frozen=True, slots=True)
class Period:
    """From the beginning of the first day to the end of the last, in UTC."""

    first: dt.date
    last: dt.date

    @property
    def begins(self) -> dt.datetime:
        return dt.datetime.combine(self.first, dt.time(), dt.UTC)

    @property
    def ends(self) -> dt.datetime:
        return dt.datetime.combine(self.last + dt.timedelta(days=1), dt.time(), dt.UTC)

    @property
    def months(self) -> dict[dt.date, int]:
        """Each month, by its first day, with a bit for each of its days that are in the period,
        the lowest is the first of the month (UsageMonth)."""
        found: dict[dt.date, int] = {}
        for n in range((self.last - self.first).days + 1):
            day = self.first + dt.timedelta(days=n)
            month = day.replace(day=1)
            found[month] = found.get(month, 0) | 1 << (day.day - 1)
        return found


@dataclasses.dataclass(frozen=True, slots=True)
class Usage:
    """people: who are there, with or without a seat. given, freed, active: in the period.

    active: people who used it; reach: who did, or have a seat now.
    twice: how many of the people are in more than one of what was compared.
    last_day: of the last use of any of them, in the period or by whoever has a seat now.
    """

    people: int = 0
    held: int = 0
    activated: int = 0
    active: int = 0
    idle: int = 0
    waiting: int = 0
    given: int = 0
    freed: int = 0
    twice: int = 0
    reach: int = 0
    last_day: dt.date | None = dataclasses.field(default=None, kw_only=True)

    @property
    def provisioned(self) -> int:
        return self.held - self.activated

    @property
    def rate(self) -> int | None:
        """Seats that are activated, of a hundred; None without a seat."""
        return round(100 * self.activated / self.held) if self.held else None

    @property
    def active_rate(self) -> int | None:
        """Who used it in the period, of a hundred who did or have a seat; None if nobody."""
        return round(100 * self.active / self.reach) if self.reach else None


@dataclasses.dataclass(frozen=True, slots=True)
class Compared:
    """by group and by department, in the order in which they were asked for.

    total: everybody of them once, whoever is in several.
    """

    everybody: Usage | None
    groups: list[tuple[uuid.UUID, Usage]]
    departments: list[tuple[str, Usage]]
    total: Usage


def compare(
    organization: Organization,
    pool: Pool | None,
    period: Period,
    *,
    groups: Sequence[uuid.UUID] = (),
    everybody: bool = False,
    departments: bool = False,
) -> Compared:
    """One statement, however many groups and people. Groups of others are left out.

    pool: None where the product was never bought or connected: nobody has a seat.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _COMPARE,
            {
                "organization": organization.pk,
                "pool": pool.pk if pool and pool.pk else 0,
                "groups": list(groups),
                "everybody": everybody,
                "departments": MOST_DEPARTMENTS if departments else 0,
                "idle_before": _idle_before(pool),
                "begins": period.begins,
                "ends": period.ends,
                "months": list(period.months),
                "masks": list(period.months.values()),
            },
        )
        rows = cursor.fetchall()
    found = {
        (kind, key): Usage(*map(int, counted), last_day=last_day)
        for kind, key, *counted, last_day in rows
    }
    return Compared(
        everybody=found.get(("everybody", ""), Usage()) if everybody else None,
        groups=[(id, found.get(("group", str(id)), Usage())) for id in groups],
        departments=[(key, usage) for (kind, key), usage in found.items() if kind == "department"],
        total=found.get(("total", ""), Usage()),
    )


# ------------------------------------------------------------------ inside


def _idle_before(pool: Pool | None) -> dt.datetime | None:
    """Whose seat was last granted, activated and used before is idle (licensing.idle)."""
    if pool is None or pool.idle_after_days is None:
        return None
    return clock.now() - dt.timedelta(days=pool.idle_after_days)


# Members first, then what is known of each person once, so that a person who is in many
# groups costs one look; the ledger's lines of the period are read once for all.
_COMPARE = """
WITH department AS (
    SELECT department FROM accounts_person
    WHERE organization_id = %(organization)s AND removed_at IS NULL AND department <> ''
    GROUP BY department ORDER BY count(*) DESC, department LIMIT %(departments)s::int
),
member AS MATERIALIZED (
    SELECT 'group' AS kind, membership.group_id::text AS key, membership.person_id
    FROM accounts_membership membership
    WHERE membership.group_id = ANY(%(groups)s::uuid[])
      AND membership.organization_id = %(organization)s
    UNION ALL
    SELECT 'everybody', '', person.id FROM accounts_person person
    WHERE %(everybody)s::bool AND person.organization_id = %(organization)s
      AND person.removed_at IS NULL
    UNION ALL
    SELECT 'department', person.department, person.id
    FROM department JOIN accounts_person person USING (department)
    WHERE person.organization_id = %(organization)s AND person.removed_at IS NULL
),
changed AS MATERIALIZED (
    SELECT person_id, count(*) FILTER (WHERE deed = 'grant') AS given,
        count(*) FILTER (WHERE deed = 'release') AS freed
    FROM licensing_ledgerentry
    WHERE pool_id = %(pool)s AND at >= %(begins)s AND at < %(ends)s
      AND deed IN ('grant', 'release')
    GROUP BY person_id
),
used AS MATERIALIZED (
    SELECT person_id,
        max(month + length(ltrim((days & mask)::bit(31)::text, '0')) - 1) AS last_day
    FROM unnest(%(months)s::date[], %(masks)s::int[]) AS asked(month, mask)
    JOIN licensing_usagemonth USING (month)
    WHERE pool_id = %(pool)s AND days & mask <> 0
    GROUP BY person_id
),
known AS MATERIALIZED (
    SELECT who.person_id, seat.id IS NOT NULL AS held,
        coalesce(seat.state = 'activated', false) AS activated,
        used.person_id IS NOT NULL
            OR coalesce(seat.last_used_at >= %(begins)s AND seat.last_used_at < %(ends)s, false)
            AS active,
        coalesce(greatest(seat.granted_at, seat.activated_at, seat.last_used_at)
            <= %(idle_before)s::timestamptz, false) AS idle,
        waiting.id IS NOT NULL AS waiting,
        coalesce(changed.given, 0) AS given, coalesce(changed.freed, 0) AS freed, who.places,
        greatest((seat.last_used_at AT TIME ZONE 'UTC')::date, used.last_day)
            AS last_day
    FROM (
        SELECT person_id, count(*) FILTER (WHERE kind <> 'everybody') AS places
        FROM member GROUP BY person_id
    ) who
    JOIN accounts_person person ON person.id = who.person_id AND person.removed_at IS NULL
    LEFT JOIN licensing_seat seat
        ON seat.pool_id = %(pool)s AND seat.person_id = who.person_id
    LEFT JOIN licensing_waitingentry waiting
        ON waiting.pool_id = %(pool)s AND waiting.person_id = who.person_id
    LEFT JOIN changed ON changed.person_id = who.person_id
    LEFT JOIN used ON used.person_id = who.person_id
),
counted AS (
    SELECT member.kind, member.key, known.* FROM member JOIN known USING (person_id)
    UNION ALL
    SELECT 'total', '', known.* FROM known
)
SELECT kind, key, count(*), count(*) FILTER (WHERE held), count(*) FILTER (WHERE activated),
    count(*) FILTER (WHERE active), count(*) FILTER (WHERE idle),
    count(*) FILTER (WHERE waiting), coalesce(sum(given), 0), coalesce(sum(freed), 0),
    count(*) FILTER (WHERE places > 1),
    count(*) FILTER (WHERE held OR active), max(last_day)
FROM counted
GROUP BY kind, key
ORDER BY kind, count(*) DESC, key
"""
