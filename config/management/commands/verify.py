"""Every check that needs no test: what `./test` runs first."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from accounts.management.base import with_example

APPS = ("config", "accounts", "licensing", "scim")


@dataclass(frozen=True)
class Check:
    """command: a program of the environment, or `manage.py`, and its arguments."""

    name: str
    command: str
    environment: dict[str, str] = field(default_factory=dict)


def production() -> dict[str, str]:
    """What a careful operator would set; none of it leads anywhere."""
    return {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "ALLOWED_HOSTS": "seatkeeper.example",
        "PUBLIC_URL": "https://seatkeeper.example",
        "DATABASE_URL": "postgres://seatkeeper:password@database.example/seatkeeper",
        "REDIS_URL": "redis://:password@queue.example:6379/0",
        "EMAIL_URL": "smtp+tls://seatkeeper:password@mail.example:587",
        "DEBUG": "",
    }


CHECKS = (
    Check("format", "ruff format --check ."),
    Check("lint", "ruff check ."),
    Check("types", f"mypy {' '.join(APPS)}"),
    Check("imports", "lint-imports"),
    Check("dependencies", "deptry ."),
    Check("templates", "djlint templates --lint --quiet"),
    Check("migrations", "manage.py makemigrations --check --dry-run"),
    Check("production", "manage.py check --deploy --fail-level WARNING", production()),
)


class Command(BaseCommand):
    help = (
        "Check format, lint, types, imports, dependencies, templates, migrations, production. "
        "Example: verify"
    )
    requires_system_checks: list[str] = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        return with_example(super().create_parser(prog_name, subcommand, **kwargs))

    def handle(self, **_: Any) -> None:
        started = time.monotonic()
        failed = []
        # Two at a time, told in order: the slowest one then costs what it costs, no more.
        with ThreadPoolExecutor(max_workers=2) as pool:
            for check, (code, output, seconds) in zip(CHECKS, pool.map(run, CHECKS), strict=True):
                self._say(f"{check.name:<14}{'ok' if code == 0 else 'FAILED':<8}{seconds:5.1f} s")
                if code:
                    failed.append((check, output))
        for check, output in failed:
            self._say(f"\n── {check.name}: {check.command}\n{output.strip()}")
        if failed:
            self._say(f"\nFailed: {', '.join(check.name for check, _ in failed)}\n")
            sys.exit(1)
        self._say(f"All checks passed in {time.monotonic() - started:.1f} s.\n")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def run(check: Check) -> tuple[int, str, float]:
    """Returns exit code, output and seconds."""
    started = time.monotonic()
    program, *arguments = check.command.split()
    folder = Path(sys.executable).parent
    command = [sys.executable, program] if program == "manage.py" else [str(folder / program)]
    done = subprocess.run(
        [*command, *arguments],
        cwd=settings.BASE_DIR,
        env={**os.environ, **check.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, time.monotonic() - started
