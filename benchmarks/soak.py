"""Whether the product stays as it is for hours: memory, latency, seats and ledger.

    python -m benchmarks.soak --minutes 60 [--rate R] [--tenants 20] [--people 300] [--share 0.3]

starts PostgreSQL, Valkey, web, workers and schedule as in production, makes the tenants, and lets
their identity providers (Okta, Entra ID and OneLogin in turns) ask at set moments, as many a second
as keep the machine so busy: people are looked up, read, changed, deactivated and brought back, some
join and as many are deleted, so that there are always about as many. Without --rate that number
comes from what a request costs the processor in a short rush before. Arrivals are random and keep
to their timetable, whatever the server does; a request's latency counts from when it was due.

Beside it, at set moments too, a view that does nothing is asked (benchmarks/bare.py on a gunicorn
of its own), so that a minute in which the machine is slow shows in both. Each minute keeps the
latencies of both, their ratio, the processor time of a request and the memory of each part.

The verdict compares the first sixth after a warm-up of a sixth with the last sixth (of an hour: ten
minutes each) by their medians. Memory that a part keeps to itself may grow by 2 % or 2 MB at most,
whichever is more, the ratio of the median latencies to doing nothing by 5 %, that of the 95th
percentiles by 10 %, a request's processor time by 5 %. Where minutes differ so much that such a
growth may be chance (three standard errors of the difference of the medians), the figure is
undecided and no fault: the machine was not quiet enough to tell. No request may be refused or
fail. At the end there must be everybody who was accepted and nobody else, no seat too many, nothing
for reconciliation to find and a whole ledger. In the warm-up each task of the schedule runs once,
so that what hourly ones need is there before the comparison.

Limits of SCIM are those of production (SCIM_RATE=100, SCIM_BURST=1000 for each token and process);
the safety brake is off, since one in thirty requests removes somebody.

Writes results/DATE-soak.json (of less than an hour, DATE-soak-MINUTES.json) and ends with 1 if
anything was wrong. In less than half an hour random differences are larger than the limits: look at
the figures alone.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime as dt
import itertools
import json
import math
import random
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import celery

from benchmarks import afterwards, directory, kills, running, usage
from benchmarks.client import Target
from benchmarks.conversations import Conversation, Crowd
from benchmarks.directory import Directory
from benchmarks.servers import ROOT, machine, machinery

#: What is asked, and how often of a hundred times.
MIX = {
    "look up": 35,
    "read": 20,
    "change": 20,
    "deactivate": 5,
    "activate": 5,
    "join": 4,
    "delete": 4,
    "into a group and out": 5,
    "group look-up": 2,
}
#: The view that does nothing is asked so often a second.
NOTHING_RATE = 10.0
#: Growth that is no leak: of private memory (share, and MB where that is more), of ratios.
MEMORY, MEMORY_MB, MEDIAN, P95, CPU = 0.02, 2.0, 0.05, 0.10, 0.05
CONNECTIONS = 32
#: How long the rush takes that tells what a request costs (s).
RUSH = 10.0
OURS_SETTINGS = {"SCIM_RATE": "100", "SCIM_BURST": "1000"}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.soak",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--rate", type=float, help="conversations a second")
    parser.add_argument("--share", type=float, default=0.3, help="of the machine, without --rate")
    parser.add_argument("--tenants", type=int, default=20)
    parser.add_argument("--people", type=int, default=300, help="of each tenant")
    parser.add_argument("--read", type=Path, help="a result: its verdict again, nothing is run")
    options = parser.parse_args()
    if options.read:
        print(
            _told(
                {"faults": [], "growth": verdict(json.loads(options.read.read_text())["samples"])}
            )
        )
        return 0
    if not (0.1 <= options.minutes <= 1_500 and 1 <= options.tenants <= 1_000):
        parser.error("minutes are from 0.1 to 1,500, tenants from 1 to 1,000")
    if not (10 <= options.people <= 10_000 and 0.01 <= options.share <= 0.9):
        parser.error("people are from 10 to 10,000, the share is from 0.01 to 0.9")
    del options.read
    result = run(**vars(options))
    print(_told(result))
    name = "soak" if options.minutes >= 60 else f"soak-{options.minutes:g}"
    print(f"\nWritten to {running.write(name, result).relative_to(ROOT)}", file=sys.stderr)
    return 1 if result["faults"] else 0


def run(
    *,
    minutes: float,
    rate: float | None = None,
    share: float = 0.3,
    tenants: int = 20,
    people: int = 300,
) -> dict[str, Any]:
    """The whole of it. faults: what was wrong, in sentences; empty is what is wanted."""
    with machinery() as made, contextlib.ExitStack() as stack:
        stage = kills.Stage(made, people, stack, **OURS_SETTINGS)
        about = machine(stage.database_url)
        bare = made.serve("bare", "benchmarks.bare:application", ROOT, {**stage.environment})
        opened = directory.tenants(stage, tenants, seats=10 * people, brake=False)
        soak = Soak(stage, [one for _, one in opened], bare, minutes)
        asyncio.run(soak.prepare(people))
        running.say(f"{tenants * people:,} people in {tenants} tenants")
        run_schedule(stage)
        kills.wait_for_mail(stage, hurry=True)
        asyncio.run(soak.go(rate, share))
        mail = kills.wait_for_mail(stage, hurry=False)
        faults = soak.refused() + afterwards.wrong(stage, opened)
        if mail["not_done"] or mail["sent_twice_or_more"]:  # an invitation may be needless by then
            faults.append(f"e-mail was not sent, or twice: {mail}")
        if stage.restarts:
            faults.append(f"parts ended and were started again: {dict(stage.restarts)}")
        growth = verdict(soak.samples)
        faults += [
            f"{what} grew too much: {row}" for what, row in growth.items() if row["too_much"]
        ]
        return {
            "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            "machine": about | {"load_after": running.load_average()},
            "minutes": minutes,
            "tenants": tenants,
            "people": tenants * people,
            "settings": OURS_SETTINGS,
            "rate": round(soak.rate, 1),
            "mix": MIX,
            "growth": growth,
            "faults": faults,
            "by_kind": soak.by_kind(),
            "samples": soak.samples,
            "sizes": usage.sizes(stage),
            "mail": mail,
        }


class Soak:
    """The load, and what was seen of it."""

    def __init__(
        self, stage: kills.Stage, directories: Sequence[Directory], bare: int, minutes: float
    ) -> None:
        self.stage, self.directories = stage, directories
        self.seconds = minutes * 60
        self.every = min(60.0, self.seconds / 12)
        self.samples: list[dict[str, Any]] = []
        self.rate = 0.0
        self._bare = Directory("okta", Target(bare, ""), most=0)
        self._chance = random.Random(7)
        self._kinds: dict[str, list[dict[str, Any]]] = {}
        self._broken: dict[str, int] = {}

    async def prepare(self, people: int) -> None:
        crowd = Crowd(self.stage.port, 8)
        everybody = (joiner for one in self.directories for joiner in one.joiners(people))
        await crowd.talk(everybody, seconds=3600)
        await crowd.talk((c for d in self.directories for c in d.make_groups()), seconds=600)
        self._keep(crowd)
        crowd.close()

    async def go(self, rate: float | None, share: float) -> None:
        ours, bare = Crowd(self.stage.port, CONNECTIONS), Crowd(self._bare.target.port, 4)
        self.rate = rate or await self._affordable(ours, share)
        running.say(f"{self.rate:.1f} conversations a second for {self.seconds / 60:g} minutes")
        loads = asyncio.gather(
            ours.keep_to((at, self.conversation()) for at in self._moments(self.rate)),
            bare.keep_to((at, self._bare.nothing()) for at in self._moments(NOTHING_RATE)),
        )
        sampling = asyncio.ensure_future(self._sample(ours, bare))
        await loads
        await sampling
        self._keep(ours)
        self._keep(bare)
        ours.close()
        bare.close()

    def conversation(self) -> Conversation:
        """What somebody's identity provider asks next."""
        [what] = self._chance.choices(list(MIX), list(MIX.values()))
        one = self._chance.choice(self.directories)
        if what == "join":
            return next(one.joiners(1))
        if what == "group look-up":
            return one.look_up_group(self._chance.choice(list(one.groups)))
        return {
            "look up": one.look_up,
            "read": one.read,
            "change": one.change,
            "deactivate": lambda: one.switch(active=False),
            "activate": lambda: one.switch(active=True),
            "delete": one.delete,
            "into a group and out": one.visit,
        }[what]()

    def refused(self) -> list[str]:
        odd = [
            f"{kind}: {row['failure']} (statuses {row['statuses']})"
            for kind, rows in self._kinds.items()
            for row in rows
            if "failure" in row
        ]
        return odd[:10] + [f"{number} × {why}" for why, number in self._broken.items()]

    def by_kind(self) -> dict[str, Any]:
        """The median over the minutes of each kind's percentiles; the highest of all."""
        return {
            kind: {
                "requests": sum(row["requests"] for row in rows),
                **{
                    name: round(statistics.median(row[name] for row in rows), 2)
                    for name in ("p50_ms", "p95_ms", "p99_ms")
                },
                "max_ms": max(row["max_ms"] for row in rows),
            }
            for kind, rows in self._kinds.items()
        }

    async def _affordable(self, crowd: Crowd, share: float) -> float:
        """So many conversations a second as keep this share of all cores busy, the client's own
        work included."""
        begun = 0

        def conversations() -> Iterator[Conversation]:
            nonlocal begun
            while True:
                begun += 1
                yield self.conversation()

        before = await asyncio.to_thread(usage.read, self.stage)
        await crowd.talk(conversations(), seconds=min(RUSH, self.seconds / 4))
        after = await asyncio.to_thread(usage.read, self.stage)
        self._keep(crowd)
        cost = usage.spent(before, after, begun)
        return share * usage.cores() * 1000 / (cost["cpu_ms"] + cost["client_cpu_ms"])

    def _moments(self, rate: float) -> Iterator[float]:
        """Random arrivals, so many a second."""
        chance, at = random.Random(rate), 0.0
        while (at := at + chance.expovariate(rate)) < self.seconds:
            yield at

    async def _sample(self, ours: Crowd, bare: Crowd) -> None:
        started = time.perf_counter()
        before = await asyncio.to_thread(usage.read, self.stage)
        ours.take(), bare.take()
        for number in range(1, round(self.seconds / self.every) + 1):
            await asyncio.sleep(started + number * self.every - time.perf_counter())
            measured, nothing = ours.take(), bare.take()
            after = await asyncio.to_thread(usage.read, self.stage)
            told, idle = usage.percentiles(measured.values()), usage.percentiles(nothing.values())
            self._remember(measured)
            self.samples.append(
                {
                    "minute": number * self.every / 60,
                    **told,
                    "nothing": idle,
                    "ratio": {
                        name: round(told[name] / idle[name], 3) if idle[name] else None
                        for name in ("p50_ms", "p95_ms", "p99_ms")
                    },
                    **usage.spent(before, after, told["requests"]),
                    "memory": await asyncio.to_thread(usage.memory, self.stage),
                    "load": running.load_average(),
                    "unfinished": ours.unfinished,
                }
            )
            before = after
            running.say(_line(self.samples[-1]))

    def _keep(self, crowd: Crowd) -> None:
        """What was refused outside of the minutes counts, too."""
        self._remember({kind: row for kind, row in crowd.take().items() if row.failure})
        for why, number in crowd.broken.items():
            self._broken[why] = self._broken.get(why, 0) + number

    def _remember(self, measured: Mapping[str, Any]) -> None:
        for kind, row in measured.items():
            self._kinds.setdefault(kind, []).append(usage.percentiles([row]))


def run_schedule(stage: kills.Stage) -> None:
    """Each task of the schedule, once."""
    names = json.loads(
        running.run(
            [
                *(sys.executable, "-c"),
                "import django, json; django.setup(); from django.conf import settings; "
                "print(json.dumps(sorted({x['task'] for x in "
                "settings.CELERY_BEAT_SCHEDULE.values()})))",
            ],
            ROOT,
            stage.environment,
        )
    )
    queue = celery.Celery(broker=stage.environment["REDIS_URL"], set_as_current=False)
    for name in names:
        queue.send_task(name)
    queue.close()


def verdict(samples: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """By how much each figure grew from the first sixth after the warm-up to the last sixth, and
    how fast it grew all the time after the warm-up (an hour, by the median of all slopes)."""
    number = max(1, len(samples) // 6)
    first, last, warm = samples[number : 2 * number], samples[-number:], samples[number:]

    def grew(of: Any, limit: float, least: float = 0.0) -> dict[str, Any]:
        before = statistics.median(map(of, first))
        after = statistics.median(map(of, last))
        noise = 3 * math.hypot(
            _error([of(row) for row in first]), _error([of(row) for row in last])
        )
        allowed = max(limit * before, least)
        slopes = [
            (of(b) - of(a)) / (b["minute"] - a["minute"])
            for a, b in itertools.combinations(warm, 2)
        ]
        return {
            "first": round(before, 3),
            "last": round(after, 3),
            "growth": round(after / before - 1, 4) if before else 0.0,
            "an_hour": round(60 * statistics.median(slopes), 3) if slopes else 0.0,
            "limit": limit,
            "noise": round(noise / before, 4) if before else 0.0,
            "too_much": after - before > max(allowed, noise),
            "undecided": noise > allowed,
        }

    parts = samples[0]["memory"]
    told = {
        f"memory of {part} (MB)": grew(
            lambda row, part=part: row["memory"][part]["private_mb"], MEMORY, MEMORY_MB
        )
        for part in parts
    }
    told["latency, median, of doing nothing"] = grew(lambda row: row["ratio"]["p50_ms"], MEDIAN)
    told["latency, 95 %, of doing nothing"] = grew(lambda row: row["ratio"]["p95_ms"], P95)
    told["processor time of a request (ms)"] = grew(lambda row: row["cpu_ms"], CPU)
    return told


def _error(values: Sequence[float]) -> float:
    """The standard error of their median, from how far they are from it."""
    middle = statistics.median(values)
    spread = 1.4826 * statistics.median(abs(value - middle) for value in values)
    return 1.2533 * spread / math.sqrt(len(values))


def _line(row: Mapping[str, Any]) -> str:
    memory = "  ".join(f"{part} {m['private_mb']:.0f}" for part, m in row["memory"].items())
    return (
        f"{row['minute']:>6.2f} min  {row['requests']:>6} requests  p50 {row['p50_ms']:>6}  "
        f"p95 {row['p95_ms']:>6}  p99 {row['p99_ms']:>6} ms  nothing {row['nothing']['p50_ms']:>5}"
        f"  ×{row['ratio']['p50_ms']}  CPU {row['cpu_ms']} ms  busy {row['machine_busy']:.0%}"
        f"  MB: {memory}"
    )


def _told(result: Mapping[str, Any]) -> str:
    lines = [
        f"{'':<40}{'first':>10}{'last':>10}{'growth':>9}{'an hour':>10}{'limit':>8}{'noise':>8}"
    ]
    lines += [
        f"{what:<40}{row['first']:>10}{row['last']:>10}{row['growth']:>8.1%} {row['an_hour']:>9}"
        f"{row['limit']:>7.0%}{row['noise']:>8.1%}"
        f"{'  TOO MUCH' if row['too_much'] else '  undecided' if row['undecided'] else ''}"
        for what, row in result["growth"].items()
    ]
    return "\n".join(lines + [f"wrong: {fault}" for fault in result["faults"]])


if __name__ == "__main__":
    sys.exit(main())
