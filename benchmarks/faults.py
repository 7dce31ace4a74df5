"""Whether anything is lost, done twice or answered unclearly when a part fails during a push.

    python -m benchmarks.faults [--people 400] [--away 60] [--fault NAME …]

starts PostgreSQL, Valkey, a mail server, web, worker and schedule as in production, and for each
fault a database of its own. While scim_push creates people, and two more clients create and look
up the same people and read each answer closely, one part fails for so many seconds. The push is
repeated until nobody is left over, as identity providers do. Then there must be each person, seat,
ledger line and invitation exactly once, each e-mail once (twice only where the database went away
between handing it over and noting so), a whole ledger, and nothing for reconciliation to find.
Meanwhile no answer may be a 500, or a 5xx that is not a SCIM error with the request's id; a 503
says when to come again. Where the database is there, every answer must be as always.

The disk is full in truth: PostgreSQL lives on a small disk of its own, in memory, which only root
can make; elsewhere that fault is left out, and the result says so. Deadlocks are real ones, with a
second connection; serialization failures, which READ COMMITTED does not have, are raised by a
trigger. Wrong clocks are tried by tests/rules/test_r26_clocks.py: libfaketime, which would tell a
whole process another time, breaks Python's sleep.

Writes results/DATE-faults.json and ends with 1 if anything was wrong.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import dataclasses
import datetime as dt
import http.client
import json
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import celery
import httpx
import psycopg

from benchmarks import kills, parts, running
from benchmarks.servers import ROOT, Machinery, machine
from scim import employees
from scim.simulator import IDPS
from tests.config import processes

#: Of the disk that gets full: what PostgreSQL needs, and some more.
DISK = 400 * 2**20
#: After a fault everything is as it should be within so long (s).
READY_WITHIN = 120


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.faults",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--people", type=int, default=400)
    parser.add_argument("--away", type=float, default=60, help="seconds without the part")
    parser.add_argument("--fault", action="append", choices=FAULTS, help="only this; repeatable")
    parser.add_argument("--hurry", action="store_true", help="do not wait until mail is due")
    options = parser.parse_args()
    if not (50 <= options.people <= 10_000 and 1 <= options.away <= 600):
        parser.error("people are from 50 to 10,000, seconds from 1 to 600")
    result = run(
        [[name] for name in options.fault or FAULTS],
        people=options.people,
        away=options.away,
        hurry=options.hurry,
    )
    print(json.dumps(result, indent=1))
    if not options.fault:
        path = running.write("faults", result).relative_to(ROOT)
        print(f"\nWritten to {path}", file=sys.stderr)
    return 1 if any(scene["faults"] for scene in result["scenes"]) else 0


def run(
    scenes: Sequence[Sequence[str]], *, people: int, away: float, hurry: bool = False
) -> dict[str, Any]:
    """Each scene is a push with these faults, one after the other. faults: what was wrong, in
    sentences; empty is what is wanted."""
    done, left_out, about = [], [], None
    for names in scenes:
        full = any(FAULTS[name].is_of_disk for name in names)
        if full and not parts.can_mount():
            left_out.append({"faults": list(names), "because": "no disk can be mounted here"})
            continue
        running.say(f"{', '.join(names)}:")
        with (
            parts.parts(database_bytes=DISK if full else None) as made,
            contextlib.ExitStack() as stack,
        ):
            scene = Scene(made, people, stack)
            about = about or machine(scene.stage.database_url)
            done.append(scene.play(names, away, hurry=hurry))
        running.say(f"  {'; '.join(done[-1]['faults']) or 'as it should be'}")
    return {
        "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "machine": about,
        "people": people,
        "away_seconds": away,
        "hurried": hurry,
        "left_out": left_out,
        "scenes": done,
    }


class Scene:
    """The product on parts that can be taken away."""

    def __init__(self, made: parts.Parts, people: int, stack: contextlib.ExitStack) -> None:
        self.parts = made
        self.mail = parts.MailServer(made.folder / "mail", processes.free_port())
        self.mail.start()
        stack.callback(self.mail.stop)
        self.stage = kills.Stage(
            Machinery(made.folder, made.addresses, stack), people, stack,
            EMAIL_URL=f"smtp://127.0.0.1:{self.mail.port}",
        )  # fmt: skip

    def play(self, names: Sequence[str], away: float, *, hurry: bool) -> dict[str, Any]:
        started = time.monotonic()
        stage, harm = self.stage, Harming(self, names, away)
        with asking_for_mail(stage, until=None if hurry else harm) as stop_asking:
            with harm, Asker(stage) as asker:
                pushes = kills.push_until_all_are_there(stage, harm)
            ready = self.is_ready_after()
            mail = kills.wait_for_mail(stage, hurry=hurry)
            stop_asking()
        allowed = sum(
            FAULTS[name].repeats * harm.told.get(name, {}).get("times_ended", 1) for name in names
        )
        faults = kills.check(stage, pushes, mail, twice=allowed, copies=1 + allowed)
        if not json.loads(stage.manage("verify_ledger", "--json"))["whole"]:
            faults.append("the ledger is not whole")
        if ready is None:
            faults.append(f"not ready {READY_WITHIN} s after the fault")
        faults += asker.wrong
        statuses = collections.Counter(asker.statuses)
        for push in pushes:
            statuses.update(push.get("statuses", {}))
        usual = all(not FAULTS[name].is_of_database for name in names)
        odd = [s for s in statuses if s == "no answer" or s in ("500", "502", "504")]
        odd += [s for s in statuses if usual and s.startswith("5") and s not in odd]
        faults += [f"{statuses[status]} requests: {status}" for status in odd]
        faults += harm.wrong
        if faults:
            running.say(stage.log("web"))
        return {
            "what": list(names),
            "told": harm.told,
            "pushes": len(pushes),
            "statuses": dict(sorted(statuses.items())),
            "errors": dict(asker.errors),
            "mail": mail,
            "ready_after_seconds": ready,
            "faults": faults,
            "seconds": round(time.monotonic() - started),
        }

    def is_ready_after(self) -> float | None:
        """Seconds until web, worker and schedule say that all is well; None if they do not."""
        started = time.monotonic()

        def ready() -> bool:
            with contextlib.suppress(OSError, http.client.HTTPException):
                connection = http.client.HTTPConnection("127.0.0.1", self.stage.port, timeout=5)
                with contextlib.closing(connection):
                    connection.request("GET", "/health/ready")
                    return connection.getresponse().status == 200
            return False

        if not processes.eventually(ready, within=READY_WITHIN):
            return None
        return round(time.monotonic() - started, 1)


class Harming:
    """A thread that does one fault after the other, each when so many more people are there."""

    def __init__(self, scene: Scene, names: Sequence[str], away: float) -> None:
        self._scene, self._away, self._left = scene, away, list(names)
        self.told: dict[str, Any] = {}
        self.wrong: list[str] = []
        self._thread = threading.Thread(target=self._run, name="harming", args=[list(names)])

    @property
    def is_done(self) -> bool:
        return not self._left

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._thread.join()

    def _run(self, names: Sequence[str]) -> None:
        people = self._scene.stage.people
        for number, name in enumerate(names, 1):
            point = 1 if FAULTS[name].is_early else people * number // (len(names) + 2)
            before = wait_for_people(self._scene.stage, point)
            started = time.monotonic()
            try:
                told = FAULTS[name].do(self._scene, self._away)
                self.told[name] = {
                    "people_before": before,
                    "people_after": count(self._scene.stage, "accounts_link"),
                    "seconds": round(time.monotonic() - started, 1),
                    **told,
                }
                if not told.get("deadlocks", 1) or not told.get("failures", 1):
                    self.wrong.append(f"{name}: nothing was provoked")
            except Exception as error:
                self.wrong.append(f"{name} could not be done: {error!r}")
            self._left.pop(0)


class Asker:
    """Two clients that create and look up those who are pushed, and read each answer closely."""

    def __init__(self, stage: kills.Stage) -> None:
        self._stage = stage
        self._staff = list(employees.made_up(stage.people, seed=1))
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=[seed]) for seed in range(2)]
        self.statuses: collections.Counter[str] = collections.Counter()
        self.errors: collections.Counter[str] = collections.Counter()
        self.wrong: list[str] = []

    def __enter__(self) -> Asker:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, seed: int) -> None:
        which, idp = random.Random(seed), IDPS["okta"]
        headers = {**idp.headers, "Authorization": f"Bearer {self._stage.token}"}
        address = f"http://127.0.0.1:{self._stage.port}/scim/v2"
        with httpx.Client(base_url=address, headers=headers, timeout=60, trust_env=False) as client:
            while not self._stopping.wait(0.05):
                employee = which.choice(self._staff)
                for asked in (*idp.look_ups(employee), idp.create(employee)):
                    try:
                        answer = client.request(
                            asked.method, asked.path, params=asked.query or None, json=asked.body
                        )
                    except httpx.TransportError as error:
                        self._tell(f"no answer to {asked.method}: {error!r}")
                        self.statuses["no answer"] += 1
                        continue
                    self.statuses[str(answer.status_code)] += 1
                    if answer.is_server_error:
                        self._read(answer)

    def _read(self, answer: httpx.Response) -> None:
        about = f"{answer.status_code} {answer.text[:300]}"
        if answer.headers.get("Content-Type") != "application/scim+json":
            return self._tell(f"no SCIM error: {about}")
        document = answer.json()
        request_id = answer.headers.get("X-Request-Id", "")
        detail = document.get("detail", "")
        self.errors[f"{answer.status_code} {detail.partition(' (request')[0]}"] += 1
        if document.get("schemas") != ["urn:ietf:params:scim:api:messages:2.0:Error"]:
            self._tell(f"no SCIM error: {about}")
        if not request_id or request_id not in detail:
            self._tell(f"without the request's id: {about}")
        if answer.status_code == 503 and not answer.headers.get("Retry-After", "").isdecimal():
            self._tell(f"without Retry-After: {about}")
        return None

    def _tell(self, what: str) -> None:
        if len(self.wrong) < 10:
            self.wrong.append(what)


@contextlib.contextmanager
def asking_for_mail(stage: kills.Stage, *, until: Harming | None) -> Iterator[Callable[[], None]]:
    """Oftener than the schedule would, so that parts fail while e-mail is sent. until: after
    that the schedule is alone again. Gives what ends it."""
    stopping = threading.Event()
    queue = celery.Celery(broker=stage.environment["REDIS_URL"], set_as_current=False)
    queue.conf.broker_transport_options = {"socket_connect_timeout": 1, "max_retries": 0}

    def ask() -> None:
        while not stopping.wait(0.5) and not (until and until.is_done):
            with contextlib.suppress(Exception):  # the queue is away
                queue.send_task("accounts.tasks.deliver_outbox", retry=False, expires=15)

    thread = threading.Thread(target=ask, name="asking for mail")
    thread.start()
    try:
        yield stopping.set
    finally:
        stopping.set()
        thread.join()
        queue.close()


def count(stage: kills.Stage, rows: str) -> int:
    return int(stage.execute(f"SELECT count(*) FROM {rows}")[0][0])


def wait_for_people(stage: kills.Stage, number: int, *, within: float = 300) -> int:
    deadline, there = time.monotonic() + within, 0
    while time.monotonic() < deadline:
        with contextlib.suppress(psycopg.Error):
            there = count(stage, "accounts_link")
            if there >= number:
                break
        time.sleep(0.05)
    return there


# ── The faults ───────────────────────────────────────────────────────────────────


def restart_postgres(how: signal.Signals) -> Callable[[Scene, float], dict[str, Any]]:
    def do(scene: Scene, _: float) -> dict[str, Any]:
        scene.parts.end("PostgreSQL", how)
        time.sleep(1)
        scene.parts.start("PostgreSQL")
        return {}

    return do


def take_valkey(scene: Scene, away: float) -> dict[str, Any]:
    scene.parts.stop("Valkey")
    time.sleep(away)
    waiting = count(scene.stage, "accounts_outbox WHERE done_at IS NULL")
    scene.parts.start("Valkey")
    return {"mail_waiting": waiting}


def take_mail_server(scene: Scene, away: float) -> dict[str, Any]:
    scene.mail.stop()
    time.sleep(away)
    failed = count(scene.stage, "accounts_outbox WHERE error <> ''")
    scene.mail.start()
    return {"mail_failed": failed}


def take_connections(scene: Scene, away: float) -> dict[str, Any]:
    """Somebody else holds all connections that there are, and the product's own are ended."""
    address = scene.stage.database_url
    with contextlib.ExitStack() as stack:
        ours = stack.enter_context(psycopg.connect(address, autocommit=True))
        held, times = [ours.info.backend_pid], 0
        deadline = time.monotonic() + min(away, 20)
        while time.monotonic() < deadline:
            ended = ours.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
                "usename = current_user AND pid <> ALL(%s)",
                [held],
            )
            times += ended.rowcount > 0
            with contextlib.suppress(psycopg.OperationalError):  # there are no more
                while True:
                    more = stack.enter_context(psycopg.connect(address, autocommit=True))
                    held.append(more.info.backend_pid)
            time.sleep(0.2)
    return {"connections_held": len(held), "times_ended": times}


def fill_disk(scene: Scene, away: float) -> dict[str, Any]:
    filler = scene.parts.disk / "filler"
    deadline = time.monotonic() + min(away, 20)
    with filler.open("wb", buffering=0) as file:
        while time.monotonic() < deadline:  # what PostgreSQL frees is taken too
            for part in (bytes(2**20), bytes(2**12)):
                with contextlib.suppress(OSError):
                    while file.write(part):
                        pass
            time.sleep(0.1)
    ended = scene.parts.has_ended("PostgreSQL")
    filler.unlink()
    scene.parts.start("PostgreSQL")
    return {"postgresql_ended": ended}


def make_deadlocks(scene: Scene, _: float) -> dict[str, Any]:
    """A second connection holds the pool and wants the links, which a push has before it wants the
    pool. It is patient, so that the push is the one that PostgreSQL refuses."""
    asked = "SELECT 1 FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))"
    before = _deadlocks(scene)
    with scene.parts.as_superuser("kills") as rival:
        for _ in range(3):  # a request that each of them meets is still done at its fourth try
            with rival.transaction():
                rival.execute("SET LOCAL deadlock_timeout = '60s'")
                rival.execute("SELECT 1 FROM licensing_pool FOR UPDATE")
                if processes.eventually(lambda: rival.execute(asked).fetchone(), within=2):
                    rival.execute("LOCK TABLE accounts_link IN SHARE ROW EXCLUSIVE MODE")
    processes.eventually(lambda: _deadlocks(scene) > before, within=5)
    return {"deadlocks": _deadlocks(scene) - before}


def _deadlocks(scene: Scene) -> int:
    return int(
        scene.stage.execute(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        )[0][0]
    )


def fail_to_serialize(scene: Scene, away: float) -> dict[str, Any]:
    """Each fifth new link is refused as if two transactions could not have been one by one."""
    stage = scene.stage
    stage.execute("CREATE SEQUENCE faults_met")
    stage.execute(
        "CREATE FUNCTION faults_fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF nextval('faults_met') % 5 = 0 THEN "
        "RAISE EXCEPTION 'could not serialize access' USING ERRCODE = '40001'; END IF; "
        "RETURN NEW; END $$"
    )
    stage.execute(
        "CREATE TRIGGER faults_fail BEFORE INSERT ON accounts_link "
        "FOR EACH ROW EXECUTE FUNCTION faults_fail()"
    )
    wait_for_people(stage, stage.people, within=max(away, 20))
    [[met]] = stage.execute("SELECT last_value FROM faults_met")
    stage.execute("DROP TRIGGER faults_fail ON accounts_link")
    stage.execute("DROP FUNCTION faults_fail")
    stage.execute("DROP SEQUENCE faults_met")
    return {"failures": met // 5}


@dataclasses.dataclass(frozen=True)
class Fault:
    """do: until it is over; what there is to tell. is_of_database: pushes may be answered 503
    meanwhile. repeats: so many e-mails may go twice, since the database went away between handing
    one over and noting so, in each of the Celery worker's two processes. is_early: with the first
    person, since a worker that has begun to send goes on without the queue."""

    do: Callable[[Scene, float], dict[str, Any]]
    is_of_database: bool = False
    is_of_disk: bool = False
    is_early: bool = False
    repeats: int = 0


FAULTS = {
    "PostgreSQL restarted (fast)": Fault(
        restart_postgres(signal.SIGINT), is_of_database=True, repeats=2
    ),
    "PostgreSQL restarted (immediate)": Fault(
        restart_postgres(signal.SIGQUIT), is_of_database=True, repeats=2
    ),
    "Valkey away": Fault(take_valkey, is_early=True),
    "mail server away": Fault(take_mail_server),
    "no connection left": Fault(take_connections, is_of_database=True, repeats=2),
    "disk full": Fault(fill_disk, is_of_database=True, is_of_disk=True, repeats=2),
    "deadlocks": Fault(make_deadlocks),
    "serialization failures": Fault(fail_to_serialize),
}


if __name__ == "__main__":
    sys.exit(main())
