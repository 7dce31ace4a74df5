"""The schedule goes on whatever becomes of the clock, and a worker that was away is not flooded."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from config import heartbeat, schedule
from config.celery import app

YEAR = dt.timedelta(days=365)


@pytest.fixture
def queue() -> Iterator[Any]:
    """Ours alone: no worker of these tests takes anything out of it."""
    client = heartbeat.queue()
    client.delete(*heartbeat.QUEUES)
    yield client
    client.delete(*heartbeat.QUEUES, heartbeat.KEY)


@pytest.fixture
def made(queue: Any, tmp_path: Path) -> Iterator[schedule.Schedule]:
    found = schedule.Schedule(app, schedule_filename=str(tmp_path / "schedule"))
    yield found
    found.close()


def sent(made: schedule.Schedule, *, ticks: int = 60) -> int:
    """How many messages there are after it was asked so often."""
    for _ in range(ticks):
        made.tick()
    return heartbeat.waiting()


def set_ahead(made: schedule.Schedule, by: dt.timedelta) -> None:
    """What there is after so many ticks by a clock that was so far ahead."""
    for entry in made.schedule.values():
        entry.last_run_at += by
    made.populate_heap()
    assert made._apart is not None
    made._apart += by.total_seconds()


def test_a_clock_that_is_set_back_stops_no_task(made: schedule.Schedule) -> None:
    """R9, R20: each is sent once, and then in its rhythm; Celery's own waits for the clock."""
    assert sent(made) == 0, "nothing is due yet"
    set_ahead(made, YEAR)
    assert sent(made) == len(settings.CELERY_BEAT_SCHEDULE)
    assert max(entry.last_run_at for entry in made.schedule.values()) <= app.now()


def test_a_file_from_a_time_to_come_stops_no_task(made: schedule.Schedule, tmp_path: Path) -> None:
    """R9: the host began with a wrong clock, and was started again with the right one."""
    sent(made, ticks=1)
    set_ahead(made, YEAR)
    made.close()
    again = schedule.Schedule(app, schedule_filename=str(tmp_path / "schedule"))
    assert sent(again) == len(settings.CELERY_BEAT_SCHEDULE)
    again.close()


def test_a_worker_that_was_away_finds_few_turns_of_each_task(
    made: schedule.Schedule, queue: Any
) -> None:
    """What comes again soon is left out while the queue is long; what is daily never is. The
    schedule says all the same that it lives."""
    queue.rpush("celery", *["x"] * schedule.LONG_QUEUE)
    sent(made, ticks=1)
    set_ahead(made, YEAR)
    heartbeat._last.clear()
    daily = [e for e in settings.CELERY_BEAT_SCHEDULE.values() if e["schedule"] > schedule.SOON]
    assert sent(made) == schedule.LONG_QUEUE + len(daily) + queue.llen("webhooks")
    assert queue.llen("webhooks") == 1, "another queue, and a short one"
    assert queue.hget(heartbeat.KEY, "schedule")


def test_no_message_tells_when_it_is_too_old() -> None:
    """A worker whose clock is a minute ahead would throw each of them away, for ever."""
    assert not [name for name, entry in settings.CELERY_BEAT_SCHEDULE.items() if "options" in entry]
