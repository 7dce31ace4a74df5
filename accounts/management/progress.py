"""How far a long command is."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from typing import TextIO

#: Seconds between two drawings.
_EVERY = 0.1


class Progress:
    """A bar on standard error if that is a terminal, nothing elsewhere; gone when it is over.

    `with Progress(100, "pools") as show: show(1)`. total: None is not known. more: what else
    is told beside the bar.
    """

    def __init__(
        self,
        total: int | None,
        noun: str,
        *,
        more: Callable[[], str] = lambda: "",
        stream: TextIO | None = None,
    ) -> None:
        self.total, self.noun, self.more = total, noun, more
        self.stream = stream or sys.stderr
        self._started = time.monotonic()
        self._drawn = 0.0

    def __enter__(self) -> Callable[[int], None]:
        return self._draw if self.stream.isatty() else lambda done: None

    def __exit__(self, *_: object) -> None:
        if self.stream.isatty():
            self.stream.write("\r\033[K")
            self.stream.flush()

    def _draw(self, done: int) -> None:
        now = time.monotonic()
        if now - self._drawn < _EVERY:
            return
        self._drawn = now
        rate = done / max(now - self._started, 0.001)
        of = "" if self.total is None else f"/{self.total}"
        told = f" {done}{of} {self.noun}  {rate:.0f}/s{self.more()}"
        bar = ""
        if self.total:
            width = max(0, min(40, shutil.get_terminal_size().columns - len(told) - 3))
            filled = min(width, width * done // self.total)
            bar = f"[{'#' * filled}{'.' * (width - filled)}]"
        self.stream.write(f"\r{bar}{told}\033[K")
        self.stream.flush()
