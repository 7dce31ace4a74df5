"""How long an organization keeps its audit log: for ever, or as many days as an owner says (R28).

The database itself refuses to delete a line that is younger than the rule says (migration 0009).
"""

from __future__ import annotations

from django.db import connection

from accounts import audit, clock, roles
from accounts.deeds import Deed
from accounts.models import Admin, AuditRule, Organization
from accounts.refusal import Refusal

LEAST_DAYS, MOST_DAYS = 365, 36_500


def of(organization: Organization) -> AuditRule:
    """The organization's rule; one that was never set is not saved."""
    found = AuditRule.objects.of(organization).first()
    return found or AuditRule(organization=organization)


def keep(organization: Organization, days: int | None, *, by: Admin | None = None) -> None:
    """Keep lines so many days; None is for ever. An owner's deed.

    Refused: less than a year ("days_invalid").
    """
    if days is not None and not LEAST_DAYS <= days <= MOST_DAYS:
        raise Refusal(
            "days_invalid", f"The audit log is kept for {LEAST_DAYS:,} to {MOST_DAYS:,} days."
        )

    def change() -> None:
        before = of(organization).kept_days
        AuditRule.objects.update_or_create(organization=organization, defaults={"kept_days": days})
        audit.note(
            organization.pk,
            Deed.AUDIT_RULE_CHANGED,
            organization,
            by=by,
            before={"kept_days": before},
            after={"kept_days": days},
        )

    roles.as_owner(organization, change, by=by)


def prune() -> int:
    """Forget the lines that are older than their organization's rule; returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(_PRUNE, {"now": clock.now()})
        return cursor.rowcount


_PRUNE = """
DELETE FROM accounts_auditentry entry USING accounts_auditrule rule
WHERE rule.organization_id = entry.organization_id
  AND entry.at < %(now)s - make_interval(days => rule.kept_days)
  AND NOT EXISTS (SELECT 1 FROM accounts_undo undo WHERE undo.entry_id = entry.id)
"""
