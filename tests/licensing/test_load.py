"""What the benchmarks of load and of hours are made of, in small, on a server in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection

from accounts import organizations
from benchmarks import afterwards, soak, usage
from benchmarks.client import Target
from benchmarks.conversations import Conversation, Crowd
from benchmarks.directory import Directory
from licensing import pools, reconcile
from scim import applications, tokens
from scim.simulator import IDPS
from tests.licensing import books

PRODUCT = "sales-navigator"


def run(talk: Coroutine[Any, Any, Any]) -> Any:
    """In a thread of its own: that of the tests may have a browser's loop."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, talk).result()


def execute(statement: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


@pytest.fixture
def directories(transactional_db: None, live_server: Any) -> list[tuple[str, Directory]]:
    """An organization for each style, without anybody in it."""
    port = urlsplit(live_server.url).port
    assert port is not None
    made = []
    for style in sorted(IDPS):
        organization = organizations.create(style.title(), slug=style)
        pools.set_seats(organization, PRODUCT, 100)
        application = applications.create(organization, "Directory", product=PRODUCT, idp=style)
        target = Target(port, tokens.issue(application).secret)
        made.append((style, Directory(style, target, most=50)))
    return made


def test_the_directories_of_the_benchmarks_push_change_and_remove_people(
    directories: list[tuple[str, Directory]],
) -> None:
    """R6, R13, R21, R26: in the sequences of each identity provider, at once or by a timetable,
    nothing is refused, and who was accepted is there as pushed last."""
    ours = [one for _, one in directories]

    async def go() -> dict[str, Any]:
        crowd = Crowd(ours[0].target.port, 3)
        await crowd.talk((c for one in ours for c in one.joiners(12)), seconds=30)
        await crowd.talk((c for one in ours for c in one.make_groups()), seconds=30)
        await crowd.talk((c for one in ours for c in one.fill_groups(12)), seconds=30)

        def later(one: Directory) -> Iterator[Conversation]:
            yield from (one.look_up(), one.read(), one.page(0), one.visit(), one.change())
            yield from (one.leave(who) for who in one.sample(2))
            yield from (one.switch(active=True), one.delete(), *one.joiners(1))

        timetable = ((place / 200, c) for place, c in enumerate(c for d in ours for c in later(d)))
        await crowd.keep_to(timetable)
        assert (crowd.unfinished, dict(crowd.broken)) == (0, {})
        crowd.close()
        return {kind: usage.percentiles([row]) for kind, row in crowd.take().items()}

    told = run(go())
    assert {kind: row["failure"] for kind, row in told.items() if "failure" in row} == {}
    assert told["create"]["requests"] == 3 * 13
    assert all(
        told[kind]["requests"] >= 3 for kind in ("change", "deactivate", "delete", "members")
    )
    assert books.wrong(execute) == {}
    assert afterwards.otherwise(execute, directories) == []
    assert reconcile.reconcile(dry_run=True).drift == 0


def test_a_person_of_whom_nobody_was_told_is_found_afterwards(
    directories: list[tuple[str, Directory]],
) -> None:
    """R26: the check of the benchmarks finds an accepted push that is lost, and one too many."""
    slug, one = directories[0]

    async def go() -> None:
        crowd = Crowd(one.target.port, 1)
        await crowd.talk(one.joiners(2), seconds=30)
        crowd.close()

    run(go())
    first, _ = one.accepted.values()
    del one.accepted[first.email]
    assert "1 are there otherwise" in afterwards.otherwise(execute, [(slug, one)])[0]
    one.accepted[first.email] = first
    execute(f"DELETE FROM accounts_link WHERE user_name = '{first.email}' RETURNING id")
    assert "1 accepted pushes are not there" in afterwards.otherwise(execute, [(slug, one)])[0]


def test_a_soak_tells_what_grows_from_what_grew_in_the_warm_up() -> None:
    """R26: the verdict is about the time after the warm-up."""
    rows = [
        {
            "minute": minute,
            "memory": {
                "web": {"private_mb": 100 + 10 * min(minute, 10)},
                "worker": {"private_mb": 100 + minute},
            },
            "ratio": {"p50_ms": 2.0, "p95_ms": 3.0},
            "cpu_ms": 3.0,
        }
        for minute in range(1, 61)
    ]
    told = soak.verdict(rows)
    assert [what for what, row in told.items() if row["too_much"]] == ["memory of worker (MB)"]
    assert told["memory of worker (MB)"]["an_hour"] == 60
