"""docker-compose.yml runs what config.supervisor says, and it works with production's settings."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import psycopg
import pytest
import yaml

from config import supervisor
from tests import receiver
from tests.config import processes

#: Adds an endpoint, and sends it a test by the queue.
LISTEN = """
import os, sys, django
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
django.setup()
from accounts import webhooks
from accounts.models import Organization
made = webhooks.add(Organization.objects.get(), name="x", url=sys.argv[1], kinds=["seat.granted"])
webhooks.send_test(made[0])
"""
COMPOSE: dict[str, Any] = yaml.safe_load((processes.ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with processes.data_folder() as data_dir:
        yield data_dir


@pytest.fixture(scope="module")
def production(folder: Path) -> Iterator[dict[str, str]]:
    """Production's variables, on a database and a queue of their own; migrated by its service."""
    main = os.environ["DATABASE_URL"]
    name = f"production_{uuid.uuid4().hex[:12]}"
    given = {
        "DATABASE_URL": urlunsplit(urlsplit(main)._replace(path=f"/{name}")),
        "REDIS_URL": urlunsplit(urlsplit(os.environ["REDIS_URL"])._replace(path="/7")),
        "SECRET_KEY": secrets.token_urlsafe(50),
        "ALLOWED_HOSTS": "seatkeeper.example",
        "PUBLIC_URL": "https://seatkeeper.example",
        "EMAIL_URL": f"filemail://{folder}/mail",
        "FROM_EMAIL": "Seatkeeper <seatkeeper@seatkeeper.example>",
    }
    # The file sets neither more nor less.
    assert set(given) == set(SERVICES["web"]["environment"])
    with psycopg.connect(main, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            environment = processes.environment(folder, **given, STATIC_ROOT=f"{folder}/static")
            run(environment, SERVICES["migrate"]["command"])
            run(environment, ["python", "manage.py", "collectstatic", "--no-input"])
            yield environment
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def run(environment: dict[str, str], command: list[str]) -> None:
    subprocess.run(
        python(command), env=environment, cwd=processes.ROOT, check=True, timeout=60,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip


def python(command: list[str]) -> list[str]:
    assert command[0] == "python"
    return [sys.executable, *command[1:]]


def started(
    stack: ExitStack, environment: dict[str, str], command: list[str]
) -> subprocess.Popen[bytes]:
    """Runs until the stack ends; whatever it is, SIGTERM must be enough."""
    process = subprocess.Popen(python(command), env=environment, cwd=processes.ROOT)

    def stop() -> None:
        process.terminate()
        try:
            process.wait(15)
        finally:
            process.kill()

    stack.callback(stop)
    return process


def test_the_services_run_what_the_supervisor_runs() -> None:
    assert python(SERVICES["web"]["command"])[1:] == supervisor.web_command("0.0.0.0:8000")
    assert python(SERVICES["worker"]["command"])[1:] == supervisor.worker_command()
    assert python(SERVICES["webhooks"]["command"])[1:] == supervisor.webhooks_command()
    assert python(SERVICES["schedule"]["command"])[1:] == supervisor.schedule_command(
        "/tmp/schedule"
    )


def test_the_web_answers_probes_by_address_and_people_by_name(production: dict[str, str]) -> None:
    port = processes.free_port()
    command = [
        part.replace("0.0.0.0:8000", f"127.0.0.1:{port}") for part in SERVICES["web"]["command"]
    ]
    with ExitStack() as stack:
        web = started(stack, production, command)
        assert processes.eventually(lambda: supervisor.is_live(port) or web.poll(), within=30)
        url = f"http://127.0.0.1:{port}"
        assert httpx.get(f"{url}/health/web").json()["status"] == "ready"
        named = {"Host": "seatkeeper.example", "X-Forwarded-Proto": "https"}
        scim = httpx.get(f"{url}/scim/v2/Users", headers=named)
        assert scim.status_code == 401
        assert (
            httpx.get(f"{url}/scim/v2/Users", headers={"Host": "evil.example"}).status_code == 400
        )
        plain = httpx.get(f"{url}/sign-in/", headers={"Host": "seatkeeper.example"})
        assert plain.headers["Location"] == "https://seatkeeper.example/sign-in/"


@pytest.mark.slow
def test_worker_and_schedule_deliver_what_the_queue_lost(
    production: dict[str, str], folder: Path
) -> None:
    """R9: what is left to workers is done within a minute, even if the message was lost."""
    elsewhere = production["REDIS_URL"].removesuffix("/7") + "/8"
    manage = ["python", "manage.py"]
    for arguments in (
        ["create_organization", "Acme"],
        ["set_seats", "acme", "sales-navigator", "1"],
        ["grant_seat", "acme", "sales-navigator", "ada@example.com"],
    ):
        run({**production, "REDIS_URL": elsewhere}, [*manage, *arguments])
    assert not (folder / "mail").exists()

    schedule = [
        part.replace("/tmp/schedule", str(folder / "schedule"))
        for part in SERVICES["schedule"]["command"]
    ]
    with ExitStack() as stack:
        worker = started(stack, production, SERVICES["worker"]["command"])
        own_network = {**production, "WEBHOOK_PRIVATE_ADDRESSES": "true"}
        hooks = started(stack, own_network, SERVICES["webhooks"]["command"])
        hook = stack.enter_context(receiver.receiving())
        run(own_network, ["python", "-c", LISTEN, hook.url])
        beat = started(stack, production, schedule)
        assert processes.eventually(lambda: any(folder.glob("mail/*")), within=60)
        assert processes.eventually(lambda: hook.got, within=30)
        assert [each.poll() for each in (worker, hooks)] == [None, None]
        assert beat.poll() is None
        # Their health checks, as the file has them.
        kind, *check = SERVICES["schedule"]["healthcheck"]["test"]
        assert kind == "CMD"
        run(production, [part.replace("/tmp/schedule", f"{folder}/schedule") for part in check])
        for name in ("worker", "webhooks"):
            kind, check = SERVICES[name]["healthcheck"]["test"]
            assert kind == "CMD-SHELL"
            asked = check.replace("$$HOSTNAME", socket.gethostname()).split()
            assert asked.pop(0) == "celery"
            run(production, ["python", "-m", "celery", *asked])
    message = next(folder.glob("mail/*")).read_text()
    assert "To: ada@example.com" in message
    assert "https://seatkeeper.example/" in message


def test_no_secret_is_written_in_the_file() -> None:
    for name, service in SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            if any(word in variable for word in ("PASSWORD", "KEY", "_URL")):
                assert ":?" in value, f"{name} has {variable} without asking for it"


@pytest.mark.parametrize("name", ["web", "worker", "webhooks", "schedule", "migrate"])
def test_services_can_write_nothing_but_memory(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert "USER seatkeeper" in (processes.ROOT / "config/Dockerfile").read_text()
