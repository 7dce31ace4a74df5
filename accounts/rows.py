"""One row, by a statement that is written once a model.

Django builds the text of a query anew for each request, which costs a push more than the
query itself. These do what `get`, `save(force_insert=True)` and `save(force_update=True)`
do, for the few rows that every push reads and writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

import orjson
from django.db import connection, models

from accounts import sql

Row = TypeVar("Row", bound=models.Model)


def one(model: type[Row], where: str, parameters: Mapping[str, Any], *, also: str = "NULL") -> Row:
    """The row that `where` finds, as `get` returns it. Raises the model's DoesNotExist.

    also: one more expression to select; it becomes the row's attribute `also`.
    """
    return read(model, sql.fetch(select(model, where, also=also), parameters))


def select(model: type[models.Model], where: str, *, also: str = "NULL") -> str:
    """The statement of `one`, to be sent together with others."""
    return f"{_select(model)}, ({also}) FROM {model._meta.db_table} {where}"


def read(model: type[Row], found: sql.Rows) -> Row:
    """What `select` found."""
    if not found:
        raise model.DoesNotExist  # type: ignore[attr-defined]
    names, documents = _columns(model)
    *values, more = found[0]
    for position in documents:
        values[position] = orjson.loads(values[position])
    row = model.from_db("default", names, values)
    row.also = more  # type: ignore[attr-defined]
    return row


def insert(row: models.Model) -> None:
    """A new row; the database gives the number where the model has one."""
    _inserted(row, sql.fetch(_insert(type(row)), _parameters(row)))


def insert_both(first: models.Model, second: models.Model, through: str) -> None:
    """Two new rows; `through` is the attribute of the second that holds the first one's number."""
    key = type(first)._meta.pk
    number = f"currval(pg_get_serial_sequence('{first._meta.db_table}', '{key.column}'))"
    found = sql.fetch_all(
        (_insert(type(first)), _parameters(first)),
        (_insert(type(second), (through, number)), _parameters(second)),
    )
    _inserted(first, found[0])
    _inserted(second, found[1])
    setattr(second, through, first.pk)


def _inserted(row: models.Model, found: sql.Rows) -> None:
    [(row.pk,)] = found
    row._state.adding = False
    row._state.db = "default"


def update(row: models.Model) -> None:
    """All columns of a row that is there and that the transaction has locked."""
    sql.fetch(_update(type(row)), _parameters(row))


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
def _insert(model: type[models.Model], told: tuple[str, str] = ("", "")) -> str:
    """told: an attribute, and the expression that gives its value in place of a parameter."""
    fields = [
        field
        for field in model._meta.concrete_fields
        if not isinstance(field, models.AutoField | models.BigAutoField)
    ]
    columns = ", ".join(str(field.column) for field in fields)
    attribute, expression = told
    values = ", ".join(
        expression if field.attname == attribute else _placeholder(field) for field in fields
    )
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
