"""What the parts of the product spend and hold: processor, memory, database, write-ahead log.

Memory is what Linux calls PSS: of a page that several processes share each counts its part, so
that the sum of a part's processes is what the part holds. Of PostgreSQL, `private` is without the
shared buffers, which fill until they are full, as they should. Without /proc there are zeros.

The database's time is pg_stat_database.active_time: how long its connections were busy with a
statement, waits for locks and for the disk included, as PostgreSQL itself counts it, of all parts
of the product. pg_stat_statements would tell it by statement, but has to be loaded at the start.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks import kills
from benchmarks.client import Measured
from benchmarks.servers import family


@dataclasses.dataclass(frozen=True)
class Reading:
    """At one moment: processor seconds by part, database milliseconds, bytes of write-ahead log,
    and of the whole machine the seconds that were worked and that there were."""

    at: float
    cpu: Mapping[str, float]
    client: float
    database_ms: float
    wal: float
    busy: float
    all: float


def read(stage: kills.Stage) -> Reading:
    [[active, wal]] = stage.execute(
        "SELECT active_time, pg_current_wal_lsn() - '0/0' FROM pg_stat_database "
        "WHERE datname = current_database()"
    )
    busy, everything = machine()
    return Reading(
        time.perf_counter(), {part: sum(own.values()) for part, own in _parts(stage).items()},
        time.process_time(), float(active), float(wal), busy, everything,
    )  # fmt: skip


def spent(before: Reading, after: Reading, requests: int) -> dict[str, Any]:
    """Between two readings, for each of so many requests."""
    each = max(1, requests)
    cpu = {part: 1000 * (after.cpu[part] - before.cpu[part]) / each for part in after.cpu}
    return {
        "cpu_ms": round(sum(cpu.values()), 3),
        "cpu_ms_by_part": {part: round(ms, 3) for part, ms in cpu.items()},
        "client_cpu_ms": round(1000 * (after.client - before.client) / each, 3),
        "database_ms": round((after.database_ms - before.database_ms) / each, 3),
        "wal_bytes": round((after.wal - before.wal) / each),
        "machine_busy": round((after.busy - before.busy) / max(1e-9, after.all - before.all), 3),
    }


def memory(stage: kills.Stage) -> dict[str, dict[str, float]]:
    """Megabytes of each part; PostgreSQL's without and with the shared buffers."""
    return {part: _memory(own) for part, own in _parts(stage).items()}


def _parts(stage: kills.Stage) -> dict[str, dict[int, float]]:
    """The processes of each part, and what each has computed (s)."""
    everything = family(os.getpid())
    found = {part: family(stage.guard(part)) for part in kills.PARTS}
    found["postgresql"], found["valkey"] = {}, {}
    for pid, seconds in everything.items():
        with contextlib.suppress(OSError):
            name = Path(f"/proc/{pid}/comm").read_text()
            if name.startswith("postgres"):
                found["postgresql"][pid] = seconds
            elif name.startswith(("valkey", "redis")):
                found["valkey"][pid] = seconds
    return found


def _memory(processes: Iterable[int]) -> dict[str, float]:
    pss = private = resident = number = 0
    for pid in processes:
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
            of = {name: int(rest.split()[0]) for name, _, rest in (x.partition(":") for x in lines)}
            number += 1
            resident += of["Rss"]
            pss += of["Pss"]
            private += of["Pss"] - of.get("Pss_Shmem", 0)
    return {
        "processes": number,
        "private_mb": round(private / 1024, 2),
        "pss_mb": round(pss / 1024, 2),
        "rss_mb": round(resident / 1024, 2),
    }


def machine() -> tuple[float, float]:
    """Seconds that all cores worked, for whomever, and seconds that there were."""
    with contextlib.suppress(OSError):
        ticks = [int(n) for n in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
        each = os.sysconf("SC_CLK_TCK")
        return (sum(ticks) - ticks[3] - ticks[4]) / each, sum(ticks) / each
    return 0.0, 0.0


def cores() -> int:
    return os.cpu_count() or 1


def sizes(stage: kills.Stage) -> dict[str, dict[str, int]]:
    """Rows of each table that has any, and its bytes with indexes and long values; a table that is
    kept by month is one."""
    found = {}
    for [table, size] in stage.execute(
        "SELECT coalesce(pg_partition_root(oid), oid)::regclass::text, "
        "sum(pg_total_relation_size(oid))::bigint FROM pg_class "
        "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace GROUP BY 1 ORDER BY 1"
    ):
        [[rows]] = stage.execute(f"SELECT count(*) FROM {table}")
        if rows:
            found[table] = {"rows": rows, "bytes": size, "bytes_a_row": round(size / rows)}
    return found


def percentiles(rows: Iterable[Measured]) -> dict[str, Any]:
    """Of one kind of request, or of several."""
    together = Measured()
    for row in rows:
        together.latencies += row.latencies
        together.statuses.update(row.statuses)
        together.failure = together.failure or row.failure
    return {
        "requests": len(together.latencies),
        "p50_ms": round(together.milliseconds(0.5), 2),
        "p95_ms": round(together.milliseconds(0.95), 2),
        "p99_ms": round(together.milliseconds(0.99), 2),
        "max_ms": round(max(together.latencies, default=0) * 1000, 2),
        "statuses": {str(status): n for status, n in sorted(together.statuses.items())},
        **({"failure": together.failure} if together.failure else {}),
    }
