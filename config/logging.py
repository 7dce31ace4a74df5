"""One JSON line per request on standard error, and JSON for everything else that is logged.

No line holds a secret: of a query string only the names are kept, a path's part that may
be a link's secret is cut out, and so is anything that looks like a bearer token.
"""

from __future__ import annotations

import logging
import logging.config
import os
import re
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from accounts import request_ids
from accounts.secrets import PREFIX

#: Probes ask these every few seconds; only a failure is worth a line, and none is counted.
QUIET = ("/health/live", "/health/web", "/health/ready", "/metrics")
_SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
#: A part of a path as long as a secret, unless it is a resource's id.
_SECRET_PART = re.compile(rf"/(?!{_UUID}(?:/|$))[A-Za-z0-9_=:-]{{28,}}(?=/|$)")
_SECRETS = re.compile(
    r"(?i)(bearer\s+|password[\"']?\s*[=:]\s*[\"']?|://[^\s/:@]*:(?=[^\s/]*@)|"
    + PREFIX
    + r")[^\s\"'@,;]+"
)


class RequestLogMiddleware:
    """The outermost middleware: gives each request its id, and logs it when it was answered.

    Sets `request.request_id` and `request.log_fields`, a dict that views may add
    identifiers to (organization, application), and the response's X-Request-Id; whatever is
    logged or put into the outbox meanwhile carries the id too (accounts.request_ids).
    An id that the client sent as X-Request-ID is kept when it is harmless.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        from config import metrics  # only the web counts

        self.get_response = get_response
        self.count = metrics.count
        self.silent = logging.getLevelName(settings.LOG_LEVEL) > logging.INFO

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        sent = request.META.get("HTTP_X_REQUEST_ID")
        request_id = sent if sent and _SANE_ID.fullmatch(sent) else secrets.token_hex(12)
        request.request_id = request_id  # type: ignore[attr-defined]
        request.log_fields = {}  # type: ignore[attr-defined]
        # Django has turned any exception into a response here; its traceback is a line of
        # the logger django.request, with this id.
        before = request_ids.current.set(request_id)
        try:
            response = self.get_response(request)
        finally:
            request_ids.current.reset(before)
        response.headers["X-Request-Id"] = request_id
        seconds = time.perf_counter() - started
        probed = request.path in QUIET
        if not probed:
            self.count(request, response.status_code, seconds)
        if not self.silent and not (probed and response.status_code == 200):
            os.write(2, line(request, response, seconds))
        return response


def line(request: HttpRequest, response: HttpResponse, seconds: float) -> bytes:
    """The request as one JSON line. One write of it is never mixed with another process's."""
    fields = {
        "time": datetime.now(UTC),
        "request_id": request.request_id,  # type: ignore[attr-defined]
        "method": request.method,
        "path": address(request),
        "status": response.status_code,
        "ms": round(seconds * 1000, 2),
        **request.log_fields,  # type: ignore[attr-defined]
    }
    return orjson.dumps(fields, default=str, option=orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE)


def address(request: HttpRequest) -> str:
    """The path without secrets, and of the query the names alone."""
    path = request.path
    if len(path) > 28:
        path = _SECRET_PART.sub("/…", path)
    if query := request.META.get("QUERY_STRING"):
        path += "?" + "&".join(part.split("=", 1)[0] + "=…" for part in query[:500].split("&"))
    return path


def redacted(text: str) -> str:
    """The text without passwords, bearer tokens and the passwords of addresses."""
    return _SECRETS.sub(r"\1…", text)


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname,
            "logger": record.name,
            "message": redacted(record.getMessage()),
        }
        request = getattr(record, "request", None)
        request_id = getattr(request, "request_id", None) or request_ids.current.get()
        if request_id:
            fields["request_id"] = request_id
        if record.exc_info:
            fields["exception"] = redacted(self.formatException(record.exc_info))
        return orjson.dumps(fields, default=str, option=orjson.OPT_UTC_Z).decode()


def configure(**_: Any) -> None:
    """Set up logging for web, worker, schedule and commands alike."""
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"json": {"()": JsonFormatter}},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
            "root": {"level": settings.LOG_LEVEL, "handlers": ["stderr"]},
            "loggers": {
                # A refused request has its line already; errors bring their traceback.
                "django.request": {"level": "ERROR"},
                # Each lookup of a stranger's host name is a request line with status 400.
                "django.security.DisallowedHost": {"level": "CRITICAL"},
                "httpx": {"level": "WARNING"},
                # Each task that went well would be four lines a minute.
                "celery": {"level": "WARNING"},
            },
        }
    )
