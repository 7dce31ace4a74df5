"""The pages of idle licenses: the rule, the list, reclaiming after a question, giving back."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client
from django.urls import reverse

from accounts import clock
from accounts.models import Person
from licensing import idle, pools, roster
from licensing.models import Reclaimed
from tests import factories
from tests.pages import world as worlds
from tests.pages.test_pages import text
from tests.pages.world import World

LIST = "/licenses/sales-navigator/idle/"
RULE = f"{LIST}rule/"
RECLAIM = f"{LIST}reclaim/"
FORM = {"after_days": "30", "reclaim": "automatic", "warn_days": "5", "scim": "reclaim"}
ZOE = "zoe@example.com"


@pytest.fixture
def zoe(world: World) -> Person:
    """Has a license by hand for 100 days, and has not activated it."""
    return Person.objects.of(world.organization).get(email=ZOE)


def test_idle_licenses_are_counted_and_listed(admin: Client, zoe: Person) -> None:
    overview = text(admin.get("/"))
    assert "1 Sales Navigator license is idle: not activated or not used for 60 days" in overview
    assert "1 idle" in overview
    page = admin.get(LIST)
    assert [seat.person for seat in page.context["page"].rows] == [zoe]
    assert "100 days ago" in text(page)
    assert f'name="person" value="{zoe.pk}"' in page.content.decode()


def test_what_must_stay_cannot_be_chosen(admin: Client, world: World) -> None:
    """R16: SCIM says so, and the page too."""
    with clock.stopped(at=clock.now() + dt.timedelta(days=61)):
        page = admin.get(LIST)
        rows = page.context["page"].rows
        staying = [seat for seat in rows if seat.must_stay]
        assert staying
        assert "Stays: eligible" in text(page)
        for seat in staying:
            assert f'name="person" value="{seat.person_id}"' not in page.content.decode()
        chosen = {"person": [seat.person_id for seat in rows]}
        assert admin.get(RECLAIM, chosen).context["number"] == len(rows) - len(staying)


def test_the_rule_is_changed_by_a_form(admin: Client, world: World) -> None:
    answer = admin.post(RULE, FORM, follow=True)
    assert "The rule for idle licenses was changed." in text(answer)
    pool = pools.get(world.organization, "sales-navigator")
    assert (pool.idle_after_days, pool.reclaim, pool.warn_days) == (30, "automatic", 5)
    assert pool.may_reclaim_scim
    admin.post(RULE, FORM | {"after_days": "", "scim": "stay"})
    pool.refresh_from_db()
    assert pool.idle_after_days is None
    assert not pool.may_reclaim_scim
    assert "No license counts as idle" in text(admin.get(LIST))


@pytest.mark.parametrize(
    "wrong", [{"after_days": "0"}, {"warn_days": ""}, {"reclaim": "never"}, {"scim": "maybe"}]
)
def test_a_rule_that_makes_no_sense_is_422(
    admin: Client, world: World, wrong: dict[str, str]
) -> None:
    answer = admin.post(RULE, FORM | wrong)
    assert answer.status_code == 422
    assert "Nothing was changed." in text(answer)
    assert pools.get(world.organization, "sales-navigator").idle_after_days == 60


def test_reclaiming_shows_whom_and_asks_first(admin: Client, world: World, zoe: Person) -> None:
    asked = admin.get(RECLAIM, {"person": [zoe.pk]})
    assert "Reclaim 1 license?" in text(asked)
    assert "Zoë Washburne" in text(asked)
    assert zoe.seats.exists()
    done = admin.post(RECLAIM, {"person": [zoe.pk], "at": asked.context["at"]}, follow=True)
    assert "1 license was reclaimed." in text(done)
    assert not zoe.seats.exists()
    again = admin.post(RECLAIM, {"person": [zoe.pk]}, follow=True)
    assert "0 licenses were reclaimed. 1 stays: used or freed meanwhile" in text(again)


def test_reclaiming_all_means_all_that_were_seen(admin: Client, world: World, zoe: Person) -> None:
    seen = admin.get(RECLAIM, {"person": "all"}).context["at"]
    with clock.stopped(at=clock.now() + dt.timedelta(days=61)):  # now Sam's is idle too
        assert len(idle.reclaimable(pools.get(world.organization, "sales-navigator"))) == 2
        done = admin.post(RECLAIM, {"person": "all", "at": seen}, follow=True)
    assert "1 license was reclaimed." in text(done)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?person=x",
        "?person=999999999999",
        "?at=nonsense",
        "?at=2020-13-01T00:00Z",
        "?at=0001-01-01T00:00:00Z&person=all",
    ],
)
def test_choosing_nobody_reclaims_nothing(admin: Client, world: World, query: str) -> None:
    assert "Nobody was chosen" in text(admin.get(RECLAIM + query))
    before = len(factories.holders(world.organization))
    admin.post(RECLAIM + query)
    assert len(factories.holders(world.organization)) == before


def test_a_person_sees_why_and_gets_it_back(admin: Client, world: World, zoe: Person) -> None:
    """R22: on the person's page, and by one button."""
    admin.post(RECLAIM, {"person": [zoe.pk]})
    page = text(admin.get(reverse("licensing:person", args=[zoe.pk])))
    assert "because it was not activated within 60 days; an admin can give it back." in page
    assert "Give the license back" in page
    listed = text(admin.get(f"{LIST}reclaimed/"))
    assert "Zoë Washburne" in listed
    assert f"by {world.owner.email}" in listed
    back = reverse("licensing:give_back", args=["sales-navigator", zoe.pk])
    assert admin.get(back).status_code == 405
    done = text(admin.post(back, follow=True))
    assert "Zoë Washburne has the Sales Navigator license back" in done
    assert zoe.seats.exists()
    assert not Reclaimed.objects.exists()
    again = text(admin.post(back, follow=True))
    assert "No Sales Navigator license of Zoë Washburne was reclaimed." in again


def test_a_license_that_is_not_there_waits_or_is_refused(
    admin: Client, world: World, zoe: Person
) -> None:
    """R15: giving back never makes more seats than were bought."""
    admin.post(RECLAIM, {"person": [zoe.pk]})
    pools.set_seats(world.organization, "sales-navigator", 8, by=world.owner)
    back = reverse("licensing:give_back", args=["sales-navigator", zoe.pk])
    assert "more Sales Navigator licenses are needed" in text(admin.post(back, follow=True))
    assert not zoe.seats.exists()


def test_a_warning_is_shown_on_the_list_and_on_the_persons_page(
    admin: Client, world: World, zoe: Person
) -> None:
    admin.post(RULE, FORM | {"scim": "stay"})
    idle.sweep(pools.get(world.organization, "sales-navigator").pk)
    assert "Warned by e-mail" in text(admin.get(LIST))
    page = text(admin.get(reverse("licensing:person", args=[zoe.pk])))
    assert "unless it is used. The person was told by e-mail." in page
    roster.activate(world.organization, "sales-navigator", ZOE)
    page = text(admin.get(reverse("licensing:person", args=[zoe.pk])))
    assert "The person was told by e-mail." not in page


def test_looking_at_the_idle_licenses_of_a_product_makes_no_pool(db: None) -> None:
    empty = worlds.make_empty()
    client = Client()
    client.force_login(empty.owner)
    for page in ("", "reclaim/", "reclaim/?person=all", "reclaimed/"):
        assert client.get(f"/licenses/teamlink-extend/idle/{page}").status_code == 200
    assert client.post("/licenses/teamlink-extend/idle/reclaim/", {"person": "all"}).status_code
    assert not empty.organization.pools.exists()
    assert client.get("/licenses/toasters/idle/").status_code == 404
