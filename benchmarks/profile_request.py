"""Where the time of one kind of request goes, in process and without a network.

    python -m benchmarks.profile_request get [--people 10000] [--repeat 2000] [--sort cumulative]

Kinds: get, filter, create, patch, list, member. Starts its own PostgreSQL, seeds it, calls the
WSGI application in this process, and prints the statements of one request with the
milliseconds they took, the milliseconds a request takes without the profiler, and the
profile's top. What a statement costs shows as psycopg's wait for the database.
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
    from django.core.handlers.wsgi import WSGIHandler
    from django.db import connection, reset_queries
    from django.test.utils import CaptureQueriesContext

    from benchmarks.client import Target

    token, count, people, groups = state
    seeded = Seeded(Target(8000, token), count, people, groups)
    seeded._prefix = f"profile{os.getpid()}{kind}"
    requests = seeded.member("1000") if kind == "member" else getattr(seeded, kind)()
    if kind == "member":
        options.repeat = min(options.repeat, 900)
    application = WSGIHandler()

    def call() -> int:
        return _call(application, requests)

    for _ in range(50):
        status = call()
    with CaptureQueriesContext(connection) as captured:
        status = call()
        _call(application, requests)
    reset_queries()
    each = []
    for _ in range(options.repeat // 2):
        started = time.perf_counter()
        call()
        each.append((time.perf_counter() - started) * 1000)
    profile = cProfile.Profile()
    profile.enable()
    for _ in range(options.repeat // 4):
        call()
    profile.disable()
    print(f"\n━━ {kind}: status {status}, {statistics.median(each):.3f} ms a request (median)")
    print(f"   {len(captured)} statements in two requests:")
    for query in captured.captured_queries:
        print(f"   {float(query['time']) * 1000:6.2f} ms  {' '.join(query['sql'].split())[:150]}")
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
