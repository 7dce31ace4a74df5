"""What dividing the database by organization would meet: told from the models, held to the
database by tests/config/test_sharding.py."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from django.apps import apps
from django.db.models import F, Field, ForeignKey, Model, UniqueConstraint

from accounts.models import Admin, Organization
from made.markdown import code, listed, table
from made.sources import APPS, modules, said

COLUMN = "organization_id"
_SQL = re.compile(r"\b(?:FROM|UPDATE|INTO) (?:accounts|licensing|scim)_")
#: How a value that is unique everywhere, and not within an organization alone, stays so: a row of
#: its own in a small table that is copied to all shards or asked first.
_FOUND_BY = {
    "digest": "the token that a request shows, before it is known whose it is",
    "session_key": "the session of a browser",
    "once": "what must not be sent twice; the text names the organization's own row",
}


class Unique(NamedTuple):
    table: str
    name: str
    columns: tuple[str, ...]


def statements() -> tuple[int, Counter[str]]:
    """How many pieces of SQL the code has, and by module those that name no organization."""
    number, without = 0, Counter[str]()
    for path, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant | ast.JoinedStr) and _SQL.search(text := said(node)):
                number += 1
                without[path] += COLUMN not in text
    return number, +without


def models() -> list[type[Model]]:
    return [model for app in APPS for model in apps.get_app_config(app).get_models()]


def distributed() -> list[type[Model]]:
    """Tables whose rows belong to one organization."""
    return [one for one in models() if COLUMN in {f.column for f in one._meta.concrete_fields}]


def everywhere() -> list[type[Model]]:
    """Tables that are small, and that each shard needs whole."""
    return [one for one in models() if one not in distributed()]


def without_organization() -> list[Unique]:
    """What is unique in a distributed table by columns of which none is the organization; primary
    keys are told by themselves."""
    return sorted(
        found for model in distributed() for found in _uniques(model) if COLUMN not in found.columns
    )


def keys_without_organization() -> list[str]:
    return sorted(one._meta.db_table for one in distributed() if one._meta.pk.column != COLUMN)


def foreign_keys_that_leave() -> set[str]:
    """Tables outside of the organization that distributed ones point at."""
    return {
        field.related_model._meta.db_table  # type: ignore[union-attr]
        for model in distributed()
        for field in model._meta.concrete_fields
        if isinstance(field, ForeignKey) and field.related_model not in distributed()
    }


def _uniques(model: type[Model]) -> Iterator[Unique]:
    name = model._meta.db_table
    for field in model._meta.concrete_fields:
        if field.unique and not field.primary_key:
            yield Unique(name, f"{name}_{field.column}_key", (field.column,))
    for constraint in model._meta.constraints:
        if isinstance(constraint, UniqueConstraint):
            names = [*constraint.fields, *_fields(constraint.expressions)]
            columns = (model._meta.get_field(one) for one in names)
            yield Unique(
                name,
                constraint.name,
                tuple(field.column for field in columns if isinstance(field, Field)),
            )


def _fields(expressions: Any) -> Iterator[str]:
    """The fields that an index on expressions is of."""
    for one in expressions:
        for leaf in one.flatten() if hasattr(one, "flatten") else [one]:
            if isinstance(leaf, F):
                yield leaf.name


def page() -> str:
    keys = keys_without_organization()
    rows = [
        (code(one.table), code(one.name), listed(one.columns), _instead(one))
        for one in without_organization()
    ]
    return "\n".join(
        [
            f"**Distributed** by `{COLUMN}` ({len(distributed())}): "
            f"{listed(sorted(one._meta.db_table for one in distributed()))}.\n",
            f"**Reference tables**, whole on each shard: {listed(sorted(_references()))}. "
            f"Everything else stays where it is: {listed(sorted(_local()))}, and Django's own.\n",
            f"**Foreign keys** between distributed tables have two columns, all of them, and those "
            f"that leave the organization lead to {listed(sorted(foreign_keys_that_leave()))} "
            f"alone. None has to change.\n",
            f"**Primary keys** are one column, the organization not among them, in {len(keys)} of "
            f"the {len(distributed())}: {listed(keys)}. Each becomes `({COLUMN}, id)`; the "
            f"values, UUIDs of version 7 or numbers of one sequence, are unique anyway.\n",
            f"**Unique** by other columns than the organization are {len(rows)}:\n",
            table(("table", "constraint", "columns", "with the organization in front"), rows),
            _spoken(),
        ]
    )


def _spoken() -> str:
    number, without = statements()
    named = number - sum(without.values())
    where = ", ".join(f"{code(path)} {count}" for path, count in sorted(without.items()))
    return (
        f"**Statements** that are written as SQL name the organization in {named} of {number} "
        f"pieces. The others: {where}.\n"
    )


def _references() -> set[str]:
    return foreign_keys_that_leave() | {Organization._meta.db_table, Admin._meta.db_table}


def _local() -> set[str]:
    return {one._meta.db_table for one in everywhere()} - _references()


def _instead(one: Unique) -> str:
    for column in one.columns:
        if column in _FOUND_BY:
            return f"is not enough: {_FOUND_BY[column]}"
    return "says the same: each key among its columns is of one organization"
