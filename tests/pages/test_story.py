"""One admin's story through the whole Admin Center, with a large window and with a telephone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from licensing import review
from scim import exchanges
from tests.factories import manage
from tests.pages import world as worlds
from tests.pages.pressing import WIDTHS, follow, press, see
from tests.pages.world import PASSWORD

OKTA = "Okta – Sales Navigator"
SCIM = "/settings/global/scim/"
MANAGE = "Manage licenses (Sales Navigator)"
ADA = "ada@example.com,1,Ada,Lovelace,Engines"
GRACE = "grace@example.com,2,Grace,Hopper,Engines"
ALAN = "alan@example.com,3,Alan,Turing,Engines"
SAM = "sam@example.com,4,Sam,Seaborn,Speeches"
FILE = b"E-mail;First name;Last name\nzoe@example.com;Zoe;Washburne\nno address;Han;Solo\n"


@pytest.mark.browser
@pytest.mark.parametrize(("script", "width"), [*zip((True, False), WIDTHS, strict=True)])
def test_an_admins_story(
    open_page: Callable[..., Any], live_server: Any, tmp_path: Path, script: bool, width: int
) -> None:
    """R1, R3, R6, R8, R10, R12, R15, R18, R22, R23, R25, R27, R28: from the first licenses to the
    first report, by what a person sees and presses: with JavaScript in the large window and without
    it on the telephone, and whatever is pressed in the one could be pressed in the other."""
    owner = worlds.make_empty().owner
    page = open_page(width=width, java_script_enabled=script)
    page.set_default_timeout(3000)
    _sign_in(page, owner.email)
    _buy(page, 2, "a license, ")
    idp = _Okta(live_server.url, _connect(page), tmp_path / "people.csv")

    assert idp.push(ADA, GRACE, ALAN) == {"created": 2, "refused": 1}
    _see_the_refusal(page)
    _buy(page, 4, "Pushes of 1 person were refused before")
    assert idp.push(ADA, GRACE, ALAN) == {"unchanged": 2, "created": 1}
    follow(page, "Licenses", MANAGE)
    assert _people(page) == ["Ada Lovelace", "Grace Hopper", "Alan Turing"]
    see(page, "Waiting list (0)")

    _give_by_hand(page)
    assert idp.push(SAM) == {"updated": 1}
    page.reload()
    see(page, f"{OKTA} replaced this person: the seat is managed by SCIM from now on")
    see(page, f"{OKTA} (Okta) owns these fields")

    _hold(page)
    assert idp.push(f"{ADA},false", f"{GRACE},false") == {"refused": 2}
    _approve(page)
    follow(page, "Licenses", MANAGE)
    assert _people(page) == ["Alan Turing", "Sam Seaborn"]
    press(page.get_by_role("link", name="Recently freed"))
    assert _people(page) == ["Grace Hopper", "Ada Lovelace"]

    idp.secret = _rotate(page)
    assert idp.push(ALAN) == {"unchanged": 1}
    _import(page)
    _compare(page)
    assert page.trouble == []


# ------------------------------------------------------------------ what the identity provider does


class _Okta:
    """scim_push over the wire, one person after the other, so that the order is certain, and each
    department as a group."""

    def __init__(self, url: str, secret: str, file: Path) -> None:
        self.url, self.secret, self.file = f"{url}/scim/v2", secret, file

    def push(self, *people: str) -> dict[str, int]:
        head = "email,employee_number,first_name,last_name,department,active"
        lines = [line if line.count(",") == 5 else f"{line},true" for line in people]
        self.file.write_text("\n".join([head, *lines]) + "\n")
        where = ("--base-url", self.url, "--token", self.secret, "--concurrency", 1)
        ran = manage("scim_push", *where, "--people", self.file, "--groups")
        exchanges.flush()  # a thread does it where the product runs
        return {outcome: n for outcome, n in ran.json["outcomes"].items() if n}


# ------------------------------------------------------------------ what the admin does


def _sign_in(page: Any, email: str) -> None:
    page.goto("/")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    press(page.get_by_role("button", name="Sign in", exact=True))
    page.get_by_role("heading", name="Overview").wait_for()


def _people(page: Any) -> list[str]:
    """Who stands in the table."""
    return page.locator("tbody th .row-link").all_inner_texts()


def _buy(page: Any, number: int, foretold: str) -> None:
    follow(page, "Licenses", MANAGE)
    page.get_by_label("Licenses bought").fill(str(number))
    press(page.get_by_role("button", name="Change the number"))
    see(page, foretold)
    press(page.get_by_role("button", name=f"Change the number to {number}"))
    see(page, f"Sales Navigator now has {number} licenses")
    see(page, f"of {number} in use")


def _connect(page: Any) -> str:
    follow(page, "Settings", "SCIM", "Add new SCIM configuration")
    page.get_by_label("Name").fill(OKTA)
    press(page.get_by_label("Okta", exact=True))
    press(page.get_by_role("button", name="Go on to licenses"))
    press(page.get_by_label("Refuse the push"))
    press(page.get_by_role("button", name="Go on to the token"))
    see(page, "Refuse the push")
    press(page.get_by_role("button", name="Generate token"))
    secret = page.get_by_label("Token", exact=True).input_value()
    press(page.get_by_role("link", name="I have copied it"))
    page.get_by_role("heading", name=OKTA).wait_for()
    assert secret not in page.content()
    return secret


def _see_the_refusal(page: Any) -> None:
    follow(page, "Activity log")
    page.get_by_label("Answer").select_option("refused")
    press(page.get_by_role("button", name="Search"))
    page.wait_for_url("**answer=refused**")
    press(page.get_by_role("main").get_by_role("link", name="alan@example.com"))
    see(page, "Why it was refused")
    see(page, "Buy more or free some")
    follow(page, "Licenses", MANAGE, "Waiting list (1)")
    row = page.get_by_role("row").filter(has_text="alan@example.com").inner_text()
    assert "Alan Turing" in row
    assert "Push refused" in row
    assert "license" in row


def _give_by_hand(page: Any) -> None:
    follow(page, "Users", "Add a person")
    page.get_by_label("E-mail").fill("sam@example.com")
    page.get_by_label("First name").fill("Sam")
    page.get_by_label("Last name").fill("Seaborn")
    press(page.get_by_role("button", name="Add the person"))
    see(page, "Sam Seaborn was added")
    press(page.get_by_role("button", name="Give a license of Sales Navigator"))
    see(page, "given by hand; only an admin can remove it")


def _hold(page: Any) -> None:
    """A brake that catches two people."""
    page.goto(SCIM)
    for name in (OKTA, "Change the safety brake"):
        page.get_by_role("main").get_by_role("link", name=name).first.click()
    page.get_by_label("People").fill("0")
    page.get_by_label("Percent").fill("0")
    press(page.get_by_role("button", name="Set the safety brake"))
    see(page, f"The safety brake of {OKTA} is set.")


def _approve(page: Any) -> None:
    follow(page, "Overview")
    see(page, "Removals are held")
    press(page.get_by_role("link", name="Review 2 removals"))
    assert _people(page) == ["Ada Lovelace", "Grace Hopper"]
    press(page.get_by_role("button", name="Approve all 2"))
    see(page, f"2 removals by {OKTA} are approved")
    review.carry_out()  # the worker's part


def _rotate(page: Any) -> str:
    page.goto(SCIM)
    for name in (OKTA, "Rotate"):
        page.get_by_role("main").get_by_role("link", name=name).first.click()
    press(page.get_by_label("No longer: it ends now"))
    press(page.get_by_role("button", name="Rotate the token"))
    see(page, "The old one has ended.")
    return page.get_by_label("Token", exact=True).input_value()


def _import(page: Any) -> None:
    follow(page, "Users", "Import a CSV file")
    file = {"name": "people.csv", "mimeType": "text/csv", "buffer": FILE}
    page.get_by_label("CSV file").set_input_files(file)
    press(page.get_by_role("button", name="See what would happen"))
    with page.expect_download() as taken:
        press(page.get_by_role("link", name="Download them as CSV"))
    report = Path(taken.value.path()).read_text("utf-8-sig")
    assert "no address" in report
    assert "zoe" not in report
    press(page.get_by_role("button", name="Import 1 person"))
    see(page, "1 added, 0 changed. 1 row was refused")


def _compare(page: Any) -> None:
    follow(page, "Groups", "New group")
    page.get_by_label("Name").fill("SMB")
    press(page.get_by_role("button", name="Make the group"))
    page.get_by_label("E-mail addresses").fill("sam@example.com zoe@example.com")
    press(page.get_by_role("button", name="Add them"))
    see(page, "2 people were added to SMB.")
    follow(page, "Reporting")
    for name in ("SMB Manual", f"Engines {OKTA}"):
        press(page.get_by_role("checkbox", name=name))
    press(page.get_by_role("button", name="Compare"))
    page.wait_for_url("**group=**")
    rows = page.get_by_role("region", name="Usage by group").locator("tbody tr")
    shown = {
        row.locator("th").inner_text().split("\n")[0]: row.locator("td").all_inner_texts()[:2]
        for row in rows.all()
    }
    people_and_licenses = {"SMB": ["2", "1"], "Engines": ["1", "1"]}
    assert shown == people_and_licenses | {"Together, each person once": ["3", "2"]}
