"""R14: the person activates their own seat, with a link that ends, and can ask for a new one."""

import datetime as dt
import smtplib

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts import clock, outbox
from accounts.models import Outbox
from accounts.refusal import Refusal
from accounts.tasks import deliver_outbox
from licensing import activation
from licensing.models import Seat
from tests.factories import connect, grant, ledger, manage, organization, pool_of, seat_of

pytestmark = pytest.mark.django_db

ADA, GRACE, MAX = "ada@acme.example", "grace@acme.example", "max@acme.example"
DAY_0 = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


@pytest.fixture
def idp(owner):
    return connect(owner, seats=5)


@pytest.fixture
def time_is(monkeypatch):
    """Moves both clocks: ours, and the one by which links are signed."""

    def move(moment: dt.datetime) -> None:
        monkeypatch.setattr(clock, "_stopped", moment)
        monkeypatch.setattr("django.core.signing.time.time", moment.timestamp)

    move(DAY_0)
    return move


def _path(seat: Seat) -> str:
    return "/" + activation.link(seat).split("/", 3)[3]


def _text(answer) -> str:
    return " ".join(answer.content.decode().split())


def _letters() -> list[str]:
    """To whom e-mail went since the last time."""
    deliver_outbox()
    letters = [letter.to[0] for letter in mail.outbox]
    mail.outbox.clear()
    return letters


# ------------------------------------------------------------------ the link ends


def test_a_link_works_for_fourteen_days(owner, idp, time_is):
    """R14: to the second; afterwards the page says so, and nothing is activated."""
    idp.create(ADA)
    path = _path(seat_of(owner, ADA))
    time_is(DAY_0 + dt.timedelta(days=14))
    assert "Activate your license" in _text(Client().get(path))
    time_is(DAY_0 + dt.timedelta(days=14, seconds=2))
    expired = Client().post(path)
    assert expired.status_code == 404
    assert "A link works for 14 days, and this one is older." in _text(expired)
    assert "Send me a new link" in _text(expired)
    assert seat_of(owner, ADA).state == "provisioned"


def test_who_has_an_old_link_gets_a_new_one_by_mail(owner, idp, time_is):
    """R14: asked for by POST, sent to the person's own address, and it works."""
    idp.create(ADA)
    old = _path(seat_of(owner, ADA))
    assert _letters() == [ADA]
    time_is(DAY_0 + dt.timedelta(days=20))
    assert Client().get(f"{old}new/").status_code == 405
    assert _letters() == []
    answer = Client().post(f"{old}new/", follow=True)
    assert "Look into your mailbox" in _text(answer)
    deliver_outbox()
    [letter] = mail.outbox
    assert letter.to == [ADA]
    new = _path(seat_of(owner, ADA))
    assert new in letter.body
    assert "Your license is active" in _text(Client().post(new, follow=True))


def test_a_new_link_is_sent_once_an_hour(owner, idp, time_is):
    """R14: a seat, whoever asks and however often; counted from the first invitation."""
    idp.create(ADA)
    ask = f"{_path(seat_of(owner, ADA))}new/"
    assert _letters() == [ADA]
    for minutes, letters in ((59, []), (60, [ADA]), (61, []), (119, []), (121, [ADA])):
        time_is(DAY_0 + dt.timedelta(minutes=minutes))
        for _ in range(3):
            Client().post(ask)
        assert _letters() == letters, minutes


def test_asking_for_a_link_never_tells_who_exists(owner, idp, time_is):
    """R14: the same answer for a seat, none, an activated one, a limit, and nonsense."""
    for email in (ADA, GRACE, MAX):
        idp.create(email)
    paths = [_path(seat_of(owner, email)) for email in (ADA, GRACE, MAX)]
    _letters()
    time_is(DAY_0 + dt.timedelta(days=20))
    manage("activate_seat", owner.slug, "sales-navigator", GRACE)
    [max_] = idp.find(f'userName eq "{MAX}"')
    idp.set_active(max_["id"], False)
    asked = [*paths, paths[0], "/activate/nonsense/", paths[0][:-2] + "x/"]
    answers = [Client().post(f"{path}new/") for path in asked]
    assert {(answer.status_code, answer["Location"]) for answer in answers} == {
        (302, "/activate/asked/")
    }
    shown = {Client().get(path).content for path in paths}
    shown = {page.count(b"Send me a new link") for page in shown}
    assert shown == {1}, "an expired link says the same of each"
    assert _letters() == [ADA]


@pytest.mark.django_db(transaction=True)
def test_asking_twice_at_once_sends_one(race):
    """R14, R26: the limit holds for races too."""
    owner = organization()
    connect(owner, seats=1).create(ADA)
    with clock.stopped(at=clock.now() + dt.timedelta(hours=2)):
        deliver_outbox()
        mail.outbox.clear()
        token = _path(seat_of(owner, ADA)).split("/")[-2]
        race(*[lambda: activation.ask_again(token)] * 4, behind=owner)
        assert _letters() == [ADA]


# ------------------------------------------------------------------ the seat is lost


def test_a_link_is_void_after_the_seat_was_lost_and_regained(owner, idp):
    """R14: losing and regaining a seat needs a new activation, by a new link."""
    ada = idp.create(ADA)
    old = _path(seat_of(owner, ADA))
    idp.set_active(ada.id, False)
    assert "There is no license behind this link" in _text(Client().get(old))
    idp.set_active(ada.id, True)
    assert "There is no license behind this link" in _text(Client().get(old))
    assert Client().post(old).status_code == 404
    assert seat_of(owner, ADA).state == "provisioned"
    Client().post(f"{old}new/")
    assert _letters() == [ADA], "of the seat regained, and none of the one lost"
    Client().post(_path(seat_of(owner, ADA)))
    assert seat_of(owner, ADA).state == "activated"


@pytest.mark.django_db(transaction=True)
def test_a_seat_that_is_regained_in_the_same_moment_is_not_activated_by_the_old_link(race):
    """R14: the link is looked at again under the lock."""
    owner = organization()
    idp = connect(owner, seats=1)
    ada = idp.create(ADA)
    token = _path(seat_of(owner, ADA)).split("/")[-2]

    def press():
        try:
            return activation.activate(token).pk
        except Refusal as refusal:
            return refusal.code

    for _ in range(3):
        pressed, *_rest = race(
            press, lambda: (idp.set_active(ada.id, False), idp.set_active(ada.id, True))
        )
        seat = seat_of(owner, ADA)
        assert seat.state == "provisioned" or seat.pk == pressed
        token = _path(seat).split("/")[-2]
    assert len(ledger(owner)) >= 7


# ------------------------------------------------------------------ an admin sends it again


def test_an_admin_sends_the_invitation_again_from_the_persons_page(owner, idp, admin, time_is):
    """R14: and the page shows when it was sent and when its link expires."""
    idp.create(ADA)
    seat = seat_of(owner, ADA)
    page = reverse("licensing:person", args=[seat.person_id])
    assert "The invitation is on its way since" in _text(admin.get(page))
    _letters()
    shown = admin.get(page)
    assert shown.context["licenses"][0].invitation.expires_at == DAY_0 + dt.timedelta(days=14)
    assert "Invitation sent" in _text(shown)
    assert "its link expires" in _text(shown)
    invite = reverse("licensing:invite", args=[seat.pk])
    refused = _text(admin.post(invite, follow=True))
    assert "Ada Lovelace was invited within the last hour" in refused
    time_is(DAY_0 + dt.timedelta(days=15))
    assert "its link expired" in _text(admin.get(page))
    done = _text(admin.post(invite, follow=True))
    assert f"A new invitation goes to {ADA} within a minute." in done
    assert _letters() == [ADA]
    manage("activate_seat", owner.slug, "sales-navigator", ADA)
    assert "has activated the license already" in _text(admin.post(invite, follow=True))
    assert "Send a new invitation" not in _text(admin.get(page))


def test_nobody_is_invited_without_an_address(owner, idp, admin):
    """R14: refused with a sentence, and the page says it."""
    idp("POST", "/Users", {"schemas": [], "userName": "jsmith", "active": True})
    seat = Seat.objects.get(pool=pool_of(owner))
    with pytest.raises(Refusal) as refused:
        activation.invite(seat)
    assert refused.value.code == "no_address"
    page = admin.get(reverse("licensing:person", args=[seat.person_id]))
    assert "Nobody can be invited without an e-mail address." in _text(page)
    assert activation.invite_all(pool_of(owner), older_than_days=0) == 0


def test_everybody_who_has_not_activated_is_invited_again_by_one_click(
    owner, idp, admin, time_is, django_assert_max_num_queries
):
    """R14: whose seat is so many days old, in allocation order, in a fixed number of statements."""
    idp.create(GRACE, number="10")
    idp.create(ADA, number="9")
    grant(owner, MAX)
    _letters()
    manage("activate_seat", owner.slug, "sales-navigator", MAX)
    time_is(DAY_0 + dt.timedelta(days=7))
    idp.create("late@acme.example")
    _letters()
    address = reverse("licensing:invite_all", args=["sales-navigator"])
    assert "2 people are invited again." in _text(admin.post(address, {"days": "7"}, follow=True))
    assert _letters() == [ADA, GRACE]
    again = _text(admin.post(address, {"days": "7"}, follow=True))
    assert "Nobody is to be invited" in again
    assert "Nobody was invited" in _text(admin.post(address, {"days": "-1"}, follow=True))
    assert _letters() == []
    time_is(DAY_0 + dt.timedelta(days=8))
    pool = pool_of(owner)
    with django_assert_max_num_queries(5):  # one is for the audit log, two for the transaction
        assert activation.invite_all(pool, older_than_days=1) == 3


def test_invitations_of_a_strangers_pool_are_not_sent(owner, idp, admin):
    """R14: an admin invites people of their own organization alone."""
    other = organization()
    connect(other, seats=1).create(GRACE)
    stranger = seat_of(other, GRACE)
    before = Outbox.objects.count()
    assert admin.post(reverse("licensing:invite", args=[stranger.pk])).status_code == 404
    admin.post(reverse("licensing:invite_all", args=["sales-navigator"]), {"days": "0"})
    assert Outbox.objects.count() == before


# ------------------------------------------------------------------ e-mail that fails


@pytest.fixture
def mail_server(monkeypatch):
    """A mail server that answers with this error, until it is None."""
    broken = {"error": None}
    send = mail.EmailMessage.send

    def answer(self, *args, **kwargs):
        if broken["error"] is not None:
            raise broken["error"]
        return send(self, *args, **kwargs)

    monkeypatch.setattr(mail.EmailMessage, "send", answer)
    return broken


def test_an_invitation_that_could_not_be_sent_is_seen_and_tried_again(
    owner, idp, admin, time_is, mail_server
):
    """R14, R9: on the overview and on the person's page, with a sentence and a button."""
    mail_server["error"] = ConnectionRefusedError(111, "Connection refused")
    idp.create(ADA)
    idp.create(GRACE)
    assert _letters() == []
    overview = _text(admin.get("/"))
    assert "E-mail that could not be sent" in overview
    assert "Invitation (2 e-mails): The mail server cannot be reached. Tried 1 time" in overview
    seat = seat_of(owner, ADA)
    person = _text(admin.get(reverse("licensing:person", args=[seat.person_id])))
    assert "The invitation could not be sent" in person
    with pytest.raises(Refusal):
        activation.invite(seat)
    assert _letters() == [], "its next time has not come"
    mail_server["error"] = None
    done = _text(admin.post(reverse("accounts:retry_mail"), follow=True))
    assert "2 e-mails are tried again within a minute." in done
    assert _letters() == [ADA, GRACE]
    assert "E-mail that could not be sent" not in _text(admin.get("/"))
    again = _text(admin.post(reverse("accounts:retry_mail"), follow=True))
    assert "There is no e-mail left that could not be sent." in again


def test_an_address_that_is_refused_says_what_to_do(owner, idp, admin, mail_server):
    """R14: the sentence depends on the reason."""
    mail_server["error"] = smtplib.SMTPRecipientsRefused({ADA: (550, b"user unknown")})
    idp.create(ADA)
    _letters()
    assert "The mail server refuses the address" in _text(admin.get("/"))


def test_a_retry_takes_nothing_out_of_the_hand_of_a_worker(owner, idp, mail_server, time_is):
    """R26: what is being sent right now is not sent a second time beside it."""
    mail_server["error"] = TimeoutError("timed out")
    idp.create(ADA)
    _letters()
    time_is(DAY_0 + dt.timedelta(minutes=2))
    with outbox.claimed() as line:
        assert outbox.retry(owner) == 0
        assert _letters() == []
        outbox.failed(line, "TimeoutError: timed out")
    assert outbox.retry(owner) == 1


def test_failing_mail_of_another_organization_is_not_shown(owner, idp, admin, mail_server):
    """R9: each organization sees its own."""
    mail_server["error"] = TimeoutError("timed out")
    other = organization()
    connect(other, seats=1).create(GRACE)
    _letters()
    assert "E-mail that could not be sent" not in _text(admin.get("/"))
    admin.post(reverse("accounts:retry_mail"))
    assert outbox.retry(other) == 1
