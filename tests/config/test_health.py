"""Probes: /health/live asks nothing, /health/ready asks everything."""

from __future__ import annotations

from typing import Any

import pytest
import redis
from django.db import OperationalError, connection
from django.test import Client

from config import health


def test_live_needs_no_database(client: Client) -> None:
    answer = client.get("/health/live", headers={"host": "10.0.0.1"})
    assert (answer.status_code, answer.json()) == (200, {"status": "live"})


@pytest.mark.django_db
def test_ready_tells_of_each_part(client: Client) -> None:
    answer = client.get("/health/ready")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready", "database": "ok", "queue": "ok", "migrations": "ok"
    }  # fmt: skip


@pytest.mark.django_db
def test_a_silent_queue_is_503_without_details(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = redis.Redis(port=1, password="hidden")
    monkeypatch.setattr(health, "_redis", lambda: nowhere)
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
