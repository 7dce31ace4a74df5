"""R25: uses are imported from a CSV file, which the worker records piece by piece."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError, connection
from django.test import Client
from django.urls import reverse

from accounts import admins, clock
from accounts.models import AuditEntry
from licensing import tasks, usage, usage_files
from licensing.models import UsageDay, UsageEvent, UsageFile
from tests.factories import manage, manage_for_people
from tests.licensing.crashes import Crash
from tests.pages.test_pages import text
from tests.rules.test_r25_usage import GRACE, SALES, _today, held

__all__ = ["_today", "held"]
HEADER = "When,Email address,Product,Action\n"
GOOD = f"2026-11-23 10:00,{GRACE},Sales Navigator,search\n"
FILE = (
    HEADER
    + GOOD
    + f"2026-11-23T11:00:00+01:00,{GRACE},sales-navigator,\n"
    + GOOD
    + "2026-11-23,=eve@x.example,Sales Navigator,\n"
    + f"yesterday,{GRACE},Sales Navigator,\n"
)


def upload(admin: Client, content: str, product: str = "") -> Any:
    file = SimpleUploadedFile("uses.csv", content.encode())
    return admin.post(reverse("licensing:usage"), {"file": file, "product": product})


def confirmed(admin: Client, content: str) -> str:
    address = upload(admin, content)["Location"]
    assert admin.post(address).status_code == 302
    return address


def work() -> None:
    """What the schedule starts, task by task."""
    for file_id in usage_files.due():
        tasks.record_usage_file(str(file_id))


def test_a_file_is_looked_at_confirmed_and_recorded(held, admin):
    """R25: what would happen, that it is on its way, and what did; refused rows as CSV."""
    address = upload(admin, FILE)["Location"]
    looked = text(admin.get(address))
    assert "Record 2 rows?" in looked
    assert "Refused (2)" in looked
    assert "“yesterday” is no time." in looked
    assert not UsageEvent.objects.exists()
    admin.post(address)
    assert "0 of 5 rows are done." in text(admin.get(address))
    line = AuditEntry.objects.latest("id")
    assert (line.deed, line.subject_name, line.after) == ("usage_imported", "uses.csv", {"rows": 5})
    work()
    done = text(admin.get(address, headers={"HX-Request": "true"}))
    assert "All 5 rows are done." in done
    assert "<html" not in done
    file = UsageFile.objects.get()
    assert (file.accepted, file.repeated, file.refused) == (2, 1, 2)
    assert bytes(file.content) == b""
    sheet = b"".join(admin.get(address + "refused.csv").streaming_content).decode("utf-8-sig")
    assert "Nobody here is =eve@x.example." in sheet
    assert "5,2026-11-23,'=eve@x.example,,Sales Navigator" in sheet
    assert "uses.csv" in text(admin.get(reverse("licensing:usage")))


def test_the_same_file_again_changes_nothing(held, admin):
    """R25, R26: rows without an id get one out of what they say."""
    for _ in range(2):
        confirmed(admin, FILE)
        work()
        usage.roll_up_all()
    assert [file.repeated for file in UsageFile.objects.order_by("confirmed_at", "pk")] in (
        [1, 3],
        [3, 1],
    )
    assert UsageDay.objects.get().count == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (f"When,Product\n2026-11-23,{SALES}\n", "No column says who it was"),
        (f"When,E-mail\n2026-11-23,{GRACE}\n", "No column names the product"),
        (f"E-mail\n{GRACE}\n", "one of them Time"),
        ("PK\x03\x04", "This is a workbook"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_at_once(held, admin, content, said):
    answer = upload(admin, content)
    assert answer.status_code == 422
    assert said in text(answer)
    assert not UsageFile.objects.exists()


def test_the_product_of_a_file_without_that_column_is_chosen(held, admin):
    address = upload(admin, f"When,E-mail\n2026-11-23,{GRACE}\n", SALES)["Location"]
    admin.post(address)
    work()
    assert UsageFile.objects.get().accepted == 1


def test_an_upload_is_its_admins_own_until_it_is_confirmed(held, admin):
    """R25: replaced by the next, forgotten after two hours."""
    first, second = (upload(admin, FILE)["Location"] for _ in range(2))
    assert admin.get(first).status_code == 404
    other = Client()
    other.force_login(admins.create("tom@acme.example", organization=held, password="x" * 12))
    assert other.get(second).status_code == 404
    with clock.stopped(at=clock.now() + dt.timedelta(hours=2, seconds=1)):
        tasks.prune_usage()
    assert not UsageFile.objects.exists()


def test_the_command_records_at_once_and_tells(held, tmp_path: Path):
    """R25: with --json and for people."""
    path = tmp_path / "uses.csv"
    path.write_text(FILE)
    ran = manage("import_usage", held.slug, path)
    assert ran.exit == 0
    assert ran.json.pop("file")
    assert ran.json == {
        "organization": held.slug,
        "rows": 5,
        "accepted": 2,
        "repeated": 1,
        "refused": 2,
        "first_refused": [
            {"line": 5, "because": "Nobody here is =eve@x.example."},
            {"line": 6, "because": "“yesterday” is no time. Write it as 2026-05-31T14:05:00Z."},
        ],
    }
    again = manage_for_people("import_usage", held.slug, path)
    assert "0 of 5 rows were recorded\n3 were known\n2 were refused:" in again.out
    missing = manage("import_usage", held.slug, tmp_path / "missing.csv")
    assert (missing.exit, missing.json["error"]["code"]) == (1, "file_unreadable")


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_dies_leaves_what_it_did_and_the_next_goes_on(held, admin, monkeypatch):
    """R26: at any statement of the second piece; no row is lost, none is counted twice."""
    monkeypatch.setattr(usage_files, "PIECE", 3)
    confirmed(admin, HEADER + "".join(GOOD.replace("10:00", f"10:{n:02}") for n in range(8)))
    [file_id] = usage_files.due()
    with pytest.raises(OperationalError), connection.execute_wrapper(Crash(14, "cut after")):
        usage_files.work(file_id)
    connection.close()
    position = UsageFile.objects.get().position
    assert position in (3, 6)
    assert UsageEvent.objects.count() == position
    usage_files.work(file_id)
    usage_files.work(file_id)
    with pytest.raises(OperationalError), connection.execute_wrapper(Crash(2, "cut after")):
        usage.roll_up_all()
    connection.close()
    usage.roll_up_all()
    file = UsageFile.objects.get()
    assert (file.position, file.accepted, file.repeated) == (8, 8, 0)
    assert UsageDay.objects.get().count == 8


@pytest.mark.django_db(transaction=True)
def test_two_workers_record_a_file_once(held, admin, race):
    """R26: a file is in the hand of one; what both would count is counted once."""
    confirmed(admin, HEADER + "".join(GOOD.replace("10:00", f"10:{n:02}") for n in range(40)))
    [file_id] = usage_files.due()
    race(*[lambda: usage_files.work(file_id)] * 3)
    usage_files.work(file_id)
    race(*[usage.roll_up_all] * 3)
    assert UsageFile.objects.get().accepted == 40
    assert UsageDay.objects.get().count == 40
