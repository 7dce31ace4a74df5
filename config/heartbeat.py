"""What worker and schedule leave behind for probes, metrics and the doctor.

Signs of life and the last run of each task stand in Valkey, beside the queue that they
live by: whoever loses the queue loses them too, and has them again a moment later. The time of
them is Valkey's, so that machines whose clocks differ agree.
Each task carries the id of the request that started it, or of its own.
"""

from __future__ import annotations

import dataclasses
import functools
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

import redis
from celery import signals
from celery.schedules import maybe_schedule
from django.conf import settings

from accounts import request_ids

KEY = "seatkeeper:alive"
#: Without a sign for so many seconds they are silent: a worker gives one every EVERY seconds,
#: the schedule whenever it starts a task, which is every 5.
SILENT = {"worker": 60.0, "webhooks": 60.0, "schedule": 90.0}
#: Where tasks wait for one of the two workers.
QUEUES = ("celery", "webhooks")
EVERY = 5.0
_HEADER = "request_id"
_log = logging.getLogger("seatkeeper.heartbeat")
_last: dict[str, float] = {}


@dataclasses.dataclass(frozen=True, slots=True)
class Signs:
    """Seconds since each sign of life (None: never seen), and of each task since it last went
    well, how often it did and how often it failed, by its name."""

    ages: Mapping[str, float | None]
    ran: Mapping[str, float]
    succeeded: Mapping[str, int]
    failed: Mapping[str, int]

    def silent(self, part: str) -> bool:
        age = self.ages[part]
        return age is None or age > SILENT[part]


@functools.cache
def queue() -> redis.Redis:
    """Valkey, asked with little patience: probes must answer."""
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)


def read(client: redis.Redis | None = None) -> Signs:
    """Raises what Valkey raises."""
    found: Mapping[bytes, bytes] = (client or queue()).hgetall(KEY)  # type: ignore[assignment]
    values = {name.decode(): float(value) for name, value in found.items()}
    now = _now(client or queue())

    def of(kind: str) -> dict[str, float]:
        return {
            name.removeprefix(kind): value
            for name, value in values.items()
            if name.startswith(kind) and name.removeprefix(kind) in scheduled()
        }

    return Signs(
        {part: max(0.0, now - values[part]) if part in values else None for part in SILENT},
        {name: max(0.0, now - at) for name, at in of("ran:").items()},
        {name: int(number) for name, number in of("ok:").items()},
        {name: int(number) for name, number in of("failed:").items()},
    )


@functools.cache
def scheduled() -> dict[str, float]:
    """How many seconds lie between two turns of each task of the schedule."""
    return {
        str(entry["task"]): maybe_schedule(entry["schedule"]).run_every.total_seconds()
        for entry in settings.CELERY_BEAT_SCHEDULE.values()
    }


def waiting(*names: str) -> int:
    """Messages that no worker has taken yet, in these queues or all. Raises what Valkey raises."""
    return sum(int(queue().llen(name)) for name in names or QUEUES)  # type: ignore[arg-type]


def give_sign(part: str) -> None:
    """part: one of SILENT. A queue that is away is noticed by those who look for the sign."""
    now = time.monotonic()
    if now - _last.get(part, -EVERY) >= EVERY:
        _last[part] = now
        _write(lambda pipe, at: pipe.hset(KEY, part, str(at)))


def listen() -> None:
    """Hear what Celery tells in whichever process this is."""
    signals.heartbeat_sent.connect(_worker_lives, weak=False)
    signals.beat_init.connect(_is_schedule, weak=False)
    signals.before_task_publish.connect(_hand_on, weak=False)
    signals.task_prerun.connect(_begin, weak=False)
    signals.task_postrun.connect(_end, weak=False)


# ------------------------------------------------------------------ inside


def _worker_lives(sender: Any = None, **_: Any) -> None:
    """The worker of webhooks goes by a name of its own (config.supervisor)."""
    name = str(getattr(getattr(sender, "eventer", None), "hostname", "")).partition("@")[0]
    give_sign("webhooks" if name == "webhooks" else "worker")


def _is_schedule(**_: Any) -> None:
    give_sign("schedule")
    signals.after_task_publish.connect(lambda **_: give_sign("schedule"), weak=False)


def _hand_on(headers: dict[str, Any] | None = None, **_: Any) -> None:
    """The id of what goes on here goes along with the task."""
    request_id = request_ids.current.get()
    if headers is not None and request_id:
        headers[_HEADER] = request_id


def _begin(task: Any = None, task_id: str = "", **_: Any) -> None:
    request_ids.current.set(getattr(task.request, _HEADER, None) or task_id)


def _end(task: Any = None, state: str = "", **_: Any) -> None:
    request_ids.current.set("")
    if task.name not in scheduled():
        return

    def note(pipe: Any, at: float) -> None:
        if state == "SUCCESS":
            pipe.hset(KEY, f"ran:{task.name}", str(at))
        if state in ("SUCCESS", "FAILURE"):
            pipe.hincrby(KEY, f"{'ok' if state == 'SUCCESS' else 'failed'}:{task.name}", 1)

    _write(note)


def _now(client: redis.Redis) -> float:
    seconds, microseconds = client.time()  # type: ignore[misc]
    return float(seconds + microseconds / 1e6)


def _write(deed: Callable[[Any, float], None]) -> None:
    try:
        at = _now(queue())
        with queue().pipeline(transaction=False) as pipe:
            deed(pipe, at)
            pipe.execute()
    except redis.RedisError as error:
        _log.warning("no sign of life could be left in the queue: %s", error)
