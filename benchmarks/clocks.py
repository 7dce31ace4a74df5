"""Whether anything is lost, done twice or put off when clocks jump in the middle of a push.

    python -m benchmarks.clocks [--people 1000]

starts PostgreSQL, Valkey, two webs whose clocks differ by a minute behind a balancer, a worker and
a schedule. During a push their clocks jump back by an hour, ahead by a day, and ahead by a year,
and are set right each time; PostgreSQL's is right all the time. In the end there must be each
person, seat, ledger line and e-mail exactly once, all of it sent, a whole ledger, nothing for
reconciliation to find, and a product that says it is ready. Writes results/DATE-clocks.json and
ends with 1 if anything was wrong.

Needs libfaketime (Debian: `apt-get install faketime`), which tells a process another time; without
it nothing is tried.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import http.client
import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

from benchmarks import faults, kills, running
from benchmarks.balancer import Balancer
from benchmarks.servers import ROOT, machine, machinery
from tests.config import processes

PROCESSES = ("web", "web 2", "worker", "webhooks", "schedule")
#: After so much of the push: how far the clocks are then off, as libfaketime writes it.
JUMPS = ((0.15, "-1h"), (0.3, "+0"), (0.45, "+1d"), (0.6, "+0"), (0.7, "+365d"), (0.85, "+0"))
#: Seconds for which a clock is wrong at least, and until all is well in the end.
WRONG_FOR, READY_WITHIN = 25.0, 180


def library() -> Path | None:
    return next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.clocks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--people", type=int, default=1_000)
    options = parser.parse_args()
    if not 50 <= options.people <= 100_000:
        parser.error("people are from 50 to 100,000")
    faketime = library()
    if faketime is None:
        print("Without libfaketime nothing can be tried.", file=sys.stderr)
        return 1
    result = run(faketime, people=options.people)
    print(json.dumps(result, indent=1))
    print(f"\nWritten to {running.write('clocks', result).relative_to(ROOT)}", file=sys.stderr)
    return 1 if result["faults"] else 0


def run(faketime: Path, *, people: int) -> dict[str, Any]:
    """The whole of it. faults: what was wrong, in sentences; empty is what is wanted."""
    started = time.monotonic()
    with machinery() as made, contextlib.ExitStack() as stack:
        balancers: list[Balancer] = []

        def front(webs: Any) -> int:
            balancers.append(Balancer(webs, processes.free_port()))
            balancers[0].start()
            stack.callback(balancers[0].stop)
            return balancers[0].port

        files = {name: made.folder / f"clock of {name}" for name in PROCESSES}
        set_clocks(files, "+0")
        wrong_clock = {
            "LD_PRELOAD": str(faketime),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DONT_RESET": "1",
        }
        stage = kills.Stage(
            made,
            people,
            stack,
            processes_of=PROCESSES,
            front=front,
            of_each={
                name: wrong_clock | {"FAKETIME_TIMESTAMP_FILE": str(file)}
                for name, file in files.items()
            },
        )
        with Jumping(stage, files) as jumping:
            pushes = kills.push_until_all_are_there(stage, jumping)
        mail = kills.wait_for_mail(stage, hurry=False)
        wrong = kills.check(stage, pushes, mail, twice=0, copies=1)
        if not json.loads(stage.manage("verify_ledger", "--json"))["whole"]:
            wrong.append("the ledger is not whole")
        ready = processes.eventually(lambda: is_ready(stage), within=READY_WITHIN)
        if not ready:
            wrong.append("not ready in the end")
        dated = stage.execute(
            "SELECT count(*) FILTER (WHERE at > now() + interval '1 hour'), "
            "count(*) FILTER (WHERE at < now() - interval '30 minutes') FROM licensing_ledgerentry"
        )
        return {
            "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            "machine": machine(stage.database_url),
            "processes": list(PROCESSES),
            "people": people,
            "jumps": jumping.told,
            "lines_of_a_time_to_come": dated[0][0],
            "lines_of_an_hour_ago": dated[0][1],
            "answered": dict(sorted(balancers[0].answered.items())),
            "restarts": dict(stage.restarts),
            "pushes": pushes,
            "mail": mail,
            "faults": wrong,
            "seconds": round(time.monotonic() - started),
        }


def set_clocks(files: dict[str, Path], offset: str) -> None:
    """All alike, but for the second web, which is a minute ahead of the right time."""
    for name, file in files.items():
        ours = "+60" if (name, offset) == ("web 2", "+0") else offset
        fresh = file.with_suffix(".new")
        fresh.write_text(f"{ours}\n")
        fresh.replace(file)


def is_ready(stage: kills.Stage) -> bool:
    with contextlib.suppress(OSError, http.client.HTTPException):
        connection = http.client.HTTPConnection("127.0.0.1", stage.port, timeout=10)
        with contextlib.closing(connection):
            connection.request("GET", "/health/ready")
            return connection.getresponse().status == 200
    return False


class Jumping:
    """A thread that sets the clocks, each time when so many more people are there."""

    def __init__(self, stage: kills.Stage, files: dict[str, Path]) -> None:
        self._stage, self._files = stage, files
        self.told: list[dict[str, Any]] = []
        self._thread = threading.Thread(target=self._run, name="jumping")

    @property
    def is_done(self) -> bool:
        return len(self.told) == len(JUMPS)

    def __enter__(self) -> Jumping:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join()

    def _run(self) -> None:
        for share, offset in JUMPS:
            there = faults.wait_for_people(self._stage, int(share * self._stage.people))
            set_clocks(self._files, offset)
            running.say(f"{there:>7} people: the clocks are off by {offset}")
            # Long enough for the schedule to come by, and for a worker to send what it finds.
            time.sleep(WRONG_FOR)
            self.told.append({"people": there, "off_by": offset})


if __name__ == "__main__":
    sys.exit(main())
