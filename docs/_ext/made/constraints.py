"""What the database itself never lets happen: constraints whose names are sentences."""

from __future__ import annotations

import re
from typing import Any

from django.apps import apps
from django.db import connection
from django.db.backends.postgresql.schema import DatabaseSchemaEditor
from django.db.models import BaseConstraint, Model
from psycopg import sql

from accounts import changes
from made.markdown import code, table
from made.sources import APPS, CHECKOUT

_TRIGGER = re.compile(r"CREATE (?:CONSTRAINT )?TRIGGER (\w+)\s+(.*?)\s+ON (\w+)", re.DOTALL)


class _Writer(DatabaseSchemaEditor):
    """Writes SQL with no database at hand."""

    def quote_value(self, value: Any) -> str:
        return sql.Literal(value).as_string(None)


def page() -> str:
    connection.pg_version = 150000  # the oldest that is supported; else it would be asked
    parts = []
    for app in APPS:
        for model in apps.get_app_config(app).get_models():
            rows = [
                (_sentence(each.name) + _refusal(each.name), _sql(each, model))
                for each in model._meta.constraints
            ]
            if rows:
                title = str(model._meta.verbose_name)
                parts.append(f"## {title[:1].upper()}{title[1:]}\n\n`{model._meta.db_table}`\n")
                parts.append(table(("promise", "in SQL"), rows))
    return "\n".join([*parts, "## Triggers\n", _triggers()])


def _sentence(name: str) -> str:
    """The name, which is what PostgreSQL says when it is broken."""
    words = name.replace("_", " ")
    return f"{words[:1].upper()}{words[1:]}."


def _sql(constraint: BaseConstraint, model: type[Model]) -> str:
    made = str(constraint.create_sql(model, _Writer(connection, collect_sql=True)))
    start = min(
        at for word in ("UNIQUE", "CHECK", "EXCLUDE", "FOREIGN KEY") if (at := made.find(word)) >= 0
    )
    return code(made[start:].replace('"', "").replace(f"INDEX {constraint.name} ", ""))


def _refusal(name: str) -> str:
    refusal = changes._REFUSALS.get(name)
    return f" Who meets it is told {code(refusal.code)}." if refusal else ""


def _triggers() -> str:
    found = {}
    for app in APPS:
        for path in sorted((CHECKOUT / app / "migrations").glob("0*.py")):
            for name, when, on in _TRIGGER.findall(path.read_text()):
                found[name] = (_sentence(name), " ".join(when.split()).lower(), code(on))
    return table(("promise", "when", "table"), found.values())
