"""What tests share: a race on real connections, and no thread that writes behind a test's back."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import TransactionTestCase

from accounts import partitions
from accounts.models import Organization
from scim import exchanges, turned_away
from tests import emptying, workers
from tests.workers import pytest_xdist_make_scheduler  # noqa: F401 - a hook, found by its name

workers.own_valkey(settings)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """The database of the tests may be emptied between two of them; the product's never."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        ledger = "licensing_ledgerentry"
        for table in (ledger, *(part.name for part in partitions.parts(ledger))):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER licensing_ledger_is_never_emptied")
        cursor.execute(
            "ALTER TABLE licensing_ledgerseal DISABLE TRIGGER licensing_seals_are_never_emptied; "
            "ALTER TABLE accounts_auditentry DISABLE TRIGGER accounts_audit_is_never_emptied"
        )
    TransactionTestCase._fixture_teardown = emptying.empty


@pytest.fixture(scope="session", autouse=True)
def _reads_are_written_by_tests_alone() -> None:
    """The activity log collects reads for a thread; here `exchanges.flush()` writes them."""
    for later in (exchanges._reads, turned_away._noted):
        later.thread_of = os.getpid()


@pytest.fixture(autouse=True)
def _no_read_of_another_test() -> Iterator[None]:
    yield
    for later in (exchanges._reads, turned_away._noted):
        later.rows.clear()


@pytest.fixture
def race() -> Callable[..., list[Any]]:
    """race(f, g, …): call all at the same moment, each on a database connection of its own.

    behind: an organization whose pools are locked until all have come as far as that lock, so
    that what they do before it and after it meets for certain. Returns what they returned, in
    order; raises what the first of them raised. Needs django_db(transaction=True), since a
    thread sees only what is committed.
    """

    def run(*callables: Callable[[], Any], behind: Organization | None = None) -> list[Any]:
        barrier = Barrier(len(callables))

        def call(function: Callable[[], Any]) -> Any:
            try:
                connection.ensure_connection()  # connecting is no part of the race
                barrier.wait(30)
                return function()
            finally:
                connection.close()

        with ThreadPoolExecutor(len(callables)) as pool, _pools_locked(behind):
            futures = [pool.submit(call, function) for function in callables]
        return [future.result() for future in futures]

    return run


@contextlib.contextmanager
def _pools_locked(owner: Organization | None) -> Iterator[None]:
    if owner is None:
        yield
        return
    gate = connection.copy()
    try:
        gate.set_autocommit(False)
        with gate.cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM licensing_pool WHERE organization_id = %s FOR UPDATE", [owner.pk]
            )
            yield
            time.sleep(0.25)
        gate.commit()
    finally:
        gate.close()
