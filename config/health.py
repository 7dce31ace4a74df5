"""/health/live: the process answers. /health/web: it can serve. /health/ready: everything works.

A middleware rather than views: a probe asks by an IP address and without TLS, so it must
be answered before host names are checked and requests are sent on to https. /metrics is
asked in the same way (config.metrics).
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Iterable
from typing import Any

import redis
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse

from config import heartbeat, metrics
from config.heartbeat import Signs

log = logging.getLogger(__name__)
#: What the web needs to serve; without a worker it goes on.
WEB = ("database", "queue", "migrations")


class HealthMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = request.path
        if not path.startswith(("/health/", "/metrics")):
            return self.get_response(request)
        if path == "/health/live":
            response: HttpResponse = JsonResponse({"status": "live"})
        elif path == "/health/web":
            response = ready(WEB)
        elif path == "/health/ready":
            response = ready()
        elif path == "/metrics":
            response = metrics.answer(request, look)
        else:
            response = JsonResponse({"status": "not found"}, status=404)
        response.headers["Content-Length"] = str(len(response.content))
        return response


@dataclasses.dataclass(frozen=True, slots=True)
class Health:
    """states: of each part, "ok" or what is wrong in a word. signs: None if the queue is away."""

    states: dict[str, str]
    signs: Signs | None

    def failing(self, parts: Iterable[str]) -> list[str]:
        return [part for part in parts if self.states[part] != "ok"]


def ready(parts: Iterable[str] | None = None) -> JsonResponse:
    """200 when all is well, otherwise 503; what is wrong is named, the details are only logged.

    seconds: since workers and schedule gave their last sign of life.
    """
    found = look()
    asked = list(parts or found.states)
    failing = found.failing(asked)
    body: dict[str, Any] = {
        "status": "not ready" if failing else "ready",
        **{part: found.states[part] for part in asked},
        "failing": failing,
    }
    if found.signs is not None and parts is None:
        body["seconds"] = {
            part: None if age is None else round(age, 1) for part, age in found.signs.ages.items()
        }
    return JsonResponse(body, status=503 if failing else 200)


def look() -> Health:
    database = _database()
    signs = _signs()
    states = {
        "database": database,
        "queue": "unreachable" if signs is None else "ok",
        "migrations": _migrations() if database == "ok" else "unknown",
    }
    for part in heartbeat.SILENT:
        silent = signs is not None and signs.silent(part)
        states[part] = "unknown" if signs is None else "silent" if silent else "ok"
    return Health(states, signs)


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        log.warning("The database does not answer", exc_info=True)
        return "unreachable"
    return "ok"


def _signs() -> Signs | None:
    try:
        return heartbeat.read()
    except redis.RedisError:
        log.warning("The queue does not answer", exc_info=True)
        return None


_migrated = False


def _migrations() -> str:
    """Whether the database is as far as this code. Asked until it is, then remembered."""
    global _migrated
    if not _migrated:
        executor = MigrationExecutor(connection)
        _migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return "ok" if _migrated else "pending"
