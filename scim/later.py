"""Writing that no answer waits for: collected in memory, done together a second later."""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections.abc import Callable
from typing import Any

from django.db import connection


class Later:
    """Rows that are yet to be written, by one thread a process.

    most: more rows than this within a second are lost, so that nobody can fill the memory.
    watch: told each second how many rows wait.
    """

    def __init__(
        self, name: str, write: Callable[[list[Any]], None], *, most: int | None = None
    ) -> None:
        self.name, self.write, self.most = name, write, most
        self.rows: list[Any] = []
        self.lock = threading.Lock()
        self.watch: Callable[[int], None] = lambda waiting: None
        self.thread_of = 0  # the process that has the thread; a fork has none yet
        atexit.register(self.flush)

    def put(self, row: Any) -> None:
        with self.lock:
            if self.most is None or len(self.rows) < self.most:
                self.rows.append(row)
            if self.thread_of != os.getpid():
                self.thread_of = os.getpid()
                threading.Thread(target=self._run, name=self.name, daemon=True).start()

    def flush(self) -> None:
        """Write what was collected."""
        with self.lock:
            rows, self.rows = self.rows, []
        if rows:
            self.write(rows)

    def _run(self) -> None:
        while True:
            time.sleep(1)
            self.watch(len(self.rows))
            self.flush()
            connection.close()
