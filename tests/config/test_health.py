"""Probes: /health/live asks nothing, /health/ready asks everything."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from django.db import OperationalError, connection
from django.test import Client

from config import health, heartbeat


def test_live_needs_no_database(client: Client) -> None:
    answer = client.get("/health/live", headers={"host": "10.0.0.1"})
    assert (answer.status_code, answer.json()) == (200, {"status": "live"})


@pytest.fixture
def alive() -> Iterator[redis.Redis]:
    """Worker and schedule have just given a sign of life."""
    queue = heartbeat.queue()
    queue.delete(heartbeat.KEY)
    for part in heartbeat.SILENT:
        heartbeat._last.clear()
        heartbeat.give_sign(part)
    yield queue
    queue.delete(heartbeat.KEY)


@pytest.mark.django_db
def test_ready_tells_of_each_part(client: Client, alive: redis.Redis) -> None:
    answer = client.get("/health/ready")
    assert answer.status_code == 200
    told = answer.json()
    assert set(told.pop("seconds")) == {"worker", "webhooks", "schedule"}
    assert told == {
        "status": "ready", "database": "ok", "queue": "ok", "migrations": "ok",
        "worker": "ok", "webhooks": "ok", "schedule": "ok", "failing": [],
    }  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("part", ["worker", "webhooks", "schedule"])
def test_a_silent_worker_or_schedule_is_503_by_name_and_the_web_goes_on(
    client: Client, alive: redis.Redis, part: str
) -> None:
    """R9: what is left to workers is done within a minute, or somebody is told."""
    alive.hset(heartbeat.KEY, part, str(time.time() - 91))
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert (answer.json()["failing"], answer.json()[part]) == ([part], "silent")
    assert answer.json()["seconds"][part] >= 91
    alive.hdel(heartbeat.KEY, part)
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.json()["seconds"][part]) == (503, None)
    assert client.get("/health/web").json() == {
        "status": "ready", "database": "ok", "queue": "ok", "migrations": "ok", "failing": []
    }  # fmt: skip


@pytest.mark.django_db
def test_a_silent_queue_is_503_without_details(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = redis.Redis(port=1, password="hidden")
    monkeypatch.setattr(heartbeat, "queue", lambda: nowhere)
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["queue"] == "unreachable"
    assert b"hidden" not in answer.content


@pytest.mark.django_db
def test_a_silent_database_is_503(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise OperationalError

    monkeypatch.setattr(connection, "cursor", fails)
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["database"] == "unreachable"
    assert answer.json()["migrations"] == "unknown"


@pytest.mark.django_db
def test_a_pending_migration_is_503(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_migrated", False)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'scim'")
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["migrations"] == "pending"
