"""Whether Seatkeeper stays as fast when organizations grow.

    python -m benchmarks.flat [--sizes 1000,10000,100000,1000000] [--rounds 5] [--seconds 2]

One database and one server a size, asked in turns. Then one member into groups of 100 to
100,000 in the largest. Flat means that no size is more than 20% slower than the smallest.
A million people take some minutes to seed, and some gigabytes of disk until the end.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks import phases, running
from benchmarks.client import Measured
from benchmarks.phases import Phase, Seeded
from benchmarks.servers import ROOT, machine, machinery

PHASES = (phases.GET, phases.FILTER, phases.ACTIVE, phases.CREATE, phases.LIST)
GROUPS = (100, 1_000, 10_000, 100_000)
#: So much of the smallest one's speed is left, at least, where it is flat.
FLAT = 0.8
#: A page anywhere in the list is not promised to be flat; it is shown all the same.
NOT_PROMISED = {phases.LIST.name}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.flat",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--sizes", default="1000,10000,100000,1000000")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2)
    options = parser.parse_args()
    sizes = sorted({int(size) for size in options.sizes.split(",")})
    if not (sizes[0] >= 100 and sizes[-1] <= 2_000_000 and 1 <= options.rounds <= 50):
        parser.error("sizes are from 100 to 2,000,000, rounds from 1 to 50")

    with machinery() as made:
        products: dict[str, Seeded] = {}
        databases = []
        for size in sizes:
            groups = GROUPS if size == sizes[-1] else ()
            products[f"{size:,}"], database = running.seed_ours(made, f"flat_{size}", size, groups)
            databases.append(database)
        made.settle(*databases)
        about = machine(databases[-1])
        running.say(json.dumps(about))
        turns = {"number": options.rounds, "seconds": options.seconds}
        measured = running.rounds(PHASES, products, **turns)
        largest = products[f"{sizes[-1]:,}"]
        in_groups = {
            f"{int(size):,}": Seeded(largest.target, 0, largest.people, {"any": group})
            for size, group in largest.groups.items()
        }
        member = Phase("one member more", lambda seeded: seeded.member("any"), 1)
        by_group = running.rounds([member], in_groups, **turns)
        result = {
            "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            "machine": about | {"load_after": running.load_average()},
            **turns,
            "by_people": {name: _row(rows) for name, rows in measured.items()},
            "by_members": {name: _row(rows) for name, rows in by_group.items()},
        }
    print(_table(result["by_people"], "people"))
    print(_table(result["by_members"], "members"))
    print(f"\nWritten to {running.write('flat', result).relative_to(ROOT)}")
    return 0


def _row(by_size: Mapping[str, Sequence[Measured]]) -> dict[str, Any]:
    smallest = next(iter(by_size.values()))
    row: dict[str, Any] = {
        size: running.summary(rounds) | {"of_smallest": running.ratio(rounds, smallest)}
        for size, rounds in by_size.items()
    }
    if failed := running.failures(by_size):
        row["failures"] = failed
    return row


def _table(by_phase: Mapping[str, Any], what: str) -> str:
    sizes = [size for size in next(iter(by_phase.values())) if size != "failures"]
    lines = ["", f"{'requests/s at':<18}" + "".join(f"{size:>18}" for size in sizes) + f" {what}"]
    for name, row in by_phase.items():
        line = f"{name:<18}"
        for size in sizes:
            share = row[size]["of_smallest"]["median"]
            line += f"{row[size]['per_second']:>11} {share:>5.0%} "
        worst = min(row[size]["of_smallest"]["median"] for size in sizes)
        if name not in NOT_PROMISED:
            line += "  flat" if worst >= FLAT else "  NOT FLAT"
        lines.append(line)
        lines.append(
            f"{'  CPU ms a request':<18}"
            + "".join(
                f"{row[size]['cpu_ms']:>11} {1 / (row[size]['of_smallest']['cpu'] or 1):>5.0%} "
                for size in sizes
            )
        )
        lines.extend(f"  {size} failed: {why}" for size, why in row.get("failures", {}).items())
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
