"""An admin connects an identity provider by following its guide, while scim_push plays it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from licensing import pools
from scim import exchanges
from tests.factories import manage
from tests.pages import world as worlds

SCIM = "/settings/global/scim/"


@pytest.mark.browser
def test_entra_is_connected_by_its_guide(open_page: Callable[..., Any], live_server: Any) -> None:
    """R6, R16, R18: from the first page to the test that sees the first request."""
    world = worlds.make_empty()
    pools.set_seats(world.organization, "sales-navigator", 2, by=world.owner)
    page = open_page(admin=world.owner)
    page.goto(SCIM)
    page.get_by_role("main").get_by_role("link", name="Add new SCIM configuration").first.click()
    page.get_by_label("Name").fill("Entra – Sales Navigator")
    page.get_by_label("Microsoft Entra ID").check()
    page.get_by_role("button", name="Go on to licenses").click()
    page.get_by_label("Put the person on the waiting list").check()
    page.get_by_role("button", name="Go on to the token").click()
    page.get_by_role("button", name="Generate token").click()
    secret = page.get_by_label("Token", exact=True).input_value()
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Open the set-up guide").click()
    guide = opened.value
    guide.get_by_role("heading", name="In Microsoft Entra ID").wait_for()
    assert guide.get_by_label("Base URL").input_value().endswith("/scim/v2")
    guide.get_by_role("link", name="Test the connection").click()
    guide.get_by_text("Waiting for the first request").wait_for()

    pushed = _push(live_server.url, secret, "entra")
    exchanges.flush()  # a thread does it where the product runs
    guide.get_by_text("The connection works").wait_for()
    shown = guide.get_by_role("main").inner_text()
    assert "The first request came: “Looked up the person whose userName is" in shown
    assert guide.get_by_role("link", name=re.compile("^Created the person")).count() == 3
    assert pushed["people"] == 3
    assert page.trouble == []


@pytest.mark.parametrize("idp", ["okta", "onelogin"])
def test_the_others_are_connected_the_same_way(
    transactional_db: None, live_server: Any, idp: str
) -> None:
    """R6: by the same pages, with what these two send."""
    world = worlds.make_empty()
    pools.set_seats(world.organization, "sales-navigator", 2, by=world.owner)
    client = Client()
    client.force_login(world.owner)
    client.post(f"{SCIM}new/", {"name": "x", "product": "sales-navigator", "idp": idp})
    client.post(f"{SCIM}new/licenses/", {"eligibility": "everyone", "when_full": "refuse"})
    shown = client.post(f"{SCIM}new/token/", {"days": "30"})
    application = shown.context["application"]
    begun = client.get(f"{SCIM}{application.pk}/test/")["Location"]
    _push(live_server.url, shown.context["issued"].secret, idp)
    exchanges.flush()
    told = client.get(begun).content.decode()
    assert "The connection works" in told
    assert "Another request was refused" in told  # three people, two licenses
    assert "Buy more or free some" in told


def _push(url: str, secret: str, style: str) -> dict[str, Any]:
    options = ("--token", secret, "--generate", "3", "--style", style)
    return manage("scim_push", "--base-url", f"{url}/scim/v2", *options).json
