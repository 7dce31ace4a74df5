"""Production starts with safe values or not at all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from config.management.commands.verify import production
from tests.config import processes

CHECK = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]


def run(
    folder: Path, command: list[str], *unset: str, **changed: str
) -> subprocess.CompletedProcess[str]:
    given = {name: value for name, value in production().items() if name not in unset}
    return subprocess.run(
        command,
        env=processes.environment(folder, **{**given, **changed}),
        cwd=processes.ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_careful_values_pass(folder: Path) -> None:
    done = run(folder, CHECK)
    assert done.returncode == 0, done.stderr
    assert list(folder.iterdir()) == []  # production keeps nothing in the data folder


@pytest.mark.parametrize(
    ("unset", "changed", "sentence"),
    [
        ("SECRET_KEY", {}, "SECRET_KEY is not set"),
        ("", {"SECRET_KEY": "x" * 60}, "SECRET_KEY is shorter than 50 random characters"),
        ("", {"SECRET_KEY": "django-insecure-" + "abcdefghijkl" * 5}, "is an example's"),
        ("ALLOWED_HOSTS", {}, "ALLOWED_HOSTS is empty"),
        ("", {"ALLOWED_HOSTS": "seatkeeper.example,*"}, "ALLOWED_HOSTS has “*”"),
        ("", {"PUBLIC_URL": "http://seatkeeper.example"}, "is not https"),
        ("PUBLIC_URL", {}, "PUBLIC_URL is not set"),
        ("", {"DEBUG": "true"}, "DEBUG is on"),
        ("REDIS_URL", {}, "REDIS_URL is not"),
        ("EMAIL_URL", {}, "EMAIL_URL is not set"),
    ],
)
def test_each_unsafe_value_is_refused_with_a_sentence(
    folder: Path, unset: str, changed: dict[str, str], sentence: str
) -> None:
    done = run(folder, CHECK, unset, **changed)
    assert done.returncode == 1
    assert sentence in done.stderr


def test_the_web_refuses_too(folder: Path) -> None:
    done = run(folder, [sys.executable, "-c", "import config.wsgi"], SECRET_KEY="short")
    assert done.returncode == 1
    assert "Set SECRET_KEY to at least 50 random characters" in done.stderr


def test_a_database_on_this_machine_needs_nothing_more(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        env=processes.environment(folder, DATABASE_URL="postgres://me@localhost/seatkeeper"),
        cwd=processes.ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
