"""R10: a long file is imported by the worker whole or not at all, and exported as it was."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import people_files
from accounts.models import AuditEntry, Organization, PeopleFile, PeopleRow, Person
from accounts.tasks import import_people
from benchmarks.people_csv import write
from tests.factories import connect, dump, manage
from tests.pages.test_pages import text
from tests.rules.test_r10_import import look

pytestmark = pytest.mark.django_db


def test_what_is_imported_is_exported_as_the_same_file(owner: Organization, tmp_path: Path) -> None:
    """R10: 3,000 rows by the commands, byte for byte; then everybody is changed."""
    given, taken = tmp_path / "in.csv", tmp_path / "out.csv"
    for title, deed in (("Analyst", "added"), ("Countess", "changed")):
        write(given, 3000, title=title)
        dry = manage("import_people", owner.slug, given, "--dry-run")
        assert (dry.json["applied"], dry.json[deed]) == (False, 3000)
        done = manage("import_people", owner.slug, given)
        assert (done.exit, done.json[deed], done.json["refused"]) == (0, 3000, 0)
        assert manage("export_people", owner.slug, taken).json["people"] == 3000
        assert taken.read_bytes() == given.read_bytes()
    assert not PeopleFile.objects.exists()
    assert not PeopleRow.objects.exists()


def test_commands_cost_as_many_statements_for_many_rows(
    owner: Organization, tmp_path: Path
) -> None:
    """R10: import and export, adding and changing."""
    counts = []
    for number in (10, 1000):
        for title in ("Analyst", "Countess"):
            write(tmp_path / "in.csv", number, title=title)
            with CaptureQueriesContext(connection) as queries:
                assert manage("import_people", owner.slug, tmp_path / "in.csv").exit == 0
                assert manage("export_people", owner.slug, tmp_path / "out.csv").exit == 0
            counts.append(len(queries))
    assert max(counts) - min(counts) == 0, counts


def test_refused_rows_are_written_to_be_mended_and_usage_is_told(
    owner: Organization, tmp_path: Path
) -> None:
    """R10."""
    file, refused = tmp_path / "in.csv", tmp_path / "refused.csv"
    file.write_text("E-mail,Title\nada@acme.example,Analyst\nnobody,x\n")
    ran = manage("import_people", owner.slug, file, "--refused", refused)
    assert (ran.json["added"], ran.json["refused"]) == (1, 1)
    assert ran.json["first_refused"][0]["line"] == 3
    assert "3,nobody,x,“nobody” is not an e-mail address." in refused.read_text("utf-8-sig")
    assert manage("import_people", owner.slug, tmp_path / "none.csv").json["error"]["code"] == (
        "file_unreadable"
    )
    assert manage("export_people", owner.slug).exit == 2


def test_a_long_file_is_left_to_the_worker_and_its_page_waits(
    owner: Organization, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R9, R10: whoever confirms sees how far it is; the audit log has the request's id."""
    monkeypatch.setattr(people_files, "LONG", 1)
    looked = look(admin, "E-mail\nada@acme.example\ngrace@acme.example\n")
    address = looked.request["PATH_INFO"]
    confirmed = admin.post(address, {"confirmed": looked.context["found"].digest})
    assert confirmed.status_code == 302
    assert not Person.objects.exists()
    waiting = admin.get(address)
    assert "The worker imports the file" in text(waiting)
    assert admin.post(address, {"confirmed": "again"}).status_code == 200
    part = admin.get(address, headers={"HX-Request": "true"})
    assert b'id="progress"' in part.content
    assert b"<html" not in part.content
    import_people()
    assert Person.objects.count() == 2
    line = AuditEntry.objects.latest("id")
    assert (line.deed, line.request_id) == ("people_imported", confirmed["X-Request-Id"])
    assert "2 added, 0 changed." in text(admin.get(address))
    assert admin.get(address, headers={"HX-Request": "true"})["HX-Refresh"] == "true"
    before = dump()
    import_people()
    assert dump() == before


def test_a_long_file_that_is_outdated_imports_nobody_and_says_so(
    owner: Organization, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R10, R26: whole or nothing."""
    monkeypatch.setattr(people_files, "LONG", 1)
    looked = look(admin, "E-mail,Title\nada@acme.example,A\ngrace@acme.example,B\n")
    address = looked.request["PATH_INFO"]
    admin.post(address, {"confirmed": looked.context["found"].digest})
    connect(owner, seats=1).create("ada@acme.example")
    import_people()
    assert Person.objects.count() == 1
    answer = admin.get(address)
    assert "Nothing was imported yet." in text(answer)
    admin.post(address, {"confirmed": answer.context["found"].digest})
    import_people()
    assert Person.objects.count() == 2
