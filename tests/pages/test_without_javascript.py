"""The same deeds with JavaScript off: every page is a plain page first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from licensing import pools
from licensing.models import HeldRemoval
from scim.models import Token
from tests.pages import world as worlds
from tests.pages.world import PASSWORD

pytestmark = pytest.mark.browser


def test_the_main_deeds(open_page: Callable[..., Any]) -> None:
    world = worlds.make()
    page = open_page(java_script_enabled=False)
    page.goto("/")
    page.get_by_label("E-mail").fill(world.owner.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="What needs attention").wait_for()

    page.goto("/users/")
    page.get_by_label("Search").fill("sales emea")
    page.get_by_role("button", name="Search").click()
    assert page.locator("tbody tr").count() == 2  # Ada and Alan; a refused push made nobody
    page.get_by_role("link", name="Name").click()
    assert page.locator("[aria-sort=ascending]").inner_text().strip() == "Name"
    assert page.get_by_label("Search").input_value() == "sales emea"

    page.goto("/licenses/teamlink-extend/")
    page.get_by_label("Licenses bought").fill("1")
    page.get_by_role("button", name="Change the number").click()
    page.get_by_role("button", name="Change the number to 1").click()
    page.get_by_text("It is over-assigned by 1; nobody lost a license.").wait_for()
    assert pools.get(world.organization, "teamlink-extend").purchased == 1

    page.goto("/settings/global/scim/")
    page.get_by_role("link", name="Add new SCIM configuration").click()
    page.get_by_label("Name").fill("OneLogin")
    page.get_by_label("OneLogin").check()
    page.get_by_role("button", name="Go on to licenses").click()
    page.get_by_label("To nobody: sync people only").check()
    page.get_by_role("button", name="Go on to the token").click()
    page.get_by_role("link", name="Back").click()
    assert page.get_by_label("To nobody: sync people only").is_checked()
    page.get_by_role("button", name="Go on to the token").click()
    page.get_by_label("Life in days").fill("30")
    page.get_by_role("button", name="Generate token").click()
    secret = page.get_by_label("Token", exact=True).input_value()
    token = Token.objects.get(application__name="OneLogin")
    assert secret.startswith(token.hint)
    assert not page.get_by_role("button", name="Copy Token").is_visible()

    page.get_by_role("link", name="I have copied it").click()
    page.get_by_role("link", name=f"Revoke {token.hint}").click()
    page.get_by_role("heading", name="Revoke this token?").wait_for()
    page.get_by_label(f"Type {token.hint} to confirm").fill(f"  {token.hint.upper()} ")
    page.get_by_role("button", name="Revoke token").click()
    page.get_by_text("is revoked.").wait_for()
    token.refresh_from_db()
    assert token.revoked_at is not None

    page.get_by_role("button", name="Your account").click()
    page.get_by_role("button", name="Dark").click()
    assert page.locator("html").get_attribute("data-scheme") == "dark"
    page.get_by_role("button", name="Your account").click()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("heading", name="Sign in").wait_for()


def test_held_removals_are_reviewed(open_page: Callable[..., Any]) -> None:
    """R27: with one click, and the limits with a form."""
    world = worlds.make()
    worlds.hold_removals(world)
    page = open_page(admin=world.owner, java_script_enabled=False)
    page.goto("/")
    page.get_by_role("link", name="Review 3 removals").click()
    page.get_by_role("button", name="Dismiss the removal of Grace Hopper").click()
    page.get_by_role("button", name="Approve all 2").click()
    page.get_by_text("2 removals by Okta – Sales Navigator are approved").wait_for()
    page.get_by_role("link", name="Dismissed").click()
    page.get_by_role("button", name="Undo the dismissal for Grace Hopper").click()
    page.get_by_text("The removal of Grace Hopper is held for review again.").wait_for()
    states = HeldRemoval.objects.order_by("person__sort_key").values_list("state", flat=True)
    assert list(states) == ["held", "approved", "approved"]

    page.goto(f"/settings/global/scim/{world.application.pk}/")
    page.get_by_role("link", name="Change the safety brake").click()
    page.get_by_label("People").fill("75")
    page.get_by_role("button", name="Set the safety brake").click()
    page.get_by_text("more than 75 people and 0 % within an hour").wait_for()


def test_people_are_steered_by_hand(open_page: Callable[..., Any]) -> None:
    """R10, R23: a person added, a file uploaded, a group made and filled, a person removed."""
    world = worlds.make_empty()
    page = open_page(admin=world.owner, java_script_enabled=False)
    page.goto("/users/")
    page.get_by_role("link", name="Add a person").click()
    page.get_by_label("E-mail").fill("ada@example.com")
    page.get_by_label("First name").fill("Ada")
    page.get_by_role("button", name="Add the person").click()
    page.get_by_text("Ada was added.").wait_for()

    page.goto("/users/")
    page.get_by_role("link", name="Import a CSV file").click()
    content = b"E-mail;Department\nada@example.com;Engines\ngrace@example.com;Navy\n"
    file = {"name": "people.csv", "mimeType": "text/csv", "buffer": content}
    page.get_by_label("CSV file").set_input_files(file)
    page.get_by_role("button", name="See what would happen").click()
    page.get_by_role("button", name="Import 2 people").click()
    page.get_by_text("1 added, 1 changed.").wait_for()

    page.goto("/groups/new/")
    page.get_by_label("Name").fill("SMB")
    page.get_by_role("button", name="Make the group").click()
    page.get_by_label("E-mail addresses").fill("ada@example.com, grace@example.com")
    page.get_by_role("button", name="Add them").click()
    page.get_by_text("2 people were added to SMB.").wait_for()

    page.goto("/users/?department=Navy")
    assert page.get_by_label("Select everybody").count() == 1
    assert not page.get_by_label("Select everybody").is_visible()
    page.get_by_label("With the selected people").select_option(label="Remove people added by hand")
    page.get_by_role("button", name="All 1 that match").click()
    page.get_by_role("button", name="Remove 1 person").click()
    page.get_by_text("1 person removed.").wait_for()
    page.goto("/users/")
    assert page.locator("tbody tr").count() == 1


def test_the_menu_opens_on_a_telephone(open_page: Callable[..., Any]) -> None:
    page = open_page(admin=worlds.make_empty().owner, width=320, java_script_enabled=False)
    page.goto("/")
    menu = page.get_by_role("navigation", name="Admin Center")
    assert not menu.is_visible()
    page.get_by_role("button", name="Menu").click()
    menu.get_by_role("link", name="Groups").click()
    page.get_by_role("heading", name="Groups", exact=True).wait_for()
