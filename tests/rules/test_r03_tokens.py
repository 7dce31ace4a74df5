"""R3: tokens."""

import datetime as dt
import re

import pytest

from accounts import clock, secrets
from scim import exchanges, tokens
from scim.models import Token
from tests.factories import Idp, connect, every_text, manage, organization

pytestmark = pytest.mark.django_db

NOON = dt.datetime(2026, 3, 1, 12, 0, 0, tzinfo=dt.UTC)


@pytest.fixture
def idp(owner):
    return connect(owner, seats=5)


def _issue(idp, *options):
    return manage("issue_scim_token", idp.application.pk, *options)


def _status(idp, header):
    headers = {} if header is None else {"Authorization": header}
    response = idp.client.get("/scim/v2/Users", headers=headers)
    return response.status_code, response.content, dict(response.headers)


def test_a_token_is_valid_for_730_days_to_the_second(idp):
    """R3: two years, 730 days, to the second."""
    with clock.stopped(at=NOON):
        issued = _issue(idp)
    ends = NOON + dt.timedelta(days=730)
    assert dt.datetime.fromisoformat(issued.json["expires_at"]) == ends
    mine = Idp(idp.application, issued.json["token"])
    with clock.stopped(at=ends - dt.timedelta(seconds=1)):
        assert mine("GET", "/Users").status == 200
    with clock.stopped(at=ends):
        assert mine("GET", "/Users").status == 401


def test_a_token_may_have_a_shorter_life_and_never_a_longer_one(idp):
    """R3: a token can be given a shorter life."""
    with clock.stopped(at=NOON):
        issued = _issue(idp, "--days", "1")
    assert dt.datetime.fromisoformat(issued.json["expires_at"]) == NOON + dt.timedelta(days=1)
    for days in ("0", "-1", "731"):
        refused = _issue(idp, "--days", days)
        assert (refused.exit, refused.json["error"]["code"]) == (1, "days_invalid")
    assert Token.objects.filter(application=idp.application).count() == 2


def test_the_token_itself_is_nowhere_in_the_database_after_it_was_used(idp):
    """R3: shown once, stored only as a hash: no column of no table has it, nor half of it."""
    secret = _issue(idp).json["token"]
    mine = Idp(idp.application, secret)
    mine.create("ada@acme.example")
    mine("GET", "/Users")
    mine("POST", "/Users", {"userName": "x"}, query={"attributes": "userName"})
    exchanges.flush()
    everything = every_text()
    assert secrets.digest(secret) in everything
    assert secret not in everything
    assert secret[-30:] not in everything
    assert secret[len(secrets.PREFIX) + 6 :][:12] not in everything


def test_a_token_has_a_recognisable_prefix_and_a_checksum(idp):
    """R3: secret scanners find it, and a typo is told without a look-up."""
    secret = _issue(idp).json["token"]
    assert re.fullmatch(r"seatkeeper_[0-9A-Za-z]{46}", secret)
    assert secrets.well_formed(secret)
    for place in range(len(secrets.PREFIX), len(secret)):
        typo = "x" if secret[place] != "x" else "y"
        assert not secrets.well_formed(secret[:place] + typo + secret[place + 1 :])
    swapped = secret[:20] + secret[21] + secret[20] + secret[22:]
    assert swapped == secret or not secrets.well_formed(swapped)


def test_a_token_with_a_typo_is_refused_without_asking_the_database(idp, django_assert_num_queries):
    """R3: the checksum catches typos."""
    typo = idp.secret[:-1] + ("0" if idp.secret[-1] != "0" else "1")
    with django_assert_num_queries(0):
        assert _status(idp, f"Bearer {typo}")[0] == 401


def test_every_token_that_is_not_valid_gets_the_very_same_401(idp):
    """R3: expired, revoked, malformed and unknown tokens: 401, WWW-Authenticate, never a hint."""
    revoked, expired = _issue(idp).json, _issue(idp).json
    assert manage("revoke_scim_token", revoked["id"]).exit == 0
    Token.objects.filter(pk=expired["id"]).update(
        issued_at=clock.now() - dt.timedelta(days=3), expires_at=clock.now() - dt.timedelta(days=1)
    )
    ended = _issue(idp).json
    Token.objects.filter(pk=ended["id"]).update(expired_at=clock.now())
    answers = [
        _status(idp, header)
        for header in (
            None,
            "",
            "Bearer",
            "Bearer ",
            "Basic YWRhOnBhc3M=",
            "Bearer x",
            f"Bearer {idp.secret}x",
            f"Token {idp.secret}",
            idp.secret,
            f"Bearer {idp.secret} {idp.secret}",
            f"Bearer {secrets.make()}",
            f"Bearer {revoked['token']}",
            f"Bearer {expired['token']}",
            f"Bearer {ended['token']}",
            "Bearer \x00\xff",
            "Bearer " + "a" * 5000,
        )
    ]
    assert {status for status, _, _ in answers} == {401}
    assert len({body for _, body, _ in answers}) == 1
    headers = [
        {name: value for name, value in each.items() if name != "X-Request-Id"}
        for _, _, each in answers
    ]
    assert all(each == headers[0] for each in headers)
    assert headers[0]["WWW-Authenticate"].startswith("Bearer")
    assert headers[0]["Content-Type"].startswith("application/scim+json")


def test_401_says_the_same_for_what_exists_and_what_does_not(idp):
    """R3: without a valid token no address tells anything."""
    ada = idp.create("ada@acme.example")
    idp.secret = secrets.make()
    bodies = {
        str(idp(method, path).json)
        for method in ("GET", "PUT", "PATCH", "DELETE", "POST")
        for path in (f"/Users/{ada.id}", "/Users", "/Nothing", "/Schemas", "/Bulk")
    }
    assert len(bodies) == 1


@pytest.mark.parametrize("form", ["Bearer {}", "bearer {}", "BEARER {}", "Bearer {} "])
def test_the_scheme_is_read_in_any_case(idp, form):
    """R3: RFC 9110 names schemes without case."""
    assert _status(idp, form.format(idp.secret))[0] == 200


def test_a_revoked_token_ends_at_once_and_the_others_go_on(idp):
    """R3: tokens can be revoked; a second time changes nothing."""
    second = _issue(idp).json
    other = Idp(idp.application, second["token"])
    assert other("GET", "/Users").status == 200
    first = manage("revoke_scim_token", second["id"])
    again = manage("revoke_scim_token", second["id"])
    assert first.json == again.json
    assert set(first.json) == {"id", "revoked_at"}
    assert other("GET", "/Users").status == 401
    assert idp("GET", "/Users").status == 200


def test_rotation_lets_both_tokens_work_for_the_overlap(idp):
    """R3: rotated with an overlap: the old one lives on for so long, then only the new one."""
    with clock.stopped(at=NOON):
        old = tokens.issue(idp.application, name="Okta")
        new = tokens.rotate(old.token, overlap=dt.timedelta(days=7))
        assert Idp(idp.application, old.secret)("GET", "/Users").status == 200
        assert Idp(idp.application, new.secret)("GET", "/Users").status == 200
    assert new.token.name == "Okta"
    assert new.token.expires_at == NOON + dt.timedelta(days=730)
    with clock.stopped(at=NOON + dt.timedelta(days=7)):
        assert Idp(idp.application, old.secret)("GET", "/Users").status == 401
        assert Idp(idp.application, new.secret)("GET", "/Users").status == 200


def test_rotation_never_lengthens_the_old_token_and_needs_a_living_one(idp):
    """R3: the overlap shortens a life, it never gives one."""
    with clock.stopped(at=NOON):
        short = tokens.issue(idp.application, days=2)
        tokens.rotate(short.token, overlap=dt.timedelta(days=30))
        short.token.refresh_from_db()
        assert short.token.expires_at == NOON + dt.timedelta(days=2)
        revoked = tokens.revoke(tokens.issue(idp.application).token)
        with pytest.raises(tokens.Refusal) as refused:
            tokens.rotate(revoked, overlap=dt.timedelta(days=1))
    assert refused.value.code == "token_ended"


def test_a_rotation_without_overlap_ends_the_old_token_at_once(idp):
    """R3: an overlap of nothing is a replacement."""
    old = tokens.issue(idp.application)
    tokens.rotate(old.token, overlap=dt.timedelta(0))
    with clock.stopped(at=clock.now() + dt.timedelta(seconds=2)):
        assert Idp(idp.application, old.secret)("GET", "/Users").status == 401


def test_the_token_alone_selects_the_organization_and_the_application(idp):
    """R3: interface.md: nothing in a request's address or body can lead elsewhere."""
    stranger = connect(organization(), seats=5)
    stranger.create("eve@evil.example")
    assert idp.user_names() == []
    assert stranger.user_names() == ["eve@evil.example"]


def test_last_use_is_noted(idp):
    """R3: an admin sees which token is in use."""
    secret = _issue(idp).json
    assert Token.objects.get(pk=secret["id"]).last_used_at is None
    Idp(idp.application, secret["token"])("GET", "/Users")
    assert Token.objects.get(pk=secret["id"]).last_used_at is not None


@pytest.mark.parametrize("token_id", ["nonsense", "00000000-0000-0000-0000-000000000000"])
def test_a_token_that_is_not_there_cannot_be_revoked(owner, token_id):
    """R3: a refusal with a code, exit 1."""
    ran = manage("revoke_scim_token", token_id)
    assert (ran.exit, ran.json["error"]["code"]) == (1, "token_not_found")
