"""Hostile requests to every address of the URL configuration: pages, Admin API and SCIM.

    python -m benchmarks.hostile --cases 10000 [--only scim:] [--seed N] [--processes 2] [--resume]

sends so many to each address (tests/hostile.py makes them from the seed and the address), as the
owner of one organization, with its SCIM token and with its API token, in process and on an own
PostgreSQL; each is undone. None may end in an error of ours, tell a word of the other organization,
change it, or change anything by what was refused (one in twenty is watched). Passwords are hashed
cheaply here, since the hash is slow by design.

Two million requests take hours. The result, results/DATE-hostile.json, is written after each
address; with --resume the addresses that the newest result has with so many cases of this seed and
without a fault are left out, so that it can go on after an interruption, and what the result has of
the others stays until they are attacked anew. Ends with 1 if anything was wrong.
"""

from __future__ import annotations

import argparse
import collections
import datetime as dt
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg

from benchmarks.servers import machine
from config import embedded

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).resolve().parent / "results"


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.hostile",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--cases", type=int, default=10_000, help="for each address")
    parser.add_argument("--only", default="", help="addresses whose name begins so")
    parser.add_argument("--seed", type=int, default=2811)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--resume", action="store_true", help="go on with the newest result")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        return _attack(options)
    done = _newest(options) if options.resume else {}
    with tempfile.TemporaryDirectory(prefix="seatkeeper-hostile-") as made:
        folder = Path(made)
        folder.chmod(0o711)  # PostgreSQL passes through as another user when we are root
        with embedded.start(folder.resolve(), temporary=True) as servers:
            about = machine(servers.addresses.database_url)
            environments = [
                _environment(servers.addresses, folder, number)
                for number in range(options.processes)
            ]
            names = _names(options, environments[0], done)
            print(f"{len(names)} addresses to attack", flush=True)
            waiting = iter(names)  # each process takes the next one
            with ThreadPoolExecutor(options.processes) as pool:
                ends = [
                    pool.submit(_go, options, env, waiting, done, about) for env in environments
                ]
            for end in ends:
                end.result()
    faults = [fault for record in done.values() for fault in record["faults"]]
    for fault in faults[:20]:
        print(fault, end="\n\n")
    return 1 if faults else 0


def _environment(addresses: embedded.Addresses, folder: Path, number: int) -> dict[str, str]:
    """A database and a queue of its own, with the tables."""
    name = f"hostile_{number}"
    with psycopg.connect(addresses.database_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    environment = {
        **{name: value for name, value in os.environ.items() if name != "PUBLIC_URL"},
        "DATABASE_URL": urlunsplit(urlsplit(addresses.database_url)._replace(path=f"/{name}")),
        "REDIS_URL": urlunsplit(urlsplit(addresses.redis_url)._replace(path=f"/{number}")),
        "SEATKEEPER_DATA": str(folder),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "LOG_LEVEL": "CRITICAL",
    }
    migrate = [sys.executable, "manage.py", "migrate", "-v", "0"]
    subprocess.run(migrate, cwd=ROOT, env=environment, check=True)
    return environment


def _names(
    options: argparse.Namespace, environment: dict[str, str], done: dict[str, Any]
) -> list[str]:
    code = (
        "import django; django.setup(); from tests import endpoints; "
        "print(*(f'{each.name} /{each.form}' for each in endpoints.every()), sep='\\n')"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE
    )
    names = told.stdout.decode().splitlines()

    def is_done(name: str) -> bool:
        record = done.get(name, {"cases": 0, "faults": []})
        return record["cases"] >= options.cases and not record["faults"]

    return [name for name in names if name.startswith(options.only) and not is_done(name)]


def _go(
    options: argparse.Namespace,
    environment: dict[str, str],
    waiting: Iterator[str],
    done: dict[str, Any],
    about: dict[str, Any],
) -> None:
    """Lets one process attack address after address, and keeps what it tells."""
    again = [
        *(sys.executable, "-m", "benchmarks.hostile", "--inside"),
        *("--cases", str(options.cases), "--seed", str(options.seed)),
    ]
    with subprocess.Popen(
        again,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for name in waiting:
            process.stdin.write(f"{name}\n")
            process.stdin.flush()
            told = process.stdout.readline()
            if not told:
                raise SystemExit(f"the process that attacked {name} ended")
            done[name] = record = json.loads(told)
            _write(options, done, about)
            print(
                f"{sum(each['cases'] for each in done.values()):9,} cases, "
                f"{len(record['faults'])} faults, {record['seconds']:.0f} s, {name}",
                flush=True,
            )
        process.stdin.close()


def _attack(options: argparse.Namespace) -> int:
    """Attacks the addresses whose names come in, and tells of each in a line."""
    import django
    from django.conf import settings
    from django.test.utils import setup_test_environment

    django.setup()
    setup_test_environment()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    from config import logging
    from scim import exchanges, turned_away
    from tests import endpoints
    from tests.hostile import Hostile
    from tests.pages import world as worlds

    logging.configure()
    for later in (exchanges._reads, turned_away._noted):
        later.thread_of = os.getpid()  # nothing is written behind a case's back
    hostile = Hostile(options.seed, worlds.make(), worlds.make("Contoso", "eve@contoso.example"))
    known = {f"{each.name} /{each.form}": each for each in endpoints.every()}
    parent = os.getppid()
    for name in map(str.strip, sys.stdin):
        started = time.monotonic()
        hostile.begin(f"{options.seed} {name}")
        for done in range(0, options.cases, 500):
            if os.getppid() != parent:  # whoever waits for us was ended
                return 1
            hostile.attack(known[name], min(500, options.cases - done))
        record = {
            "seed": options.seed,
            "cases": hostile.cases,
            "watched_for_changes": hostile.watched,
            "statuses": dict(sorted(hostile.statuses.items())),
            "seconds": round(time.monotonic() - started, 1),
            "faults": hostile.faults[:20],
        }
        print(json.dumps(record), flush=True)
    return 0


def _newest(options: argparse.Namespace) -> dict[str, Any]:
    """What the newest result has of this seed, by address."""
    for file in sorted(options.results.glob("*-hostile.json"), reverse=True):
        attacked = json.loads(file.read_text())["attacked"]
        return {name: record for name, record in attacked.items() if record["seed"] == options.seed}
    return {}


def _write(options: argparse.Namespace, done: dict[str, Any], about: dict[str, Any]) -> None:
    options.results.mkdir(exist_ok=True)
    now = dt.datetime.now(dt.UTC)
    statuses: collections.Counter[str] = collections.Counter()
    for record in done.values():
        statuses.update({str(status): number for status, number in record["statuses"].items()})
    records = list(done.values())
    report = {
        "at": now.isoformat(timespec="seconds"),
        "machine": about,
        "addresses": len(records),
        "cases": sum(record["cases"] for record in records),
        "cases_an_address": min(record["cases"] for record in records),
        "watched_for_changes": sum(record["watched_for_changes"] for record in records),
        "statuses": dict(sorted(statuses.items())),
        "number_of_faults": sum(len(record["faults"]) for record in records),
        "attacked": dict(sorted(done.items())),
    }
    (options.results / f"{now:%Y-%m-%d}-hostile.json").write_text(
        json.dumps(report, indent=1) + "\n"
    )


if __name__ == "__main__":
    sys.exit(main())
