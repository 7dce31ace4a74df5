"""Pools: the number of seats an organization bought of a product."""

from __future__ import annotations

from accounts import audit
from accounts.cause import Cause
from accounts.deeds import Deed
from accounts.models import Admin, Organization, Product
from accounts.refusal import NotFound, Refusal
from licensing import allocation, preview
from licensing.allocation import Allocation, LockedPool
from licensing.models import LedgerEntry, Pool
from licensing.preview import Done, Effect

MOST_SEATS = 10_000_000


def get(organization: Organization, product: str) -> Pool:
    """The pool, made on first use. Refused: a product that does not exist."""
    if product not in Product.values:
        raise NotFound(
            "product_unknown",
            f"There is no product “{product}”. Products are {', '.join(Product.values)}.",
        )
    pool = Pool.objects.of(organization).filter(product=product).first()
    if pool is None:
        pool, _ = Pool.objects.get_or_create(organization=organization, product=product)
    return pool


def subject(pool: Pool | LockedPool) -> audit.Subject:
    """What the audit log calls a pool."""
    return audit.Subject("product", pool.id, Product(pool.product).label)


def set_seats(
    organization: Organization, product: str, number: int, *, by: Admin | None = None
) -> Pool:
    """Another number of purchased seats (R15)."""
    change_seats(organization, product, number, by=by)
    return get(organization, product)


def change_seats(
    organization: Organization,
    product: str,
    number: int,
    *,
    by: Admin | None = None,
    dry_run: bool = False,
    expected: str = "",
) -> Effect:
    """The same, telling whom it serves; dry_run and expected: see licensing.preview.

    More seats serve the waiting list at once, in order. Fewer than are held is
    over-assigned: nobody loses a seat by it, and none is granted until it fits.
    """
    if not 0 <= number <= MOST_SEATS:
        raise Refusal("number_invalid", f"The number of seats is from 0 to {MOST_SEATS:,}.")

    def settle(pool: LockedPool) -> Done:
        if pool.purchased == number:
            return Done(Allocation(), [number, number])
        because = f"The number of seats was changed from {pool.purchased} to {number}"
        cause = Cause(because, admin_id=by.pk if by else None)
        Pool.objects.filter(pk=pool.id).update(purchased=number)
        allocation.note(pool, LedgerEntry.Deed.RESIZE, cause, seats=number)
        audit.note(
            pool.organization_id,
            Deed.SEATS_CHANGED,
            subject(pool),
            by=by,
            before={"licenses": pool.purchased},
            after={"licenses": number},
            undo={"product": product, "from": pool.purchased, "to": number},
        )
        return Done(allocation.settle(pool.id, (), cause=cause), [pool.purchased, number])

    pool = get(organization, product)
    return preview.run(pool.pk, settle, dry_run=dry_run, expected=expected)
