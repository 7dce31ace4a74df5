"""R10: people are imported from a CSV file, with a preview and nothing half done."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts import admins, clock, people_files
from accounts.models import Link, Organization, PeopleFile, Person
from accounts.tasks import prune
from tests.factories import connect, dump, grant, set_seats
from tests.pages.test_pages import text

pytestmark = pytest.mark.django_db

ADA, GRACE, HEDY = "ada@acme.example", "grace@acme.example", "hedy@acme.example"
UPLOAD = ("accounts_peoplefile", "accounts_peoplerow", "scim_exchange")
HEADER = "First Name,Last Name,Email address,Job title\n"


def upload(admin: Client, content: str | bytes, name: str = "people.csv") -> Any:
    raw = content.encode() if isinstance(content, str) else content
    return admin.post(reverse("licensing:import"), {"file": SimpleUploadedFile(name, raw)})


def look(admin: Client, content: str | bytes) -> Any:
    answer = upload(admin, content)
    assert answer.status_code == 302, text(answer)
    return admin.get(answer["Location"])


def numbers(answer: Any) -> dict[str, int]:
    return {each["deed"]: each["total"] for each in answer.context["lists"] if each["total"]}


def confirm(admin: Client, looked: Any) -> Any:
    form = {"confirmed": looked.context["found"].digest}
    return admin.post(looked.request["PATH_INFO"], form, follow=True)


def reasons(looked: Any) -> dict[int, str]:
    found = looked.context["found"]
    return {verdict.wanted.number: verdict.because for verdict in found.of("refuse")}


def people() -> set[tuple[str, str, str]]:
    found = Person.objects.filter(removed_at=None)
    return set(found.values_list("email", "first_name", "title"))


@pytest.fixture
def mixed(owner: Organization, admin: Client) -> str:
    """A file with a row of each kind; Grace is by hand already, Hedy is Okta's."""
    upload_and_confirm = look(admin, HEADER + f"Grace,Hopper,{GRACE},Admiral\n")
    confirm(admin, upload_and_confirm)
    connect(owner, seats=1, name="Okta").create(HEDY, first="Hedy", last="Lamarr")
    return (
        HEADER
        + f"Ada,Lovelace,{ADA},Analyst\n"
        + f"Grace,Hopper,{GRACE.upper()},Rear admiral\n"
        + f"Hedy,Lamarr,{HEDY},\n"
        + f"Hedwig,Kiesler,{HEDY.replace('h', 'H', 1)},\n"
        + "No,Address,,\n"
        + f"Ada,Again,{ADA},\n"
        + "Too,Many,x@acme.example,a,b,c\n"
    )


def test_a_preview_says_row_by_row_what_would_happen_and_changes_nothing(owner, admin, mixed):
    """R10: added, changed, unchanged, refused with the reason of each row."""
    before = dump(without=UPLOAD)
    looked = look(admin, mixed)
    assert numbers(looked) == {"add": 1, "change": 1, "keep": 1, "refuse": 4}
    assert reasons(looked) == {
        5: "The same address stands in line 4 already.",
        6: "The e-mail address is missing.",
        7: "The same address stands in line 2 already.",
        8: "The row has 2 more cells than the header names columns.",
    }
    page = text(looked)
    assert "Admiral</del>" in page
    assert "Rear admiral</ins>" in page
    assert dump(without=UPLOAD) == before


def test_confirming_does_what_was_shown_and_repeating_it_nothing(owner, admin, mixed):
    """R10, R26: refused rows are left out and told again."""
    idp = connect(owner)
    looked = look(admin, mixed)
    answer = confirm(admin, looked)
    assert "1 added, 1 changed. 4 rows were refused" in text(answer)
    assert (ADA, "Ada", "Analyst") in people()
    assert (GRACE.upper(), "Grace", "Rear admiral") in people()
    assert idp.user_names() == sorted([ADA, GRACE.upper()])
    assert numbers(answer) == {"keep": 3, "refuse": 4}
    before = dump()
    assert confirm(admin, answer).status_code == 200
    assert dump() == before


def test_whom_an_application_manages_stays_as_it_says(owner, admin):
    """R8: the row is refused by the application's name and the fields that differ."""
    connect(owner, seats=1, name="Okta").create(ADA)
    looked = look(admin, HEADER + f"Augusta,Lovelace,{ADA},Countess\n")
    assert reasons(looked) == {2: "Okta manages this person. Change it there: First name, Title."}


def test_what_changed_since_the_preview_is_shown_anew_and_nothing_is_imported(owner, admin):
    """R10, R26: whole or nothing."""
    looked = look(admin, HEADER + f"Ada,Lovelace,{ADA},\nGrace,Hopper,{GRACE},\n")
    set_seats(owner, 1)
    grant(owner, GRACE, first_name="G")
    before = dump()
    answer = confirm(admin, looked)
    assert answer.status_code == 409
    assert numbers(answer) == {"add": 1, "change": 1}
    assert "Nothing was imported yet." in text(answer)
    assert dump() == before
    confirm(admin, answer)
    assert people() == {(ADA, "Ada", ""), (GRACE, "Grace", "")}


def test_refused_rows_are_downloaded_mended_and_fed_again(owner, admin):
    """R10: with the reason in a column; formulas are defused, and come back as they were."""
    looked = look(admin, HEADER + f'=1+1,"O\'Neill, X",ada,-Boss\nGrace,Hopper,{GRACE},\n')
    answer = admin.get(looked.request["PATH_INFO"] + "refused.csv")
    assert answer["Content-Disposition"] == 'attachment; filename="refused.csv"'
    report = b"".join(answer.streaming_content).decode()
    rows = list(csv.reader(io.StringIO(report.lstrip("\ufeff"))))
    assert rows == [
        ["Line", "First name", "Last name", "E-mail", "Title", "Reason"],
        ["2", "'=1+1", "O'Neill, X", "ada", "'-Boss", "“ada” is not an e-mail address."],
    ]
    mended = look(admin, report.replace(",ada,", f",{ADA},"))
    assert numbers(mended) == {"add": 1}
    assert mended.context["found"].unused == []
    confirm(admin, mended)
    assert people() == {(ADA, "=1+1", "-Boss")}


def test_a_column_that_is_missing_changes_nothing_and_an_empty_cell_empties(owner, admin):
    confirm(admin, look(admin, HEADER + f"Ada,Lovelace,{ADA},Analyst\n"))
    confirm(admin, look(admin, f"E-mail;Department\n{ADA};Engines\n"))
    assert people() == {(ADA, "Ada", "Analyst")}
    confirm(admin, look(admin, f"E-mail\tTitle\n{ADA}\t\n".encode("utf-16")))
    assert people() == {(ADA, "Ada", "")}
    assert Person.objects.get().department == "Engines"


def test_somebody_who_was_removed_comes_back_with_their_history(owner, admin):
    """R13: the same person."""
    confirm(admin, look(admin, HEADER + f"Ada,Lovelace,{ADA},\n"))
    id = Person.objects.get().pk
    admin.post(reverse("licensing:remove_person", args=[id]))
    confirm(admin, look(admin, HEADER + f"Ada,Lovelace,{ADA},Countess\n"))
    back = Person.objects.get()
    assert (back.pk, back.title, back.added_by_hand, back.removed_at) == (
        id,
        "Countess",
        True,
        None,
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"PK\x03\x04", "This is a workbook, not a CSV file."),
        (b"name\nAda\n", "The first row must name the columns, one of them E-mail."),
        (b"email\n\x81\x8d\x9d\x00", "Windows-1252"),
        (b"email\n" + b"x" * (15 * 1024 * 1024), "15.0 MB; 15 MB is the most"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_at_once(owner, admin, content, said):
    """R10: with what to do, and nothing is kept."""
    answer = upload(admin, content)
    assert answer.status_code == 422
    assert said in text(answer)
    assert not PeopleFile.objects.exists()


def test_an_upload_without_end_is_not_even_read(owner, admin, settings):
    """R10: bounded in size."""
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    assert upload(admin, "email\n" + "x" * 2000).status_code == 400
    assert not PeopleFile.objects.exists()


def test_a_file_is_its_admins_own_replaced_by_the_next_and_forgotten_after_two_hours(
    owner, admin, lea
):
    """R10: bounded in number and age."""
    first = upload(admin, "email\n" + ADA)["Location"]
    second = upload(admin, "email\n" + GRACE)["Location"]
    assert admin.get(first).status_code == 404
    other = Client()
    other.force_login(
        admins.create("tom@acme.example", organization=owner, password="a long enough password")
    )
    assert other.get(second).status_code == 404
    later = clock.now() + people_files.KEPT + dt.timedelta(seconds=1)
    with clock.stopped(at=later):
        assert admin.get(second).status_code == 404
        prune()
    assert not PeopleFile.objects.exists()


def test_the_number_of_statements_does_not_depend_on_the_rows(owner, admin):
    """R10: ten thousand rows take seconds; half are added, half are changed."""

    def rows(number: int, title: str) -> str:
        return HEADER + "".join(
            f"Ann,Number {n},ann{n}@acme.example,{title}\n" for n in range(number)
        )

    counts = []
    for half in (2, 1000):
        confirm(admin, look(admin, rows(half, "Analyst")))
        looked = look(admin, rows(2 * half, "Countess"))
        assert numbers(looked) == {"add": half, "change": half}
        with CaptureQueriesContext(connection) as queries:
            confirm(admin, looked)
        counts.append(len(queries))
        Link.objects.all().delete()
        Person.objects.all().delete()
    assert counts[0] == counts[1]
