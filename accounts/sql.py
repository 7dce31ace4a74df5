"""The statements of every push, without what a cursor costs.

A cursor of psycopg under Django's takes as long as a small statement itself. `fetch` sends a
statement that is prepared once a connection in one round trip, and gives its rows as tuples.
Everything else is as with `connection.cursor()`: psycopg adapts the values, errors are
Django's, and the transaction is the one that Django has opened (docs/decisions/0018).
"""

from __future__ import annotations

import itertools
import re
import select
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NoReturn

import psycopg
from django.db import connections
from psycopg import errors, pq
from psycopg.adapt import AdaptersMap, PyFormat, Transformer
from psycopg.types.datetime import TimestamptzLoader
from psycopg.types.numeric import Int8Dumper

Rows = list[tuple[Any, ...]]
#: A statement and the values of its parameters, which are named: `%(name)s`.
Statement = tuple[str, Mapping[str, Any]]

_PARAMETER = re.compile(r"%(?:\((\w+)\)s|%)")
_PREPARED = "seatkeeper_prepared"
_IDLE = pq.TransactionStatus.IDLE
#: A transaction that fails so is tried again, and what it runs is prepared anew.
PREPARED_ANEW = {"26000", "0A000"}
_DONE = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK)
_BEGIN: Statement = ("BEGIN", {})


def fetch(text: str, parameters: Mapping[str, Any]) -> Rows:
    """Run one statement; its rows, none where it returns none."""
    return fetch_all((text, parameters))[0]


def fetch_all(*statements: Statement) -> list[Rows]:
    """Run statements one after the other, sent together: one way to the database and back.

    Each sees what those before it did, and what others committed meanwhile.
    """
    django = connections["default"]
    if django.connection is None:
        django.ensure_connection()
    if django.execute_wrappers or django.queries_logged or django.needs_rollback:
        return [_by_cursor(django, *statement) for statement in statements]
    wire = django.connection
    prepared = vars(wire).get(_PREPARED)
    with django.wrap_database_errors:
        if prepared is None:
            prepared = vars(wire)[_PREPARED] = _Prepared(wire)
        if django.autocommit or wire.pgconn.transaction_status != _IDLE:
            return prepared.run(statements)
        # Django has opened a transaction: it begins with its first statement.
        return prepared.run((_BEGIN, *statements))[1:]


class _Prepared:
    """What one connection has prepared. adapters and connection: what psycopg adapts by."""

    def __init__(self, wire: psycopg.Connection[Any]) -> None:
        self.connection = wire
        self.adapters = AdaptersMap(wire.adapters)
        # One type for every whole number, so that a statement is prepared once, not once for
        # each size that its numbers happen to have.
        self.adapters.register_dumper(int, Int8Dumper)
        # Django's own loader is written in Python, for zones that a connection could have.
        self.adapters.register_loader("timestamptz", TimestamptzLoader)
        self.transformer = Transformer(self)
        self.names: dict[tuple[bytes, tuple[int, ...]], bytes] = {}
        self.numbers = itertools.count()
        self.poll = select.poll()
        self.poll.register(wire.pgconn.socket, select.POLLIN)

    def run(self, statements: Sequence[Statement]) -> list[Rows]:
        """Once more where what was prepared is gone and there is nothing to begin anew."""
        wire = self.connection.pgconn
        alone = len(statements) == 1 and wire.transaction_status == _IDLE
        results = self._send_all(statements)
        if alone and _state(results[0]) in PREPARED_ANEW:
            results = self._send_all(statements)
        for result in results:
            self._check(result)
        return [self._rows(result) for result in results]

    def _send_all(self, statements: Sequence[Statement]) -> list[Any]:
        wire = self.connection.pgconn
        if len(statements) == 1:
            name, values, formats = self._prepared(wire.prepare, statements[0])
            results = [wire.exec_prepared(name, values, formats)]
        else:
            results = self._send_together(statements)
        if any(_state(result) in PREPARED_ANEW for result in results):
            self.names.clear()
        return results

    def _send_together(self, statements: Sequence[Statement]) -> list[Any]:
        wire = self.connection.pgconn
        wire.enter_pipeline_mode()
        preparing: list[bool] = []
        try:
            for statement in statements:
                known = len(self.names)
                name, values, formats = self._prepared(wire.send_prepare, statement)
                preparing += [True, False] if len(self.names) > known else [False]
                wire.send_query_prepared(name, values, formats)
            wire.pipeline_sync()
            while wire.flush():
                self._wait(select.POLLIN | select.POLLOUT)
            answers = []
            for _ in preparing:
                answers.append(self._answer() or self._lost())
                self._answer()  # the end of this one's
            self._answer()  # that of pipeline_sync
        finally:
            if wire.status != pq.ConnStatus.BAD:
                wire.exit_pipeline_mode()
        failed = [answer for answer in answers if answer.status not in _DONE]
        if failed:
            if any(preparing):  # not all of them may be there
                self.names.clear()
            return failed[:1]
        return [answer for answer, prepares in zip(answers, preparing, strict=True) if not prepares]

    def _prepared(self, prepare: Any, statement: Statement) -> tuple[bytes, Any, Any]:
        """The name of the statement, prepared now if it was not, and values in their formats."""
        text, parameters = statement
        compiled, names, formats = _compiled(text)
        transformer = self.transformer
        values = transformer.dump_sequence([parameters[name] for name in names], formats)
        types = transformer.types or ()
        name = self.names.get((compiled, types))
        if name is None:
            name = b"seatkeeper_%d" % next(self.numbers)
            result = prepare(name, compiled, types)
            if result is not None:
                self._check(result)
            self.names[compiled, types] = name
        return name, values, transformer.formats

    def _answer(self) -> Any:
        wire = self.connection.pgconn
        while wire.is_busy():
            self._wait(select.POLLIN)
        return wire.get_result()

    def _wait(self, events: int) -> None:
        """Until the connection has something for us. Other threads run meanwhile: one of them
        may hold the lock that the statement waits for."""
        self.poll.modify(self.connection.pgconn.socket, events)
        self.poll.poll()
        self.connection.pgconn.consume_input()

    def _check(self, result: Any) -> None:
        if result.status in _DONE:
            return
        if not _state(result) or self.connection.pgconn.status == pq.ConnStatus.BAD:
            # Nobody answered, so the error has no code; libpq may not call the connection bad yet.
            self._lost()
        raise errors.error_from_result(result)

    def _lost(self) -> NoReturn:
        raise psycopg.OperationalError(self.connection.pgconn.get_error_message())

    def _rows(self, result: Any) -> Rows:
        if not result.ntuples:
            return []
        self.transformer.set_pgresult(result)
        try:
            return self.transformer.load_rows(0, result.ntuples, tuple)
        finally:
            self.transformer.set_pgresult(None)


def _state(result: Any) -> str:
    return (result.error_field(pq.DiagnosticField.SQLSTATE) or b"").decode()


def _by_cursor(django: Any, text: str, parameters: Mapping[str, Any]) -> Rows:
    """The same where somebody watches the statements, or where Django refuses to run one."""
    with django.cursor() as cursor:
        cursor.execute(text, parameters)
        return cursor.fetchall() if cursor.description else []


@cache
def _compiled(text: str) -> tuple[bytes, tuple[str, ...], tuple[PyFormat, ...]]:
    """The text with numbered parameters, and their names in order."""
    names: list[str] = []

    def numbered(found: re.Match[str]) -> str:
        name = found[1]
        if name is None:
            return "%"
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}"

    statement = _PARAMETER.sub(numbered, text)
    return statement.encode(), tuple(names), (PyFormat.AUTO,) * len(names)
