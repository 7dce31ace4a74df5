"""Who sends a message, and who sends it when that one dies."""

import contextlib
import datetime as dt
import os
import socket
import subprocess
import sys
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.conf import settings
from django.core import mail
from django.db import connection

from accounts import clock, outbox
from accounts.models import Outbox
from accounts.tasks import deliver_outbox
from tests import factories
from tests.config import processes

ADA = "ada@acme.example"
DELIVER = (
    "import django; django.setup(); from accounts.tasks import deliver_outbox; deliver_outbox()"
)


@contextlib.contextmanager
def _worker(folder, port):
    """A process of its own that sends what is due by the mail server at that port."""
    name = connection.settings_dict["NAME"]  # test_…
    environment = {
        **os.environ,
        "DATABASE_URL": urlunsplit(urlsplit(settings.DATABASE_URL)._replace(path=f"/{name}")),
        "REDIS_URL": settings.REDIS_URL,
        "SEATKEEPER_DATA": str(folder),
        "EMAIL_URL": f"smtp://127.0.0.1:{port}",
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    worker = subprocess.Popen([sys.executable, "-c", DELIVER], cwd=processes.ROOT, env=environment)
    try:
        yield worker
    finally:
        worker.kill()
        worker.wait()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_what_a_worker_has_in_hand_is_its_own_until_it_dies_and_then_sent_within_a_minute(tmp_path):
    """R9: what is left to workers is done within a minute. R26: a slow mail server makes no
    second worker send the same e-mail beside the first, however long it takes."""
    factories.connect(factories.organization(), seats=1).create(ADA)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        with _worker(tmp_path, silent.getsockname()[1]) as worker:
            connected, _ = silent.accept()
            begun = clock.now()
            with connected:
                with clock.stopped(at=begun + dt.timedelta(hours=1)):
                    deliver_outbox()
                assert mail.outbox == []
                worker.kill()
                worker.wait()
        sweep = settings.CELERY_BEAT_SCHEDULE["deliver the outbox"]["schedule"]
        with clock.stopped(at=begun + dt.timedelta(seconds=59 - sweep)):
            assert processes.eventually(lambda: deliver_outbox() or mail.outbox)
    assert [letter.to for letter in mail.outbox] == [[ADA]]
    assert (Outbox.objects.get().attempts, Outbox.objects.get().done_at is None) == (2, False)


@pytest.mark.django_db(transaction=True)
def test_workers_at_once_send_each_message_once(race):
    """R9, R26: each takes another line, and none waits for another."""
    idp = factories.connect(factories.organization(), seats=12)
    emails = [f"p{n}@acme.example" for n in range(12)]
    for email in emails:
        idp.create(email)
    race(*[deliver_outbox] * 4)
    assert sorted(letter.to[0] for letter in mail.outbox) == sorted(emails)
    with outbox.claimed() as line:
        assert line is None
    assert _locks() == 0


@pytest.mark.django_db(transaction=True)
def test_a_message_that_was_sent_or_failed_is_in_nobodys_hand():
    """R9: no lock is left behind, also when the sending breaks off."""
    factories.connect(factories.organization(), seats=1).create(ADA)
    with pytest.raises(KeyboardInterrupt):
        _break_off()
    assert _locks() == 0


def _break_off():
    with outbox.claimed() as line:
        assert line is not None
        assert _locks() == 1
        raise KeyboardInterrupt


def _locks():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
        return cursor.fetchone()[0]
