"""When tasks are sent: Celery's schedule, which neither a clock nor a worker that is away harms.

Celery reckons by the clock alone. Set back by a day, it would send nothing for a day; and what it
kept in its file from a time that is still to come would stop it for as long. Here each task is
then sent once, and from then on in its rhythm.

Messages say nothing of when they are too old, since a worker whose clock is ahead would throw all
of them away. Instead a task that comes again soon is left out while its queue is long.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from typing import Any

from celery.beat import PersistentScheduler, ScheduleEntry
from django.conf import settings
from redis.exceptions import RedisError

from config import heartbeat

#: A clock that moved by so many seconds more than time passed was set.
JUMP = 2.0
#: A task that comes again within so many seconds is not missed,
SOON = 3600.0
#: while so many messages wait for the worker.
LONG_QUEUE = 100
_log = logging.getLogger("seatkeeper.schedule")


class Schedule(PersistentScheduler):
    _apart: float | None = None

    def setup_schedule(self) -> None:
        super().setup_schedule()
        self._begin_now()

    def tick(self, *args: Any, **kwargs: Any) -> float:
        before, self._apart = self._apart, time.time() - time.monotonic()
        if before is not None and abs(self._apart - before) > JUMP:
            _log.warning("the clock was set by %.0f seconds", self._apart - before)
            self._begin_now()
        return super().tick(*args, **kwargs)

    def apply_entry(self, entry: ScheduleEntry, producer: Any = None) -> None:
        if self._can_wait(entry):
            heartbeat.give_sign("schedule")
            _log.warning("%s is left out: the worker has enough to do", entry.name)
        else:
            super().apply_entry(entry, producer=producer)

    def _begin_now(self) -> None:
        """What was last sent at a time that is still to come is due."""
        for entry in self.schedule.values():
            now = entry.default_now()
            if entry.last_run_at > now:
                entry.last_run_at = now - (_rhythm(entry) or dt.timedelta())
        self._heap = None  # its order is by the clock of before

    def _can_wait(self, entry: ScheduleEntry) -> bool:
        rhythm = _rhythm(entry)
        if rhythm is None or rhythm.total_seconds() > SOON:
            return False
        routes = settings.CELERY_TASK_ROUTES.items()
        queue = next(
            (to["queue"] for of, to in routes if entry.task.startswith(of.rstrip("*"))), "celery"
        )
        try:
            return heartbeat.waiting(queue) >= LONG_QUEUE
        except RedisError:
            return False  # nor can it be sent: Celery says so


def _rhythm(entry: ScheduleEntry) -> dt.timedelta | None:
    """From one turn to the next; None for Celery's own daily entry, which goes by the hour."""
    return getattr(entry.schedule, "run_every", None)
