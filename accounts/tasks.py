"""Thin wrappers that the schedule starts."""

from __future__ import annotations

import logging

from celery import shared_task
from django.core.management import call_command
from django.db import OperationalError

from accounts import api_tokens, kept, mail, outbox, people_files, sessions

_log = logging.getLogger("seatkeeper.outbox")


@shared_task(
    autoretry_for=(OperationalError,), retry_backoff=True, retry_backoff_max=60, max_retries=8
)
def deliver_outbox() -> None:
    """Send what is due; what fails waits for its next time and is shown (R9)."""
    while _deliver_one():
        pass


def _deliver_one() -> bool:
    """False: nothing is due."""
    with outbox.claimed() as line:
        if line is None:
            return False
        try:
            mail.send(line)
        except Exception as error:
            _log.warning("outbox line %s (%s): %s", line.pk, line.kind, error)
            outbox.failed(line, f"{type(error).__name__}: {error}")
        else:
            outbox.done(line)
        return True


@shared_task(
    autoretry_for=(OperationalError,), retry_backoff=True, retry_backoff_max=600, max_retries=8
)
def prune() -> None:
    """Daily: forget messages that were sent long ago, documents of people who can be restored
    no longer (R13), files that nobody imported, sessions that have ended, and what the API
    answered to writes with a key."""
    outbox.prune()
    kept.prune()
    people_files.prune()
    api_tokens.prune()
    call_command("clearsessions")
    sessions.prune()
