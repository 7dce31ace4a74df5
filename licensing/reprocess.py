"""Look again at everybody of a pool who waits or was refused, now (R18, R20)."""

from __future__ import annotations

from accounts import audit
from accounts.cause import Cause
from accounts.deeds import Deed
from accounts.models import Admin, Organization
from licensing import allocation, pools, preview
from licensing.allocation import LockedPool
from licensing.models import WaitingEntry
from licensing.preview import Done, Effect


def reprocess(organization: Organization, product: str, *, by: Admin | None = None) -> Effect:
    """Free seats go to those who wait, and who is not eligible any more waits no longer.

    Pushes, the schedule and reconciliation do the same by themselves; this is for whoever
    does not want to wait for them. Whose push was refused stays refused, since nothing is
    carried out behind the identity provider's back: `refused` and `free` of what is
    returned tell how many may push again, and how many would get through.
    """
    cause = Cause.by(by, "reprocessed the waiting list")

    def settle(pool: LockedPool) -> Done:
        waiting = WaitingEntry.objects.filter(pool_id=pool.id, refused=False)
        people = list(waiting.order_by("sort_key").values_list("person_id", flat=True))
        done = allocation.settle(pool.id, people, cause=cause)
        about = {"licenses_given": len(done.granted)}
        audit.note(
            organization.pk, Deed.WAITING_REPROCESSED, pools.subject(pool), by=by, after=about
        )
        return Done(done, ())

    return preview.run(pools.get(organization, product).pk, settle)
