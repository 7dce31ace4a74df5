"""The real web server on the database of this test run, for races between its processes.

What is committed on either side is seen by the other, so worlds are made by factories, pushed to
over HTTP, and looked at here. Needs django_db(transaction=True).
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
from django.conf import settings
from django.db import connection

from config import lifeline, supervisor
from tests import factories
from tests.config import processes

_TLS = httpx.create_ssl_context()  # slow to make: one for all threads


@contextlib.contextmanager
def web(folder: Path) -> Iterator[str]:
    """gunicorn as `./run` and production start it. Gives the base URL of SCIM."""
    port = processes.free_port()
    name = connection.settings_dict["NAME"]  # test_…
    address = urlunsplit(urlsplit(settings.DATABASE_URL)._replace(path=f"/{name}"))
    log = folder / "web.log"
    child = lifeline.Child(
        name="web",
        argv=[sys.executable, *supervisor.web_command(f"127.0.0.1:{port}")],
        env={
            **{name: value for name, value in os.environ.items() if name != "PUBLIC_URL"},
            "DATABASE_URL": address,
            "REDIS_URL": settings.REDIS_URL,
            "SEATKEEPER_DATA": str(folder),
            "PORT": str(port),
            "LOG_LEVEL": "WARNING",
        },
        cwd=str(processes.ROOT),
        log=str(log),
    )
    with lifeline.Group([child]) as group:
        live = processes.eventually(lambda: supervisor.is_live(port) or group.ended(), within=60)
        assert live, log.read_text()
        assert not group.ended(), log.read_text()
        yield f"http://127.0.0.1:{port}/scim/v2"


class OverHttp(factories.Idp):
    """An identity provider with a connection a thread."""

    def __init__(self, idp: factories.Idp, base_url: str) -> None:
        super().__init__(idp.application, idp.secret)
        self._base_url = base_url
        self._connections = threading.local()

    @property
    def connection(self) -> httpx.Client:
        if not hasattr(self._connections, "client"):
            self._connections.client = httpx.Client(
                base_url=self._base_url, timeout=60, trust_env=False, verify=_TLS
            )
        return self._connections.client

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: dict[str, Any] | None = None,
        **headers: str,
    ) -> factories.Answer:
        answer = self.connection.request(
            method,
            path,
            params=query,
            json=body,
            headers={"Authorization": f"Bearer {self.secret}", **headers},
        )
        document = answer.json() if answer.content else None
        return factories.Answer(answer.status_code, document, answer.headers)


def at_once(deeds: Sequence[Callable[[], Any]]) -> list[Any]:
    """What each of these gave, each in a thread of its own, begun at the same moment."""
    barrier = threading.Barrier(len(deeds))

    def call(deed: Callable[[], Any]) -> Any:
        barrier.wait(30)
        return deed()

    with ThreadPoolExecutor(len(deeds)) as pool:
        return [future.result() for future in [pool.submit(call, deed) for deed in deeds]]
