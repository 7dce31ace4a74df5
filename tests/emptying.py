"""The database is emptied after each test that commits: only the tables that have rows.

Django's way, TRUNCATE of every table and then its permissions and content types anew, costs a
tenth of a second for a few rows, several hundred times. Here those two tables stay as they are
(they follow from the code), and of the others only what has rows is emptied.
"""

from __future__ import annotations

from typing import Any

from django.db import OperationalError, connections

#: A process of a test that is still writing may wait for us while we wait for it.
_TRIES = 5

_EMPTY = """
DO $$
DECLARE
    tables text;
    name regclass;
    append_only boolean;
    filled boolean;
BEGIN
    SELECT string_agg(oid::regclass::text, ', ') INTO tables
    FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
        AND relname NOT IN ('django_migrations', 'django_content_type', 'auth_permission');
    -- Whoever is still writing is waited for, as by TRUNCATE.
    EXECUTE format('LOCK TABLE %s', tables);
    -- First those whose rows cannot be deleted, with what points at them: a TRUNCATE is refused
    -- once it has work to check.
    FOR name, append_only IN
        SELECT listed.name::regclass, EXISTS (
            SELECT FROM pg_trigger
            WHERE tgrelid = listed.name::regclass AND NOT tgisinternal AND tgtype & 9 = 9
        ) AS append_only
        FROM unnest(string_to_array(tables, ', ')) AS listed(name)
        ORDER BY append_only DESC
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %s)', name) INTO filled;
        IF filled AND append_only THEN
            EXECUTE format('TRUNCATE %s CASCADE', name);
        ELSIF filled THEN
            EXECUTE format('DELETE FROM %s', name);
        END IF;
    END LOOP;
END
$$
"""


def empty(test: Any) -> None:
    """In place of TransactionTestCase._fixture_teardown, which tests/conftest.py sets."""
    for name in test._databases_names(include_mirrors=False):
        for left in reversed(range(_TRIES)):
            try:
                with connections[name].cursor() as cursor:
                    cursor.execute(_EMPTY)
                break
            except OperationalError as error:
                if left == 0 or "deadlock" not in str(error):
                    raise
