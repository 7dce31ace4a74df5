"""Where the embedded servers of one data folder live, and who they run as.

`embedded.json` in the data folder files what was chosen once: the port, the passwords,
and whether the servers live inside the folder. No permission of a folder that was there
before is ever widened.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from config import lifeline

DATABASE = "seatkeeper"
#: Unix sockets have a path of at most 103 (macOS) or 107 (Linux) bytes.
LONGEST_SOCKET_PATH = 103
#: Below the range that Linux and macOS take outgoing connections from, so that a port
#: which was kept is seldom in use at the next start.
PORTS = range(20000, 30000)
#: Where root's servers live when `nobody` cannot reach the data folder.
OUTSIDE = Path("/var/lib/seatkeeper")
LARGEST_LOG = 5_000_000
#: Where `./run` serves when nobody says otherwise.
USUAL_PORT = 8000


class EmbeddedError(Exception):
    """A server can't run here; the text says what to do."""


class Addresses(NamedTuple):
    database_url: str
    redis_url: str


class Runner(NamedTuple):
    """Whom the servers run as; uid None is ourselves."""

    uid: int | None
    gid: int | None

    @classmethod
    def nobody(cls) -> Runner:
        import pwd

        user = pwd.getpwnam("nobody")
        return cls(user.pw_uid, user.pw_gid)

    @classmethod
    def of(cls, home: Path) -> Runner:
        """Root hands over to `nobody`, or to the owner of data that somebody else began."""
        if os.geteuid() != 0:
            return OURSELVES
        with contextlib.suppress(FileNotFoundError):
            owner = (home / "postgres").stat()
            if owner.st_uid != 0:
                return cls(owner.st_uid, owner.st_gid)
        return cls.nobody()

    def reaches(self, path: Path) -> bool:
        """Whether it can pass all folders down to path; those yet to be made are no obstacle."""
        if self.uid is None:
            return True
        for folder in (path, *path.parents):
            if folder.exists():
                state = folder.stat()
                if not state.st_mode & (0o100 if state.st_uid == self.uid else 0o001):
                    return False
        return True


OURSELVES = Runner(None, None)


class Place:
    """The folders, port and passwords of one data folder."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self._file = data_dir / "embedded.json"
        kept = json.loads(made_once(self._file, self._plan))
        self.inside: bool = kept["inside"]
        self.port: int = kept["port"]
        self.postgres_password: str = kept["postgres_password"]
        self.database_password: str = kept["database_password"]
        self.valkey_password: str = kept["valkey_password"]
        self._kept = kept
        # Differs for each data folder, even a copied one, and can't be guessed by others.
        name = hashlib.sha256(f"{kept['id']}{data_dir}".encode()).hexdigest()[:16]
        self.home = data_dir / "servers" if self.inside else OUTSIDE / name
        #: In `home`, unless its path is too long for a socket.
        self.sockets = self.home / "socket"
        if len(os.fsencode(self.sockets / ".s.PGSQL.5432")) > LONGEST_SOCKET_PATH:
            self.sockets = Path("/tmp") / f"seatkeeper-{name}"  # noqa: S108 - see _folder

    def _plan(self) -> str:
        return json.dumps(
            {
                "id": secrets.token_hex(8),
                "inside": os.geteuid() != 0 or Runner.nobody().reaches(self.data_dir),
                "port": _free_port(),
                "postgres_password": secrets.token_urlsafe(24),
                "database_password": secrets.token_urlsafe(24),
                "valkey_password": secrets.token_urlsafe(24),
            }
        )

    @property
    def runner(self) -> Runner:
        return Runner.of(self.home)

    @property
    def addresses(self) -> Addresses:
        return Addresses(
            f"postgres://seatkeeper:{self.database_password}@/{DATABASE}"
            f"?host={quote(str(self.sockets))}",
            f"redis://:{self.valkey_password}@127.0.0.1:{self.port}/0",
        )

    def log(self, name: str) -> Path:
        return self.data_dir / "logs" / f"{name}.log"

    def settle(self, *, valkey: bool) -> None:
        """Make the folders, and take another port if somebody else uses ours."""
        runner = self.runner
        if not self.inside:
            _folder(OUTSIDE, 0o711)
        _folder(self.home, 0o711)
        for private in ("postgres", "valkey"):
            _folder(self.home / private, 0o700, runner)
        _folder(self.sockets, 0o700, runner)
        _folder(self.data_dir / "logs", 0o700)
        for name in ("postgres", "valkey"):
            rotate(self.log(name))
        if valkey and not port_is_free(self.port):
            self.port = self._kept["port"] = _free_port()
            write_private(self._file, json.dumps(self._kept))

    @contextlib.contextmanager
    def locked(self) -> Iterator[int]:
        """The data folder's lock. The guard inherits it, so it is held as long as anything runs.

        Refused: servers run already. Those whose parent was killed take a moment to end.
        """
        lock = os.open(self.data_dir / "embedded.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            deadline = time.monotonic() + lifeline.PATIENCE + 2
            while not _lock(lock):
                owner = os.pread(lock, 20, 0).decode().strip()
                if time.monotonic() > deadline or _runs(owner):
                    raise EmbeddedError(
                        f"The servers of {self.data_dir} run already"
                        + (f", started by process {owner}" if owner else "")
                        + ". Stop that one, or set SEATKEEPER_DATA to another folder."
                    )
                time.sleep(0.1)
            os.ftruncate(lock, 0)
            os.pwrite(lock, str(os.getpid()).encode(), 0)
            yield lock
        finally:
            os.close(lock)


def made_once(file: Path, make: Callable[[], str]) -> str:
    """The file's text; made by the first who asks, however many ask at once."""
    with contextlib.suppress(FileNotFoundError):
        return file.read_text()
    if not file.parent.exists():
        # Root's servers pass through as `nobody`; what is private has a mode of its own.
        file.parent.mkdir(parents=True, exist_ok=True)
        file.parent.chmod(0o711 if os.geteuid() == 0 else 0o700)
    draft = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
    write_private(draft, make())
    try:
        os.link(draft, file)  # fails if somebody was faster
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return file.read_text()


def write_private(file: Path, text: str, runner: Runner = OURSELVES) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    draft = file.with_name(f"{file.name}.new")
    with open(draft, "w", opener=lambda name, flags: os.open(name, flags, 0o600)) as stream:
        stream.write(text)
    if runner.uid is not None:
        os.chown(draft, runner.uid, runner.gid or 0)
    draft.replace(file)


def rotate(log: Path) -> None:
    """Keep one older log, so that no log grows for ever."""
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > LARGEST_LOG:
            log.replace(log.with_name(f"{log.name}.1"))


def last_lines(log: Path, number: int = 12) -> str:
    with contextlib.suppress(FileNotFoundError):
        return "\n".join(log.read_text(errors="replace").splitlines()[-number:])
    return "(nothing)"


def port(text: str) -> int:
    """A port that can be served. Raises a ValueError with a sentence."""
    if not (text.isascii() and text.isdecimal() and 0 < int(text) < 65536):
        raise ValueError(f"{text!r} is no port: a port is a number from 1 to 65535.")
    return int(text)


def last_port(data_dir: Path) -> int:
    """The port that `./run` served last from this data folder; its usual one before that."""
    with contextlib.suppress(OSError, ValueError):
        return port((data_dir / "port").read_text().strip())
    return USUAL_PORT


def keep_port(data_dir: Path, number: int) -> None:
    write_private(data_dir / "port", f"{number}\n")


def port_is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    for _ in range(200):
        if port_is_free(port := secrets.choice(PORTS)):
            return port
    raise EmbeddedError(f"No free port between {PORTS.start} and {PORTS.stop}.")


def _folder(path: Path, mode: int, runner: Runner = OURSELVES) -> None:
    """Make a folder with this mode and owner. Refused: it belongs to somebody else."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=0o700, exist_ok=True)
        if runner.uid is not None:
            os.chown(path, runner.uid, runner.gid or 0)
        path.chmod(mode)
    if path.is_symlink() or path.stat().st_uid not in (os.geteuid(), runner.uid):
        raise EmbeddedError(f"{path} belongs to somebody else: remove it or use another folder.")


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _runs(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return int(pid) != os.getpid()
