"""What many tenants need, reckoned from the results of the benchmarks that are in the repository.

Each line shows its sum, so that whoever has other figures can put them in.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from made.markdown import table
from made.sources import CHECKOUT

RESULTS = CHECKOUT / "benchmarks/results"
TENANTS, PEOPLE = 100_000, 100_000_000
#: What is taken for granted, of each person or tenant.
FIRST_CYCLES_DAYS, CYCLES, CHANGING, GROUPS = 30, 36, 0.005, 8
LOOK_UPS = 1.5
ACTIVITY_DAYS = 90
BUSY = 0.5
DAY = 86_400
#: Tables of which a person with a seat in one group has a row each, if they never change.
OF_A_PERSON = (
    "accounts_person",
    "accounts_link",
    "accounts_membership",
    "licensing_seat",
    "licensing_ledgerentry",
)
REST = ("accounts_outbox", "scim_exchange")


class Figures:
    """The newest result of each benchmark, and the name of its file."""

    def __init__(self) -> None:
        self.compare_file, compare = _newest("*-compare.json")
        # Of the whole of it, or else of the most people that were tried.
        wholes = sorted(RESULTS.glob("*-load.json"))
        tries = {
            path: json.loads(path.read_text()) for path in wholes or RESULTS.glob("*-load-*.json")
        }
        newest = max(tries, key=lambda path: (tries[path]["people"], path.name))
        self.load_file, self.load = newest.name, tries[newest]
        self.reconcile_file, reconcile = _newest("*-reconcile.json")
        self.cpu = {name: row["ours"]["cpu_ms"] for name, row in compare["phases"].items()}
        self.member = min(ms for name, ms in self.cpu.items() if name.startswith("member"))
        self.sizes: Mapping[str, Any] = self.load["sizes"]
        self.style, told = next(iter(self.load["styles"].items()))
        self.first: Mapping[str, Any] = told["first"]
        self.members: Mapping[str, Any] = told["first"]["members"]
        self.memory: Mapping[str, Any] = told["memory"]
        self.day: Mapping[str, Any] = told.get("day", told["first"]["people"])
        pools = reconcile["by_people"]["10,000"]["seconds"]
        self.reconciliation = sorted(pools)[len(pools) // 2]

    @property
    def parts(self) -> tuple[float, float]:
        """The web's and PostgreSQL's share of what a request costs both."""
        by_part = self.first["people"]["cpu_ms_by_part"]
        both = by_part["web"] + by_part["postgresql"]
        return by_part["web"] / both, by_part["postgresql"] / both

    def bytes_of(self, name: str) -> int:
        return int(self.sizes[name]["bytes_a_row"])


def measured() -> str:
    """Table of what the sums start from."""
    figures = Figures()
    web, database = figures.parts
    people, cpu = figures.first["people"], figures.cpu
    compare, load = f"`{figures.compare_file}`", f"`{figures.load_file}`"
    rows = [
        ("a look-up by userName", f"{cpu['filter userName']} ms of a core", compare),
        ("a create", f"{cpu['create']} ms", compare),
        ("a change", f"{cpu['PATCH active']} ms", compare),
        ("a member into a group", f"{figures.member} ms", compare),
        ("of which the web / PostgreSQL", f"{web:.0%} / {database:.0%}", load),
        ("write-ahead log of a request in a first cycle", f"{people['wal_bytes']:,} bytes", load),
        ("a web with eight threads", f"{figures.memory['web']['pss_mb']:.0f} MB", load),
        (
            "reconciliation of a pool of 10,000",
            f"{figures.reconciliation:.2f} s",
            f"`{figures.reconcile_file}`",
        ),
        *(
            (
                f"a row of `{name}`",
                f"{figures.bytes_of(name):,} bytes, of {figures.sizes[name]['rows']:,} rows",
                load,
            )
            for name in (*OF_A_PERSON, *REST)
            if name in figures.sizes
        ),
    ]
    return table(("what", "measured", "file in benchmarks/results"), rows)


def page() -> str:
    """The sums."""
    figures = Figures()
    cpu, (web_share, database_share) = figures.cpu, figures.parts
    look_up, create, change = cpu["filter userName"], cpu["create"], cpu["PATCH active"]

    each = LOOK_UPS + 2
    first = PEOPLE * each / FIRST_CYCLES_DAYS / DAY
    first_ms = (LOOK_UPS * look_up + create + figures.member) / each
    changes = PEOPLE * CHANGING / DAY
    daily = changes * (LOOK_UPS + 1)
    daily_ms = (LOOK_UPS * look_up + change) / (LOOK_UPS + 1)
    groups = TENANTS * CYCLES * GROUPS / DAY
    load = [
        ("first cycles, all within a month", first, first_ms,
         f"{_n(PEOPLE)} × ({LOOK_UPS} look-ups + create + member) ÷ {FIRST_CYCLES_DAYS} d"),
        ("changes of people", daily, daily_ms,
         f"{_n(PEOPLE)} × {CHANGING:.1%} × ({LOOK_UPS} look-ups + change) ÷ 1 d"),
        ("groups looked up each cycle", groups, look_up,
         f"{_n(TENANTS)} × {CYCLES} cycles × {GROUPS} groups ÷ 1 d"),
    ]  # fmt: skip
    rows = []
    cores = {"web": 0.0, "database": 0.0}
    for what, rate, ms, sum_ in load:
        worked = rate * ms / 1000
        cores["web"] += worked * web_share
        cores["database"] += worked * database_share
        rows.append((what, sum_, f"{rate:,.0f}", f"{ms:.2f} ms", f"{worked:.2f}"))
    total = sum(rate for _, rate, _, _ in load)
    worked = cores["web"] + cores["database"]
    rows.append(("together", "", f"{total:,.0f}", "", f"{worked:.2f}"))

    a_person = sum(figures.bytes_of(name) for name in OF_A_PERSON)
    kept = PEOPLE * a_person
    steady = daily + groups
    exchange = figures.bytes_of("scim_exchange")
    log = steady * DAY * ACTIVITY_DAYS * exchange
    ledger = PEOPLE * CHANGING * 365 * figures.bytes_of("licensing_ledgerentry")
    wal = figures.first["people"]["wal_bytes"]
    wal_day = (first + steady) * DAY * wal
    webs = max(2.0, cores["web"] / BUSY / 2)
    reconciled = TENANTS * figures.reconciliation / 3600
    needs = [
        ("cores of the web", f"{cores['web']:.2f} ÷ {BUSY:.0%} busy", f"{cores['web'] / BUSY:.1f}"),
        ("cores of PostgreSQL", f"{cores['database']:.2f} ÷ {BUSY:.0%} busy",
         f"{cores['database'] / BUSY:.1f}"),
        ("workers that reconcile each hour",
         f"{_n(TENANTS)} pools × {figures.reconciliation:.2f} s ÷ 3,600 s (of 1,000 people each; "
         "measured with 10,000, so at most)", f"{reconciled:.1f}"),
        ("webs of two cores", f"{cores['web'] / BUSY:.1f} cores ÷ 2, two at least", f"{webs:.0f}"),
        ("memory of the webs", f"{webs:.0f} × {figures.memory['web']['pss_mb']:.0f} MB",
         _size(webs * figures.memory["web"]["pss_mb"] * 1e6)),
        ("connections", f"{webs:.0f} webs × 8 + {2 * reconciled:.0f} of workers + 8 of webhooks",
         f"{webs * 8 + 2 * reconciled + 8:.0f}"),
        ("disk for people, seats, groups", f"{_n(PEOPLE)} × {a_person:,} bytes", _size(kept)),
        ("disk for the ledger, each year",
         f"{_n(PEOPLE)} × {CHANGING:.1%} × 365 × "
         f"{figures.bytes_of('licensing_ledgerentry'):,} bytes", _size(ledger)),
        ("disk for the activity log",
         f"{steady:,.0f} requests/s × {ACTIVITY_DAYS} d × {exchange:,} bytes", _size(log)),
        ("write-ahead log a day", f"{first + steady:,.0f} requests/s × 1 d × {wal:,} bytes",
         _size(wal_day)),
        ("a back-up, before it is packed", "people, ledger of a year, activity log",
         _size(kept + ledger + log)),
    ]  # fmt: skip
    return "\n".join(
        [
            table(("load", "sum", "requests/s", "a request", "cores"), rows),
            table(("needed", "sum", "comes to"), needs),
        ]
    )


def _newest(pattern: str) -> tuple[str, Any]:
    files: Iterable[Path] = sorted(RESULTS.glob(pattern))
    for path in reversed(list(files)):
        return path.name, json.loads(path.read_text())
    raise FileNotFoundError(pattern)


def _n(number: float) -> str:
    return f"{number:,.0f}"


def _size(number: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:,.0f} {unit}"
        number /= 1000
    return f"{number:,.1f} TB"
