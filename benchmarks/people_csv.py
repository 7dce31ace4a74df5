"""Import people by CSV and export them again: the same file, and how much memory it took.

    python -m benchmarks.people_csv --people 100000

On a PostgreSQL of its own, by the commands that an operator types. Four runs, each a process
whose peak of resident memory the kernel tells: a preview, the import, the export, which must
be the file that was imported byte by byte, and an import that changes everybody.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from accounts import sheets
from benchmarks import running
from benchmarks.servers import ROOT, machine, machinery

LIMIT_MB = 200
DEPARTMENTS = ("Sales EMEA", "Sales Americas", "Sales APAC", "Operations", "Partners")
HEADER = (
    "First name", "Last name", "E-mail", "Employee number", "Title", "Department", "Managed by",
    "Sales Navigator", "TeamLink Extend",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=100_000)
    people = parser.parse_args().people
    with machinery() as made:
        database = made.database("people_csv")
        env, about = made.ours(database), machine(database)
        manage(env, "migrate", "-v", "0")
        manage(env, "create_organization", "Bench", "--slug", "bench")
        first, changed, exported = (made.folder / f"{n}.csv" for n in ("first", "new", "out"))
        write(first, people, title="Account executive")
        write(changed, people, title="Team lead")
        runs = {
            "preview": measured(env, "import_people", "bench", str(first), "--dry-run"),
            "import": measured(env, "import_people", "bench", str(first)),
            "export": measured(env, "export_people", "bench", str(exported)),
        }
        same = digest(first) == digest(exported)
        runs["change everybody"] = measured(env, "import_people", "bench", str(changed))
        runs["export again"] = measured(env, "export_people", "bench", str(exported))
        same = same and digest(changed) == digest(exported)
    most = max(run["peak_mb"] for run in runs.values())
    document = {
        "benchmark": "people_csv",
        "people": people,
        "file_mb": round(runs["export"]["told"]["bytes"] / 2**20, 1),
        "same_file": same,
        "peak_mb": most,
        "limit_mb": LIMIT_MB,
        "runs": runs,
        "machine": about,
    }
    path = running.write("people-csv", document)
    running.say(f"{people:,} people, same file: {same}, at most {most} MB: {path}")
    sys.exit(0 if same and most < LIMIT_MB else 1)


def write(path: Path, people: int, *, title: str) -> None:
    """As our own export writes it: in the order of R17, with the columns that an import skips."""
    rows = (
        (
            f"Ada {n % 997}",
            f"Lovelace-{n % 7919:04d}",
            f"ada.{n}@bench.example",
            str(n),
            title,
            DEPARTMENTS[n % len(DEPARTMENTS)],
            "By hand",
            "",
            "",
        )
        for n in range(1, people + 1)
    )
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.writelines(sheets.write([HEADER]))
        for piece in sheets.write(rows):
            file.write(piece.removeprefix("\ufeff"))


def manage(env: Mapping[str, str], *arguments: str) -> None:
    subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=ROOT, env=env, check=True,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip


def measured(env: Mapping[str, str], *arguments: str) -> dict[str, Any]:
    """What the command told, how long it took, and the most memory that its process had."""
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "manage.py", *arguments, "--json"],
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    told = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(arguments)} ended with {process.returncode}: {told!r}")
    run = {
        "seconds": round(time.monotonic() - began, 2),
        "peak_mb": round(usage.ru_maxrss / 1024, 1),
        "told": json.loads(told) | {"file": None},
    }
    running.say(f"{arguments[0]:<15}{run['seconds']:6.1f} s {run['peak_mb']:6.1f} MB")
    return run


def digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    main()
