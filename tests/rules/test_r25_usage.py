"""R25: uses by license holders are taken once each, counted by day, and noted at their seats."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import clock
from accounts.models import Organization, Person
from accounts.refusal import Refusal
from accounts.tasks import deliver_outbox
from licensing import idle, roster, tasks, usage
from licensing.models import Seat, UsageDay, UsageEvent, UsageMonth
from licensing.usage import Event
from tests.factories import connect, dump, explain, grant, organization, pool_of, seat_of, set_seats

NOW = dt.datetime(2026, 11, 24, 15, tzinfo=dt.UTC)
SALES = "sales-navigator"
ADA, GRACE = "ada@acme.example", "grace@acme.example"


@pytest.fixture(autouse=True)
def _today():
    with clock.stopped(at=NOW):
        yield


@pytest.fixture
def held(owner: Organization) -> Organization:
    """Ada and Grace have had a license for fifty days; Grace's is activated."""
    with clock.stopped(at=NOW - dt.timedelta(days=50)):
        set_seats(owner, 5)
        grant(owner, ADA, employee_number="7")
        grant(owner, GRACE, employee_number="8")
        roster.activate(owner, SALES, GRACE)
    return owner


def use(id: str, ago: float = 1, **more: Any) -> Event:
    at = (NOW - dt.timedelta(days=ago)).isoformat()
    return Event.read({"id": id, "product": SALES, "happened_at": at, "email": GRACE, **more})


def outcomes(owner: Organization, *events: Event) -> list[tuple[str, str]]:
    return [(answer.outcome, answer.code) for answer in usage.record(owner, events)]


def days(owner: Organization) -> list[tuple[str, str, int]]:
    rows = UsageDay.objects.of(owner).order_by("day", "person__email")
    return [(f"{row.day}", row.person.email, row.count) for row in rows.select_related("person")]


def test_a_person_is_known_by_address_number_or_id(held):
    """R25: case makes no difference; a number in JSON is a number of ours."""
    grace = Person.objects.get(email=GRACE)
    told = outcomes(
        held,
        use("a", email=GRACE.upper()),
        use("b", email="", employee_number="8"),
        use("c", email="", person=grace.pk),
    )
    assert told == [("accepted", "")] * 3
    assert set(UsageEvent.objects.values_list("person", flat=True)) == {grace.pk}


def test_a_repeat_changes_nothing_and_is_told(held):
    """R25, R26: also in the same call, and when it says something else by the same id."""
    assert outcomes(held, use("a"), use("a")) == [("accepted", ""), ("repeated", "")]
    before = dump()
    assert outcomes(held, use("a")) == [("repeated", "")]
    [answer] = usage.record(held, [use("a", ago=3)])
    assert (answer.outcome, answer.code) == ("repeated", "id_used")
    assert "that one stays" in answer.because
    assert dump() == before


@pytest.mark.parametrize(
    ("event", "code", "sentence"),
    [
        (use("a", email="eve@x.example"), "person_unknown", "Nobody here is eve@x.example."),
        (use("a", email=""), "person_missing", "It does not say who it was"),
        (use("a", person="ada"), "person_unknown", "“ada” is not the number of a person."),
        (use("a", ago=60), "no_seat", "grace@acme.example had no Sales Navigator license then."),
        (use("a", ago=-1), "in_the_future", "25 November 2026 at 15:00 UTC is still to come."),
        (use("a", ago=91), "too_old", "more than 90 days ago"),
        (use("a", happened_at="31/05/2026"), "time_invalid", "Write it as 2026-05-31T14:05:00Z."),
        (use("", ago=1), "id_invalid", "Each event needs an id"),
        (use("a", product="toasters"), "product_unknown", "There is no product “toasters”."),
        (use("a", product="teamlink-extend"), "no_seat", "Nobody has a TeamLink Extend license"),
        (use("a", happened_at="0001-01-01T00:00:00+14:00"), "time_invalid", "is no time"),
        (use("\ud800", email="\x00"), "id_invalid", "Each event needs an id"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence_and_keeps_no_other_out(
    held, event, code, sentence
):
    """R25: each event is judged for itself."""
    good, bad = usage.record(held, [use("good"), event])
    assert (good.outcome, bad.outcome, bad.code) == ("accepted", "refused", code)
    assert sentence in bad.because


def test_a_use_counts_for_the_seat_of_then(held):
    """R25: who lost it since is known by the ledger (R21); a clock may be five minutes off."""
    with clock.stopped(at=NOW - dt.timedelta(days=2)):
        roster.remove(held, SALES, GRACE)
    assert outcomes(held, use("a", ago=3), use("b", ago=1)) == [
        ("accepted", ""),
        ("refused", "no_seat"),
    ]
    ahead = (NOW + dt.timedelta(minutes=4)).isoformat()
    assert outcomes(held, use("c", email=ADA, happened_at=ahead)) == [("accepted", "")]
    assert UsageEvent.objects.get(event_id="c").happened_at == NOW


def test_two_people_of_one_number_are_told_apart_by_their_licenses(held):
    """R25: and where both have one, it is refused."""
    idp = connect(held, product="teamlink-extend", seats=5, name="Okta")
    idp.create("other@acme.example", number="8")
    number = {"email": "", "employee_number": "8"}
    assert outcomes(held, use("a", **number)) == [("accepted", "")]
    grant(held, "third@acme.example", employee_number="8")
    [answer] = usage.record(held, [use("b", ago=0, **number)])
    assert answer.code == "person_ambiguous"
    assert "2 people with a Sales Navigator license are 8." in answer.because


def test_another_organizations_people_are_not_there(held):
    other = organization()
    set_seats(other, 1)
    grace = Person.objects.get(email=GRACE)
    for who in ({"person": grace.pk}, {}, {"email": "", "employee_number": "8"}):
        event = use("a", **who)
        [answer] = usage.record(other, [event])
        assert answer.code == ("person_unknown")
    assert outcomes(held, use("a")) == [("accepted", "")]


def test_more_than_a_thousand_at_once_are_refused_whole(held):
    """R25, R26."""
    with pytest.raises(Refusal, match="1,000 at once is the most"):
        usage.record(held, [use(str(n)) for n in range(1001)])
    assert not UsageEvent.objects.exists()


def test_the_worker_counts_each_use_once(held):
    """R25: by person and day, however often it runs."""
    usage.record(held, [use("a"), use("b"), use("c", ago=2), use("d", email=ADA)])
    for _ in range(2):
        tasks.roll_up_usage()
    expected = [
        ("2026-11-22", GRACE, 1),
        ("2026-11-23", ADA, 1),
        ("2026-11-23", GRACE, 2),
    ]
    assert days(held) == expected
    usage.record(held, [use("a"), use("e")])
    tasks.roll_up_usage()
    assert days(held) == [*expected[:2], ("2026-11-23", GRACE, 3)]
    month = UsageMonth.objects.get(person__email=GRACE)
    assert (f"{month.month}", month.days) == ("2026-11-01", 1 << 21 | 1 << 22)


def test_whoever_uses_an_activated_license_is_not_idle(held):
    """R25, R22: the last use is told, a warning is taken back, an older use is no news."""
    idle.set_rule(held, SALES, after_days=30, reclaim="automatic")
    idle.sweep(pool_of(held).pk)
    assert Seat.objects.filter(reclaim_at__isnull=False).count() == 2
    usage.record(held, [use("a", ago=2), use("b", ago=9), use("c", ago=2, email=ADA)])
    tasks.roll_up_usage()
    assert seat_of(held, GRACE).last_used_at == NOW - dt.timedelta(days=2)
    assert seat_of(held, GRACE).reclaim_at is None
    assert seat_of(held, ADA).last_used_at is None
    usage.record(held, [use("d", ago=3)])
    tasks.roll_up_usage()
    assert seat_of(held, GRACE).last_used_at == NOW - dt.timedelta(days=2)
    told = explain(held, GRACE).json["because"]
    assert "They used it last on 22 November 2026." in told


def test_a_use_that_was_not_counted_yet_keeps_its_seat(held):
    """R25: reclaiming counts first."""
    idle.set_rule(held, SALES, after_days=30, reclaim="automatic", warn_days=1)
    idle.sweep(pool_of(held).pk)
    deliver_outbox()  # the warnings
    with clock.stopped(at=NOW + dt.timedelta(days=2)):
        usage.record(held, [use("a")])
        tasks.reclaim_idle_seats_of(pool_of(held).pk)
        assert list(Seat.objects.values_list("person__email", flat=True)) == [GRACE]


def test_events_are_forgotten_when_they_would_be_refused(held):
    """R25: kept for a set time; the days stay, and no repeat is counted twice."""
    usage.record(held, [use("a")])
    tasks.roll_up_usage()
    with clock.stopped(at=NOW + dt.timedelta(days=89)):
        tasks.prune_usage()
        assert outcomes(held, use("a")) == [("refused", "too_old")]
        assert UsageEvent.objects.count() == 1
    with clock.stopped(at=NOW + dt.timedelta(days=91)):
        tasks.prune_usage()
        assert not UsageEvent.objects.exists()
    assert days(held) == [("2026-11-23", GRACE, 1)]
    with clock.stopped(at=NOW + dt.timedelta(days=4 * 366)):
        tasks.prune_usage()
        assert not UsageDay.objects.exists()
        assert not UsageMonth.objects.exists()


def test_the_number_of_statements_does_not_depend_on_the_events(held):
    """R25."""
    counted = []
    for number in (1, 1000):
        events = [use(f"{number} {n}", ago=1 + n % 40) for n in range(number)]
        with CaptureQueriesContext(connection) as queries:
            usage.record(held, events)
            usage.roll_up_all()
        counted.append(len(queries))
    assert counted[0] == counted[1]
