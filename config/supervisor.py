"""The processes that make up Seatkeeper, and one that looks after them.

`./run` starts web, the two workers and schedule as children of one supervisor (config/lifeline.py
tells how they end with it). docker-compose.yml starts the same commands as services; a
test holds the two together.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType

from config import embedded, lifeline
from config.place import EmbeddedError, last_lines, rotate

#: Longest wait for the web to answer after it was started.
START_SECONDS = 60.0


def web_command(bind: str) -> list[str]:
    """The web server; bind is HOST:PORT. Which one and why: docs/decisions/0007."""
    return [
        *("-m", "gunicorn", "config.wsgi"),
        *("--worker-class", "config.webworker.Worker", "--workers", "2", "--threads", "4"),
        # Loaded once and then forked: half the memory, and half the work at the start.
        "--preload",
        # Identity providers keep their connections; a proxy before us closes idle ones itself.
        *("--keep-alive", "75", "--timeout", "60", "--graceful-timeout", "6"),
        # As long as RFC 9110 section 4.1 recommends: a filter stands in the address.
        *("--limit-request-line", "8190"),
        # No request may keep the database busy for ever; workers may.
        *("--env", "STATEMENT_TIMEOUT=30"),
        # One file in the home folder for all instances, which nobody asked for.
        "--no-control-socket",
        *("--log-level", "warning", "--bind", bind),
    ]


def worker_command() -> list[str]:
    return [
        *("-m", "celery", "--app", "config.celery", "worker", "--concurrency", "2"),
        # Workers have nothing to tell each other: what is left to do is in the database.
        *("--without-gossip", "--without-mingle", "--loglevel", "warning"),
    ]


def webhooks_command() -> list[str]:
    """The worker of webhooks: threads, since it waits for receivers most of its time. By itself,
    so that a receiver that hangs keeps no e-mail and no reconciliation waiting."""
    return [
        *("-m", "celery", "--app", "config.celery", "worker", "--queues", "webhooks"),
        *("--pool", "threads", "--concurrency", "8", "--hostname", "webhooks@%h"),
        *("--without-gossip", "--without-mingle", "--loglevel", "warning"),
    ]


def schedule_command(file: str) -> list[str]:
    """file: where it keeps what it did last."""
    return [
        *("-m", "celery", "--app", "config.celery", "beat", "--loglevel", "warning"),
        *("--schedule", file, "--pidfile="),
    ]


def children(data_dir: Path, port: int, environ: Mapping[str, str]) -> list[lifeline.Child]:
    """The four processes, on this machine's loopback, each with its log."""
    logs = data_dir / "logs"
    logs.mkdir(mode=0o700, parents=True, exist_ok=True)
    commands = {
        "web": web_command(f"127.0.0.1:{port}"),
        "worker": worker_command(),
        "webhooks": webhooks_command(),
        "schedule": schedule_command(str(data_dir / "schedule")),
    }
    made = []
    for name, command in commands.items():
        log = logs / f"{name}.log"
        rotate(log)
        made.append(
            lifeline.Child(
                name=name,
                argv=[sys.executable, *command],
                env=environ,
                cwd=str(embedded.CHECKOUT),
                log=str(log),
            )
        )
    return made


class Stopped(Exception):
    """Somebody asked us to stop; an ordinary end."""


@contextlib.contextmanager
def stops_on_signals() -> Iterator[None]:
    """Inside, the first SIGINT, SIGTERM or SIGHUP raises Stopped; later ones change nothing."""

    def stop(number: int, frame: FrameType | None) -> None:
        for one in numbers:
            signal.signal(one, signal.SIG_IGN)
        raise Stopped

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for number in numbers:
        signal.signal(number, stop)
    with contextlib.suppress(Stopped):
        yield


def wait_until_live(port: int, group: lifeline.Group, data_dir: Path) -> None:
    """Return when the web answers. Raises EmbeddedError when the group ends instead."""
    deadline = time.monotonic() + START_SECONDS
    while not is_live(port):
        if ended := group.ended():
            # A child that could not even start has said why.
            log = data_dir / "logs" / f"{ended.partition(' ')[0]}.log"
            raise EmbeddedError(f"{ended}\nThe end of {log}:\n{last_lines(log)}")
        if time.monotonic() > deadline:
            raise EmbeddedError(f"The web did not answer within {START_SECONDS:.0f} s.")
        time.sleep(0.05)


def is_live(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/health/live")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def watch(*groups: lifeline.Group) -> str:
    """Wait until a group ends, which only happens when a child died. Returns who and how."""
    while True:
        for group in groups:
            if ended := group.ended():
                return ended
        time.sleep(0.25)


def environment(data_dir: Path, port: int) -> dict[str, str]:
    """What the children see: the same database and queue, and this port."""
    from django.conf import settings

    return {
        **os.environ,
        "DATABASE_URL": settings.DATABASE_URL,
        "REDIS_URL": settings.REDIS_URL,
        "SEATKEEPER_DATA": str(data_dir),
        "PORT": str(port),
        "PYTHONUNBUFFERED": "1",
    }
