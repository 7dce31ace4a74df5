"""Back up and restore, by PostgreSQL's own tools.

The database holds everything but SECRET_KEY. A back-up is pg_dump's custom format: one moment of
the whole database, compressed, while everything goes on running.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from django.db import connection
from psycopg.conninfo import make_conninfo

from accounts.refusal import Refusal
from config import servers

#: Where the database is, and how what goes there is encrypted. What else ours says (`options`) is
#: about its own statements, or unknown to tools of another version.
_WHERE = (
    "host",
    "hostaddr",
    "port",
    "user",
    "dbname",
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
)


@dataclass(frozen=True)
class Backup:
    file: Path
    bytes: int


def back_up(file: Path) -> Backup:
    """Write the whole database to a file that only its owner may read.

    The file is there when it is whole, or not at all; one that is there already is not
    overwritten. Refused: file_exists, tool_missing, backup_failed with PostgreSQL's own words.
    """
    if file.exists():
        raise Refusal("file_exists", f"“{file}” is there already. Name another file.")
    draft = file.with_name(f"{file.name}.part")
    try:
        draft.touch(mode=0o600)
        _run("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={draft}")
        # Linked, not renamed: a file that somebody made meanwhile stays.
        file.hardlink_to(draft)
    except OSError as error:
        raise Refusal("backup_failed", f"“{file}” cannot be written: {error.strerror}.") from None
    finally:
        draft.unlink(missing_ok=True)
    return Backup(file, file.stat().st_size)


def restore(file: Path) -> None:
    """Fill the database, which must be empty, from a back-up: all of it or nothing.

    Refused: file_missing, database_not_empty, tool_missing, restore_failed with PostgreSQL's own
    words.
    """
    if not file.is_file():
        raise Refusal("file_missing", f"There is no file “{file}”.")
    if tables := connection.introspection.table_names():
        raise Refusal(
            "database_not_empty",
            f"The database “{connection.settings_dict['NAME']}” has {len(tables)} tables. Restore "
            "into a new one: make it with createdb, and set DATABASE_URL to it.",
        )
    _run(
        "pg_restore",
        "--single-transaction",
        "--exit-on-error",
        "--no-owner",
        "--no-privileges",
        str(file),
        into=True,
    )


def _run(program: str, *arguments: str, into: bool = False) -> None:
    """One of PostgreSQL's tools on our database; its password goes through the environment."""
    tool = servers.POSTGRES.beside(program) or shutil.which(program)
    if tool is None:
        raise Refusal(
            "tool_missing",
            f"There is no {program} on PATH. Install PostgreSQL's client programs (Debian: "
            "postgresql-client) in the server's version or a newer one.",
        )
    connection.ensure_connection()
    info = connection.connection.info
    password = info.password
    where = {name: value for name, value in info.get_parameters().items() if name in _WHERE}
    connection.close()  # it would wait for what is restored
    done = subprocess.run(
        [tool, f"--dbname={make_conninfo(**where)}", "--no-password", *arguments],
        env={**os.environ, "PGPASSWORD": password},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        code = "restore_failed" if into else "backup_failed"
        raise Refusal(code, f"{program} says: {done.stderr.strip() or 'nothing'}")
