"""Bring pending deliveries to their endpoint: one at a time, each endpoint by itself.

An endpoint's turn belongs to one worker, by a lock of its connection that ends with it. The
turn ends at the first failure, and the endpoint then rests, longer each time: one that hangs
costs one attempt a rest, and no other endpoint waits for it. At least once: an attempt is
counted before it is made, so what a worker had in hand when it died is sent again.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import time
import uuid
from collections.abc import Iterator

from django.db import connection, transaction
from django.db.models import F, Q

from accounts import clock, notices, vault, webhook_notices, webhook_post, webhooks
from accounts.models import WebhookDelivery, WebhookEndpoint
from accounts.webhook_post import Answer

#: Seconds after each attempt that failed, until the next one; after the last of them it is given
#: up, unless the endpoint accepts nothing at all: then it waits for that.
BACKOFF = (5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 24 * 3600)
#: How long an endpoint rests after so many failures in a row; so it is found well within the hour.
RESTS = (5, 30, 2 * 60, 5 * 60, 15 * 60, 30 * 60, 3600)
#: An endpoint that accepted nothing for so long is paused.
PAUSED_AFTER = dt.timedelta(days=5)
#: What a worker had in hand when it died is due again after so long.
PATIENCE = dt.timedelta(seconds=60)
#: A turn takes so many seconds at most, so that all endpoints have theirs.
TURN = 20.0
#: So many pending deliveries at most, before more is read from a log: the log keeps the rest.
MOST_PENDING = 500
#: Attempts whose answers are remembered.
TRIES_KEPT = 10
_GONE = 410


def turn(endpoint_id: uuid.UUID) -> int:
    """Send what is due to one endpoint. Returns how many attempts were made; none when another
    worker is at it."""
    made = 0
    with _held(endpoint_id) as mine:
        ends = time.monotonic() + TURN
        while mine and time.monotonic() < ends:
            delivery = _next(endpoint_id)
            if delivery is None:
                if not _may_read(endpoint_id) or not webhooks.read(endpoint_id):
                    break
                continue
            made += 1
            if not _attempt(delivery):
                break
    return made


def bring_back() -> None:
    """Make due what only a clock that was ahead can have put off: a delivery is due when it is
    made, and after a failure no later than the last of BACKOFF; a rest is one of RESTS."""
    now = clock.now()
    latest = now + dt.timedelta(seconds=BACKOFF[-1])
    WebhookDelivery.objects.filter(
        Q(attempts=0, due_at__gt=now) | Q(due_at__gt=latest), state=webhooks.State.PENDING
    ).update(due_at=now)
    rested = now + dt.timedelta(seconds=RESTS[-1])
    WebhookEndpoint.objects.filter(rest_until__gt=rested).update(rest_until=None)


@contextlib.contextmanager
def _held(endpoint_id: uuid.UUID) -> Iterator[bool]:
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [str(endpoint_id)])
        mine = cursor.fetchone()[0]
        try:
            yield mine
        finally:
            if mine:
                cursor.execute(_UNLOCK, [str(endpoint_id)])


def _next(endpoint_id: uuid.UUID) -> WebhookDelivery | None:
    """The first that is due, its attempt counted. Of an endpoint that is paused or rests that is
    a test alone."""
    now = clock.now()
    found = (
        WebhookDelivery.objects.select_related("endpoint")
        .filter(webhooks.sends_at(now, "endpoint__") | Q(kind=webhooks.PING))
        .filter(endpoint=endpoint_id, state=webhooks.State.PENDING, due_at__lte=now)
        .order_by("due_at", "id")
        .first()
    )
    if found is not None:
        found.attempts += 1
        WebhookDelivery.objects.filter(pk=found.pk).update(
            attempts=F("attempts") + 1, due_at=now + PATIENCE
        )
    return found


def _may_read(endpoint_id: uuid.UUID) -> bool:
    """Whether it sends, and there is room for more."""
    pending = WebhookDelivery.objects.filter(endpoint=endpoint_id, state=webhooks.State.PENDING)
    sends = WebhookEndpoint.objects.filter(webhooks.sends_at(clock.now()), pk=endpoint_id)
    return sends.exists() and pending.count() < MOST_PENDING


def _attempt(delivery: WebhookDelivery) -> bool:
    """One POST, outside every transaction, and what became of it. False: not accepted."""
    endpoint, now = delivery.endpoint, clock.now()
    secrets = _secrets(endpoint, now)
    if secrets:
        sent = webhook_post.headers(secrets, delivery.event, now, delivery.body)
        answer = webhook_post.post(endpoint.url, sent, delivery.body)
    else:
        answer = Answer(0, "Its secret cannot be read any more: rotate it.", "", 0)
    with transaction.atomic():
        held = WebhookEndpoint.objects.select_for_update().filter(pk=endpoint.pk).first()
        if held is not None:  # it was not deleted meanwhile
            _record(held, delivery, answer, secrets)
    return answer.accepted


def _secrets(endpoint: WebhookEndpoint, now: dt.datetime) -> list[str]:
    """Those that sign now, the newest first."""
    sealed = [endpoint.secret]
    if endpoint.previous_until is not None and endpoint.previous_until > now:
        sealed.append(endpoint.previous_secret)
    found = [vault.unseal(each) for each in sealed]
    return [secret for secret in found if secret]


def _record(
    endpoint: WebhookEndpoint, delivery: WebhookDelivery, answer: Answer, secrets: list[str]
) -> None:
    now = clock.now()
    tried = {
        "at": now.isoformat(),
        "status": answer.status,
        "milliseconds": answer.milliseconds,
        "error": answer.error,
    }
    delivery.tries = [*delivery.tries, tried][-TRIES_KEPT:]
    delivery.answer = _without(answer.body, secrets)
    if answer.accepted:
        delivery.state, delivery.done_at = webhooks.State.DELIVERED, now
        _recovered(endpoint)
    elif delivery.kind == webhooks.PING:
        delivery.state, delivery.done_at = webhooks.State.GIVEN_UP, now
    else:
        _failed(endpoint, delivery, answer, now)
    delivery.save(update_fields=["tries", "answer", "state", "done_at", "due_at"])


def _recovered(endpoint: WebhookEndpoint) -> None:
    if endpoint.failures or endpoint.rest_until:
        endpoint.failures, endpoint.failing_since, endpoint.rest_until = 0, None, None
        endpoint.save(update_fields=["failures", "failing_since", "rest_until"])


def _failed(
    endpoint: WebhookEndpoint, delivery: WebhookDelivery, answer: Answer, now: dt.datetime
) -> None:
    others_pass = endpoint.failing_since is None
    if delivery.attempts > len(BACKOFF) and others_pass:
        delivery.state, delivery.done_at = webhooks.State.GIVEN_UP, now
    else:
        wait = BACKOFF[min(delivery.attempts, len(BACKOFF)) - 1]
        delivery.due_at = now + dt.timedelta(seconds=wait)
    rest = RESTS[min(endpoint.failures, len(RESTS) - 1)]
    endpoint.failures += 1
    endpoint.failing_since = endpoint.failing_since or now
    endpoint.rest_until = now + dt.timedelta(seconds=rest)
    if answer.status == _GONE:
        _pause(endpoint, "It answered 410: it wants to be told nothing any more.", now)
    elif now - endpoint.failing_since >= PAUSED_AFTER:
        _pause(endpoint, f"It accepted nothing for {PAUSED_AFTER.days} days. {answer.error}", now)
    endpoint.save(
        update_fields=["failures", "failing_since", "rest_until", "paused_at", "paused_because"]
    )


def _pause(endpoint: WebhookEndpoint, because: str, now: dt.datetime) -> None:
    """Once: whoever is paused is not tried again. The admins are told."""
    if endpoint.paused_at is None:
        endpoint.paused_at, endpoint.paused_because = now, because
        notices.tell(
            endpoint.organization_id,
            webhook_notices.TOPIC.key,
            webhook_notices.KIND,
            {"endpoint": str(endpoint.pk)},
        )


def _without(text: str, secrets: list[str]) -> str:
    """An answer may repeat what it was sent; the secret is not among that, but who knows."""
    for secret in secrets:
        text = text.replace(secret, "…").replace(secret.removeprefix("whsec_"), "…")
    return text


_KEY = "hashtextextended('webhook ' || %s, 0)"
_LOCK = f"SELECT pg_try_advisory_lock({_KEY})"
_UNLOCK = f"SELECT pg_advisory_unlock({_KEY})"
