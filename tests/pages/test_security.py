"""Two-step sign-in and sessions, without a browser."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts import admins, clock, one_time_codes, second_step, sessions, vault
from accounts.models import Admin, AdminSession, Organization, Passkey, RecoveryCode, SecondStep
from accounts.tasks import deliver_outbox
from tests.factories import manage
from tests.pages import world as worlds
from tests.pages.world import PASSWORD, Empty

NOW = dt.datetime(2026, 11, 24, 12, 0, 10, tzinfo=dt.UTC)
SECURITY = "/account/security/"
SET_UP = "/account/security/two-step/"
SECOND = "/second-step/"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"


@pytest.fixture
def day(db: None) -> Iterator[Empty]:
    """An organization on its first day, and a clock that stands still."""
    with clock.stopped(at=NOW):
        yield worlds.make_empty()


@pytest.fixture
def lea(day: Empty) -> Admin:
    return day.owner


def signed_in(admin: Admin, **headers: str) -> Client:
    """A browser that has given the password, and nothing else."""
    client = Client(headers=headers)
    client.post("/sign-in/", {"username": admin.email, "password": PASSWORD})
    return client


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def key_on(page: str) -> str:
    return re.search(r'<code class="key">([A-Z2-7 ]+)</code>', page)[1].replace(" ", "")


def code(key: str, *, later: int = 0) -> str:
    return one_time_codes.code(key, int(clock.now().timestamp()) // 30 + later)


def app_of(admin: Admin) -> str:
    """Turns two-step sign-in on, at a step before this one. Returns the key."""
    key = one_time_codes.make_secret()
    second_step.turn_on(admin, vault.seal(key), code(key, later=-1))
    return key


# ------------------------------------------------------------------ setting it up


def test_it_is_set_up_by_a_first_code_and_gives_ten_recovery_codes_once(lea: Admin) -> None:
    client = signed_in(lea)
    page = client.get(SET_UP)
    assert 'style="' not in page.content.decode()
    assert '<svg viewBox="0 0 ' in text(page)
    key = key_on(text(page))
    assert key_on(text(client.get(SET_UP))) == key  # loading again does not spoil the scan

    refused = client.post(SET_UP, {"code": "000000"})
    assert refused.status_code == 422
    assert "This code is not right" in text(refused)
    assert not SecondStep.objects.exists()

    shown = client.post(SET_UP, {"code": f"{code(key)[:3]} {code(key)[3:]}"})
    codes = re.findall(r"<li><code>([a-z0-9-]{14})</code></li>", text(shown))
    assert len(set(codes)) == 10
    assert "no-store" in shown["Cache-Control"]
    assert codes[0] not in text(client.get(SECURITY))
    assert "10 of 10" in text(client.get(SECURITY))
    assert client.get(SET_UP).status_code == 302  # the key is not shown again


def test_neither_the_key_nor_the_recovery_codes_can_be_read_in_the_database(lea: Admin) -> None:
    key = one_time_codes.make_secret()
    codes = second_step.turn_on(lea, vault.seal(key), code(key))
    assert key not in SecondStep.objects.get().key
    kept = set(RecoveryCode.objects.values_list("digest", flat=True))
    assert len(kept) == 10
    assert not kept & set(codes)


# ------------------------------------------------------------------ the password


def test_after_five_wrong_passwords_the_right_one_has_to_wait(lea: Admin) -> None:
    """From that address: nobody keeps an admin out from elsewhere."""
    form = {"username": lea.email, "password": PASSWORD}
    client = Client(REMOTE_ADDR="192.0.2.1")
    for _ in range(5):
        assert "do not belong together" in text(client.post("/sign-in/", form | {"password": "x"}))
    answer = client.post("/sign-in/", form | {"username": lea.email.upper()})
    assert answer.status_code == 422
    assert "Wait 5 minutes" in text(answer)
    assert client.post("/sign-in/", form, REMOTE_ADDR="192.0.2.2").status_code == 302


# ------------------------------------------------------------------ the second step


def test_the_password_alone_shows_nothing(lea: Admin) -> None:
    app_of(lea)
    client = signed_in(lea)
    for address in ("/", "/users/", SECURITY, "/settings/global/sign-in/"):
        answer = client.get(address)
        assert answer.status_code == 302
        assert answer["Location"].startswith(SECOND)
    page = text(client.get(SECOND))
    assert "First Day" not in page
    assert 'aria-label="Admin Center"' not in page


def test_a_code_goes_on_to_the_page_that_was_asked_for_and_changes_the_session_key(
    lea: Admin,
) -> None:
    key = app_of(lea)
    client = signed_in(lea)
    before = client.session.session_key
    assert client.get("/users/?q=ada")["Location"] == f"{SECOND}?next=%2Fusers%2F%3Fq%3Dada"
    answer = client.post(SECOND, {"code": code(key), "next": "/users/?q=ada"})
    assert answer["Location"] == "/users/?q=ada"
    assert client.session.session_key != before
    assert client.get("/users/").status_code == 200


def test_no_next_leads_to_another_site(lea: Admin) -> None:
    key = app_of(lea)
    for evil in ("https://evil.example/", "//evil.example/", "javascript:alert(1)"):
        with clock.stopped(at=clock.now() + dt.timedelta(minutes=1)):
            SecondStep.objects.update(last_step=0)
            answer = signed_in(lea).post(SECOND, {"code": code(key), "next": evil})
            assert answer["Location"] == "/"


def test_a_code_is_good_once(lea: Admin) -> None:
    key = app_of(lea)
    assert signed_in(lea).post(SECOND, {"code": code(key)}).status_code == 302
    again = signed_in(lea).post(SECOND, {"code": code(key)})
    assert again.status_code == 422
    assert "used already" in text(again)
    earlier = signed_in(lea).post(SECOND, {"code": code(key, later=-1)})
    assert earlier.status_code == 422


@pytest.mark.django_db(transaction=True)
def test_of_two_who_use_one_code_at_the_same_moment_one_comes_in(race: Any) -> None:
    lea = worlds.make_empty().owner
    key = app_of(lea)

    def come_in() -> int:
        return signed_in(lea).post(SECOND, {"code": code(key)}).status_code

    assert sorted(race(come_in, come_in)) == [302, 422]


def test_after_five_wrong_codes_the_right_one_has_to_wait(lea: Admin) -> None:
    key = app_of(lea)
    client = signed_in(lea)
    for _ in range(5):
        assert client.post(SECOND, {"code": "123456"}).status_code == 422
    answer = client.post(SECOND, {"code": code(key)})
    assert answer.status_code == 422
    assert "Wait 5 minutes" in text(answer)
    other = admins.create("grace@day.example", organization=_of(lea), password=PASSWORD)
    key = app_of(other)
    assert signed_in(other).post(SECOND, {"code": code(key)}).status_code == 302


def test_a_recovery_code_takes_the_place_of_the_app_once(lea: Admin) -> None:
    key = one_time_codes.make_secret()
    first, *_ = second_step.turn_on(lea, vault.seal(key), code(key))
    client = signed_in(lea)
    assert client.post(SECOND, {"code": first.upper()})["Location"] == "/"
    assert "9 are left" in text(client.get("/"))
    again = signed_in(lea).post(SECOND, {"code": first})
    assert again.status_code == 422
    assert "not right" in text(again)


def test_new_recovery_codes_want_the_password_and_end_the_old_ones(lea: Admin) -> None:
    key = one_time_codes.make_secret()
    old, *_ = second_step.turn_on(lea, vault.seal(key), code(key, later=-1))
    client = signed_in(lea)
    client.post(SECOND, {"code": code(key)})
    address = "/account/security/recovery-codes/"
    assert client.post(address, {"password": "wrong"}).status_code == 422
    new = re.findall(
        r"<li><code>([a-z0-9-]{14})</code></li>", text(client.post(address, {"password": PASSWORD}))
    )
    assert len(new) == 10
    assert signed_in(lea).post(SECOND, {"code": old}).status_code == 422
    assert signed_in(lea).post(SECOND, {"code": new[3]}).status_code == 302


def test_turning_it_off_wants_the_password_and_ends_other_sessions(lea: Admin) -> None:
    key = app_of(lea)
    client = signed_in(lea)
    client.post(SECOND, {"code": code(key)})
    other = signed_in(lea)
    other.post(SECOND, {"code": code(key, later=1)})
    assert other.get("/").status_code == 200
    client.get("/")
    address = "/account/security/two-step/off/"
    refused = client.post(address, {"password": "wrong"})
    assert "This is not your password." in text(refused)
    assert SecondStep.objects.exists()
    assert client.post(address, {"password": PASSWORD})["Location"] == SECURITY
    assert not SecondStep.objects.exists()
    assert not RecoveryCode.objects.exists()
    assert client.get("/").status_code == 200
    assert other.get("/").status_code == 302
    assert signed_in(lea).get("/").status_code == 200


def test_wrong_passwords_are_limited_there_too(lea: Admin) -> None:
    app_of(lea)
    client = signed_in(lea)
    with clock.stopped(at=NOW + dt.timedelta(minutes=1)):
        client.post(SECOND, {"code": code(_key(lea))})
    address = "/account/security/two-step/off/"
    for _ in range(5):
        client.post(address, {"password": "wrong"})
    assert "Wait 5 minutes" in text(client.post(address, {"password": PASSWORD}))
    assert SecondStep.objects.exists()


def test_a_key_that_cannot_be_read_any_more_is_told(lea: Admin, settings: Any) -> None:
    """SECRET_KEY was changed without a fallback."""
    key = app_of(lea)
    old = settings.SECRET_KEY
    settings.SECRET_KEY = "another key that is as long as the one before, or longer"
    client = signed_in(lea)
    answer = client.post(SECOND, {"code": code(key)})
    assert "Ask an owner to reset" in text(answer)
    settings.SECRET_KEY_FALLBACKS = [old]
    assert client.post(SECOND, {"code": code(key)}).status_code == 302


# ------------------------------------------------------------------ required by the organization


def test_an_owner_requires_it_and_whoever_has_none_is_led_to_set_it_up(lea: Admin) -> None:
    owner = signed_in(lea)
    address = "/settings/global/sign-in/two-step/"
    assert owner.post(address, {"required": "yes"}).status_code == 302
    led = owner.get("/users/")
    assert led["Location"] == f"{SET_UP}?next=%2Fusers%2F"
    page = text(owner.get(led["Location"]))
    assert "Your organization requires it" in page
    shown = owner.post(led["Location"], {"code": code(key_on(page)), "next": "/users/"})
    assert 'href="/users/">I have kept them' in text(shown)
    assert owner.get("/users/").status_code == 200

    refused = owner.post("/account/security/two-step/off/", {"password": PASSWORD})
    assert refused["Location"] == SECURITY
    assert "First Day requires two-step sign-in" in text(owner.get(SECURITY))
    assert SecondStep.objects.exists()


def test_a_password_alone_sets_no_app_up_for_somebody_who_has_a_passkey(lea: Admin) -> None:
    """Where it is required; whoever stole the password could set up an own app otherwise."""
    _give_passkey(lea)
    client = signed_in(lea)
    assert client.get("/").status_code == 200
    client.post("/settings/global/sign-in/two-step/", {"required": "yes"})
    assert client.get(SET_UP)["Location"].startswith(SECOND)
    page = text(client.get(SECOND))
    assert "Use a passkey" in page
    assert "Code" not in page


def test_the_last_second_step_is_not_removed_where_it_is_required(lea: Admin) -> None:
    client = signed_in(lea)
    client.get("/")
    client.post("/settings/global/sign-in/two-step/", {"required": "yes"})
    session = client.session
    session["second_step"] = "passkey"
    session.save()
    passkey = _give_passkey(lea)
    address = f"/account/security/passkeys/{passkey.pk}/remove/"
    client.post(address)
    assert Passkey.objects.exists()
    assert "your only second step" in text(client.get(SECURITY))
    app_of(lea)
    client.post(address)
    assert not Passkey.objects.exists()


def test_only_owners_change_how_everybody_signs_in(lea: Admin) -> None:
    for kind in ("admin", "read-only"):
        other = admins.create(
            f"{kind}@day.example", organization=_of(lea), password=PASSWORD, role=kind
        )
        client = signed_in(other)
        page = text(client.get("/settings/global/sign-in/"))
        assert "Owners can change this." in page
        assert '<button class="button button-main"' not in page
        role = lea.roles.get()
        for address in (
            "/settings/global/sign-in/two-step/",
            f"/settings/global/sign-in/reset/{role.pk}/",
        ):
            assert client.post(address, {"required": "yes"}).status_code == 403


# ------------------------------------------------------------------ resetting it


def test_an_owner_resets_the_second_step_of_somebody_who_lost_the_phone(lea: Admin) -> None:
    grace = admins.create("grace@day.example", organization=_of(lea), password=PASSWORD)
    key = app_of(grace)
    _give_passkey(grace)
    hers = signed_in(grace)
    hers.post(SECOND, {"code": code(key)})
    assert hers.get("/").status_code == 200
    owner = signed_in(lea)
    address = f"/settings/global/sign-in/reset/{grace.roles.get().pk}/"
    assert address in text(owner.get("/settings/global/sign-in/"))
    assert "Do this after you have made sure who asks" in text(owner.get(address))
    owner.post(address)
    assert hers.get("/").status_code == 302
    assert not Passkey.objects.exists()
    assert signed_in(grace).get("/").status_code == 200


def test_nobody_resets_the_second_step_of_another_organizations_admin(lea: Admin) -> None:
    """Whoever adds an admin of another organization here does not get at their sign-in there."""
    contoso = worlds.make("Contoso", "eve@contoso.example")
    app_of(contoso.owner)
    owner = signed_in(lea)
    theirs = contoso.owner.roles.get()
    assert owner.post(f"/settings/global/sign-in/reset/{theirs.pk}/").status_code == 404
    admins.create(contoso.owner.email, organization=_of(lea), password=PASSWORD)
    here = contoso.owner.roles.get(organization=_of(lea))
    owner.post(f"/settings/global/sign-in/reset/{here.pk}/")
    assert "that you do not own" in text(owner.get("/settings/global/sign-in/"))
    assert SecondStep.objects.filter(admin=contoso.owner).exists()


def test_nobody_resets_the_own_second_step_past_the_password(lea: Admin) -> None:
    key = app_of(lea)
    client = signed_in(lea)
    client.post(SECOND, {"code": code(key)})
    client.post(f"/settings/global/sign-in/reset/{lea.roles.get().pk}/")
    assert "is under Account &gt; Security" in text(client.get(SECURITY))
    assert SecondStep.objects.exists()


def test_the_operator_resets_it_by_command(lea: Admin) -> None:
    app_of(lea)
    ran = manage("reset_second_step", lea.email.upper())
    assert ran.exit == 0
    assert ran.json == {"email": lea.email}
    assert not SecondStep.objects.exists()
    assert manage("reset_second_step", "nobody@day.example").json["error"]["code"] == (
        "admin_not_found"
    )


def test_the_admin_is_told_by_e_mail_what_was_changed(lea: Admin, mailoutbox: Any) -> None:
    """In case it was somebody else."""
    grace = admins.create("grace@day.example", organization=_of(lea), password=PASSWORD)
    app_of(grace)
    second_step.new_recovery_codes(grace)
    second_step.turn_off(grace)
    app_of(grace)
    second_step.reset(grace, by=lea)
    deliver_outbox()
    assert {message.to[0] for message in mailoutbox} == {grace.email}
    assert [message.body.splitlines()[0] for message in mailoutbox] == [
        "Two-step sign-in was turned on.",
        "New recovery codes were made; the old ones are worth nothing.",
        "Two-step sign-in was turned off.",
        "Two-step sign-in was turned on.",
        "first@day.example has reset your second step: your password alone signs you in.",
    ]


# ------------------------------------------------------------------ sessions


def test_sessions_are_listed_in_plain_words_and_this_one_is_marked(lea: Admin) -> None:
    here = signed_in(lea, user_agent=FIREFOX)
    signed_in(lea, user_agent="curl/8.5.0").get("/")
    page = text(here.get(SECURITY))
    assert 'Firefox on Linux</b> <span class="badge' in page
    assert page.count("This one") == 1
    assert "<b>curl</b>" in page
    assert "127.0.0.1" in page


def test_one_session_is_ended_and_the_others_stay(lea: Admin) -> None:
    here, other, third = (signed_in(lea) for _ in range(3))
    for client in (here, other, third):
        client.get("/")
    row = AdminSession.objects.get(session_key=other.session.session_key)
    here.post(reverse("accounts:end_session", args=[row.pk]))
    assert other.get("/").status_code == 302
    assert third.get("/").status_code == 200
    assert not Session.objects.filter(pk=row.session_key).exists()
    assert "1 other session has ended" in text(here.post(f"{SECURITY}sessions/end/", follow=True))
    assert third.get("/").status_code == 302
    assert here.get("/").status_code == 200


def test_nobody_ends_a_session_of_somebody_else(lea: Admin) -> None:
    grace = admins.create("grace@day.example", organization=_of(lea), password=PASSWORD)
    hers = signed_in(grace)
    hers.get("/")
    mine = signed_in(lea)
    row = AdminSession.objects.get(admin=grace)
    assert mine.post(reverse("accounts:end_session", args=[row.pk])).status_code == 404
    mine.post(f"{SECURITY}sessions/end/")
    assert hers.get("/").status_code == 200


def test_a_session_is_noted_once_a_minute(lea: Admin) -> None:
    client = signed_in(lea)
    client.get("/")
    with _counted("accounts_adminsession") as statements:
        client.get("/")
        client.get("/users/")
    assert statements == []
    cache.clear()  # a minute later
    with clock.stopped(at=NOW + dt.timedelta(minutes=1)):
        client.get("/")
    row = AdminSession.objects.get()
    assert (row.seen_at - row.first_seen_at).total_seconds() == 60


def test_sessions_that_ended_by_themselves_are_not_shown_and_forgotten(lea: Admin) -> None:
    client = signed_in(lea)
    client.get("/")
    Session.objects.update(expire_date=NOW - dt.timedelta(seconds=1))
    assert not sessions.of(lea).exists()
    sessions.prune()
    assert AdminSession.objects.count() == 1  # its session is still in the table
    Session.objects.all().delete()
    sessions.prune()
    assert not AdminSession.objects.exists()


def test_the_address_behind_a_proxy_is_the_last_that_it_noted(lea: Admin, settings: Any) -> None:
    """What a client wrote into the header itself stands before it."""
    headers = {"x-forwarded-for": "203.0.113.9, 198.51.100.7"}
    signed_in(lea, **headers).get("/")
    assert AdminSession.objects.get().address == "127.0.0.1"
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    signed_in(lea, **headers).get("/")
    assert AdminSession.objects.latest("id").address == "198.51.100.7"


def test_the_pages_cost_the_same_with_many_admins_and_sessions(
    lea: Admin, django_assert_max_num_queries: Any
) -> None:
    client = signed_in(lea)
    pages = (SECURITY, "/settings/global/sign-in/")
    client.get("/")
    few = {}
    for page in pages:
        with django_assert_max_num_queries(12) as queries:
            client.get(page)
        few[page] = len(queries)
    for number in range(6):
        other = admins.create(
            f"admin{number}@day.example", organization=_of(lea), password=PASSWORD
        )
        app_of(other)
        signed_in(lea, user_agent=FIREFOX).get("/")
    for page in pages:
        with django_assert_max_num_queries(few[page]):
            client.get(page)


# ------------------------------------------------------------------ inside


class _counted:
    """Statements that name a table."""

    def __init__(self, table: str) -> None:
        self.table = table
        self.found: list[str] = []

    def __enter__(self) -> list[str]:
        self.wrapper = connection.execute_wrapper(self._note)
        self.wrapper.__enter__()
        return self.found

    def __exit__(self, *args: Any) -> None:
        self.wrapper.__exit__(*args)

    def _note(self, execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        if self.table in str(sql):
            self.found.append(str(sql))
        return execute(sql, params, many, context)


def _of(admin: Admin) -> Organization:
    return admin.organizations.get()


def _key(admin: Admin) -> str:
    return str(vault.unseal(admin.second_step.key))


def _give_passkey(admin: Admin) -> Passkey:
    """One that answers nothing: it is there."""
    return Passkey.objects.create(
        admin=admin, name="Laptop", credential_id=b"x", public_key=b"x", created_at=clock.now()
    )
