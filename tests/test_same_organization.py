"""The database refuses a row that points at something of another organization, whoever asked."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, models, transaction

from accounts.models import Organization
from accounts.same_organization import SameOrganization
from licensing.models import HeldRemoval
from tests import factories

#: The group of a held removal may be gone: a trigger asks in place of a foreign key.
BY_TRIGGER = {(HeldRemoval, "group"): "the_group_of_a_removal_is_of_its_organization"}


def _belongs(model: Any) -> bool:
    return any(
        field.name == "organization" and field.related_model is Organization
        for field in model._meta.concrete_fields
    )


def _pointing() -> Iterator[tuple[type[models.Model], models.ForeignKey]]:
    """Every foreign key between two tables that belong to an organization."""
    for model in apps.get_models(include_auto_created=True):
        for field in model._meta.concrete_fields:
            if field.is_relation and _belongs(model) and _belongs(field.related_model):
                yield model, field  # type: ignore[misc]


def _name(model: type[models.Model], field: str) -> str | None:
    if (model, field) in BY_TRIGGER:
        return BY_TRIGGER[model, field]
    found = [
        constraint.name
        for constraint in model._meta.constraints
        if isinstance(constraint, SameOrganization) and constraint.field == field
    ]
    return found[0] if found else None


PAIRS = list(_pointing())


@pytest.mark.parametrize(
    ("model", "field"), PAIRS, ids=[f"{m.__name__}.{f.name}" for m, f in PAIRS]
)
def test_a_foreign_key_within_an_organization_is_told_to_the_database(
    model: type[models.Model], field: models.ForeignKey
) -> None:
    """R2, R11: a new one without `SameOrganization` in its model's Meta fails here."""
    assert _name(model, field.name), f"{model.__name__}.{field.name} has no SameOrganization"
    assert not field.db_constraint, f"{model.__name__}.{field.name}: set db_constraint=False"
    assert not model._meta.get_field("organization").null


@pytest.fixture
def loosened(db: None) -> Any:
    """A cursor for which the tables want nothing but what points at others, until it is undone:
    so that a row of nothing but the reference can be tried."""
    with transaction.atomic(), connection.cursor() as cursor:
        for model in {model for pair in PAIRS for model in (pair[0], pair[1].related_model)}:
            table = model._meta.db_table
            # The time is a part of the key where the table is kept by month.
            key = connection.introspection.get_primary_key_columns(cursor, table)
            changes = [
                f"ALTER {field.column} "
                + ("SET DEFAULT now()" if field.column in key else "DROP NOT NULL")
                for field in model._meta.concrete_fields
                if not field.primary_key
            ]
            cursor.execute(
                "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'c'",
                [table],
            )
            changes += [f"DROP CONSTRAINT {name}" for (name,) in cursor.fetchall()]
            cursor.execute(f"ALTER TABLE {table} {', '.join(changes)}")
        yield cursor
        transaction.set_rollback(True)


@pytest.mark.parametrize(
    ("model", "field"), PAIRS, ids=[f"{m.__name__}.{f.name}" for m, f in PAIRS]
)
def test_the_database_refuses_a_reference_to_another_organization(
    model: type[models.Model], field: models.ForeignKey, loosened: Any
) -> None:
    """R2, R11: tried by SQL, as if code had asked for it; within the organization it is fine."""
    ours, theirs = factories.organization(), factories.organization()
    name, other = _name(model, field.name), field.related_model
    key = _row(loosened, other, {}, theirs)
    loosened.execute(f"SET CONSTRAINTS {name} IMMEDIATE")
    with (
        pytest.raises(IntegrityError) as refused,
        transaction.atomic(),
    ):
        _row(loosened, model, {field: key}, ours)
    assert refused.value.__cause__.diag.constraint_name == name
    loosened.execute("SELECT bool_and(convalidated) FROM pg_constraint WHERE conname = %s", [name])
    assert loosened.fetchone() == (True,), f"{name} was never validated"


def _row(
    cursor: Any, model: Any, values: dict[models.ForeignKey, Any], organization: Organization
) -> Any:
    """Nothing but a key, the organization and these; returns the key."""
    told = {"organization_id": organization.pk} | {f.column: v for f, v in values.items()}
    key = model._meta.pk
    if key.column not in told and not isinstance(key, models.AutoField):
        told[key.column] = uuid.uuid4()
    cursor.execute(
        f"INSERT INTO {model._meta.db_table} ({', '.join(told)}) "
        f"VALUES ({', '.join(['%s'] * len(told))}) RETURNING {key.column}",
        list(told.values()),
    )
    return cursor.fetchone()[0]
