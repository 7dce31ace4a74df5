"""Whatever is sent, the answer is a SCIM message, and a refusal changes nothing.

2,000 cases here; `python -m benchmarks.fuzz_scim` sends 100,000 to the real server.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from licensing import brake
from licensing.models import Policy
from scim import exchanges
from scim.models import Exchange
from scim.views import MAX_BODY
from tests import factories
from tests.conformance import fuzzing
from tests.conformance.fuzzing import Answer, Case, Fuzzer, InProcess, OverHttp
from tests.conformance.live import Connected, Server

SEED, CASES = 7643, 2_000


def _execute(statement: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


@pytest.mark.django_db(transaction=True)  # as in production, an error spoils one request
def test_two_thousand_spoilt_requests_get_a_scim_answer_and_no_refusal_changes_anything() -> None:
    """RFC 7644 section 3.12, R26: never a 5xx, a page, or something half done."""
    idp = factories.connect(factories.organization(), seats=100_000)
    # It deletes half of everybody, which R27 holds, and notes; that has tests of its own.
    policy = Policy.objects.get(application=idp.application)
    brake.set_limits(policy, on=False, people=0, percent=0)
    fuzzer, send, tables = Fuzzer(SEED, idp.secret), InProcess(), fuzzing.tables(_execute)
    wrong: list[str] = []
    seen: dict[int, int] = {}
    for number in range(CASES):
        case = fuzzer.case()
        watched = number % 10 == 0
        before = fuzzing.fingerprint(_execute, tables) if watched else None
        answer = send(case)
        fuzzer.learn(case, answer)
        found = fuzzing.faults(case, answer)
        refused = answer.status >= 400 or case.method in ("GET", "HEAD")
        if watched and (refused or answer.status == 201):
            same = fuzzing.fingerprint(_execute, tables) == before
            if same != refused:
                found.append("something was changed" if refused else "nothing was created")
        seen[answer.status] = seen.get(answer.status, 0) + 1
        if found:
            wrong.append(f"case {number}: {found}\n{case}\n{answer.status} {answer.body[:500]!r}")
    assert not wrong, f"{len(wrong)} of {CASES}\n" + "\n\n".join(wrong[:8])
    assert seen[200] + seen[201] + seen[204] > CASES / 4, seen
    assert seen[400] > CASES / 4, seen
    factories.check_books()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/Users/a%00b", None),
        ("/Users", b'{"userName": "\\\\u0000"}'),
        ("/Users", b'{"userName": "\\u0000"}'),
        ("/Users", b"\x00"),
    ],
)
@pytest.mark.django_db(transaction=True)
def test_a_hostile_request_is_in_the_activity_log(path: str, body: bytes | None) -> None:
    """R28: whatever came in can be seen."""
    idp = factories.connect(factories.organization(), seats=10)
    method = "GET" if body is None else "POST"
    headers = (
        ("Authorization", f"Bearer {idp.secret}"),
        ("Content-Type", "application/scim+json"),
        ("Content-Length", str(len(body or b""))),
    )
    InProcess()(Case(method, f"/scim/v2{path}", headers, body or b""))
    exchanges.flush()
    assert Exchange.objects.count() == 1


@pytest.mark.django_db
def test_an_address_with_a_line_break_is_a_scim_404() -> None:
    """RFC 7644 section 3.12."""
    idp = factories.connect(factories.organization())
    case = Case("GET", "/scim/v2/Users%0a", (("Authorization", f"Bearer {idp.secret}"),), b"")
    answer = InProcess()(case)
    assert answer.status == 404
    assert fuzzing.faults(case, answer) == []


# ------------------------------------------------------------------ on the wire


@pytest.fixture(scope="module")
def caller(live: Server) -> Connected:
    return live.application()


@pytest.fixture
def wire(live: Server) -> Iterator[OverHttp]:
    opened = OverHttp("127.0.0.1", live.port)
    yield opened
    opened.close()


def _case(caller: Connected, method: str, path: str, body: bytes = b"", **headers: str) -> Case:
    common = {
        "Authorization": f"Bearer {caller.token}",
        "Content-Type": "application/scim+json",
        **({"Content-Length": str(len(body))} if body else {}),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    return Case(method, f"/scim/v2{path}", tuple(common.items()), body)


def _answered(wire: OverHttp, case: Case) -> Answer:
    answer = wire(case)
    assert fuzzing.faults(case, answer) == []
    return answer


def test_a_body_may_come_in_chunks(caller: Connected, wire: OverHttp) -> None:
    """RFC 9112 section 7.1: .NET's HttpClient sends JSON without telling its length."""
    whole = b'{"userName": "chunked@example.com", "title": "Boss"}'
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (whole[:7], whole[7:]))
    case = _case(caller, "POST", "/Users", Transfer_Encoding="chunked")
    answer = _answered(wire, Case(case.method, case.target, case.headers, chunks + b"0\r\n\r\n"))
    assert answer.status == 201
    assert answer.json()["title"] == "Boss"


def test_a_body_that_was_cut_off_is_refused_even_if_it_can_be_read(
    live: Server, caller: Connected
) -> None:
    """RFC 9112 section 8: an incomplete message; R26: never half of a request."""
    whole = b'{"userName": "cut@example.com"}'
    case = _case(caller, "POST", "/Users", Content_Length=str(len(whole) + 10))
    head = f"POST {case.target} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in case.headers)
    with socket.create_connection(("127.0.0.1", live.port), 30) as raw:
        raw.sendall(head.encode() + b"\r\n" + whole)
        raw.shutdown(socket.SHUT_WR)
        answer = raw.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 400")
    assert b"cut off" in answer


@pytest.mark.parametrize("length", [MAX_BODY + 1, 10**25])
def test_a_body_that_is_too_large_is_refused_before_it_is_read(
    length: int, caller: Connected, wire: OverHttp
) -> None:
    """RFC 7644 section 3.7.4 and table 8: 413."""
    answer = _answered(wire, _case(caller, "POST", "/Bulk", Content_Length=str(length)))
    assert answer.status == 413


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/Users", "GET, HEAD, OPTIONS, POST"),
        ("/Users/1", "GET, HEAD, OPTIONS, PUT, PATCH, DELETE"),
        ("/Groups", "GET, HEAD, OPTIONS, POST"),
        ("/Schemas", "GET, HEAD, OPTIONS"),
    ],
)
def test_what_is_possible_at_an_address_is_told(
    path: str, allowed: str, caller: Connected, wire: OverHttp
) -> None:
    """RFC 9110 sections 9.3.7 and 15.5.6."""
    assert wire(_case(caller, "OPTIONS", path)).headers["allow"] == allowed
    refused = _answered(wire, _case(caller, "BREW", path))
    assert (refused.status, refused.headers["allow"]) == (405, allowed)


def test_head_answers_as_get_does_without_the_body(caller: Connected, wire: OverHttp) -> None:
    """RFC 9110 section 9.3.2; section 9.1: every server must support it."""
    got, head = (_answered(wire, _case(caller, m, "/Users?count=0")) for m in ("GET", "HEAD"))
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == got.headers["content-length"] == str(len(got.body))


@pytest.mark.parametrize(
    ("target", "headers", "status"),
    [
        ("/Users?filter=" + "a" * 9_000, {}, 414),
        ("/Users", {"X": "a" * 9_000}, 431),
        ("/Users", {"Content_Length": "-1"}, 400),
    ],
)
def test_what_the_web_server_refuses_is_a_scim_error_too(
    target: str, headers: dict[str, str], status: int, caller: Connected, wire: OverHttp
) -> None:
    """RFC 7644 section 3.12."""
    assert _answered(wire, _case(caller, "GET", target, **headers)).status == status


def test_an_address_may_have_eight_thousand_characters(caller: Connected, wire: OverHttp) -> None:
    """RFC 9110 section 4.1 recommends it, and a filter may be as long (scim/protocol/filter.py)."""
    filter = "%20or%20".join(f"id%20eq%20%22{n:036}%22" for n in range(99))
    answer = _answered(wire, _case(caller, "GET", f"/Users?filter={filter}"))
    assert answer.status == 200


def test_clients_that_say_nothing_more_keep_nobody_waiting(live: Server, caller: Connected) -> None:
    """R9: as many as the web has threads begin a request and stop; the next one is answered."""
    stalled = [socket.create_connection(("127.0.0.1", live.port), 30) for _ in range(12)]
    try:
        for number, client in enumerate(stalled):
            head = b"GET /scim/v2/Users HTTP/1.1\r\nHost: x\r\n"
            body = b"POST /sign-in/ HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\na"
            client.sendall(body if number % 2 else head)
        wire = OverHttp("127.0.0.1", live.port)
        assert wire(_case(caller, "GET", "/Users?count=0")).status == 200
        wire.close()
    finally:
        for client in stalled:
            client.close()
