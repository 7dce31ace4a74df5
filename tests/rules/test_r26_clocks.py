"""R26: a clock jumps, or those of two machines differ: nothing is done twice, put off for long, or
ended for good."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.core import mail
from django.db import connection
from django.urls import reverse

import accounts.tasks
import licensing.tasks
import scim.tasks
from accounts import admins, clock, notices, outbox, webhook_delivery, webhooks
from accounts.models import Admin, Organization, Outbox, WebhookDelivery, WebhookEndpoint
from accounts.pages import passkeys
from accounts.webhook_post import Answer
from licensing import activation, pools, reconcile, report_schedules, seals
from licensing.models import LedgerEntry, Reconciled, ReportSchedule, Seat, WaitingEntry
from scim import tokens
from scim.models import Token, TokenWarning
from tests.factories import (
    check_books,
    connect,
    holders,
    pool_of,
    reconcile_licenses,
    seat_of,
    set_seats,
)

pytestmark = pytest.mark.django_db
ADA, GRACE, MAX = (f"{name}@acme.example" for name in ("ada", "grace", "max"))
HOUR, DAY, YEAR = dt.timedelta(hours=1), dt.timedelta(days=1), dt.timedelta(days=365)
SALES = "sales-navigator"


@pytest.fixture
def lea(owner: Organization) -> Admin:
    return admins.create("lea@acme.example", organization=owner, password="x" * 12)


def by(offset: dt.timedelta) -> clock.stopped:
    """As a machine sees it whose clock is so far ahead."""
    return clock.stopped(at=dt.datetime.now(dt.UTC) + offset)


@contextmanager
def database_ahead(offset: dt.timedelta) -> Iterator[None]:
    """The database's own clock says something else than ours."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA ahead")
        cursor.execute(
            "CREATE FUNCTION ahead.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $$ "
            f"SELECT pg_catalog.clock_timestamp() + interval '{offset.total_seconds()} s' $$"
        )
        cursor.execute("SET search_path = ahead, pg_catalog, public")
        yield
        cursor.execute("RESET search_path")
        cursor.execute("DROP SCHEMA ahead CASCADE")


@pytest.mark.parametrize("jump", [-HOUR, DAY, YEAR], ids=["back", "a day", "a year"])
def test_pushes_through_a_jump_are_as_good_as_any(owner: Organization, jump: dt.timedelta) -> None:
    """R15, R20, R21: seats, ledger by its ids and waiting list do not go by the time."""
    idp = connect(owner, seats=2, when_full="waitlist")
    ada = idp.create(ADA, number="1").id
    with by(jump):
        grace = idp.create(GRACE, number="2").id
        idp.create(MAX, number="3")
        idp.set_active(ada, False)
        seals.seal_all()
        accounts.tasks.deliver_outbox()
    idp.set_active(ada, True)
    idp.set_active(grace, False)
    seals.seal_all()
    accounts.tasks.deliver_outbox()
    assert holders(owner) == [ADA, MAX]
    lines = LedgerEntry.objects.of(owner).filter(deed__in=("grant", "release")).order_by("id")
    assert list(lines.values_list("email", "deed")) == [
        *((ADA, "grant"), (GRACE, "grant"), (ADA, "release"), (MAX, "grant")),
        *((GRACE, "release"), (ADA, "grant")),
    ]
    assert seals.verify(pool_of(owner)).broken is None
    assert reconcile_licenses(owner)["drift"] == 0
    assert sorted(letter.to[0] for letter in mail.outbox) == [ADA, GRACE, MAX]
    assert not Outbox.objects.filter(done_at=None).exists()
    check_books()


def test_two_webs_and_a_worker_that_disagree_by_a_minute_send_each_e_mail_once(
    owner: Organization,
) -> None:
    """R9: the worker does not wait until its own clock is as far."""
    idp = connect(owner, seats=3)
    with by(dt.timedelta(minutes=1)):
        idp.create(ADA)
    idp.create(GRACE)
    accounts.tasks.deliver_outbox()
    with by(dt.timedelta(minutes=-1)):
        idp.create(MAX)
        accounts.tasks.deliver_outbox()
    accounts.tasks.deliver_outbox()
    assert sorted(letter.to[0] for letter in mail.outbox) == [ADA, GRACE, MAX]


def test_an_e_mail_that_failed_in_a_year_to_come_is_tried_again(owner: Organization) -> None:
    """R9: and not before its time when the clock was right."""
    outbox.put(owner.pk, "invitation", {"seat": 0})
    for offset in (YEAR, dt.timedelta()):
        with by(offset), outbox.claimed() as line:
            assert line is not None
            outbox.failed(line, "SMTPServerDisconnected")
        outbox.bring_back()
    with outbox.claimed() as line:
        assert line is None, "it waits two minutes"


def test_webhooks_wait_for_no_year_to_come(owner: Organization) -> None:
    """R28: neither the delivery nor the rest of its endpoint."""
    endpoint, _ = webhooks.add(
        owner, name="x", url="https://x.example/", kinds=list(webhooks.KINDS)
    )
    with by(YEAR):
        webhooks.put(owner.pk, "sync.stale", {}, once="a")
        delivery = WebhookDelivery.objects.get()
        delivery.attempts = 1
        webhook_delivery._record(endpoint, delivery, Answer(500, "HTTP 500", "", 1), [])
        webhooks.put(owner.pk, "sync.stale", {}, once="b")
    assert webhooks.with_work() == set()
    webhook_delivery.bring_back()
    assert webhooks.with_work() == {endpoint.pk}
    assert WebhookEndpoint.objects.get().rest_until is None
    # By a right clock it rests, and tries again when it said it would.
    now = clock.now()
    WebhookDelivery.objects.update(attempts=6, due_at=now + dt.timedelta(hours=9))
    WebhookEndpoint.objects.update(rest_until=now + dt.timedelta(minutes=50))
    webhook_delivery.bring_back()
    assert webhooks.with_work() == set()
    assert WebhookEndpoint.objects.get().rest_until is not None


def test_a_token_that_a_clock_ended_too_early_works_again(owner: Organization, lea: Admin) -> None:
    """R3, R4: two years to the second; and it is warned of when it is time."""
    idp = connect(owner, seats=1)
    with by(800 * DAY):
        assert idp.create(ADA).status == 401
        tokens.expire()  # the worker and the database were wrong together
    assert idp.create(ADA).status == 401
    scim.tasks.expire_scim_tokens()
    assert idp.create(ADA).status == 201
    assert not TokenWarning.objects.exists()
    accounts.tasks.deliver_outbox()
    before = len(mail.outbox)
    with by(dt.timedelta(days=730, hours=1)):
        assert [token.pk for token in tokens.expire().expired] == [Token.objects.get().pk]
        accounts.tasks.deliver_outbox()
        assert idp.create(GRACE).status == 401
    assert len(mail.outbox) == before + 1


def test_a_token_of_two_clocks_ends_once(owner: Organization, lea: Admin) -> None:
    """R4: workers that disagree by a minute do not take turns in ending it and bringing it back."""
    idp = connect(owner, seats=1)
    ends = Token.objects.get().expires_at
    for seconds in (-60, 0, 60, -60, 0):
        with clock.stopped(at=ends + dt.timedelta(seconds=30 + seconds)):
            tokens.correct()
            tokens.expire()
    with clock.stopped(at=ends):
        assert idp.create(ADA).status == 401
    assert TokenWarning.objects.filter(days=0).count() == 1


def test_a_token_issued_in_a_year_to_come_lives_for_two_years_and_no_longer(
    owner: Organization,
) -> None:
    """R3"""
    with by(YEAR):
        connect(owner, seats=1)
    assert tokens.correct() == 1
    token = Token.objects.get()
    assert token.expires_at - token.issued_at == dt.timedelta(days=730)
    assert abs(token.issued_at - clock.now()) < dt.timedelta(minutes=1)
    assert tokens.correct() == 0


@pytest.mark.parametrize(
    "task",
    [
        *(accounts.tasks.prune, scim.tasks.prune_exchanges, scim.tasks.expire_scim_tokens),
        *(licensing.tasks.prune_usage, licensing.tasks.lapse_refusals),
        *(licensing.tasks.send_reports,),
    ],
    ids=lambda task: task.name,
)
def test_what_cannot_be_undone_waits_until_the_clocks_agree(owner: Organization, task) -> None:
    """R13, R18, R28: nothing is forgotten or ended by a clock that the database does not believe;
    the task fails, which the doctor and the metrics show."""
    task.run()
    with database_ahead(-DAY), pytest.raises(clock.ClocksDiffer, match="1 day, 0:00:0"):
        task.run()
    with database_ahead(dt.timedelta(minutes=1)):
        task.run()


def test_a_refusal_and_an_idle_seat_are_not_ended_a_day_early(owner: Organization) -> None:
    """R18: the worker is a day ahead, the database is not."""
    idp = connect(owner, seats=0)
    with by(dt.timedelta(days=-6, hours=-12)):
        assert idp.create(ADA).status == 403
    with database_ahead(-DAY), pytest.raises(clock.ClocksDiffer):
        licensing.tasks.lapse_refusals.run()
    with database_ahead(-DAY), pytest.raises(clock.ClocksDiffer):
        licensing.tasks.reclaim_idle_seats_of.run(pool_of(owner).pk)
    licensing.tasks.lapse_refusals.run()
    assert WaitingEntry.objects.of(owner).count() == 1


def test_what_was_asked_for_in_a_time_to_come_is_reconciled_once(
    owner: Organization, lea: Admin
) -> None:
    """R9, R26: not each quarter of a minute until that time has come."""
    set_seats(owner, 1)
    pool = pool_of(owner)
    with by(DAY):
        assert reconcile.ask(pool, by=lea)
    assert list(reconcile.asked()) == [pool]
    reconcile.reconcile_pool(pool)
    assert list(reconcile.asked()) == []
    assert Reconciled.objects.get().asked_by is None


def test_a_report_waits_for_no_year_to_come(owner: Organization, lea: Admin) -> None:
    """R25: and no period goes out twice."""
    with by(YEAR):
        report_schedules.make(
            owner,
            report_schedules.Wanted("x", SALES, "weekly", 1, [lea.pk], everybody=True),
        )
    assert report_schedules.send_due() == 0
    schedule = ReportSchedule.objects.get()
    assert schedule.due_at - clock.now() <= dt.timedelta(days=7)
    with clock.stopped(at=schedule.due_at):
        assert report_schedules.send_due() == 1
    ReportSchedule.objects.update(due_at=schedule.due_at)
    with clock.stopped(at=schedule.due_at):
        report_schedules.send_due()
    assert Outbox.objects.filter(kind=report_schedules.LETTER).count() == 1


def test_a_summary_of_a_day_to_come_keeps_nothing_back(owner: Organization, lea: Admin) -> None:
    """One a day at most, and each line in one of them."""
    noon = dt.datetime.now(dt.UTC).replace(hour=12)
    notices.choose(owner, lea, {"sync": "daily"})
    for days, line in ((1, "a"), (0, "b"), (1, "c"), (2, "d")):
        with clock.stopped(at=noon + dt.timedelta(days=days)):
            notices.tell(owner.pk, "sync", "application_silent", {}, once=line)
            accounts.tasks.make_digests()
            accounts.tasks.make_digests()
    made = Outbox.objects.filter(kind="daily_summary").order_by("id")
    days = [(dt.date.fromisoformat(line.payload["day"]) - noon.date()).days for line in made]
    assert days == [1, 0, 2]


def test_somebody_invited_in_a_year_to_come_can_be_invited_again(owner: Organization) -> None:
    """R14"""
    idp = connect(owner, seats=1)
    with by(YEAR):
        idp.create(ADA)
        accounts.tasks.deliver_outbox()
    pool = pools.get(owner, SALES)
    assert activation.invite_all(pool, older_than_days=0) == 0, "granted in a year to come"
    Seat.objects.update(granted_at=clock.now())
    assert activation.invite_all(pool, older_than_days=0) == 1
    assert activation.invite_all(pool, older_than_days=0) == 0, "a moment ago"
    assert seat_of(owner, ADA).state == Seat.State.PROVISIONED


def test_a_session_outlives_a_jump_and_a_question_does_not_last_longer(
    client, owner: Organization, lea: Admin
) -> None:
    client.force_login(lea)
    for jump in (-HOUR, DAY):
        with by(jump):
            assert client.get(reverse("licensing:overview")).status_code == 200
    client.post(reverse("accounts:passkey_options"))
    session = client.session
    session[passkeys.ASKED][2] += HOUR.total_seconds()
    session.save()
    answer = client.post(reverse("accounts:passkey_sign_in"), {"answer": "{}"}, follow=True)
    assert "That took too long" in answer.content.decode()
