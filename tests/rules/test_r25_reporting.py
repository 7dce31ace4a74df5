"""R25: any groups compared by seats, activation, use and idle seats, and taken away as CSV."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import Any

import pytest
from django.test import Client

from accounts import admins, clock, groups, people
from accounts.models import Group, Organization
from licensing import counts, idle, roster
from tests.factories import connect, organization, set_seats
from tests.pages.test_pages import text

NOW = dt.datetime(2026, 11, 24, 15, tzinfo=dt.UTC)
PRODUCT = "sales-navigator"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _today():
    with clock.stopped(at=NOW):
        yield


@pytest.fixture
def owner() -> Organization:
    return organization()


@pytest.fixture
def admin(owner: Organization) -> Client:
    client = Client()
    client.force_login(admins.create("lea@example.com", organization=owner, password="x" * 12))
    return client


def _ago(days: float) -> clock.stopped:
    return clock.stopped(at=NOW - dt.timedelta(days=days))


def _group(owner: Organization, name: str, *emails: str) -> Group:
    group = groups.create(owner, name)
    found = [people.find_by_email(owner, email) for email in emails]
    groups.add_people(group, [person for person in found if person])
    return group


def lines_of(answer: Any) -> list[dict[str, str]]:
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    sheet = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(sheet)))


def _small_world(owner: Organization) -> tuple[Group, Group]:
    """Seven people of two groups, one of them in both: three activated, one used lately."""
    with _ago(80):
        set_seats(owner, 5)
        idp = connect(owner, when_full="waitlist", name="Okta")
        ids = [idp.create(f"{name}@example.com", first=name).id for name in "abcdefg"]
    idle.set_rule(owner, PRODUCT, after_days=60)
    for name, ago in (("a", 70), ("b", 40), ("c", 5)):
        with _ago(ago):
            roster.activate(owner, PRODUCT, f"{name}@example.com")
    idp.create_group("EMEA", *ids[:3])
    smb = _group(owner, "SMB", *(f"{name}@example.com" for name in "cdefg"))
    return Group.objects.of(owner).get(name="EMEA"), smb


def test_scim_and_manual_groups_are_compared(owner: Organization, admin: Client) -> None:
    """R25: by seats, activation, use and idle seats."""
    emea, smb = _small_world(owner)
    query = {"group": [emea.pk, smb.pk], "days": "30", "product": PRODUCT}
    lines = {line["Group"]: line for line in lines_of(admin.get("/reporting/csv/", query))}
    assert lines["EMEA (Okta)"] == {
        "Group": "EMEA (Okta)",
        "People": "3",
        "Seats": "3",
        "Provisioned": "0",
        "Activated": "3",
        "Activation rate": "100",
        "Used in the period": "1",
        "Last activity": "2026-11-19",
        "Idle": "1",
        "Waiting": "0",
        "Given in the period": "0",
        "Freed in the period": "0",
        "Cost of idle seats a month": "",
        "Currency": "",
        "From": "2026-10-26",
        "To": "2026-11-24",
    }
    figures = ("People", "Seats", "Activated", "Activation rate", "Idle", "Waiting")
    assert [lines["SMB"][name] for name in figures] == ["5", "3", "1", "33", "2", "2"]
    page = text(admin.get("/reporting/", query))
    assert "SMB: 3 of 5." in page
    assert "EMEA (Okta): 100 %." in page


def test_who_is_in_two_groups_counts_in_both_and_once_together(
    owner: Organization, admin: Client
) -> None:
    """R25: the total says so."""
    emea, smb = _small_world(owner)
    query = {"group": [emea.pk, smb.pk]}
    total = lines_of(admin.get("/reporting/csv/", query))[-1]
    assert (total["Group"], total["People"], total["Seats"]) == (
        "Together, each person once",
        "7",
        "5",
    )
    page = text(admin.get("/reporting/", query))
    assert "1 person is in more than one of these and counted in each" in page


def test_a_period_bounds_what_was_given_freed_and_used(owner: Organization, admin: Client) -> None:
    """R25: over a period."""
    _small_world(owner)
    with _ago(10):
        set_seats(owner, 7)
    for begin, end, given, used in (
        ("2026-11-10", "2026-11-24", "2", "1"),
        ("2026-09-01", "2026-09-10", "5", "0"),
        ("2026-10-15", "2026-10-15", "0", "1"),
    ):
        query = {"everybody": "1", "from": begin, "to": end}
        [line] = lines_of(admin.get("/reporting/csv/", query))
        assert (line["Given in the period"], line["Used in the period"]) == (given, used)
        assert (line["From"], line["To"]) == (begin, end)


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("from=2026-11-20&to=2026-11-10", "The first day comes after the last one."),
        ("from=2026-11-20&to=2027-01-01", "The last day is still to come."),
        ("from=2020-11-20&to=2026-11-10", "A period has at most 1,098 days."),
        ("from=yesterday", "Give both days as year-month-day"),
        ("from=2026-02-31&to=2026-11-10", "Give both days as year-month-day"),
    ],
)
def test_a_period_that_makes_no_sense_is_told(
    owner: Organization, admin: Client, query: str, sentence: str
) -> None:
    answer = admin.get(f"/reporting/?{query}")
    assert answer.status_code == 200
    assert f"{sentence}" in text(answer)
    assert "The last 30 days are shown instead." in text(answer)


@pytest.mark.parametrize(
    "query", ["group=nonsense", "product=toasters", "days=7", "group=%00", "find=%00", "group="]
)
def test_what_makes_no_sense_is_left_out(owner: Organization, admin: Client, query: str) -> None:
    assert admin.get(f"/reporting/?{query}").status_code == 200


def test_the_choice_stands_in_the_address(owner: Organization, admin: Client) -> None:
    """R25: so that a report can be kept and handed on."""
    _, smb = _small_world(owner)
    page = admin.get("/reporting/", {"group": smb.pk, "days": "90", "departments": "1"})
    assert f'value="{smb.pk}" checked' in page.content.decode()
    assert 'name="departments" value="1" checked' in page.content.decode()
    assert '<option value="90" selected>' in page.content.decode()
    assert f"/reporting/csv/?group={smb.pk}&amp;days=90&amp;departments=1" in page.content.decode()


def test_another_organizations_groups_are_not_there(owner: Organization, admin: Client) -> None:
    other = organization()
    _, smb = _small_world(other)
    assert lines_of(admin.get("/reporting/csv/", {"group": smb.pk})) == []
    page = admin.get("/reporting/", {"group": smb.pk})
    assert "Nobody is in what you chose" in text(page)
    assert str(smb.pk) not in page.content.decode().replace(f"group={smb.pk}", "")


def test_seats_over_time_are_shown_and_taken_away(owner: Organization, admin: Client) -> None:
    """R25: one product's seats over a period, day by day as CSV."""
    _small_world(owner)
    counts.count_all()
    page = text(admin.get(f"/licenses/{PRODUCT}/over-time/?days=90"))
    assert "Bought: always 5. Held: always 5. Activated: 0 at first, 3 at last" in page
    lines = lines_of(admin.get(f"/licenses/{PRODUCT}/over-time/csv/?days=90"))
    assert lines[-1] == {
        "Day": "2026-11-24",
        "Bought": "5",
        "Held": "5",
        "Activated": "3",
        "Waiting": "2",
        "Idle": "3",
    }
    assert lines[0]["Day"] == "2026-09-05"
    assert lines[0]["Waiting"] == ""
