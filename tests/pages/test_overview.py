"""The overview: what went silent, and the button that mends it; six months at a glance."""

from __future__ import annotations

import datetime as dt

from django.test import Client

from accounts import clock
from accounts.models import Application, Organization
from licensing import reconcile
from licensing.models import DailyCount, Reconciled
from scim.models import Exchange
from tests.pages import world as worlds
from tests.pages.test_pages import text
from tests.pages.world import World


def _ahead(**time: float) -> clock.stopped:
    return clock.stopped(at=clock.now() + dt.timedelta(**time))


def test_reconciliation_that_does_not_come_is_told_and_mended_by_a_button(
    admin: Client, world: World
) -> None:
    """R9, R21."""
    reconcile.reconcile(world.organization)
    assert "was reconciled last" not in text(admin.get("/"))
    with _ahead(hours=5):
        page = text(admin.get("/"))
        assert "Sales Navigator was reconciled last 5 hours ago" in page
        assert 'action="/licenses/sales-navigator/reconcile/"' in page
        admin.post("/licenses/sales-navigator/reconcile/")
        for pool in reconcile.asked():
            reconcile.reconcile_pool(pool)
        assert "Sales Navigator was reconciled last" not in text(admin.get("/"))
        last = Reconciled.objects.get(pool__product="sales-navigator")
        assert last.finished_at == clock.now()


def test_a_product_that_was_never_reconciled_is_told_after_some_hours(
    admin: Client, world: World
) -> None:
    """R9."""
    assert "was never reconciled" not in text(admin.get("/"))
    Organization.objects.update(created_at=clock.now() - dt.timedelta(days=1))
    assert "TeamLink Extend was never reconciled" in text(admin.get("/"))


def test_a_product_of_nobody_cannot_be_reconciled(db: None) -> None:
    empty = worlds.make_empty()
    client = Client()
    client.force_login(empty.owner)
    for product in ("sales-navigator", "toasters"):
        assert client.post(f"/licenses/{product}/reconcile/").status_code == 404


def test_an_application_that_went_silent_is_told(admin: Client, world: World) -> None:
    """R9: Entra asks all the time, the others only when something changes."""
    assert "may not be here" not in text(admin.get("/"))
    with _ahead(days=2):
        page = text(admin.get("/"))
        assert "Entra – TeamLink Extend last sent something 2 days ago" in page
        assert "Okta – Sales Navigator last sent" not in page
    with _ahead(days=31):
        assert "Okta – Sales Navigator last sent something 31 days ago" in text(admin.get("/"))
    Exchange.objects.all().delete()
    Application.objects.update(created_at=clock.now() - dt.timedelta(days=40))
    page = text(admin.get("/"))
    assert "Okta – Sales Navigator has not sent anything yet" in page
    Organization.objects.update(scim_enabled=False)
    assert "has not sent anything" not in text(admin.get("/"))


def test_the_trend_ends_with_the_figures_of_now(admin: Client, world: World) -> None:
    """R25: whatever was counted last."""
    DailyCount.objects.update(held=1000, purchased=1000, activated=0)
    for address in ("/", "/licenses/"):
        [sales, teamlink] = admin.get(address).context["trends"]
        assert [series.last for series in sales.chart.series] == [10, 9, 3, 3, 1]
        assert [series.last for series in teamlink.chart.series] == [2, 2, 0, 2]
        assert len(sales.chart.labels) == 27


def test_an_organization_on_its_first_day_has_no_empty_pictures(db: None) -> None:
    empty = worlds.make_empty()
    client = Client()
    client.force_login(empty.owner)
    assert client.get("/").context["trends"] == []
    page = text(client.get("/licenses/sales-navigator/over-time/"))
    assert "Set the number of licenses that you bought" in page
