"""What was backed up is what is restored: every row of every table."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from licensing import seals
from tests import factories
from tests.config import processes

ROWS = "SELECT count(*), md5(coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '')) FROM {} t"


def address(name: str) -> str:
    return urlunsplit(urlsplit(settings.DATABASE_URL)._replace(path=f"/{name}"))


def manage(database: str, *arguments: str) -> tuple[int, Any]:
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments, "--json"],
        cwd=processes.ROOT, env={**os.environ, "DATABASE_URL": database},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def contents(database: str) -> dict[str, tuple[int, str]]:
    """Of each table, how many rows and what all of them say."""
    with psycopg.connect(database) as server:
        tables = server.execute(
            "SELECT table_name FROM information_schema.tables "
            "WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
        ).fetchall()
        return {
            table: server.execute(ROWS.format(f'"{table}"')).fetchone()  # type: ignore[misc]
            for (table,) in tables
        }


@pytest.fixture
def empty() -> Iterator[str]:
    name = f"restored_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        try:
            yield address(name)
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.django_db(transaction=True)
def test_a_restored_database_is_equal_to_the_one_that_was_backed_up(
    empty: str, folder: Path
) -> None:
    """R21: seats, waiting list, ledger and its seals included."""
    acme = factories.organization()
    idp = factories.connect(acme, seats=2, when_full="waitlist")
    for number in range(4):
        assert idp.create(f"person{number}@acme.example").status == 201
    seals.seal_all()
    ours = address(connection.settings_dict["NAME"])
    folder.mkdir(exist_ok=True)
    dump = folder / "monday.dump"

    code, made = manage(ours, "back_up", str(dump))
    assert code == 0, made
    assert made == {"file": str(dump), "bytes": dump.stat().st_size}
    assert stat.S_IMODE(dump.stat().st_mode) == 0o600

    code, restored = manage(empty, "restore", str(dump))
    assert code == 0, restored
    assert (restored["people"], restored["seats"]) == (4, 2)
    assert restored["whole"]
    assert restored["drift"] == 0
    assert contents(empty) == contents(ours)

    # Neither is done over what is there.
    code, refused = manage(ours, "back_up", str(dump))
    assert (code, refused["error"]["code"]) == (1, "file_exists")
    code, refused = manage(empty, "restore", str(dump))
    assert (code, refused["error"]["code"]) == (1, "database_not_empty")


def test_what_is_no_back_up_is_refused_and_leaves_the_database_empty(
    empty: str, folder: Path
) -> None:
    folder.mkdir(exist_ok=True)
    broken = folder / "broken.dump"
    broken.write_text("SELECT 1;")
    code, refused = manage(empty, "restore", str(broken))
    assert (code, refused["error"]["code"]) == (1, "restore_failed")
    assert "pg_restore says" in refused["error"]["detail"]
    code, refused = manage(empty, "restore", str(folder / "nothing"))
    assert (code, refused["error"]["code"]) == (1, "file_missing")
    assert contents(empty) == {}
