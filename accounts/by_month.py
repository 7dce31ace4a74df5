"""For migrations: a table that is in use becomes one that is kept by month, without downtime.

What is there becomes its first part, unmoved: everything before a month that is still to come.
Beside the writers a constraint says so and an index is built; then one short transaction puts a
new table in the old one's place. Columns, key, constraints, indexes, triggers, privileges and the
numbering of rows are read from the table itself and go on by their names, whatever other
migrations made of them (docs/decisions/0033).
"""

from __future__ import annotations

import datetime as dt
import functools
from typing import Any

from django.db import connection, migrations
from django.db.migrations.operations.base import Operation

from accounts import partitions

#: The exchange may come so long after the bound was set: a month must not begin in between.
_TIME = dt.timedelta(days=7)


def by_month(table: str, column: str) -> list[Operation]:
    """The operations of a migration that is not atomic. A part that failed is run again."""
    first = first_part(table)
    steps: tuple[Any, ...] = (bound, exchange)
    return [
        migrations.RunSQL(
            [
                f"DROP INDEX CONCURRENTLY IF EXISTS {first}_pkey",
                f"CREATE UNIQUE INDEX CONCURRENTLY {first}_pkey ON {table} (id, {column})",
            ]
        ),
        *[
            migrations.RunPython(functools.partial(_of, step, table, column), elidable=False)
            for step in steps
        ],
    ]


def first_part(table: str) -> str:
    return f"{table}_before"


def bound(table: str, column: str) -> None:
    """Every row is before a month that begins in a week or later: a constraint, which new rows
    keep from now on, and old ones are then looked at beside the writers."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT greatest(max({column}), now()) FROM {table}")
        month = partitions.month_after(cursor.fetchone()[0] + _TIME)
    name = f"{table}_before_{month:%Y_%m}"

    def promise(cursor: Any) -> None:
        for old in _bounds(cursor, table):
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {old}")
        cursor.execute(
            f"ALTER TABLE {table} ADD CONSTRAINT {name} "
            f"CHECK ({column} < '{month.isoformat()}') NOT VALID"
        )

    partitions.briefly(promise)
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")


def exchange(table: str, column: str) -> None:
    """Put a new table in the place of the old one, which becomes its first part."""
    partitions.briefly(functools.partial(_exchange, table, column))


# ------------------------------------------------------------------ inside


def _of(step: Any, table: str, column: str, apps: Any, editor: Any) -> None:
    step(table, column)


def _bounds(cursor: Any, table: str) -> list[str]:
    cursor.execute(
        "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND conname LIKE %s",
        [table, f"{table}_before_____\\___"],
    )
    return [row[0] for row in cursor.fetchall()]


def _exchange(table: str, column: str, cursor: Any) -> None:
    first = first_part(table)
    [limit] = _bounds(cursor, table)
    year, month = map(int, limit.removeprefix(f"{table}_before_").split("_"))
    ends = dt.datetime(year, month, 1, tzinfo=dt.UTC)

    def rows(query: str) -> list[tuple[Any, ...]]:
        cursor.execute(query, {"table": table})
        return list(cursor.fetchall())

    def run(*statements: str) -> None:
        for statement in statements:
            cursor.execute(statement)

    # All at once, before anything is changed: also those that it points at, whose own triggers
    # of these foreign keys become those of the new table.
    others = [name for (name,) in rows(_POINTED_AT)]
    run(f"LOCK TABLE {', '.join([*others, table])} IN ACCESS EXCLUSIVE MODE")
    columns, indexes, constraints, triggers, grants = map(
        rows, (_COLUMNS, _INDEXES, _CONSTRAINTS, _TRIGGERS, _GRANTS)
    )
    [(sequence, key, owner)] = rows(_SEQUENCE)
    [(number,)] = rows(f"SELECT CASE WHEN is_called THEN last_value + 1 ELSE last_value END "
                       f"FROM {sequence}")  # fmt: skip
    run(
        f"ALTER TABLE {table} RENAME TO {first}",
        f"ALTER TABLE {first} DROP CONSTRAINT {key}",
        f"ALTER TABLE {first} ADD CONSTRAINT {first}_pkey PRIMARY KEY USING INDEX {first}_pkey",
        f"ALTER TABLE {first} ALTER id DROP IDENTITY",
        *[f"ALTER INDEX {name} RENAME TO {name}_before" for name, _ in indexes],
        *[f"DROP TRIGGER {name} ON {first}" for name, _, of_rows in triggers if of_rows],
        f"CREATE TABLE {table} (LIKE {first} INCLUDING ALL EXCLUDING INDEXES EXCLUDING "
        f"CONSTRAINTS EXCLUDING IDENTITY) PARTITION BY RANGE ({column})",
        f"ALTER TABLE {table} OWNER TO {owner}",
        f"ALTER TABLE {table} ADD CONSTRAINT {key} PRIMARY KEY (id, {column})",
        f"ALTER TABLE {table} ALTER id ADD GENERATED BY DEFAULT AS IDENTITY "
        f"(SEQUENCE NAME {sequence} START WITH {number})",
        *[
            f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}"
            for name, definition in constraints
            if name != limit
        ],
        *[definition for _, definition in indexes],
        *[definition for _, definition, _ in triggers],
        *[f"GRANT {privilege} ON {table} TO {who}" for privilege, who in grants],
        f"ALTER TABLE {table} ATTACH PARTITION {first} "
        f"FOR VALUES FROM (MINVALUE) TO ('{ends.isoformat()}')",
        f"ALTER TABLE {first} DROP CONSTRAINT {limit}",
    )
    assert columns == rows(_COLUMNS), f"{table} has other columns than before"  # noqa: S101
    partitions.add(cursor, table, partitions.default_of(table), "DEFAULT")
    for _ in range(partitions.AHEAD):
        partitions.add(cursor, table, f"{table}_{ends:%Y_%m}", partitions.month_bound(ends))
        ends = partitions.month_after(ends)


_POINTED_AT = """
SELECT DISTINCT confrelid::regclass::text FROM pg_constraint
WHERE conrelid = %(table)s::regclass AND contype = 'f' ORDER BY 1
"""

_COLUMNS = """
SELECT attname, format_type(atttypid, atttypmod), attnotnull,
    pg_get_expr(adbin, adrelid) FROM pg_attribute
LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
WHERE attrelid = %(table)s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""

_INDEXES = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
WHERE indrelid = %(table)s::regclass AND NOT indisunique
ORDER BY 1
"""

_CONSTRAINTS = """
SELECT quote_ident(conname), pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid = %(table)s::regclass AND contype IN ('c', 'f') ORDER BY 1
"""

_TRIGGERS = """
SELECT quote_ident(tgname), pg_get_triggerdef(oid), tgtype & 1 = 1 FROM pg_trigger
WHERE tgrelid = %(table)s::regclass AND NOT tgisinternal ORDER BY 1
"""

_GRANTS = """
SELECT privilege_type, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END
FROM pg_class, aclexplode(relacl) WHERE pg_class.oid = %(table)s::regclass AND grantee <> relowner
"""

_SEQUENCE = """
SELECT pg_get_serial_sequence(%(table)s, 'id'),
    (SELECT conname FROM pg_constraint WHERE conrelid = class.oid AND contype = 'p'),
    class.relowner::regrole::text
FROM pg_class class WHERE class.oid = %(table)s::regclass
"""
