"""Single sign-on in a real browser: to another site and back, under the policy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from accounts import single_sign_on
from tests import identity_provider
from tests.identity_provider import CLIENT_ID, CLIENT_SECRET
from tests.pages import world as worlds
from tests.pages.world import PASSWORD

pytestmark = pytest.mark.browser


def test_it_is_set_up_tested_turned_on_and_used(
    open_page: Callable[..., Any], live_server: Any, settings: Any
) -> None:
    """R5: by an owner, without JavaScript too; the provider is at another site."""
    settings.SSO_PRIVATE_ADDRESSES = True
    settings.PUBLIC_URL = live_server.url
    world = worlds.make_empty()
    page = open_page(java_script_enabled=False)
    with identity_provider.running() as provider:
        provider.says = {"email": world.owner.email}
        page.goto("/settings/global/sign-in/sso/")
        page.get_by_label("E-mail").fill(world.owner.email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_label("Issuer").fill(provider.issuer)
        page.get_by_label("Client ID").fill(CLIENT_ID)
        page.get_by_label("Client secret").fill(CLIENT_SECRET)
        page.get_by_label("E-mail domains").fill("day.example")
        page.get_by_role("button", name="Keep these settings").click()
        page.get_by_text("Test the sign-in now.").wait_for()
        page.get_by_role("link", name="Test the sign-in").click()
        page.get_by_text("The sign-in works: first@day.example would come in.").wait_for()
        page.get_by_label("Required").check()
        page.get_by_role("button", name="Save").click()
        page.get_by_text("Single sign-on is required.").wait_for()
        assert single_sign_on.of(world.organization).mode == "required"

        page.context.clear_cookies()
        page.goto("/groups/")
        page.get_by_role("link", name="Sign in with single sign-on").click()
        page.get_by_label("E-mail").fill("somebody@day.example")
        page.get_by_role("button", name="Go on").click()
        page.get_by_role("link", name="Sign in with single sign-on").click()
        page.get_by_role("heading", name="Groups", exact=True).wait_for()
        assert page.trouble == []
