"""One browser for the whole run, and an organization with something on every page."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client

from accounts import admins
from accounts.models import Role
from tests.chromium import ARGUMENTS, chromium_path
from tests.pages import world as worlds
from tests.pages.world import PASSWORD, World


@pytest.fixture(autouse=True)
def _passwords_cost_nothing(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def world(db: None) -> World:
    return worlds.make()


@pytest.fixture
def stranger(db: None) -> World:
    """Another organization with the same things in it."""
    return worlds.make("Contoso", "eve@contoso.example")


@pytest.fixture
def admin(world: World) -> Client:
    """A client that the owner has signed in with."""
    client = Client()
    client.force_login(world.owner)
    return client


@pytest.fixture
def reader(world: World) -> Client:
    """A client that an admin with the read-only role has signed in with."""
    client = Client()
    client.force_login(
        admins.create(
            "reader@northwind.example",
            organization=world.organization,
            password=PASSWORD,
            role=Role.Kind.READ_ONLY,
        )
    )
    return client


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    path = chromium_path()
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    # Playwright's loop runs in this thread; the database is used beside it, never inside it.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture
def open_page(
    browser: Any, transactional_db: None, live_server: Any
) -> Iterator[Callable[..., Any]]:
    """Opens a page of the live server, signed in as `admin` if one is given.

    page.trouble collects console errors, exceptions and policy violations.
    """
    contexts = []

    def open_page(*, admin: Any = None, width: int = 1280, **options: Any) -> Any:
        context = browser.new_context(
            base_url=live_server.url, viewport={"width": width, "height": 900}, **options
        )
        contexts.append(context)
        if admin is not None:
            client = Client()
            client.force_login(admin)
            value = client.cookies["sessionid"].value
            context.add_cookies([{"name": "sessionid", "value": value, "url": live_server.url}])
        page = context.new_page()
        page.set_default_timeout(5000)
        page.trouble = []
        page.on("pageerror", lambda error: page.trouble.append(str(error)))
        page.on("console", lambda message: _note(page, message))
        return page

    yield open_page
    for context in contexts:
        context.close()


def _note(page: Any, message: Any) -> None:
    """Chromium tells of refused inline code, failed files and script errors on the console;
    that a page answered 403, 404 or 422 is no trouble when it was meant to."""
    if message.type in ("error", "warning") and "the server responded with a status of" not in (
        message.text
    ):
        page.trouble.append(message.text)
