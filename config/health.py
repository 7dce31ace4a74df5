"""/health/live: the process answers. /health/ready: it can do its work.

A middleware rather than views: a probe asks by an IP address and without TLS, so it must
be answered before host names are checked and requests are sent on to https.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable

import redis
from django.conf import settings
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse

log = logging.getLogger(__name__)


class HealthMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith("/health/"):
            return self.get_response(request)
        if request.path == "/health/live":
            response = JsonResponse({"status": "live"})
        elif request.path == "/health/ready":
            response = ready()
        else:
            response = JsonResponse({"status": "not found"}, status=404)
        response.headers["Content-Length"] = str(len(response.content))
        return response


def ready() -> JsonResponse:
    """200 when all is well, otherwise 503; what is wrong is named, the details are only logged."""
    parts = {"database": _database(), "queue": _queue()}
    parts["migrations"] = _migrations() if parts["database"] == "ok" else "unknown"
    well = all(state == "ok" for state in parts.values())
    return JsonResponse(
        {"status": "ready" if well else "not ready", **parts}, status=200 if well else 503
    )


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        log.warning("The database does not answer", exc_info=True)
        return "unreachable"
    return "ok"


def _queue() -> str:
    try:
        _redis().ping()
    except redis.RedisError:
        log.warning("The queue does not answer", exc_info=True)
        return "unreachable"
    return "ok"


@functools.cache
def _redis() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)


_migrated = False


def _migrations() -> str:
    """Whether the database is as far as this code. Asked until it is, then remembered."""
    global _migrated
    if not _migrated:
        executor = MigrationExecutor(connection)
        _migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return "ok" if _migrated else "pending"
