"""R21, R28: a person's data is exported and erased on request, and the ledger stays truthful."""

from __future__ import annotations

import contextlib
import json

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts import admins, by_hand, personal, undo
from accounts.models import AuditEntry, Link, Person, Undo, WebhookDelivery
from accounts.refusal import Refusal
from licensing import erasing, refusals, seals
from licensing.models import LedgerEntry, LedgerSeal, Seat
from scim.models import Exchange
from tests import canary, factories
from tests.canary import EARLIER, EMAIL, NEVER, ROBIN, SALES, TEAMLINK
from tests.factories import connect, manage, pool_of, seat_of
from tests.rules.test_r21_seals import _as_owner_of_the_tables

pytestmark = pytest.mark.django_db


def export(owner, person):
    ran = manage("export_person", "--organization", owner.slug, "--id", person.pk)
    assert ran.exit == 0, ran.json
    return ran.json["sections"]


def erase(owner, *who):
    return manage("erase_person", "--organization", owner.slug, *who, "--yes")


def refusal(ran):
    assert ran.exit == 1, ran.json
    return ran.json["error"]["code"]


def whole():
    ran = manage("verify_ledger")
    assert ran.exit == (0 if ran.json["whole"] else 1)
    return ran.json["whole"]


# ---------------------------------------------------------------- everywhere


def test_every_column_is_in_the_table_of_places_or_holds_nothing_of_a_person():
    """Generated from the models: a column that is new has to be in one of the two."""
    assert list(personal.unknown()) == []
    for model in (Person, Link, Seat, LedgerEntry, Exchange, WebhookDelivery):
        assert model in {place.model for place in personal.places()}


def test_whom_an_application_provided_is_exported_and_erased_everywhere(owner, lea):
    """R20, R21: nothing of them is left, the seat goes to who waits, the ledger is whole."""
    person, _ = canary.provided(owner, lea)
    seals.seal_all()
    held = canary.where(*NEVER)
    told = export(owner, person)
    assert told["Profile"][0]["email"] == EMAIL
    assert told["Licenses"][0]["product"] == TEAMLINK
    assert "by hand" in json.dumps(told["Why"])
    assert told["Groups"] == [{"group": "Sellers"}]
    sections = {place.section for place in personal.places() if place.model._meta.db_table in held}
    assert sections <= told.keys(), "whatever is found is told"
    assert {"Held removals", "Use", "Webhooks", "Ledger", "Audit log"} <= told.keys()
    about_several = [line for line in told["Activity log"] if line["path"].startswith("/Bulk")]
    assert [line["request"] for line in about_several] == ["of several people: not told here"]

    assert refusal(manage("erase_person", "--organization", owner.slug, "--id", person.pk)) == (
        "not_confirmed"
    )
    assert canary.where(*NEVER).keys() >= held.keys()
    ran = erase(owner, "--email", EMAIL)
    assert ran.json == {"person": person.pk, "released": [TEAMLINK]}
    assert canary.where(*NEVER) == {}
    assert factories.holders(owner, TEAMLINK) == [ROBIN]
    assert whole()
    lines = LedgerEntry.objects.filter(person=person)
    assert {line.because for line in lines} == {seals.BECAUSE_ERASED}
    assert lines.filter(deed="release", pool__product=TEAMLINK).count() == 1
    noted = AuditEntry.objects.filter(deed="person_erased").get()
    assert (noted.subject_id, noted.subject_name, noted.email) == (
        *(str(person.pk), personal.ERASED, "command"),
    )
    assert refusal(erase(owner, "--id", person.pk)) == "person_erased"
    assert refusal(erase(owner, "--email", EMAIL)) == "person_not_found"


def test_who_was_added_by_hand_is_exported_and_erased_everywhere(owner, lea, admin):
    """R10, R23: with files that wait, answers of the API and deeds that could be undone."""
    person = canary.by_hand(owner, lea, admin)
    assert Undo.objects.of(owner).count() > 3
    held = canary.where(*NEVER)
    told = export(owner, person)
    sections = {place.section for place in personal.places() if place.model._meta.db_table in held}
    assert sections <= told.keys()
    assert {"Answers of the Admin API, kept for a day", "E-mails"} <= told.keys()
    assert erase(owner, "--id", person.pk).json["released"] == [SALES]
    assert canary.where(*NEVER) == {}
    assert not Undo.objects.of(owner).exists()
    robin = Person.objects.get(email=ROBIN)
    assert [str(member.person) for member in robin.memberships.all()] == [ROBIN]
    [joined] = AuditEntry.objects.filter(deed="group_people_added", after__people=[ROBIN])
    assert joined.subject_name == "SMB", "what is about others stays"
    assert whole()


def test_what_is_about_others_stays(owner, lea):
    """R28: of two people of one name, in an audit line and a push of a group; who is of the same
    address in another organization; lines that have the address inside a longer one."""
    other = factories.organization()
    for here in (owner, other):
        factories.set_seats(here, 5)
        factories.grant(here, EMAIL, first_name="Kanarina", last_name="Fink")
    factories.grant(owner, f"x-{EMAIL}", first_name="Kanarina", last_name="Fink")
    before = factories.dump(without=())
    theirs = Person.objects.get(email=EMAIL, organization=other)
    for email in (EMAIL, f"x-{EMAIL}"):
        manage("remove_seat", owner.slug, SALES, email)
    assert erase(owner, "--email", EMAIL).exit == 0
    after = factories.dump(without=())
    for table in ("accounts_person", "accounts_link", "licensing_seat", "licensing_ledgerentry"):
        kept = [row for row in before[table] if f'"organization_id": {other.pk}' in row]
        assert kept
        assert set(kept) <= set(after[table])
    assert seat_of(other, EMAIL).person == theirs
    namesake = (
        AuditEntry.objects.of(owner)
        .filter(deed="seat_removed")
        .values_list("subject_name", flat=True)
    )
    assert sorted(namesake) == [personal.ERASED, f"x-{EMAIL}"]
    [left] = Person.objects.of(owner).filter(erased_at=None)
    assert (left.name, left.email) == ("Kanarina Fink", f"x-{EMAIL}")


def test_who_was_only_refused_is_erased_too(owner, lea):
    """R18: once the application does not ask any more, and the refused push is dropped."""
    okta = connect(owner, seats=0, name="Okta")
    assert canary.push(okta).status == 403
    entry = pool_of(owner).waiting.get()
    assert refusal(erase(owner, "--email", EMAIL)) == "still_provided"
    refusals.drop(pool_of(owner), entry.pk, by=lea)
    seals.seal_all()
    told = manage("export_person", "--organization", owner.slug, "--email", EMAIL).json
    assert {line["deed"] for line in told["sections"]["Ledger"]} == {"refuse", "lapse"}
    assert erase(owner, "--email", EMAIL).json == {"person": None, "released": []}
    assert canary.where(*NEVER) == {}
    assert whole()


# ---------------------------------------------------------------- refused


def test_whom_an_application_provides_is_refused_and_nothing_changes(owner, lea):
    """R8: the next push would make them anew; once deleted there, they are erased."""
    okta = connect(owner, seats=3, name="Okta")
    id = canary.push(okta).id
    before = factories.dump(without=())
    ran = erase(owner, "--email", EMAIL)
    assert refusal(ran) == "still_provided"
    assert "Okta provides this person" in ran.json["error"]["detail"]
    assert factories.dump(without=()) == before
    okta.delete(id)
    person = Person.objects.get(email=EMAIL)
    assert erase(owner, "--email", EMAIL).json == {"person": person.pk, "released": []}
    assert canary.where(*NEVER) == {}
    assert canary.push(okta).status == 201, "pushed again they are somebody new"
    assert Person.objects.get(email=EMAIL).pk != person.pk
    assert manage("list_freed", owner.slug, SALES).json == []


def test_only_an_owner_erases(owner, lea):
    """And who is no owner any more at that moment neither."""
    factories.set_seats(owner, 1)
    factories.grant(owner, EMAIL)
    sam = admins.create("sam@acme.example", organization=owner, password="a long enough password",
                        role="admin")  # fmt: skip
    before = factories.dump(without=())
    with pytest.raises(Refusal) as refused:
        erasing.erase(erasing.find(owner, email=EMAIL), by=sam)
    assert refused.value.code == "not_owner"
    assert factories.dump(without=()) == before


# ---------------------------------------------------------------- the ledger


@pytest.fixture
def erased(owner):
    """A sealed ledger of which Kanarina was erased; her lines."""
    factories.set_seats(owner, 3)
    for email in (EMAIL, ROBIN):
        factories.grant(owner, email)
    seals.seal_all()
    person = Person.objects.get(email=EMAIL)
    assert erase(owner, "--email", EMAIL).exit == 0
    seals.seal_all()
    assert whole()
    return list(LedgerEntry.objects.filter(person=person).order_by("id"))


@pytest.mark.parametrize(
    "change",
    [
        "email = 'eve@acme.example'",
        "because = 'Okta created this person'",
        "salt = gen_random_uuid()",
        "erased = repeat('0', 64)",
        "erased = ''",
        "deed = 'activate'",
        "at = at - interval '1 day'",
        "person_id = NULL",
    ],
)
def test_an_erased_line_that_is_tampered_with_shows(erased, change):
    """R21: whatever is not erased is covered as before, and nothing can be written over it."""
    with transaction.atomic():
        with _as_owner_of_the_tables() as cursor:
            cursor.execute(
                f"UPDATE licensing_ledgerentry SET {change} WHERE id = %s", [erased[0].pk]
            )
        assert not whole()
        transaction.set_rollback(True)


DIGEST = "encode(sha256(convert_to(json_build_array(salt, email, because)::text, 'UTF8')), 'hex')"


GONE = f"email = '', because = 'Erased on request', salt = NULL, erased = {DIGEST}"


@pytest.mark.parametrize(
    "change",
    [
        "email = ''",
        "email = '', because = 'Erased on request', salt = NULL, erased = repeat('0', 64)",
        f"email = '', because = 'Gone', salt = NULL, erased = {DIGEST}",
        f"email = '', because = 'Erased on request', erased = {DIGEST}",
        f"{GONE}, seats = 1",
        f"{GONE}, deed = 'lapse'",
        "salt = gen_random_uuid()",
        "salt = NULL",
    ],
)
def test_the_database_allows_erasing_a_line_and_no_other_change(owner, change):
    """R21: as it stands in the migration; erased once, it is never changed again."""
    factories.set_seats(owner, 1)
    factories.grant(owner, EMAIL)
    line = LedgerEntry.objects.get(email=EMAIL)

    def update(change):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE licensing_ledgerentry SET {change} WHERE id = {line.pk}")

    with pytest.raises(DatabaseError, match="append-only"):
        update(change)
    update(GONE)
    with pytest.raises(DatabaseError, match="append-only"):
        update(change)


@contextlib.contextmanager
def as_before():
    """As a release writes the ledger that knew no salt; its seals come without a format."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE licensing_ledgerentry ALTER salt DROP DEFAULT")
        yield
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE licensing_ledgerentry ALTER salt SET DEFAULT gen_random_uuid()")


def test_lines_and_seals_of_before_are_erased_too(owner):
    """R21: of a release that knew no salt. The seal is checked by a second digest from then on,
    and stays in its place of the chain; whoever is erased next under it changes nothing of it."""
    with as_before():
        factories.set_seats(owner, 3)
        for email in (EMAIL, ROBIN):
            factories.grant(owner, email)
        seals.seal_all()
        manage("remove_seat", owner.slug, SALES, ROBIN)
    factories.grant(owner, ROBIN)
    seals.seal_all()
    manage("remove_seat", owner.slug, SALES, ROBIN)
    seals.seal_all()
    first, second, third = LedgerSeal.objects.order_by("n")
    assert (first.format, second.format, third.format) == (1, 1, 2)
    printed = manage("verify_ledger").json["pools"][0]["head"]
    known = [seals.Mark(first.n, first.digest), seals.Mark(**printed)]
    digests = list(LedgerSeal.objects.order_by("n").values_list("n", "digest"))

    assert erase(owner, "--email", EMAIL).exit == 0
    assert canary.where(*NEVER) == {}
    assert whole()
    anew = list(LedgerSeal.objects.order_by("n").values_list("anew", flat=True))
    assert [len(digest) for digest in anew] == [64, 0, 0]
    assert erase(owner, "--email", ROBIN).exit == 0
    again = list(LedgerSeal.objects.order_by("n").values_list("anew", flat=True))
    assert (again[0], len(again[1]), again[2]) == (anew[0], 64, "")
    assert list(LedgerSeal.objects.order_by("n").values_list("n", "digest")) == digests
    assert seals.verify(pool_of(owner), known).broken is None
    with transaction.atomic():
        with _as_owner_of_the_tables() as cursor:
            cursor.execute("UPDATE licensing_ledgerentry SET seats = 4 WHERE deed = 'resize'")
        assert not whole()
        transaction.set_rollback(True)
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE licensing_ledgerseal SET anew = digest WHERE n = 1")


def test_a_ledger_that_was_broken_before_stays_broken(owner):
    """R21: erasing hides nothing, also under a seal of before."""
    with as_before():
        factories.set_seats(owner, 3)
        factories.grant(owner, EMAIL)
        seals.seal_all()
    with _as_owner_of_the_tables() as cursor:
        cursor.execute("UPDATE licensing_ledgerentry SET seats = 4 WHERE deed = 'resize'")
    assert not whole()
    assert erase(owner, "--email", EMAIL).exit == 0
    assert not whole()


# ---------------------------------------------------------------- the rest


def test_the_audit_log_loses_names_and_nothing_else(owner, lea):
    """R28: the database lets a line change only where "(erased)" comes in."""
    factories.set_seats(owner, 1)
    line = AuditEntry.objects.of(owner).latest("id")
    for change in ("subject_name = 'x'", "before = NULL", "after = '{}'", "email = '(erased)'",
                   "deed = '(erased)'", "subject_name = '(erased)', at = now()"):  # fmt: skip
        with (
            pytest.raises(DatabaseError, match="append-only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(f"UPDATE accounts_auditentry SET {change} WHERE id = {line.pk}")


def test_what_was_done_to_them_cannot_be_undone(owner, lea):
    """R10: a deed to several neither, since it would bring them back; deeds to others can."""
    factories.set_seats(owner, 3)
    for email in (EMAIL, ROBIN):
        factories.grant(owner, email)
    kanarina, robin = Person.objects.order_by("pk")
    by_hand.edit(owner, kanarina.pk, {"email": EARLIER}, by=lea)
    by_hand.edit(owner, robin.pk, {"email": ROBIN, "title": "Outlaw"}, by=lea)
    first, second = AuditEntry.objects.filter(deed="person_changed").order_by("pk")
    erasing.erase(erasing.find(owner, id=kanarina.pk), by=lea)
    assert undo.possible(owner, [first, second], by=lea) == {second.pk}
    erased = AuditEntry.objects.latest("pk")
    assert (erased.deed, erased.email) == ("person_erased", lea.email)
    assert undo.newest(owner, erased.request_id, by=lea) is None
    assert erasing.find(owner, id=robin.pk)


def test_erasing_takes_as_many_statements_for_many_rows_as_for_one(owner, lea):
    """Set-based: whatever was written about a person."""
    counted = []
    for rows in (1, 12):
        factories.set_seats(owner, 5 + rows)
        factories.grant(owner, EMAIL)
        person = Person.objects.get(email=EMAIL)
        for n in range(rows):
            by_hand.edit(owner, person.pk, {"email": EMAIL, "title": f"No {n}"}, by=lea)
            manage("remove_seat", owner.slug, SALES, EMAIL)
            factories.grant(owner, EMAIL)
        with CaptureQueriesContext(connection) as queries:
            erasing.erase(erasing.find(owner, email=EMAIL), by=lea)
        counted.append(len(queries))
    assert counted[0] == counted[1] < 90, counted
