"""Passkeys in a real browser, with an authenticator that Chromium plays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts import sign_in_rules
from accounts.models import AdminSession, AuditEntry, Passkey
from accounts.passkeys import Site
from tests.pages import world as worlds
from tests.pages.test_security import app_of, signed_in, text
from tests.pages.world import PASSWORD, Empty


@pytest.fixture
def day(db: None) -> Empty:
    return worlds.make_empty()


@pytest.mark.browser
def test_a_passkey_is_added_signs_in_alone_and_as_second_step_and_is_removed(
    open_page: Callable[..., Any],
) -> None:
    lea = worlds.make_empty().owner
    page = open_page()
    device = page.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    made = device.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
            }
        },
    )
    page.goto("/account/security/")
    page.get_by_label("E-mail").fill(lea.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Name").fill("Laptop of Lea")
    page.get_by_label("Your password").fill("wrong")
    page.get_by_role("button", name="Add the passkey").click()
    page.get_by_text("This is not your password.").wait_for()
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Add the passkey").click()
    page.get_by_text("The passkey “Laptop of Lea” is ready to sign in with.").wait_for()
    passkey = Passkey.objects.get()
    assert passkey.transports == ["internal"]
    assert passkey.used_at is None

    _sign_out(page)
    page.goto("/users/?q=ada")
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url("**/users/?q=ada")
    passkey.refresh_from_db()
    assert passkey.used_at is not None
    assert AdminSession.objects.latest("id").by == "passkey"

    app_of(lea)
    _sign_out(page)
    page.get_by_label("E-mail").fill(lea.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="One more step").wait_for()
    device.send(
        "WebAuthn.setUserVerified",
        {"authenticatorId": made["authenticatorId"], "isUserVerified": False},
    )
    page.get_by_role("button", name="Use a passkey").click()
    page.get_by_text("The device was not asked, or said no.").wait_for()
    device.send(
        "WebAuthn.setUserVerified",
        {"authenticatorId": made["authenticatorId"], "isUserVerified": True},
    )
    page.get_by_role("button", name="Use a passkey").click()
    page.get_by_role("heading", name="Overview").wait_for()

    page.goto("/account/security/")
    page.get_by_role("link", name="Remove Laptop of Lea").click()
    page.get_by_role("button", name="Remove the passkey").click()
    page.get_by_text("Nobody can sign in with “Laptop of Lea” any more.").wait_for()
    _sign_out(page)
    page.get_by_role("button", name="Use a passkey").click()
    page.get_by_text("This passkey could not be checked.").wait_for()
    assert page.trouble == []
    lines = AuditEntry.objects.filter(admin=lea).order_by("id").values_list("deed", "after")
    told = [(deed, after) for deed, after in lines if deed.startswith(("passkey", "signed_in"))]
    assert told == [
        ("signed_in", {"with": "password"}),
        ("passkey_added", {"name": "Laptop of Lea"}),
        ("signed_in", {"with": "passkey"}),
        ("signed_in", {"with": "password"}),
        ("passkey_removed", None),
    ]
    [second] = AuditEntry.objects.filter(deed="second_step_done")
    assert second.after == {"with": "passkey"}


def test_without_javascript_the_page_says_so(day: Empty) -> None:
    client = signed_in(day.owner)
    page = text(client.get("/account/security/passkeys/add/", headers={"host": "localhost"}))
    assert "<noscript>" in page
    assert "Passkeys need JavaScript" in page


def test_an_address_of_numbers_has_no_passkeys_and_says_so(day: Empty) -> None:
    client = signed_in(day.owner)
    page = text(client.get("/account/security/passkeys/add/", headers={"host": "127.0.0.1:8000"}))
    assert "Passkeys do not work at this address" in page
    assert "You are at http://127.0.0.1:8000." in page


@pytest.mark.parametrize(
    ("scheme", "host", "name", "works"),
    [
        ("https", "seatkeeper.example", "seatkeeper.example", True),
        ("https", "seatkeeper.example:8443", "seatkeeper.example", True),
        ("http", "seatkeeper.example", "seatkeeper.example", False),
        ("http", "localhost:8000", "localhost", True),
        ("http", "127.0.0.1:8000", "127.0.0.1", False),
        ("https", "[::1]:8000", "[::1]", False),
        ("https", "[::1]", "[::1]", False),
    ],
)
def test_where_passkeys_work(scheme: str, host: str, name: str, works: bool) -> None:
    site = Site(scheme, host)
    assert (site.name, site.can_have_passkeys) == (name, works)


def test_an_answer_without_a_question_or_from_elsewhere_is_refused(day: Empty) -> None:
    """The challenge is good once, for what it was asked for, and answers are not trusted."""
    client = Client()
    answers = ("", "[]", "{}", '{"rawId": "eA", "response": {}}', "x" * 30_000)
    for answer in answers:
        page = client.post("/passkey/sign-in/", {"answer": answer}, follow=True)
        assert "That took too long" in text(page)
    for answer in answers:
        assert client.post("/passkey/options/").json()["userVerification"] == "required"
        page = client.post("/passkey/sign-in/", {"answer": answer}, follow=True)
        assert "could not be checked" in text(page)
        page = client.post("/passkey/sign-in/", {"answer": answer}, follow=True)
        assert "That took too long" in text(page)
    assert client.get("/").status_code == 302


def test_a_passkey_is_added_by_the_password_alone(day: Empty) -> None:
    """A lent browser adds none: the question for the device is answered after the password."""
    client = signed_in(day.owner)
    address = "/account/security/passkeys/options/"
    refused = client.post(address, {"name": "x", "password": "wrong"})
    assert refused.status_code == 422
    assert refused.json() == {"detail": "This is not your password."}
    client.post("/account/security/passkeys/add/", {"name": "x", "answer": "{}"})
    asked = client.post(address, {"name": "x", "password": PASSWORD}).json()
    assert asked["authenticatorSelection"]["residentKey"] == "required"
    assert day.owner.email not in asked["user"]["id"]
    assert not Passkey.objects.exists()


def test_a_passkey_is_enough_where_a_second_step_is_required(day: Empty) -> None:
    """It asks for finger, face or PIN: something one has, and something one is or knows."""
    sign_in_rules.require_two_step(day.organization, True)
    client = signed_in(day.owner)
    page = client.get("/account/security/two-step/")
    assert "add a passkey" in text(page)
    assert client.get("/account/security/passkeys/add/").status_code == 200


def _sign_out(page: Any) -> None:
    page.get_by_role("button", name="Your account").click()
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.get_by_role("heading", name="Sign in").wait_for()
