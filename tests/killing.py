"""A process that is killed in the middle of one request or task, to see what is left of it (R26).

Each kind is done by a process of its own, forked from this one, on a copy of one database. After
the n-th of its statements it stands still, as somebody who waits for a lock, and gets SIGKILL:
PostgreSQL then finds a client that is gone in the middle of a transaction, as it would of a web
or a worker. What is in the tables is compared with what was there before, and with what the same
kind leaves that nobody killed; then it is done again.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import os
import re
import signal
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from django.core.cache import cache
from django.db import connection, connections

from accounts import clock
from config.celery import app
from tests.licensing import books

#: They tell of the telling, or of a browser.
APART = {
    *("scim_exchange", "scim_turnedaway", "licensing_reconciled"),
    *("django_session", "django_migrations", "django_content_type", "auth_permission"),
    "accounts_adminsession",
}
#: Of no two runs the same: drawn by lot, or how often it was tried.
DRAWN = {
    *("digest", "hint", "secret", "previous_secret", "key", "password", "client_secret"),
    *("request_id", "last_used_at", "last_login", "address", "user_agent"),
    *("attempts", "tries", "answer", "failures"),
}
#: New rows get ids from here on, so that one is told from those that were there.
FIRST_NEW = 1_000_000
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_UNLIKE = (
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d[^\"\\]*"), "(time)"),
    (re.compile(r"[0-9a-f]{24,}"), "(hash)"),
    (re.compile(r"\b1\d{6}\b"), "(new)"),
)

Tables = dict[str, list[str]]


@dataclasses.dataclass(frozen=True)
class Kind:
    """Something that is done by one process. deed: what it answers, a status or None. whole: one
    transaction, so that there is all of it or nothing. again: doing it twice changes no more than
    once. before: what must be so first; its result is handed to the deed. later: when it is done
    again. apart: it changes only what is not compared, and must not fail.
    """

    name: str
    deed: Callable[[Any], Any]
    before: Callable[[], Any] = lambda: None
    whole: bool = True
    again: bool = False
    later: dt.timedelta = dt.timedelta()
    apart: bool = False


@dataclasses.dataclass
class Seen:
    """Of one kind: how many statements it has, after which of them it was killed, how often that
    had undone it, and what was wrong, in sentences."""

    name: str
    statements: int = 0
    killed_after: list[int] = dataclasses.field(default_factory=list)
    undone: int = 0
    wrong: list[str] = dataclasses.field(default_factory=list)


class Killing:
    """Databases for kinds, all copies of the one that is connected now."""

    def __init__(self, now: dt.datetime) -> None:
        self.now = now
        self.source = str(connection.settings_dict["NAME"])
        self._number = 0
        self._names: list[str] = []
        name = connection.settings_dict["NAME"]
        self._parameters = connection.get_connection_params() | {"dbname": name}
        for unknown in ("cursor_factory", "context", "prepare_threshold", "server_side_binding"):
            self._parameters.pop(unknown, None)
        self._server = psycopg.connect(**self._parameters | {"dbname": "postgres"}, autocommit=True)

    def close(self) -> None:
        connections.close_all()
        connection.settings_dict["NAME"] = self.source
        for name in self._names:
            self._server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        self._server.close()

    def see(self, kind: Kind, *, moments: int = 4) -> Seen:
        """Kill it at so many moments, evenly from its first statement to its last one."""
        seen = Seen(kind.name)
        try:
            self._see(kind, moments, seen)
        except Exception as error:
            seen.wrong.append(f"it could not be tried: {error!r}")
        return seen

    def _see(self, kind: Kind, moments: int, seen: Seen) -> None:
        """One copy for who is never killed; another for who is killed at one moment after the
        other, and in the end is not."""
        there, given = self._ready(kind)
        before = self._tables(there)
        usual = self._copy(there)
        done = self._do(kind, given, usual)
        after, seen.statements = self._tables(usual), done["statements"]
        expected_books = self._books(usual)
        self._drop(usual)
        if done["error"] or (done["answer"] or 200) >= 400:
            seen.wrong.append(f"unkilled it ends with {done['error'] or done['answer']}")
        elif after == before and not kind.apart:
            seen.wrong.append("unkilled it changes nothing")
        left, turn = before, 0
        for stop in [] if seen.wrong else _moments(seen.statements, moments):
            if left == after and not kind.again:
                break
            self._do(kind, given, there, stop=stop, later=turn * kind.later)
            left, turn = self._tables(there), turn + 1
            seen.killed_after.append(stop)
            seen.undone += left == before
            if kind.whole and left not in (before, after):
                seen.wrong.append(
                    f"killed after statement {stop} of {seen.statements}: half is done: "
                    f"{difference(before, left)}"
                )
        if not seen.wrong and (left != after or kind.again):
            done = self._do(kind, given, there, later=turn * kind.later)
            left = self._tables(there)
            if done["error"]:
                seen.wrong.append(f"again it ends with {done['error']}")
            elif left != after:
                seen.wrong.append(f"again it leaves {difference(after, left)}")
        if not seen.wrong and (found := self._books(there)) != expected_books:
            seen.wrong.append(f"the books are wrong: {found}")
        self._drop(there)

    # -------------------------------------------------------------- databases

    def _ready(self, kind: Kind) -> tuple[str, Any]:
        """A copy in which everything is as the deed needs it, and what it is given."""
        name = self._copy(self.source)
        with self._connected(name):
            with clock.stopped(at=self.now):
                given = kind.before()
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT setval(format('%%I.%%I', schemaname, sequencename), %s) "
                    "FROM pg_sequences",
                    [FIRST_NEW],
                )
        return name, given

    def _copy(self, source: str) -> str:
        connections.close_all()
        self._number += 1
        name = f"killed_{os.getpid()}_{self._number}"
        self._server.execute(f"CREATE DATABASE {name} TEMPLATE {source}")
        self._names.append(name)
        return name

    def _drop(self, name: str) -> None:
        self._names.remove(name)
        self._server.execute(f"DROP DATABASE {name} WITH (FORCE)")

    @contextmanager
    def _connected(self, name: str) -> Iterator[None]:
        connections.close_all()
        connection.settings_dict["NAME"] = name
        try:
            yield
        finally:
            connections.close_all()
            connection.settings_dict["NAME"] = self.source

    def _tables(self, name: str) -> Tables:
        """Every row as text, without what differs from run to run."""
        with psycopg.connect(**self._parameters | {"dbname": name}) as there:
            tables = there.execute(
                "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition "
                "AND relnamespace = 'public'::regnamespace ORDER BY relname"
            ).fetchall()
            found = {}
            for (table,) in tables:
                if table not in APART:
                    rows = there.execute(
                        f"SELECT (to_jsonb(t) - %s::text[])::text FROM {table} t",  # type: ignore[arg-type]
                        [sorted(DRAWN)],
                    )
                    found[table] = [row for (row,) in rows]
        known = self._known(found)
        return {table: sorted(_alike(row, known) for row in rows) for table, rows in found.items()}

    def _known(self, found: dict[str, list[str]]) -> set[str]:
        """The uuids of rows that were made before everything."""
        if not hasattr(self, "_uuids"):
            self._uuids = {u for rows in found.values() for row in rows for u in _UUID.findall(row)}
        return self._uuids

    def _books(self, name: str) -> dict[str, int]:
        with psycopg.connect(**self._parameters | {"dbname": name}) as there:
            found = books.wrong(lambda statement: there.execute(statement).fetchall())  # type: ignore[call-overload]
        return {what: len(rows) for what, rows in found.items()}

    # -------------------------------------------------------------- processes

    def _do(
        self,
        kind: Kind,
        given: Any,
        name: str,
        *,
        stop: int | None = None,
        later: dt.timedelta = dt.timedelta(),
    ) -> dict[str, Any]:
        """By a process of its own. stop: it is killed after so many statements."""
        connections.close_all()
        cache.clear()
        reading, writing = os.pipe()
        pid = os.fork()
        if not pid:
            os.close(reading)
            self._child(kind, given, name, stop, self.now + later, writing)
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            said = pipe.readline()
            if said == b"stands still\n":
                os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        self._wait_until_gone(name)
        if said == b"stands still\n":
            return {}
        assert said, f"{kind.name} ended without a word"
        return dict(json.loads(said))

    def _child(
        self, kind: Kind, given: Any, name: str, stop: int | None, now: dt.datetime, pipe: int
    ) -> None:
        said: dict[str, Any] = {"error": "", "answer": None}
        counter = _Counter(stop, pipe)
        try:
            connection.settings_dict["NAME"] = name
            app.conf.broker_url = "memory://"  # what a task starts is a kind of its own
            app.conf.result_backend = None
            with clock.stopped(at=now), connection.execute_wrapper(counter):
                said["answer"] = kind.deed(given)
            if stop is not None:  # nobody has heard the answer
                counter.stand_still()
        except BaseException:
            said["error"] = traceback.format_exc()[-600:]
        finally:
            said["statements"] = counter.number
            os.write(pipe, json.dumps(said, default=str).encode() + b"\n")
            os._exit(0)

    def _wait_until_gone(self, name: str) -> None:
        """The server's process has noticed, and rolled back."""
        asked = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"
        while self._server.execute(asked, [name]).fetchone() != (0,):
            time.sleep(0.002)


class _Counter:
    """For connection.execute_wrapper: counts statements, and stands still after one of them."""

    def __init__(self, stop: int | None, pipe: int) -> None:
        self.stop, self.pipe, self.number = stop, pipe, 0

    def __call__(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        result = execute(sql, params, many, context)
        self.number += 1
        if self.number == self.stop:
            self.stand_still()
        return result

    def stand_still(self) -> None:
        os.write(self.pipe, b"stands still\n")
        while True:
            signal.pause()


def _moments(statements: int, number: int) -> list[int]:
    """Of so many statements those after which it is killed; one more is after the last word."""
    last = statements + 1
    return sorted({1 + (last - 1) * n // max(1, number - 1) for n in range(number)})


def _alike(row: str, known: set[str]) -> str:
    text = _UUID.sub(lambda found: found[0] if found[0] in known else "(uuid)", row)
    for pattern, instead in _UNLIKE:
        text = pattern.sub(instead, text)
    return text


def difference(wanted: Tables, found: Tables) -> str:
    """In which tables, and the first row of each that is on one side only."""
    told = []
    for table in wanted:
        more = [row for row in found[table] if row not in wanted[table]]
        less = [row for row in wanted[table] if row not in found[table]]
        if more or less or len(wanted[table]) != len(found[table]):
            told.append(
                f"{table} +{len(found[table]) - len(wanted[table])} "
                f"{(more[:1] or [''])[0][:300]} instead of {(less[:1] or [''])[0][:300]}"
            )
    return "; ".join(told)


def all_at(killing: Killing, kinds: Sequence[Kind], *, moments: int) -> list[Seen]:
    return [killing.see(kind, moments=moments) for kind in kinds]


def quiet(settings: Any) -> None:
    """Settings under which nothing leaves this machine."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    settings.WEBHOOK_PRIVATE_ADDRESSES = True
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
