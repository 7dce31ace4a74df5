"""Thin wrappers that the schedule starts."""

from __future__ import annotations

from celery import shared_task
from django.db import OperationalError

from accounts import clock
from scim import exchanges, silence, tokens, turned_away


@shared_task(
    autoretry_for=(OperationalError,), retry_backoff=True, retry_backoff_max=600, max_retries=8
)
def expire_scim_tokens() -> None:
    """Hourly: tokens that have ended, and those that end soon, are announced, each once (R4)."""
    clock.must_agree()
    tokens.correct()
    tokens.expire()


@shared_task(
    autoretry_for=(OperationalError,), retry_backoff=True, retry_backoff_max=600, max_retries=8
)
def tell_silence() -> None:
    """Hourly: applications that send nothing any more."""
    silence.tell()


@shared_task(
    autoretry_for=(OperationalError,), retry_backoff=True, retry_backoff_max=600, max_retries=8
)
def prune_exchanges() -> None:
    """Daily: forget requests that the activity log keeps no longer (R28)."""
    clock.must_agree()
    exchanges.prune()
    turned_away.prune()
