"""R3, R28: nobody gets in by trying, and nobody's haste is another one's trouble."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import RequestFactory

from accounts import client_address, secrets
from accounts.pace import Pace
from scim import pace, turned_away
from scim.models import TurnedAway
from tests.factories import Answer, Idp, connect, organization

pytestmark = pytest.mark.django_db


@pytest.fixture
def limits(settings: Any) -> Iterator[Callable[..., None]]:
    """Sets them, for doors that remember nothing yet."""

    def set_to(*, rate: float = 0, burst: float = 1, wrong: float = 0) -> None:
        settings.SCIM_RATE, settings.SCIM_BURST, settings.SCIM_WRONG_TOKENS = rate, burst, wrong
        pace.doors.cache_clear()

    yield set_to
    pace.doors.cache_clear()


def _guess(idp: Idp, **more: str) -> Answer:
    return Idp(idp.application, secrets.make())("GET", "/Users", **more)


def test_a_token_that_comes_too_fast_is_told_when_to_come_again(limits: Any) -> None:
    """R26, R28: 429 with Retry-After and a sentence, nothing is changed, and admins see it."""
    idp = connect(organization(), seats=5)
    limits(rate=0.5, burst=3)
    assert [idp("GET", "/Users").status for _ in range(3)] == [200, 200, 200]
    answer = idp.create("ada@acme.example")
    assert answer.status == 429
    assert answer.headers["Content-Type"] == "application/scim+json"
    assert answer.headers["Retry-After"] in ("2", "3")
    assert answer.json["status"] == "429"
    assert "more than 0.5 requests a second" in answer.detail
    assert "Nothing was changed; repeat the request in" in answer.detail
    limits()
    assert idp.user_names() == []
    turned_away.flush()
    assert TurnedAway.objects.get().why == "too_fast"


def test_one_token_that_comes_too_fast_leaves_the_others_alone(limits: Any) -> None:
    """R2: another application's, and another organization's."""
    busy, other = connect(organization()), connect(organization())
    limits(rate=0.001, burst=1)
    assert [busy("GET", "/Users").status for _ in range(2)] == [200, 429]
    assert other("GET", "/Users").status == 200


def test_who_is_too_fast_costs_the_database_nothing(
    limits: Any, django_assert_num_queries: Any
) -> None:
    """R3: neither does a wrong token from an address that sent many."""
    idp = connect(organization())
    limits(rate=0.001, burst=1, wrong=1)
    idp("GET", "/Users")
    _guess(idp)
    with django_assert_num_queries(0):
        assert idp("GET", "/Users").status == 429
        assert _guess(idp).status == 429


def test_an_address_that_guesses_is_locked_and_other_addresses_are_not(limits: Any) -> None:
    """R3: unknown and malformed tokens alike; 429 tells of none whether it is good."""
    idp = connect(organization())
    limits(wrong=4)
    for token in (secrets.make(), "x", idp.secret[:-1], secrets.make()):
        assert Idp(idp.application, token)("GET", "/Users").status == 401
    refused, good = _guess(idp), idp("GET", "/Users")
    assert (refused.status, good.status) == (429, 429)
    assert _without_id(refused) == _without_id(good)
    elsewhere = idp.client.get(
        "/scim/v2/Users",
        headers={"Authorization": f"Bearer {secrets.make()}"},
        REMOTE_ADDR="192.0.2.9",
    )
    assert elsewhere.status_code == 401


def test_an_address_that_guesses_starves_nobody_who_shares_it(limits: Any) -> None:
    """R2: identity providers push for many customers from one address. A token that was good
    once always passes; a new one has to come twice, as identity providers do after a 429."""
    known, new = connect(organization()), connect(organization())
    limits(wrong=2)
    assert known("GET", "/Users").status == 200
    assert [_guess(known).status for _ in range(3)] == [401, 401, 429]
    assert known("GET", "/Users").status == 200
    first = new("GET", "/Users")
    assert (first.status, first.headers["Retry-After"]) == (429, "2")
    time.sleep(pace.SECOND_LOOK)
    assert [new("GET", "/Users").status for _ in range(3)] == [200, 200, 200]


def test_a_token_that_ended_is_not_let_past_the_lock_any_more(limits: Any) -> None:
    """R3: revoked tokens are wrong ones."""
    idp = connect(organization())
    limits(wrong=1)
    idp("GET", "/Users")
    idp.application.tokens.update(revoked_at=idp.application.created_at)
    assert [idp("GET", "/Users").status for _ in range(2)] == [401, 429]


def test_without_valkey_scim_goes_on(limits: Any, settings: Any) -> None:
    """R9, R26: limits need nobody else; a lost cache never costs a push."""
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
        }
    }
    with pytest.raises(Exception, match="onnect"):
        cache.get("x")
    idp = connect(organization(), seats=1)
    limits(rate=100, burst=100, wrong=30)
    assert idp.create("ada@acme.example").status == 201
    assert _guess(idp).status == 401


@pytest.mark.parametrize(
    ("proxies", "peer", "forwarded", "client"),
    [
        # Nobody is trusted: what a client writes into the header is nothing.
        ([], "192.0.2.1", "198.51.100.7", "192.0.2.1"),
        (["10.0.0.0/8"], "192.0.2.1", "198.51.100.7", "192.0.2.1"),
        # One proxy, then two; the client's own hearsay stands before.
        (["10.0.0.0/8"], "10.0.0.2", "203.0.113.5, 198.51.100.7", "198.51.100.7"),
        (["10.0.0.0/8"], "10.0.0.2", "203.0.113.5, 198.51.100.7, 10.0.0.3", "198.51.100.7"),
        (["10.0.0.0/8"], "10.0.0.2", "", "10.0.0.2"),
        (["10.0.0.0/8"], "10.0.0.2", "nonsense", "10.0.0.2"),
        (["10.0.0.0/8"], "::ffff:10.0.0.2", "2001:db8::1", "2001:db8::1"),
        (["10.0.0.0/8"], "", "198.51.100.7", None),
    ],
)
def test_the_clients_address_cannot_be_made_up(
    settings: Any, proxies: list[str], peer: str, forwarded: str, client: str | None
) -> None:
    """R3, R28: what is locked, and what the audit log shows."""
    settings.TRUSTED_PROXIES = proxies
    request = RequestFactory().get("/", REMOTE_ADDR=peer)
    if forwarded:
        request.META["HTTP_X_FORWARDED_FOR"] = forwarded
    assert client_address.of(request.META) == client


def test_a_client_of_ipv6_is_its_network() -> None:
    """R3: it has 2^64 addresses to guess from."""
    assert client_address.neighbours("2001:db8::1") == client_address.neighbours("2001:db8::2")
    assert client_address.neighbours("2001:db8:0:1::1") != client_address.neighbours("2001:db8::1")


def test_a_bucket_fills_again_at_its_rate_and_the_memory_is_bounded() -> None:
    """R3: so many at once, then as fast as the rate; nobody fills the memory with names."""
    now = [0.0]
    bucket = Pace(10, 5, most=100, clock=lambda: now[0])
    assert [bucket.take("a") for _ in range(5)] == [0.0] * 5
    assert bucket.take("a") == pytest.approx(0.1)
    now[0] += 0.1
    assert (bucket.take("a"), bucket.take("a")) == (0.0, pytest.approx(0.1))
    for name in range(1000):
        bucket.take(name)
        assert len(bucket.full_at) <= 100


def test_what_the_limits_cost_a_request() -> None:
    """R9: far less than 60 millionths of a second, with the lock of some address in force."""
    doors = pace.Doors(1e9, 1e9, 1)
    header, meta = f"Bearer {secrets.make()}", {"REMOTE_ADDR": "192.0.2.1"}
    doors.unknown("x", meta)
    doors.known(header)
    best = min(_seconds(doors, header, meta) for _ in range(5))
    assert best < 60e-6, best


def _seconds(doors: pace.Doors, header: str, meta: dict[str, str]) -> float:
    started = time.perf_counter()
    for _ in range(1000):
        doors.knock(header, meta)
        doors.known(header)
    return (time.perf_counter() - started) / 1000


def _without_id(answer: Answer) -> str:
    return answer.detail.partition(" (request")[0]
