"""The statements of pushes are prepared once a connection, and that never shows (R26)."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import DataError, OperationalError, connection, transaction

from accounts import changes, sql
from accounts.models import Organization
from tests.licensing.crashes import hang_up

pytestmark = pytest.mark.django_db(transaction=True)

ECHO = "SELECT %(text)s::text, %(number)s::bigint, %(at)s::timestamptz, 'a %% sign', %(text)s::text"


def test_values_come_back_as_a_cursor_gives_them():
    """Also under a `with` that watches, where a cursor runs the statement."""
    parameters = {"text": "“x”", "number": 2**40, "at": None}
    fast = sql.fetch(ECHO, parameters)
    with connection.execute_wrapper(lambda execute, *rest: execute(*rest)):
        assert sql.fetch(ECHO, parameters) == fast == [("“x”", 2**40, None, "a % sign", "“x”")]


def test_what_others_have_deallocated_is_prepared_again():
    statement = "SELECT %(n)s::int + 1"
    assert sql.fetch(statement, {"n": 1}) == [(2,)]
    _deallocate()
    assert sql.fetch(statement, {"n": 2}) == [(3,)]


def test_a_change_whose_statements_were_deallocated_is_done_once():
    """R26: the transaction begins anew, and nothing of its first try is left."""
    insert = (
        "INSERT INTO accounts_organization (slug, name, plan, scim_enabled, created_at) "
        "VALUES (%(slug)s, 'An organization', 'core', false, now())"
    )
    sql.fetch(insert, {"slug": "first"})
    tries = []

    def change() -> None:
        tries.append(1)
        Organization.objects.create(slug=f"by-the-side-{len(tries)}", name="X", plan="core")
        sql.fetch(insert, {"slug": "second"})

    _deallocate()
    changes.run(change)
    slugs = set(Organization.objects.values_list("slug", flat=True))
    assert slugs == {"first", "second", "by-the-side-2"}


def test_a_migration_may_change_what_a_prepared_statement_returns():
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE migrated (number int)")
        cursor.execute("INSERT INTO migrated VALUES (7)")
        assert sql.fetch("SELECT number FROM migrated", {}) == [(7,)]
        cursor.execute("ALTER TABLE migrated ALTER number TYPE text")
        assert sql.fetch("SELECT number FROM migrated", {}) == [("7",)]
        cursor.execute("DROP TABLE migrated")


def test_a_connection_that_died_is_an_operational_error():
    """So that whoever may ask again on a new one knows."""
    [(process,)] = sql.fetch("SELECT pg_backend_pid()", {})
    ended = connection.copy()
    with ended.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [process])
    ended.close()
    with pytest.raises(OperationalError):
        sql.fetch("SELECT 1", {})
    connection.close()
    assert sql.fetch("SELECT 1", {}) == [(1,)]


@pytest.mark.parametrize("together", [1, 2])
@pytest.mark.parametrize("known", [True, False])
def test_a_server_that_says_nothing_any_more_is_an_operational_error(together, known):
    """As after a crash: no error has a code then, and libpq may not call the connection bad yet."""
    statements = [("SELECT 1", {})] * together
    if known:
        sql.fetch_all(*statements)
    connection.ensure_connection()
    hang_up()
    with pytest.raises(OperationalError):
        sql.fetch_all(*statements)
    connection.close()
    assert sql.fetch_all(*statements) == [[(1,)]] * together


def test_a_statement_is_part_of_the_transaction_that_django_opened():
    with transaction.atomic():
        sql.fetch("CREATE TABLE not_kept (n int)", {})
        transaction.set_rollback(True)
    assert sql.fetch("SELECT to_regclass('not_kept')::text", {}) == [(None,)]


@pytest.mark.parametrize("together", [1, 2])
def test_other_threads_run_while_a_statement_waits(together):
    """One of them may hold the lock that it waits for."""
    begun, key = threading.Event(), {"key": 4711}
    got: list[object] = []

    def wait_for_the_lock() -> None:
        statement = ("SELECT pg_advisory_lock(%(key)s)::text", key)
        begun.set()
        try:
            got.append(sql.fetch_all(*[statement] * together))
        finally:
            connection.close()

    sql.fetch("SELECT pg_advisory_lock(%(key)s)::text", key)
    waiting = threading.Thread(target=wait_for_the_lock, daemon=True)
    waiting.start()
    assert begun.wait(10)
    _until("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    sql.fetch("SELECT pg_advisory_unlock(%(key)s)", key)
    waiting.join(10)
    assert got == [[[("",)]] * together]


def test_statements_sent_together_are_whole_or_fail_as_one():
    values = {"many": ["x" * 100] * 100_000, "n": 0}
    count = ("SELECT cardinality(%(many)s::text[])", values)
    with transaction.atomic():
        assert sql.fetch_all(count, ("SELECT 1", {}), count) == [[(100_000,)], [(1,)], [(100_000,)]]
    with pytest.raises(DataError), transaction.atomic():
        sql.fetch_all(("SELECT 1", {}), ("SELECT 1 / %(n)s::int", values), ("SELECT 2", {}))
    assert sql.fetch("SELECT 3", {}) == [(3,)]


def _until(count: str) -> None:
    deadline = time.monotonic() + 10
    while sql.fetch(count, {}) == [(0,)]:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _deallocate() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")
