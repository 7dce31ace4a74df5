"""`./run`: everything starts, everything stops, and what it prints works."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.config import processes

Start = Callable[..., tuple[subprocess.Popen[str], dict[str, Any]]]
PERSON = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
    "userName": "maria.curie@example.com",
    "name": {"givenName": "Maria", "familyName": "Curie"},
    "active": True,
}


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """One for all: after the first test each start finds what the last one has left, however it
    ended, which is also much faster than to make the database anew."""
    with processes.data_folder() as data_dir:
        yield data_dir


@pytest.fixture
def start(folder: Path) -> Iterator[Start]:
    """start(*arguments) -> (process, what it printed), once it answers."""
    begun: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> tuple[subprocess.Popen[str], dict[str, Any]]:
        port = str(processes.free_port())
        with open(folder / "errors.log", "w") as errors:
            process = subprocess.Popen(
                [sys.executable, "manage.py", "quickstart", "--json", "--port", port, *arguments],
                env=processes.environment(folder),
                cwd=processes.ROOT,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        begun.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, (folder / "errors.log").read_text()
        return process, json.loads(line)

    yield start
    for process in begun:
        process.kill()
        process.wait()
    processes.eventually(lambda: not processes.left_over(folder))


def test_a_first_start_makes_a_demo_that_can_be_used_and_a_second_shows_it_again(
    start: Start, folder: Path
) -> None:
    process, printed = start()
    assert set(printed) == {"url", "admin", "scim"}
    assert printed["scim"]["base_url"] == f"{printed['url']}/scim/v2"
    with httpx.Client(
        base_url=printed["scim"]["base_url"],
        headers={"Authorization": f"Bearer {printed['scim']['token']}"},
    ) as idp:
        assert idp.post("/Users", json=PERSON).status_code == 201
        assert idp.get("/Users", params={"count": 0}).json()["totalResults"] > 50
    assert _signs_in(printed["url"], printed["admin"])
    # Worker and schedule need a moment longer than the web.
    ready = f"{printed['url']}/health/ready"
    assert processes.eventually(lambda: httpx.get(ready).status_code == 200, within=30)
    assert httpx.get(ready).json()["failing"] == []
    assert _one_id_from_the_push_to_the_mail(folder, printed["scim"])

    beside = manage(folder, "list_seats", "acme", "sales-navigator", "--json")
    assert json.loads(beside.stdout)["purchased"] == 100

    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    assert processes.left_over(folder) == []

    process, again = start()
    assert again["admin"] == printed["admin"]
    assert again["scim"]["token"] == printed["scim"]["token"]
    assert (folder / "demo.json").stat().st_mode & 0o777 == 0o600


def _one_id_from_the_push_to_the_mail(folder: Path, scim: dict[str, Any]) -> bool:
    """R28: the log lines of the web and of the worker carry the id that the push came with."""
    answer = httpx.post(
        f"{scim['base_url']}/Users",
        json=PERSON | {"userName": "lise.meitner@example.com"},
        headers={"Authorization": f"Bearer {scim['token']}", "X-Request-Id": "push-of-lise"},
    )
    assert answer.headers["X-Request-Id"] == "push-of-lise"

    def lines(log: str) -> list[dict[str, Any]]:
        text = (folder / "logs" / log).read_text()
        return [json.loads(line) for line in text.splitlines() if "push-of-lise" in line]

    assert [line["path"] for line in lines("web.log")] == ["/scim/v2/Users"]
    sent = processes.eventually(lambda: lines("worker.log"), within=40)
    assert "is sent" in lines("worker.log")[0]["message"]
    return sent


def test_a_killed_supervisor_leaves_no_process(start: Start, folder: Path) -> None:
    process, printed = start("--empty")
    assert printed["admin"] is None
    assert printed["scim"] is None
    names = " ".join(processes.left_over(folder))
    for name in ("gunicorn", "worker", "beat", "postgres"):
        assert name in names
    process.kill()
    process.wait()
    assert processes.eventually(lambda: not processes.left_over(folder), within=12)


def test_a_child_that_dies_ends_everything(start: Start, folder: Path) -> None:
    process, _ = start("--empty")
    os.kill(processes.find(folder, "beat"), signal.SIGKILL)
    assert process.wait(15) == 1
    assert "schedule ended with exit code -9." in (folder / "errors.log").read_text()
    assert processes.left_over(folder) == []


def test_a_port_in_use_is_told_before_anything_starts() -> None:
    with processes.data_folder() as folder, socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = manage(folder, "quickstart", "--port", str(port))
        assert not (folder / "servers").exists()
    assert done.returncode == 1
    assert f"Port {port} is used by another program" in done.stderr


def test_a_web_that_cannot_start_says_why(folder: Path) -> None:
    port = str(processes.free_port())
    address = "https://seatkeeper.example"
    done = manage(folder, "quickstart", "--empty", "--port", port, PUBLIC_URL=address)
    assert done.returncode == 1
    assert "web ended with exit code" in done.stderr
    assert "Set ALLOWED_HOSTS to the host names" in done.stderr
    assert processes.left_over(folder) == []


def manage(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        env=processes.environment(folder, **more),
        cwd=processes.ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _signs_in(url: str, admin: dict[str, str]) -> bool:
    with httpx.Client(base_url=url, headers={"Referer": url}) as browser:
        browser.get("/sign-in/")
        answer = browser.post(
            "/sign-in/",
            data={
                "username": admin["email"],
                "password": admin["password"],
                "csrfmiddlewaretoken": browser.cookies["csrftoken"],
            },
        )
        return answer.status_code == 302 and "sessionid" in browser.cookies
