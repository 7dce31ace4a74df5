"""Several processes of tests beside each other (`-n 2`): what each has of its own, and its share.

Each has a database of its own in PostgreSQL, which pytest-django sees to, and one in Valkey. It
takes one file after another, the longest first, so that none of them is begun when there is
nothing else left to do (docs/decisions/0019).
"""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest

#: Databases 7 and 8 of Valkey are those of tests/config/test_processes.py.
MOST = 4

#: What takes longest, in about that order. A file that ends in :: is given out test by test, the
#: others as a whole, since what they start is shared by their tests.
LONGEST = (
    "tests/licensing/test_state_machine.py::",
    "tests/licensing/test_kills.py",
    "tests/licensing/test_faults.py",
    "tests/pages/test_every_page.py::",
    "the real server",
    "tests/conformance/test_state_machine.py",
    "tests/licensing/test_contention.py",
    "tests/config/test_processes.py",
    "tests/pages/test_story.py::",
    "tests/config/test_quickstart.py",
    "tests/licensing/test_crashes.py::",
    "tests/config/test_embedded.py::",
    "tests/scim/test_scim_push.py",
)
#: Files that share one server, which takes seconds to start.
TOGETHER = {
    f"tests/conformance/test_{name}.py": "the real server"
    for name in ("example", "hostile", "public_testers", "tapes", "vendor_suites")
}


def own_valkey(settings: Any) -> None:
    """Give this process, if it is one of several, a database of Valkey's own.

    Before anything has connected: caches and queue read their address at their first use.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is None:
        return
    number = int(worker.removeprefix("gw"))
    if number >= MOST:
        raise pytest.UsageError(f"There are Valkey databases for {MOST} processes: use -n {MOST}.")
    parts = urlsplit(settings.REDIS_URL)
    first = int(parts.path.strip("/") or 0)
    url = urlunsplit(parts._replace(path=f"/{first + number}"))
    settings.REDIS_URL = settings.CELERY_BROKER_URL = os.environ["REDIS_URL"] = url
    settings.CACHES["default"]["LOCATION"] = url


def share(test: str) -> str:
    """What a process takes at once: a file, some files, or of some files one test."""
    file = test.partition("::")[0]
    return test if f"{file}::" in LONGEST else TOGETHER.get(file, file)


def place(share: str, tests: int) -> tuple[int, int]:
    """Where it comes: as in LONGEST, then those with most tests."""
    for name in (share, f"{share.partition('::')[0]}::"):
        if name in LONGEST:
            return LONGEST.index(name), 0
    return len(LONGEST), -tests


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    if config.option.dist != "load":  # somebody asked for another one
        return None
    from xdist.scheduler import LoadScopeScheduling

    class LongestFirst(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return share(nodeid)

        def _assign_work_unit(self, node: Any) -> None:
            first = min(self.workqueue, key=lambda s: place(s, len(self.workqueue[s])))
            self.workqueue.move_to_end(first, last=False)
            super()._assign_work_unit(node)

    return LongestFirst(config, log)
