"""First cycles of 100,000 people, a day of cycles, and two hundred tenants of whom one is noisy.

    python -m benchmarks.load [--baseline PATH] [--people 100000] [--styles okta,entra,onelogin]
        [--part first,day,tenants] [--minutes 18]

starts PostgreSQL, Valkey, web, workers and schedule as in production. The requests are those of
scim/simulator.py. All that is sent and pushed by each style:

    style     a person                              groups                           connections
    okta      filter by userName, POST              PATCH, 100 members a request     8
    entra     filter by userName, filter by         PATCH, one member a request      8
              externalId, POST; corrections are     (the first 10,000 people alone)
              a PATCH with capitalised operations
    onelogin  filter by userName, POST              PATCH, 100 members a request     4

No identity provider documents how many requests it has in flight. Microsoft asks an endpoint to
take 25 requests a second of each tenant and starts a cycle forty minutes after the last one; at a
third of a second a request, through the internet, that is eight in flight. Okta's is taken to be
the same, OneLogin's half of it. Here they are on the same machine and send the next request at
once, so each is far faster than it is in life: it is the most that the product takes.

`first`   the first cycle: everybody, then a group for each department with everybody in it. The
          pool has seats for 95 % of them, the others wait; invitations are sent meanwhile.
`day`     36 cycles one after the other, in each of which half a percent of the people change: a
          fifth of them join, a fifth leave, the others get another title. They are looked up, and
          joiners and leavers go into and out of their groups. Okta reads all people by pages of a
          hundred once, as its import does each day.
`tenants` 200 tenants. 199 are quiet: by a timetable they look up, read and change 40 times a second
          together. One of them pushes as fast as it can, over 16 connections, and does not care for
          429. Rounds take turns: quiet alone; with the noise, under the limits of production
          (SCIM_RATE=100, SCIM_BURST=1000 a token and process); with the noise, without limits.

Where a single identity provider pushes, the limit of SCIM is switched off by its setting
(SCIM_RATE=0): with it a first cycle is as fast as 100 to 200 requests a second allow, which is what
is wanted in production, and nothing else would be measured.

Told of each part: people and requests a second, latencies by kind of request, refusals, and for
each request the processor time of the parts, the database's (benchmarks/usage.py) and bytes of
write-ahead log. Ratios are taken in rounds that take turns, after the first cycle, when all people
are there: new people are pushed to the product and (--baseline) to plain django-scim2 with as many
people, and a view that does nothing is asked on the product's own web. Afterwards everybody who was
accepted has to be there as pushed last, no seat too many, nothing to reconcile, the ledger whole.

--minutes bounds all first cycles together: one that takes longer than its share is ended, and the
result says so. Writes results/DATE-load.json (of less than all of it, DATE-load-PEOPLE.json) and
ends with 1 if anything was wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime as dt
import itertools
import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import afterwards, directory, kills, running, usage
from benchmarks.client import Measured
from benchmarks.conversations import Conversation, Crowd
from benchmarks.directory import Directory
from benchmarks.servers import ROOT, Machinery, cpu_seconds, machine, machinery

#: Style → connections, and its share of the time for first cycles.
STYLES = {"okta": (8, 0.25), "entra": (8, 0.5), "onelogin": (4, 0.25)}
PARTS = ("first", "day", "tenants")
SEATED = 0.95
#: Entra's members go one by one, and one costs the same in any group: so many are enough.
MOST_ONE_BY_ONE = 10_000
CYCLES, CHANGING = 36, 0.005
TENANTS, QUIET_RATE, NOISY_CONNECTIONS = 200, 40.0, 16
LIMITS = {"SCIM_RATE": "100", "SCIM_BURST": "1000"}
NO_LIMITS = {"SCIM_RATE": "0"}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.load",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--baseline", type=Path, help="the plain project's folder")
    parser.add_argument("--people", type=int, default=100_000, help="of each style")
    parser.add_argument("--styles", default=",".join(STYLES))
    parser.add_argument("--part", default=",".join(PARTS), help="only these, by commas")
    parser.add_argument("--minutes", type=float, default=18, help="for all first cycles")
    parser.add_argument("--rounds", type=int, default=5, help="where ratios are taken")
    parser.add_argument("--seconds", type=float, default=12, help="length of a round of tenants")
    options = parser.parse_args()
    styles, parts = options.styles.split(","), options.part.split(",")
    if set(styles) - set(STYLES) or set(parts) - set(PARTS):
        parser.error(f"styles are {', '.join(STYLES)}, parts are {', '.join(PARTS)}")
    if not (20 <= options.people <= 200_000 and 1 <= options.rounds <= 50):
        parser.error("people are from 20 to 200,000, rounds from 1 to 50")
    if options.baseline and not (options.baseline / "seed.py").exists():
        parser.error(f"{options.baseline} has no seed.py")
    result = run(
        people=options.people, styles=styles, parts=parts, baseline=options.baseline,
        minutes=options.minutes, rounds=options.rounds, seconds=options.seconds,
    )  # fmt: skip
    print(json.dumps(result, indent=1))
    whole = options.people == parser.get_default("people") and set(styles) == set(STYLES)
    name = "load" if whole and set(parts) == set(PARTS) else f"load-{options.people}"
    print(f"\nWritten to {running.write(name, result).relative_to(ROOT)}", file=sys.stderr)
    return 1 if result["faults"] else 0


def run(
    *,
    people: int,
    styles: Sequence[str] = tuple(STYLES),
    parts: Sequence[str] = PARTS,
    baseline: Path | None = None,
    minutes: float = 18,
    rounds: int = 5,
    seconds: float = 10,
    tenants: int = TENANTS,
) -> dict[str, Any]:
    """The whole of it. faults: what was wrong, in sentences; empty is what is wanted."""
    started = time.monotonic()
    with machinery() as made, contextlib.ExitStack() as stack:
        load = Load(made, stack, people, rounds)
        result: dict[str, Any] = {
            "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            "machine": machine(load.stage.database_url),
            "people": people,
            "styles": {},
        }
        if "first" in parts or "day" in parts:
            load.open(styles, baseline)
        shares = sum(STYLES[style][1] for style in styles)
        for style in styles if load.pushing else ():
            bound = minutes * 60 * STYLES[style][1] / shares
            told = result["styles"][style] = {"first": asyncio.run(load.first(style, bound))}
            told["ratios"] = asyncio.run(load.ratios(style))
            if "day" in parts:
                told["day"] = asyncio.run(load.day(style))
            told["memory"] = usage.memory(load.stage)
            running.say(f"{style}: {json.dumps(_short(told))}")
        if load.pushing:
            result["sizes"] = usage.sizes(load.stage)
        if "tenants" in parts:
            noise = load.noise(tenants)
            result["tenants"] = noise.told(asyncio.run(noise.go(seconds)))
            running.say(f"tenants: {json.dumps(result['tenants']['ratios'])}")
        result["faults"] = load.wrong() + load.refused
        result["machine"]["load_after"] = running.load_average()
        result["seconds"] = round(time.monotonic() - started)
    return result


class Load:
    """The product, who pushes to it, and what was refused."""

    def __init__(
        self, made: Machinery, stack: contextlib.ExitStack, people: int, rounds: int
    ) -> None:
        self.made, self.people, self.rounds = made, people, rounds
        self.stage = kills.Stage(
            made, people, stack, application="benchmarks.wsgi:application", **NO_LIMITS
        )
        self.pushing: dict[str, Directory] = {}
        self.plain: dict[str, Directory] = {}
        self.opened: list[tuple[str, Directory]] = []
        self.refused: list[str] = []

    def open(self, styles: Sequence[str], baseline: Path | None) -> None:
        """A tenant for each style; plain django-scim2 with as many people as one of them gets."""
        opened = directory.tenants(
            self.stage, len(STYLES), seats=int(self.people * SEATED), named="first"
        )
        for slug, one in opened:
            if one.idp.name in styles:
                self.pushing[one.idp.name] = one
                self.opened.append((slug, one))
        if baseline is not None:
            plain, address = running.seed_theirs(self.made, baseline.resolve(), self.people)
            self.made.settle(address)
            for seed, style in enumerate(styles, 1):
                self.plain[style] = Directory(
                    style, plain.target, most=directory.MOST, seed=100 + seed, prefix=f"{style}."
                )

    async def first(self, style: str, bound: float) -> dict[str, Any]:
        """The first cycle, for so many seconds at most."""
        one, started = self.pushing[style], time.perf_counter()
        crowd = Crowd(self.stage.port, STYLES[style][0])
        told: dict[str, Any] = {"connections": STYLES[style][0]}
        everybody = self._measure(crowd, one.joiners(self.people), bound)
        told["people"] = (await everybody) | {"accepted": len(one.accepted)}
        told["people"]["people_a_second"] = round(len(one.accepted) / told["people"]["seconds"], 1)
        left = max(10.0, bound - (time.perf_counter() - started))
        told["groups"] = await self._measure(crowd, one.make_groups(), left)
        one_by_one = one.idp.members_at_once == 1
        pieces = one.fill_groups(MOST_ONE_BY_ONE if one_by_one else self.people)
        left = max(10.0, bound - (time.perf_counter() - started))
        told["members"] = await self._measure(crowd, pieces, left)
        told["members"]["of"] = len(pieces)
        filled = told["members"]["conversations"] == len(pieces)
        told["finished"] = len(one.accepted) == self.people and filled
        crowd.close()
        return told

    async def day(self, style: str) -> dict[str, Any]:
        """Cycles one after the other: each as an identity provider's after forty minutes."""
        one = self.pushing[style]
        number = max(1, round(self.people * CHANGING))
        joining = max(1, number // 5)
        crowd = Crowd(self.stage.port, STYLES[style][0])

        def cycle(place: int) -> Iterator[Conversation]:
            leaving = one.sample(joining)
            if style == "okta" and place == 0:
                yield from (one.page(page) for page in range(-(-self.people // directory.LIST)))
            for name in one.groups:
                yield one.look_up_group(name)
            yield from one.joiners(joining)
            yield from (one.change() for _ in range(max(1, number - 2 * joining)))
            for employee in leaving:
                yield one.leave(employee)

        def regrouped(before: set[str], leavers: Iterable[Any]) -> Iterator[Conversation]:
            joined = [e for n, e in one.accepted.items() if n not in before]
            for employee in (e for e in joined if e.department in one.groups):
                yield one.members(employee.department, add=[employee])
            for employee in (e for e in leavers if e.department in one.groups):
                yield one.members(employee.department, remove=[employee])

        def everything() -> Iterator[Conversation]:
            for place in range(CYCLES):
                before = set(one.accepted)
                active = {n for n, e in one.accepted.items() if e.active}
                yield from cycle(place)
                gone = [e for n, e in one.accepted.items() if n in active and not e.active]
                yield from regrouped(before, gone)

        told = await self._measure(crowd, everything(), 3600)
        crowd.close()
        return told | {"cycles": CYCLES, "changing_a_cycle": number}

    async def ratios(self, style: str) -> dict[str, Any]:
        """New people for the product and for the plain project, and nothing asked, in turns."""
        connections = STYLES[style][0]
        sides: dict[str, Callable[[], Iterator[Conversation]]] = {
            "ours": lambda: self.pushing[style].joiners(),
            "nothing": lambda: iter(lambda: self.pushing[style].nothing(), None),
        }
        if style in self.plain:
            sides["plain"] = lambda: self.plain[style].joiners()
        crowds = {
            name: Crowd(
                self.plain[style].target.port if name == "plain" else self.stage.port, connections
            )
            for name in sides
        }
        rows: dict[str, list[Measured]] = {name: [] for name in sides}
        people: dict[str, list[float]] = {name: [] for name in sides}
        failures: dict[str, str] = {}
        for directories in (self.pushing, self.plain):
            if style in directories:
                directories[style].without_password = True
        for turn in range(self.rounds):
            for name in sides if turn % 2 == 0 else reversed(list(sides)):
                count = itertools.count()
                counted = (c for c, _ in zip(sides[name](), count, strict=False))
                before = cpu_seconds()
                took = await crowds[name].talk(counted, seconds=1.5)
                together = Measured(seconds=took, cpu=cpu_seconds() - before)
                for row in crowds[name].take().values():
                    together.latencies += row.latencies
                    together.statuses.update(row.statuses)
                    if row.failure:
                        failures.setdefault(name, row.failure)
                rows[name].append(together)
                people[name].append(next(count) / took)
        for crowd in crowds.values():
            crowd.close()
        told: dict[str, Any] = {
            name: running.summary(rows[name])
            | {"people_per_second": round(statistics.median(people[name]), 1)}
            for name in sides
        }
        for other in sides:
            if other != "ours":
                told[f"ours to {other}"] = running.ratio(rows["ours"], rows[other])
        if "ours" in failures:
            self.refused.append(f"{style}, beside others: {failures['ours']}")
        return told | ({"failures": failures} if failures else {})

    def noise(self, number: int) -> Noise:
        opened = directory.tenants(self.stage, number, seats=100_000, named="tenant")
        self.opened += opened
        limited = self.made.serve(
            "limited", "benchmarks.wsgi:application", ROOT, {**self.stage.environment, **LIMITS}
        )
        return Noise(self, [one for _, one in opened], limited)

    def wrong(self) -> list[str]:
        return afterwards.wrong(self.stage, self.opened)

    async def _measure(
        self, crowd: Crowd, conversations: Iterable[Conversation], seconds: float
    ) -> dict[str, Any]:
        """These conversations, at most so long: what they came to."""
        count = itertools.count()
        counted = (c for c, _ in zip(conversations, count, strict=False))
        before = usage.read(self.stage)
        took = await crowd.talk(counted, seconds=seconds)
        after = usage.read(self.stage)
        measured = crowd.take()
        together = usage.percentiles(measured.values())
        self.note(crowd, measured)
        return {
            "conversations": next(count),
            "seconds": round(took, 1),
            "requests_a_second": round(together["requests"] / took, 1),
            **together,
            **usage.spent(before, after, together["requests"]),
            "kinds": {kind: usage.percentiles([row]) for kind, row in measured.items()},
            "e-mails waiting": self.stage.execute(
                "SELECT count(*) FROM accounts_outbox WHERE done_at IS NULL"
            )[0][0],
        }

    def note(self, crowd: Crowd, measured: Mapping[str, Measured]) -> None:
        """What was refused, and what broke."""
        for kind, row in measured.items():
            if row.failure:
                self.refused.append(f"{kind}: {row.failure} ({dict(row.statuses)})")
        self.refused += [f"{n} × {why}" for why, n in crowd.broken.items()]
        crowd.broken.clear()


class Noise:
    """Quiet tenants by a timetable, alone and beside one that pushes as fast as it can."""

    def __init__(self, load: Load, directories: Sequence[Directory], limited: int) -> None:
        self.load, self.limited = load, limited
        self.noisy, *self.quiet = directories
        self.people = 20
        self._chance = random.Random(7)
        #: Name → the web's port, and whether there is noise.
        self.states = {
            "quiet alone": (limited, False),
            "with noise, limited": (limited, True),
            "with noise, no limit": (load.stage.port, True),
        }

    async def go(self, seconds: float) -> dict[str, list[tuple[dict[str, Measured], Measured]]]:
        crowd = Crowd(self.load.stage.port, 8)
        await crowd.talk((c for d in self.quiet for c in d.joiners(self.people)), seconds=600)
        self.load.note(crowd, crowd.take())
        crowd.close()
        found: dict[str, Any] = {name: [] for name in self.states}
        for turn in range(self.load.rounds):
            for name in self.states if turn % 2 == 0 else reversed(list(self.states)):
                found[name].append(await self._round(*self.states[name], seconds))
        return found

    async def _round(self, port: int, noise: bool, seconds: float) -> Any:
        quiet, noisy = Crowd(port, 16), Crowd(port, NOISY_CONNECTIONS)
        before, worked = usage.read(self.load.stage), cpu_seconds()
        timetable = ((at, self._quiet()) for at in self._moments(seconds))
        loads = [quiet.keep_to(timetable)]
        if noise:
            await asyncio.gather(*loads, noisy.talk(self.noisy.joiners(), seconds=seconds))
        else:
            await asyncio.gather(*loads)
        spent = usage.spent(before, usage.read(self.load.stage), 1)
        spent["cpu_ms"] = 1000 * (cpu_seconds() - worked)  # there are two webs
        measured, rest = quiet.take(), noisy.take()
        self.load.note(quiet, measured)
        odd = {k: row for k, row in rest.items() if set(row.statuses) - {200, 201, 429}}
        self.load.note(noisy, odd)
        quiet.close()
        noisy.close()
        return measured, rest, spent

    def told(self, found: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
        rows = {
            name: [usage.percentiles(measured.values()) for measured, _, _ in rounds]
            for name, rounds in found.items()
        }
        told: dict[str, Any] = {"tenants": 1 + len(self.quiet), "rounds": {}, "ratios": {}}
        for name, rounds in found.items():
            quiet = usage.percentiles(row for measured, _, _ in rounds for row in measured.values())
            noise = usage.percentiles(row for _, rest, _ in rounds for row in rest.values())
            noise.pop("failure", None)  # it is told to wait, as it should be
            requests = quiet["requests"] + noise["requests"]
            told[name] = {
                "quiet": quiet,
                "noisy": noise,
                "cpu_ms": round(sum(s["cpu_ms"] for _, _, s in rounds) / max(1, requests), 3),
                "database_ms": round(
                    sum(s["database_ms"] for _, _, s in rounds) / max(1, requests), 3
                ),
            }
            told["rounds"][name] = [(r["p50_ms"], r["p95_ms"], r["p99_ms"]) for r in rows[name]]
            if name != "quiet alone":
                told["ratios"][name] = {
                    share: round(
                        statistics.median(
                            noisy[share] / alone[share]
                            for noisy, alone in zip(rows[name], rows["quiet alone"], strict=True)
                        ),
                        2,
                    )
                    for share in ("p50_ms", "p95_ms", "p99_ms")
                }
        return told

    def _quiet(self) -> Conversation:
        one = self._chance.choice(self.quiet)
        return self._chance.choice((one.look_up, one.read, one.change))()

    def _moments(self, seconds: float) -> Iterator[float]:
        at = 0.0
        while (at := at + self._chance.expovariate(QUIET_RATE)) < seconds:
            yield at


def _short(told: Mapping[str, Any]) -> dict[str, Any]:
    """For the screen."""
    first = told["first"]["people"]
    return {
        "people_a_second": first["people_a_second"],
        **{name: first[name] for name in ("requests", "p50_ms", "p95_ms", "p99_ms", "cpu_ms")},
        "finished": told["first"]["finished"],
        "ratios": {name: row for name, row in told["ratios"].items() if name.startswith("ours to")},
    }


if __name__ == "__main__":
    sys.exit(main())
