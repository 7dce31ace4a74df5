"""A crash at a statement of the database, to see that nothing half happens (R26)."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.db import OperationalError, connection

WAYS = ("fault", "cut before", "cut after")


class Crash:
    """For connection.execute_wrapper: the n-th statement fails.

    way: "fault" is an error that the statement raises; "cut" ends the database's own process, as
    a restart of the database does, before the statement or after it, which may be just before the
    commit. statement: the one that met it; None when there were not so many.
    """

    def __init__(self, at: int, way: str) -> None:
        self.at, self.way = at, way
        self.statement: str | None = None

    def __repr__(self) -> str:
        return f"{self.way} at statement {self.at}: {' '.join((self.statement or '').split())}"

    def __call__(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        self.at -= 1
        if self.at or self.statement is not None:
            return execute(sql, params, many, context)
        self.statement = sql
        if self.way == "fault":
            raise OperationalError("a fault that a test has made")
        if self.way == "cut before":
            _cut()
            return execute(sql, params, many, context)
        result = execute(sql, params, many, context)
        _cut()
        return result


def _cut() -> None:
    """End the server's process behind our connection, and wait until it is gone."""
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            pid = connection.connection.info.backend_pid
            cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
            while cursor.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", [pid]).rowcount:
                time.sleep(0.001)
    finally:
        other.close()


def hang_up() -> None:
    """Our connection ends without a word, as when the server's process is killed."""
    with socket.socket(fileno=os.dup(connection.connection.fileno())) as wire:
        wire.shutdown(socket.SHUT_RDWR)


_TELLING = ("scim_exchange", "licensing_ledgerseal", "licensing_reconciled")


def rows_of(organization_id: int) -> dict[str, list[str]]:
    """Every row of the organization as text, but those that tell of the telling: the activity
    log's, the ledger's seals, how reconciliation went. When a token was last used is no change."""
    found: dict[str, list[str]] = {}
    with connection.cursor() as cursor:
        for model in apps.get_models():
            table = model._meta.db_table
            columns = {field.column for field in model._meta.fields}
            if "organization_id" not in columns or table in _TELLING:
                continue
            cursor.execute(
                f"SELECT (to_jsonb(t) - 'last_used_at')::text FROM {table} t "
                "WHERE organization_id = %s ORDER BY 1",
                [organization_id],
            )
            found[table] = [row[0] for row in cursor.fetchall()]
    return found
