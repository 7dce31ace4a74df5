"""The activity log: each request and its answer, with secrets removed (R28).

Changes are written at once. Reads are many and change nothing: they are collected in
memory and written together, at most a second later, so that a look-up costs no write.
"""

from __future__ import annotations

import datetime as dt
import logging
import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_plus

import orjson
from django.db import DatabaseError
from django.http import HttpResponse

from accounts import clock, names, partitions, sql
from scim.answers import ScimRequest
from scim.later import Later

#: At least: a month is forgotten when all of it is older (accounts.partitions).
KEPT = dt.timedelta(days=90)
#: More of one body than this is not kept, only how large it was.
LARGEST = 64 * 1024
_READS = ("GET", "HEAD")
#: What a resource is called, in the JSON that is kept, whatever its case.
_NAMED = {
    kind: re.compile(rf'"{name}":("(?:[^"\\]|\\.)*")', re.IGNORECASE)
    for kind, name in (("users", "userName"), ("groups", "displayName"))
}
LONGEST_ABOUT = 200
_SECRETS = ("password", "token", "secret", "authorization")
_NUL = "\\u0000"
_log = logging.getLogger("seatkeeper.exchanges")


def record(
    request: ScimRequest,
    response: HttpResponse,
    *,
    started: float,
    detail: str = "",
    with_change: bool = False,
) -> None:
    """Keep one exchange.

    with_change: in the transaction of what the request changes, so that there is no change
    without its line. Otherwise a fault here never spoils the answer.
    """
    caller = request.caller
    path = request.get_full_path()
    address = _text(_address(path[path.find("/scim/v2") + 8 :]))
    sent = _kept(request.body) if request.method not in _READS else None
    row = (
        caller.organization.pk,
        caller.application.pk,
        caller.token_id,
        caller.request_id[:128],
        clock.now(),
        round((time.perf_counter() - started) * 1000, 2),
        request.method,
        address[:1024],
        response.status_code,
        sent,
        _kept(response.content) if request.method not in _READS or detail else None,
        _text(detail),
        about(address, sent),
    )
    if with_change:
        sql.fetch(_INSERT, dict(zip(_COLUMNS, row, strict=True)))
    elif request.method in _READS and response.status_code < 400:
        _reads.put(row)
    else:
        _write([row])


def about(address: str, sent: str | None) -> str:
    """What to find the exchange by: the id in its address, or the key of what it creates."""
    kind, _, id = address.partition("?")[0].strip("/").partition("/")
    pattern = _NAMED.get(kind.casefold())
    if pattern is None or id.startswith("."):
        return ""
    if id:
        return id.casefold()[:LONGEST_ABOUT]
    named = pattern.search(sent) if sent else None
    return names.key(orjson.loads(named[1]))[:LONGEST_ABOUT] if named else ""


def flush() -> None:
    """Write what was collected."""
    _reads.flush()


def watch(told: Callable[[int], None]) -> None:
    """told: called each second with how many lines wait in this process."""
    _reads.watch = told


def prune() -> None:
    """Forget the months all of which is older than KEPT."""
    partitions.prune("scim_exchange", clock.now() - KEPT, rows=True)


def _kept(body: bytes) -> str | None:
    """The JSON that is stored: without secrets, or what it was when it is no storable JSON."""
    if not body:
        return None
    if len(body) > LARGEST:
        return orjson.dumps({"bytes": len(body), "kept": False}).decode()
    try:
        document = orjson.loads(body)
        text = orjson.dumps(document).decode()
        if _is_secret(text) or _NUL in text:
            text = orjson.dumps(_redacted(document)).decode()
        return text
    except (ValueError, TypeError, RecursionError):
        text = _text(body[:2000].decode("utf-8", "replace"))
        return orjson.dumps({"not_json": "(removed)" if _is_secret(text) else text}).decode()


def _text(text: str) -> str:
    """What PostgreSQL can store: it knows no NUL."""
    return text.replace("\x00", "�")


def _address(path: str) -> str:
    """Path and query; a query that names a secret is left out."""
    way, question, query = path.partition("?")
    return f"{way}?(removed)" if question and _is_secret(unquote_plus(query)) else path


def _is_secret(text: str) -> bool:
    return any(secret in text.lower() for secret in _SECRETS)


def _redacted(value: Any) -> Any:
    if isinstance(value, dict):
        # {"op": "replace", "path": "password", "value": …}: the secret stands under another name.
        names_one = any(
            name.lower() == "path" and isinstance(part, str) and _is_secret(part)
            for name, part in value.items()
        )
        return {
            _text(name): "(removed)"
            if _is_secret(name) or (names_one and name.lower() == "value")
            else _redacted(part)
            for name, part in value.items()
        }
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list):
        return [_redacted(part) for part in value]
    return value


_COLUMNS = {
    "organization_id": "bigint",
    "application_id": "uuid",
    "token_id": "uuid",
    "request_id": "text",
    "at": "timestamptz",
    "milliseconds": "float8",
    "method": "text",
    "path": "text",
    "status": "smallint",
    "request": "jsonb",
    "response": "jsonb",
    "detail": "text",
    "about": "text",
}

_INSERT = f"""
INSERT INTO scim_exchange ({", ".join(_COLUMNS)})
VALUES ({", ".join(f"%({name})s::{kind}" for name, kind in _COLUMNS.items())})
"""
#: Not even a power cut may lose a change; it may lose the last lines of what changed nothing, so
#: that writing them waits for no disk. The setting lasts for this statement's own transaction.
_INSERT_APART = f"""
WITH no_wait AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))
INSERT INTO scim_exchange ({", ".join(_COLUMNS)})
SELECT row.* FROM no_wait, unnest(
    {", ".join(f"%({name})s::{kind}[]" for name, kind in _COLUMNS.items())}) AS row
"""
_MOST_ROWS = 500


def _columns(rows: list[tuple[Any, ...]]) -> dict[str, list[Any]]:
    return dict(zip(_COLUMNS, map(list, zip(*rows, strict=True)), strict=True))


def _write(rows: list[tuple[Any, ...]]) -> None:
    try:
        for first in range(0, len(rows), _MOST_ROWS):
            sql.fetch(_INSERT_APART, _columns(rows[first : first + _MOST_ROWS]))
    except DatabaseError:
        _log.exception("%d exchanges could not be kept", len(rows))


_reads = Later("exchanges", _write)
