"""R28: whatever came in can be seen, with secrets removed."""

import datetime as dt
import json

import pytest

from accounts import clock
from licensing.models import LedgerEntry
from scim import exchanges
from scim.models import Exchange
from tests.factories import PATCH_OP, connect, every_text, person

pytestmark = pytest.mark.django_db

ADA = "ada@acme.example"
SECRET = "hunter2-and-more"


@pytest.fixture
def idp(owner):
    return connect(owner, seats=1)


def _last():
    return Exchange.objects.order_by("-id").first()


def test_who_sent_what_when_and_what_was_answered_is_kept(owner, idp):
    """R28: who, what, when, what was answered."""
    with clock.stopped(at=dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)):
        answer = idp.create(ADA)
    kept = _last()
    assert (kept.organization, kept.application) == (owner, idp.application)
    assert kept.token.application == idp.application
    assert (kept.method, kept.path, kept.status) == ("POST", "/Users", 201)
    assert kept.request == person(ADA)
    assert kept.response == answer.json
    assert kept.at == dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


def test_what_it_changed_is_found_by_the_requests_id(owner, idp):
    """R28: what it changed: the ledger's lines have the same id as the exchange and the header."""
    answer = idp.create(ADA)
    kept = _last()
    assert kept.request_id == answer.headers["X-Request-Id"]
    assert LedgerEntry.objects.get(request_id=kept.request_id).email == ADA


def test_a_refused_push_and_an_error_are_kept_with_their_reason(owner, idp):
    """R28: whatever came in; the error tells the request's id, so that it can be looked up."""
    idp.create(ADA)
    refused = idp.create("grace@acme.example")
    kept = _last()
    assert (kept.status, kept.response["detail"]) == (403, refused.detail)
    assert kept.request_id in refused.detail
    assert "Sales Navigator" in kept.detail
    idp("POST", "/Users", b"{no json")
    assert _last().status == 400
    idp.delete("00000000-0000-0000-0000-000000000000")
    assert (_last().method, _last().status) == ("DELETE", 404)


def test_reads_are_kept_too(owner, idp):
    """R28: whatever came in."""
    idp.find('userName eq "x"')
    exchanges.flush()
    assert "userName" in _last().path
    idp.get("00000000-0000-0000-0000-000000000000")
    assert (_last().method, _last().status) == ("GET", 404)


def test_a_failed_sign_in_is_nobodys_and_not_kept_as_somebodys(owner, idp):
    """R28, R3: an unknown token belongs to no application."""
    idp.secret = "seatkeeper_nonsense"
    idp.create(ADA)
    exchanges.flush()
    assert not Exchange.objects.exists()


NESTED = "urn:ietf:params:scim:schemas:core:2.0:User:password"


def _patched(*operations):
    return {"schemas": [PATCH_OP], "Operations": list(operations)}


@pytest.mark.parametrize(
    "body",
    [
        person("x@acme.example", password=SECRET),
        person("x@acme.example", PassWord=SECRET),
        {"userName": "x@acme.example", NESTED: SECRET},
    ],
    ids=["plain", "case", "urn"],
)
def test_a_password_in_a_create_is_stored_nowhere(owner, idp, body):
    """R28: with secrets removed: in no column of no table."""
    assert idp("POST", "/Users", body).status == 201
    assert _last().request["userName"] == "x@acme.example"
    assert SECRET not in every_text()


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "path": "password", "value": SECRET},
        {"op": "Replace", "path": "Password", "value": SECRET},
        {"op": "add", "path": NESTED, "value": SECRET},
        {"op": "replace", "value": {"password": SECRET}},
        {"OP": "replace", "PATH": "password", "VALUE": SECRET},
    ],
    ids=["path", "case", "urn", "value", "capitals"],
)
def test_a_password_in_a_patch_is_stored_nowhere(owner, idp, operation):
    """R28: as Okta sends it when it syncs passwords; the exchange itself is kept."""
    ada = idp.create(ADA)
    idp("PATCH", f"/Users/{ada.id}", _patched(operation))
    assert (_last().method, _last().path) == ("PATCH", f"/Users/{ada.id}")
    assert SECRET not in every_text()


def test_a_password_in_a_bulk_request_is_stored_nowhere(owner, idp):
    """R28: in each of its operations."""
    ada = idp.create(ADA)
    idp.bulk(
        ("POST", "/Users", person("x@acme.example", password=SECRET)),
        (
            "PATCH",
            f"/Users/{ada.id}",
            _patched({"op": "replace", "path": "password", "value": SECRET}),
        ),
    )
    assert SECRET not in every_text()


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"userName": "x", "password": SECRET})[:-1].encode(),
        f'{{"password": "{SECRET}", "userName": "x", "userName": "y"}}'.encode(),
        f"userName=x&password={SECRET}".encode(),
    ],
    ids=["cut off", "twice", "form"],
)
def test_a_password_in_what_is_no_scim_is_stored_nowhere(owner, idp, body):
    """R28: whatever came in, secrets are removed from it."""
    assert idp("POST", "/Users", body).status == 400
    assert _last().status == 400
    assert SECRET not in every_text()


def test_a_password_in_an_address_is_stored_nowhere(owner, idp):
    """R28: filters are part of what came in."""
    idp("GET", "/Users", query={"filter": f'password eq "{SECRET}"'})
    idp("GET", "/Users", query={"password": SECRET})
    exchanges.flush()
    assert Exchange.objects.exists()
    assert SECRET not in every_text()


def test_what_is_too_large_to_keep_is_told_by_its_size(owner, idp):
    """R28: kept within reason."""
    idp.create(
        ADA,
        title="x" * 4000,
        photos=[{"value": f"https://acme.example/{n}/{'x' * 3000}"} for n in range(30)],
    )
    kept = _last()
    assert kept.status == 201
    assert kept.request["kept"] is False
    assert kept.request["bytes"] > exchanges.LARGEST


def test_exchanges_are_kept_for_a_set_time(owner, idp):
    """R28: kept for a set time, in whole months."""
    with clock.stopped(at=clock.now() - exchanges.KEPT - dt.timedelta(days=31)):
        idp.create(ADA)
    idp.create("grace@acme.example")
    exchanges.prune()
    [kept] = Exchange.objects.all()
    assert kept.request["userName"] == "grace@acme.example"


def test_odd_characters_in_a_request_are_kept(owner, idp):
    """R28: nothing that comes in breaks the log."""
    idp("POST", "/Users", json.dumps({"userName": "x\x00y"}))
    assert _last().status == 400
    idp("POST", "/Users", b"\xff\xfe\x00")
    assert _last().status == 400
    idp("POST", "/Users", json.dumps({"userName": "ünïcödé 🎈 \\u0000"}))
    assert _last().status == 201
