"""Children that cannot outlive their parent.

`Group([...])` starts a guard: this very file, run as a program of its own in a session
of its own. The guard starts the children and reads its standard input, the life line.
When that ends, because the parent closed it or was killed in whatever way, the guard
stops the children: the polite signal first, SIGKILL after `patience` seconds. When a
child ends by itself, the guard stops the others, says which one it was, and ends too.

Plain Python and nothing else, so that the guard is small and starts in a few
milliseconds. Linux and macOS.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

#: Longest stop of one group: patience for the polite signal, then SIGKILL.
PATIENCE = 8.0


@dataclass(frozen=True)
class Child:
    """One program. stop: the signal's name; log: a file that gets both outputs.

    uid and gid: whom to run as, for a root that must not run it as root.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: str
    log: str
    stop: str = "SIGTERM"
    patience: float = PATIENCE
    uid: int | None = None
    gid: int | None = None


class Group:
    """Children under one guard. Leaving the `with` block stops them."""

    def __init__(
        self, children: Iterable[Child], *, remove: Iterable[Path] = (), hold: Iterable[int] = ()
    ) -> None:
        """remove: folders that the guard deletes at the end; hold: descriptors (locks) it keeps."""
        spec = {"children": [asdict(c) for c in children], "remove": [str(p) for p in remove]}
        self._life_line: int | None
        read_end, self._life_line = os.pipe()
        self._guard = subprocess.Popen(
            [sys.executable, "-I", __file__],
            stdin=read_end,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=list(hold),
        )
        os.close(read_end)
        # A guard that died at once shows itself in `ended`, not in a broken pipe here.
        stream = open(self._life_line, "wb", closefd=False)  # noqa: SIM115 - the next line closes it
        with contextlib.suppress(BrokenPipeError), stream:
            stream.write(json.dumps(spec).encode() + b"\n")
        self._said: str | None = None

    @property
    def pid(self) -> int:
        return self._guard.pid

    def ended(self) -> str | None:
        """What ended the group, as a sentence; None while all of it runs."""
        if self._guard.poll() is None:
            return None
        if self._said is None and self._guard.stdout is not None:
            self._said = self._guard.stdout.read().decode(errors="replace").strip()
        return self._said or f"The guard process ended with {self._guard.returncode}."

    def stop(self) -> None:
        """Stop the children and wait for it. Repeating it is harmless."""
        if self._life_line is not None:
            os.close(self._life_line)
            self._life_line = None
        try:
            self._guard.wait(PATIENCE + 4)
        except subprocess.TimeoutExpired:
            self._guard.kill()
            self._guard.wait()

    def __enter__(self) -> Group:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.stop()


def die_with_parent(signal_name: str) -> Callable[[], None]:
    """For preexec_fn: on Linux the kernel sends this signal when the parent dies.

    The second net, below the life line: it also holds when the guard itself is killed.
    Elsewhere it does nothing.
    """
    number = getattr(signal, signal_name)
    parent = os.getpid()
    prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None

    def ask() -> None:
        if prctl is not None:
            prctl(1, number)  # PR_SET_PDEATHSIG
            if os.getppid() != parent:  # the parent died before we could ask
                os._exit(1)

    return ask


def follow(process: subprocess.Popen[Any], forward: signal.Signals = signal.SIGTERM) -> int:
    """Wait for a foreground program, hand on SIGTERM and SIGHUP, return its exit code.

    SIGINT is handed on too, unless a terminal has sent it to the program already.
    """

    def handed_on(number: int, _: Any) -> None:
        if number != signal.SIGINT:
            process.send_signal(forward)
        elif not _in_foreground():
            process.send_signal(signal.SIGINT)

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, handed_on) for number in numbers}
    try:
        code = process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return code if code >= 0 else 128 - code


def _in_foreground() -> bool:
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)


# ── The guard ────────────────────────────────────────────────────────────────────


class _Guard:
    def __init__(self) -> None:
        self.children: list[tuple[dict[str, Any], subprocess.Popen[bytes]]] = []
        self.asked_to_stop = False
        # Signals write to this pipe, so that select wakes for a dead child.
        self.wake, wake_end = os.pipe()
        os.set_blocking(self.wake, False)
        os.set_blocking(wake_end, False)
        signal.set_wakeup_fd(wake_end, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._stop_asked)

    def _stop_asked(self, *_: Any) -> None:
        self.asked_to_stop = True

    def run(self) -> int:
        spec = json.loads(_first_line(0))
        try:
            for child in spec["children"]:
                self.children.append((child, _start(child)))
            return self._watch()
        finally:
            self._stop()
            for path in spec["remove"]:
                shutil.rmtree(path, ignore_errors=True)

    def _watch(self) -> int:
        while not self.asked_to_stop:
            ready, _, _ = select.select([0, self.wake], [], [])
            if self.wake in ready:
                os.read(self.wake, 4096)
            if 0 in ready and not os.read(0, 4096):
                return 0
            for child, process in self.children:
                if process.poll() is not None:
                    print(f"{child['name']} ended with exit code {process.returncode}.", flush=True)
                    return 1
        return 0

    def _stop(self) -> None:
        started = time.monotonic()
        for child, process in self.children:
            if process.poll() is None:
                process.send_signal(getattr(signal, child["stop"]))
        for child, process in self.children:
            left = child["patience"] - (time.monotonic() - started)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.01, left))
            # Its session is named after it: what a crash or a stubborn child left there goes too.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _first_line(descriptor: int) -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        part = os.read(descriptor, 65536)
        if not part:
            raise SystemExit(0)  # the parent died before it could say what to start
        line += part
    return line


def _start(child: dict[str, Any]) -> subprocess.Popen[bytes]:
    with open(child["log"], "ab") as log:
        return subprocess.Popen(
            child["argv"],
            env=child["env"],
            cwd=child["cwd"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=child["uid"],
            group=child["gid"],
            extra_groups=[] if child["uid"] is not None else None,
            preexec_fn=die_with_parent(child["stop"]),
        )


if __name__ == "__main__":
    sys.exit(_Guard().run())
