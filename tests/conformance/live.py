"""The real web server on a database of its own, for testers that speak HTTP.

What it serves is what `./run` serves: the same command, gunicorn's processes and threads, and a
database that no other test looks into.
"""

from __future__ import annotations

import dataclasses
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg

from config.supervisor import web_command

ROOT = Path(__file__).resolve().parents[2]

#: Makes organizations, each with an application, a token and more seats than any tester needs.
_APPLICATIONS = """
import itertools, json, sys, time, django
django.setup()
from licensing import brake
from licensing.models import Policy
from tests import factories
factories._numbers = itertools.count(time.time_ns())  # another process began at 1
made = []
for _ in range(int(sys.argv[1])):
    idp = factories.connect(factories.organization(), seats=int(sys.argv[2]))
    # Testers and fuzzers delete whom they made, which R27 would hold.
    policy = Policy.objects.get(application=idp.application)
    brake.set_limits(policy, on=False, people=0, percent=0)
    made.append([str(idp.application.pk), idp.application.organization.slug, idp.secret])
print(json.dumps(made))
"""


@dataclasses.dataclass(frozen=True)
class Connected:
    """One application of one organization."""

    id: str
    slug: str
    token: str


class Server:
    """Use as a context; `base_url` ends in /scim/v2."""

    def __init__(self, database_url: str, redis_url: str, *, workers: int | None = None) -> None:
        self.database = f"conformance_{uuid.uuid4().hex[:12]}"
        self._main_url = database_url
        self.database_url = urlunsplit(urlsplit(database_url)._replace(path=f"/{self.database}"))
        self.port = _free_port()
        self.base_url = f"http://127.0.0.1:{self.port}/scim/v2"
        self._folder = tempfile.TemporaryDirectory(prefix="seatkeeper-conformance-")
        self.log = Path(self._folder.name) / "web.log"
        self.environment = {
            **{name: value for name, value in os.environ.items() if name != "PUBLIC_URL"},
            "DATABASE_URL": self.database_url,
            "REDIS_URL": redis_url,
            "SEATKEEPER_DATA": self._folder.name,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "PORT": str(self.port),
            "LOG_LEVEL": "WARNING",
            "CLIENT_PATIENCE": "3",
            "API_REQUESTS_PER_MINUTE": "100000000",  # a fuzzer asks without pause
            "PYTHONPATH": str(ROOT),
        }
        self.command = web_command(f"127.0.0.1:{self.port}")
        if workers is not None:
            self.command[self.command.index("--workers") + 1] = str(workers)
        self._web: subprocess.Popen[bytes] | None = None
        self._spare: list[Connected] = []

    def __enter__(self) -> Server:
        with psycopg.connect(self._main_url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {self.database}")
        try:
            self.run("manage.py", "migrate", "--verbosity", "0")
            with self.log.open("wb") as log:
                self._web = subprocess.Popen(
                    [sys.executable, *self.command],
                    env=self.environment, cwd=ROOT, stdout=log, stderr=log,
                )  # fmt: skip
            self._wait()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: Any
    ) -> None:
        self.stop()

    def stop(self) -> None:
        if self._web is not None:
            self._web.terminate()
            try:
                self._web.wait(15)
            except subprocess.TimeoutExpired:
                self._web.kill()
                self._web.wait()
        with psycopg.connect(self._main_url, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {self.database} WITH (FORCE)")
        self._folder.cleanup()

    def run(self, *arguments: str) -> str:
        """What a Python program says on standard output, on the server's database."""
        done = subprocess.run(
            [sys.executable, *arguments],
            env=self.environment, cwd=ROOT, capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{arguments[:2]} failed:\n{done.stderr[-3000:]}")
        return done.stdout

    def application(self, *, seats: int = 5_000) -> Connected:
        """A fresh one, of an organization that has no other; made by the half dozen, since
        starting Python takes longer than making them."""
        if not self._spare:
            made = json.loads(self.run("-c", _APPLICATIONS, "6", str(seats)))
            self._spare = [Connected(*one) for one in made]
        return self._spare.pop()

    def forget_applications(self) -> None:
        """After somebody has emptied the database."""
        self._spare.clear()

    def _wait(self) -> None:
        deadline = time.monotonic() + 60
        while True:
            if self._web is not None and self._web.poll() is not None:
                raise RuntimeError(f"The web server ended:\n{self.log.read_text()[-3000:]}")
            try:
                with urllib.request.urlopen(
                    f"http://127.0.0.1:{self.port}/health/live", timeout=5
                ) as answer:
                    if answer.status == 200:
                        return
            except OSError:
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
