"""R4: admins are warned before a token ends and once when it has."""

import datetime as dt

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend

from accounts import clock
from accounts.models import Outbox
from accounts.tasks import deliver_outbox
from scim import tokens
from scim.models import TokenWarning
from tests.factories import connect, manage, organization

pytestmark = pytest.mark.django_db

NOON = dt.datetime(2026, 3, 1, 12, 0, 0, tzinfo=dt.UTC)
ENDS = NOON + dt.timedelta(days=730)
PASSWORD = "correct horse battery"


@pytest.fixture
def idp(owner, monkeypatch):
    monkeypatch.setenv("SEATKEEPER_PASSWORD", PASSWORD)
    for name in ("ann", "bob"):
        manage("create_admin", f"{name}@acme.example", "--organization", owner.slug)
    with clock.stopped(at=NOON):
        return connect(owner, seats=1, name="Okta")


def _run(now):
    return manage("expire_scim_tokens", "--now", now.isoformat())


def _sent():
    deliver_outbox()
    letters = sorted((letter.subject, letter.to[0]) for letter in mail.outbox)
    mail.outbox.clear()
    return letters


@pytest.mark.parametrize("days", [90, 30, 14, 7, 1])
def test_admins_are_warned_once_so_many_days_before(idp, days):
    """R4: 90, 30, 14, 7 and 1 days before, by e-mail, each to every admin of the organization."""
    before = _run(ENDS - dt.timedelta(days=days, seconds=1))
    assert days not in [warning["days"] for warning in before.json["reminded"]]
    _sent()
    due = _run(ENDS - dt.timedelta(days=days))
    assert [warning["days"] for warning in due.json["reminded"]] == [days]
    assert due.json["expired"] == []
    letters = _sent()
    assert [to for _, to in letters] == ["ann@acme.example", "bob@acme.example"]
    assert all("Okta" in subject and str(days) in subject for subject, _ in letters)
    assert _run(ENDS - dt.timedelta(days=days) + dt.timedelta(hours=1)).json["reminded"] == []
    assert _sent() == []


def test_admins_are_told_once_when_a_token_has_expired(idp):
    """R4: and once when it has."""
    _run(ENDS - dt.timedelta(seconds=1))
    _sent()
    over = _run(ENDS)
    assert [token["application"] for token in over.json["expired"]] == ["Okta"]
    assert [warning["days"] for warning in over.json["reminded"]] == [0]
    assert len(_sent()) == 2
    again = _run(ENDS + dt.timedelta(days=1))
    assert again.json == {"expired": [], "reminded": []}
    assert _sent() == []


def test_a_whole_life_has_exactly_six_warnings_however_often_the_worker_runs(idp):
    """R4: each exactly once, with a worker that runs day by day."""
    reminded = []
    now = ENDS - dt.timedelta(days=100)
    while now < ENDS + dt.timedelta(days=10):
        reminded += [warning["days"] for warning in _run(now).json["reminded"]]
        now += dt.timedelta(hours=23)
    assert reminded == [90, 30, 14, 7, 1, 0]
    assert len(_sent()) == 12


def test_a_worker_that_was_down_warns_of_the_nearest_alone(idp):
    """R4: not of everything that it missed."""
    assert [w["days"] for w in _run(ENDS - dt.timedelta(days=10)).json["reminded"]] == [14]
    assert len(_sent()) == 2


def test_a_revoked_token_is_not_warned_of(idp):
    """R4: nothing to renew."""
    tokens.revoke(idp.application.tokens.get())
    assert _run(ENDS - dt.timedelta(days=1)).json == {"expired": [], "reminded": []}
    assert _run(ENDS).json == {"expired": [], "reminded": []}


def test_a_warning_of_a_token_that_is_revoked_before_the_mail_goes_is_not_sent(idp):
    """R4: nobody is asked to renew what was ended on purpose."""
    _run(ENDS - dt.timedelta(days=7))
    tokens.revoke(idp.application.tokens.get())
    assert _sent() == []


def test_a_short_token_is_not_warned_of_before_it_was_issued(idp):
    """R4: a token for a day has no 90-day warning."""
    with clock.stopped(at=NOON):
        day = tokens.issue(idp.application, days=1).token
    warned = [
        w["days"]
        for w in _run(NOON + dt.timedelta(hours=1)).json["reminded"]
        if w["id"] == str(day.pk)
    ]
    assert warned in ([], [1])


def test_admins_of_other_organizations_hear_nothing(idp):
    """R4: the admins of the organization."""
    stranger = organization()
    manage("create_admin", "eve@evil.example", "--organization", stranger.slug)
    _run(ENDS)
    assert {to for _, to in _sent()} == {"ann@acme.example", "bob@acme.example"}


def test_a_crash_in_the_middle_loses_no_warning_and_repeats_none(idp, monkeypatch):
    """R4: however often the worker crashes: the warning, its row and its e-mail are one."""
    from accounts import outbox

    put = outbox.put

    def crash(*args, **kwargs):
        put(*args, **kwargs)
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(outbox, "put", crash)
        with pytest.raises(KeyboardInterrupt):
            tokens.expire(ENDS - dt.timedelta(days=7))
    assert not TokenWarning.objects.exists()
    assert not Outbox.objects.filter(kind="token_ends").exists()
    assert [w["days"] for w in _run(ENDS - dt.timedelta(days=7)).json["reminded"]] == [7]
    assert len(_sent()) == 2


def test_a_mail_server_that_is_away_loses_no_warning(idp, settings):
    """R4: what could not be sent is sent later, once."""
    _run(ENDS - dt.timedelta(days=7))
    settings.EMAIL_BACKEND = "tests.rules.test_r04_token_warnings.Away"
    deliver_outbox()
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert mail.outbox == []
    with clock.stopped(at=clock.now() + dt.timedelta(hours=1)):
        assert len(_sent()) == 2
        assert _sent() == []


def test_an_address_that_fails_costs_nobody_else_a_second_letter(idp, settings):
    """R4: each exactly once, whomever else it could not be sent to."""
    _run(ENDS - dt.timedelta(days=7))
    settings.EMAIL_BACKEND = "tests.rules.test_r04_token_warnings.BobIsGone"
    sent = []
    for hours in range(1, 40, 8):
        with clock.stopped(at=clock.now() + dt.timedelta(hours=hours)):
            sent += _sent()
    assert [to for _, to in sent] == ["ann@acme.example"]


class BobIsGone(EmailBackend):
    def send_messages(self, messages):
        if any("bob@acme.example" in message.to for message in messages):
            raise ConnectionRefusedError("550 no such mailbox")
        return super().send_messages(messages)


class Away:
    def __init__(self, *args, **kwargs):
        pass

    def send_messages(self, messages):
        raise ConnectionRefusedError("no mail server")


@pytest.mark.django_db(transaction=True)
def test_ten_workers_at_once_send_each_warning_once(race, monkeypatch):
    """R4: exactly once, however often the worker runs."""
    monkeypatch.setenv("SEATKEEPER_PASSWORD", PASSWORD)
    owner = organization()
    manage("create_admin", "ann@acme.example", "--organization", owner.slug)
    with clock.stopped(at=NOON):
        for _ in range(5):
            connect(owner, seats=1)
    for moment, days in ((ENDS - dt.timedelta(days=30), 30), (ENDS, 0)):
        runs = race(*[lambda moment=moment: tokens.expire(moment)] * 10)
        reminded = [warning.days for run in runs for warning in run.reminded]
        assert reminded == [days] * 5
        assert len([token for run in runs for token in run.expired]) == (0 if days else 5)
        race(*[deliver_outbox] * 4)
        assert len(_sent()) == 5
