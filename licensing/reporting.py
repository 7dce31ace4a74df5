"""Groups compared by seats, activation, use and idle seats (R25).

What is known, and no more: seats, idle ones and who waits are those of now; given, freed and
used are of the period. Of a seat's uses the last one alone is kept, so `active` counts whose
last use is in the period: exact for a period that ends today, at least so many for an earlier
one. Who is in a group is who is in it now.
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


@dataclasses.dataclass(frozen=True, slots=True)
class Usage:
    """people: who are there, with or without a seat. given, freed, active: in the period.

    twice: how many of the people are in more than one of what was compared.
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

    @property
    def provisioned(self) -> int:
        return self.held - self.activated

    @property
    def rate(self) -> int | None:
        """Seats that are activated, of a hundred; None without a seat."""
        return round(100 * self.activated / self.held) if self.held else None

    @property
    def active_rate(self) -> int | None:
        """Seats that were used last in the period, of a hundred; None without a seat."""
        return round(100 * self.active / self.held) if self.held else None


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
            },
        )
        rows = cursor.fetchall()
    found = {(kind, key): Usage(*map(int, counted)) for kind, key, *counted in rows}
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
known AS MATERIALIZED (
    SELECT who.person_id, seat.id IS NOT NULL AS held,
        coalesce(seat.state = 'activated', false) AS activated,
        coalesce(seat.last_used_at >= %(begins)s AND seat.last_used_at < %(ends)s, false)
            AS active,
        coalesce(greatest(seat.granted_at, seat.activated_at, seat.last_used_at)
            <= %(idle_before)s::timestamptz, false) AS idle,
        waiting.id IS NOT NULL AS waiting,
        coalesce(changed.given, 0) AS given, coalesce(changed.freed, 0) AS freed, who.places
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
),
counted AS (
    SELECT member.kind, member.key, known.* FROM member JOIN known USING (person_id)
    UNION ALL
    SELECT 'total', '', known.* FROM known
)
SELECT kind, key, count(*), count(*) FILTER (WHERE held), count(*) FILTER (WHERE activated),
    count(*) FILTER (WHERE active), count(*) FILTER (WHERE idle),
    count(*) FILTER (WHERE waiting), coalesce(sum(given), 0), coalesce(sum(freed), 0),
    count(*) FILTER (WHERE places > 1)
FROM counted
GROUP BY kind, key
ORDER BY kind, count(*) DESC, key
"""
