"""The departments that the people of an organization are in, for filters and reports."""

from __future__ import annotations

from django.db import connection

from accounts.models import Organization

#: So many are offered.
MOST = 100

# One jump through the index for each department, however many people are in it.
_DEPARTMENTS = """
WITH RECURSIVE found AS (
    (SELECT department FROM accounts_person
     WHERE organization_id = %(organization)s AND removed_at IS NULL AND department > ''
     ORDER BY department LIMIT 1)
    UNION ALL
    SELECT (SELECT person.department FROM accounts_person person
            WHERE person.organization_id = %(organization)s AND person.removed_at IS NULL
              AND person.department > found.department
            ORDER BY person.department LIMIT 1)
    FROM found WHERE found.department IS NOT NULL
)
SELECT department FROM found WHERE department IS NOT NULL LIMIT %(most)s
"""


def of(organization: Organization) -> list[str]:
    """In order, the first MOST of them."""
    with connection.cursor() as cursor:
        cursor.execute(_DEPARTMENTS, {"organization": organization.pk, "most": MOST})
        return [row[0] for row in cursor.fetchall()]
