"""An upgrade needs no downtime: the last release's code works on the schema of today's.

Migrations run first; web and workers of the last release go on until each is replaced.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.models.signals import pre_migrate

from config import lifeline, supervisor
from tests.config import processes

RELEASE: str = tomllib.loads((processes.ROOT / "pyproject.toml").read_text())["tool"]["seatkeeper"][
    "last-release"
]
OURS = ("accounts", "licensing", "scim")
# What squawk would like and we do otherwise, with the reason.
OTHERWISE = {
    "prefer-robust-stmts": "each migration is one transaction or a single statement",
    "prefer-text-field": "a length is a promise that the database keeps",
    "prefer-bigint-over-int": "small numbers have small columns; keys are big",
    "prefer-bigint-over-smallint": "small numbers have small columns; keys are big",
    "require-lock-timeout": "config.apps sets one for all migrations",
    "require-statement-timeout": "waiting is limited; building an index takes its time",
    "transaction-nesting": "sqlmigrate prints the transaction that Django opens",
}
# What one migration may do all the same: its complaints contain these words.
ALLOWED = {
    # Its index goes, and with it Django makes the key of people to their organization anew.
    "accounts.0006_same_organization": {
        "ban-drop-constraint": "those of two columns are in their place before",
    },
    # Wider in effect at once; what is read to be sure is small: groups, rows a pool.
    "accounts.0007_undo_and_audit_rule": {
        "ban-drop-constraint": "its columns have another order",
        "disallowed-unique-constraint": "groups are few",
        "constraint-missing-not-valid": "groups are few",
    },
    "accounts.0008_operations": dict.fromkeys(
        (
            "ban-drop-not-null",
            "ban-drop-constraint",
            "constraint-missing-not-valid",
            "adding-foreign-key-constraint",
            "require-concurrent-index-creation",
        ),
        "files of people are few, one an admin, and forgotten after two hours",
    ),
    "accounts.0009_api_tokens": dict.fromkeys(
        (
            "disallowed-unique-constraint",
            "ban-drop-constraint",
            "constraint-missing-not-valid",
            "adding-foreign-key-constraint",
        ),
        "admins are few",
    ),
    "accounts.0011_people_file_same_organization": dict.fromkeys(
        ("ban-drop-constraint", "constraint-missing-not-valid", "adding-foreign-key-constraint"),
        "files of people are few, one an admin, and forgotten after two hours",
    ),
    "licensing.0010_reconcile_asked": {
        "adding-foreign-key-constraint": "one row a pool",
        "ban-drop-not-null": "the last release reads it, and shows nothing for what has none",
    },
    "licensing.0011_usage": {"constraint-missing-not-valid": "two rows an organization"},
}


def git(*arguments: str) -> bytes:
    return subprocess.run(
        ["git", *arguments], cwd=processes.ROOT, check=True, capture_output=True
    ).stdout


@pytest.fixture(scope="module")
def last_release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the last release."""
    try:
        files = git("archive", RELEASE)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip(f"the last release, {RELEASE[:12]}, is not in this copy of the repository")
    folder = tmp_path_factory.mktemp("release")
    subprocess.run(["tar", "-x"], cwd=folder, input=files, check=True)
    return folder


def since(release: Path) -> list[tuple[str, str]]:
    """App and name of our migrations that the release has not."""
    known = MigrationLoader(None, ignore_no_migrations=True).disk_migrations or {}
    return sorted(
        (app, name)
        for app, name in known
        if app in OURS and not (release / app / "migrations" / f"{name}.py").exists()
    )


def complaints(sql: Path) -> list[str]:
    """What squawk says of one migration, but for tables that it makes itself: nobody waits."""
    options = [f"--exclude={','.join(OTHERWISE)}", "--pg-version=15.0", "--reporter=gcc"]
    text = sql.read_text()
    if "BEGIN;" in text:
        options.append("--assume-in-transaction")
    done = subprocess.run(
        [Path(sys.executable).parent / "squawk", *options, sql],
        env={**os.environ, "NO_COLOR": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    lines = text.splitlines()
    made = set(re.findall(r'^CREATE TABLE "(\w+)"', text, re.MULTILINE))

    def is_about_a_new_table(said: str) -> bool:
        place = int(said.removeprefix(f"{sql}:").split(":")[0])
        table = re.search(
            r'ALTER TABLE "(\w+)"|CREATE (?:UNIQUE )?INDEX .* ON "(\w+)"', lines[place]
        )
        return table is not None and bool(made & set(table.groups()))

    return [
        said.removeprefix(f"{sql}:")
        for said in done.stdout.splitlines()
        if said.startswith(f"{sql}:") and not is_about_a_new_table(said)
    ]


@pytest.mark.django_db(transaction=True)
def test_no_migration_since_the_release_locks_out_who_works(
    last_release: Path, tmp_path: Path
) -> None:
    """Indexes on tables in use are built concurrently, constraints are validated afterwards."""
    found = {}
    for app, name in since(last_release):
        sql = tmp_path / f"{app}_{name}.sql"
        with sql.open("w") as out:
            call_command("sqlmigrate", app, name, stdout=out)
        allowed = ALLOWED.get(f"{app}.{name}", {})
        if said := [one for one in complaints(sql) if not any(word in one for word in allowed)]:
            found[f"{app}.{name}"] = said
    assert not found, json.dumps(found, indent=2)


def test_the_linter_sees_what_locks(tmp_path: Path) -> None:
    sql = tmp_path / "locks.sql"
    sql.write_text("BEGIN;\nCREATE INDEX slow ON accounts_person (email);\nCOMMIT;\n")
    assert "require-concurrent-index-creation" in " ".join(complaints(sql))


@pytest.fixture
def upgraded(folder: Path) -> Iterator[dict[str, str]]:
    """The environment of processes on a database that today's migrations made."""
    main = os.environ["DATABASE_URL"]
    name = f"upgrade_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(main, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        try:
            environment = processes.environment(
                folder,
                DATABASE_URL=urlunsplit(urlsplit(main)._replace(path=f"/{name}")),
                REDIS_URL=urlunsplit(urlsplit(os.environ["REDIS_URL"])._replace(path="/9")),
                LOG_LEVEL="WARNING",
            )
            manage(processes.ROOT, environment, "migrate", "--no-input", "--verbosity=0")
            yield environment
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def manage(code: Path, environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=code, env=environment, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_last_release_works_on_todays_schema(
    last_release: Path, upgraded: dict[str, str], folder: Path
) -> None:
    """Both directions: today's code finds nothing to mend in what the old one wrote."""

    def old(*arguments: str) -> Any:
        return json.loads(manage(last_release, upgraded, *arguments, "--json"))

    port = processes.free_port()
    old("create_organization", "Acme")
    old("set_seats", "acme", "sales-navigator", "7")
    application = old("create_scim_application", "acme", "Okta", "--product", "sales-navigator")
    token = old("issue_scim_token", application["id"])["token"]
    web = lifeline.Child(
        name="web",
        argv=[sys.executable, *supervisor.web_command(f"127.0.0.1:{port}")],
        env={**upgraded, "PORT": str(port)},
        cwd=str(last_release),
        log=str(folder / "web.log"),
    )
    with lifeline.Group([web]):
        assert processes.eventually(lambda: supervisor.is_live(port), within=60), (
            folder / "web.log"
        ).read_text()
        pushed = old(
            "scim_push", "--base-url", f"http://127.0.0.1:{port}/scim/v2", "--token", token,
            "--generate", "10",
        )  # fmt: skip
    assert pushed["outcomes"]["created"] == 7, pushed
    assert pushed["outcomes"]["refused"] == 3, pushed
    assert old("list_seats", "acme", "sales-navigator")["assigned"] == 7
    assert old("reconcile_licenses")["drift"] == 0
    today = json.loads(manage(processes.ROOT, upgraded, "reconcile_licenses", "--json"))
    assert today["drift"] == 0
    assert today["granted"] == today["revoked"] == []


@pytest.mark.django_db(transaction=True)
def test_a_migration_gives_up_soon_where_it_would_make_pushes_wait() -> None:
    """Behind a long report it waits five seconds; everybody behind it would wait as well."""

    def patience() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SHOW lock_timeout")
            return str(cursor.fetchone()[0])

    seen = []

    def look(**_: Any) -> None:
        seen.append(patience())

    pre_migrate.connect(look)
    try:
        call_command("migrate", "--verbosity=0")
    finally:
        pre_migrate.disconnect(look)
    assert seen[-1] == "5s"
    assert patience() == "0"
