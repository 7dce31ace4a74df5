"""What the demo's people did: licenses given over weeks, uses of them, a price, a report."""

from __future__ import annotations

import contextlib
import datetime as dt
import random
from collections.abc import Iterator
from decimal import Decimal

from accounts import clock
from accounts.models import Admin, Organization, Product
from licensing import counts, idle, prices, report_schedules, usage
from licensing.models import Seat
from licensing.report_schedules import Wanted
from licensing.usage import Event

#: The first people came so long ago, the last ones so.
DAYS = 75
SPREAD = 40
IDLE_AFTER = 60
_SEED = 25


@contextlib.contextmanager
def days_ago(days: float) -> Iterator[None]:
    """What is done inside happened then."""
    with clock.stopped(at=clock.now() - dt.timedelta(days=days)):
        yield


def fill(organization: Organization, admin: Admin) -> None:
    """Uses on working days by most who activated their license: some often, some never."""
    product = Product.SALES_NAVIGATOR
    idle.set_rule(organization, product, after_days=IDLE_AFTER, by=admin)
    prices.set_price(organization, product, Decimal("89.99"), "USD", by=admin)
    chance = random.Random(_SEED)  # noqa: S311  the demo is the same each time
    seats = Seat.objects.of(organization).filter(activated_at__isnull=False).order_by("id")
    events = [event for seat in seats.select_related("pool") for event in _uses(seat, chance)]
    for n in range(0, len(events), usage.MOST_EVENTS):
        usage.record(organization, events[n : n + usage.MOST_EVENTS])
    usage.roll_up_all()
    counts.count_all()
    wanted = Wanted(
        "Weekly usage by department", product, "weekly", 1, [admin.pk], departments=True
    )
    report_schedules.make(organization, wanted, by=admin)


# ------------------------------------------------------------------ inside


def _uses(seat: Seat, chance: random.Random) -> Iterator[Event]:
    """From the day of the activation on; one in five stopped after two weeks."""
    if seat.activated_at is None:
        return
    habit = chance.choice([0.9, 0.7, 0.5, 0.3])
    days = min((clock.now() - seat.activated_at).days, DAYS)
    stopped = chance.random() < 0.2
    for n in range(days):
        moment = clock.now() - dt.timedelta(days=n, minutes=chance.randrange(600))
        late = stopped and days - n > 14
        if late or moment.isoweekday() > 5 or chance.random() > habit:
            continue
        for kind in chance.sample(["search", "message", "profile view"], chance.randint(1, 3)):
            yield Event(
                id=f"demo-{seat.pk}-{n}-{kind}",
                product=seat.pool.product,
                happened_at=moment.isoformat(),
                person=str(seat.person_id),
                kind=kind,
            )
