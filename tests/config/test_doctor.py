"""`doctor`: what is wrong, and how to mend it."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from django.db import connection

from accounts import clock, outbox
from config import doctor, health, heartbeat
from licensing import seals
from tests.factories import connect, manage, manage_for_people, organization

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def well() -> Iterator[redis.Redis]:
    """Worker and schedule live, and every task ran just now."""
    queue = heartbeat.queue()
    queue.delete(heartbeat.KEY)
    signs = dict.fromkeys((*heartbeat.SILENT, *(f"ran:{t}" for t in heartbeat.scheduled())), 0.0)
    queue.hset(heartbeat.KEY, mapping=dict.fromkeys(signs, time.time()))
    yield queue
    queue.delete(heartbeat.KEY)


def wrong() -> dict[str, str]:
    """What is not ok, with how to mend it."""
    ran = manage("doctor")
    found = {one["part"]: one for one in ran.json["findings"] if one["state"] != "ok"}
    assert ran.exit == (1 if any(o["state"] == "broken" for o in found.values()) else 0)
    assert ran.json["well"] == (ran.exit == 0)
    assert all(one["mend"] for one in found.values())
    return {part: one["said"] + one["mend"] for part, one in found.items()}


def test_whoever_is_well_is_told_so_part_by_part() -> None:
    assert wrong() == {}
    ran = manage_for_people("doctor")
    assert ran.exit == 0
    parts = "settings database privileges transactions migrations clock tokens ledger outbox queue"
    for part in (*parts.split(), "months", "worker", "webhooks", "schedule", "mail", "disk"):
        assert f"ok  {part}" in ran.out, ran.out


def test_a_worker_and_a_schedule_that_are_silent(well: redis.Redis) -> None:
    """R9."""
    well.hdel(heartbeat.KEY, "worker")
    well.hdel(heartbeat.KEY, "webhooks")
    well.hset(heartbeat.KEY, "schedule", time.time() - 1000)
    found = wrong()
    assert set(found) == {"worker", "webhooks", "schedule"}
    assert "--queues webhooks" in found["webhooks"]
    assert "celery --app config.celery worker" in found["worker"]
    assert "silent for 1000 s" in found["schedule"]


def test_a_task_that_does_not_end(well: redis.Redis) -> None:
    well.hset(heartbeat.KEY, "ran:licensing.tasks.seal_ledger", time.time() - 300)
    assert "seal_ledger did not come to an end" in wrong()["tasks"]


def test_a_database_and_a_queue_that_are_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_database", lambda: "unreachable")
    monkeypatch.setattr(heartbeat, "queue", lambda: redis.Redis(port=1))
    found = wrong()
    assert set(found) == {"database", "queue"}
    assert "DATABASE_URL" in found["database"]


def test_a_mail_server_that_is_away(settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    assert "127.0.0.1:1 takes no e-mail: ConnectionRefusedError" in wrong()["mail"]


def test_what_the_database_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    """R3, R21: an old schema, a token that ends, mail that nobody sends, a line that was changed,
    a role that may not write, a transaction that is open, clocks that differ, a full disk."""
    owner = organization()
    with clock.stopped(at=clock.now() - dt.timedelta(days=720)):
        idp = connect(owner, seats=3, name="Okta")
    with clock.stopped(at=clock.now() - dt.timedelta(minutes=6)):
        outbox.put(owner.pk, "invitation", {"seat": 0})
    idp.create("ada@acme.example")
    seals.seal_all()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE licensing_ledgerentry DISABLE TRIGGER USER")
        cursor.execute("UPDATE licensing_ledgerentry SET because = 'because' WHERE deed = 'grant'")
        cursor.execute("ALTER TABLE licensing_ledgerentry ENABLE TRIGGER USER")
        cursor.execute("REVOKE UPDATE ON scim_token FROM CURRENT_USER")
    monkeypatch.setattr(health, "_migrations", lambda: "pending")
    monkeypatch.setattr(doctor, "LONG_TRANSACTION", -1)
    monkeypatch.setattr(doctor, "DISK_WARNING", 2**60)
    later = doctor.timezone.now() + dt.timedelta(minutes=1)
    monkeypatch.setattr(doctor.timezone, "now", lambda: later)
    found = wrong()
    assert "manage.py migrate" in found["migrations"]
    assert "A token of Okta" in found["tokens"]
    assert "due for more than five minutes" in found["outbox"]
    assert "A line was changed" in found["ledger"]
    assert "may not use scim_token" in found["privileges"]
    assert "60 s apart" in found["clock"]
    assert "Make room" in found["disk"]
