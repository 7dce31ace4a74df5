"""What the pages of the safety brake say and do, without a browser (R27)."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts import admins
from licensing.models import HeldRemoval, Policy
from licensing.tasks import carry_out_removals
from tests import factories
from tests.pages.test_pages import text
from tests.pages.world import PASSWORD, World, hold_removals

HELD = "/licenses/held/"
NAMES = ["Grace Hopper", "Alan Turing", "Katherine Johnson"]


def states() -> list[str]:
    found = HeldRemoval.objects.order_by("person__sort_key")
    return list(found.values_list("state", flat=True))


def test_the_overview_says_what_is_held_and_leads_to_it(admin: Client, world: World) -> None:
    """R27: admins are warned in the Admin Center."""
    assert "Removals are held" not in text(admin.get("/"))
    hold_removals(world)
    page = text(admin.get("/"))
    assert "Removals are held" in page
    assert "3 removals wait for your review. Nobody of them has lost a license." in page
    assert f'href="{HELD}"' in page


def test_the_list_names_everybody_with_what_was_wanted_and_why(admin: Client, world: World) -> None:
    """R27: the admin reviews the list."""
    hold_removals(world)
    answer = admin.get(HELD)
    assert [removal.person.name for removal in answer.context["page"].rows] == NAMES
    page = text(answer)
    assert "Remove from the application" in page
    assert "Okta – Sales Navigator deleted this person" in page
    assert "See the request" in page
    assert "Nothing here" in text(admin.get(f"{HELD}?state=dismissed"))
    assert admin.get(f"{HELD}?state=nonsense").context["state"] == "held"


def test_all_are_approved_by_one_click_and_removed_by_the_worker(
    admin: Client, world: World
) -> None:
    """R27: with one click, by worker."""
    last = hold_removals(world)[-1].pk
    before = factories.holders(world.organization)
    address = reverse("licensing:decide_all", args=[world.application.pk])
    answer = admin.post(address, {"deed": "approve", "last": last}, follow=True)
    assert "3 removals by Okta – Sales Navigator are approved" in text(answer)
    assert factories.holders(world.organization) == before
    carry_out_removals()
    assert len(set(before) - set(factories.holders(world.organization))) == 3
    page = text(admin.get(f"{HELD}?state=approved"))
    assert f"by {world.owner.email}" in page
    assert "Carried out" in page


def test_all_are_dismissed_by_one_click(admin: Client, world: World) -> None:
    """R27: nothing is lost either way."""
    last = hold_removals(world)[-1].pk
    address = reverse("licensing:decide_all", args=[world.application.pk])
    admin.post(address, {"deed": "dismiss", "last": last})
    assert states() == ["dismissed"] * 3
    assert "Removals are held" not in text(admin.get("/"))


def test_one_is_approved_dismissed_and_undone(admin: Client, world: World) -> None:
    """R27: singly."""
    grace, alan, _ = hold_removals(world)
    admin.post(reverse("licensing:decide", args=[grace.pk]), {"deed": "approve"})
    admin.post(reverse("licensing:decide", args=[alan.pk]), {"deed": "dismiss"})
    assert states() == ["approved", "dismissed", "held"]
    late = admin.post(reverse("licensing:decide", args=[alan.pk]), {"deed": "approve"}, follow=True)
    assert "has been decided meanwhile" in text(late)
    admin.post(reverse("licensing:decide", args=[alan.pk]), {"deed": "undo"})
    assert states() == ["approved", "held", "held"]


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"deed": "shout"},
        {"deed": "approve", "last": "x"},
        {"deed": "approve", "last": "9" * 30},
        {"deed": "approve", "last": "²"},
    ],
)
def test_a_form_that_makes_no_sense_decides_nothing(
    admin: Client, world: World, form: dict[str, str]
) -> None:
    hold_removals(world)
    address = reverse("licensing:decide_all", args=[world.application.pk])
    assert admin.post(address, form).status_code == 302
    assert admin.get(address).status_code == 405
    assert states() == ["held"] * 3


def test_deciding_needs_the_token_of_the_form(world: World) -> None:
    """R27: no other site can approve for an admin."""
    [removal, *_] = hold_removals(world)
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.owner)
    address = reverse("licensing:decide", args=[removal.pk])
    assert client.post(address, {"deed": "approve"}).status_code == 403
    assert states() == ["held"] * 3


def test_the_limits_are_set_on_a_page_of_the_application(admin: Client, world: World) -> None:
    """R27: a limit that the admin sets."""
    application = reverse("scim_settings:application", args=[world.application.pk])
    assert "more than 50 people and 20 % within an hour" in text(admin.get(application))
    address = reverse("scim_settings:brake", args=[world.application.pk])
    answer = admin.post(address, {"on": "on", "people": "8", "percent": "30"})
    assert answer["Location"] == application
    assert "more than 8 people and 30 % within an hour" in text(admin.get(application))
    admin.post(address, {"on": "off", "people": "8", "percent": "30"})
    policy = Policy.objects.get(application=world.application)
    assert (policy.brake_on, policy.brake_people, policy.brake_percent) == (False, 8, 30)
    assert "Safety brake</dt><dd>Off" in text(admin.get(application))


@pytest.mark.parametrize(
    "wrong", [{"people": "-1"}, {"percent": "101"}, {"people": ""}, {"on": "maybe"}]
)
def test_limits_that_make_no_sense_are_422(
    admin: Client, world: World, wrong: dict[str, str]
) -> None:
    address = reverse("scim_settings:brake", args=[world.application.pk])
    form = {"on": "on", "people": "8", "percent": "30"}
    assert admin.post(address, form | wrong).status_code == 422
    assert Policy.objects.get(application=world.application).brake_people == 50


def test_a_persons_page_says_that_their_removal_is_held(admin: Client, world: World) -> None:
    """R27, R22."""
    grace, alan, _ = hold_removals(world)
    admin.post(reverse("licensing:decide", args=[alan.pk]), {"deed": "dismiss"})
    page = text(admin.get(reverse("licensing:person", args=[grace.person_id])))
    assert "wants to take the license away: that is held for review since" in page
    page = text(admin.get(reverse("licensing:person", args=[alan.person_id])))
    assert f"{world.owner.email} dismissed that on" in page


def test_every_admin_of_the_organization_may_decide(world: World) -> None:
    [removal, *_] = hold_removals(world)
    client = Client()
    client.force_login(
        admins.create("tom@northwind.example", organization=world.organization, password=PASSWORD)
    )
    client.post(reverse("licensing:decide", args=[removal.pk]), {"deed": "dismiss"})
    assert states() == ["dismissed", "held", "held"]
