"""Folders, ports and processes of tests that start the real thing."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from config import place

ROOT = Path(__file__).resolve().parents[2]


@contextlib.contextmanager
def data_folder(name: str = "") -> Iterator[Path]:
    """A folder that servers of any user can pass through, which pytest's own are not."""
    outer = Path(tempfile.mkdtemp(prefix="seatkeeper-test-", dir=_fast_disk())).resolve()
    outer.chmod(0o711)
    try:
        yield outer / name if name else outer
    finally:
        shutil.rmtree(outer)


def _fast_disk() -> str | None:
    """Memory, where there is enough: these servers wait for the disk as real ones do."""
    with contextlib.suppress(OSError):
        if shutil.disk_usage("/dev/shm").free > 2**30:
            return "/dev/shm"
    return None


def environment(data_dir: Path, **more: str) -> dict[str, str]:
    """Ours, without what would lead to the servers of this test run."""
    names = (
        "DATABASE_URL",
        "REDIS_URL",
        "PUBLIC_URL",
        "SECRET_KEY",
        "ALLOWED_HOSTS",
        "PORT",
        "DJANGO_ALLOW_ASYNC_UNSAFE",
    )
    kept = {name: value for name, value in os.environ.items() if name not in names}
    kept.pop("DJANGO_SETTINGS_MODULE", None)
    return {**kept, "SEATKEEPER_DATA": str(data_dir), **more}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(wanted: Callable[[], object], *, within: float = 10) -> bool:
    """Whether it comes true in time."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if wanted():
            return True
        time.sleep(0.05)
    return bool(wanted())


def left_over(data_dir: Path) -> list[str]:
    """Command lines of processes that belong to the data folder."""
    return list(_processes(data_dir).values())


def find(data_dir: Path, word: str) -> int:
    """The number of the first process of the data folder with this word in its command line."""
    return min(pid for pid, line in _processes(data_dir).items() if f" {word} " in line)


def _processes(data_dir: Path) -> dict[int, str]:
    wanted = os.fsencode(data_dir)
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            line = (process / "cmdline").read_bytes()
            if wanted in line or wanted in (process / "environ").read_bytes():
                found[int(process.name)] = line.replace(b"\0", b" ").decode(errors="replace")
    return found


def serves(port: int) -> bool:
    return not place.port_is_free(port)
