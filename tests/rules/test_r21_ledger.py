"""R21: the ledger; the seats follow from it. R9: reconciliation repairs what was missed."""

import itertools

import pytest
from django.db import DatabaseError, connection, transaction

from accounts import clock
from licensing import reconcile, tasks
from licensing.models import LedgerEntry, Pool, Seat, WaitingEntry
from tests.factories import (
    connect,
    dump,
    grant,
    holders,
    ledger,
    manage,
    organization,
    pool_of,
    reconcile_licenses,
    seat_of,
    set_seats,
    waiting,
)

pytestmark = pytest.mark.django_db

ADA, GRACE, MAX = "ada@acme.example", "grace@acme.example", "max@acme.example"


@pytest.fixture
def idp(owner):
    return connect(owner, seats=2, name="Okta")


def _last(owner):
    return LedgerEntry.objects.filter(pool=pool_of(owner)).order_by("-id").first()


def test_every_grant_and_release_says_who_which_request_and_why(owner, idp):
    """R21: which application, which request, why, in a sentence."""
    ada = idp.create(ADA)
    made = _last(owner)
    assert (made.deed, made.email, made.source) == ("grant", ADA, "scim")
    assert (made.application, made.admin) == (idp.application, None)
    assert made.request_id == ada.headers["X-Request-Id"]
    assert "Okta" in made.because
    gone = idp.set_active(ada.id, False)
    line = _last(owner)
    assert (line.deed, line.request_id) == ("release", gone.headers["X-Request-Id"])
    back = idp.replace(ada.id, ADA, active=True)
    assert _last(owner).request_id == back.headers["X-Request-Id"]
    deleted = idp.delete(ada.id)
    line = _last(owner)
    assert (line.deed, line.request_id) == ("release", deleted.headers["X-Request-Id"])


def test_the_request_id_that_the_client_sends_is_the_one_of_the_line(owner, idp):
    """R21, R28: the same in the header, in the activity log and in the ledger."""
    idp("POST", "/Users", {"userName": ADA}, **{"X-Request-ID": "push-4711"})
    assert _last(owner).request_id == "push-4711"


def test_a_takeover_an_activation_and_a_refusal_are_lines(owner, idp):
    """R21: every grant, release, takeover, activation and refusal."""
    grant(owner, MAX)
    assert "by hand" in _last(owner).because
    manage("activate_seat", owner.slug, "sales-navigator", MAX)
    assert _last(owner).deed == "activate"
    taken = idp.create(MAX)
    line = _last(owner)
    assert (line.deed, line.request_id) == ("take_over", taken.headers["X-Request-Id"])
    idp.create(ADA)
    refused = idp.create(GRACE)
    line = _last(owner)
    assert (line.deed, line.email) == ("refuse", GRACE)
    assert line.request_id == refused.headers["X-Request-Id"]
    assert line.application == idp.application


def test_a_refused_reactivation_is_a_line_of_that_person(owner, idp):
    """R21: and refusal."""
    grace = idp.create(GRACE, active=False)
    set_seats(owner, 0)
    refused = idp.set_active(grace.id, True)
    line = _last(owner)
    assert (line.deed, line.person.email) == ("refuse", GRACE)
    assert line.request_id == refused.headers["X-Request-Id"]


def test_grants_and_releases_through_a_group_name_the_request_of_the_group(owner):
    """R21: which request: that of the group push."""
    idp = connect(owner, seats=2, eligibility="groups", eligible_groups=["Sellers"])
    ada = idp.create(ADA)
    group = idp.create_group("Sellers", ada.id)
    line = _last(owner)
    assert (line.deed, line.request_id) == ("grant", group.headers["X-Request-Id"])
    assert "Sellers" in line.because
    left = idp.remove_members(group.id, ada.id)
    line = _last(owner)
    assert (line.deed, line.request_id) == ("release", left.headers["X-Request-Id"])


def test_each_operation_of_a_bulk_request_names_the_request(owner, idp):
    """R21: which request."""
    answer = idp.bulk(("POST", "/Users", {"userName": ADA}), ("POST", "/Users", {"userName": MAX}))
    lines = LedgerEntry.objects.filter(deed="grant")
    assert {line.request_id for line in lines} == {answer.headers["X-Request-Id"]}
    assert lines.count() == 2


def test_a_changed_number_of_seats_is_a_line(owner):
    """R21: the number that grants were measured by."""
    set_seats(owner, 4)
    set_seats(owner, 4)
    line = _last(owner)
    assert (line.deed, line.seats) == ("resize", 4)
    assert len(ledger(owner)) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE licensing_ledgerentry SET because = 'nothing happened'",
        "UPDATE licensing_ledgerentry SET at = now()",
        "DELETE FROM licensing_ledgerentry",
    ],
)
def test_the_database_refuses_to_change_or_delete_a_line(owner, idp, statement):
    """R21: append-only, whoever asks."""
    idp.create(ADA)
    before = ledger(owner)
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    with pytest.raises(DatabaseError), transaction.atomic():
        LedgerEntry.objects.all().delete()
    assert ledger(owner) == before


def test_the_database_refuses_to_empty_the_ledger(owner, idp):
    """R21: TRUNCATE is refused too (the tests' own clean-up has the trigger switched off)."""
    idp.create(ADA)
    before = ledger(owner)
    trigger_back_on = (
        "SET CONSTRAINTS ALL IMMEDIATE; "
        "ALTER TABLE licensing_ledgerentry ENABLE TRIGGER licensing_ledger_is_never_emptied; "
    )
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(trigger_back_on + "TRUNCATE licensing_ledgerentry")
    assert ledger(owner) == before


def test_the_lines_add_up_to_the_seats(owner, idp):
    """R21: the seats follow from the ledger."""
    grant(owner, MAX)
    ada = idp.create(ADA)
    idp.create(GRACE)
    idp.set_active(ada.id, False)
    idp.create(GRACE)
    manage("remove_seat", owner.slug, "sales-navigator", MAX)
    idp.set_active(ada.id, True)
    held = set()
    for deed, email in ledger(owner):
        if deed in ("grant", "take_over"):
            held.add(email)
        elif deed == "release":
            held.remove(email)
    assert held == set(holders(owner)) == {ADA, GRACE}


# ---------------------------------------------------------------- reconciliation


def _lose_a_seat(owner):
    seat_of(owner, ADA).delete()


def _forge_a_seat(owner):
    grace = seat_of(owner, ADA).person.__class__.objects.get(email=GRACE)
    Seat.objects.create(
        organization=owner,
        pool=pool_of(owner),
        person=grace,
        source="scim",
        application=seat_of(owner, ADA).application,
        granted_at=clock.now(),
    )


def _count_too_many(owner):
    Pool.objects.filter(pk=pool_of(owner).pk).update(held=2)


def _count_too_few(owner):
    Pool.objects.filter(pk=pool_of(owner).pk).update(held=0)


def _lose_and_forge(owner):
    _forge_a_seat(owner)
    _lose_a_seat(owner)


DRIFT = [_lose_a_seat, _forge_a_seat, _count_too_many, _count_too_few, _lose_and_forge]


@pytest.fixture
def world(owner):
    """Ada is a member of Sellers and has a seat; Grace is inactive and has none."""
    idp = connect(owner, seats=2, name="Okta", eligibility="groups", eligible_groups=["Sellers"])
    ada = idp.create(ADA)
    idp.create(GRACE, active=False)
    idp.create_group("Sellers", ada.id)
    manage("activate_seat", owner.slug, "sales-navigator", ADA)
    return idp


def test_without_drift_reconciliation_finds_and_changes_nothing(owner, world):
    """R21: it proves that the seats follow from the ledger."""
    before = dump()
    assert reconcile_licenses(owner) == {"granted": [], "revoked": [], "waiting": [], "drift": 0}
    assert dump() == before


@pytest.mark.parametrize("inject", DRIFT)
def test_reconciliation_finds_and_repairs_what_was_changed_behind_its_back(owner, world, inject):
    """R21, R9: recomputes everything, reports the drift and repairs it; a second run changes
    nothing."""
    inject(owner)
    first = reconcile_licenses(owner)
    assert first["drift"] > 0
    assert first["granted"] == ([ADA] if "lose" in inject.__name__ else [])
    assert first["revoked"] == ([GRACE] if "forge" in inject.__name__ else [])
    assert holders(owner) == [ADA]
    assert pool_of(owner).held == 1
    before = dump()
    assert reconcile_licenses(owner) == {"granted": [], "revoked": [], "waiting": [], "drift": 0}
    assert dump() == before


@pytest.mark.parametrize("inject", DRIFT)
def test_a_dry_run_reports_the_same_and_changes_nothing(owner, world, inject):
    """R21: report, change nothing."""
    inject(owner)
    before = dump()
    told = reconcile_licenses(owner, "--dry-run")
    assert dump() == before
    assert reconcile_licenses(owner) == told


def test_every_repair_is_a_line(owner, world):
    """R21: who: nobody; why: reconciliation found a difference."""
    _forge_a_seat(owner)
    known = len(ledger(owner))
    reconcile_licenses(owner)
    new = LedgerEntry.objects.filter(pool=pool_of(owner)).order_by("id")[known:]
    assert [line.deed for line in new] == ["grant", "release"]
    assert all("econciliation" in line.because for line in new)


def test_a_lost_seat_that_was_given_by_hand_is_given_back(owner, idp):
    """R21: the seats follow from the ledger: it is the ledger that says who holds one by hand."""
    grant(owner, MAX)
    seat_of(owner, MAX).delete()
    first = reconcile_licenses(owner)
    assert (first["granted"], first["drift"] > 0) == ([MAX], True)
    assert (holders(owner), seat_of(owner, MAX).source) == ([MAX], "manual")


def test_a_forged_seat_by_hand_that_no_line_tells_of_is_taken_back(owner, idp):
    """R21: a seat that nobody gave is no seat."""
    ada = idp.create(ADA, active=False)
    person = idp.application.links.get(pk=ada.id).person
    Seat.objects.create(
        organization=owner,
        pool=pool_of(owner),
        person=person,
        source="manual",
        granted_at=clock.now(),
    )
    first = reconcile_licenses(owner)
    assert (first["revoked"], first["drift"] > 0) == ([ADA], True)
    assert holders(owner) == []


def test_a_lost_line_of_the_waiting_list_is_drift(owner):
    """R21: recomputes everything, the waiting list too."""
    idp = connect(owner, seats=0, when_full="waitlist")
    idp.create(ADA)
    WaitingEntry.objects.all().delete()
    first = reconcile_licenses(owner)
    assert (first["waiting"], first["drift"]) == ([ADA], 1)
    assert reconcile_licenses(owner)["drift"] == 0


def test_somebody_who_waits_for_nothing_is_drift(owner, world):
    """R21: whoever is not eligible and active does not wait."""
    grace = seat_of(owner, ADA).person.__class__.objects.get(email=GRACE)
    WaitingEntry.objects.create(
        organization=owner,
        pool=pool_of(owner),
        application=world.application,
        person=grace,
        user_name_key=GRACE,
        email=GRACE,
        sort_key="2",
        since=clock.now(),
        reason="?",
    )
    first = reconcile_licenses(owner)
    assert (first["waiting"], first["drift"]) == ([], 1)
    assert waiting(owner) == []


def test_reconciliation_never_grants_more_than_was_bought(owner, world):
    """R21, R15: whatever it repairs."""
    set_seats(owner, 1)
    _forge_a_seat(owner)
    _lose_a_seat(owner)
    reconcile_licenses(owner)
    assert holders(owner) == [ADA]


def test_reconciliation_of_one_organization_leaves_the_others_alone(owner, world):
    """R21: --organization."""
    other = organization()
    idp = connect(other, seats=1)
    idp.create(ADA)
    seat_of(other, ADA).delete()
    assert reconcile_licenses(owner)["drift"] == 0
    assert holders(other) == []
    assert manage("reconcile_licenses").json["granted"] == [ADA]
    assert holders(other) == [ADA]


def test_the_hourly_task_repairs_every_pool(owner, world):
    """R9: hourly reconciliation repairs whatever was missed."""
    _lose_a_seat(owner)
    for pool in Pool.objects.all():
        tasks.reconcile_pool(pool.pk)
    assert holders(owner) == [ADA]


def test_what_was_done_is_visible_at_once_after_the_push_answers(owner, idp):
    """R9: a change made in the identity provider is visible at once."""
    ada = idp.create(ADA)
    for active, title in itertools.product((False, True), ("A", "B")):
        idp.patch(f"/Users/{ada.id}", ("replace", None, {"active": active, "title": title}))
        shown = idp.get(ada.id).json
        assert (shown["active"], shown["title"]) == (active, title)
        assert [user["id"] for user in idp.find(f'title eq "{title}"')] == [ada.id]
        assert holders(owner) == ([ADA] if active else [])


@pytest.mark.django_db(transaction=True)
def test_reconciliations_at_once_repair_once(race):
    """R21, R15: several workers, one repair."""
    owner = organization()
    idp = connect(owner, seats=2)
    idp.create(ADA)
    seat_of(owner, ADA).delete()
    runs = race(*[lambda: reconcile.reconcile(owner)] * 4)
    assert sorted(run.granted for run in runs) == [[], [], [], [ADA]]
    assert holders(owner) == [ADA]
