"""A row points at nothing of another organization: the database refuses it, whoever asked.

A foreign key of two columns, (organization_id, x_id) to (organization_id, id), in place of
Django's of one: the row pointed at must be there and be of the same organization. It costs what
the one it replaces did (docs/decisions/0028).
"""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.migrations.operations import AddConstraint, RunSQL, SeparateDatabaseAndState
from django.db.migrations.operations.base import Operation
from django.db.models.constraints import BaseConstraint


class SameOrganization(BaseConstraint):
    """`field` leads to a row of this row's own organization, or nowhere where it may be null.

    The field itself has db_constraint=False. The model that it leads to has a UniqueConstraint
    of organization and primary key. On a table with rows a migration validates the constraint by
    an operation of its own, so that adding it locks nobody out while rows are read. Deferred to
    the commit, as Django's own foreign keys are.
    """

    def __init__(self, field: str, *, name: str) -> None:
        super().__init__(name=name)
        self.field = field

    def constraint_sql(self, model: Any, schema_editor: Any) -> Any:
        """A table that is only now made has no row to be validated."""
        schema_editor.deferred_sql.append(self._added(model, schema_editor))
        return None

    def create_sql(self, model: Any, schema_editor: Any) -> Any:
        return f"{self._added(model, schema_editor)} NOT VALID"

    def remove_sql(self, model: Any, schema_editor: Any) -> Any:
        quote = schema_editor.quote_name
        return f"ALTER TABLE {quote(model._meta.db_table)} DROP CONSTRAINT {quote(self.name)}"

    def validate(self, model: Any, instance: Any, exclude: Any = None, using: str = "") -> None:
        """The database does; no form offers rows of another organization."""

    def deconstruct(self) -> Any:
        path, _, options = super().deconstruct()
        return path, (self.field,), options

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SameOrganization):
            return NotImplemented
        return (self.field, self.name) == (other.field, other.name)

    def __hash__(self) -> int:
        return hash((self.field, self.name))

    def _added(self, model: Any, schema_editor: Any) -> str:
        quote = schema_editor.quote_name
        field = model._meta.get_field(self.field)
        other = field.remote_field.model._meta
        return (
            f"ALTER TABLE {quote(model._meta.db_table)} ADD CONSTRAINT {quote(self.name)} "
            f"FOREIGN KEY (organization_id, {quote(field.column)}) "
            f"REFERENCES {quote(other.db_table)} (organization_id, {quote(other.pk.column)}) "
            f"DEFERRABLE INITIALLY DEFERRED"
        )


def one_organization(model: str, table: str, field: str, column: str, name: str) -> Operation:
    """For a migration: the UniqueConstraint that others point at, built while rows are written."""
    return SeparateDatabaseAndState(
        database_operations=[
            RunSQL(
                [
                    f"CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS {name} "
                    f"ON {table} (organization_id, {column})",
                    f"ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE USING INDEX {name}",
                ],
                f"ALTER TABLE {table} DROP CONSTRAINT {name}",
            )
        ],
        state_operations=[
            AddConstraint(model, models.UniqueConstraint(fields=["organization", field], name=name))
        ],
    )
