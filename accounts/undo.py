"""Undo a deed by its reverse deed: once, by the admin who did it, within KEPT.

What can be undone, and by what, is one table (licensing.undo.WAYS); what the reverse needs is
kept by accounts.audit.note in the transaction of the deed. The reverse is one of the product's
own functions and keeps its rules: when things have changed since, it refuses and says why. The
audit log has its line, and one that says which deed was undone (decision 0020).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from django.db.models import QuerySet

from accounts import audit, changes, clock
from accounts.deeds import Deed
from accounts.models import Admin, AuditEntry, Organization, Undo
from accounts.refusal import NotFound, Refusal

#: As long as what was freed can be restored (R13).
KEPT = dt.timedelta(days=30)


class Undoing(NamedTuple):
    """needs: what was kept with the deed."""

    organization: Organization
    needs: Mapping[str, Any]
    by: Admin


#: Does the reverse deed and returns what is so again, as a sentence.
Way = Callable[[Undoing], str]
_ways: dict[Deed, Way] = {}


def register(ways: Mapping[Deed, Way]) -> None:
    _ways.update(ways)


def undo(organization: Organization, entry_id: int, *, by: Admin) -> str:
    """Do the reverse of the deed of that line of the audit log; says what is so again.

    Refused: not `by`'s deed, or one that cannot be undone ("not_undoable"), one that was undone
    ("undone"), and whatever the reverse deed refuses.
    """

    def change() -> str:
        found = _open(organization, by).select_for_update(of=("self",)).filter(pk=entry_id).first()
        if found is None:
            raise NotFound(
                "not_undoable",
                f"This cannot be undone any more: only its own admin can, within {KEPT.days} days.",
            )
        if found.undone_at is not None:
            raise Refusal("undone", "This was undone already. Nothing was changed.")
        with changes.joined():
            said = _ways[Deed(found.entry.deed)](Undoing(organization, found.needs, by))
        Undo.objects.filter(pk=found.pk).update(undone_at=clock.now())
        entry = found.entry
        subject = audit.Subject(entry.subject_kind, entry.subject_id, entry.subject_name)
        about = {"undone": entry.name, "done_at": entry.at}
        audit.note(organization.pk, Deed.DEED_UNDONE, subject, by=by, after=about)
        return said

    return changes.run(change)


def possible(organization: Organization, entries: Iterable[AuditEntry], *, by: Admin) -> set[int]:
    """Those of these lines whose deed this admin may undo, as far as is known without trying."""
    found = _open(organization, by).filter(undone_at=None, pk__in=[entry.pk for entry in entries])
    return set(found.values_list("pk", flat=True))


def newest(organization: Organization, request_id: str, *, by: Admin) -> int | None:
    """The line of what this admin did last by that request, if it can be undone."""
    found = _open(organization, by).filter(undone_at=None, entry__request_id=request_id)
    return found.order_by("-pk").values_list("pk", flat=True).first() if request_id else None


def prune() -> None:
    """Forget what can be undone no longer."""
    Undo.objects.filter(entry__at__lt=clock.now() - KEPT).delete()


# ------------------------------------------------------------------ inside


def _open(organization: Organization, admin: Admin) -> QuerySet[Undo]:
    return (
        Undo.objects.of(organization)
        .select_related("entry")
        .filter(entry__admin=admin, entry__deed__in=list(_ways), entry__at__gt=clock.now() - KEPT)
    )
