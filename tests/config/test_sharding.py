"""What docs/scaling.md says of a divided database is what the database says of itself."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "docs/_ext"))
from made import sharding

pytestmark = pytest.mark.django_db

#: Tables that have the column, and its number in them.
_OF_AN_ORGANIZATION = """
    SELECT c.oid, c.relname AS name, a.attnum AS organization
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'organization_id'
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND c.relnamespace = 'public'::regnamespace
"""


def rows(statement: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(f"WITH owned AS ({_OF_AN_ORGANIZATION}) {statement}")
        return cursor.fetchall()


def test_the_tables_that_are_distributed_are_those_with_an_organization():
    """R2: a table of an organization says so in each row."""
    told = {model._meta.db_table for model in sharding.distributed()}
    assert told == {name for (name,) in rows("SELECT name FROM owned")}


def test_what_is_unique_without_the_organization_is_told():
    """R2: a sharded database takes no unique index without its organization."""
    found = rows(
        "SELECT name, i.relname, x.indisprimary FROM owned "
        "JOIN pg_index x ON x.indrelid = owned.oid "
        "JOIN pg_class i ON i.oid = x.indexrelid "
        "WHERE x.indisunique AND NOT organization = ANY(x.indkey::int2[])"
    )
    told = {(one.table, one.name) for one in sharding.without_organization()}
    assert told == {(table, name) for table, name, is_key in found if not is_key}
    keys = sorted(table for table, _, is_key in found if is_key)
    assert sharding.keys_without_organization() == keys


def test_no_foreign_key_leads_to_a_row_that_may_be_on_another_shard():
    """R2, R11: between tables of an organization it has two columns; else it leads to a table that
    is whole on each shard."""
    leaving = rows(
        "SELECT DISTINCT f.confrelid::regclass::text FROM owned "
        "JOIN pg_constraint f ON f.conrelid = owned.oid AND f.contype = 'f' "
        "LEFT JOIN owned other ON other.oid = f.confrelid "
        "WHERE other.oid IS NULL OR NOT (owned.organization = ANY(f.conkey) "
        "AND other.organization = ANY(f.confkey))"
    )
    assert {name for (name,) in leaving} == sharding.foreign_keys_that_leave()


def test_what_keeps_others_apart_has_the_organization_among_its_columns():
    """R24: an exclusion constraint is held on one shard."""
    assert (
        rows(
            "SELECT name, conname FROM owned JOIN pg_constraint f ON f.conrelid = owned.oid "
            "WHERE contype = 'x' AND NOT organization = ANY(conkey)"
        )
        == []
    )
