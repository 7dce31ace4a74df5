"""scim_push: the identity provider in a command, against a stand-in and against Seatkeeper."""

from __future__ import annotations

import dataclasses
import http.server
import io
import itertools
import json
import re
import subprocess
import sys
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts import organizations
from accounts.models import Application, Group, Link
from accounts.profile import ENTERPRISE_USER
from accounts.refusal import Refusal
from licensing import pools, reconcile
from licensing.models import LedgerEntry, Pool, Seat, WaitingEntry
from scim import applications, employees, exchanges, tokens
from scim.employees import Employee
from scim.management.commands import scim_push
from scim.simulator import IDPS, resource, told

ADA = Employee(
    email="ada@example.com",
    first_name="Ada",
    last_name="Lovelace",
    employee_number="7",
    department="Sales",
    title="Countess",
)
STYLES = sorted(IDPS)
ANY = "any"  # a token for servers that take any


def push(base_url: str, *options: str, token: str = ANY) -> tuple[int, Any]:
    """Run the command; its exit code and the one document that it printed."""
    out, code = io.StringIO(), 0
    try:
        call_command(
            "scim_push", "--base-url", base_url, "--token", token, "--json", *options, stdout=out
        )
    except SystemExit as end:
        code = int(end.code or 0)
    return code, json.loads(out.getvalue())


def outcomes(document: Any) -> dict[str, int]:
    """Only those that happened."""
    return {name: n for name, n in document["outcomes"].items() if n}


def csv_file(folder: Path, text: str) -> str:
    path = folder / "people.csv"
    path.write_text(text, encoding="utf-8")
    return str(path)


# ------------------------------------------------------------------ employees


def test_made_up_people_are_the_same_again_and_no_two_alike():
    staff = list(employees.made_up(5000, seed=3))
    assert staff == list(employees.made_up(5000, seed=3))
    assert staff[:100] == list(employees.made_up(100, seed=3))
    assert staff != list(employees.made_up(5000, seed=4))
    assert len({e.email for e in staff}) == len({e.employee_number for e in staff}) == 5000
    assert all(re.fullmatch(r"[a-z]+\.[a-z]+[0-9]*@example\.com", e.email) for e in staff)
    assert any(not e.name.isascii() for e in staff)


def test_a_csv_is_read_whatever_its_headers_are_called(tmp_path):
    path = csv_file(
        tmp_path,
        "\ufeffFirst name;LAST-NAME;E-mail;Employee Number;department;Shoe size;active\r\n"
        'Zoë;"Brûlé; Jr.";zoe@example.com;0042;Sales;38;yes\r\n'
        "\r\n"
        ";;ghost@example.com;;;;No\r\n",
    )
    assert employees.read(Path(path)) == [
        Employee("zoe@example.com", "Zoë", "Brûlé; Jr.", "0042", "Sales", "", True),
        Employee("ghost@example.com", active=False),
    ]


@pytest.mark.parametrize(
    ("text", "told_of"),
    [
        ("first_name,last_name\nAda,Lovelace\n", ["row 1", "email"]),
        ("email,E-mail\na@b.c,a@b.c\n", ["row 1", "email", "twice"]),
        ("email\n", ["no people"]),
        ("email,active\na@b.c,true\nada,true\n", ["row 3", "column email", "ada"]),
        ("email,title\na@b.c,x\n,y\n", ["row 3", "column email", "empty"]),
        ("email,active\na@b.c,perhaps\n", ["row 2", "column active", "perhaps"]),
        ("email\na@b.c\n\nA@B.c\n", ["row 4", "column email", "row 2"]),
        ("email,title\na@b.c,x,y\n", ["row 2", "column 3"]),
        ('email,title\na@b.c,"x\ny"\n', ["row 2", "column title"]),
    ],
)
def test_a_bad_row_is_refused_by_row_and_column_before_anything_is_sent(
    tmp_path, stand_in, text, told_of
):
    code, document = push(stand_in.base_url, "--people", csv_file(tmp_path, text))
    assert code == 1
    assert document["error"]["code"] == "people_invalid"
    assert all(word in document["error"]["detail"] for word in told_of), document
    assert stand_in.requests == []


def test_a_file_that_is_not_utf8_is_refused_by_row(tmp_path):
    path = tmp_path / "people.csv"
    path.write_bytes(b"email,first_name\na@b.c,Zo\n" + b"b@b.c,Zo\xeb\n")
    with pytest.raises(Refusal, match="row 3 is not UTF-8"):
        employees.read(path)


# ------------------------------------------------------------------ styles


@pytest.mark.parametrize("style", STYLES)
def test_who_was_found_as_sent_needs_nothing(style):
    idp = IDPS[style]
    found = resource(idp.facts(ADA)) | {"id": "1"}
    assert told(found).items() >= idp.facts(ADA).items()
    assert idp.correct(ADA, found) is None


@pytest.mark.parametrize("style", STYLES)
def test_somebody_inactive_is_deactivated_and_otherwise_left_alone(style):
    idp = IDPS[style]
    gone = dataclasses.replace(ADA, active=False, title="Former Countess")
    request = idp.correct(gone, resource(idp.facts(ADA)) | {"id": "1"})
    assert request is not None
    assert (request.method, request.path) == ("PATCH", "/Users/1")
    assert request.body is not None
    [operation] = request.body["Operations"]
    assert (
        operation
        == {
            "okta": {"op": "replace", "value": {"active": False}},
            "onelogin": {"op": "replace", "path": "active", "value": False},
            "entra": {"op": "Replace", "path": "active", "value": "False"},
        }[style]
    )
    assert idp.correct(gone, resource(idp.facts(gone)) | {"id": "1"}) is None


def test_okta_creates_with_a_password_and_replaces_the_whole_person():
    okta = IDPS["okta"]
    [look_up] = okta.look_ups(ADA)
    assert look_up.query == (
        ("filter", 'userName eq "ada@example.com"'), ("startIndex", "1"), ("count", "100"),
    )  # fmt: skip
    created = okta.create(ADA).body
    assert created is not None
    assert created["password"]
    assert created["groups"] == []
    assert created["active"] is True
    request = okta.correct(ADA, resource(okta.facts(ADA)) | {"id": "1", "title": "Old"})
    assert request is not None
    assert (request.method, request.path) == ("PUT", "/Users/1")
    assert request.body is not None
    assert "password" not in request.body
    assert request.body["id"] == "1"


def test_onelogin_fills_in_its_template():
    body = IDPS["onelogin"].create(ADA).body
    assert body is not None
    assert body["id"] is None
    assert body["active"] == "true"
    assert ENTERPRISE_USER not in body["schemas"]
    assert body[ENTERPRISE_USER]["department"] == "Sales"


def test_entra_patches_only_what_differs():
    entra = IDPS["entra"]
    found = resource(entra.facts(dataclasses.replace(ADA, department=""))) | {"id": "1"}
    renamed = dataclasses.replace(ADA, first_name="Augusta", title="")
    request = entra.correct(renamed, found)
    assert request is not None
    assert request.body is not None
    assert request.body["Operations"] == [
        {"op": "Replace", "path": "name.givenName", "value": "Augusta"},
        {"op": "Remove", "path": "title"},
        {"op": "Add", "path": f"{ENTERPRISE_USER}:department", "value": "Sales"},
        {"op": "Replace", "path": "displayName", "value": "Augusta Lovelace"},
        {"op": "Replace", "path": "name.formatted", "value": "Augusta Lovelace"},
    ]


def test_a_quote_in_an_address_is_escaped_in_the_filter():
    [look_up] = IDPS["onelogin"].look_ups(Employee(email='o"hara@example.com'))
    assert look_up.query == (("filter", 'userName eq "o\\"hara@example.com"'),)


# ------------------------------------------------------------------ a stand-in server


@dataclasses.dataclass
class StandIn:
    """A SCIM server that knows just enough; `script` answers first, in turn."""

    base_url: str = ""
    people: dict[str, Any] = dataclasses.field(default_factory=dict)
    requests: list[tuple[str, str, Any, dict[str, str]]] = dataclasses.field(default_factory=list)
    script: Callable[[str], tuple[int, dict[str, str]] | None] = lambda method: None

    def answer(self, method: str, url: str, body: Any) -> tuple[int, Any]:
        path, _, query = url.partition("?")
        if method == "GET":
            terms = urllib.parse.parse_qs(query)["filter"][0]
            attribute, value = re.fullmatch(r'(\w+) eq "(.*)"', terms).groups()  # type: ignore[union-attr]
            found = [p for p in self.people.values() if p.get(attribute) == value]
            return 200, {"totalResults": len(found), "Resources": found}
        if method == "POST":
            new = {k: v for k, v in body.items() if k != "password"}
            new |= {"id": str(len(self.people) + 1), "active": str(body["active"]) in "Truetrue"}
            self.people[new["id"]] = new
            return 201, new
        person = self.people[path.rsplit("/", 1)[1]]
        if method == "PUT":
            person |= body | {"id": person["id"]}
        else:
            person["active"] = "rue" in json.dumps(body)
        return 200, person


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    state = StandIn()
    lock = threading.Lock()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # one packet an answer

        def handle_any(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = json.loads(raw) if raw else None
            with lock:
                url = self.path.removeprefix("/scim/v2")
                state.requests.append((self.command, url, body, dict(self.headers)))
                scripted = state.script(self.command)
                if scripted is None:
                    (status, document), headers = state.answer(self.command, url, body), {}
                else:
                    (status, headers), document = scripted, {"detail": "scripted"}
            if status == 0:
                self.close_connection = True
                return
            payload = json.dumps(document).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_POST = do_PUT = do_PATCH = handle_any

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.base_url = f"http://127.0.0.1:{server.server_port}/scim/v2"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield state
    server.shutdown()
    server.server_close()


@pytest.fixture
def quick(monkeypatch):
    """No waiting between tries."""
    monkeypatch.setattr(scim_push, "_FIRST_WAIT", 0.001)


def scripted(*answers: Any) -> Callable[[str], Any]:
    """These answers first, each a status or (status, headers) or None for the usual one."""
    turn = itertools.chain(
        [(a, {}) if isinstance(a, int) else a for a in answers], itertools.repeat(None)
    )
    return lambda method: next(turn)


@pytest.mark.parametrize("style", STYLES)
def test_a_look_up_comes_before_every_create_and_a_second_push_changes_nothing(stand_in, style):
    code, first = push(stand_in.base_url, "--generate", "20", "--style", style)
    assert code == 0
    assert first["style"] == style
    assert first["people"] == 20
    assert outcomes(first) == {"created": 20}
    look_ups = len(IDPS[style].look_ups(ADA)) * 20
    assert first["statuses"] == {"200": look_ups, "201": 20}
    assert first["requests"] == look_ups + 20
    assert first["latency_ms"].keys() == {"p50", "p95", "p99", "max"}
    code, second = push(stand_in.base_url, "--generate", "20", "--style", style)
    assert (code, outcomes(second)) == (0, {"unchanged": 20})
    assert {method for method, *_ in stand_in.requests[first["requests"] :]} == {"GET"}


def test_the_headers_are_those_of_the_identity_provider(stand_in):
    push(stand_in.base_url, "--generate", "1", "--style", "okta")
    *_, headers = stand_in.requests[0]
    assert headers["User-Agent"] == "Okta SCIM Client 1.0.0"
    assert headers["Content-Type"] == "application/scim+json; charset=utf-8"
    assert headers["Authorization"] == "Bearer any"


@pytest.mark.parametrize("style", ["okta", "onelogin"])
def test_changes_and_departures_in_a_csv_are_pushed(stand_in, tmp_path, style):
    header = "email,first_name,last_name,title,active\n"
    people = csv_file(tmp_path, header + "a@b.c,A,B,Old,\nb@b.c,B,C,,\nc@b.c,C,D,,false\n")
    code, first = push(stand_in.base_url, "--people", people, "--style", style)
    assert (code, outcomes(first)) == (0, {"created": 2, "unchanged": 1})
    people = csv_file(tmp_path, header + "a@b.c,A,B,New,\nb@b.c,B,C,,no\nc@b.c,C,D,,false\n")
    code, second = push(stand_in.base_url, "--people", people, "--style", style)
    assert (code, outcomes(second)) == (0, {"updated": 1, "deactivated": 1, "unchanged": 1})


def test_a_server_that_is_busy_is_given_the_time_it_asks_for(stand_in):
    stand_in.script = scripted((429, {"Retry-After": "1"}))
    code, document = push(stand_in.base_url, "--generate", "2", "--concurrency", "2")
    assert (code, outcomes(document)) == (0, {"created": 2})
    assert document["statuses"]["429"] == 1
    assert document["seconds"] >= 1


def test_a_server_error_and_a_broken_connection_are_tried_again(stand_in, quick):
    stand_in.script = scripted(None, 503, 0)
    code, document = push(stand_in.base_url, "--generate", "1", "--concurrency", "1")
    assert (code, outcomes(document)) == (0, {"created": 1})
    assert document["statuses"] == {"200": 2, "201": 1, "503": 1, "no answer": 1}


def test_a_create_whose_answer_was_lost_is_not_repeated(stand_in, quick):
    usual = stand_in.answer

    def lossy(method: str, url: str, body: Any) -> tuple[int, Any]:
        status, document = usual(method, url, body)
        return (0 if method == "POST" else status), document

    stand_in.answer = lossy  # type: ignore[method-assign]
    code, document = push(stand_in.base_url, "--generate", "1")
    assert (code, outcomes(document)) == (0, {"created": 1})
    assert len(stand_in.people) == 1


def test_one_person_whom_the_server_fails_for_does_not_stop_the_others(stand_in, quick):
    left = itertools.count(4, -1)  # as often as a person is tried

    def script(method: str) -> tuple[int, dict[str, str]] | None:
        if method == "POST" and len(stand_in.people) == 1 and next(left) > 0:
            return 500, {}
        return None

    stand_in.script = script
    code, document = push(stand_in.base_url, "--generate", "5", "--concurrency", "1")
    assert (code, outcomes(document)) == (0, {"created": 4, "failed": 1})
    [refusal] = document["refusals"]
    assert refusal["status"] == 500


def test_a_refused_person_is_an_answer_and_told_with_its_reason(stand_in):
    stand_in.script = lambda method: (403, {}) if method == "POST" else None
    code, document = push(stand_in.base_url, "--generate", "9")
    assert (code, outcomes(document)) == (0, {"refused": 9})
    assert len(document["refusals"]) == 5
    assert document["refusals"][0].keys() == {"email", "status", "detail"}
    assert document["refusals"][0]["detail"] == "scripted"


@pytest.mark.parametrize(
    ("status", "error"), [(401, "token_rejected"), (403, "push_refused"), (404, "not_scim")]
)
def test_a_push_that_is_refused_whole_stops(stand_in, status, error):
    stand_in.script = lambda method: (status, {})
    code, document = push(stand_in.base_url, "--generate", "50")
    assert code == 1
    assert document.keys() == {"error"}
    assert document["error"]["code"] == error
    assert document["error"]["detail"]
    assert len(stand_in.requests) <= 4


def test_a_server_that_nobody_runs_is_refused(stand_in, quick):
    code, document = push("http://127.0.0.1:9/scim/v2", "--generate", "5")
    assert code == 1
    assert document["error"]["code"] == "server_unreachable"


def test_a_server_that_fails_all_the_time_is_left_in_peace(stand_in, quick):
    stand_in.script = lambda method: (500, {})
    code, document = push(stand_in.base_url, "--generate", "100", "--concurrency", "2")
    assert (code, document["error"]["code"]) == (1, "server_failing")
    assert len(stand_in.requests) < 60


def test_ctrl_c_keeps_what_came_back(stand_in, monkeypatch):
    waiting = scim_push.wait
    monkeypatch.setattr(scim_push, "wait", interrupted_after(5, waiting, stand_in))
    code, document = push(stand_in.base_url, "--generate", "5000")
    assert code == 130
    assert document["interrupted"] is True
    assert 5 <= document["people"] < 5000
    assert document["people"] == document["outcomes"]["created"]


def interrupted_after(people: int, waiting: Callable[..., Any], stand_in: StandIn) -> Any:
    sent = []

    def wait(workers: Any, timeout: float | None = None) -> Any:
        if timeout is None or sent:
            return waiting(workers, timeout)
        while len(stand_in.people) < people + 4:
            waiting(workers, 0.01)
        sent.append(True)
        raise KeyboardInterrupt

    return wait


def test_wrong_usage_is_told_before_anything_else():
    for options in (
        ["--base-url", "ftp://x", "--token", "t", "--generate", "1"],
        ["--base-url", "http://x", "--token", "t"],
        ["--base-url", "http://x", "--token", "t", "--generate", "0"],
        ["--base-url", "http://x", "--token", "t", "--generate", "1", "--style", "ldap"],
    ):
        with pytest.raises(CommandError):
            call_command("scim_push", *options)


def test_the_command_line_prints_one_document_and_exits_2_on_wrong_usage(stand_in):
    command = [sys.executable, "manage.py", "scim_push", "--token", "t", "--generate", "3"]
    good = subprocess.run(
        [*command, "--base-url", stand_in.base_url, "--json"], capture_output=True, text=True
    )
    assert good.returncode == 0, good.stderr
    assert json.loads(good.stdout)["outcomes"]["created"] == 3
    assert good.stderr == ""
    lines = subprocess.run(
        [*command, "--base-url", stand_in.base_url], capture_output=True, text=True
    )
    assert "3 people pushed as okta" in lines.stdout
    assert subprocess.run(command, capture_output=True).returncode == 2


# ------------------------------------------------------------------ Seatkeeper itself

PRODUCT = "sales-navigator"
SIZES = pytest.mark.parametrize(
    ("people", "seats", "concurrency"),
    [(120, 72, "4"), (120, 72, "16"), pytest.param(1000, 600, "16", marks=pytest.mark.slow)],
)


@dataclasses.dataclass
class Connected:
    """An application with a token, and its pool."""

    base_url: str
    token: str
    application: Application

    @property
    def pool(self) -> Pool:
        return Pool.objects.get(organization=self.application.organization, product=PRODUCT)

    def push(self, *options: str) -> Any:
        code, document = push(self.base_url, *options, token=self.token)
        assert code == 0, document
        return document

    def state(self) -> tuple[int, int, int]:
        """People, seats held, people waiting; and nothing drifts."""
        pool = self.pool
        seats = Seat.objects.filter(pool=pool).count()
        assert seats == pool.held
        assert reconcile.reconcile(self.application.organization, dry_run=True).drift == 0
        people = Link.objects.filter(application=self.application).count()
        return people, seats, WaitingEntry.objects.filter(pool=pool).count()


@pytest.fixture
def connect(transactional_db, live_server) -> Iterator[Callable[..., Connected]]:
    def connect(seats: int, when_full: str = "refuse", slug: str = "acme") -> Connected:
        organization = organizations.create("Acme", slug=slug)
        pools.set_seats(organization, PRODUCT, seats)
        application = applications.create(
            organization, "Directory", product=PRODUCT, when_full=when_full
        )
        token = tokens.issue(application).secret
        return Connected(f"{live_server.url}/scim/v2", token, application)

    yield connect
    exchanges.flush()  # what the log still collects is of this test's people


@SIZES
def test_refuse_creates_as_many_as_there_are_seats_and_tells_the_others_so(
    connect, people, seats, concurrency
):
    """R15, R18: the refused are told, are not created, and wait."""
    acme = connect(seats)
    document = acme.push("--generate", str(people), "--concurrency", concurrency)
    assert outcomes(document) == {"created": seats, "refused": people - seats}
    assert document["statuses"] == {"200": people, "201": seats, "403": people - seats}
    assert all(
        refusal["status"] == 403 and re.search(r"\d+ more Sales Navigator", refusal["detail"])
        for refusal in document["refusals"]
    )
    assert acme.state() == (seats, seats, people - seats)


@SIZES
def test_waitlist_creates_everybody_and_seats_as_many_as_fit(connect, people, seats, concurrency):
    """R15, R18: all are created, the rest waits."""
    acme = connect(seats, "waitlist")
    document = acme.push("--generate", str(people), "--concurrency", concurrency)
    assert outcomes(document) == {"created": people}
    assert acme.state() == (people, seats, people - seats)


def test_the_refused_are_created_by_the_next_push_once_there_are_seats(connect):
    """R18: the same push succeeds once a seat is free."""
    acme = connect(20)
    acme.push("--generate", "30")
    pools.set_seats(acme.application.organization, PRODUCT, 30)
    document = acme.push("--generate", "30")
    assert outcomes(document) == {"created": 10, "unchanged": 20}
    assert acme.state() == (30, 30, 0)


@pytest.mark.parametrize("style", STYLES)
def test_every_style_is_understood_and_a_second_push_changes_nothing(connect, style):
    """R6, R26."""
    acme = connect(40)
    options = ("--generate", "40", "--style", style, "--groups")
    assert outcomes(acme.push(*options)) == {"created": 40}
    lines = LedgerEntry.objects.count()
    versions = list(Link.objects.order_by("id").values_list("id", "version", "document"))
    groups = Group.objects.filter(application=acme.application)
    assert {g.name: g.memberships.count() for g in groups} == departments(40)
    again = acme.push(*options)
    assert outcomes(again) == {"unchanged": 40}
    assert again["groups"]["unchanged"] == len(departments(40))
    assert set(again["statuses"]) == {"200"}
    assert LedgerEntry.objects.count() == lines
    assert versions == list(Link.objects.order_by("id").values_list("id", "version", "document"))
    assert acme.state() == (40, 40, 0)


def departments(people: int) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for employee in employees.made_up(people):
        sizes[employee.department] = sizes.get(employee.department, 0) + 1
    return sizes


@pytest.mark.parametrize("style", STYLES)
def test_a_csv_is_pushed_with_its_changes_and_departures(connect, tmp_path, style):
    """R7, R13: what the file says is what the people's list shows; who left frees the seat."""
    acme = connect(3)
    header = "First Name,Last Name,E-Mail,Employee Number,Department,Title,Active\n"
    rows = [
        "Zoë,Brûlé,zoe@example.com,0042,Sales,Account Executive,yes\n",
        "Łukasz,Wójcik,lukasz@example.com,9,Legal,Counsel,yes\n",
        "Gone,Already,gone@example.com,1,,,no\n",
    ]
    people = csv_file(tmp_path, header + "".join(rows))
    document = acme.push("--people", people, "--style", style)
    assert outcomes(document) == {"created": 2, "unchanged": 1}
    zoe = Link.objects.get(user_name="zoe@example.com").person
    assert (zoe.first_name, zoe.last_name, zoe.employee_number) == ("Zoë", "Brûlé", "0042")
    assert (zoe.department, zoe.title) == ("Sales", "Account Executive")
    rows[0] = "Zoë,Brûlé-Noël,zoe@example.com,0042,Sales,,yes\n"
    rows[1] = rows[1].replace("yes", "no")
    people = csv_file(tmp_path, header + "".join(rows))
    document = acme.push("--people", people, "--style", style)
    assert outcomes(document) == {"updated": 1, "deactivated": 1, "unchanged": 1}
    zoe.refresh_from_db()
    assert (zoe.last_name, zoe.title) == ("Brûlé-Noël", "")
    assert acme.state() == (2, 1, 0)
    rows[1] = rows[1].replace("no\n", "yes\n")
    people = csv_file(tmp_path, header + "".join(rows))
    assert outcomes(acme.push("--people", people, "--style", style)) == {
        "updated": 1, "unchanged": 2,
    }  # fmt: skip
    assert acme.state() == (2, 2, 0)


def test_a_wrong_token_and_a_plan_without_scim_are_refusals(connect):
    """R1, R3."""
    acme = connect(5)
    code, document = push(acme.base_url, "--generate", "5", token="seatkeeper_wrong")
    assert (code, document["error"]["code"]) == (1, "token_rejected")
    organizations.set_plan(acme.application.organization, "core")
    code, document = push(acme.base_url, "--generate", "5", token=acme.token)
    assert (code, document["error"]["code"]) == (1, "push_refused")
    assert "Core" in document["error"]["detail"]
