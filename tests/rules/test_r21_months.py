"""R21, R28: the ledger and the activity log are kept by month, and nobody notices but the disk."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from accounts import clock, partitions
from accounts.models import Person
from accounts.tasks import make_months
from config import doctor
from licensing import brake, explain, restore, seals
from licensing.models import LedgerEntry
from scim import exchanges
from scim.models import Exchange
from tests.factories import connect, ledger, pool_of, reconcile_licenses
from tests.factories import explain as told

pytestmark = pytest.mark.django_db
LEDGER, LOG = "licensing_ledgerentry", "scim_exchange"
ADA, GRACE = "ada@acme.example", "grace@acme.example"
#: A month that no migration makes, while tokens of today are good.
MONTH = partitions.first_of_month(dt.datetime.now(dt.UTC) + dt.timedelta(days=460))
NEXT = partitions.month_after(MONTH)
LATE = MONTH + dt.timedelta(days=14)
MONTHS = 36


@pytest.fixture
def idp(owner):
    return connect(owner, seats=9, name="Okta")


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; " + statement)


def test_no_part_of_the_ledger_is_changed_deleted_or_emptied(owner, idp):
    """R21: asked for by its own name, a month refuses what the whole ledger refuses."""
    idp.create(ADA)
    with clock.stopped(at=LATE):
        idp.create(GRACE)
        run("SELECT 1")
        partitions.ensure()
    before = ledger(owner)
    parts = [part.name for part in partitions.parts(LEDGER)]
    assert len(parts) > 5
    for name in (LEDGER, *parts):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            run(f"ALTER TABLE {name} ENABLE TRIGGER licensing_ledger_is_never_emptied; "
                f"TRUNCATE {name}")  # fmt: skip
    filled = [name for name in parts if filled_(name)]
    assert len(filled) == 2
    for name in filled:
        for statement in (f"UPDATE {name} SET because = ''", f"DELETE FROM {name}"):
            with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
                run(statement)
    assert ledger(owner) == before


def filled_(name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT EXISTS (SELECT FROM {name})")
        return bool(cursor.fetchone()[0])


def test_what_came_while_a_month_was_missing_moves_to_it(owner, idp):
    """R21, R26: a push never fails for that; ledger, seals, log and answers stay as they are."""
    ada = idp.create(ADA)
    with clock.stopped(at=LATE):
        idp.create(GRACE)
        idp.set_active(ada.id, False)
        seals.seal_all()
        before = ledger(owner), list(Exchange.objects.order_by("id").values())
        said = explain.explain_address(pool_of(owner), owner, ADA)
        missing = [one.said for one in doctor._months()]
        months = f"{MONTH:%B %Y} and {NEXT:%B %Y}"
        assert f"licensing_ledgerentry has no part for {months}" in missing[0]
        assert "2 rows of licensing_ledgerentry are in no month" in missing[1]
        run("SELECT 1")
        make_months()
        make_months()
        assert [one.state for one in doctor._months()] == ["ok"]
        assert (ledger(owner), list(Exchange.objects.order_by("id").values())) == before
        assert explain.explain_address(pool_of(owner), owner, ADA) == said
        assert seals.verify(pool_of(owner)).broken is None
        assert reconcile_licenses(owner)["drift"] == 0
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {LEDGER}_{MONTH:%Y_%m}")
        assert cursor.fetchone() == (2,)
    assert told(owner, GRACE).json["has_seat"]


def test_many_rows_in_no_month_stay_there_and_the_others_are_made(owner, idp, monkeypatch):
    """R26: moving them would keep pushes waiting. The doctor tells."""
    monkeypatch.setattr(partitions, "MOST_MOVED", 1)
    with clock.stopped(at=LATE):
        idp.create(ADA)
        idp.create(GRACE)
        run("SELECT 1")
        made = partitions.ensure()
        assert f"{LEDGER}_{MONTH:%Y_%m}" not in made
        assert f"{LEDGER}_{NEXT:%Y_%m}" in made
        assert "2 or more rows of licensing_ledgerentry" in " ".join(
            one.said for one in doctor._months()
        )
    assert [deed for deed, _ in ledger(owner)] == ["resize", "grant", "grant"]


def test_the_activity_log_forgets_whole_months(owner, idp):
    """R28: at least 90 days are kept; a month goes when all of it is older."""
    for moment in (NEXT - dt.timedelta(seconds=1), NEXT):
        with clock.stopped(at=moment):
            partitions.ensure()
            idp.create(f"{moment:%B}@acme.example")
            run("SELECT 1")

    def left(at: dt.datetime) -> list[dt.datetime]:
        with clock.stopped(at=at):
            exchanges.prune()
            exchanges.prune()
        return [line.at for line in Exchange.objects.order_by("at")]

    assert len(left(NEXT + exchanges.KEPT - dt.timedelta(days=1))) == 2
    assert left(NEXT + exchanges.KEPT) == [NEXT]
    assert f"{LOG}_{MONTH:%Y_%m}" not in [part.name for part in partitions.parts(LOG)]
    assert len(ledger(owner)) == 3  # of which nothing is ever forgotten


# ---------------------------------------------------------------- what a statement touches


@pytest.fixture
def years(owner) -> Iterator[None]:
    """The ledger has 36 months, the log those before LATE, and it is LATE."""
    with connection.cursor() as cursor:
        for table, months in ((LEDGER, MONTHS), (LOG, 20)):
            month = [part.ends for part in partitions.parts(table) if part.ends][-1]
            while len(partitions.parts(table)) < months + 1:
                name, bound = f"{table}_{month:%Y_%m}", partitions.month_bound(month)
                partitions.add(cursor, table, name, bound)
                month = partitions.month_after(month)
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
    with clock.stopped(at=LATE):
        yield


@contextlib.contextmanager
def touching(*tables: str) -> Iterator[list[set[str]]]:
    """Of each statement inside the block that names one of these tables: the parts that it
    touches, as PostgreSQL says."""
    touched: list[set[str]] = []

    def look(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if any(table in sql for table in tables) and not sql.startswith("EXPLAIN"):
            # ANALYZE carries it out, and says what was left out only then.
            only_reads = not re.search(r"\b(INSERT|UPDATE|DELETE)\b", sql)
            with connection.cursor() as cursor:
                cursor.execute(
                    f"EXPLAIN (FORMAT JSON{', ANALYZE' if only_reads else ''}) {sql}", params
                )
                plan = cursor.fetchone()[0][0]["Plan"]
            touched.append(set(_parts(plan, tables)))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(look):
        yield touched


def _parts(plan: dict[str, Any], tables: tuple[str, ...]) -> Iterator[str]:
    name = plan.get("Relation Name", "")
    if name.startswith(tables) and name not in tables and plan.get("Actual Loops", 1):
        yield name
    for below in plan.get("Plans", ()):
        yield from _parts(below, tables)


def test_a_push_touches_one_month(owner, years):
    """R21, R27: create, change, refusal, removal with its brake, group: it inserts or looks."""
    idp = connect(owner, seats=2, eligibility="groups", eligible_groups=["Sellers"])
    with touching(LEDGER, LOG) as touched:
        ada, grace, max_ = (idp.create(email) for email in (ADA, GRACE, "max@acme.example"))
        group = idp.create_group("Sellers", ada.id, grace.id)
        full = idp.patch(f"/Groups/{group.id}", ("add", "members", [{"value": max_.id}]))
        assert full.status == 403
        idp.patch(f"/Users/{ada.id}", ("replace", "title", "Countess"))
        idp.set_active(ada.id, False)
        idp.set_active(ada.id, True)
        # The brake counts each person once before it holds a removal.
        brake.set_limits(idp.application.policy, on=True, people=1, percent=0)
        assert 403 in [idp.delete(one.id).status for one in (ada, grace)]
    # Inserts find their month by themselves: what is left are the brake's looks.
    assert len(touched) > 10
    assert set.union(*touched) == {f"{LEDGER}_{MONTH:%Y_%m}"}, touched


def test_a_read_touches_the_months_of_its_time_or_an_index_of_each(owner, years):
    """R13, R21, R22, R28: what was freed, the log of some days; without a time, by the indexes."""
    idp = connect(owner, seats=9)
    ada = idp.create(ADA)
    idp.set_active(ada.id, False)
    with touching(LEDGER) as touched:
        assert len(restore.freed(pool_of(owner))) == 1
    # From then on: months to come are empty.
    older = {part.name for part in partitions.parts(LEDGER)
             if part.ends and part.ends <= LATE - dt.timedelta(days=30)}  # fmt: skip
    assert touched
    assert not touched[0] & older
    with touching(LOG) as touched:
        asked = Exchange.objects.of(owner).filter(
            at__gte=clock.now() - dt.timedelta(days=1), at__lt=clock.now() + dt.timedelta(days=1)
        )
        assert len(asked) == 2
    assert touched == [{f"{LOG}_{MONTH:%Y_%m}"}]

    # The last word, and whatever has no time: each month by its index, in order, without sorting.
    person, pool = Person.objects.get(email=ADA), pool_of(owner)
    for query in (
        LedgerEntry.objects.filter(pool=pool, person=person).order_by("-id")[:1],
        LedgerEntry.objects.of(owner).filter(pool=pool, pk__gt=0).order_by("id")[:500],
        LedgerEntry.objects.of(owner).filter(person=person).order_by("-id")[:20],
        Exchange.objects.of(owner).order_by("-at", "-id")[:50],
        Exchange.objects.filter(application=idp.application).order_by("-at")[:1],
    ):
        plan = query.explain()
        assert "Seq Scan" not in plan, plan
        assert "Merge Append" in plan or "Append" in plan, plan
        assert not re.search(r"^Sort|-> +Sort", plan), plan
