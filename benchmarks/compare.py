"""Seatkeeper against plain django-scim2, on one machine, in one run, taking turns.

    python -m benchmarks.compare --baseline PATH [--people 100000] [--rounds 5] [--seconds 2]

Starts its own PostgreSQL, fills two databases, serves both products with the same
gunicorn, measures, prints a table, writes benchmarks/results/DATE-compare.json, and
removes everything again. Only ratios of one run mean something: see README.md.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import sys
from pathlib import Path
from typing import Any

from benchmarks import phases, running
from benchmarks.client import Target
from benchmarks.phases import Seeded
from benchmarks.servers import ROOT, machine, machinery

GROUPS = {100: None, 1_000: None, 10_000: 300.0}
#: The best of get and filter reaches at least this share of a view that does nothing.
SHARE_OF_NOTHING = 0.5


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.compare",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--baseline", type=Path, required=True, help="the plain project's folder")
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each phase and product")
    parser.add_argument("--seconds", type=float, default=2, help="length of a round")
    parser.add_argument("--phases", default="", help="only these, by the start of their names")
    options = parser.parse_args()
    if not (options.baseline / "seed.py").exists():
        parser.error(f"{options.baseline} has no seed.py")
    if not (1_000 <= options.people <= 1_000_000 and 1 <= options.rounds <= 50):
        parser.error("people are from 1,000 to 1,000,000, rounds from 1 to 50")

    with machinery() as made:
        # Theirs needs 1,500 people outside of each group that it fills.
        sizes = [size for size in GROUPS if size + 1_500 <= options.people]
        ours, our_database = running.seed_ours(made, "ours", options.people, sizes)
        theirs, their_database = running.seed_theirs(
            made, options.baseline.resolve(), options.people
        )
        bare_port = made.serve("bare", "benchmarks.bare:application", ROOT, os.environ)
        made.settle(our_database, their_database)
        products = {
            "ours": ours,
            "theirs": theirs,
            "bare": Seeded(Target(bare_port, ""), 0, [], {}),
        }
        about = machine(our_database) | {"people": options.people}
        running.say(json.dumps(about))
        measured = _measure(options, products, sizes)
        result = {
            "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            "machine": about | {"load_after": running.load_average()},
            "rounds": options.rounds,
            "seconds": options.seconds,
            **_results(measured, sizes),
        }
    print(_table(result))
    print(f"\nWritten to {running.write('compare', result).relative_to(ROOT)}")
    return 0


def _measure(options: Any, products: dict[str, Seeded], sizes: list[int]) -> Any:
    wanted = [
        phases.NOTHING,
        phases.GET,
        phases.FILTER,
        phases.ACTIVE,
        phases.CREATE,
        phases.LIST,
        *(phases.member_phase(str(size), GROUPS[size]) for size in sizes),
    ]
    starts = tuple(start for start in options.phases.split(",") if start)
    if starts:
        wanted = [phase for phase in wanted if phase.name.startswith(starts)]
    skip = {(phase.name, "bare") for phase in wanted if phase is not phases.NOTHING}
    return running.rounds(
        wanted,
        products,
        number=options.rounds,
        seconds=options.seconds,
        skip=frozenset(skip | {(phases.NOTHING.name, "theirs")}),
    )


def _results(measured: Any, sizes: list[int]) -> dict[str, Any]:
    rows: dict[str, Any] = {}
    targets = {
        phase.name: phase.target
        for phase in (phases.GET, phases.FILTER, phases.ACTIVE, phases.CREATE, phases.LIST)
    } | {phases.member_phase(str(size)).name: GROUPS[size] for size in sizes}
    for name, by_product in measured.items():
        rows[name] = {who: running.summary(rounds) for who, rounds in by_product.items()}
        if "theirs" in by_product:
            rows[name]["ratio"] = running.ratio(by_product["ours"], by_product["theirs"])
            rows[name]["target"] = targets.get(name)
        if failed := running.failures(by_product):
            rows[name]["failures"] = failed
    nothing = rows.get(phases.NOTHING.name)
    reads = [
        rows[p.name]["ours"]["per_second"] for p in (phases.GET, phases.FILTER) if p.name in rows
    ]
    document: dict[str, Any] = {"phases": rows}
    if nothing and reads and "failures" not in nothing:
        document["share_of_nothing"] = {
            "on_the_road_of_scim": round(max(reads) / nothing["ours"]["per_second"], 2),
            "in_bare_django": round(max(reads) / nothing["bare"]["per_second"], 2),
            "target": SHARE_OF_NOTHING,
        }
    return document


def _table(result: dict[str, Any]) -> str:
    head = (
        f"{'':<19}{'ours/s':>8}{'p50':>8}{'p95':>8}{'CPU ms':>8}"
        f"{'theirs/s':>10}{'p50':>9}{'p95':>9}{'CPU ms':>8}"
        f"{'ratio':>9}{'(least–most)':>16}{'by CPU':>9}{'target':>7}"
    )
    lines = [head]
    for name, row in result["phases"].items():
        ours = row["ours"]
        line = f"{name:<19}{ours['per_second']:>8}{_times(ours)}"
        if "theirs" in row:
            theirs, ratio, target = row["theirs"], row["ratio"], row["target"]
            span = f"({ratio['least']}–{ratio['most']})"
            line += f"{theirs['per_second']:>10}{_times(theirs, 9)}"
            line += f"{ratio['median']:>8}×{span:>16}{ratio['cpu']:>8}×"
            if target is not None:
                line += f"{target:>6g}× {'reached' if ratio['median'] >= target else 'MISSED'}"
        elif "bare" in row:
            line += f"   (bare Django {row['bare']['per_second']}/s)"
        lines.append(line)
        lines.extend(f"  {who} failed: {why}" for who, why in row.get("failures", {}).items())
    if share := result.get("share_of_nothing"):
        lines.append(
            f"best of get and filter: {share['on_the_road_of_scim']:.0%} of a view that does "
            f"nothing on the road of a SCIM request, {share['in_bare_django']:.0%} of one in bare "
            f"Django; target {share['target']:.0%}"
        )
    return "\n".join(lines)


def _times(row: dict[str, Any], width: int = 8) -> str:
    return f"{row['p50_ms']:>{width}}{row['p95_ms']:>{width}}{row['cpu_ms']:>8}"


if __name__ == "__main__":
    sys.exit(main())
