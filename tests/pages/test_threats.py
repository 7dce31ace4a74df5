"""What an attacker would try, each answer of docs/security.md that no other test proves."""

from __future__ import annotations

import gzip
import importlib
import json
import pkgutil
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core import mail
from django.db import connection
from django.http import HttpResponse
from django.test import Client, RequestFactory

from accounts import admins, clock, one_time_codes, outbound, second_step, vault
from accounts.models import Admin, AdminSession, Application, Link, Organization, Person, Role
from accounts.tasks import deliver_outbox
from config.logging import RequestLogMiddleware
from config.management.commands.verify import production
from scim import exchanges, tokens
from tests import endpoints, factories
from tests.conformance.live import ROOT
from tests.endpoints import PUBLIC
from tests.factories import connect, every_text, organization, person
from tests.pages import addresses
from tests.pages.world import PASSWORD, World, hold_removals

# ------------------------------------------------------------------ the browser


@pytest.fixture(scope="module")
def safe_settings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Those that browsers hear of, as production has them."""
    names = (
        "SESSION_COOKIE_SECURE CSRF_COOKIE_SECURE SESSION_COOKIE_HTTPONLY "
        "SESSION_COOKIE_SAMESITE "
        "SECURE_HSTS_SECONDS SECURE_HSTS_INCLUDE_SUBDOMAINS SECURE_HSTS_PRELOAD "
        "SECURE_SSL_REDIRECT "
        "SECURE_PROXY_SSL_HEADER SECURE_REFERRER_POLICY SECURE_CONTENT_TYPE_NOSNIFF "
        "X_FRAME_OPTIONS ALLOWED_HOSTS CONTENT_SECURITY_POLICY CSRF_TRUSTED_ORIGINS DEBUG"
    )
    done = subprocess.run(
        [
            sys.executable, "-c",
            "import json; from django.conf import settings; "
            f"print(json.dumps({{n: getattr(settings, n) for n in {names.split()!r}}}))",
        ],
        env={
            **production(), "DJANGO_SETTINGS_MODULE": "config.settings", "PATH": "",
            "SEATKEEPER_DATA": str(tmp_path_factory.mktemp("data")),
        },
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return json.loads(done.stdout)


def test_production_tells_browsers_to_be_strict_on_every_page(
    safe_settings: dict[str, Any], settings: Any, world: World
) -> None:
    """R3: a policy without exceptions, no frames, HTTPS for a year, no address told elsewhere;
    the same on pages, refusals and what is not there."""
    for name, value in safe_settings.items():
        setattr(settings, name, tuple(value) if name == "SECURE_PROXY_SSL_HEADER" else value)
    client = Client(headers={"Host": "seatkeeper.example", "X-Forwarded-Proto": "https"})
    client.force_login(world.owner)
    pages = ["/", "/users/?q=x", "/sign-in/", "/nothing", "/static/nothing.js", "/password/"]
    for address in [*pages, *list(addresses.every(world).values())[::5]]:
        answer = client.get(address)
        policy = answer["Content-Security-Policy"]
        assert "default-src 'none'" in policy, address
        assert not re.search(r"unsafe|\*|data:|http|nonce|report", policy), policy
        # An e-mail is shown inside its page; its own policy lets nothing in but its one style.
        is_letter = "frame-ancestors 'self'" in policy
        assert not is_letter or address.startswith("/settings/mails/"), address
        framed, sent = ("'self'", "'none'") if is_letter else ("'none'", "'self'")
        for part in (f"frame-ancestors {framed}", "base-uri 'none'", f"form-action {sent}"):
            assert part in policy
        assert answer["X-Frame-Options"] == ("SAMEORIGIN" if is_letter else "DENY")
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Referrer-Policy"] == "same-origin"
        assert answer["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains; preload"
    form = {"username": world.owner.email, "password": PASSWORD}
    signed_in = Client(headers={"Host": "seatkeeper.example", "X-Forwarded-Proto": "https"})
    signed_in.get("/sign-in/")
    signed_in.post("/sign-in/", form)
    session, token = signed_in.cookies["sessionid"], signed_in.cookies["csrftoken"]
    assert (session["secure"], session["httponly"], session["samesite"]) == (True, True, "Lax")
    assert (token["secure"], token["samesite"]) == (True, "Lax")
    plain = Client(headers={"Host": "seatkeeper.example"}).get("/sign-in/")
    assert (plain.status_code, plain["Location"]) == (301, "https://seatkeeper.example/sign-in/")
    assert Client(headers={"Host": "evil.example"}).get("/sign-in/").status_code == 400


def test_every_deed_wants_a_form_of_ours(world: World) -> None:
    """R3 (CSRF): each address of the URL configuration refuses a POST without its token."""
    hold_removals(world)
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.owner)
    client.get("/")
    found = []
    for endpoint in endpoints.every():
        if endpoint.is_scim or endpoint.is_api:  # no cookie means anything there
            continue
        if endpoint.name in PUBLIC and endpoint.parameters:
            continue
        for address in endpoint.addresses(world):
            answer = client.post(address, {"deed": "approve"})
            if answer.status_code != 403:
                found.append(f"{address}: {answer.status_code}")
    assert not found, "\n".join(found)


def test_a_cookie_opens_no_scim_and_a_token_no_page(world: World, admin: Client) -> None:
    """R5: neither stands for the other, so that no site can make a browser push."""
    assert admin.get("/scim/v2/Users").status_code == 401
    bearer = {"Authorization": f"Bearer {world.okta.secret}"}
    assert Client(headers=bearer).get("/users/").status_code == 302


def test_a_session_that_was_planted_is_not_the_one_that_is_signed_in(world: World) -> None:
    """R3 (session fixation)."""
    client = Client()
    client.cookies["sessionid"] = "planted0planted0planted0planted0"
    client.post("/sign-in/", {"username": world.owner.email, "password": PASSWORD})
    key = client.cookies["sessionid"].value
    assert key != "planted0planted0planted0planted0"
    client.get("/users/")
    assert AdminSession.objects.get(session_key=key).admin == world.owner
    client.post("/sign-out/")
    client.cookies["sessionid"] = key
    assert client.get("/users/").status_code == 302


# ------------------------------------------------------------------ who somebody is


class CountingHasher(MD5PasswordHasher):
    """Counts, so that the same work is seen to be done."""

    algorithm = "counting"
    done = 0

    def encode(self, password: str, salt: str) -> str:
        type(self).done += 1
        return super().encode(password, salt)


def test_an_address_that_nobody_has_takes_as_long_as_a_wrong_password(
    settings: Any, db: None
) -> None:
    """R3 (timing): the dear part, the hash, is made as often."""
    settings.PASSWORD_HASHERS = [f"{__name__}.CountingHasher"]
    admins.create("lea@acme.example", organization=organization(), password=PASSWORD)
    made = []
    for email in ("lea@acme.example", "nobody@acme.example"):
        before = CountingHasher.done
        answer = Client().post("/sign-in/", {"username": email, "password": "wrong"})
        made.append((answer.status_code, CountingHasher.done - before))
    assert made[0] == made[1]
    assert made[0][1] == 1


def test_a_look_alike_address_gets_nobody_elses_link(settings: Any, db: None) -> None:
    """R3: addresses whose letters fold to another's (dotless i, Kelvin's sign, long s, Cyrillic).
    What is sent goes to the address of the login, never to the one that was typed."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    admins.create("mike.ross@kiss.example", organization=organization(), password=PASSWORD)
    for typed in (
        "m\u0131ke.ross@kiss.example", "mi\u212ae.ross@kiss.example", "mike.ro\u017fs@kiss.example",
        "mike.ross@\u212aiss.example", "mik\u0435.ross@kiss.example", "MIKE.ROSS@KISS.EXAMPLE",
    ):  # fmt: skip
        Client().post("/password/forgotten/", {"email": typed})
    deliver_outbox()
    assert {to for sent in mail.outbox for to in sent.to} == {"mike.ross@kiss.example"}


def test_a_look_alike_is_another_person(db: None) -> None:
    """R12: whoever can push a Cyrillic а takes over nobody."""
    owner = organization()
    idp = connect(owner, seats=5)
    factories.grant(owner, "ada@acme.example", first_name="Ada")
    made = idp.create("\u0430da@acme.example")
    assert made.status == 201
    assert Person.objects.of(owner).count() == 2
    assert Person.objects.of(owner).get(email="ada@acme.example").added_by_hand


def test_a_push_assigns_nothing_but_what_scim_is_about(db: None) -> None:
    """R5, R11, R23 (mass assignment): no role, no login, no other id, organization or group."""
    owner, other = organization(), organization()
    idp, theirs = connect(owner, seats=5), connect(other, seats=5)
    wanted = theirs.create_group("Owners").id
    more = {
        "id": factories.stranger(), "organization": other.pk, "organization_id": other.pk,
        "managed_by": str(theirs.application.pk), "application_id": str(theirs.application.pk),
        "added_by_hand": True, "is_superuser": True, "is_staff": True, "kind": "owner",
        "roles": [{"value": "owner", "primary": True}], "entitlements": [{"value": "admin"}],
        "userType": "owner", "groups": [{"value": wanted}], "password": "a long new password",
        "meta": {"version": 'W/"99"', "created": "2000-01-01T00:00:00Z"},
    }  # fmt: skip
    made = idp("POST", "/Users", person("eve@acme.example", **more))
    assert made.status == 201
    idp("PUT", f"/Users/{made.id}", person("eve@acme.example", **more | {"id": made.id}))
    idp.patch(f"/Users/{made.id}", ("add", None, {"roles": [{"value": "owner"}]}))
    link = Link.objects.get(pk=made.id)
    assert made.id != more["id"]
    assert (link.organization, link.application) == (owner, idp.application)
    assert (link.person.organization, link.person.managed_by) == (owner, idp.application)
    assert not link.person.added_by_hand
    assert not link.person.memberships.exists()
    assert link.created_at.year > 2000
    assert not Role.objects.exists()
    assert not Admin.objects.exists()


# ------------------------------------------------------------------ what is written somewhere


MARKUP = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


def test_markup_in_names_is_shown_as_it_was_typed(admin: Client, world: World) -> None:
    """R7, R23, R28 (injection into pages): names of people, groups, applications and requests."""
    with connection.cursor() as cursor:
        for table, column in (
            ("accounts_person", "last_name"), ("accounts_person", "department"),
            ("accounts_group", "name"), ("accounts_application", "name"), ("scim_token", "name"),
            ("accounts_organization", "name"), ("licensing_waitingentry", "name"),
            ("scim_exchange", "path"), ("scim_exchange", "detail"), ("scim_setuplink", "for_whom"),
            ("accounts_peoplefile", "name"), ("licensing_eligiblegroup", "name"),
        ):  # fmt: skip
            cursor.execute(f"UPDATE {table} SET {column} = {column} || %s", [MARKUP])
    seen = 0
    for name, address in addresses.every(world).items():
        page = admin.get(address).content.decode()
        assert "<script>alert" not in page, name
        assert "<img src=x" not in page, name
        seen += "&lt;script&gt;alert(1)" in page
    assert seen > 10
    assert "<script>alert" not in admin.get("/users/", {"q": MARKUP}).content.decode()


def test_no_name_writes_a_header_of_an_e_mail(db: None) -> None:
    """R14 (injection into e-mail): line breaks in names, addresses and the organization's name."""
    evil = "Eve\r\nBcc: everybody@acme.example\r\n\r\nClick here"
    owner = organization()
    Organization.objects.filter(pk=owner.pk).update(name=evil)
    idp = connect(owner, seats=5)
    Application.objects.filter(pk=idp.application.pk).update(name=evil)
    idp.create("ada@acme.example", first=evil, last=evil, displayName=evil)
    idp.create("grace@acme.example\r\nBcc: everybody@acme.example", first="Grace")
    deliver_outbox()
    assert [sent.recipients() for sent in mail.outbox] == [["ada@acme.example"]]
    heads = mail.outbox[0].message().as_bytes().partition(b"\n\n")[0]
    assert b"\nBcc:" not in heads


def test_no_address_writes_a_second_line_of_the_log(capfd: pytest.CaptureFixture[str]) -> None:
    """R28 (log forging): a request is one line, whatever is in it."""

    evil = 'x\r\n{"level": "ERROR"}\u2028\x1b[31m\x00'
    request = RequestFactory().generic(
        "GET\n", f"/users/{evil}", QUERY_STRING=f"{evil}=1", HTTP_X_REQUEST_ID=evil
    )
    RequestLogMiddleware(lambda request: HttpResponse(status=404))(request)
    [line, end] = capfd.readouterr().err.split("\n")
    assert end == ""
    assert json.loads(line)["path"].startswith("/users/x")
    assert "\x1b" not in line


# ------------------------------------------------------------------ what is too much


def test_a_packed_body_is_never_unpacked(db: None) -> None:
    """R26 (bombs): a gigabyte of zeros fits into a megabyte of gzip."""
    idp = connect(organization(), seats=5)
    bomb = gzip.compress(b'{"userName": "' + b"0" * 50_000_000 + b'"}')
    started = time.perf_counter()
    for coding in ("gzip", "deflate", "br", "gzip, gzip"):
        answer = idp("POST", "/Users", bomb, **{"Content-Encoding": coding})
        assert answer.status in (400, 415), coding
    assert time.perf_counter() - started < 2
    assert idp.user_names() == []


class _Packed(BaseHTTPRequestHandler):
    bomb = gzip.compress(b"{" + b" " * 200_000_000 + b"}")

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(self.bomb)))
        self.end_headers()
        self.wfile.write(self.bomb)

    def log_message(self, *_: Any) -> None:
        pass


def test_a_packed_answer_of_an_identity_provider_is_never_unpacked(settings: Any) -> None:
    """R5 (bombs): what an admin's identity provider answers is at most half a megabyte."""
    settings.SSO_PRIVATE_ADDRESSES = True
    server = HTTPServer(("127.0.0.1", 0), _Packed)
    thread = threading.Thread(target=server.handle_request)
    thread.start()
    started = time.process_time()
    with pytest.raises(outbound.Unreachable):
        outbound.get_json(f"http://127.0.0.1:{server.server_port}/")
    assert time.process_time() - started < 0.2
    thread.join()
    server.server_close()


#: What makes a pattern with two ways to read a text try them all.
_NASTY = [part * (20_000 // len(part)) for part in (
    "a", " ", "a@", "a.", "1", "\t\n", "a/", '\\"', '"', "password=", "bearer ",
    "seatkeeper_", "a; ", "\\\\", "(", "é", "://",
)]  # fmt: skip
_BEGUN = ["", "https://", "Mozilla/5.0 (", '"userName":"']
#: Patterns that are only ever asked from one place on, where they fit or the text is refused.
_FROM_ONE_PLACE = {"scim.words._FILTER", "scim.protocol.filter._TOKEN"}


def test_no_pattern_takes_long_for_any_text() -> None:
    """R9 (ReDoS): every regular expression of ours, found in the modules, over texts that make
    bad ones try all ways."""
    slow, patterns = [], set(_patterns())
    assert len(patterns) > 20
    for where, pattern in sorted(patterns, key=lambda each: each[0]):
        texts = [begun + text + "!" for text in _NASTY for begun in _BEGUN]
        for text in texts:
            subject: Any = text.encode() if isinstance(pattern.pattern, bytes) else text
            started = time.process_time()
            pattern.match(subject)
            pattern.fullmatch(subject)
            if where not in _FROM_ONE_PLACE:
                for _ in pattern.finditer(subject):
                    pass
            if time.process_time() - started > 0.25:
                slow.append(f"{where}: {pattern.pattern[:80]!r} on {text[:20]!r}")
                break
    assert not slow, "\n".join(slow)


def _patterns() -> Iterator[tuple[str, re.Pattern[Any]]]:
    for package in ("accounts", "licensing", "scim", "config"):
        for found in pkgutil.walk_packages([str(ROOT / package)], f"{package}."):
            if ".management." in found.name or ".migrations" in found.name:
                continue
            if found.name in ("config.wsgi", "config.webworker"):
                continue
            for name, value in vars(importlib.import_module(found.name)).items():
                if isinstance(value, re.Pattern):
                    yield f"{found.name}.{name}", value


# ------------------------------------------------------------------ secrets


@pytest.mark.django_db
def test_no_secret_is_told_anywhere(world: World, settings: Any, capfd: Any, caplog: Any) -> None:
    """R3, R28: planted secrets are in no log, error, page, e-mail, activity log, audit log or
    export, also when things fail; and none of them stands readable in a table."""
    password = "planted correct horse battery"
    key = one_time_codes.make_secret()
    with clock.stopped(at=clock.now()):
        code = one_time_codes.code(key, int(clock.now().timestamp()) // 30)
        codes = second_step.turn_on(world.owner, vault.seal(key), code)
    issued = tokens.issue(world.application, name="Planted", by=world.owner).secret
    client = Client(raise_request_exception=False)
    client.force_login(world.owner)
    session = client.session
    session["second_step"] = "code"
    session.save()
    secrets = {
        "SCIM token": issued, "session": session.session_key, "password": password,
        "authenticator": key, "recovery code": codes[0], "client secret": "a client secret",
        "SECRET_KEY": settings.SECRET_KEY,
        "database": str(settings.DATABASES["default"]["PASSWORD"] or "no password here"),
    }  # fmt: skip
    idp = factories.Idp(world.application, issued)
    idp("POST", "/Users", person("plant@example.com", password=password))
    idp("PUT", "/Users/x", {"userName": "x", "password": password})
    idp("GET", "/Users", query={"filter": f'userName eq "{issued}"', "token": issued})
    idp("POST", "/Users", f'{{"password": "{password}"'.encode())
    factories.Idp(world.application, issued[:-1])("GET", "/Users")
    sign_in = {"username": world.owner.email, "password": password}
    Client().post("/sign-in/", sign_in)
    Client().get("/sign-in/", {"next": f"/?token={issued}"})
    client.post("/account/security/recovery-codes/", {"password": password})
    client.post("/password/", {"old": password, "new": password, "again": password})
    told = [client.get(address).content for address in addresses.every(world).values()]
    told += [
        b"".join(client.get(address))
        for address in ("/activity/export.csv", "/settings/audit/export/", "/users/export.csv")
    ]
    bearer = {"Authorization": f"Bearer {issued}"}
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SAVEPOINT broken")
        cursor.execute("ALTER TABLE accounts_person RENAME TO gone")
    failed = [
        client.get("/users/", {"q": issued}),
        client.post(
            "/scim/v2/Users", person(password), content_type="application/json", headers=bearer
        ),
    ]
    with connection.cursor() as cursor:
        cursor.execute("ROLLBACK TO SAVEPOINT broken")
    assert [answer.status_code for answer in failed] == [500, 503]
    told += [answer.content for answer in failed]
    exchanges.flush()
    deliver_outbox()
    told += [sent.message().as_bytes() for sent in mail.outbox]
    told.append(capfd.readouterr().err.encode())
    told += [record.getMessage().encode() for record in caplog.records]
    tables = every_text().encode()
    for name, secret in secrets.items():
        assert not any(secret.encode() in text for text in told), f"{name} was told"
        if name != "session":  # Django's own table has its key
            assert secret.encode() not in tables, f"{name} stands in a table"
