"""Whether anything is lost or done twice when processes are killed in the middle of a push.

    python -m benchmarks.kills [--people 10000] [--kills 20] [--seed 1]

starts PostgreSQL, Valkey, web, worker and schedule as in production, each of the last three started
again when it ends, as docker-compose.yml has it. While scim_push creates people and reconciliations
run, processes are killed with SIGKILL at random points: one of the web's workers, the whole web,
one of the Celery worker's processes, the whole Celery worker, a reconciliation. The push is
repeated until nobody is left over, as identity providers do. Then there must be each person, seat,
ledger line and invitation exactly once, each e-mail in the mail folder at least once (twice only
where a worker died between handing it over and noting so), and nothing for reconciliation to find.

What a dead worker had in hand is due again after half a minute, and is waited for, unless --hurry
makes it due at once. Writes results/DATE-kills.json and ends with 1 if anything was wrong.

    python -m benchmarks.kills --each [--moments 5]

kills, instead, a process in the middle of each kind of request that writes (SCIM, page, Admin API)
and of each task: after so many of its statements, from the first to the last. What is left must be
what was there before, or all of it; done again, it must leave what it leaves when nobody kills it
(tests/killing.py, tests/killed_kinds.py). Writes results/DATE-kills-each.json.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import datetime as dt
import itertools
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import psycopg

from benchmarks import running
from benchmarks.servers import ROOT, Machinery, machine, machinery
from config import lifeline, supervisor
from scim import employees
from tests.config import processes
from tests.licensing import books

#: Who is killed, and how often compared with the others.
VICTIMS = {
    "a worker of the web": 8,
    "the web": 3,
    "a process of the Celery worker": 5,
    "the Celery worker": 4,
    "a reconciliation": 2,
}
#: What runs as in production; without any of them the product is not ready.
PARTS = ("web", "worker", "webhooks", "schedule")
#: So much of the people get a seat; the others wait.
SEATED = 0.8
#: Longest wait for the outbox (s): what a dead worker had in hand, and time to send the rest.
DELIVERED_WITHIN = 15 * 60
#: A push is repeated at most so often.
MOST_PUSHES = 30
_MESSAGE_ID = re.compile(rb"^Message-ID: <outbox-(\d+)@", re.M)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.kills",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1, help="other moments and victims")
    parser.add_argument("--hurry", action="store_true", help="do not wait until it is due")
    parser.add_argument("--each", action="store_true", help="each kind of request and task")
    parser.add_argument("--moments", type=int, default=5, help="of each kind, with --each")
    options = parser.parse_args()
    moments, each = options.__dict__.pop("moments"), options.__dict__.pop("each")
    if not (10 <= options.people <= 100_000 and 0 <= options.kills <= 1_000):
        parser.error("people are from 10 to 100,000, kills at most 1,000")
    if not 2 <= moments <= 100:
        parser.error("moments are from 2 to 100")
    result = run_each(moments) if each else run(**vars(options))
    print(json.dumps(result, indent=1))
    path = running.write("kills-each" if each else "kills", result)
    print(f"\nWritten to {path.relative_to(ROOT)}", file=sys.stderr)
    return 1 if result["faults"] else 0


def run(*, people: int, kills: int, seed: int = 1, hurry: bool = False) -> dict[str, Any]:
    """The whole of it. faults: what was wrong, in sentences; empty is what is wanted."""
    started = time.monotonic()
    with machinery() as made, contextlib.ExitStack() as stack:
        stage = Stage(made, people, stack)
        about = machine(stage.database_url)
        killer = Killer(stage, kills, random.Random(seed))
        with killer, reconciling(stage, killer):
            pushes = push_until_all_are_there(stage, killer)
        delivered = wait_for_mail(stage, hurry=hurry)
        result: dict[str, Any] = {
            "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            "machine": about,
            "people": people,
            "seats": stage.seats,
            "seed": seed,
            "kills": killer.killed,
            "moments": killer.moments,
            "restarts": dict(stage.restarts),
            "reconciliations": killer.reconciliations,
            "pushes": pushes,
            "mail": delivered,
        }
        # One line at the time is between being handed over and being noted, in each of two
        # processes.
        deaths = sum(number for name, number in killer.killed.items() if "Celery" in name)
        result["faults"] = check(stage, pushes, delivered, twice=2 * deaths, copies=1 + deaths)
        if sum(killer.killed.values()) != len(killer.moments):
            result["faults"].append("kills were counted wrongly")
        result["seconds"] = round(time.monotonic() - started)
    return result


def run_each(moments: int) -> dict[str, Any]:
    """Of each kind; faults as above."""
    started = time.monotonic()
    with machinery() as made:
        database = made.database("each")
        environment = made.ours(database) | {"LOG_LEVEL": "WARNING"}
        running.run([sys.executable, "manage.py", "migrate", "-v", "0"], ROOT, environment)
        command = [sys.executable, "-m", "benchmarks.each", "--moments", str(moments)]
        kinds = json.loads(running.run(command, ROOT, environment))
        about = machine(database)
    return {
        "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "machine": about,
        "moments": moments,
        "kinds": len(kinds),
        "kills": sum(len(kind["killed_after"]) for kind in kinds),
        "undone": sum(kind["undone"] for kind in kinds),
        "seen": kinds,
        "faults": [f"{kind['name']}: {wrong}" for kind in kinds for wrong in kind["wrong"]],
        "seconds": round(time.monotonic() - started),
    }


class Harm(Protocol):
    """What is done to the product while it is pushed to."""

    @property
    def is_done(self) -> bool: ...


class Stage:
    """The product on a database of its own: web, worker and schedule, started again when they end,
    and one organization with an application that keeps a waiting list."""

    def __init__(
        self,
        made: Machinery,
        people: int,
        stack: contextlib.ExitStack,
        *,
        application: str = "config.wsgi",
        processes_of: Sequence[str] = PARTS,
        front: Callable[[Mapping[str, int]], int] | None = None,
        **environment: str,
    ) -> None:
        """application: what the webs serve. processes_of: what runs, "web 2" being a second web.
        front: what stands before the webs; given the port of each, it tells its own. environment:
        other settings of the product than those here."""
        self.application = application
        self.people, self.seats = people, int(people * SEATED)
        self.folder = made.folder
        self.mail = made.folder / "mail"
        self.database_url = made.database("kills")
        self.ports = {
            name: processes.free_port() for name in processes_of if kind_of(name) == "web"
        }
        self.port = front(self.ports) if front else self.ports["web"]
        self.environment = made.ours(self.database_url) | {
            "PORT": str(self.port),
            "EMAIL_URL": f"filemail://{self.mail}",
            "LOG_LEVEL": "WARNING",
            **environment,
        }
        self.environment.pop("PUBLIC_URL", None)
        self.restarts: collections.Counter[str] = collections.Counter()
        self.manage("migrate", "--verbosity", "0")
        self.manage("create_organization", "Kills", "--slug", "kills")
        self.manage("set_seats", "kills", "sales-navigator", str(self.seats))
        application = self.told(
            "create_scim_application", "kills", "Directory", "--product", "sales-navigator",
            "--when-full", "waitlist",
        )  # fmt: skip
        self.token = self.told("issue_scim_token", application["id"])["token"]
        self._stopping = threading.Event()
        self._groups = {name: self._started(name) for name in processes_of}
        keeper = threading.Thread(target=self._keep, name="keeper")
        keeper.start()
        stack.callback(self._stop, keeper)
        self.wait_until_live()

    def execute(self, statement: str) -> list[Any]:
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            cursor = connection.execute(statement)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else []

    def manage(self, *arguments: str) -> str:
        return running.run([sys.executable, "manage.py", *arguments], ROOT, self.environment)

    def told(self, *arguments: str) -> Any:
        return json.loads(self.manage(*arguments, "--json"))

    def wait_until_live(self) -> None:
        if not processes.eventually(lambda: supervisor.is_live(self.port), within=60):
            raise SystemExit(f"the web does not answer:\n{self.log('web')}")

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")[-3000:]

    def guard(self, name: str) -> int:
        """Below this process are those of a part."""
        return self._groups[name].pid

    def main_process(self, name: str) -> int | None:
        """web, worker or schedule: the process whose children do the work."""
        return next(iter(children_of(self._groups[name].pid)), None)

    def end(self, name: str, how: signal.Signals) -> None:
        """The whole of it, as when its container ends; another one is started in its place."""
        main = self.main_process(name)
        if main is not None:
            # One that is asked to end asks its own children itself.
            children = children_of(main) if how == signal.SIGKILL else []
            for pid in (main, *children):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, how)

    def _started(self, name: str) -> lifeline.Group:
        """Two of a kind on one host need names, and files, of their own."""
        place = name.replace(" ", "-")
        command = {
            "web": lambda: [
                self.application if word == "config.wsgi" else word
                for word in supervisor.web_command(f"127.0.0.1:{self.ports[name]}")
            ],
            "worker": lambda: [*supervisor.worker_command(), "--hostname", f"{place}@%h"],
            "webhooks": supervisor.webhooks_command,
            "schedule": lambda: supervisor.schedule_command(str(self.folder / place)),
        }[kind_of(name)]()
        return lifeline.Group(
            [
                lifeline.Child(
                    name=name,
                    argv=[sys.executable, *command],
                    env=self.environment,
                    cwd=str(ROOT),
                    log=str(self.folder / f"{name}.log"),
                )
            ]
        )

    def _keep(self) -> None:
        """What docker-compose.yml's `restart: unless-stopped` does."""
        while not self._stopping.wait(0.1):
            for name, group in list(self._groups.items()):
                if group.ended():
                    group.stop()
                    self.restarts[name] += 1
                    self._groups[name] = self._started(name)

    def _stop(self, keeper: threading.Thread) -> None:
        self._stopping.set()
        keeper.join()
        for group in self._groups.values():
            group.stop()


class Killer:
    """A thread that kills somebody each time that so many more people are there."""

    def __init__(self, stage: Stage, kills: int, which: random.Random) -> None:
        self.stage = stage
        self._points = sorted(which.randrange(stage.people) for _ in range(kills))
        self._names = which.choices(list(VICTIMS), weights=list(VICTIMS.values()), k=kills)
        self._which = which
        self.killed: collections.Counter[str] = collections.Counter()
        self.moments: list[dict[str, Any]] = []
        self.reconciliation: subprocess.Popen[bytes] | None = None
        self.reconciliations: collections.Counter[str] = collections.Counter()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="killer")

    @property
    def is_done(self) -> bool:
        return not self._points

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        with psycopg.connect(self.stage.database_url, autocommit=True) as connection:
            while self._points and not self._stopping.wait(0.02):
                [there] = connection.execute("SELECT count(*) FROM accounts_link").fetchone() or [0]
                if there < self._points[0]:
                    continue
                name = self._names.pop(0)
                self._names.append(name)
                pid = self._victim(name)
                if pid is None:  # is just being started: somebody else first
                    continue
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    self._points.pop(0)
                    self._names.pop()
                    self.killed[name] += 1
                    self.moments.append({"people": there, "killed": name})
                    running.say(f"{there:>7} people: killed {name}")

    def _victim(self, name: str) -> int | None:
        if name == "a reconciliation":
            return self.reconciliation.pid if self.reconciliation is not None else None
        main = self.stage.main_process("web" if "web" in name else "worker")
        if main is None or name in ("the web", "the Celery worker"):
            return main
        workers = children_of(main)
        return self._which.choice(workers) if workers else None


@contextlib.contextmanager
def reconciling(stage: Stage, killer: Killer) -> Iterator[None]:
    """Meanwhile licenses are reconciled and e-mails are sent all the time."""
    stopping = threading.Event()
    by_command = [sys.executable, "manage.py", "reconcile_licenses", "--json"]
    call = [sys.executable, "-m", "celery", "--app", "config.celery", "call"]
    by_worker = [*call, "licensing.tasks.reconcile_licenses"]
    # Oftener than the schedule would, so that workers die while they send.
    delivering = [*call, "accounts.tasks.deliver_outbox"]

    def run() -> None:
        for command in itertools.cycle((delivering, by_command, delivering, by_worker)):
            if stopping.wait(0.5):
                return
            process = subprocess.Popen(
                command, env=stage.environment, cwd=ROOT,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                preexec_fn=lifeline.die_with_parent("SIGKILL"),
            )  # fmt: skip
            killer.reconciliation = process if command is by_command else None
            code = process.wait()
            killer.reconciliation = None
            if command is not delivering:
                name = "by the command" if command is by_command else "asked of the worker"
                ended = {0: "done", -signal.SIGKILL: "killed"}.get(code, f"ended with {code}")
                killer.reconciliations[f"{name}, {ended}"] += 1

    thread = threading.Thread(target=run, name="reconciling")
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


def push_until_all_are_there(stage: Stage, harm: Harm) -> list[dict[str, Any]]:
    """As an identity provider does: the whole push again, until one ends without a failure."""
    done = []
    while True:
        stage.wait_until_live()
        ended = subprocess.run(
            [
                *(sys.executable, "manage.py", "scim_push", "--json", "--concurrency", "8"),
                *("--base-url", f"http://127.0.0.1:{stage.port}/scim/v2"),
                *("--token", stage.token, "--generate", str(stage.people)),
            ],
            cwd=ROOT, env=stage.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        told = json.loads(ended.stdout)
        done.append(
            {name: told[name] for name in ("outcomes", "statuses", "seconds") if name in told}
            | ({"error": told["error"]} if "error" in told else {})
        )
        running.say(f"push {len(done)}: {json.dumps(done[-1])}")
        failed = ended.returncode or told["outcomes"]["failed"]
        if (not failed and harm.is_done) or len(done) == MOST_PUSHES:
            return done


def wait_for_mail(stage: Stage, *, hurry: bool) -> dict[str, Any]:
    """Until the outbox is empty. hurry: what dead workers had in hand is due now."""
    started = time.monotonic()
    while time.monotonic() - started < DELIVERED_WITHIN:
        [[left]] = stage.execute("SELECT count(*) FROM accounts_outbox WHERE done_at IS NULL")
        if not left:
            break
        if hurry and not stage.execute(
            "SELECT 1 FROM accounts_outbox WHERE done_at IS NULL AND due_at <= now() LIMIT 1"
        ):
            time.sleep(2)  # whoever lives has sent by then what they had in hand
            stage.execute("UPDATE accounts_outbox SET due_at = now() WHERE done_at IS NULL")
        time.sleep(0.5)
    copies = collections.Counter(
        int(number)
        for file in stage.mail.glob("*")
        for number in _MESSAGE_ID.findall(file.read_bytes())
    )
    lines = {row[0] for row in stage.execute("SELECT id FROM accounts_outbox")}
    [[claimed_again]] = stage.execute("SELECT count(*) FROM accounts_outbox WHERE attempts > 1")
    return {
        "seconds": round(time.monotonic() - started),
        "lines": len(lines),
        "not_done": left,
        "never_sent": len(lines - set(copies)),
        "sent_twice_or_more": sum(1 for number in copies.values() if number > 1),
        "most_copies": max(copies.values(), default=0),
        "of_no_line": len(set(copies) - lines),
        "claimed_again": claimed_again,
    }


def check(
    stage: Stage, pushes: list[dict[str, Any]], mail: dict[str, Any], *, twice: int, copies: int
) -> list[str]:
    """What is wrong, in sentences. twice, copies: so many e-mails may have gone more than once,
    and so often."""
    faults = [f"{what}: {rows}" for what, rows in books.wrong(stage.execute).items()]

    def same(what: str, found: Any, wanted: Any) -> None:
        if found != wanted:
            faults.append(f"{what}: {found}, not {wanted}")

    def count(statement: str) -> int:
        return int(stage.execute(f"SELECT count(*) FROM {statement}")[0][0])

    there = collections.Counter(
        row[0] for row in stage.execute("SELECT user_name FROM accounts_link")
    )
    pushed = {one.email for one in employees.made_up(stage.people, seed=1)}
    same("people who are missing", len(pushed - set(there)), 0)
    same("people whom nobody pushed", len(set(there) - pushed), 0)
    same("people who are there twice", [name for name, n in there.items() if n > 1][:5], [])
    same("profiles", count("accounts_person"), stage.people)
    same("seats", count("licensing_seat"), stage.seats)
    same("who waits", count("licensing_waitingentry"), stage.people - stage.seats)
    same("grants", count("licensing_ledgerentry WHERE deed = 'grant'"), stage.seats)
    same("releases", count("licensing_ledgerentry WHERE deed = 'release'"), 0)
    same(
        "lines by reconciliation",
        count("licensing_ledgerentry WHERE because ILIKE '%%reconciliation%%'"),
        0,
    )
    same("invitations", mail["lines"], stage.seats)
    same("invitations that are not done", mail["not_done"], 0)
    same("invitations that are in no file", mail["never_sent"], 0)
    same("e-mails of no invitation", mail["of_no_line"], 0)
    if mail["sent_twice_or_more"] > twice or mail["most_copies"] > copies:
        faults.append(f"more e-mails went twice than can be explained: {mail}")
    if pushes[-1].get("outcomes", {}).get("failed", 1):
        faults.append("no push ended without a failure")
    drift = stage.told("reconcile_licenses", "--dry-run")["drift"]
    same("drift", drift, 0)
    return faults


def kind_of(name: str) -> str:
    return name.partition(" ")[0]


def children_of(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[1]) == pid and fields[0] != "Z":
                found.append(int(stat.parent.name))
    return sorted(found)


if __name__ == "__main__":
    sys.exit(main())
