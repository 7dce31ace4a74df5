"""gunicorn's threads, answering what they refuse themselves as the rest of SCIM is answered.

What cannot be read as HTTP never reaches the application, and gunicorn tells about it with an
HTML page. An identity provider expects a SCIM error (RFC 7644 section 3.12).

A client that begins a request and then says nothing would keep its thread for ever, and eight of
them the whole web: after CLIENT_PATIENCE seconds of silence it is hung up on.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
import struct
import traceback
from http import HTTPStatus
from typing import Any

from gunicorn import util
from gunicorn.http import errors
from gunicorn.http.message import Request
from gunicorn.workers.gthread import ThreadWorker

_TOLD = {
    HTTPStatus.BAD_REQUEST: "The request cannot be read as HTTP.",
    HTTPStatus.REQUEST_URI_TOO_LONG: "The address is too long: use POST with .search.",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "The headers of the request are too long.",
}
#: Not the caller's mistakes: gunicorn's own way, with a traceback in the log.
_OURS = (
    errors.ConfigurationProblem,
    errors.InvalidResponseHeader,
    errors.InvalidResponseHeaderName,
)


#: For setsockopt: seconds and microseconds that reading waits for the next byte.
_PATIENCE = struct.pack("ll", int(os.environ.get("CLIENT_PATIENCE", "20")), 0)


def _plainly(record: logging.LogRecord) -> bool:
    """A client that was hung up on is no error of ours: a line instead of a traceback."""
    if record.exc_info and isinstance(record.exc_info[1], BlockingIOError):
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        record.msg, record.args, record.exc_info = "Hung up on a client that went silent.", (), None
    return True


class Worker(ThreadWorker):
    def init_process(self) -> None:
        self.log.error_log.addFilter(_plainly)
        super().init_process()

    def handle(self, conn: Any) -> Any:
        # Not settimeout: gunicorn makes the socket a blocking one itself, before it reads.
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _PATIENCE)
        return super().handle(conn)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        if not isinstance(exc, errors.ParseException) or isinstance(exc, _OURS):
            super().handle_error(req, client, addr, exc)
            return
        # The error's own text may repeat a header, and with it a token.
        self.log.warning("Refused a request from %s: %s", (addr or ("",))[0], type(exc).__name__)
        with contextlib.suppress(OSError):
            util.write_nonblock(client, answer(exc))


def answer(exc: errors.ParseException) -> bytes:
    """The whole response: a SCIM error, or plain text where the address is known as another."""
    status = _status(exc)
    path = _path(exc)
    if path is None or path.startswith("/scim/v2"):
        kind = "application/scim+json"
        body = json.dumps(
            {
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
                "status": str(status.value),
                "detail": _TOLD[status],
            }
        )
    else:
        kind, body = "text/plain; charset=utf-8", f"{_TOLD[status]}\n"
    return (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nConnection: close\r\n"
        f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode("ascii")


def _status(exc: errors.ParseException) -> HTTPStatus:
    if isinstance(exc, errors.LimitRequestLine):
        return HTTPStatus.REQUEST_URI_TOO_LONG
    if isinstance(exc, errors.LimitRequestHeaders):
        return HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
    return HTTPStatus.BAD_REQUEST


def _path(exc: BaseException) -> str | None:
    """The address, if it was read before the error: only the unfinished request knows it."""
    for frame, _ in traceback.walk_tb(exc.__traceback__):
        if isinstance(request := frame.f_locals.get("self"), Request):
            return request.path  # type: ignore[no-any-return]
    return None
