"""Each page, in both schemes and at three widths: accessible, quiet, within the window."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.urls import reverse

from accounts import invitations, outbox, passwords, single_sign_on
from accounts.models import Admin, AdminInvitation
from licensing import activation, review
from licensing.models import Seat
from tests.pages import addresses, keyboard, pictures
from tests.pages import world as worlds
from tests.pages.test_security import app_of, code
from tests.pages.world import PASSWORD

pytestmark = pytest.mark.browser
WIDTHS = (1280, 768, 320)
#: Contrast, all that the dark scheme can change, is asked where the layout is another one.
WIDTHS_IN_DARK = (1280, 320)
#: All pages together would be the longest test of all: processes of tests share the parts.
PARTS = 3
TAGS = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]
SCREENSHOTS = Path(__file__).resolve().parents[2] / "docs" / "screenshots"


@pytest.mark.parametrize("part", range(PARTS))
def test_every_page_is_accessible_quiet_and_fits_the_window(
    open_page: Callable[..., Any], part: int
) -> None:
    world = worlds.make()
    page = open_page(admin=world.owner)
    trouble = {}
    for name, address in list(addresses.every(world).items())[part::PARTS]:
        response = page.goto(address)
        assert response.status == 200, name
        trouble |= keyboard.check(page, name)
        trouble |= _trouble(page, name)
    _expect_none(trouble)


def test_pages_that_answer_something_else_are_as_good(open_page: Callable[..., Any]) -> None:
    """Missing, refused, invalid, shown once, signed out, and the page of an invitation."""
    world = worlds.make()
    page = open_page(admin=world.owner)
    trouble = {}
    assert page.goto("/users/999999/").status == 404
    trouble |= _trouble(page, "missing")
    page.goto(reverse("scim_settings:new"))
    button = page.get_by_role("button", name="Go on to licenses")
    button.evaluate("b => b.form.noValidate = true")
    button.click()
    page.get_by_text("Nothing was changed.").wait_for()
    trouble |= _trouble(page, "invalid form")
    page.get_by_label("Name").fill("Contractors")
    button.click()
    page.get_by_label("To members of chosen groups").check()
    page.get_by_role("textbox", name="Chosen groups").fill("SMB\nContractors")
    page.get_by_text("Names that are taken").wait_for()
    trouble |= _trouble(page, "second step")
    page.get_by_role("button", name="Go on to the token").click()
    page.get_by_text("These groups will be refused").wait_for()
    trouble |= _trouble(page, "third step")
    page.goto(reverse("scim_settings:simulate", args=[world.application.pk]))
    page.get_by_label("User name").fill("ada.lovelace@example.com")
    page.get_by_role("textbox", name="And into these groups").fill("SMB")
    page.get_by_role("button", name="Simulate").click()
    page.get_by_text("They would have a license").wait_for()
    trouble |= _trouble(page, "a push was simulated")
    page.goto(reverse("scim_settings:setup_link", args=[world.application.pk]))
    page.get_by_label("For whom").fill("Sol")
    page.get_by_role("button", name="Make the link").click()
    setup = page.get_by_label("Setup link").input_value()
    trouble |= _trouble(page, "setup link shown once")
    page.goto(reverse("scim_settings:application", args=[world.application.pk]))
    page.get_by_role("link", name="Revoke Okta sandbox").click()
    trouble |= _trouble(page, "dialog")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Generate token").click()
    page.get_by_text("Copy it now.").wait_for()
    trouble |= _trouble(page, "token shown once")
    page.goto(reverse("scim_settings:rules", args=[world.application.pk]))
    page.get_by_label("To members of chosen groups").check()
    page.get_by_role("textbox", name="Chosen groups").fill("Account executives\nPartners")
    page.get_by_role("button", name="See what would change").click()
    page.get_by_role("heading", name="Lose their license").wait_for()
    trouble |= _trouble(page, "new rules, asked")
    page.goto("/licenses/sales-navigator/")
    page.get_by_label("Licenses bought").fill("3")
    page.get_by_role("button", name="Change the number").click()
    page.get_by_text("will be over-assigned by 6").wait_for()
    trouble |= _trouble(page, "number of licenses, asked")
    page.goto("/users/?q=nobody+at+all")
    trouble |= _trouble(page, "nobody found")
    page.get_by_role("button", name="Your account").click()
    trouble |= _trouble(page, "account menu")
    with outbox.claimed() as line:
        outbox.failed(line, "SMTPRecipientsRefused: {'ada@example.com': (550, b'user unknown')}")
    page.goto("/")
    page.get_by_text("E-mail that could not be sent").wait_for()
    trouble |= _trouble(page, "e-mail that could not be sent")
    product = "sales-navigator"
    page.goto(reverse("licensing:reclaim", args=[product]) + "?person=all")
    page.get_by_role("button", name="Reclaim 1 license").click()
    page.get_by_text("1 license was reclaimed.").wait_for()
    page.goto(reverse("licensing:reclaimed", args=[product]))
    trouble |= _trouble(page, "reclaimed")
    page.get_by_role("link", name="Zoë Washburne").click()
    page.get_by_text("an admin can give it back").wait_for()
    trouble |= _trouble(page, "a person whose license was reclaimed")
    page.get_by_role("button", name="Give the license back").click()
    page.get_by_text("and is invited to activate it").wait_for()

    page = open_page()
    page.goto(reverse("scim_settings:setup", args=[setup.split("/")[-2]]))
    trouble |= _trouble(page, "setup without a login")
    page.get_by_role("button", name="Generate token").click()
    page.get_by_text("Copy it now.").wait_for()
    trouble |= _trouble(page, "token shown to a contact")
    page.goto(reverse("accounts:sign_in"))
    trouble |= _trouble(page, "sign in")
    page.get_by_label("E-mail").fill("nobody@northwind.example")
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("alert").wait_for()
    trouble |= _trouble(page, "sign in refused")
    seat = Seat.objects.of(world.organization).filter(state="provisioned").first()
    page.goto(reverse("licensing:activate", args=[activation.link(seat).split("/")[-2]]))
    trouble |= _trouble(page, "invitation")
    with pytest.MonkeyPatch.context() as earlier:
        long_ago = time.time() - 30 * 86400
        earlier.setattr("django.core.signing.time.time", lambda: long_ago)
        old = reverse("licensing:activate", args=[activation.link(seat).split("/")[-2]])
    page.goto(old)
    trouble |= _trouble(page, "invitation that has expired")
    page.get_by_role("button", name="Send me a new link").click()
    page.get_by_text("Look into your mailbox").wait_for()
    trouble |= _trouble(page, "a new link was asked for")
    _expect_none(trouble)


def test_a_second_step_is_as_good(open_page: Callable[..., Any]) -> None:
    """Asked for, refused, on; recovery codes shown once; single sign-on's own pages."""
    world = worlds.make()
    key = app_of(world.owner)
    page = open_page()
    trouble = {}
    page.goto("/account/security/")
    page.get_by_label("E-mail").fill(world.owner.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("Code").fill("1")
    page.get_by_role("button", name="Go on").click()
    page.get_by_text("This code is not right.").wait_for()
    trouble |= _trouble(page, "second step refused", widths=(320,))
    page.get_by_label("Code").fill(code(key))
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("heading", name="Security").wait_for()
    trouble |= _trouble(page, "security with a second step", widths=(320,))
    page.get_by_role("link", name="New recovery codes").click()
    page.get_by_label("Your password").fill(PASSWORD)
    trouble |= _trouble(page, "password asked", widths=(320,))
    page.get_by_role("button", name="Make new codes").click()
    page.get_by_text("Keep them now.").wait_for()
    trouble |= _trouble(page, "recovery codes", widths=(320,))
    single_sign_on.set_mode(world.organization, "on")
    page.goto(f"/sign-in/{world.organization.slug}")
    trouble |= _trouble(page, "single sign-on offered", widths=(320,))
    page.goto("/sso/?email=nobody@nowhere.example")
    trouble |= _trouble(page, "single sign-on not found", widths=(320,))
    _expect_none(trouble)


def test_held_removals_are_as_good(open_page: Callable[..., Any]) -> None:
    """The list with something in it, each of its parts, and the overview that leads there."""
    world = worlds.make()
    first, *_ = worlds.hold_removals(world)
    review.decide(first, "dismiss", by=world.owner)
    page = open_page(admin=world.owner)
    trouble = {}
    for address in ("/", "/licenses/held/", "/licenses/held/?state=dismissed"):
        assert page.goto(address).status == 200
        trouble |= _trouble(page, address)
    _expect_none(trouble)


def test_becoming_an_admin_and_a_new_password_are_as_good(open_page: Callable[..., Any]) -> None:
    """The pages behind links of e-mails, from the invitation to the first sign-in."""
    world = worlds.make()
    page = open_page(admin=world.owner)
    page.goto(reverse("accounts:admins"))
    page.get_by_role("link", name="Remove a-colleague").click()
    trouble = _trouble(page, "remove an admin, asked")
    page.keyboard.press("Escape")
    page.get_by_label("E-mail").fill("max@northwind.example")
    page.get_by_role("button", name="Send the invitation").click()
    page.get_by_text("An invitation goes to max@northwind.example").wait_for()
    invited = AdminInvitation.objects.get(email="max@northwind.example")

    page = open_page()
    page.goto(invitations.link(invited).removeprefix(settings.PUBLIC_URL))
    page.get_by_label("New password").fill("too short")
    page.get_by_role("button", name="Accept the invitation").click()
    page.get_by_text("Nothing was changed.").wait_for()
    trouble |= _trouble(page, "invitation of an admin, a weak password")
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_role("button", name="Accept the invitation").click()
    page.get_by_role("link", name="Forgotten your password?").click()
    trouble |= _trouble(page, "forgotten password")
    page.get_by_label("E-mail").fill("max@northwind.example")
    page.get_by_role("button", name="Send the link").click()
    page.get_by_text("If an admin has that address").wait_for()
    trouble |= _trouble(page, "link for a password asked for")
    letter = passwords.message({"admin": Admin.objects.get(email="max@northwind.example").pk})
    link = re.search(r"https?://[^/]+(/\S+)", letter.text)[1]
    page.goto(link)
    trouble |= _trouble(page, "new password")
    page.get_by_label("New password").fill(f"another {PASSWORD}")
    page.get_by_role("button", name="Set the password").click()
    page.get_by_label("E-mail").fill("max@northwind.example")
    page.get_by_label("Password").fill(f"another {PASSWORD}")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Overview").wait_for()
    page.goto(link)
    trouble |= _trouble(page, "link that was used")
    _expect_none(trouble)


def test_an_empty_organization_has_a_next_step_on_every_page(open_page: Callable[..., Any]) -> None:
    world = worlds.make_empty()
    page = open_page(admin=world.owner)
    trouble = {}
    for name, address in addresses.of_everybody().items():
        response = page.goto(address)
        assert response.status == 200, name
        trouble |= _trouble(page, name, widths=(320,), schemes=("light",))
    _expect_none(trouble)


def test_the_check_itself_sees_what_is_wrong(open_page: Callable[..., Any]) -> None:
    world = worlds.make_empty()
    page = open_page(admin=world.owner)
    page.goto("/help/")
    page.evaluate(
        "document.querySelector('main').insertAdjacentHTML('beforeend', "
        '\'<input style="width: 900px"><div style="color: red">x</div>\')'
    )
    page.evaluate("document.querySelector('main > input').setAttribute('width', '900')")
    found = json.dumps(_trouble(page, "help", widths=(320,), schemes=("light",)))
    assert "label" in found
    assert "Content Security Policy" in found


@pytest.mark.skipif(os.environ.get("SCREENSHOTS") != "1", reason="set SCREENSHOTS=1 to write them")
def test_screenshots(open_page: Callable[..., Any]) -> None:
    pictures.write(open_page, SCREENSHOTS)


# ------------------------------------------------------------------ inside


def _trouble(
    page: Any,
    name: str,
    *,
    widths: tuple[int, ...] = WIDTHS,
    schemes: tuple[str, ...] = ("light", "dark"),
) -> dict[str, Any]:
    """What is wrong with the page as it stands, by where it was seen; {} when nothing is.

    The window is resized and the scheme switched without loading the page again.
    """
    found: dict[str, Any] = {}
    page.evaluate(_axe())
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme)
        for width in widths:
            page.set_viewport_size({"width": width, "height": 900})
            where = f"{name}, {scheme}, {width} px"
            if scheme != schemes[0] and width not in WIDTHS_IN_DARK:
                continue
            violations = page.evaluate(
                "(options) => axe.run(options).then(r => r.violations.map("
                "v => [v.id, v.help, v.nodes.map(n => n.html.slice(0, 160)).slice(0, 3)]))",
                {
                    "resultTypes": ["violations"],
                    "runOnly": {"type": "tag", "values": TAGS}
                    if scheme == schemes[0]
                    else {"type": "rule", "values": ["color-contrast"]},
                },
            )
            if violations:
                found[f"{where}: axe"] = violations
            over = page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            if over > 0:
                found[f"{where}: scrolls sideways"] = over
    if page.trouble:
        found[f"{name}: console"] = list(page.trouble)
        page.trouble.clear()
    page.set_viewport_size({"width": 1280, "height": 900})
    page.emulate_media(color_scheme="light")
    return found


def _expect_none(trouble: dict[str, Any]) -> None:
    if trouble:
        pytest.fail(json.dumps(trouble, indent=1, ensure_ascii=False), pytrace=False)


def _axe() -> str:
    package = pytest.importorskip("axe_playwright_python", reason="axe is not installed")
    return (Path(package.__file__).parent / "axe.min.js").read_text()
