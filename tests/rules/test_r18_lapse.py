"""R18: a refused push that is not repeated ends. R20: looking at the waiting list again."""

import datetime as dt
import functools

import pytest

from accounts import clock
from accounts.refusal import NotFound
from licensing import refusals, tasks
from licensing.models import LedgerEntry, Pool, WaitingEntry
from tests.factories import (
    check_books,
    connect,
    dump,
    explain,
    holders,
    ledger,
    manage,
    manage_for_people,
    organization,
    pool_of,
    reconcile_licenses,
    set_seats,
    waiting,
)

pytestmark = pytest.mark.django_db

ADA, GRACE, HEDY = "ada@acme.example", "grace@acme.example", "hedy@acme.example"
NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
WAITING = "/licenses/sales-navigator/waiting/"


@pytest.fixture
def idp(owner):
    """Refuses when full; its one seat is Ada's."""
    idp = connect(owner, seats=1, name="Okta")
    idp.ada = idp.create(ADA, number="5")
    return idp


def _refuse(idp, email, at):
    with clock.stopped(at=at):
        assert idp.create(email).status == 403


def _lapse(at):
    with clock.stopped(at=at):
        tasks.lapse_refusals()


# ---------------------------------------------------------------- lapsing


def test_a_refusal_that_is_not_repeated_for_seven_days_ends(owner, idp):
    """R18: it counts as missing no longer."""
    _refuse(idp, GRACE, NOON)
    _lapse(NOON + 7 * DAY)
    assert waiting(owner) == [GRACE]
    _lapse(NOON + 7 * DAY + dt.timedelta(seconds=1))
    assert waiting(owner) == []
    assert "1 more Sales Navigator license" in idp.create(HEDY).detail


def test_each_repeat_gives_it_seven_days_more_and_since_stays(owner, idp):
    """R18: since when is the first time, asked the last."""
    _refuse(idp, GRACE, NOON)
    _refuse(idp, HEDY, NOON)
    _refuse(idp, GRACE, NOON + 6 * DAY)
    _lapse(NOON + 8 * DAY)
    assert waiting(owner) == [GRACE]
    entry = WaitingEntry.objects.of(owner).get()
    assert (entry.since, entry.asked_at) == (NOON, NOON + 6 * DAY)


def test_a_refused_reactivation_ends_too_and_the_person_stays(owner, idp):
    """R18: the identity provider asked once and never again."""
    grace = idp.create(GRACE, active=False)
    with clock.stopped(at=NOON):
        assert idp.set_active(grace.id, True).status == 403
    assert "refused" in explain(owner, GRACE).json["because"][1]
    _lapse(NOON + 8 * DAY)
    assert waiting(owner) == []
    assert idp.get(grace.id).json["active"] is False
    assert "not repeated for 7 days" in explain(owner, GRACE).json["because"][-1]


def test_whoever_waits_by_right_waits_for_ever(owner):
    """R18, R20: only a refusal ends; who is eligible gets a seat when one is free."""
    queue = connect(owner, seats=0, when_full="waitlist")
    with clock.stopped(at=NOON):
        queue.create(GRACE)
    _lapse(NOON + 400 * DAY)
    assert waiting(owner) == [GRACE]


def test_what_ended_is_a_line_of_the_ledger_and_a_second_run_writes_none(owner, idp):
    """R21: why the number of missing licenses fell."""
    _refuse(idp, GRACE, NOON)
    _lapse(NOON + 8 * DAY)
    assert ledger(owner)[-2:] == [("refuse", GRACE), ("lapse", GRACE)]
    before = dump()
    _lapse(NOON + 9 * DAY)
    assert dump() == before
    assert reconcile_licenses(owner)["drift"] == 0


def test_a_push_that_comes_after_all_is_refused_or_succeeds_as_any_other(owner, idp):
    """R18: the same push succeeds once a seat is free."""
    _refuse(idp, GRACE, NOON)
    _lapse(NOON + 8 * DAY)
    assert idp.create(GRACE).status == 403
    assert waiting(owner) == [GRACE]
    set_seats(owner, 2)
    assert idp.create(GRACE).status == 201


def test_a_refusal_from_before_the_column_ends_by_since_when_it_stands(owner, idp):
    """R18: a line that an older version wrote."""
    _refuse(idp, GRACE, NOON)
    WaitingEntry.objects.of(owner).update(asked_at=None)
    _lapse(NOON + 8 * DAY)
    assert waiting(owner) == []


@pytest.mark.django_db(transaction=True)
def test_a_push_that_is_repeated_while_refusals_lapse_is_waited_for(race):
    """R18, R26: one of the two is first, and either way who asked now stands there."""
    owner = organization()
    idp = connect(owner, seats=0)
    for n in range(3):
        email = f"p{n}@acme.example"
        _refuse(idp, email, NOON)
        answer, _ = race(functools.partial(idp.create, email), tasks.lapse_refusals, behind=owner)
        assert answer.status == 403
        assert email in waiting(owner)
    check_books()


def test_a_refused_person_who_is_created_on_the_waiting_list_stands_there_once(owner, idp):
    """R18: after the rules changed from refuse to waitlist."""
    idp.create(GRACE)
    manage("set_eligibility", idp.application.pk, "everyone", "--when-full", "waitlist")
    assert idp.create(GRACE).status == 201
    assert waiting(owner) == [GRACE]
    set_seats(owner, 2)
    assert (holders(owner), waiting(owner)) == ([ADA, GRACE], [])


# ---------------------------------------------------------------- dropping by hand


def test_an_admin_drops_a_refusal_by_one_click(owner, idp, admin, lea):
    """R18, R21: who did it is a line."""
    idp.create(GRACE)
    idp.create(HEDY)
    page = admin.get(WAITING).content.decode()
    assert "Last asked" in page
    entry = WaitingEntry.objects.of(owner).get(email=GRACE)
    answer = admin.post(f"{WAITING}{entry.pk}/drop/", follow=True)
    assert "is not waited for any more" in answer.content.decode()
    assert waiting(owner) == [HEDY]
    line = LedgerEntry.objects.of(owner).latest("pk")
    assert (line.deed, line.email, line.admin) == ("lapse", GRACE, lea)
    assert "1 more Sales Navigator license" in idp.create(HEDY).detail


def test_only_a_refusal_of_the_own_pool_can_be_dropped(owner, idp, admin):
    """R8, R20: whoever is eligible stays on the list; another's line is not there."""
    queue = connect(owner, product="teamlink-extend", seats=0, when_full="waitlist")
    queue.create(GRACE)
    entry = WaitingEntry.objects.of(owner).get()
    before = dump()
    for product in ("teamlink-extend", "sales-navigator"):
        admin.post(f"/licenses/{product}/waiting/{entry.pk}/drop/")
        with pytest.raises(NotFound):
            refusals.drop(pool_of(owner, product), entry.pk)
    assert dump() == before
    assert admin.get(f"{WAITING}{entry.pk}/drop/").status_code == 405


# ---------------------------------------------------------------- reprocessing


def test_reprocessing_serves_whom_a_lost_wake_up_left_waiting(owner):
    """R20: told in numbers."""
    queue = connect(owner, seats=0, when_full="waitlist")
    for n, email in enumerate((ADA, GRACE, HEDY)):
        queue.create(email, number=str(n))
    Pool.objects.filter(pk=pool_of(owner).pk).update(purchased=2)
    ran = manage("reprocess_waiting", owner.slug, "sales-navigator")
    assert ran.json["gain"] == {"total": 2, "first": [ADA, GRACE]}
    assert ran.json["wait"] == {"total": 1, "first": [HEDY]}
    assert (holders(owner), waiting(owner)) == ([ADA, GRACE], [HEDY])
    before = dump()
    assert manage("reprocess_waiting", owner.slug, "sales-navigator").json["gain"]["total"] == 0
    assert dump() == before
    assert (
        "1 wait for one\n  hedy@acme.example"
        in manage_for_people("reprocess_waiting", owner.slug, "sales-navigator").out
    )


def test_reprocessing_carries_out_no_refused_push_and_tells_how_many_there_are(owner, idp, admin):
    """R18: not behind the identity provider's back; the same push succeeds then."""
    idp.create(GRACE)
    inactive = idp.create(HEDY, active=False)
    idp.set_active(inactive.id, True)
    set_seats(owner, 3)
    answer = admin.post(f"{WAITING}reprocess/", follow=True)
    page = answer.content.decode()
    assert "2 refused: push them again from the identity provider. 2 licenses are free" in page
    assert (holders(owner), waiting(owner)) == ([ADA], [GRACE, HEDY])
    assert idp.create(GRACE).status == 201
    assert idp.set_active(inactive.id, True).status == 200
    assert waiting(owner) == []


def test_reprocessing_by_the_page_says_who_got_one(owner, admin, lea):
    """R20, R21: the admin is in the ledger."""
    queue = connect(owner, seats=0, when_full="waitlist")
    queue.create(ADA)
    Pool.objects.filter(pk=pool_of(owner).pk).update(purchased=1)
    answer = admin.post(f"{WAITING}reprocess/", follow=True)
    assert "1 person gained a license, nobody lost theirs, nobody waits" in (
        answer.content.decode()
    )
    assert LedgerEntry.objects.of(owner).latest("pk").admin == lea
    assert admin.post("/licenses/toasters/waiting/reprocess/").status_code == 404
