"""Whether anything is done twice or lost with several of each process behind a balancer.

    python -m benchmarks.scale_out [--people 5000]

starts PostgreSQL, Valkey, three webs behind a balancer, two workers, a worker of webhooks and two
schedules, of which the second is a mistake that must do no harm. During a push one web is killed
with SIGKILL; another is replaced as a rolling deploy does it: the balancer takes it out, then it
gets SIGTERM. A worker and a schedule end too; each is started again. Whoever pushes may see a
connection break only for what the killed web had in hand, and repeats it.

Then each task of the schedule is sent twice at once, as two schedules do whose hour comes. In the
end there must be each person, seat, ledger line, e-mail and webhook exactly once, a whole ledger,
and nothing for reconciliation to find. Writes results/DATE-scale-out.json and ends with 1 if
anything was wrong.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import datetime as dt
import functools
import json
import re
import signal
import sys
import threading
import time
from typing import Any

import celery
import redis

from benchmarks import faults, kills, running
from benchmarks.balancer import Balancer
from benchmarks.servers import ROOT, machine, machinery
from config import heartbeat
from tests import receiver
from tests.config import processes

PROCESSES = (
    *("web", "web 2", "web 3", "worker", "worker 2", "webhooks", "schedule", "schedule 2"),
)
#: After so much of the push, who ends and how.
ENDINGS = (
    (0.2, "web 2", signal.SIGKILL),
    (0.4, "web 3", signal.SIGTERM),
    (0.6, "worker 2", signal.SIGTERM),
    (0.7, "schedule 2", signal.SIGKILL),
)
PASSWORD = "a long enough password"  # noqa: S105 - of a database that is thrown away
#: Of whoever pushes.
CONNECTIONS = 8
#: Until all that was asked for is done (s).
DONE_WITHIN = 120

_PREPARE = """
import json
from django.conf import settings
from accounts import webhooks
from accounts.models import Organization
webhooks.add(Organization.objects.get(slug="kills"), name="x", url={url!r}, kinds=["seat.granted"])
print(json.dumps(sorted({{entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}})))
"""


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scale_out",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--people", type=int, default=5_000)
    options = parser.parse_args()
    if not 50 <= options.people <= 100_000:
        parser.error("people are from 50 to 100,000")
    result = run(people=options.people)
    print(json.dumps(result, indent=1))
    print(f"\nWritten to {running.write('scale-out', result).relative_to(ROOT)}", file=sys.stderr)
    return 1 if result["faults"] else 0


def run(*, people: int) -> dict[str, Any]:
    """The whole of it. faults: what was wrong, in sentences; empty is what is wanted."""
    started = time.monotonic()
    balancers: list[Balancer] = []

    def front(webs: Any) -> int:
        balancers.append(Balancer(webs, processes.free_port()))
        balancers[0].start()
        stack.callback(balancers[0].stop)
        return balancers[0].port

    with machinery() as made, contextlib.ExitStack() as stack, receiver.receiving() as listener:
        stage = kills.Stage(
            made,
            people,
            stack,
            processes_of=PROCESSES,
            front=front,
            WEBHOOK_PRIVATE_ADDRESSES="true",
            SEATKEEPER_PASSWORD=PASSWORD,
        )
        [balancer] = balancers
        if not processes.eventually(lambda: len(balancer.well) == 3, within=60):
            raise SystemExit("not every web answers")
        balancer.forget()  # that they were not there at first
        tasks = json.loads(
            stage.manage("shell", "-v", "0", "-c", _PREPARE.format(url=listener.url))
        )
        with Ending(stage, balancer) as ending:
            pushes = kills.push_until_all_are_there(stage, ending)
        mail = kills.wait_for_mail(stage, hurry=False)
        wrong = kills.check(stage, pushes, mail, twice=0, copies=1)
        wrong += ending.wrong + unexpected_breaks(balancer, ending)
        warned, of_twice = all_at_once_and_twice(stage, tasks)
        wrong += of_twice + once_each(stage, listener, warned)
        return {
            "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            "machine": machine(stage.database_url),
            "processes": list(PROCESSES),
            "people": people,
            "endings": ending.told,
            "answered": dict(sorted(balancer.answered.items())),
            "broken": dict(balancer.broken),
            "no_web_was_well": balancer.nobody,
            "failed_looks": dict(balancer.unwell),
            "restarts": dict(stage.restarts),
            "pushes": pushes,
            "mail": mail,
            "tasks_sent_twice_at_once": len(tasks),
            "webhooks": len(listener.got),
            "faults": wrong,
            "seconds": round(time.monotonic() - started),
        }


class Ending:
    """A thread that ends one process after the other, each when so many more people are there."""

    def __init__(self, stage: kills.Stage, balancer: Balancer) -> None:
        self._stage, self._balancer = stage, balancer
        self.told: list[dict[str, Any]] = []
        self.wrong: list[str] = []
        self._thread = threading.Thread(target=self._run, name="ending")

    @property
    def is_done(self) -> bool:
        return len(self.told) == len(ENDINGS)

    def __enter__(self) -> Ending:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join()

    def _run(self) -> None:
        for share, name, how in ENDINGS:
            there = faults.wait_for_people(self._stage, int(share * self._stage.people))
            busy = functools.partial(self._balancer.in_flight.__getitem__, name)
            if how == signal.SIGKILL:  # while it has something in hand, if it is a web
                processes.eventually(busy, within=2)
            elif kills.kind_of(name) == "web":
                self._balancer.take_out(name)
                processes.eventually(lambda busy=busy: not busy(), within=30)  # type: ignore[misc]
            before = self._stage.restarts[name]
            self._stage.end(name, how)
            running.say(f"{there:>7} people: {name} got {how.name}")
            self.told.append({"people": there, "process": name, "signal": how.name})
            again = processes.eventually(
                lambda name=name, before=before: (  # type: ignore[misc]
                    self._stage.restarts[name] > before
                    and (kills.kind_of(name) != "web" or name in self._balancer.well)
                ),
                within=60,
            )
            if not again:
                self.wrong.append(f"{name} did not come back")


def unexpected_breaks(balancer: Balancer, ending: Ending) -> list[str]:
    """Requests that a web got and did not answer, but for those that it was killed with: no more
    than whoever pushes has connections."""
    killed = {one["process"] for one in ending.told if one["signal"] == "SIGKILL"}
    wrong = [
        f"{name} left {number} requests without an answer"
        for name, number in balancer.broken.items()
        if number > (CONNECTIONS if name in killed else 0)
    ]
    wrong += [f"{name} answered nothing" for name in balancer.webs if not balancer.answered[name]]
    if balancer.nobody:
        wrong.append(f"{balancer.nobody} requests found no web that was well")
    return wrong


def all_at_once_and_twice(stage: kills.Stage, tasks: list[str]) -> tuple[int, list[str]]:
    """Each task of the schedule, twice: how many admins' e-mails that must have made, and which
    tasks failed or were not done. A token that ends soon is warned of, once."""
    stage.manage("create_admin", "lea@northwind.example", "--organization", "kills")
    [[application]] = stage.execute("SELECT id FROM accounts_application")
    stage.manage("issue_scim_token", str(application), "--days", "7")
    queue = celery.Celery(broker=stage.environment["REDIS_URL"], set_as_current=False)
    client = redis.Redis.from_url(stage.environment["REDIS_URL"])

    def counted(kind: str) -> dict[str, int]:
        return {
            task: int(client.hget(heartbeat.KEY, f"{kind}:{task}") or 0)  # type: ignore[arg-type]
            for task in tasks
        }

    before = counted("ok")
    for task in tasks:
        target = "webhooks" if "webhooks" in task else "celery"
        for _ in range(2):
            queue.send_task(task, queue=target)

    def left() -> list[str]:
        now = counted("ok")
        return [task for task in tasks if now[task] < before[task] + 2]

    processes.eventually(lambda: not left(), within=DONE_WITHIN)
    wrong = [f"{task} was not done twice" for task in left()]
    wrong += [f"{task} failed {n} times" for task, n in counted("failed").items() if n]
    queue.close()
    client.close()
    return 1, wrong


def once_each(stage: kills.Stage, listener: receiver.Receiver, warned: int) -> list[str]:
    """Each e-mail and each webhook went once; the ledger is whole, and nothing has drifted."""
    wrong = []
    mail = kills.wait_for_mail(stage, hurry=False)
    if mail["lines"] != stage.seats + warned or mail["sent_twice_or_more"] or mail["never_sent"]:
        wrong.append(f"e-mails to {stage.seats} people and of {warned} warnings: {mail}")
    processes.eventually(lambda: len(listener.got) >= stage.seats, within=DONE_WITHIN)
    ids = collections.Counter(
        value
        for got in listener.got
        for name, value in got.headers.items()
        if re.fullmatch("webhook-id", name, re.IGNORECASE)
    )
    if len(ids) != stage.seats or len(listener.got) != stage.seats:
        wrong.append(f"{len(listener.got)} webhooks of {len(ids)} events, not {stage.seats}")
    if not json.loads(stage.manage("verify_ledger", "--json"))["whole"]:
        wrong.append("the ledger is not whole")
    if drift := stage.told("reconcile_licenses", "--dry-run")["drift"]:
        wrong.append(f"drift: {drift}")
    return wrong


if __name__ == "__main__":
    sys.exit(main())
