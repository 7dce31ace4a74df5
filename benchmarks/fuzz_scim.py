"""A long fuzz of the SCIM endpoint, over HTTP to the real server.

    .venv/bin/python -m benchmarks.fuzz_scim

sends 100,000 spoilt requests (tests/conformance/fuzzing.py makes them from the seed) to gunicorn on
an own PostgreSQL, and checks each answer: a SCIM message, never a 5xx or a page. One case in twenty
is watched: the tables before and after a refusal must be the same. After each 5,000 cases licenses
are reconciled, which must find nothing, and the directory begins anew. Prints what it found, writes
results/DATE-fuzz.json and ends with 1 if anything was wrong.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import datetime as dt
import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

from config import embedded
from tests.conformance import fuzzing
from tests.conformance.fuzzing import Fuzzer, OverHttp
from tests.conformance.live import Server

RESULTS = Path(__file__).resolve().parent / "results"
ROUND = 5_000
WATCHED = 20


class Fuzzing:
    """What has been seen so far."""

    def __init__(self, server: Server, seed: int) -> None:
        self.server, self.seed = server, seed
        self.statuses: collections.Counter[int] = collections.Counter()
        self.methods: collections.Counter[str] = collections.Counter()
        self.by_the_web_server: collections.Counter[int] = collections.Counter()
        self.faults: list[str] = []
        self.watched = self.cases = 0
        self.connection = psycopg.connect(server.database_url, autocommit=True)
        self.tables = fuzzing.tables(self.execute)

    def execute(self, statement: str) -> list[Any]:
        return self.connection.execute(statement).fetchall()  # type: ignore[call-overload]

    def round(self, number: int, cases: int) -> None:
        """Some cases with a directory of their own."""
        caller = self.server.application(seats=100_000)
        fuzzer = Fuzzer(self.seed + number, caller.token)
        send = OverHttp("127.0.0.1", self.server.port)
        made = self.statuses[201]
        for _ in range(cases):
            self.one(fuzzer, send)
        send.close()
        if (self.statuses[201] - made) * 50 < cases:
            self.faults.append(f"round {number}: hardly anything was made, so nothing was tested")
        said = self.server.run("manage.py", "reconcile_licenses", "--dry-run", "--json")
        if json.loads(said)["drift"]:
            self.faults.append(f"round {number}: reconciliation finds {said}")
        # The ledger is never emptied: only a database that is thrown away anyway may be told so.
        months = self.execute("SELECT relid::text FROM pg_partition_tree('licensing_ledgerentry')")
        tables = [*(name for (name,) in months), "licensing_ledgerseal"]
        for table in tables:
            self.connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        self.connection.execute("TRUNCATE accounts_organization CASCADE")
        for table in tables:
            self.connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        self.server.forget_applications()

    def one(self, fuzzer: Fuzzer, send: OverHttp) -> None:
        case = fuzzer.case()
        watched = self.cases % WATCHED == 0
        before = fuzzing.fingerprint(self.execute, self.tables) if watched else None
        self.cases += 1
        try:
            answer = send(case)
        except Exception as error:
            self.faults.append(f"no answer: {error!r}\n{case}")
            return
        self.statuses[answer.status] += 1
        self.methods[case.method] += 1
        if fuzzing.by_the_web_server(answer):
            self.by_the_web_server[answer.status] += 1
            return
        fuzzer.learn(case, answer)
        found = fuzzing.faults(case, answer)
        if watched and (answer.status >= 400 or case.method in ("GET", "HEAD")):
            self.watched += 1
            if fuzzing.fingerprint(self.execute, self.tables) != before:
                found.append("something was changed")
        if found:
            self.faults.append(f"{found}\n{case}\n{answer.status} {answer.body[:500]!r}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=7644)
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()

    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="seatkeeper-fuzz-")))
        folder.chmod(0o711)  # PostgreSQL passes through as another user when we are root
        addresses = stack.enter_context(embedded.start(folder.resolve(), temporary=True)).addresses
        server = stack.enter_context(Server(addresses.database_url, addresses.redis_url))
        fuzz = Fuzzing(server, options.seed)
        stack.callback(fuzz.connection.close)
        started = time.monotonic()
        for number, done in enumerate(range(0, options.cases, ROUND)):
            fuzz.round(number, min(ROUND, options.cases - done))
            print(
                f"{fuzz.cases:7,} cases, {len(fuzz.faults)} faults, "
                f"{time.monotonic() - started:.0f} s",
                flush=True,
            )
        report = _report(fuzz, options, time.monotonic() - started, server.log.read_text())
    for fault in fuzz.faults[:10]:
        print(fault, end="\n\n")
    options.results.mkdir(exist_ok=True)
    file = options.results / f"{dt.datetime.now(dt.UTC):%Y-%m-%d}-fuzz.json"
    file.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps({name: value for name, value in report.items() if name != "faults"}, indent=2))
    print(f"Written: {file}")
    return 1 if fuzz.faults else 0


def _report(fuzz: Fuzzing, options: argparse.Namespace, seconds: float, log: str) -> dict[str, Any]:
    errors: collections.Counter[str] = collections.Counter()
    for line in log.splitlines():
        with contextlib.suppress(ValueError, TypeError, KeyError):
            entry = json.loads(line)
            if entry["level"] in ("ERROR", "CRITICAL"):
                errors[f"{entry['logger']}: {entry.get('exception', '').splitlines()[-1:]}"] += 1
    return {
        "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "machine": {
            "kind": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, shared",
            "python": platform.python_version(),
            "postgresql": fuzz.connection.info.server_version,
        },
        "cases": fuzz.cases,
        "seed": options.seed,
        "seconds": round(seconds, 1),
        "watched_for_changes": fuzz.watched,
        "statuses": dict(sorted(fuzz.statuses.items())),
        "methods": dict(fuzz.methods.most_common()),
        "refused_by_the_web_server": dict(fuzz.by_the_web_server),
        "errors_in_the_log": dict(errors.most_common(20)),
        "number_of_faults": len(fuzz.faults),
        "faults": fuzz.faults[:50],
    }


if __name__ == "__main__":
    sys.exit(main())
