"""Thin wrappers: what the schedule and the pushes start (R9, R20, R21, R27)."""

from __future__ import annotations

import functools
import uuid

from celery import shared_task
from django.db import OperationalError
from django.db.models import F

from accounts import changes, clock
from accounts.cause import Cause
from licensing import (
    allocation,
    counts,
    idle,
    reconcile,
    refusals,
    report_schedules,
    review,
    seals,
    usage,
    usage_files,
)
from licensing.models import Pool


@shared_task(
    autoretry_for=(OperationalError,), retry_backoff=True, retry_backoff_max=600, max_retries=8
)
def reconcile_licenses() -> None:
    """Hourly: one task a pool, so that one that fails stops no other, and a worker that dies
    goes on with the next one. What an hour did not do, the next one begins with."""
    for pool_id in reconcile.in_turn(Pool.objects.all()).values_list("pk", flat=True):
        reconcile_pool.apply_async([pool_id], expires=3600)


@shared_task(
    autoretry_for=(OperationalError,), retry_backoff=True, retry_backoff_max=600, max_retries=8
)
def reconcile_pool(pool_id: int) -> None:
    """Nothing to do when another worker is at this pool already."""
    reconcile.reconcile_pool(Pool.objects.get(pk=pool_id), wait=False)


@shared_task(
    autoretry_for=(OperationalError,), retry_backoff=True, retry_backoff_max=60, max_retries=8
)
def reconcile_asked() -> None:
    """Each quarter of a minute: what an admin asked for."""
    for pool_id in reconcile.asked().values_list("pk", flat=True):
        reconcile_pool.apply_async([pool_id], expires=60)


@shared_task(
    autoretry_for=(OperationalError,), retry_backoff=True, retry_backoff_max=60, max_retries=8
)
def seal_ledger() -> None:
    """Each minute: the lines that pushes wrote get their seals."""
    seals.seal_all()


@shared_task(
    autoretry_for=(OperationalError,), retry_backoff=True, retry_backoff_max=60, max_retries=8
)
def fill_waiting_lists() -> None:
    """Seats that are free go to those who wait, wherever a wake-up was lost (R20)."""
    pools = Pool.objects.filter(held__lt=F("purchased"), waiting__refused=False).distinct()
    cause = Cause("A free seat went to the waiting list")
    for pool_id in pools.values_list("pk", flat=True):
        changes.run(functools.partial(allocation.settle, pool_id, (), cause=cause))


@shared_task(
    autoretry_for=(OperationalError,), retry_backoff=True, retry_backoff_max=60, max_retries=8
)
def carry_out_removals() -> None:
    """Removals that were held and that an admin approved (R27)."""
    review.carry_out()


@shared_task(
    autoretry_for=(OperationalError,), retry_backoff=True, retry_backoff_max=600, max_retries=8
)
def reclaim_idle_seats() -> None:
    """Daily: one task for each pool whose idle seats are reclaimed automatically."""
    pools = Pool.objects.filter(reclaim=Pool.Reclaim.AUTOMATIC, idle_after_days__isnull=False)
    for pool_id in pools.values_list("pk", flat=True).order_by("pk"):
        reclaim_idle_seats_of.delay(pool_id)


@shared_task(
    autoretry_for=(OperationalError,), retry_backoff=True, retry_backoff_max=600, max_retries=8
)
def reclaim_idle_seats_of(pool_id: int) -> None:
    """Uses that were reported and not counted yet count."""
    clock.must_agree()
    usage.roll_up(pool_id)
    idle.sweep(pool_id)


@shared_task(
    autoretry_for=(OperationalError,), retry_backoff=True, retry_backoff_max=600, max_retries=8
)
def lapse_refusals() -> None:
    """Daily: refused pushes that nobody repeats count as missing no longer (R18)."""
    clock.must_agree()
    refusals.lapse()


@shared_task(
    autoretry_for=(OperationalError,), retry_backoff=True, retry_backoff_max=60, max_retries=8
)
def count_seats() -> None:
    """Each quarter of an hour: today's row of each pool, and the days that are over (R25)."""
    counts.count_all()


@shared_task(
    autoretry_for=(OperationalError,), retry_backoff=True, retry_backoff_max=60, max_retries=8
)
def roll_up_usage() -> None:
    """Uses that came in become days, and last uses of seats (R25)."""
    usage.roll_up_all()


@shared_task(
    autoretry_for=(OperationalError,), retry_backoff=True, retry_backoff_max=60, max_retries=8
)
def record_usage_files() -> None:
    """One task for each file that was confirmed, so that one that fails stops no other (R25)."""
    for file_id in usage_files.due():
        record_usage_file.apply_async([str(file_id)], expires=60)


@shared_task(
    autoretry_for=(OperationalError,), retry_backoff=True, retry_backoff_max=60, max_retries=8
)
def record_usage_file(file_id: str) -> None:
    """Nothing to do when another worker is at it already."""
    usage_files.work(uuid.UUID(file_id))


@shared_task(
    autoretry_for=(OperationalError,), retry_backoff=True, retry_backoff_max=600, max_retries=8
)
def send_reports() -> None:
    """Usage reports whose day has come go into the outbox, each period once (R25)."""
    clock.must_agree()
    report_schedules.send_due()


@shared_task(
    autoretry_for=(OperationalError,), retry_backoff=True, retry_backoff_max=600, max_retries=8
)
def prune_usage() -> None:
    """Daily: forget events and files that are kept no longer."""
    clock.must_agree()
    usage.prune()
    usage_files.prune()
