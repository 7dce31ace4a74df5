"""Thin wrappers that the schedule starts."""

from __future__ import annotations

import logging
import uuid

from celery import shared_task
from django.core.management import call_command
from django.db import OperationalError

from accounts import (
    api_tokens,
    audit_rules,
    clock,
    digests,
    kept,
    mail,
    outbox,
    partitions,
    people_files,
    request_ids,
    sessions,
    undo,
    webhook_delivery,
    webhooks,
)
from accounts.models import Outbox

_log = logging.getLogger("seatkeeper.outbox")


@shared_task(
    autoretry_for=(OperationalError,), retry_backoff=True, retry_backoff_max=60, max_retries=8
)
def deliver_outbox() -> None:
    """Send what is due; what fails waits for its next time and is shown (R9)."""
    outbox.bring_back()
    while _deliver_one():
        pass


@shared_task(
    autoretry_for=(OperationalError,), retry_backoff=True, retry_backoff_max=60, max_retries=8
)
def deliver_webhooks() -> None:
    """One task for each endpoint that has something to get, so that none waits for another."""
    webhook_delivery.bring_back()
    for endpoint_id in webhooks.with_work():
        deliver_webhooks_of.apply_async([str(endpoint_id)], expires=30)


@shared_task
def deliver_webhooks_of(endpoint_id: str) -> None:
    """Nothing to do when another worker is at this endpoint already."""
    webhook_delivery.turn(uuid.UUID(endpoint_id))


@shared_task(
    autoretry_for=(OperationalError,), retry_backoff=True, retry_backoff_max=60, max_retries=8
)
def make_digests() -> None:
    """The daily summaries, from six in the morning (UTC)."""
    digests.make()


def _deliver_one() -> bool:
    """False: nothing is due."""
    with outbox.claimed() as line:
        if line is None:
            return False
        with request_ids.of(line.request_id or request_ids.current.get()):
            _deliver(line)
        return True


def _deliver(line: Outbox) -> None:
    """Its log lines carry the id of the request that caused the message."""
    try:
        mail.send(line)
    except Exception as error:
        _log.warning("outbox line %s (%s): %s", line.pk, line.kind, error)
        outbox.failed(line, f"{type(error).__name__}: {error}")
    else:
        outbox.done(line)
        _log.info("outbox line %s (%s) is sent", line.pk, line.kind)


@shared_task(
    autoretry_for=(OperationalError,), retry_backoff=True, retry_backoff_max=60, max_retries=8
)
def import_people() -> None:
    """Files of people that were confirmed and are long (R10)."""
    while people_files.import_confirmed():
        pass


@shared_task(
    autoretry_for=(OperationalError,), retry_backoff=True, retry_backoff_max=600, max_retries=8
)
def make_months() -> None:
    """Daily: the months to come of the tables that are kept by month, and their statistics."""
    partitions.ensure()
    partitions.analyze()


@shared_task(
    autoretry_for=(OperationalError,), retry_backoff=True, retry_backoff_max=600, max_retries=8
)
def prune() -> None:
    """Daily: forget messages that were sent long ago, what can be undone no longer, lines of the
    audit log whose organization keeps them no longer (R28), documents of people who can be restored
    no longer (R13), files that nobody imported, sessions that have ended, and what the API
    answered to writes with a key."""
    clock.must_agree()
    outbox.prune()
    undo.prune()
    audit_rules.prune()
    digests.prune()
    webhooks.prune()
    kept.prune()
    people_files.prune()
    api_tokens.prune()
    call_command("clearsessions")
    sessions.prune()
