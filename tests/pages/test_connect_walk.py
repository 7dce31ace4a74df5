"""An admin connects an identity provider by following its guide, while scim_push plays it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from licensing import pools
from scim import exchanges
from tests.factories import manage
from tests.pages import world as worlds
from tests.pages.pressing import WIDTHS, follow, press, see

LARGE, TELEPHONE = WIDTHS


@dataclasses.dataclass(frozen=True)
class Guide:
    """What an identity provider's guide tells: its steps, the fields of the address and of the
    token, the attribute that is mapped to the employee number, and what is pressed at last."""

    label: str
    steps: tuple[str, ...]
    address: str
    token: str
    number: str
    test: str
    when_full: str = "Refuse the push"


GUIDES = {
    "entra": Guide(
        "Microsoft Entra ID",
        (
            "Create the application",
            "Connect it",
            "Check the attributes",
            "Choose people and groups",
            "Try one person",
            "Start",
            "Test the connection",
        ),
        address="Tenant URL",
        token="Secret token",
        number="employeeId",
        test="Test connection",
        when_full="Put the person on the waiting list",
    ),
    "okta": Guide(
        "Okta",
        (
            "Add the application",
            "Connect it",
            "Say what may be pushed",
            "Check the attributes",
            "Assign people",
            "Push groups",
            "Test the connection",
        ),
        address="SCIM 2.0 Base Url",
        token="OAuth Bearer Token",
        number="employeeNumber",
        test="Test API Credentials",
    ),
    "onelogin": Guide(
        "OneLogin",
        (
            "Add the application",
            "Connect it",
            "Switch provisioning on",
            "Check the attributes",
            "Push groups",
            "Give access",
            "Test the connection",
        ),
        address="SCIM Base URL",
        token="SCIM Bearer Token",
        number="Employee number",
        test="API Status",
    ),
}


@pytest.mark.browser
@pytest.mark.parametrize(
    ("idp", "script", "width"),
    [("entra", True, LARGE), ("onelogin", True, LARGE), ("okta", False, TELEPHONE)],
)
def test_it_is_connected_by_its_guide(
    open_page: Callable[..., Any],
    live_server: Any,
    settings: Any,
    idp: str,
    script: bool,
    width: int,
) -> None:
    """R6, R7, R16, R18: from the first page to the test that sees the first request."""
    settings.PUBLIC_URL = live_server.url
    world, guide = worlds.make_empty(), GUIDES[idp]
    pools.set_seats(world.organization, "sales-navigator", 2, by=world.owner)
    clipboard = ["clipboard-read", "clipboard-write"] if script else []
    page = open_page(
        admin=world.owner, width=width, java_script_enabled=script, permissions=clipboard
    )
    _configure(page, guide)
    secret = _value(page, "Token", script=script)
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Open the set-up guide").click()
    beside = opened.value
    address = _read(beside, guide, script=script)
    assert address == f"{live_server.url}/scim/v2"

    press(beside.get_by_role("link", name="Test the connection"))
    see(beside, "Waiting for the first request")
    assert guide.test in beside.locator(".page-head p").inner_text()
    options = ("--token", secret, "--generate", "3", "--concurrency", "1", "--style", idp)
    assert manage("scim_push", "--base-url", address, *options).json["people"] == 3
    exchanges.flush()  # a thread does it where the product runs
    if not script:
        press(beside.get_by_role("link", name="Look now"))
    see(beside, "The connection works")
    see(beside, "The first request came: “Looked up the person whose userName is")
    refused = beside.get_by_text("Another request was refused").is_visible()
    assert refused is (guide.when_full == "Refuse the push")  # three people, two licenses
    created = 2 if refused else 3
    deeds = beside.locator(".rows .row-link").all_inner_texts()
    assert sum(deed.startswith("Created the person ") for deed in deeds) == created

    follow(beside, "Settings", "SCIM", f"{guide.label} – Sales Navigator")
    for name in ("userName", "title", "department", "employeeNumber"):
        assert "Nothing came" not in _row(beside, name).inner_text()
    assert page.trouble == []


# ------------------------------------------------------------------ what the admin does


def _configure(page: Any, guide: Guide) -> None:
    """The three steps of Add new SCIM configuration, up to the token."""
    page.goto("/")
    follow(page, "Settings", "SCIM", "Add new SCIM configuration")
    page.get_by_label("Name").fill(f"{guide.label} – Sales Navigator")
    press(page.get_by_label(guide.label, exact=True))
    press(page.get_by_role("button", name="Go on to licenses"))
    press(page.get_by_label(guide.when_full))
    press(page.get_by_role("button", name="Go on to the token"))
    press(page.get_by_role("button", name="Generate token"))


def _read(page: Any, guide: Guide, *, script: bool) -> str:
    """The steps one after the other, the names of the fields, the mapping; returns the address."""
    page.get_by_role("heading", name=f"In {guide.label}").wait_for()
    steps = page.locator(".steps")
    assert tuple(steps.get_by_role("heading").all_inner_texts()) == guide.steps
    address = _value(page, "Base URL", script=script)
    fields = {
        field.locator("b").first.inner_text(): field.inner_text().rpartition(": ")[2]
        for field in steps.locator("li li").all()
    }
    assert fields[guide.address] == address
    assert fields[guide.token].startswith("the token of this application")
    assert _row(page, "employeeNumber").locator("td").first.inner_text().startswith(guide.number)
    return address


def _row(page: Any, attribute: str) -> Any:
    """The line of the attribute mapping."""
    named = page.get_by_role("rowheader", name=attribute)
    return page.get_by_role("region", name="Attribute mapping").get_by_role("row").filter(has=named)


def _value(page: Any, label: str, *, script: bool) -> str:
    """By its copy button, or read off the page where there is no JavaScript."""
    shown = page.get_by_label(label, exact=True).input_value()
    button = page.get_by_role("button", name=f"Copy {label}")
    assert button.is_visible() is script
    if not script:
        return shown
    press(button)
    page.get_by_role("status").get_by_text("Copied").wait_for(state="attached")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == shown
    return copied
