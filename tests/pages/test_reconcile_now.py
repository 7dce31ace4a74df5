"""Reconcile now: the worker does it, and the page says how far it is."""

from __future__ import annotations

import datetime as dt

from django.test import Client
from django.urls import reverse

from accounts import clock
from accounts.models import AuditEntry
from licensing import reconcile
from licensing.models import Pool, Reconciled, Seat
from licensing.tasks import reconcile_pool
from tests.pages.test_pages import text
from tests.pages.world import World

SALES = "sales-navigator"
NOW = reverse("licensing:reconcile_now", args=[SALES])
PAGE = reverse("licensing:pool", args=[SALES])


def asked() -> list[int]:
    return [pool.pk for pool in reconcile.asked()]


def test_reconcile_now_is_left_to_the_worker_and_the_page_tells(
    admin: Client, world: World
) -> None:
    """R9, R21: a row that waits for the worker, and what became of it as the admin's deed."""
    pool = Pool.objects.get(organization=world.organization, product=SALES)
    Seat.objects.filter(pool=pool, source="scim")[0].delete()
    page = text(admin.post(NOW, follow=True))
    assert "Sales Navigator is reconciled within a minute." in page
    assert "the worker begins within a minute" in page
    assert "is asked for already" in text(admin.post(NOW, follow=True))
    assert asked() == [pool.pk]
    reconcile_pool(pool.pk)
    assert asked() == []
    shown = text(admin.get(PAGE))
    assert "3 differences repaired, 1 given and 0 freed by it" in shown, shown[2000:9000]
    assert "the worker begins" not in shown
    line = AuditEntry.objects.filter(deed="reconciled").get()
    assert (line.admin, line.after["drift"]) == (world.owner, 3)
    reconcile_pool(pool.pk)
    assert AuditEntry.objects.filter(deed="reconciled").count() == 1, "the schedule's own run"


def test_a_run_that_was_killed_begins_again(admin: Client, world: World) -> None:
    """R9: what was asked for is done in the end; meanwhile the page says since when it runs."""
    admin.post(NOW)
    [pool_id] = asked()
    Reconciled.objects.filter(pool=pool_id).update(started_at=clock.now())
    assert asked() == []
    assert "run began" in text(admin.get(PAGE))
    with clock.stopped(at=clock.now() + reconcile.PATIENCE + dt.timedelta(seconds=1)):
        assert asked() == [pool_id]
        reconcile_pool(pool_id)
    assert asked() == []
    assert "run began" not in text(admin.get(PAGE))
