"""Production starts with safe values or not at all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from config import checks
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


NOTHING = ("SECRET_KEY", "ALLOWED_HOSTS", "PUBLIC_URL", "REDIS_URL", "EMAIL_URL")


@pytest.mark.parametrize(
    ("unset", "changed", "sentences"),
    [
        (
            NOTHING,
            {},
            [
                "SECRET_KEY is not set",
                "ALLOWED_HOSTS is empty",
                "PUBLIC_URL is not set",
                "REDIS_URL is not",
                "EMAIL_URL is not set",
            ],
        ),
        (
            (),
            {
                "SECRET_KEY": "x" * 60,
                "ALLOWED_HOSTS": "a.example,*",
                "PUBLIC_URL": "http://a.example",
            },
            ["SECRET_KEY is shorter than 50", "ALLOWED_HOSTS has “*”", "is not https"],
        ),
        ((), {"DEBUG": "true"}, ["DEBUG is on with a database that is not on this machine"]),
    ],
    ids=["nothing set", "unsafe values", "debug"],
)
def test_each_unsafe_value_is_refused_with_a_sentence(
    folder: Path, unset: tuple[str, ...], changed: dict[str, str], sentences: list[str]
) -> None:
    done = run(folder, CHECK, *unset, **changed)
    assert done.returncode == 1
    for sentence in sentences:
        assert sentence in done.stderr


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("", "is not set"),
        ("0123456789abcdefghijklmnopqrstuvwxyz", "is shorter than 50 random characters"),
        ("ab" * 40, "is shorter than 50 random characters"),
        ("django-insecure-" + "abcdefghijkl" * 5, "is an example's"),
        ("changeme" + "abcdefghijkl" * 5, "is an example's"),
        pytest.param(production()["SECRET_KEY"], None, id="a random one"),
    ],
)
def test_which_keys_are_weak(key: str, why: str | None) -> None:
    assert checks.weakness(key) == why


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
