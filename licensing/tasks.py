"""Thin wrappers: what the schedule and the pushes start (R9, R20, R21)."""

from __future__ import annotations

import functools

from celery import shared_task
from django.db import OperationalError
from django.db.models import F

from accounts import changes
from accounts.cause import Cause
from licensing import allocation, reconcile, refusals
from licensing.models import Pool


@shared_task(
    autoretry_for=(OperationalError,), retry_backoff=True, retry_backoff_max=600, max_retries=8
)
def reconcile_licenses() -> None:
    """Hourly: one task a pool, so that one that fails stops no other."""
    for pool_id in Pool.objects.values_list("pk", flat=True).order_by("pk"):
        reconcile_pool.delay(pool_id)


@shared_task(
    autoretry_for=(OperationalError,), retry_backoff=True, retry_backoff_max=600, max_retries=8
)
def reconcile_pool(pool_id: int) -> None:
    reconcile.reconcile_pool(Pool.objects.get(pk=pool_id))


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
    autoretry_for=(OperationalError,), retry_backoff=True, retry_backoff_max=600, max_retries=8
)
def lapse_refusals() -> None:
    """Daily: refused pushes that nobody repeats count as missing no longer (R18)."""
    refusals.lapse()
