"""What a reader chooses for their browser: the time zone of pages, and shortcuts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts import shortcuts, zones
from accounts.context import MENU
from accounts.templatetags import ui
from tests.pages import world as worlds
from tests.pages.test_pages import text
from tests.pages.world import World

SUMMER = dt.datetime(2026, 7, 1, 22, 30, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("UTC", "Jul 1, 2026, 22:30 UTC"),
        ("Europe/Berlin", "Jul 2, 2026, 00:30 CEST"),
        ("America/Sao_Paulo", "Jul 1, 2026, 19:30 UTC-03"),
        ("Asia/Kathmandu", "Jul 2, 2026, 04:15 UTC+0545"),
    ],
)
def test_a_moment_is_shown_in_the_readers_zone_with_the_exact_utc_as_title(
    zone: str, shown: str
) -> None:
    with timezone.override(zones.of(zone)):
        told = ui.when(SUMMER)
    assert f">{shown}<" in told
    assert 'datetime="2026-07-01T22:30:00.000+00:00" title="2026-07-01 22:30:00 UTC"' in told


def test_the_day_is_that_of_the_readers_zone() -> None:
    with timezone.override(zones.of("Asia/Tokyo")):
        assert ">Jul 2, 2026<" in ui.day(SUMMER)


def test_the_zone_is_chosen_kept_and_given_up(admin: Client) -> None:
    answer = admin.post("/zone/", {"zone": "Asia/Tokyo", "next": "/preferences/"}, follow=True)
    assert '<option value="Asia/Tokyo" selected>' in answer.content.decode()
    assert "JST" in text(admin.get("/"))
    assert "Time zone: Asia/Tokyo" in text(admin.get("/"))
    admin.post("/zone/", {"zone": "", "next": "/"})
    page = text(admin.get("/"))
    assert "JST" not in page
    assert "UTC" in page


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", "x" * 5000, "\x00", ""])
def test_a_zone_that_is_none_is_utc(admin: Client, zone: str) -> None:
    """A cookie may say anything; it is compared with the list, never used as a path."""
    admin.cookies["zone"] = zone
    assert "Now it is" in text(admin.get("/preferences/"))
    assert zones.known(zone) == "UTC"


def test_one_readers_zone_is_not_the_next_ones(admin: Client, world: World) -> None:
    other = Client()
    other.force_login(world.owner)
    admin.cookies["zone"] = "Asia/Tokyo"
    assert "JST" in text(admin.get("/"))
    assert "JST" not in text(other.get("/"))


def test_every_shortcut_leads_to_a_page_of_the_menu_by_a_letter_of_its_own() -> None:
    assert set(shortcuts.KEYS) <= {entry.address for entry in MENU}
    assert len(set(shortcuts.KEYS.values())) == len(shortcuts.KEYS)


@pytest.mark.browser
def test_shortcuts_go_to_pages_search_and_list_themselves(open_page: Callable[..., Any]) -> None:
    """WCAG 2.1.4: and with the switch they do nothing."""
    page = open_page(admin=worlds.make_empty().owner, timezone_id="Asia/Tokyo")
    page.goto("/")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    dialog.get_by_text("Activity log").wait_for()
    page.keyboard.press("g")  # nothing happens behind a question
    page.keyboard.press("r")
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("r")
    page.get_by_role("heading", name="Reporting", exact=True).wait_for()
    page.keyboard.press("/")
    page.keyboard.type("g?held")  # in a field a letter is a letter
    assert page.get_by_label("Find anything").input_value() == "g?held"
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("held rem")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Held removals").click()
    page.get_by_role("heading", name="Held removals").wait_for()
    page.goto("/preferences/")
    page.get_by_text("Your browser says Asia/Tokyo").wait_for()
    page.get_by_role("button", name="Use that").click()
    page.get_by_text("JST").wait_for()
    page.locator("main").get_by_role("button", name="Switch shortcuts off").click()
    page.get_by_text("They are off.").wait_for()
    page.keyboard.press("?")
    assert not page.get_by_role("dialog", name="Keyboard shortcuts").is_visible()
    page.emulate_media(media="print")
    assert not page.get_by_role("navigation", name="Admin Center").is_visible()
    assert page.get_by_role("heading", name="Preferences").is_visible()
    assert page.trouble == []
