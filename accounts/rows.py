"""One row, by a statement that is written once a model.

Django builds the text of a query anew for each request, which costs a push more than the
query itself. These do what `get`, `save(force_insert=True)` and `save(force_update=True)`
do, for the few rows that every push reads and writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, TypeVar

import orjson
from django.db import connection, models

Row = TypeVar("Row", bound=models.Model)


def one(
    model: type[Row], where: str, parameters: Sequence[Any] | dict[str, Any], *, also: str = "NULL"
) -> Row:
    """The row that `where` finds, as `get` returns it. Raises the model's DoesNotExist.

    also: one more expression to select; it becomes the row's attribute `also`.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"{_select(model)}, ({also}) FROM {model._meta.db_table} {where}", parameters
        )
        row = cursor.fetchone()
    if row is None:
        raise model.DoesNotExist  # type: ignore[attr-defined]
    names, documents = _columns(model)
    *values, more = row
    for position in documents:
        values[position] = orjson.loads(values[position])
    found = model.from_db("default", names, values)
    found.also = more  # type: ignore[attr-defined]
    return found


def insert(row: models.Model) -> None:
    """A new row; the database gives the number where the model has one."""
    model = type(row)
    with connection.cursor() as cursor:
        cursor.execute(_insert(model), _parameters(row))
        row.pk = cursor.fetchone()[0]
    row._state.adding = False
    row._state.db = "default"


def update(row: models.Model) -> None:
    """All columns of a row that is there and that the transaction has locked."""
    with connection.cursor() as cursor:
        cursor.execute(_update(type(row)), _parameters(row))


def _parameters(row: models.Model) -> dict[str, Any]:
    names, documents = _columns(type(row))
    values = {name: getattr(row, name) for name in names}
    for position in documents:
        values[names[position]] = orjson.dumps(values[names[position]]).decode()
    return values


@cache
def _columns(model: type[models.Model]) -> tuple[list[str], list[int]]:
    """The attributes of the model in order, and the places of those that are JSON."""
    fields = model._meta.concrete_fields
    return (
        [field.attname for field in fields],
        [n for n, field in enumerate(fields) if isinstance(field, models.JSONField)],
    )


@cache
def _select(model: type[models.Model]) -> str:
    columns = ", ".join(str(field.column) for field in model._meta.concrete_fields)
    return f"SELECT {columns}"


@cache
def _insert(model: type[models.Model]) -> str:
    fields = [
        field
        for field in model._meta.concrete_fields
        if not isinstance(field, models.AutoField | models.BigAutoField)
    ]
    columns = ", ".join(str(field.column) for field in fields)
    values = ", ".join(_placeholder(field) for field in fields)
    return (
        f"INSERT INTO {model._meta.db_table} ({columns}) VALUES ({values}) "
        f"RETURNING {model._meta.pk.column}"
    )


@cache
def _update(model: type[models.Model]) -> str:
    key = model._meta.pk
    settings = ", ".join(
        f"{field.column} = {_placeholder(field)}"
        for field in model._meta.concrete_fields
        if field is not key
    )
    return f"UPDATE {model._meta.db_table} SET {settings} WHERE {key.column} = {_placeholder(key)}"


def _placeholder(field: models.Field) -> str:
    return f"%({field.attname})s::{field.cast_db_type(connection)}"
