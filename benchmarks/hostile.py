"""Hostile requests to every address of the URL configuration: pages and SCIM.

    python -m benchmarks.hostile --cases 10000 [--only scim:] [--seed 2811]

sends so many to each address (tests/hostile.py makes them from the seed), as the owner of one
organization and with its SCIM token, in process and on an own PostgreSQL; each is undone. None
may end in an error of ours, tell a word of the other organization, change it, or change anything
by what was refused (one in twenty is watched). Writes results/DATE-hostile.json after each address
and ends with 1 if anything was wrong. Passwords are hashed cheaply here, since the hash is slow by
design.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

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
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        return _attack(options)
    with tempfile.TemporaryDirectory(prefix="seatkeeper-hostile-") as made:
        folder = Path(made)
        folder.chmod(0o711)  # PostgreSQL passes through as another user when we are root
        with embedded.start(folder.resolve(), temporary=True) as servers:
            environment = {
                **{name: value for name, value in os.environ.items() if name != "PUBLIC_URL"},
                "DATABASE_URL": servers.addresses.database_url,
                "REDIS_URL": servers.addresses.redis_url,
                "SEATKEEPER_DATA": made,
                "DJANGO_SETTINGS_MODULE": "config.settings",
                "LOG_LEVEL": "CRITICAL",
            }
            migrate = [sys.executable, "manage.py", "migrate", "-v", "0"]
            subprocess.run(migrate, cwd=ROOT, env=environment, check=True)
            again = [sys.executable, "-m", "benchmarks.hostile", "--inside", *sys.argv[1:]]
            return subprocess.run(again, cwd=ROOT, env=environment).returncode


def _attack(options: argparse.Namespace) -> int:
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
    started = time.monotonic()
    attacked: dict[str, int] = {}
    for endpoint in endpoints.every():
        if endpoint.name.startswith(options.only):
            hostile.attack(endpoint, options.cases)
            attacked[f"{endpoint.name} /{endpoint.form}"] = options.cases
            _write(options, hostile, attacked, time.monotonic() - started)
            print(
                f"{hostile.cases:9,} cases, {len(hostile.faults)} faults, "
                f"{time.monotonic() - started:.0f} s, {endpoint.name}",
                flush=True,
            )
    for fault in hostile.faults[:20]:
        print(fault, end="\n\n")
    return 1 if hostile.faults else 0


def _write(
    options: argparse.Namespace, hostile: Any, attacked: dict[str, int], seconds: float
) -> None:
    options.results.mkdir(exist_ok=True)
    file = options.results / f"{dt.datetime.now(dt.UTC):%Y-%m-%d}-hostile.json"
    report = {
        "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, shared",
        "python": platform.python_version(),
        "seed": options.seed,
        "addresses": len(attacked),
        "cases": hostile.cases,
        "cases_an_address": options.cases,
        "watched_for_changes": hostile.watched,
        "seconds": round(seconds, 1),
        "statuses": dict(sorted(hostile.statuses.items())),
        "number_of_faults": len(hostile.faults),
        "faults": hostile.faults[:50],
        "attacked": attacked,
    }
    file.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
