"""Webhooks: what happens to seats is told to the organization's own systems, R20, R21, R28."""

import datetime as dt
import json
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from accounts import clock, outbox, tasks, webhook_delivery, webhook_post, webhooks
from accounts.models import Outbox, WebhookDelivery, WebhookEndpoint
from accounts.refusal import Refusal
from config.celery import app
from licensing import brake, webhook_feed
from licensing.models import LedgerEntry, Policy, WebhookReading
from scim import exchanges, silence, tokens
from scim.models import Exchange
from tests import factories, receiver
from tests.factories import connect

pytestmark = pytest.mark.django_db
ADA, GRACE = "ada@acme.example", "grace@acme.example"


@pytest.fixture
def hook():
    with receiver.receiving() as started:
        yield started


@pytest.fixture(autouse=True)
def _on_this_machine(settings):
    settings.WEBHOOK_PRIVATE_ADDRESSES = True
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


def _add(owner, hook, path="/", kinds=tuple(webhooks.KINDS), name=None):
    return webhooks.add(owner, name=name or f"At {path}", url=hook.url + path, kinds=kinds)


def _deliver():
    """What the worker does in one sweep, without its queue. Returns how many attempts."""
    return sum(webhook_delivery.turn(endpoint) for endpoint in sorted(webhooks.with_work()))


def _told(hook, path="/"):
    """Kind and address of each, in order."""
    found = [json.loads(got.body) for got in hook.at(path)]
    return [(each["type"], each["data"].get("person", {}).get("email")) for each in found]


def _at(now, **later):
    return clock.stopped(at=now + dt.timedelta(**later))


# ------------------------------------------------------------------ what is told


def test_an_endpoint_is_told_of_seats_as_they_come_and_go(owner, hook):
    """R21: granted, released, refused and waiting, from when it was added, with who and why."""
    idp = connect(owner, seats=1, name="Okta")
    idp.create("before@acme.example")
    _add(owner, hook)
    factories.set_seats(owner, 2)
    ada = idp.create(ADA).id
    assert idp.create(GRACE).status == 403
    idp.set_active(ada, active=False)
    _deliver()
    assert _told(hook) == [
        ("seat.granted", ADA),
        ("seat.waiting", GRACE),
        ("seat.refused", GRACE),
        ("seat.released", ADA),
    ]
    first = json.loads(hook.got[0].body)
    assert first["data"]["application"] == {"id": str(idp.application.pk), "name": "Okta"}
    assert first["data"]["product"] == "sales-navigator"
    line = LedgerEntry.objects.get(email=ADA, deed="grant")
    assert first["data"]["because"] == line.because
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", first["timestamp"])
    assert _deliver() == 0, "each once"


def test_it_hears_of_nothing_that_it_did_not_ask_for(owner, hook):
    """And what it asks for later, it hears of from then on."""
    idp = connect(owner, seats=5)
    endpoint, _ = _add(owner, hook, kinds=["seat.released"])
    ada = idp.create(ADA).id
    _deliver()
    webhooks.change(endpoint, name="x", url=endpoint.url, kinds=["seat.granted"])
    idp.create(GRACE)
    idp.set_active(ada, active=False)
    _deliver()
    assert _told(hook) == [("seat.granted", GRACE)]


def test_who_waits_without_being_refused_is_told_too(owner, hook):
    """R18: the waiting list of an application that lets people wait."""
    idp = connect(owner, seats=0, when_full="waitlist")
    _add(owner, hook)
    idp.create(ADA)
    _deliver()
    [told] = [json.loads(got.body) for got in hook.got]
    assert (told["type"], told["data"]["refused"]) == ("seat.waiting", False)


def test_tokens_brakes_and_silence_are_told_by_their_causes(owner, lea, hook):
    """R3, R27: in the transaction of the cause, each once however often the worker runs."""
    idp = connect(owner, seats=5, name="Okta", idp="entra")
    ids = [idp.create(f"p{n}@acme.example").id for n in range(3)]
    _add(owner, hook, kinds=["token.expiring", "removals.held", "sync.stale"])
    brake.set_limits(Policy.objects.get(application=idp.application), on=True, people=0, percent=0)
    idp.delete(ids[0])
    idp.delete(ids[1])
    exchanges.flush()
    token = idp.application.tokens.get()
    with _at(token.expires_at, days=-7):
        tokens.expire()
        tokens.expire()
        silence.tell()
        silence.tell()
        _deliver()
    assert [kind for kind, _ in _told(hook)] == ["removals.held", "token.expiring", "sync.stale"]
    held, token_, stale = [json.loads(got.body)["data"] for got in hook.got]
    assert (held["held"], held["product"]) == (1, "sales-navigator")
    assert (token_["days"], token_["application"]["name"]) == (7, "Okta")
    assert stale["last_request_at"] == Exchange.objects.latest("at").at.isoformat(
        timespec="milliseconds"
    ).replace("+00:00", "Z")


def test_a_refused_push_puts_nothing_that_was_rolled_back(owner, hook):
    """R26: an event is written with its cause, or not at all."""
    idp = connect(owner, seats=1)
    _add(owner, hook, kinds=["seat.granted"])
    answer = idp.bulk(
        ("POST", "/Users", factories.person(ADA)),
        ("POST", "/Users", factories.person(GRACE)),
        failOnErrors=1,
    )
    assert answer.status in (200, 403)
    _deliver()
    assert [email for _, email in _told(hook)] == factories.holders(owner)


def test_pushes_pay_nothing_for_webhooks(owner, hook):
    """R9: a push makes the same statements with twenty endpoints as with none."""
    idp = connect(owner, seats=50)
    counts = []
    for n in range(2):
        idp.create(f"warm{n}@acme.example")
        with CaptureQueriesContext(connection) as queries:
            idp.create(f"p{n}@acme.example")
        counts.append(len(queries))
        for number in range(20 - n * 20):
            _add(owner, hook, f"/{number}")
    assert counts[0] == counts[1]


def test_the_number_of_statements_does_not_depend_on_how_much_happened(owner, hook):
    """A hundred lines are read by as many statements as one."""
    idp = connect(owner, seats=200)
    endpoint, _ = _add(owner, hook)
    webhook_feed.read(endpoint.pk)
    counts = []
    for many in (1, 100):
        idp.bulk(
            *(("POST", "/Users", factories.person(f"{many}-{n}@x.example")) for n in range(many))
        )
        with CaptureQueriesContext(connection) as queries:
            webhook_feed.read(endpoint.pk)
        counts.append(len(queries))
        assert WebhookDelivery.objects.filter(endpoint=endpoint).count() >= many
    assert counts[0] == counts[1]


def test_a_long_ledger_is_read_in_parts_and_to_its_end(owner, hook, monkeypatch):
    """R26: nothing is left out where one part ends, and nothing comes twice."""
    monkeypatch.setattr(webhook_feed, "MOST", 3)
    monkeypatch.setattr(webhook_delivery, "MOST_PENDING", 4)
    idp = connect(owner, seats=20)
    _add(owner, hook, kinds=["seat.granted"])
    emails = [f"p{n:02}@acme.example" for n in range(14)]
    for email in emails:
        idp.create(email)
    while _deliver():
        pass
    assert [email for _, email in _told(hook)] == emails


def test_an_organization_hears_nothing_of_another(owner, hook):
    """Its own pools, its own applications."""
    stranger = factories.organization()
    _add(stranger, hook)
    connect(owner, seats=1).create(ADA)
    webhooks.put(owner.pk, "sync.stale", {}, once="x")
    assert _deliver() == 0
    assert not WebhookDelivery.objects.exists()


# ------------------------------------------------------------------ the signature


def test_requests_are_signed_as_standard_webhooks_says(owner, hook):
    """Judged by the library of its authors, which receivers use."""
    _, secret = _add(owner, hook)
    connect(owner, seats=1).create(ADA)
    _deliver()
    [got] = hook.got
    assert Webhook(secret).verify(got.body, got.headers)["data"]["person"]["email"] == ADA
    assert got.headers["webhook-id"].startswith("evt_")
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(got.body.replace(ADA, GRACE), got.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + "A" * 43 + "=").verify(got.body, got.headers)


def test_both_secrets_sign_while_they_overlap_and_one_afterwards(owner, hook):
    """R3's overlap: a receiver changes over without a gap."""
    endpoint, old = _add(owner, hook)
    new = webhooks.rotate(endpoint, overlap_hours=24)
    webhooks.send_test(endpoint)
    _deliver()
    for secret in (old, new):
        Webhook(secret).verify(hook.got[-1].body, hook.got[-1].headers)
    WebhookEndpoint.objects.update(previous_until=clock.now() - dt.timedelta(seconds=1))
    webhooks.send_test(endpoint)
    _deliver()
    Webhook(new).verify(hook.got[-1].body, hook.got[-1].headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(hook.got[-1].body, hook.got[-1].headers)
    webhooks.rotate(endpoint, overlap_hours=0)
    webhooks.send_test(endpoint)
    _deliver()
    with pytest.raises(WebhookVerificationError):
        Webhook(new).verify(hook.got[-1].body, hook.got[-1].headers)


def test_no_secret_stands_in_the_database_or_in_what_is_shown(owner, hook):
    """R28: secrets removed, also when a receiver sends them back."""
    endpoint, secret = _add(owner, hook)

    def echo(handler):
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(f"{secret} {secret.removeprefix('whsec_')}".encode())

    hook.answer["/"] = echo
    webhooks.send_test(endpoint)
    _deliver()
    assert WebhookDelivery.objects.get().answer == "… …"
    assert secret.removeprefix("whsec_") not in factories.every_text()


# ------------------------------------------------------------------ receivers that fail


def test_what_fails_is_tried_again_with_the_same_id_and_nothing_is_lost(owner, hook):
    """R26: at least once; by the id a receiver drops what it had already."""
    idp = connect(owner, seats=2)
    endpoint, _ = _add(owner, hook, kinds=["seat.granted"])
    idp.create(ADA)
    idp.create(GRACE)
    now = clock.now()
    hook.answer["/"] = receiver.status(503)
    with _at(now, seconds=1):
        assert _deliver() == 1, "the turn ends at the first failure"
        assert _deliver() == 0, "and the endpoint rests"
    hook.answer.clear()
    with _at(now, seconds=7):
        assert _deliver() == 2
    assert sorted(_told(hook)[1:]) == [("seat.granted", ADA), ("seat.granted", GRACE)]
    ids = [got.headers["webhook-id"] for got in hook.got]
    assert len(ids) == 3
    assert len(set(ids)) == 2
    endpoint.refresh_from_db()
    assert (endpoint.failures, endpoint.failing_since) == (0, None)


def test_the_waits_grow_and_what_one_receiver_refuses_for_days_is_given_up_alone(owner, hook):
    """Eight attempts in two days; the others are delivered meanwhile."""
    endpoint, _ = _add(owner, hook)

    def picky(handler):
        refused = json.loads(hook.got[-1].body)["data"].get("bad")
        receiver.status(400 if refused else 200)(handler)

    hook.answer["/"] = picky
    now = clock.now()
    webhooks.put(owner.pk, "sync.stale", {"bad": True}, once="bad")
    tried = []
    for minutes in range(0, 50 * 60, 60):
        with _at(now, minutes=minutes):
            webhooks.put(owner.pk, "sync.stale", {}, once=str(minutes))
            for seconds in (1, 8):
                with _at(now, minutes=minutes, seconds=seconds):
                    _deliver()
        tried.append(WebhookDelivery.objects.order_by("id")[0].attempts)
    bad = WebhookDelivery.objects.order_by("id")[0]
    assert (bad.state, bad.attempts) == ("given_up", 8)
    assert tried[0] == 2
    assert tried.index(8) >= 41
    assert WebhookDelivery.objects.filter(state="delivered").count() == 50
    endpoint.refresh_from_db()
    assert endpoint.paused_at is None


def test_an_endpoint_that_accepts_nothing_for_five_days_is_paused_and_told_of(owner, lea, hook):
    """The admins get one e-mail; what happened meanwhile is sent once it is resumed."""
    idp = connect(owner, seats=5)
    endpoint, _ = _add(owner, hook, kinds=["seat.granted"])
    hook.answer["/"] = receiver.status(500)
    idp.create(ADA)
    now = clock.now()
    for hours in range(0, 24 * 7, 3):
        with _at(now, hours=hours, seconds=1):
            _deliver()
    endpoint.refresh_from_db()
    assert dt.timedelta(days=5) <= endpoint.paused_at - now < dt.timedelta(days=7)
    assert WebhookDelivery.objects.get().state == "pending", "nothing is given up"
    idp.create(GRACE)
    attempts = len(hook.got)
    with _at(now, days=8):
        tasks.deliver_outbox()
    [letter] = [letter for letter in mail.outbox if "paused" in letter.subject]
    assert letter.to == [lea.email]
    assert "It accepted nothing for 5 days" in letter.body
    with _at(now, days=9):
        assert _deliver() == 0
        assert len(hook.got) == attempts
        hook.answer.clear()
        webhooks.resume(endpoint)
        _deliver()
    assert _told(hook)[attempts:] == [("seat.granted", ADA), ("seat.granted", GRACE)]


def test_a_receiver_that_is_gone_is_paused_at_once(owner, hook):
    """410, as Standard Webhooks has it."""
    endpoint, _ = _add(owner, hook)
    hook.answer["/"] = receiver.status(410)
    webhooks.put(owner.pk, "sync.stale", {}, once="x")
    _deliver()
    endpoint.refresh_from_db()
    assert "410" in endpoint.paused_because


def test_redirects_are_not_followed_and_the_rest_of_a_flood_is_not_read(owner, hook):
    """Neither into our own network, nor into memory."""
    _add(owner, hook, "/away")
    _add(owner, hook, "/flood")
    hook.answer["/away"] = receiver.status(307, Location=f"{hook.url}/secret")
    hook.answer["/flood"] = receiver.floods
    webhooks.put(owner.pk, "sync.stale", {}, once="x")
    began = time.monotonic()
    _deliver()
    assert time.monotonic() - began < 5
    assert hook.at("/secret") == []
    away, flood = (
        WebhookDelivery.objects.get(endpoint__name=f"At {p}") for p in ("/away", "/flood")
    )
    assert (away.state, away.tries[0]["error"]) == (
        "pending", "It answered 307: redirects are not followed.",
    )  # fmt: skip
    assert flood.state == "delivered"
    assert len(flood.answer) == webhook_post.MOST_BYTES


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "10.0.0.8", "169.254.169.254", "[::1]", "[::ffff:10.0.0.1]", "localhost"]
)
def test_private_addresses_are_not_asked(owner, hook, settings, host):
    """Whatever a name leads to when it is sent, and however the address is written."""
    endpoint, _ = _add(owner, hook)
    WebhookEndpoint.objects.update(url=f"https://{host}:{httpx.URL(hook.url).port}/")
    settings.WEBHOOK_PRIVATE_ADDRESSES = False
    webhooks.send_test(endpoint)
    _deliver()
    assert hook.got == []
    error = WebhookDelivery.objects.get().tries[0]["error"]
    assert "not on the public internet" in error or "there is no host" in error.lower()
    with pytest.raises(Refusal, match="no https:// address"):
        webhooks.add(owner, name="y", url="http://example.com/", kinds=["seat.granted"])


@pytest.mark.parametrize("answers", [receiver.hangs(3), receiver.drips(3)])
def test_an_answer_has_its_time_however_it_drips(hook, monkeypatch, answers):
    """Ten seconds altogether, not ten a byte (here one and a half)."""
    monkeypatch.setattr(webhook_post, "TOTAL", 0.5)
    hook.answer["/"] = answers
    began = time.monotonic()
    answer = webhook_post.post(f"{hook.url}/", {}, "{}")
    assert time.monotonic() - began < 2
    assert (answer.status, answer.accepted) == (0, False)
    assert "within 10 seconds" in answer.error


@pytest.mark.django_db(transaction=True)
def test_a_receiver_that_hangs_keeps_no_other_and_no_push_waiting(owner, hook, monkeypatch):
    """R9: each endpoint by itself; the others, e-mail and pushes go on meanwhile."""
    monkeypatch.setattr(webhook_post, "TOTAL", 3.0)
    idp = connect(owner, seats=9)
    hanging, _ = _add(owner, hook, "/hangs")
    quick, _ = _add(owner, hook, "/quick")
    asked = threading.Event()

    def hang(handler):
        asked.set()
        time.sleep(4)

    hook.answer["/hangs"] = hang
    idp.create(ADA)

    def turn(endpoint):
        try:
            return webhook_delivery.turn(endpoint.pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as workers:
        slow = workers.submit(turn, hanging)
        assert asked.wait(10)
        began = time.monotonic()
        assert workers.submit(turn, quick).result() == 1
        assert webhook_delivery.turn(hanging.pk) == 0, "one worker an endpoint"
        assert idp.create(GRACE).status == 201
        tasks.deliver_outbox()
        assert time.monotonic() - began < 2
        assert not slow.done()
        assert slow.result() == 1
    assert _told(hook, "/quick") == [("seat.granted", ADA)]
    assert len(mail.outbox) == 2


@pytest.mark.django_db(transaction=True)
def test_workers_at_once_send_each_event_once(owner, hook, race):
    """R26: readers and senders of one endpoint do not meet."""
    idp = connect(owner, seats=30)
    endpoint, _ = _add(owner, hook, kinds=["seat.granted"])
    emails = [f"p{n:02}@acme.example" for n in range(12)]
    for email in emails:
        idp.create(email)
    race(*[lambda: webhook_delivery.turn(endpoint.pk)] * 4)
    while sum(race(_deliver)):
        pass
    assert sorted(email for _, email in _told(hook)) == emails
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database "
            "WHERE locktype = 'advisory' AND datname = current_database()"
        )
        assert cursor.fetchone()[0] == 0


def test_a_worker_that_died_in_the_middle_loses_nothing(owner, hook, monkeypatch):
    """R26: what it had in hand is sent again within a minute or so, with the same id."""
    connect(owner, seats=1).create(ADA)
    endpoint, _ = _add(owner, hook)
    webhooks.put(owner.pk, "sync.stale", {}, once="x")

    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(webhook_delivery, "_record", die)
        with pytest.raises(KeyboardInterrupt):
            webhook_delivery.turn(endpoint.pk)
    assert _deliver() == 0
    with _at(clock.now(), seconds=61):
        assert _deliver() == 1
    assert len({got.headers["webhook-id"] for got in hook.got}) == 1


# ------------------------------------------------------------------ by hand


def test_a_delivery_is_repeated_by_hand_with_the_same_id(owner, hook):
    """Whether it was delivered or given up."""
    endpoint, _ = _add(owner, hook)
    sent = webhooks.send_test(endpoint)
    _deliver()
    webhooks.repeat(sent)
    _deliver()
    assert len(hook.got) == 2
    assert {got.headers["webhook-id"] for got in hook.got} == {sent.event}
    webhooks.pause(endpoint)
    webhooks.put(owner.pk, "sync.stale", {}, once="x")
    with pytest.raises(Refusal, match="paused"):
        webhooks.repeat(WebhookDelivery.objects.get(kind="sync.stale"))


def test_a_test_goes_once_also_to_an_endpoint_that_is_paused(owner, hook):
    """So that a receiver can be mended before it is told of everything."""
    endpoint, _ = _add(owner, hook)
    webhooks.pause(endpoint)
    webhooks.put(owner.pk, "sync.stale", {}, once="x")
    hook.answer["/"] = receiver.status(500)
    webhooks.send_test(endpoint)
    assert _deliver() == 1
    assert _deliver() == 0
    endpoint.refresh_from_db()
    assert endpoint.failures == 0
    assert WebhookDelivery.objects.get(kind="test.ping").state == "given_up"


def test_deliveries_that_are_over_are_forgotten_and_pending_ones_stay(owner, hook):
    """Kept for 30 days."""
    endpoint, _ = _add(owner, hook)
    webhooks.send_test(endpoint)
    _deliver()
    webhooks.put(owner.pk, "sync.stale", {}, once="x")
    with _at(clock.now(), days=29):
        webhooks.prune()
    assert WebhookDelivery.objects.count() == 2
    with _at(clock.now(), days=31):
        webhooks.prune()
    assert WebhookDelivery.objects.get().kind == "sync.stale"
    webhooks.delete(endpoint)
    assert not WebhookDelivery.objects.exists()
    assert not WebhookReading.objects.exists()


def test_what_makes_no_endpoint_is_refused(owner, hook):
    """With a sentence that helps."""
    _add(owner, hook, name="One")
    for name, url, kinds, code in (
        ("Two", "ftp://x.example/", ["seat.granted"], "url_invalid"),
        ("Two", "https://user:word@x.example/", ["seat.granted"], "url_invalid"),
        ("Two", hook.url, ["seat.painted"], "kinds_missing"),
        ("ONE", hook.url, ["seat.granted"], "name_taken"),
    ):
        with pytest.raises(Refusal) as refused:
            webhooks.add(owner, name=name, url=url, kinds=kinds)
        assert refused.value.code == code
    for number in range(19):
        _add(owner, hook, f"/{number}")
    with pytest.raises(Refusal, match="20 endpoints"):
        _add(owner, hook, "/more")


def test_webhooks_stand_in_a_queue_of_their_own(owner, hook):
    """R9: e-mail and reconciliation never wait behind a receiver."""
    endpoint, _ = _add(owner, hook)
    webhooks.send_test(endpoint)
    assert webhooks.with_work() == {endpoint.pk}
    tasks.deliver_webhooks_of(str(endpoint.pk))
    assert len(hook.got) == 1
    for task in (tasks.deliver_webhooks, tasks.deliver_webhooks_of):
        assert app.amqp.router.route({}, task.name)["queue"].name == "webhooks"
    assert not Outbox.objects.exclude(kind="invitation").exists()
    assert outbox.unsent(owner) == []
