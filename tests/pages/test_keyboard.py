"""The main deeds with the keyboard alone: no mouse event, and the focus can always be seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from licensing import pools
from licensing.models import HeldRemoval
from scim.models import Token
from tests.pages import keyboard
from tests.pages import world as worlds
from tests.pages.world import PASSWORD

pytestmark = pytest.mark.browser
MOST_TABS = 60


def test_sign_in(open_page: Callable[..., Any]) -> None:
    world = worlds.make_empty()
    page = open_page()
    page.goto("/users/?q=ada")
    page.keyboard.type(world.owner.email)  # the focus is there already
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/users/?q=ada")
    assert page.trouble == []


def test_the_first_tab_skips_to_the_content(open_page: Callable[..., Any]) -> None:
    page = open_page(admin=worlds.make_empty().owner)
    page.goto("/users/")
    page.keyboard.press("Tab")
    assert _focused(page) == "Skip to content"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")


def test_create_an_application_generate_and_copy_its_token_and_revoke_it(
    open_page: Callable[..., Any],
) -> None:
    world = worlds.make_empty()
    page = open_page(admin=world.owner, permissions=["clipboard-read", "clipboard-write"])
    page.goto("/settings/global/scim/new/")
    _tab_to(page, "id_name")
    page.keyboard.type("Okta production")
    _tab_to(page, "Go on to licenses")
    page.keyboard.press("Enter")
    page.wait_for_url("**/new/licenses/")
    _tab_to(page, "id_eligibility_0")
    page.keyboard.press("ArrowDown")
    _tab_to(page, "id_eligible_groups")
    page.keyboard.type("Sales\nPartners")
    _tab_to(page, "Go on to the token")
    page.keyboard.press("Enter")
    page.wait_for_url("**/new/token/")
    _tab_to(page, "Generate token")
    page.keyboard.press("Enter")
    page.get_by_text("Copy it now.").wait_for()
    _tab_to(page, "Copy Token")
    page.keyboard.press("Enter")
    page.get_by_role("status").get_by_text("Copied").wait_for(state="attached")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.get_by_label("Token", exact=True).input_value()
    token = Token.objects.get()
    assert copied.startswith(token.hint)

    _tab_to(page, "I have copied it")
    page.keyboard.press("Enter")
    page.wait_for_url("**/scim/*-*/")
    _tab_to(page, f"Revoke {token.hint}")
    page.keyboard.press("Enter")
    page.get_by_role("dialog", name="Revoke this token?").wait_for()
    assert _focused(page).startswith("typed-name")
    page.keyboard.press("Escape")
    assert _focused(page) == f"Revoke {token.hint}"  # the focus is back where it was
    page.keyboard.press("Enter")
    page.keyboard.type(token.hint)
    _tab_to(page, "Revoke token")
    page.keyboard.press("Enter")
    page.get_by_text("is revoked.").wait_for()
    token.refresh_from_db()
    assert token.revoked_at is not None
    assert page.trouble == []


def test_change_the_number_of_licenses(open_page: Callable[..., Any]) -> None:
    world = worlds.make_empty()
    page = open_page(admin=world.owner)
    page.goto("/licenses/sales-navigator/")
    _tab_to(page, "id_number")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("25")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Change the number of licenses?").wait_for()
    _tab_to(page, "Change the number to 25")
    page.keyboard.press("Enter")
    page.get_by_text("Sales Navigator now has 25 licenses").wait_for()
    assert pools.get(world.organization, "sales-navigator").purchased == 25


def test_review_held_removals(open_page: Callable[..., Any]) -> None:
    """R27: dismiss one, approve the others."""
    world = worlds.make()
    worlds.hold_removals(world)
    page = open_page(admin=world.owner)
    page.goto("/")
    _tab_to(page, "Review 3 removals by Okta – Sales Navigator")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Held removals").wait_for()
    _tab_to(page, "Dismiss the removal of Grace Hopper")
    page.keyboard.press("Enter")
    page.get_by_text("The removal of Grace Hopper is dismissed").wait_for()
    _tab_to(page, "Approve all 2 of Okta – Sales Navigator")
    page.keyboard.press("Enter")
    page.get_by_text("are approved").wait_for()
    states = HeldRemoval.objects.order_by("person__sort_key").values_list("state", flat=True)
    assert list(states) == ["dismissed", "approved", "approved"]
    assert page.trouble == []


def test_add_a_person_and_upload_a_csv_file(open_page: Callable[..., Any]) -> None:
    """R10: then select both of them and give them a license."""
    world = worlds.make_empty()
    pools.set_seats(world.organization, "sales-navigator", 2, by=world.owner)
    page = open_page(admin=world.owner)
    page.goto("/users/")
    _tab_to(page, "Add a person")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Add a person").wait_for()
    _tab_to(page, "id_email")
    page.keyboard.type("ada@example.com")
    page.keyboard.press("Enter")
    page.get_by_text("ada@example.com was added.").wait_for()

    page.goto("/users/import/")
    _tab_to(page, "id_file")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Space")
    content = b"E-mail,First name\ngrace@example.com,Grace\nno address,Nobody\n"
    chooser.value.set_files({"name": "people.csv", "mimeType": "text/csv", "buffer": content})
    _tab_to(page, "See what would happen")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Import 1 person?").wait_for()
    _tab_to(page, "Import 1 person")
    page.keyboard.press("Enter")
    page.get_by_text("1 added, 0 changed.").wait_for()

    page.goto("/users/")
    _tab_to(page, "Select everybody on this page")
    page.keyboard.press("Space")
    page.get_by_role("status").get_by_text("2 of 2 selected").wait_for()
    _tab_to(page, "The selected…")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Give 2 people").wait_for()
    _tab_to(page, "Give 2 people a Sales Navigator license")
    page.keyboard.press("Enter")
    page.get_by_text("2 people given a Sales Navigator license.").wait_for()
    assert pools.get(world.organization, "sales-navigator").held == 2
    assert page.trouble == []


def test_tab_goes_through_every_component_in_order_and_past_the_end(
    open_page: Callable[..., Any],
) -> None:
    """What keyboard.check computes of every page, by real presses where everything is shown."""
    page = open_page(admin=worlds.make_empty().owner)
    page.goto("/styleguide/")
    assert keyboard.check(page, "style guide") == {}
    page.evaluate("window.keyboardStops[0].focus()")
    stops = page.evaluate("window.keyboardStops.length")
    place = "window.keyboardStops.indexOf(document.activeElement)"
    for number in range(stops):
        assert page.evaluate(place) == number
        page.keyboard.press("Tab")
    assert page.evaluate(place) != stops - 1


def test_the_check_itself_sees_what_the_keyboard_cannot_do(open_page: Callable[..., Any]) -> None:
    page = open_page(admin=worlds.make_empty().owner)
    page.goto("/help/")
    page.evaluate(
        """() => {
          const sheet = new CSSStyleSheet();
          sheet.replaceSync(`#dull:focus { outline: none } #tall { height: 9rem; overflow: auto }
            #lid { position: fixed; inset: 0 0 auto; height: 20rem }
            html { scroll-padding: 0 !important }`);
          document.adoptedStyleSheets = [sheet];
          document.querySelector("main").insertAdjacentHTML("afterbegin", `<div id="lid"></div>
            <button id="dull">a</button><button tabindex="2">b</button>
            <a href="/" tabindex="-1">c</a>
            <button id="trap">d</button><details><summary id="fold">e</summary>f</details>
            <div id="tall"><p>${"g<br>".repeat(50)}</p></div>`);
          document.querySelector("#trap").addEventListener("keydown", (e) => e.preventDefault());
          document.querySelector("#fold").addEventListener("click", (e) => e.preventDefault());
        }"""
    )
    [found] = keyboard.check(page, "help").values()
    for said, about in (
        ("does not show that it has the focus", "dull"),
        ("jumps the queue", 'tabindex="2"'),
        ("is not reached by Tab", 'tabindex="-1"'),
        ("keeps Tab to itself", "trap"),
        ("scrolls, and nothing in it can have the focus", "tall"),
        ("has something above it with the focus", "dull"),
        ("Enter does not open the details", "e:"),
    ):
        assert any(said in line and about in line for line in found), (said, found)


def test_search_people_as_you_type_and_open_one(open_page: Callable[..., Any]) -> None:
    world = worlds.make()
    page = open_page(admin=world.owner)
    page.goto("/users/")
    page.keyboard.press("/")
    page.keyboard.type("hopper")
    page.get_by_role("status").get_by_text("1 found").wait_for(state="attached")
    page.wait_for_url("**/users/?q=hopper*")
    assert page.locator("tbody tr").count() == 1
    page.reload()
    assert page.locator("tbody tr").count() == 1
    _tab_to(page, "Grace Hopper")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Grace Hopper").wait_for()
    assert page.trouble == []


def test_the_shortcuts_can_be_switched_off(open_page: Callable[..., Any]) -> None:
    """WCAG 2.1.4: a shortcut of one character can be turned off."""
    page = open_page(admin=worlds.make_empty().owner)
    page.goto("/users/")
    page.get_by_role("button", name="Your account").press("Enter")
    page.get_by_role("button", name="Switch shortcuts off").press("Enter")
    page.wait_for_load_state()
    page.keyboard.press("/")
    assert _focused(page) != "search"


def test_the_appearance_changes_at_once_and_is_remembered(open_page: Callable[..., Any]) -> None:
    page = open_page(admin=worlds.make_empty().owner)
    page.goto("/help/")
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("button", name="Your account").press("Enter")
    page.get_by_role("button", name="Dark").press("Enter")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert dark != before
    page.reload()
    assert page.locator("html").get_attribute("data-scheme") == "dark"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == dark


def _tab_to(page: Any, name: str) -> None:
    """Press Tab until the element with that id, label or text has the focus."""
    for _ in range(MOST_TABS):
        if _focused(page) == name:
            assert page.evaluate(
                "getComputedStyle(document.activeElement).outlineStyle !== 'none'"
            ), f"the focus on {name} cannot be seen"
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab never came to “{name}”")


def _focused(page: Any) -> str:
    return page.evaluate(
        "(() => { const e = document.activeElement; return e.id || e.getAttribute('aria-label')"
        " || e.textContent.trim().replace(/\\s+/g, ' '); })()"
    )
