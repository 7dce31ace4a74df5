"""The numbers of each product's pool, as every page shows them."""

from __future__ import annotations

import dataclasses

from django.db.models import Count
from django.http import Http404

from accounts.models import Organization, Product
from licensing import forecast, idle
from licensing.models import Pool, Reconciled, Seat, WaitingEntry


@dataclasses.dataclass(frozen=True, slots=True)
class Figures:
    """pool: not saved yet where nobody has bought or connected the product."""

    pool: Pool
    activated: int
    provisioned: int
    waiting: int
    idle: int

    @property
    def held(self) -> int:
        return self.activated + self.provisioned

    @property
    def used(self) -> bool:
        """Whether there is anything to show: seats bought, held or wanted."""
        return bool(self.pool.purchased or self.held or self.waiting)

    @property
    def free(self) -> int:
        return max(0, self.pool.purchased - self.held)

    @property
    def over(self) -> int:
        return max(0, self.held - self.pool.purchased)

    @property
    def reconciled(self) -> Reconciled | None:
        """How the last reconciliation went; None before the first one."""
        return getattr(self.pool, "reconciled", None)

    @property
    def forecast(self) -> str:
        """When the licenses run out, in a sentence; empty before the first reconciliation."""
        told = forecast.as_counted(self.pool, self.reconciled.pace if self.reconciled else None)
        return told.sentence if told else ""


def of_organization(organization: Organization) -> list[Figures]:
    """One for each product, in three queries however many seats there are, and one more for
    each product whose seats may be idle."""
    pools = {
        pool.product: pool for pool in Pool.objects.of(organization).select_related("reconciled")
    }
    seats = {
        (pool, state): number
        for pool, state, number in Seat.objects.of(organization)
        .values_list("pool", "state")
        .annotate(number=Count("id"))
    }
    waiting = dict(
        WaitingEntry.objects.of(organization)
        .values_list("pool")
        .annotate(number=Count("id"))
        .values_list("pool", "number")
    )
    return [
        Figures(
            pool=pool,
            activated=seats.get((pool.pk, Seat.State.ACTIVATED), 0),
            provisioned=seats.get((pool.pk, Seat.State.PROVISIONED), 0),
            waiting=waiting.get(pool.pk, 0),
            idle=idle.count(pool),
        )
        for product in Product.values
        for pool in [pools.get(product) or Pool(organization=organization, product=product)]
    ]


def of_product(organization: Organization, product: str) -> Figures:
    """The same of one product, which must be one."""
    return next(
        figures for figures in of_organization(organization) if figures.pool.product == product
    )


def check(product: str) -> None:
    """404: no such product."""
    if product not in Product.values:
        raise Http404
