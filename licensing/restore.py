"""What was freed can be restored by an admin for 30 days (R13).

The identity provider stays the source of truth (R8), so a restored license is one that an
admin gives by hand: no push takes it away unless SCIM takes it over again (R12). It is a
new seat, which its owner activates anew (R14). Whose account is gone is added by hand
again, with the history, manual groups and last document that they had.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db.models import QuerySet, Window
from django.db.models.functions import FirstValue, RowNumber

from accounts import actor, audit, changes, clock, kept, names, people
from accounts.cause import Cause
from accounts.deeds import Deed
from accounts.models import Admin, Organization, Product
from accounts.refusal import NotFound, Refusal
from accounts.sets import among
from licensing import allocation, pools
from licensing.allocation import LockedPool
from licensing.models import LedgerEntry, Pool, Seat

_ABOUT_SEATS = ("grant", "take_over", "activate", "release")


def freed(pool: Pool | LockedPool) -> QuerySet[LedgerEntry]:
    """The lines of seats that were freed in the last 30 days, of people who have none now.

    The newest first; of each person the last word, which has to be a release. A window reads
    the lines of 30 days once: a join of the ledger with itself is planned well only while
    statistics are fresh, and a mass removal is just when they are not.
    """
    return (
        LedgerEntry.objects.filter(
            pool_id=pool.id,
            at__gte=clock.now() - kept.RESTORABLE,
            person__isnull=False,
            erased="",
            deed__in=_ABOUT_SEATS,
        )
        .annotate(
            place=Window(RowNumber(), partition_by="person", order_by="-id"),
            last_word=Window(FirstValue("deed"), partition_by="person", order_by="-id"),
        )
        .filter(place=1, last_word=LedgerEntry.Deed.RELEASE)
        .select_related("person__managed_by", "application", "admin")
        .order_by("-id")
    )


def restore(
    organization: Organization, product: str, chosen: Sequence[int], *, by: Admin | None = None
) -> int:
    """Give these people their license back, all of them or nobody. Returns how many.

    Who holds one keeps it, so that repeating is harmless.
    Refused: more than are free ("seats_missing"), somebody whose license was not freed in
    the last 30 days ("not_freed"), an account that cannot come back (accounts.people).
    """
    pool = pools.get(organization, product)
    who = by.email if by else actor.name() or "an admin on the command line"
    cause = Cause(f"Restored by {who}", admin_id=by.pk if by else None)

    def change() -> int:
        found = {person.pk: person for person in people.bring_back(organization, chosen)}
        locked = allocation.lock(pool.pk)
        seats = Seat.objects.filter(pool_id=pool.pk, person__in=among(found, "bigint"))
        held = set(seats.values_list("person_id", flat=True))
        lines = freed(locked).filter(person__in=among(found, "bigint"))
        lost = {person for person in lines.values_list("person_id", flat=True) if person} - held
        others = set(chosen) - lost - held
        if others:
            raise _not_freed(product, (str(found[id]) for id in others if id in found))
        missing = len(lost) - (locked.purchased - locked.held)
        if lost and missing > 0:
            raise _too_few(locked, len(lost), missing)
        if lost:
            allocation.give_by_hand(
                locked, sorted(lost, key=lambda id: found[id].sort_key.encode()), cause=cause
            )
            about = {"people": audit.listed([found[id] for id in sorted(lost)])}
            audit.note(
                organization.pk,
                Deed.SEATS_RESTORED,
                pools.subject(pool),
                by=by,
                after=about,
                undo={"product": product, "people": sorted(lost)},
            )
        return len(lost)

    return changes.run(change)


def restore_addresses(
    organization: Organization, product: str, emails: Sequence[str], *, by: Admin | None = None
) -> list[str]:
    """The same by address; without any, all that were freed. Returns whose it was."""
    lines = freed(pools.get(organization, product))
    keys = {names.key(email): email for email in emails}
    if keys:
        lines = lines.filter(person__email_key__in=among(keys, "text"))
    found = sorted(
        (line.person for line in lines if line.person), key=lambda p: p.sort_key.encode()
    )
    unknown = keys.keys() - {person.email_key for person in found}
    if unknown:
        raise _not_freed(product, (keys[key] for key in unknown))
    restore(organization, product, [person.pk for person in found], by=by)
    return [person.email for person in found]


# ------------------------------------------------------------------ inside


def _not_freed(product: str, who: Iterable[str]) -> Refusal:
    named = ", ".join(sorted(who)[:3]) or "That person"
    return NotFound(
        "not_freed",
        f"{named}: no {Product(product).label} license was freed in the last "
        f"{kept.RESTORABLE.days} days, so there is none to restore.",
    )


def _too_few(pool: LockedPool, wanted: int, missing: int) -> Refusal:
    label = Product(pool.product).label
    licenses, are = ("license", "is") if missing == 1 else ("licenses", "are")
    return Refusal(
        "seats_missing",
        f"{missing:,} more {label} {licenses} {are} needed to restore {wanted:,}: "
        f"{pool.free:,} of {pool.purchased:,} {'is' if pool.free == 1 else 'are'} free. Nobody "
        f"was restored. Buy more or free some, then restore again.",
    )
