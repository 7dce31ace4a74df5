"""What freeing licenses will do, in sentences with numbers, before it is done."""

from __future__ import annotations

from collections.abc import Mapping

from accounts.models import Organization, Product
from licensing.models import Pool, WaitingEntry


def freeing(organization: Organization, numbers: Mapping[str, int]) -> list[str]:
    """numbers: how many lose their license, by product. "12 people lose their Sales Navigator
    license. 3 who wait get one, and 9 are free." Refused pushes get none by themselves (R18)."""
    told = []
    for pool in Pool.objects.of(organization).filter(product__in=numbers).order_by("pk"):
        number = numbers[pool.product]
        if number:
            told.append(_of_pool(pool, number))
    return told


def _of_pool(pool: Pool, number: int) -> str:
    free = max(0, pool.purchased - pool.held + number)
    waiting = WaitingEntry.objects.filter(pool=pool, refused=False)[:free].count()
    label = Product(pool.product).label
    lose = "1 person loses" if number == 1 else f"{number:,} people lose"
    said = [f"{lose} their {label} license."]
    if not free:
        said.append(f"None is free then: {pool.held - number:,} of {pool.purchased:,} are in use.")
    elif waiting:
        get = "1 person who waits gets one" if waiting == 1 else f"{waiting:,} who wait get one"
        said.append(
            f"{get} at once, in order; {free - waiting:,} {_are(free - waiting)} free then."
        )
    else:
        said.append(f"Nobody waits for one: {free:,} {_are(free)} free then.")
    return " ".join(said)


def _are(number: int) -> str:
    return "is" if number == 1 else "are"
