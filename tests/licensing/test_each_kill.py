"""A process is killed in the middle of each kind of thing that it does; all of them by
`python -m benchmarks.kills --each`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connections

from accounts import clock
from tests import killed_kinds, killing
from tests.killed_kinds import API, STARTERS, TASKS, Worlds, api_writes, registered

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

#: One of each way: pushes, a page that asks first, the Admin API, tasks of many transactions.
FEW = (
    "SCIM or command: POST a person",
    "page: licensing:set_seats",
    "API: PATCH pool",
    "task: licensing.tasks.carry_out_removals",
)


def test_every_task_and_every_write_of_the_api_is_known_to_be_killed(db: None) -> None:
    """R26: a new one has to be given data by which it does something."""
    assert registered() == TASKS.keys() | STARTERS
    assert api_writes() == API.keys()


@pytest.fixture
def killed(settings: object) -> Iterator[tuple[killing.Killing, Worlds]]:
    killing.quiet(settings)
    now = clock.now()
    worlds = Worlds(now)
    connections.close_all()
    found = killing.Killing(now)
    yield found, worlds
    found.close()


def test_what_was_killed_in_its_middle_is_undone_and_done_again(
    killed: tuple[killing.Killing, Worlds],
) -> None:
    """R26, R21: as if nobody had killed it: tables, e-mails, seats and ledger are the same."""
    found, worlds = killed
    kinds = [kind for kind in killed_kinds.every(worlds) if kind.name in FEW]
    assert [kind.name for kind in kinds] == list(FEW)
    for kind in kinds:
        seen = found.see(kind, moments=3)
        assert seen.wrong == [], seen
        assert seen.statements > 3, seen
        assert len(seen.killed_after) == 3
        assert seen.undone or not kind.whole, seen
