"""Where the time of one kind of request goes, in process and without a network.

    python -m benchmarks.profile_request get [--people 10000] [--repeat 2000] [--sort cumulative]

Kinds: get, filter, create, patch, list, member. Starts its own PostgreSQL, seeds it, calls the
WSGI application in this process, and prints the milliseconds that a request takes without the
profiler, its statements with theirs (Django's own BEGIN, COMMIT and health check are not
among them), and the profile's top, where the database shows as psycopg's wait.
"""

from __future__ import annotations

import argparse
import cProfile
import io
import json
import os
import pstats
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.phases import Seeded
from benchmarks.running import seed_ours
from benchmarks.servers import ROOT, machinery

#: Statements are timed in so many requests.
STATEMENTS_OF = 20
KINDS = ("get", "filter", "create", "patch", "list", "member", "nothing")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.profile_request",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("kind", nargs="+", choices=KINDS)
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--repeat", type=int, default=2_000)
    parser.add_argument("--top", type=int, default=30, help="lines of the profile")
    parser.add_argument("--sort", choices=("tottime", "cumulative"), default="tottime")
    parser.add_argument("--save", type=Path, help="folder for .prof files")
    parser.add_argument("--seeded", help=argparse.SUPPRESS)  # set for the process that profiles
    options = parser.parse_args()
    if options.seeded:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # the request log, a line each
        for kind in options.kind:
            _profile(kind, json.loads(Path(options.seeded).read_text()), options)
        return 0
    with machinery() as made:
        groups = [size for size in (1_000,) if size + 100 <= options.people]
        seeded, database = seed_ours(made, "profiled", options.people, groups, serve=False)
        made.settle(database)
        state = made.folder / "state.json"
        state.write_text(
            json.dumps([seeded.target.token, seeded.count, seeded.people, seeded.groups])
        )
        # A process of its own: Django takes its settings from the environment, once.
        again = [sys.executable, "-m", "benchmarks.profile_request", *sys.argv[1:]]
        return subprocess.run(
            [*again, "--seeded", str(state)], cwd=ROOT, env=made.ours(database)
        ).returncode


def _profile(kind: str, state: Any, options: argparse.Namespace) -> None:
    import django

    django.setup()
    from django.db import connection

    from benchmarks.client import Target
    from benchmarks.wsgi import application

    token, count, people, groups = state
    seeded = Seeded(Target(8000, token), count, people, groups)
    seeded.prefix = f"profile{kind}"
    repeat = options.repeat
    if kind == "member":
        requests, repeat = seeded.member("1000"), min(repeat, 900)
    else:
        requests = getattr(seeded, kind)()

    def call() -> int:
        return _call(application, requests)

    for _ in range(50):
        status = call()
    statements: list[tuple[str, float]] = []

    def timed(execute: Any, sql: str, *rest: Any) -> Any:
        started = time.perf_counter()
        try:
            return execute(sql, *rest)
        finally:
            statements.append((sql, (time.perf_counter() - started) * 1000))

    with connection.execute_wrapper(timed):
        for _ in range(STATEMENTS_OF):
            status = call()
    each = []
    for _ in range(repeat // 2):
        started = time.perf_counter()
        call()
        each.append((time.perf_counter() - started) * 1000)
    profile = cProfile.Profile()
    profile.enable()
    for _ in range(repeat // 4):
        call()
    profile.disable()
    print(f"\n━━ {kind}: status {status}, {statistics.median(each):.3f} ms a request (median)")
    per_request = len(statements) // STATEMENTS_OF
    waited = sum(milliseconds for _, milliseconds in statements) / STATEMENTS_OF
    print(f"   {per_request} statements a request, {waited:.2f} ms; those of the last two:")
    for sql, milliseconds in statements[-2 * per_request :]:
        print(f"   {milliseconds:6.2f} ms  {' '.join(sql.split())[:130]}")
    if options.save:
        options.save.mkdir(parents=True, exist_ok=True)
        profile.dump_stats(options.save / f"{kind}.prof")
    told = io.StringIO()
    pstats.Stats(profile, stream=told).strip_dirs().sort_stats(options.sort).print_stats(
        options.top
    )
    print("\n".join(told.getvalue().splitlines()[2:]))


def _call(application: Any, requests: Iterator[bytes]) -> int:
    """One of the load's requests, as a WSGI server would hand it over."""
    raw = next(requests)
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    method, target, _ = first.split(" ")
    path, _, query = target.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SCRIPT_NAME": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
    }
    for line in lines:
        name, _, value = line.partition(": ")
        key = name.upper().replace("-", "_")
        environ[key if key.startswith("CONTENT_") else f"HTTP_{key}"] = value
    status: list[int] = []
    response = application(environ, lambda line, headers: status.append(int(line[:3])))
    for _ in response:
        pass
    response.close()
    return status[0]


if __name__ == "__main__":
    sys.exit(main())
