"""What a license costs, so that reports can say what idle ones do (R25)."""

from __future__ import annotations

import re
from decimal import Decimal

from accounts import audit, changes
from accounts.deeds import Deed
from accounts.models import Admin, Organization
from accounts.refusal import Refusal
from licensing import pools
from licensing.models import Pool

HIGHEST = Decimal("99999999.99")


def set_price(
    organization: Organization,
    product: str,
    price: Decimal | None,
    currency: str,
    *,
    by: Admin | None = None,
) -> Pool:
    """The price of one license of the product a month; None takes it away.

    currency: three letters, as ISO 4217 has them ("EUR"). Refused: a price below nothing or
    without a currency ("price_invalid", "currency_invalid").
    """
    currency = currency.strip().upper() if price is not None else ""
    if price is not None and not 0 <= price <= HIGHEST:
        raise Refusal("price_invalid", f"A price is from 0 to {HIGHEST:,}.")
    if price is not None and not re.fullmatch("[A-Z]{3}", currency):
        raise Refusal("currency_invalid", "A currency has three letters, as EUR or USD.")
    pool_id = pools.get(organization, product).pk

    def change() -> Pool:
        pool = Pool.objects.select_for_update(no_key=True).get(pk=pool_id)
        before = _told(pool)
        pool.price, pool.currency = price, currency
        pool.save(update_fields=["price", "currency"])
        audit.note(
            organization.pk,
            Deed.PRICE_SET,
            pools.subject(pool),
            by=by,
            before=before,
            after=_told(pool),
        )
        return pool

    return changes.run(change)


def amount(pool: Pool | None, seats: int) -> Decimal | None:
    """What so many licenses cost a month; None where no price is set."""
    return None if pool is None or pool.price is None else pool.price * seats


def written(amount: Decimal | None, currency: str) -> str:
    """For people: "1,234.50 EUR"; empty where no price is set."""
    return "" if amount is None else f"{amount:,.2f} {currency}"


def _told(pool: Pool) -> dict[str, str | None]:
    return {"price": written(pool.price, pool.currency) or None}
