"""Two real webs on one database: what a process remembers is never wrong because of another one.

docs/architecture.md, "State that a process holds", lists all that there is.
"""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.conf import settings
from django.db import connection
from django.urls import reverse

from accounts import admins, clock, one_time_codes, second_step, sessions, vault
from accounts.models import Admin, Organization, Person
from scim.models import Exchange
from tests import factories
from tests.api.conftest import service
from tests.config import processes
from tests.factories import connect, grant, holders, manage, organization, set_seats
from tests.licensing.live import OverHttp, at_once, web

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
#: Each web answers by two processes of its own, and who gets a request is left to chance.
ROUNDS = 12
PROCESSES = 4
BURST = 20
API_RATE = 30
PASSWORD = "a long enough password"
SALES = "sales-navigator"
ADA = "ada@acme.example"


@pytest.fixture(scope="module")
def webs(django_db_setup: None) -> Iterator[list[str]]:
    """Their addresses."""
    environment = {
        "SECRET_KEY": settings.SECRET_KEY,  # as in production: the same for all
        "SCIM_RATE": "0.001",
        "SCIM_BURST": str(BURST),
        "API_REQUESTS_PER_MINUTE": str(API_RATE),
    }
    with pytest.MonkeyPatch.context() as patched, processes.data_folder() as folder:
        for name, value in environment.items():
            patched.setenv(name, value)
        for n in "ab":
            (folder / n).mkdir()
        with web(folder / "a") as one, web(folder / "b") as other:
            yield [base.removesuffix("/scim/v2") for base in (one, other)]


@pytest.fixture
def owner() -> Organization:
    return organization()


@pytest.fixture
def lea(owner: Organization) -> Admin:
    return admins.create("lea@acme.example", organization=owner, password=PASSWORD)


def through(idp: factories.Idp, webs: list[str]) -> list[OverHttp]:
    """The same identity provider, by each of the webs; none of its connections lives on, so that
    each request may meet the other process."""
    found = [OverHttp(idp, f"{base}/scim/v2") for base in webs]
    for each in found:
        each.connection.headers["Connection"] = "close"
    return found


def test_a_token_that_was_revoked_is_refused_by_every_process_at_once(
    webs: list[str], owner: Organization
) -> None:
    """R3: what they remember of it is no answer."""
    idp = connect(owner, seats=3)
    one, other = through(idp, webs)
    for _ in range(ROUNDS // 2):
        assert one.get("none").status == other.get("none").status == 404
    manage("revoke_scim_token", idp.application.tokens.get().pk)
    for _ in range(ROUNDS // 2):
        assert one.get("none").status == other.get("none").status == 401


def test_what_was_bought_and_switched_counts_for_every_process_at_once(
    webs: list[str], owner: Organization
) -> None:
    """R1, R15, R18"""
    one, other = through(connect(owner, seats=1), webs)
    idps = (one, other, one, other)
    answers = [each.create(f"{n}@acme.example") for n, each in enumerate(idps)]
    assert [answer.status for answer in answers] == [201, 403, 403, 403]
    set_seats(owner, 3)
    answers = [each.create(f"{n}@b.example") for n, each in enumerate(reversed(idps))]
    assert [answer.status for answer in answers] == [201, 201, 403, 403]
    assert len(holders(owner)) == 3
    manage("set_plan", owner.slug, "core")
    assert {each.get("none").status for each in idps} == {403}


def test_limits_of_scim_are_bounded_by_the_number_of_processes(
    webs: list[str], owner: Organization
) -> None:
    """Decision 0029: each process lets a burst through, and no more."""
    one, other = through(connect(owner), webs)
    statuses = Counter(each.get("none").status for _ in range(PROCESSES * BURST) for each in
                       (one, other))  # fmt: skip
    assert set(statuses) == {404, 429}
    assert BURST <= statuses[404] <= PROCESSES * BURST


def test_limits_of_the_admin_api_are_those_of_all_processes_together(
    webs: list[str], owner: Organization
) -> None:
    secret = service(owner).secret
    with httpx.Client(headers={"Authorization": f"Bearer {secret}"}, trust_env=False) as client:
        for _ in range(2):  # once more if a minute has just ended
            minute = time.time() // 60
            statuses = Counter(
                client.get(f"{base}/api/v1/token").status_code
                for _ in range(API_RATE)
                for base in webs
            )
            if time.time() // 60 == minute:
                break
    assert statuses == {200: API_RATE, 429: API_RATE}


def test_a_write_with_a_key_is_done_once_whichever_web_it_comes_to(
    webs: list[str], owner: Organization
) -> None:
    """R26: one after the other, and at the same moment."""
    secret = service(owner).secret
    headers = {"Authorization": f"Bearer {secret}"}

    def add(base: str, key: str) -> httpx.Response:
        return httpx.post(
            f"{base}/api/v1/people", json={"email": f"{key}@acme.example"}, trust_env=False,
            headers={**headers, "Idempotency-Key": key},
        )  # fmt: skip

    first, second = add(webs[0], "a"), add(webs[1], "a")
    assert (first.status_code, second.status_code, second.json()) == (201, 201, first.json())
    assert second.headers["Idempotency-Replayed"] == "true"
    answers = at_once([lambda base=base: add(base, "b") for base in webs * 2])
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert Person.objects.of(owner).count() == 2


class Browser:
    """One browser, to which both webs are one site."""

    def __init__(self) -> None:
        self.client = httpx.Client(follow_redirects=False, trust_env=False)

    def get(self, base: str, path: str) -> httpx.Response:
        return self.client.get(base + path)

    def post(
        self, base: str, path: str, form: dict[str, Any], *, seen: str = "", **more: Any
    ) -> httpx.Response:
        """seen: the page that has the form, if it came from the other web."""
        page = seen or self.get(base, path).text
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert token, page
        return self.client.post(base + path, data={**form, "csrfmiddlewaretoken": token[1]}, **more)

    def sign_in(self, base: str, admin: Admin) -> httpx.Response:
        return self.post(base, "/sign-in/", {"username": admin.email, "password": PASSWORD})


def test_a_session_begins_at_one_web_and_ends_at_both(
    webs: list[str], owner: Organization, lea: Admin
) -> None:
    """Signed in, the form of the one sent to the other, signed out everywhere at once."""
    grant(owner, ADA)
    one, other = webs
    browser = Browser()
    assert browser.sign_in(one, lea).status_code == 302
    page = browser.get(one, reverse("licensing:pool", args=[SALES]))
    for _ in range(ROUNDS // 2):
        assert browser.get(other, "/").status_code == browser.get(one, "/").status_code == 200
    path = reverse("licensing:new_person")
    form = {"email": "new@acme.example", "first_name": "Nia"}
    made = browser.post(other, path, form, seen=browser.get(one, path).text)
    assert made.status_code == 302, (made.text, page.status_code)
    assert Person.objects.of(owner).filter(email="new@acme.example").count() == 1
    sessions.end_all(lea)
    for _ in range(ROUNDS // 2):
        for base in webs:
            assert browser.get(base, "/").headers["Location"].startswith("/sign-in/")


def test_a_one_time_code_opens_one_web_and_not_the_other(webs: list[str], lea: Admin) -> None:
    """A code is good once, wherever."""
    secret = one_time_codes.make_secret()

    def code(later: int) -> str:
        return one_time_codes.code(secret, int(clock.now().timestamp()) // 30 + later)

    second_step.turn_on(lea, vault.seal(secret), code(-1))
    used = code(0)
    for base, status in zip(webs, (302, 422), strict=True):
        browser = Browser()
        browser.sign_in(base, lea)
        assert browser.post(base, "/second-step/", {"code": used}).status_code == status


def test_a_file_is_uploaded_to_one_web_and_imported_by_the_other(
    webs: list[str], owner: Organization, lea: Admin
) -> None:
    """R10: what was uploaded is in the database, not on a disk of the one."""
    one, other = webs
    browser = Browser()
    browser.sign_in(one, lea)
    file = {"file": ("people.csv", b"E-mail\nnew@acme.example\n", "text/csv")}
    sent = browser.post(one, reverse("licensing:import"), {}, files=file)
    page = browser.get(other, sent.headers["Location"])
    confirmed = re.search(r'name="confirmed" value="([^"]+)"', page.text)
    assert confirmed, page.text
    done = browser.post(
        other, sent.headers["Location"], {"confirmed": confirmed[1]}, seen=page.text
    )
    assert done.status_code == 302
    assert Person.objects.of(owner).filter(email="new@acme.example").exists()


def test_reads_of_every_process_come_into_the_activity_log(
    webs: list[str], owner: Organization
) -> None:
    """R28: each process writes its own a second later."""
    for each in through(connect(owner), webs):
        for n in range(ROUNDS):
            each.find(f'userName eq "{n}@acme.example"')
    assert processes.eventually(lambda: Exchange.objects.count() == 2 * ROUNDS, within=10)


def test_a_web_that_is_killed_while_it_waits_for_a_lock_has_done_nothing(
    webs: list[str], owner: Organization
) -> None:
    """R26: each kind of change, in the middle; then the other web does it."""
    idp = connect(owner, seats=3)
    ada = idp.create(ADA).id
    with processes.data_folder() as folder, web(folder) as base:
        doomed, other = through(idp, [base.removesuffix("/scim/v2"), webs[1]])
        changes = {
            "create": lambda idp: idp.create("grace@acme.example"),
            "deactivate": lambda idp: idp.set_active(ada, False),
            "delete": lambda idp: idp.delete(ada),
        }
        before = factories.dump()
        with _pools_held():
            for change in changes.values():
                threading.Thread(target=_unanswered, args=[change, doomed]).start()
            assert processes.eventually(lambda: _waiting() == len(changes))
            _kill_web(folder)
        # PostgreSQL notices when it has the lock and somebody to tell.
        assert processes.eventually(lambda: _busy() == 0)
        assert factories.dump() == before
    assert [change(other).status for change in changes.values()] == [201, 200, 204]
    assert holders(owner) == ["grace@acme.example"]
    factories.check_books()


def _pools_held() -> Any:
    from tests.conftest import _pools_locked

    return _pools_locked(Organization.objects.get())


def _waiting() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
            "AND datname = current_database()"
        )
        return int(cursor.fetchone()[0])


def _busy() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE state <> 'idle' "
            "AND datname = current_database() AND pid <> pg_backend_pid()"
        )
        return int(cursor.fetchone()[0])


def _unanswered(change: Any, idp: OverHttp) -> None:
    with pytest.raises(httpx.TransportError):
        change(idp)


def _kill_web(folder: Path) -> None:
    for pid, line in processes._processes(folder).items():
        if "gunicorn" in line and "lifeline" not in line:
            os.kill(pid, signal.SIGKILL)
