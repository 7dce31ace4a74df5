"""PostgreSQL, Valkey and a mail server that can be taken away, one by one, and brought back."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import socketserver
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg

from benchmarks.kills import children_of
from config import lifeline, servers
from config.place import Place

#: Longest wait for a server that starts (s), recovery after a crash included.
START_SECONDS = 60.0


class Parts:
    """The servers of config.embedded, each in a group of its own; `folder` and `addresses`."""

    def __init__(self, folder: Path, *, database_bytes: int | None = None) -> None:
        """database_bytes: the whole of PostgreSQL on a disk of its own, in memory, of this size."""
        self.folder, self.place = folder, Place(folder)
        self._groups: dict[str, lifeline.Group] = {}
        self._mount: Path | None = None
        with self.place.locked() as lock:
            self.place.settle(valkey=True)
            if database_bytes is not None:
                self._mount = self.place.home / "postgres"
                owner = self.place.runner
                options = f"size={database_bytes},mode=0700,uid={owner.uid},gid={owner.gid}"
                mount = ["mount", "-t", "tmpfs", "-o", options, "none", str(self._mount)]
                subprocess.run(mount, check=True)
            self._children = {
                "PostgreSQL": servers.postgres(self.place, temporary=False, lock=lock),
                "Valkey": servers.valkey(self.place, temporary=False),
            }
        self.addresses = self.place.addresses
        self.start("PostgreSQL")
        self.start("Valkey")

    def start(self, name: str) -> None:
        """Start it and wait until it answers; once more whenever it ends instead, as
        docker-compose.yml's `restart: unless-stopped` does."""
        answers: Callable[[], None] = {
            "PostgreSQL": lambda: servers.make_database(self.place),
            "Valkey": lambda: servers.ping(self.place),
        }[name]
        deadline = time.monotonic() + START_SECONDS
        while True:
            if name not in self._groups or self._groups[name].ended():
                self.stop(name)
                self._groups[name] = lifeline.Group([self._children[name]])
            try:
                return answers()
            except (OSError, psycopg.Error):
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.05)

    def stop(self, name: str) -> None:
        if group := self._groups.pop(name, None):
            group.stop()

    def end(self, name: str, how: signal.Signals) -> None:
        """End it by a signal of its own; PostgreSQL: SIGINT is fast, SIGQUIT immediate."""
        for pid in children_of(self._groups[name].pid):
            os.kill(pid, how)
        while not self.has_ended(name):
            time.sleep(0.02)

    def has_ended(self, name: str) -> bool:
        return name not in self._groups or self._groups[name].ended() is not None

    def as_superuser(self, database: str) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host=str(self.place.sockets), user="postgres", dbname=database,
            password=self.place.postgres_password, autocommit=True,
        )  # fmt: skip

    @property
    def disk(self) -> Path:
        """The disk of the database alone."""
        assert self._mount is not None
        return self._mount

    def close(self) -> None:
        for name in ("Valkey", "PostgreSQL"):
            self.stop(name)
        if self._mount is not None:
            subprocess.run(["umount", str(self._mount)], check=True)


@contextlib.contextmanager
def parts(*, database_bytes: int | None = None) -> Iterator[Parts]:
    folder = Path(tempfile.mkdtemp(prefix="benchmark-")).resolve()
    folder.chmod(0o711)  # PostgreSQL passes through as another user when we are root
    try:
        with contextlib.closing(Parts(folder, database_bytes=database_bytes)) as made:
            yield made
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def can_mount() -> bool:
    """Whether a disk of our own can be made, which on most systems only root may."""
    with tempfile.TemporaryDirectory() as folder:
        mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", folder]
        if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
            return False
        subprocess.run(["umount", folder], check=True)
        return True


class MailServer:
    """As much SMTP as Django speaks. Each message becomes a file, as with filemail."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        self._numbers = itertools.count()
        self._server: _Listening | None = None
        folder.mkdir(exist_ok=True)

    def start(self) -> None:
        self._server = _Listening(("127.0.0.1", self.port), _Conversation)
        self._server.keep = self._keep
        threading.Thread(target=self._server.serve_forever, args=[0.05], daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def _keep(self, message: bytes) -> None:
        (self.folder / f"{next(self._numbers)}.eml").write_bytes(message)


class _Listening(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    keep: Callable[[bytes], None]


class _Conversation(socketserver.StreamRequestHandler):
    server: _Listening

    def handle(self) -> None:
        self._say("220 here")
        while line := self.rfile.readline():
            word = line[:4].upper().strip()
            if word == b"DATA":
                self._say("354 go on")
                message = b""
                while (part := self.rfile.readline()) not in (b".\r\n", b""):
                    message += part.removeprefix(b".").replace(b"\r\n", b"\n")
                self.server.keep(message)
                self._say("250 kept")
            elif word == b"QUIT":
                return self._say("221 bye")
            else:
                self._say("250 fine")
        return None

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())
