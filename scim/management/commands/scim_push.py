"""scim_push: an identity provider in a command, to fill a pool and to see what comes back."""

from __future__ import annotations

import argparse
import collections
import dataclasses
import email.utils
import random
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson

from accounts.management.base import JsonCommand
from accounts.management.progress import Progress
from accounts.refusal import Refusal
from scim import employees
from scim.employees import Employee
from scim.simulator import IDPS, Idp, Json, Request

OUTCOMES = ("created", "updated", "unchanged", "deactivated", "refused", "failed")
#: A person is tried so often when the server fails, after waits of 0.5, 1 and 2 s.
_TRIES = 4
_FIRST_WAIT = 0.5
#: So often, and so long, a request waits when it is answered 429.
_MOST_WAITS, _LONGEST_WAIT = 10, 120.0
#: So many failures in a row mean that the server is gone.
_TOO_MANY_IN_A_ROW = 10
_REFUSALS_SHOWN = 5
_INTERRUPTED = 130  # as shells say it: 128 + SIGINT


class Command(JsonCommand):
    help = (
        "Pushes people to a SCIM server as Okta, OneLogin or Microsoft Entra ID would, and "
        "prints what came back. People come from a CSV file (columns first_name, last_name, "
        "email, employee_number, department, title, active) or are made up. Being refused "
        "for lack of licenses is an answer: the exit code is 0 when the push ran to its end. "
        "Example: scim_push --base-url http://127.0.0.1:8000/scim/v2 --token TOKEN --generate 100"
    )
    requires_system_checks = []
    interrupted = False

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--base-url", required=True, type=_base_url, help="http://127.0.0.1:8000/scim/v2"
        )
        parser.add_argument("--token", required=True, help="the application's bearer token")
        people = parser.add_mutually_exclusive_group(required=True)
        people.add_argument("--people", type=Path, metavar="FILE.csv", help="who is pushed")
        people.add_argument(
            "--generate",
            type=_number(1, employees.MOST_EMPLOYEES),
            metavar="N",
            help="push N made-up people, all active",
        )
        parser.add_argument("--style", choices=sorted(IDPS), default="okta", help="default: okta")
        parser.add_argument(
            "--concurrency", type=_number(1, 64), default=4, help="requests in flight (default 4)"
        )
        parser.add_argument("--seed", type=int, default=1, help="other made-up people")
        parser.add_argument(
            "--groups", action="store_true", help="push a group for each department as well"
        )

    def perform(self, **options: Any) -> dict[str, Any]:
        staff = (
            employees.read(options["people"])
            if options["people"]
            else list(employees.made_up(options["generate"], seed=options["seed"]))
        )
        push = Push(
            IDPS[options["style"]],
            base_url=options["base_url"],
            token=options["token"],
            concurrency=options["concurrency"],
        )
        with Progress(len(staff), "people", more=push.troubles) as show:
            push.run(staff, groups=options["groups"], show=lambda: show(push.done))
        self.interrupted = push.interrupted
        return push.report()

    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **options)
        if self.interrupted:
            sys.exit(_INTERRUPTED)

    def lines(self, result: dict[str, Any]) -> Iterator[str]:
        outcomes, latency = result["outcomes"], result["latency_ms"]
        yield (
            f"{result['people']} people pushed as {result['style']} in {result['seconds']} s"
            + (", then interrupted" if result.get("interrupted") else "")
        )
        yield "  " + ", ".join(f"{outcomes[outcome]} {outcome}" for outcome in OUTCOMES)
        if "groups" in result:
            told = ", ".join(f"{n} {outcome}" for outcome, n in result["groups"].items() if n)
            yield f"  groups: {told or 'none'}"
        statuses = ", ".join(f"{n} × {status}" for status, n in result["statuses"].items())
        yield f"{result['requests']} requests: {statuses}"
        if latency["max"] is not None:
            yield (
                f"answered in {latency['p50']} ms (half), {latency['p95']} ms (95%), "
                f"{latency['p99']} ms (99%), {latency['max']} ms (slowest)"
            )
        for refusal in result["refusals"]:
            yield f"{refusal['status']} {refusal['email']}: {refusal['detail']}"


class Push:
    """One push: workers with a connection each take people in their order.

    A person who meets a server error or a broken connection is tried again from the
    look-up on, as identity providers do, so that nobody is created twice.
    """

    def __init__(self, idp: Idp, *, base_url: str, token: str, concurrency: int) -> None:
        self.idp = idp
        self.base_url = base_url
        self.concurrency = concurrency
        self.interrupted = False
        self.outcomes = dict.fromkeys(OUTCOMES, 0)
        self.group_outcomes: dict[str, int] | None = None
        self._tls = httpx.create_ssl_context()  # slow to make: one for all workers
        self._headers = {**idp.headers, "Authorization": f"Bearer {token}"}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._pause_until = 0.0
        self._failures_in_a_row = 0
        self._statuses: collections.Counter[str] = collections.Counter()
        self._latencies: list[float] = []
        self._refusals: list[Json] = []
        self._ids: dict[str, str] = {}
        self._seconds = 0.0

    @property
    def done(self) -> int:
        return sum(self.outcomes.values())

    def troubles(self) -> str:
        return f"  {self.outcomes['refused']} refused  {self.outcomes['failed']} failed"

    def run(
        self, staff: Sequence[Employee], *, groups: bool, show: Callable[[], None] = lambda: None
    ) -> None:
        """Push everybody; show is called some times a second.

        Ctrl-C lets requests in flight come back and keeps what there is. Refused: the
        token ("token_rejected"), the whole push ("push_refused"), or nobody answers.
        """
        started = time.monotonic()
        try:
            self._share(staff, self._push_person, show)
            if groups and not self.interrupted:
                self.group_outcomes = dict.fromkeys(OUTCOMES, 0)
                departments = sorted({e.department for e in staff if e.department})
                self._share([(name, staff) for name in departments], self._push_group, show)
        finally:
            self._seconds = time.monotonic() - started

    def report(self) -> dict[str, Any]:
        latencies = sorted(self._latencies)

        def percentile(share: float) -> float | None:
            if not latencies:
                return None
            return round(latencies[min(len(latencies) - 1, int(len(latencies) * share))] * 1000, 1)

        return {
            "style": self.idp.name,
            "people": self.done,
            "requests": self._statuses.total(),
            "statuses": dict(sorted(self._statuses.items())),
            "outcomes": self.outcomes,
            "latency_ms": {
                "p50": percentile(0.50),
                "p95": percentile(0.95),
                "p99": percentile(0.99),
                "max": percentile(1),
            },
            "seconds": round(self._seconds, 2),
            "refusals": self._refusals,
            **({"groups": self.group_outcomes} if self.group_outcomes is not None else {}),
            **({"interrupted": True} if self.interrupted else {}),
        }

    # -------------------------------------------------------------- workers

    def _share(
        self,
        items: Iterable[Any],
        deed: Callable[[httpx.Client, Any], None],
        show: Callable[[], None],
    ) -> None:
        source = iter(items)

        def work() -> None:
            # A proxy must not see what stays on this machine.
            away = urlsplit(self.base_url).hostname not in ("127.0.0.1", "localhost", "::1")
            with httpx.Client(
                base_url=self.base_url,
                headers=self._headers,
                timeout=httpx.Timeout(60, connect=10),
                verify=self._tls,
                trust_env=away,
            ) as client:
                while not self._stop.is_set():
                    with self._lock:
                        item = next(source, None)
                    if item is None:
                        return
                    try:
                        deed(client, item)
                    except _Stopped:
                        return
                    except BaseException:
                        self._stop.set()
                        raise

        with ThreadPoolExecutor(self.concurrency) as pool:
            workers = {pool.submit(work) for _ in range(self.concurrency)}
            unfinished = workers
            try:
                while unfinished:
                    _, unfinished = wait(unfinished, timeout=0.2)
                    show()
            except KeyboardInterrupt:
                self.interrupted = True
                self._stop.set()
                wait(workers)
            for worker in workers:
                worker.result()

    def _push_person(self, client: httpx.Client, employee: Employee) -> None:
        posted = False

        def once() -> str:
            nonlocal posted
            found = self._find(client, self.idp.look_ups(employee))
            if found is None:
                if not employee.active:
                    return "unchanged"
                posted = True
                answer = self._send(client, self.idp.create(employee))
                if self._refused(answer, employee.email):
                    return "refused"
                self._ids[employee.email] = _document(answer)["id"]
                return "created"
            self._ids[employee.email] = found["id"]
            request = self.idp.correct(employee, found)
            if request is None:
                return "created" if posted else "unchanged"
            if self._refused(self._send(client, request), employee.email):
                return "refused"
            return "updated" if employee.active else "deactivated"

        outcome = self._persist(once, employee.email)
        with self._lock:
            self.outcomes[outcome] += 1

    def _push_group(self, client: httpx.Client, item: tuple[str, Sequence[Employee]]) -> None:
        """A group of a department: who is in it, no longer those who were pushed and are not."""
        name, staff = item
        ids = {e.email: self._ids[e.email] for e in staff if e.email in self._ids}
        wanted = {
            ids[e.email]: e.email
            for e in staff
            if e.department == name and e.active and e.email in ids
        }

        def once() -> str:
            found = self._find(client, [self.idp.look_up_group(name)])
            outcome, members = "unchanged", set()
            if found is None:
                answer = self._send(client, self.idp.create_group(name))
                if self._refused(answer, name):
                    return "refused"
                outcome, found = "created", _document(answer)
            else:
                answer = self._send(client, self.idp.read_group(found["id"]))
                if self._refused(answer, name):
                    return "refused"
                members = {m["value"] for m in _document(answer).get("members") or ()}
            changes = self.idp.change_members(
                found["id"],
                add=[(i, address) for i, address in wanted.items() if i not in members],
                remove=sorted((members & set(ids.values())) - set(wanted)),
            )
            for request in changes:
                outcome = "updated" if outcome == "unchanged" else outcome
                # A full pool is told at each change; the members are kept all the same (R19).
                if self._refused(self._send(client, request), name):
                    outcome = "refused"
            return outcome

        outcome = self._persist(once, name)
        with self._lock:
            assert self.group_outcomes is not None  # noqa: S101 - set before groups start
            self.group_outcomes[outcome] += 1

    # -------------------------------------------------------------- answers

    def _persist(self, once: Callable[[], str], about: str) -> str:
        """What became of it; the server's failures are met with patience, within bounds."""
        for attempt in range(_TRIES):
            try:
                outcome = once()
            except _Failed as failure:
                last = failure
                if attempt + 1 < _TRIES:
                    jitter = random.uniform(0.8, 1.2)  # noqa: S311
                    self._sleep(_FIRST_WAIT * 2**attempt * jitter)
            else:
                self._failures_in_a_row = 0
                return outcome
        with self._lock:
            self._failures_in_a_row += 1
            if not self._latencies:
                raise Refusal(
                    "server_unreachable",
                    f"{self.base_url} does not answer: {last.detail}. Is the server running?",
                )
            if self._failures_in_a_row >= _TOO_MANY_IN_A_ROW:
                raise Refusal(
                    "server_failing",
                    f"The push was stopped after {self.done} people: the last "
                    f"{self._failures_in_a_row} all failed, lastly with {last.detail}.",
                )
        self._remember(about, last.status, last.detail)
        return "failed"

    def _find(self, client: httpx.Client, look_ups: Sequence[Request]) -> Json | None:
        for look_up in look_ups:
            answer = self._send(client, look_up)
            if answer.status_code == httpx.codes.FORBIDDEN:
                raise Refusal("push_refused", _detail(answer))
            if answer.status_code != httpx.codes.OK:
                raise _not_scim(self.base_url, f"a look-up was answered {answer.status_code}")
            resources: list[Json] = _document(answer).get("Resources") or []
            if resources:
                return resources[0]
        return None

    def _send(self, client: httpx.Client, request: Request) -> httpx.Response:
        """The answer. 429 is waited out as long as the server says, by all workers."""
        content = orjson.dumps(request.body) if request.body is not None else None
        for _ in range(_MOST_WAITS):
            self._sleep(self._pause_until - time.monotonic())
            started = time.monotonic()
            try:
                answer = client.request(
                    request.method, request.path, params=request.query or None, content=content
                )
            except httpx.TransportError as error:
                with self._lock:
                    self._statuses["no answer"] += 1
                raise _Failed(None, str(error) or type(error).__name__) from error
            with self._lock:
                self._latencies.append(time.monotonic() - started)
                self._statuses[str(answer.status_code)] += 1
            if answer.status_code == httpx.codes.UNAUTHORIZED:
                raise Refusal(
                    "token_rejected",
                    f"{self.base_url} rejected the token after {self.done} people: "
                    f"it is unknown, expired or revoked.",
                )
            if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
                self._pause_until = time.monotonic() + _retry_after(answer)
                continue
            if answer.is_server_error:
                raise _Failed(answer.status_code, _detail(answer))
            return answer
        raise _Failed(httpx.codes.TOO_MANY_REQUESTS, "too many requests, however long we waited")

    def _refused(self, answer: httpx.Response, about: str) -> bool:
        if answer.is_success:
            return False
        self._remember(about, answer.status_code, _detail(answer))
        return True

    def _remember(self, about: str, status: int | None, detail: str) -> None:
        with self._lock:
            if len(self._refusals) < _REFUSALS_SHOWN:
                self._refusals.append({"email": about, "status": status, "detail": detail})

    def _sleep(self, seconds: float) -> None:
        if self._stop.wait(max(0.0, seconds)) if seconds > 0 else self._stop.is_set():
            raise _Stopped


@dataclasses.dataclass
class _Failed(Exception):
    """The server could not do it now; status None is no answer at all."""

    status: int | None
    detail: str


class _Stopped(Exception):
    """Somebody pressed Ctrl-C, or another worker met a refusal of the whole push."""


def _document(answer: httpx.Response) -> Json:
    try:
        document = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict):
        raise _not_scim(str(answer.url), "the answer is not a JSON object")
    return document


def _detail(answer: httpx.Response) -> str:
    """What a SCIM error says, or the beginning of whatever came."""
    try:
        return str(orjson.loads(answer.content)["detail"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return answer.text.strip()[:200] or answer.reason_phrase


def _retry_after(answer: httpx.Response) -> float:
    """Seconds, from seconds or a date (RFC 9110, section 10.2.3); 1 when there is neither."""
    value = answer.headers.get("Retry-After", "")
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(value).timestamp() - time.time()
        except ValueError:
            seconds = 1.0
    return min(max(seconds, 0.0), _LONGEST_WAIT)


def _not_scim(url: str, why: str) -> Refusal:
    return Refusal("not_scim", f"{url} does not behave like a SCIM server: {why}.")


# ------------------------------------------------------------------ arguments


def _base_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise argparse.ArgumentTypeError(f"“{text}” is not an http or https address")
    return text.rstrip("/")


def _number(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"“{text}” is not a number from {least} to {most}")
        return int(text)

    return parse
