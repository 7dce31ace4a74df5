"""Tables that grow for ever are kept by month, so that what is old goes at once, not row by row.

`ensure` makes the months that are to come, `prune` drops those that are over for long; the
schedule runs both. A last part of each table, the default, takes what no month is there for: a
push never fails because one is missing. Both change tables while pushes write to them, so each
change is a transaction of its own that gives up a lock for which it would have to wait longer
than PATIENCE, lets pushes pass, and is tried again (docs/decisions/0033).
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import logging
import re
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from django.db import OperationalError, connection, transaction

from accounts import clock

Result = TypeVar("Result")

#: Months that are made beside the one that is: the schedule may stand still for so long.
AHEAD = 3
#: So long a change of tables waits for a lock, and pushes behind it; then it lets them pass.
PATIENCE = "100ms"
_TRIES, _PAUSE = 50, 0.2
_TRY_AGAIN = {"55P03", "40P01"}
#: Rows of the default that are moved while pushes wait: less than a second.
MOST_MOVED = 20_000
_log = logging.getLogger("seatkeeper.partitions")


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """One month of a table, as a table of its own.

    begins, ends: what it holds, begins <= time < ends. begins is None for what was there before
    the table was kept by month; both are None for the default.
    """

    name: str
    begins: dt.datetime | None
    ends: dt.datetime | None

    def holds(self, month: dt.datetime) -> bool:
        return self.ends is not None and (
            self.begins is None or self.begins <= month
        ) and month < self.ends  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True)
class State:
    """missing: of this month and the next, those without a part. strays: rows in the default."""

    table: str
    missing: list[dt.datetime]
    strays: int


_tables: dict[str, str] = {}


def register(table: str, column: str) -> None:
    """That table is kept by the month of this column. From AppConfig.ready of its package."""
    _tables[table] = column


def ensure() -> list[str]:
    """Make the parts of this month and the next ones, where they are missing; their names.

    What landed in the default meanwhile moves to its month; more than MOST_MOVED rows stay.
    Repeating it is harmless.
    """
    made = []
    for table in list(_tables):
        for month in _months(AHEAD):
            if (there := parts(table)) and not any(part.holds(month) for part in there):
                made += briefly(functools.partial(_make, table, month))
    return made


def after_migrations(**_: Any) -> None:
    """`ensure`, by the role that owns the tables. Where a long report is in the way, the schedule
    does it."""
    try:
        ensure()
    except OperationalError as error:
        _log.warning("the months to come are not made yet: %s", error)


def prune(table: str, before: dt.datetime, *, rows: bool) -> list[str]:
    """Drop the months all of which is older; the names of the parts that are gone.

    rows: also delete, in whole months too, what is older in the part from before the table was
    kept by month and in the default. (The ledger refuses that; such a part goes as a whole.)
    """
    gone = [part.name for part in parts(table) if part.ends is not None and part.ends <= before]
    for name in gone:
        briefly(functools.partial(_drop, name))
        _log.info("%s is dropped", name)
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(
                f"DELETE FROM {table} WHERE {_tables[table]} < %s", [first_of_month(before)]
            )
    return gone


def analyze() -> None:
    """What the planner knows of each table as a whole: autovacuum looks at its parts alone."""
    with connection.cursor() as cursor:
        for table in list(_tables):
            if parts(table):
                cursor.execute(f"ANALYZE {table}")


def states() -> Iterator[State]:
    """How each table is prepared, for the doctor."""
    for table in _tables:
        there = parts(table)
        missing = [month for month in _months(1) if not any(part.holds(month) for part in there)]
        with connection.cursor() as cursor:
            strays = sum(_count(cursor, part.name) for part in there if part.ends is None)
        yield State(table, missing, strays)


def parts(table: str) -> list[Part]:
    """Of that table, the oldest first, the default last; none while it is not kept by month."""
    with connection.cursor() as cursor:
        cursor.execute(_PARTS, [table])
        found = [Part(name, *_bounds(bound)) for name, bound in cursor.fetchall()]
    return sorted(found, key=lambda part: (part.ends is None, part.ends))


def first_of_month(moment: dt.datetime) -> dt.datetime:
    return moment.astimezone(dt.UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def month_after(month: dt.datetime) -> dt.datetime:
    return first_of_month(month + dt.timedelta(days=32))


def briefly(change: Callable[[Any], Result]) -> Result:
    """Run change(cursor) in a transaction that waits for no lock longer than PATIENCE, until it
    comes through. A deadlock is noticed after a second, so it is always this one that gives way."""
    for left in reversed(range(_TRIES)):
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT set_config('lock_timeout', %s, true)", [PATIENCE])
                return change(cursor)
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", None) not in _TRY_AGAIN or not left:
                raise
            time.sleep(_PAUSE)
    raise AssertionError("unreachable")


def add(cursor: Any, table: str, name: str, bound: str) -> None:
    """A new, empty part. Made beside the table and then attached, which locks no writer out of
    the other parts. Indexes, foreign keys and triggers of rows come with it; triggers of
    statements do not, so that it is as safe from TRUNCATE as the whole."""
    cursor.execute(
        f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL EXCLUDING INDEXES EXCLUDING IDENTITY)"
    )
    cursor.execute(f"ALTER TABLE {table} ATTACH PARTITION {name} {bound}")
    cursor.execute(_STATEMENT_TRIGGERS, [table])
    for trigger, definition, is_on in cursor.fetchall():
        cursor.execute(definition.replace(f" ON {table} ", f" ON {name} "))
        if not is_on:
            cursor.execute(f"ALTER TABLE {name} DISABLE TRIGGER {trigger}")


def month_bound(month: dt.datetime) -> str:
    return f"FOR VALUES FROM ('{month.isoformat()}') TO ('{month_after(month).isoformat()}')"


def default_of(table: str) -> str:
    return f"{table}_default"


# ------------------------------------------------------------------ inside


def _months(ahead: int) -> Iterator[dt.datetime]:
    month = first_of_month(clock.now())
    for _ in range(ahead + 1):
        yield month
        month = month_after(month)


def _make(table: str, month: dt.datetime, cursor: Any) -> list[str]:
    # One at a time; inserts and reads go on.
    cursor.execute(f"LOCK TABLE {table} IN SHARE UPDATE EXCLUSIVE MODE")
    if any(part.holds(month) for part in parts(table)):
        return []
    name, default = f"{table}_{month:%Y_%m}", default_of(table)
    column = _tables[table]
    of_month = (
        f"{column} >= '{month.isoformat()}' AND {column} < '{month_after(month).isoformat()}'"
    )
    strays = _count(cursor, default, of_month)
    if not strays:
        add(cursor, table, name, month_bound(month))
    elif _count(cursor, default) > MOST_MOVED:
        _log.error("%s stays without %s: too many rows are in %s", table, name, default)
        return []
    else:
        _make_of_default(cursor, table, name, month)
    _log.info("%s is made; %d rows moved to it", name, strays)
    return [name]


def _make_of_default(cursor: Any, table: str, name: str, month: dt.datetime) -> None:
    """The default is exchanged for a new one, and its rows find their places anew. No row is
    deleted or changed, which the ledger would refuse."""
    default, old = default_of(table), f"{table}_moving"
    cursor.execute(f"ALTER TABLE {table} DETACH PARTITION {default}")
    cursor.execute(f"ALTER TABLE {default} RENAME TO {old}")
    add(cursor, table, name, month_bound(month))
    add(cursor, table, default, "DEFAULT")
    cursor.execute(
        "SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute "
        "WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
        [table],
    )
    columns = cursor.fetchone()[0]
    cursor.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {old}")
    cursor.execute(f"SET CONSTRAINTS ALL IMMEDIATE; DROP TABLE {old}")


def _drop(name: str, cursor: Any) -> None:
    """Not DETACH CONCURRENTLY, which PostgreSQL refuses beside a default."""
    cursor.execute(f"DROP TABLE IF EXISTS {name}")


def _count(cursor: Any, name: str, where: str = "true") -> int:
    cursor.execute(
        f"SELECT count(*) FROM (SELECT 1 FROM {name} WHERE {where} LIMIT {MOST_MOVED + 1}) AS found"
    )
    return int(cursor.fetchone()[0])


def _bounds(text: str) -> tuple[dt.datetime | None, dt.datetime | None]:
    """FOR VALUES FROM ('2026-12-01 00:00:00+00') TO ('2027-01-01 00:00:00+00'), or MINVALUE."""
    found = re.search(r"FROM \((.*)\) TO \('(.*)'\)", text)
    if found is None:
        return None, None
    begins = None if found[1] == "MINVALUE" else dt.datetime.fromisoformat(found[1].strip("'"))
    return begins, dt.datetime.fromisoformat(found[2])


_PARTS = """
SELECT part.relname, pg_get_expr(part.relpartbound, part.oid)
FROM pg_inherits JOIN pg_class part ON part.oid = inhrelid
WHERE inhparent = to_regclass(%s) AND part.relispartition
"""

_STATEMENT_TRIGGERS = """
SELECT quote_ident(tgname), pg_get_triggerdef(oid, true), tgenabled <> 'D' FROM pg_trigger
WHERE tgrelid = %s::regclass AND NOT tgisinternal AND tgtype & 1 = 0
"""
