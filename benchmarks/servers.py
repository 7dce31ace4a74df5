"""An own PostgreSQL and Valkey, and gunicorn on them; all ends with the process that started it."""

from __future__ import annotations

import contextlib
import os
import platform
import secrets
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit, urlunsplit

import psycopg

from config import embedded, lifeline

ROOT = Path(__file__).resolve().parent.parent
#: The same for every server that is compared.
WORKERS, THREADS = 2, 4


@contextlib.contextmanager
def machinery() -> Iterator[Machinery]:
    """PostgreSQL as in production (every commit reaches the disk), removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="benchmark-")).resolve()
    folder.chmod(0o711)  # PostgreSQL passes through as another user when we are root
    try:
        with embedded.start(folder) as servers, contextlib.ExitStack() as stack:
            yield Machinery(folder, servers.addresses, stack)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Machinery:
    """Makes databases and starts servers until the end of the `with` block."""

    def __init__(
        self, folder: Path, addresses: embedded.Addresses, stack: contextlib.ExitStack
    ) -> None:
        self.folder, self.addresses, self._stack = folder, addresses, stack

    def database(self, name: str) -> str:
        """The address of a new, empty database."""
        with psycopg.connect(self.addresses.database_url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return urlunsplit(urlsplit(self.addresses.database_url)._replace(path=f"/{name}"))

    def settle(self, *databases: str) -> None:
        """What autovacuum would do in the middle of the measuring, now."""
        for address in databases:
            with psycopg.connect(address, autocommit=True) as connection:
                connection.execute("VACUUM (ANALYZE)")
        self._as_owner("CHECKPOINT", databases[0])

    def _as_owner(self, statement: str, address: str) -> None:
        with contextlib.suppress(psycopg.Error), psycopg.connect(address, autocommit=True) as c:
            c.execute(statement)  # needs a right that the application may lack

    def ours(self, database_url: str) -> dict[str, str]:
        """The environment of our product on a database."""
        return {
            **os.environ,
            "DATABASE_URL": database_url,
            "REDIS_URL": self.addresses.redis_url,
            "SEATKEEPER_DATA": str(self.folder),
            "SECRET_KEY": secrets.token_urlsafe(50),
            "ALLOWED_HOSTS": "127.0.0.1",
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }

    @staticmethod
    def theirs(database_url: str) -> dict[str, str]:
        """The environment of the plain project, which reads libpq's variables."""
        parts = urlsplit(database_url)
        return {
            **os.environ,
            "PGHOST": parse_qs(parts.query).get("host", [parts.hostname or ""])[0],
            "PGPORT": str(parts.port or 5432),
            "PGUSER": unquote(parts.username or ""),
            "PGPASSWORD": unquote(parts.password or ""),
            "PGDATABASE": parts.path.lstrip("/"),
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }

    def serve(self, name: str, application: str, folder: Path, env: Mapping[str, str]) -> int:
        """Start gunicorn in a folder and wait until it answers. Returns its port."""
        port = _free_port()
        log = self.folder / f"{name}.log"
        group = lifeline.Group(
            [
                lifeline.Child(
                    name=name,
                    argv=[
                        sys.executable, "-m", "gunicorn", application,
                        "--bind", f"127.0.0.1:{port}", "--worker-class", "gthread",
                        "--workers", str(WORKERS), "--threads", str(THREADS),
                        "--keep-alive", "30", "--log-level", "warning", "--timeout", "120",
                    ],
                    env={**env, "PYTHONPATH": str(folder)},
                    cwd=str(folder),
                    log=str(log),
                )
            ]
        )  # fmt: skip
        self._stack.callback(group.stop)
        deadline = time.monotonic() + 30
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return port
            if (ended := group.ended()) or time.monotonic() > deadline:
                raise SystemExit(f"{name} does not start: {ended}\n{log.read_text()[-3000:]}")
            time.sleep(0.05)


def cpu_seconds() -> float:
    """What every process that we started has computed so far; 0 where there is no /proc.

    Neighbours on the machine make requests slow, but hardly make them cost more.
    """
    return sum(family(os.getpid()).values())


def family(ancestor: int) -> dict[int, float]:
    """The processes below one, children of children too: what each has computed so far (s), with
    those of its children that ended."""
    ticks: dict[int, tuple[int, int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            # state, parent, …, user and system time, and those of children that ended
            ticks[int(stat.parent.name)] = int(fields[1]), sum(map(int, fields[11:15]))
    below = {}
    for pid in ticks:
        above = pid
        while above in ticks and above != ancestor:
            above = ticks[above][0]
        if above == ancestor and pid != ancestor:
            below[pid] = ticks[pid][1] / os.sysconf("SC_CLK_TCK")
    return below


def machine(database_url: str) -> dict[str, Any]:
    """What the figures depend on."""
    with psycopg.connect(database_url) as connection:
        [version] = connection.execute("SHOW server_version").fetchone() or ("?",)
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return {
        "cores": os.cpu_count(),
        "memory_gb": round(pages * size / 2**30, 1),
        "processor": _processor(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "postgresql": version,
        "server": f"gunicorn gthread, {WORKERS} workers of {THREADS} threads",
        "load_before": round(os.getloadavg()[0], 2),
    }


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
