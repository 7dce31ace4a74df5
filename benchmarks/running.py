"""Seeding, alternating rounds, and what they come to: shared by compare.py and flat.py."""

from __future__ import annotations

import datetime as dt
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.client import Measured, Target, drive
from benchmarks.phases import Phase, Seeded
from benchmarks.servers import ROOT, Machinery, cpu_seconds

RESULTS = Path(__file__).resolve().parent / "results"
#: A phase whose requests take this long (s) is still asked so often in a round.
LEAST_REQUESTS = 3
#: A round of "one member into a group" ends after so many.
MOST_MEMBERS = 40


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def seed_ours(
    machinery: Machinery, name: str, people: int, groups: Sequence[int], *, serve: bool = True
) -> tuple[Seeded, str]:
    """Our product on a new database with so many people, served. Also the database's address."""
    database = machinery.database(name)
    env = machinery.ours(database)
    started = time.monotonic()
    run([sys.executable, "manage.py", "migrate", "-v", "0"], ROOT, env)
    sizes = ",".join(str(size) for size in groups)
    told = run(
        [sys.executable, "-m", "benchmarks.seed", "--people", str(people), "--groups", sizes],
        ROOT,
        env,
    )
    state = json.loads(told)
    say(f"{name}: {people:,} people in {time.monotonic() - started:.0f} s, drift {state['drift']}")
    port = machinery.serve(name, "benchmarks.wsgi:application", ROOT, env) if serve else 0
    return Seeded(Target(port, state["token"]), people, state["people"], state["groups"]), database


def seed_theirs(machinery: Machinery, baseline: Path, people: int) -> tuple[Seeded, str]:
    """The plain django-scim2 project, seeded by its own script."""
    database = machinery.database("plain")
    state_file = machinery.folder / "plain.json"
    env = {
        **machinery.theirs(database),
        "PYTHONPATH": str(baseline),
        "PYTHONDONTWRITEBYTECODE": "1",
        "TOKEN": "plain-token",
        "PEOPLE": str(people),
        "STATE": str(state_file),
    }
    started = time.monotonic()
    run([sys.executable, "manage.py", "migrate", "-v", "0"], baseline, env)
    run([sys.executable, "seed.py"], baseline, env)
    say(f"plain: {people:,} people in {time.monotonic() - started:.0f} s")
    state = json.loads(state_file.read_text())
    port = machinery.serve("plain", "config.wsgi:application", baseline, env)
    return Seeded(Target(port, "plain-token"), people, state["people"], state["groups"]), database


def run(
    command: Sequence[str], folder: Path, env: Mapping[str, str], *, given: str | None = None
) -> str:
    """What the command prints; given: what it reads."""
    done = subprocess.run(
        command, cwd=folder, env=env, stdout=subprocess.PIPE, text=True, input=given
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}")
    return done.stdout


def rounds(
    phases: Sequence[Phase],
    products: Mapping[str, Seeded],
    *,
    number: int,
    seconds: float,
    skip: frozenset[tuple[str, str]] = frozenset(),
) -> dict[str, dict[str, list[Measured]]]:
    """Each phase in short rounds that take turns, so that a slow minute hits all alike.

    Whoever began a round ends the next one. skip: (phase, product) pairs.
    """
    measured: dict[str, dict[str, list[Measured]]] = {}
    for phase in phases:
        taking_part = [name for name in products if (phase.name, name) not in skip]
        by_product = measured[phase.name] = {name: [] for name in taking_part}
        streams = {name: phase.requests(products[name]) for name in taking_part}
        most = MOST_MEMBERS if phase.connections == 1 else None
        for name in taking_part:  # warm up: connections, plans, caches
            drive(
                products[name].target, streams[name], connections=phase.connections, seconds=0.3,
                most=20,
            )  # fmt: skip
        for turn in range(number):
            for name in taking_part if turn % 2 == 0 else reversed(taking_part):
                before = cpu_seconds()
                result = drive(
                    products[name].target,
                    streams[name],
                    connections=phase.connections,
                    seconds=seconds,
                    most=most,
                )
                result.cpu = cpu_seconds() - before
                by_product[name].append(result)
        say(
            f"{phase.name:<18}"
            + "".join(f"{name} {_rate(rows):>9.1f}/s   " for name, rows in by_product.items())
            + "".join(f"\n  {name}: {why}" for name, why in failures(by_product).items())
        )
    return measured


def failures(by_product: Mapping[str, Sequence[Measured]]) -> dict[str, str]:
    return {
        name: next(row.failure for row in rows if row.failure)
        for name, rows in by_product.items()
        if any(row.failure for row in rows)
    }


def _rate(rows: Sequence[Measured]) -> float:
    return statistics.median(row.per_second for row in rows) if rows else 0.0


def summary(rows: Sequence[Measured]) -> dict[str, Any]:
    """One product's rounds of one phase."""
    statuses: dict[str, int] = {}
    for row in rows:
        for status, number in row.statuses.items():
            statuses[str(status)] = statuses.get(str(status), 0) + number
    return {
        "per_second": round(_rate(rows), 1),
        "p50_ms": round(statistics.median(row.milliseconds(0.5) for row in rows), 2),
        "p95_ms": round(statistics.median(row.milliseconds(0.95) for row in rows), 2),
        "cpu_ms": round(statistics.median(row.cpu_ms for row in rows), 2),
        "rounds": [round(row.per_second, 1) for row in rows],
        "statuses": statuses,
    }


def ratio(ours: Sequence[Measured], theirs: Sequence[Measured]) -> dict[str, float]:
    """How many times faster, round by round: the median and the extremes.

    cpu: how many times less a request costs, which busy neighbours hardly change.
    """
    rounds = [(a, b) for a, b in zip(ours, theirs, strict=True) if a.latencies and b.latencies]
    speed = [a.per_second / b.per_second for a, b in rounds]
    cost = [b.cpu_ms / a.cpu_ms for a, b in rounds if a.cpu_ms]
    return {
        "median": round(statistics.median(speed), 2),
        "least": round(min(speed), 2),
        "most": round(max(speed), 2),
        "cpu": round(statistics.median(cost), 2) if cost else 0.0,
    }


def write(name: str, document: dict[str, Any]) -> Path:
    """benchmarks/results/DATE-name.json; a second one of a day replaces the first."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{dt.datetime.now(dt.UTC):%Y-%m-%d}-{name}.json"
    path.write_text(json.dumps(document, indent=1) + "\n")
    return path


def load_average() -> float:
    return round(os.getloadavg()[0], 2)
