"""R21: the ledger is sealed, so that whoever changes a line behind its back is found out."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import logging
import re
import time

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import admins, clock
from licensing import reconcile, seals, tasks
from licensing.models import LedgerEntry, LedgerSeal, Pool, Reconciled
from tests.factories import (
    connect,
    grant,
    manage,
    manage_for_people,
    organization,
    pool_of,
    reconcile_licenses,
    seat_of,
    set_seats,
)

pytestmark = pytest.mark.django_db

PEOPLE = [f"p{number}@acme.example" for number in range(6)]
TABLES = ("licensing_ledgerentry", "licensing_ledgerseal")


@pytest.fixture
def idp(owner):
    return connect(owner, seats=9, name="Okta")


@pytest.fixture
def sealed(owner, idp):
    """Ids of the lines of three seals, three lines each: seats set and two people, and so on."""
    for turn in range(3):
        if turn:
            set_seats(owner, 9 + turn)
        for email in PEOPLE[2 * turn : 2 * turn + 2]:
            idp.create(email)
        assert seals.seal(pool_of(owner).pk) == 1
    ids = _ids(owner)
    yield [ids[:3], ids[3:6], ids[6:]]
    reconcile.reconcile()  # a seat whose lines were tampered with gets new ones


def _ids(owner):
    lines = LedgerEntry.objects.filter(pool=pool_of(owner)).order_by("id")
    return list(lines.values_list("id", flat=True))


@contextlib.contextmanager
def _as_owner_of_the_tables():
    """Whoever owns the tables can switch their triggers off."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in TABLES:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        yield cursor
        for table in TABLES:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        for trigger in ("licensing_ledger_is_never_emptied", "licensing_seals_are_never_emptied"):
            table = TABLES["seals" in trigger]
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")


def _tamper(statement, **values):
    with _as_owner_of_the_tables() as cursor:
        cursor.execute(statement, values)


COLUMNS = ", ".join(
    field.column for field in LedgerEntry._meta.concrete_fields if field.name != "id"
)
COPY = (
    f"INSERT INTO licensing_ledgerentry (id, {COLUMNS}) OVERRIDING SYSTEM VALUE "
    f"SELECT %(new)s, {COLUMNS} FROM licensing_ledgerentry WHERE id = %(id)s"
)


def _verify(owner):
    ran = manage("verify_ledger", "--organization", owner.slug)
    assert ran.exit == (0 if ran.json["whole"] else 1)
    pools = {pool["product"]: pool for pool in ran.json["pools"]}
    return pools["sales-navigator"]


# ---------------------------------------------------------------- whole


def test_an_untouched_ledger_is_whole(owner, sealed):
    """R21: its lines, its seals, and how many lines have none yet."""
    found = _verify(owner)
    newest = LedgerSeal.objects.get(pool=pool_of(owner), n=3)
    assert found == {
        "organization": owner.slug,
        "product": "sales-navigator",
        "lines": 9,
        "seals": 3,
        "unsealed": 0,
        "head": {"seal": 3, "digest": newest.digest},
        "broken": None,
    }
    set_seats(owner, 20)
    assert (_verify(owner)["unsealed"], _verify(owner)["broken"]) == (1, None)


def test_a_ledger_without_a_seal_is_whole(owner):
    """R21: nothing was sealed, so nothing differs from it."""
    set_seats(owner, 3)
    found = _verify(owner)
    assert (found["lines"], found["seals"], found["unsealed"], found["head"]) == (1, 0, 1, None)


def test_every_line_is_sealed_once_in_its_pool_and_no_other(owner, sealed):
    """R21: a chain a pool, whatever happens in the others meanwhile."""
    other = organization()
    for product in ("sales-navigator", "teamlink-extend"):
        for number in (1, 2, 3):
            set_seats(other, number, product)
            set_seats(owner, 20 + number, product)
    tasks.seal_ledger()
    assert seals.seal_all() == 0
    for pool in Pool.objects.all():
        found = seals.verify(pool)
        assert (found.broken, found.unsealed) == (None, 0)
        counted = LedgerSeal.objects.filter(pool=pool).values_list("lines", flat=True)
        assert sum(counted) == LedgerEntry.objects.filter(pool=pool).count() == found.lines


def test_a_long_ledger_is_sealed_in_stretches(owner, sealed, monkeypatch):
    """R21: so that memory is bounded, and the place of a break is near."""
    for number in range(1, 8):
        set_seats(owner, 20 + number)
    monkeypatch.setattr(seals, "MOST_LINES", 3)
    assert seals.seal(pool_of(owner).pk) == 3
    stretches = LedgerSeal.objects.filter(pool=pool_of(owner), n__gt=3).order_by("n")
    assert [seal.lines for seal in stretches] == [3, 3, 1]
    assert _verify(owner)["broken"] is None


def test_another_program_gets_the_same_digests(owner, sealed):
    """R21: what is hashed is plain text, so nobody has to believe our own SQL."""
    set_seats(owner, 21)
    grant(owner, 'q"uote\\@acme.example', last_name="Ł\t\x7fé", first_name="\x1f/")
    refused = connect(owner, product="teamlink-extend")
    refused("POST", "/Users", {"userName": "ü@acme.example"}, **{"X-Request-Id": "push-1"})
    seals.seal_all()
    for pool in Pool.objects.of(owner):
        before, digest = 0, ""
        for seal in LedgerSeal.objects.filter(pool=pool).order_by("n"):
            lines = LedgerEntry.objects.filter(pool=pool, id__gt=before, id__lte=seal.last_id)
            told = [[pool.pk, seal.n, _time(seal.at), digest]]
            told += [_columns(line) for line in lines.order_by("id")]
            text = "\n".join(_array(columns) for columns in told)
            digest = hashlib.sha256(text.encode()).hexdigest()
            assert seal.digest == digest
            before = seal.last_id


def _columns(line):
    return [
        *(line.id, line.organization_id, line.pool_id, line.deed, line.person_id),
        hashlib.sha256(_array([str(line.salt), line.email, line.because]).encode()).hexdigest(),
        *(line.application_id and str(line.application_id), line.admin_id, line.source),
        *(line.seats, line.request_id, _time(line.at)),
    ]


def _time(moment):
    text = moment.replace(tzinfo=None).isoformat()
    return text.rstrip("0") if "." in text else text


def _array(columns):
    return "[" + ", ".join(json.dumps(column, ensure_ascii=False) for column in columns) + "]"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE licensing_ledgerseal SET digest = ''",
        "DELETE FROM licensing_ledgerseal",
        "ALTER TABLE licensing_ledgerseal ENABLE TRIGGER licensing_seals_are_never_emptied; "
        "TRUNCATE licensing_ledgerseal",
    ],
)
def test_the_database_refuses_to_change_or_delete_a_seal(owner, sealed, statement):
    """R21: seals are append-only as the lines are."""
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; " + statement)
    assert _verify(owner)["seals"] == 3


# ---------------------------------------------------------------- broken


@pytest.mark.parametrize(
    "column",
    [
        "deed = 'release'",
        "email = 'eve@acme.example'",
        "source = 'manual'",
        "seats = 7",
        "request_id = 'another'",
        "because = because || ' '",
        "at = at + interval '1 microsecond'",
        "at = '-infinity'",
        "at = '0001-01-01 BC'",
        "admin_id = (SELECT max(id) FROM accounts_admin)",
        "person_id = NULL",
        "application_id = NULL",
    ],
)
def test_a_changed_line_shows(owner, sealed, column):
    """R21: whichever column, and where."""
    admins.create("eve@acme.example", organization=owner, password="a long enough password")
    _tamper(f"UPDATE licensing_ledgerentry SET {column} WHERE id = %(id)s", id=sealed[1][1])
    broken = _verify(owner)["broken"]
    assert (broken["seal"], broken["sealed"], broken["found"]) == (2, 3, 3)
    assert (broken["after_id"], broken["last_id"]) == (sealed[0][-1], sealed[1][-1])
    assert "was changed" in broken["detail"]


@pytest.mark.parametrize("stretch", [0, 1, 2])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_deleted_line_shows(owner, sealed, stretch, place):
    """R21: the first, one in the middle, or the last of a stretch."""
    _tamper("DELETE FROM licensing_ledgerentry WHERE id = %(id)s", id=sealed[stretch][place])
    broken = _verify(owner)["broken"]
    assert (broken["seal"], broken["sealed"], broken["found"]) == (stretch + 1, 3, 2)
    assert broken["last_id"] == sealed[stretch][-1]
    assert "Lines are missing" in broken["detail"]


def test_a_line_put_into_the_middle_shows(owner, sealed):
    """R21: under an id that another pool's line would have had."""
    other = organization()
    set_seats(other, 1)  # takes an id after all that are sealed
    with _as_owner_of_the_tables() as cursor:
        cursor.execute(
            "UPDATE licensing_ledgerentry SET id = id + 1000 WHERE id = %(last)s",
            {"last": sealed[2][-1]},
        )
        cursor.execute(COPY, {"new": sealed[2][-1], "id": sealed[2][-2]})
        cursor.execute(
            "UPDATE licensing_ledgerseal SET last_id = last_id + 1000 WHERE n = 3 AND pool_id = "
            "%(pool)s",
            {"pool": pool_of(owner).pk},
        )
    broken = _verify(owner)["broken"]
    assert (broken["seal"], broken["sealed"], broken["found"]) == (3, 3, 4)
    assert "Lines were added" in broken["detail"]


def test_a_line_below_the_first_one_shows(owner, sealed):
    """R21: even with an id that no sequence gives."""
    _tamper(COPY, new=-5, id=sealed[0][0])
    broken = _verify(owner)["broken"]
    assert (broken["seal"], broken["found"], broken["after_id"]) == (1, 4, None)


def test_a_line_that_was_moved_to_another_pool_shows(owner, sealed):
    """R21: which pool is a part of the line."""
    set_seats(owner, 1, "teamlink-extend")
    seals.seal_all()
    _tamper(
        "UPDATE licensing_ledgerentry SET pool_id = %(pool)s WHERE id = %(id)s",
        pool=pool_of(owner, "teamlink-extend").pk,
        id=sealed[0][1],
    )
    ran = manage("verify_ledger").json
    assert [pool["broken"]["found"] for pool in ran["pools"]] == [2, 2]


def test_two_lines_that_changed_places_show(owner, sealed):
    """R21: the order of the lines is sealed too."""
    first, second = sealed[0][1], sealed[0][2]
    _tamper("UPDATE licensing_ledgerentry SET id = -id WHERE id = %(id)s", id=first)
    _tamper("UPDATE licensing_ledgerentry SET id = %(to)s WHERE id = %(id)s", id=second, to=first)
    _tamper("UPDATE licensing_ledgerentry SET id = %(to)s WHERE id = %(id)s", id=-first, to=second)
    broken = _verify(owner)["broken"]
    assert (broken["seal"], broken["sealed"], broken["found"]) == (1, 3, 3)


def test_a_ledger_that_was_cut_off_shows(owner, sealed):
    """R21: the newest lines are gone, their seals are there."""
    _tamper(
        "DELETE FROM licensing_ledgerentry WHERE pool_id = %(pool)s AND id > %(id)s",
        pool=pool_of(owner).pk,
        id=sealed[0][-1],
    )
    broken = _verify(owner)["broken"]
    assert (broken["seal"], broken["sealed"], broken["found"]) == (2, 3, 0)


def test_a_seal_that_is_gone_from_the_middle_shows(owner, sealed):
    """R21: with its lines, or without."""
    _tamper("DELETE FROM licensing_ledgerseal WHERE n = 2")
    broken = _verify(owner)["broken"]
    assert (broken["seal"], broken["detail"]) == (2, "Seal 2 is missing.")


@pytest.mark.parametrize(
    "column",
    [
        "digest = repeat('0', 64)",
        "at = at - interval '1 day'",
        "lines = 2",
        "last_id = last_id - 1",
    ],
)
def test_a_changed_seal_shows(owner, sealed, column):
    """R21: its digest, its time, how many lines it is of, and up to which."""
    _tamper(f"UPDATE licensing_ledgerseal SET {column} WHERE n = 1")
    assert _verify(owner)["broken"]["seal"] == 1


def test_the_first_of_several_breaks_is_named(owner, sealed):
    """R21: and names the place."""
    _tamper("UPDATE licensing_ledgerentry SET because = 'x' WHERE id = %(id)s", id=sealed[2][0])
    _tamper("DELETE FROM licensing_ledgerentry WHERE id = %(id)s", id=sealed[1][1])
    assert _verify(owner)["broken"]["seal"] == 2


def test_one_broken_pool_does_not_hide_the_others(owner, sealed):
    """R21: each pool is looked at; one that is broken makes the command end with 1."""
    other = organization()
    set_seats(other, 4)
    _tamper("DELETE FROM licensing_ledgerentry WHERE id = %(id)s", id=sealed[1][1])
    assert manage("verify_ledger", "--organization", other.slug).exit == 0
    ran = manage("verify_ledger")
    assert (ran.exit, ran.json["whole"], len(ran.json["pools"])) == (1, False, 2)
    told = manage_for_people("verify_ledger")
    assert told.exit == 1
    assert "BROKEN: Lines are missing" in told.out
    assert "The ledger is not whole." in told.out


# ---------------------------------------------------------------- rewritten with its seals


def _rewrite_the_end(owner, sealed):
    """Whoever owns the tables can take lines away together with the seals of them."""
    pool = pool_of(owner).pk
    _tamper("DELETE FROM licensing_ledgerseal WHERE n > 1 AND pool_id = %(pool)s", pool=pool)
    _tamper(
        "DELETE FROM licensing_ledgerentry WHERE pool_id = %(pool)s AND id > %(id)s",
        pool=pool,
        id=sealed[0][-1],
    )


def test_what_reconciliation_saw_must_still_be_there(owner, sealed):
    """R21: seals that went with their lines are missed at the next look."""
    reconcile_licenses(owner)
    assert _verify(owner)["broken"] is None
    _rewrite_the_end(owner, sealed)
    broken = _verify(owner)["broken"]
    assert (broken["seal"], "is gone" in broken["detail"]) == (3, True)
    seals.seal_all()
    set_seats(owner, 30)
    seals.seal_all()
    set_seats(owner, 31)
    seals.seal_all()
    assert "is another one now" in _verify(owner)["broken"]["detail"]


def test_a_copy_kept_elsewhere_shows_that_the_whole_chain_was_made_anew(owner, sealed, tmp_path):
    """R21: against whoever can rewrite everything in the database helps what is outside it."""
    kept = tmp_path / "kept.json"
    kept.write_text(manage("verify_ledger").out)
    assert manage("verify_ledger", "--against", kept).exit == 0
    _rewrite_the_end(owner, sealed)
    assert _verify(owner)["broken"] is None
    ran = manage("verify_ledger", "--against", kept)
    assert (ran.exit, ran.json["pools"][0]["broken"]["seal"]) == (1, 3)
    kept.write_text(kept.read_text().replace(owner.slug, "another"))
    ran = manage("verify_ledger", "--against", kept)
    assert [pool["organization"] for pool in ran.json["pools"]] == [owner.slug, "another"]
    assert "is gone" in ran.json["pools"][1]["broken"]["detail"]
    kept.write_text("[]")
    assert manage("verify_ledger", "--against", kept).json["error"]["code"] == "file_invalid"


def test_each_seal_is_a_line_of_the_log(owner, idp, caplog):
    """R21: the log is outside the database."""
    idp.create(PEOPLE[0])
    with caplog.at_level(logging.INFO, "seatkeeper.ledger"):
        seals.seal_all()
    seal = LedgerSeal.objects.get()
    assert seal.digest in caplog.text
    assert f"up to line {seal.last_id}" in caplog.text


# ---------------------------------------------------------------- at the same time


def test_every_line_is_written_under_the_lock_of_its_pool(owner):
    """R21: what sealing relies on: within a pool, lines are committed in the order of their
    ids, because whoever writes one has locked the pool before."""
    idp = connect(owner, seats=2, name="Okta", eligibility="groups", eligible_groups=["Sellers"])
    people = [idp.create(email).id for email in PEOPLE[:3]]
    everyone = connect(owner, product="teamlink-extend", seats=1, name="Entra")

    def drift():
        seat_of(owner, PEOPLE[1]).delete()
        reconcile_licenses(owner)

    deeds = [
        lambda: idp.create_group("Sellers", *people),
        lambda: idp.replace_group(group(), "Sellers", *people),  # three members, two seats
        lambda: idp.patch(f"/Groups/{group()}", ("replace", "displayName", "Sellers")),
        lambda: idp.set_active(people[0], False),
        lambda: idp.set_active(people[0], True),
        lambda: everyone.create(PEOPLE[3]),
        lambda: everyone.create(PEOPLE[4]),  # refused
        lambda: manage("activate_seat", owner.slug, "teamlink-extend", PEOPLE[3]),
        lambda: set_seats(owner, 5, "teamlink-extend"),
        lambda: grant(owner, "max@acme.example", "teamlink-extend"),
        lambda: everyone.create("max@acme.example"),
        lambda: grant(owner, "eve@acme.example", "teamlink-extend"),
        lambda: manage("remove_seat", owner.slug, "teamlink-extend", "eve@acme.example"),
        lambda: idp.delete(people[2]),
        lambda: idp("DELETE", f"/Groups/{group()}"),
        lambda: idp.create_group("Sellers", people[1]),
        drift,
    ]

    def group():
        return idp("GET", "/Groups").json["Resources"][0]["id"]

    for number, deed in enumerate(deeds):
        with CaptureQueriesContext(connection) as queries:
            deed()
        locked, lines, depth = False, 0, 0
        for query in (query["sql"] for query in queries.captured_queries):
            depth += query.startswith("SAVEPOINT")
            depth -= query.startswith("RELEASE")  # the outermost one is the commit
            if re.search(r"licensing_pool.*FOR (NO KEY )?UPDATE", query, re.DOTALL):
                locked = True
            elif re.search(r'INSERT INTO "?licensing_ledgerentry', query):
                lines += 1
                assert locked, f"deed {number}: {query}"
            locked = locked and depth > 0
        assert lines, f"deed {number} wrote no line"


@pytest.mark.django_db(transaction=True)
def test_sealing_at_the_same_time_gives_one_chain(race):
    """R21: workers, a reconciliation and pushes at once."""
    owner = organization()
    idp = connect(owner, seats=9)
    for turn in range(3):
        race(
            *[lambda: seals.seal(pool_of(owner).pk)] * 3,
            lambda: reconcile.reconcile(owner),
            *[functools.partial(idp.create, f"{turn}{email}") for email in PEOPLE[:3]],
            behind=owner,
        )
    seals.seal_all()
    found = seals.verify(pool_of(owner))
    chain = LedgerSeal.objects.filter(pool=pool_of(owner)).order_by("n")
    assert found.broken is None
    assert [seal.n for seal in chain] == list(range(1, len(chain) + 1))
    assert sum(seal.lines for seal in chain) == found.lines == len(_ids(owner))


@pytest.mark.django_db(transaction=True)
def test_sealing_waits_for_a_line_that_is_not_committed_yet(race):
    """R21: a line with a lower id never comes below a seal."""
    owner = organization()
    set_seats(owner, 5)
    pool = pool_of(owner)
    gate = connection.copy()
    gate.inc_thread_sharing()
    gate.set_autocommit(False)
    try:
        with gate.cursor() as cursor:
            cursor.execute("SELECT 1 FROM licensing_pool WHERE id = %s FOR UPDATE", [pool.pk])
            cursor.execute(
                f"INSERT INTO licensing_ledgerentry ({COLUMNS}) "
                f"SELECT {COLUMNS} FROM licensing_ledgerentry WHERE id = %s",
                [_ids(owner)[0]],
            )
        race(lambda: seals.seal(pool.pk), lambda: _commit_later(gate))
    finally:
        gate.close()
    assert (seals.verify(pool).unsealed, LedgerSeal.objects.get(pool=pool).lines) == (0, 2)


def _commit_later(gate):
    time.sleep(0.3)
    gate.commit()


# ---------------------------------------------------------------- reconciliation


def test_reconciliation_seals_and_keeps_how_it_went(owner, idp):
    """R21, R9: with its result on a page."""
    idp.create(PEOPLE[0])
    seat_of(owner, PEOPLE[0]).delete()
    at = clock.now()
    with clock.stopped(at=at):
        found = reconcile_licenses(owner)
    kept = Reconciled.objects.get(pool=pool_of(owner))
    assert (kept.drift, kept.granted, kept.revoked) == (found["drift"], 1, 0)
    assert (kept.started_at, kept.finished_at, kept.finished, kept.broken) == (at, at, True, "")
    assert kept.seal == LedgerSeal.objects.filter(pool=pool_of(owner)).count() == 1
    assert _verify(owner)["unsealed"] == 0
    assert "1 given" in kept.outcome
    reconcile_licenses(owner)
    assert Reconciled.objects.get(pool=pool_of(owner)).outcome == "nothing differed"
    assert LedgerSeal.objects.filter(pool=pool_of(owner)).count() == 1


def test_a_broken_chain_is_an_error_of_the_log_and_no_drift(owner, sealed, caplog):
    """R21: reconciliation cannot repair it, so it tells."""
    reconcile_licenses(owner)
    _tamper("UPDATE licensing_ledgerentry SET because = 'x' WHERE id = %(id)s", id=sealed[0][0])
    with caplog.at_level(logging.ERROR, "seatkeeper.ledger"):
        assert reconcile_licenses(owner)["drift"] == 0
    assert "was changed up to line" in caplog.text
    kept = Reconciled.objects.get(pool=pool_of(owner))
    assert (kept.drift, kept.finished, "was changed" in kept.broken) == (0, True, True)


def test_a_broken_chain_is_a_notice_in_the_admin_center(owner, sealed):
    """R21: on the overview and on the product's page, until then nothing."""
    admin = admins.create("lea@acme.example", organization=owner, password="a long enough password")
    client = Client()
    client.force_login(admin)
    reconcile_licenses(owner)
    assert "the history is whole" in client.get("/licenses/sales-navigator/").content.decode()
    _tamper("DELETE FROM licensing_ledgerentry WHERE id = %(id)s", id=sealed[1][0])
    reconcile_licenses(owner)
    for page in ("/", "/licenses/sales-navigator/"):
        shown = client.get(page).content.decode()
        assert "Lines are missing after line" in shown
        assert "the history is whole" not in shown


def test_a_dry_run_neither_seals_nor_keeps_anything(owner, idp):
    """R21: report, change nothing."""
    idp.create(PEOPLE[0])
    reconcile_licenses(owner, "--dry-run")
    assert not LedgerSeal.objects.exists()
    assert not Reconciled.objects.exists()


def test_a_killed_reconciliation_is_seen_and_the_next_pool_comes_first(owner, idp, monkeypatch):
    """R21, R9: what was not done is done next; what is done is not lost."""
    set_seats(owner, 1, "teamlink-extend")
    first, second = pool_of(owner), pool_of(owner, "teamlink-extend")
    reconcile.reconcile()

    class Killed(BaseException):
        pass

    def kill(pool_id):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(seals, "seal", kill)
        with pytest.raises(Killed):
            reconcile.reconcile()
    kept = Reconciled.objects.get(pool=first)
    assert (kept.finished, kept.finished_at is not None) == (False, True)
    assert list(reconcile.in_turn(Pool.objects.all())) == [second, first]
    reconcile.reconcile()
    assert all(kept.finished for kept in Reconciled.objects.all())


@pytest.mark.django_db(transaction=True)
def test_one_reconciliation_at_a_time_a_pool(race):
    """R21: a second task leaves the pool alone, a command waits for its turn."""
    owner = organization()
    connect(owner, seats=2)
    pool = pool_of(owner)
    inside = connection.copy()
    inside.inc_thread_sharing()
    try:
        with inside.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_lock(hashtextextended(%s, 0))", [f"reconcile {pool.pk}"]
            )
            assert reconcile.reconcile_pool(pool, wait=False) is None
            tasks.reconcile_pool(pool.pk)
            assert not Reconciled.objects.exists()
            (found, _) = race(
                lambda: reconcile.reconcile(owner),
                lambda: _release_later(inside, pool),
            )
        assert found.drift == 0
        assert Reconciled.objects.get().finished
        assert reconcile.reconcile_pool(pool, wait=False) is not None  # it was let go
    finally:
        inside.close()


def _release_later(inside, pool):
    time.sleep(0.3)
    assert not Reconciled.objects.exists()
    with inside.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [f"reconcile {pool.pk}"]
        )
