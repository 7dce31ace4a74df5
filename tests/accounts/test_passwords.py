"""A forgotten password, and changing the own one."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from accounts import admins, passwords, sign_in_notices
from accounts.models import Admin, AdminSession, AuditEntry, Outbox
from tests import factories
from tests.accounts.letters import newest_link

PASSWORD = "seven wooden spoons"
NEW = "eight copper kettles"

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("letters")]


@pytest.fixture
def lea() -> Admin:
    """With an address of this test alone: how often it is written to is counted for an hour."""
    email = f"{uuid.uuid4()}@acme.example"
    return admins.create(email, organization=factories.organization(), password=PASSWORD)


def ask(email: str, *, ip: str) -> Any:
    return Client(REMOTE_ADDR=ip).post("/password/forgotten/", {"email": email})


def ip() -> str:
    """Nobody else's."""
    return str(uuid.uuid4().int % 200 + 1) + f".{uuid.uuid4().int % 256}.{uuid.uuid4().int % 256}.9"


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def test_a_forgotten_password_is_set_by_the_link_of_an_e_mail(lea):
    """Once; other sessions end, and nobody is signed in by it."""
    session = Client()
    session.force_login(lea)
    answer = ask(lea.email.upper(), ip=ip())
    assert answer["Location"] == "/password/asked/"
    path = newest_link()
    assert path.split("/")[4] not in factories.every_text()
    guest = Client()
    assert lea.email in text(guest.get(path))
    assert guest.post(path, {"password": "short"}).status_code == 422
    assert guest.post(path, {"password": NEW})["Location"] == "/sign-in/"
    lea.refresh_from_db()
    assert lea.check_password(NEW)
    assert session.get("/").status_code == 302
    assert guest.get("/").status_code == 302
    assert guest.post(path, {"password": PASSWORD}).status_code == 404


def browser_of(admin: Admin) -> Client:
    """Signed in, and in the list of sessions."""
    client = Client()
    client.force_login(admin)
    client.get("/account/security/")
    return client


def test_another_password_ends_the_other_sessions_of_the_list(lea):
    """This one stays in it, with its new key; a reset by e-mail ends every one."""
    here, elsewhere = browser_of(lea), browser_of(lea)
    first = AdminSession.objects.filter(admin=lea).earliest("id")
    here.post("/password/", {"old": PASSWORD, "password": NEW})
    [left] = AdminSession.objects.filter(admin=lea)
    assert (left.pk, left.session_key) == (first.pk, here.session.session_key)
    assert here.get("/").status_code == 200
    assert elsewhere.get("/").status_code == 302
    ask(lea.email, ip=ip())
    Client().post(newest_link(), {"password": PASSWORD})
    assert not AdminSession.objects.filter(admin=lea).exists()
    assert here.get("/").status_code == 302


def test_the_answer_is_the_same_whoever_asks_and_whomever_it_finds(lea):
    """An address that nobody has, one that is switched off, one without any role."""
    gone = admins.create("gone@acme.example", organization=factories.organization(), password=NEW)
    gone.roles.all().delete()
    told = {
        (answer.status_code, answer["Location"], answer.content)
        for answer in (ask(email, ip=ip()) for email in (lea.email, gone.email, "no@body.example"))
    }
    assert len(told) == 1
    assert [line.payload for line in Outbox.objects.filter(kind="password_reset")] == [
        {"admin": lea.pk}
    ]


def test_nobody_is_written_to_all_the_time(lea):
    for _ in range(passwords.TO_ONE_ADDRESS + 2):
        assert ask(lea.email, ip=ip()).status_code == 302
    assert Outbox.objects.filter(kind="password_reset").count() == passwords.TO_ONE_ADDRESS


def test_one_ip_asks_for_so_many(lea):
    mine = ip()
    for _ in range(passwords.FROM_ONE_IP):
        ask("no@body.example", ip=mine)
    assert ask(lea.email, ip=mine).status_code == 302
    assert not Outbox.objects.filter(kind="password_reset").exists()


@pytest.mark.parametrize(
    "path", ["MQ/x-y", "x/y", "4pi/cdehhm-3ab", "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMg/a-b"]
)
def test_a_link_that_is_none_says_what_to_do(path, lea):
    answer = Client().get(f"/password/reset/{path}/")
    assert answer.status_code == 404
    assert "Ask for a new link" in text(answer)


def test_the_own_password_needs_the_old_one_and_ends_other_sessions(lea):
    here, there = Client(), Client()
    for client in (here, there):
        client.force_login(lea)
    wrong = here.post("/password/", {"old": "not this one", "password": NEW})
    assert wrong.status_code == 422
    assert "That is not your password now." in text(wrong)
    weak = here.post("/password/", {"old": PASSWORD, "password": lea.email})
    assert "too similar" in text(weak)
    assert here.post("/password/", {"old": PASSWORD, "password": NEW}).status_code == 302
    assert here.get("/").status_code == 200
    assert there.get("/").status_code == 302
    told = AuditEntry.objects.filter(admin=lea, deed="password_changed").get()
    assert (told.before, told.after) == (None, None)
    assert NEW not in factories.every_text()


def test_another_password_is_told_by_e_mail_with_what_to_do(lea):
    """However it was changed: it may have been somebody else."""
    passwords.change(lea, old=PASSWORD, new=NEW)
    passwords.ask_reset(lea.email, address=ip())
    link = passwords.message({"admin": lea.pk}).text.split("/reset/")[1].split("/")
    passwords.reset(link[0], link[1], PASSWORD)
    found = Outbox.objects.filter(kind="sign_in_changed", payload__admin=lea.pk).order_by("id")
    for line, how in zip(found, ("was changed", "was set anew by the link"), strict=True):
        letter = sign_in_notices.write(line.payload)
        assert letter.subject == "Your password for Seatkeeper was changed"
        assert f"Your password {how}" in letter.text
        assert f"{settings.PUBLIC_URL}/password/forgotten/" in letter.text
