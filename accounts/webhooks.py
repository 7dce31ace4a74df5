"""Webhooks: where an organization is told, by signed POSTs, of what happens to its seats.

What stands in a log already (the ledger, the waiting list) is read from it by the worker, for
each endpoint from where it stopped: pushes pay nothing for webhooks, and a paused endpoint
misses nothing. What stands in none is put here by its cause, in the same transaction (`put`).
Either becomes a delivery, which accounts.webhook_delivery brings to its endpoint.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import secrets
import uuid
from collections.abc import Callable, Collection, Iterable
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, connection, transaction
from django.db.models import Q

from accounts import audit, clock, outbound, vault
from accounts.deeds import Deed
from accounts.models import Admin, Organization, WebhookDelivery, WebhookEndpoint
from accounts.refusal import NotFound, Refusal

PING = "test.ping"
#: What can be told, and what an admin calls it.
KINDS = {
    "seat.granted": "A license was given",
    "seat.released": "A license was taken back",
    "seat.refused": "A push was refused for want of licenses",
    "seat.waiting": "Somebody came onto the waiting list",
    "token.expiring": "A SCIM token expires soon, or has expired",
    "removals.held": "The safety brake holds removals",
    "sync.stale": "An application went silent",
}
MOST_ENDPOINTS = 20
#: Deliveries that are over are shown so long.
KEPT = dt.timedelta(days=30)
#: Hours that the secret before may go on signing.
OVERLAPS = (0, 24, 168)
_PREFIX = "whsec_"

#: Both about endpoints that are neither paused nor resting. `unread`: the ids of those for which
#: there is something in the log; `read`: makes deliveries of some of it, and returns how many
#: lines it has read.
Unread = Callable[[], Iterable[uuid.UUID]]
Read = Callable[[uuid.UUID], int]
_logs: list[tuple[Unread, Read]] = []


def follow(unread: Unread, read: Read) -> None:
    """Register a log that endpoints read."""
    if (unread, read) not in _logs:
        _logs.append((unread, read))


def read(endpoint_id: uuid.UUID) -> int:
    """Read on in every log. Returns how many lines were read."""
    return sum(reader(endpoint_id) for _, reader in _logs)


# ------------------------------------------------------------------ endpoints


@transaction.atomic
def add(
    organization: Organization,
    *,
    name: str,
    url: str,
    kinds: Collection[str],
    by: Admin | None = None,
) -> tuple[WebhookEndpoint, str]:
    """A new endpoint and its secret, which is shown this once.

    It is told of what happens from now on. Refused: an address that may not be asked, no kind,
    a name that is taken, too many endpoints.
    """
    Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
    if WebhookEndpoint.objects.of(organization).count() >= MOST_ENDPOINTS:
        raise Refusal(
            "too_many_endpoints",
            f"{organization.name} has {MOST_ENDPOINTS} endpoints already. Delete one first.",
        )
    secret = _new_secret()
    endpoint = WebhookEndpoint(
        organization=organization, secret=vault.seal(secret), created_at=clock.now()
    )
    _describe(endpoint, name, url, kinds)
    audit.note(organization.pk, Deed.WEBHOOK_ADDED, endpoint, by=by, after=_about(endpoint))
    return endpoint, secret


@transaction.atomic
def change(
    endpoint: WebhookEndpoint,
    *,
    name: str,
    url: str,
    kinds: Collection[str],
    by: Admin | None = None,
) -> WebhookEndpoint:
    """Refused as `add` is. What is pending goes to the new address."""
    endpoint = _hold(endpoint)
    before, was = _about(endpoint), endpoint.url
    _describe(endpoint, name, url, kinds)
    after = _about(endpoint)
    if was != endpoint.url:
        after["address"] = "changed"
        before["address"] = ""
    audit.note(endpoint.organization_id, Deed.WEBHOOK_CHANGED, endpoint, by=by, before=before,
               after=after)  # fmt: skip
    return endpoint


@transaction.atomic
def rotate(endpoint: WebhookEndpoint, *, overlap_hours: int, by: Admin | None = None) -> str:
    """A new secret, shown this once; the one before signs too for so many hours."""
    if overlap_hours not in OVERLAPS:
        raise Refusal("overlap_invalid", "Choose one of the times that are offered.")
    endpoint = _hold(endpoint)
    secret = _new_secret()
    until = clock.now() + dt.timedelta(hours=overlap_hours) if overlap_hours else None
    endpoint.previous_secret = endpoint.secret if until else ""
    endpoint.previous_until = until
    endpoint.secret = vault.seal(secret)
    endpoint.save(update_fields=["secret", "previous_secret", "previous_until"])
    audit.note(
        endpoint.organization_id,
        Deed.WEBHOOK_ROTATED,
        endpoint,
        by=by,
        after={"previous_works_until": until},
    )
    return secret


@transaction.atomic
def pause(endpoint: WebhookEndpoint, *, by: Admin | None = None) -> None:
    """Nothing is sent to it; what happens meanwhile is sent when it is resumed."""
    now = clock.now()
    living = WebhookEndpoint.objects.filter(pk=endpoint.pk, paused_at=None)
    if living.update(paused_at=now, paused_because="An admin paused it."):
        audit.note(endpoint.organization_id, Deed.WEBHOOK_PAUSED, endpoint, by=by)


@transaction.atomic
def resume(endpoint: WebhookEndpoint, *, by: Admin | None = None) -> None:
    """It reads on where it stopped, and what is pending is due at once."""
    paused = WebhookEndpoint.objects.filter(pk=endpoint.pk, paused_at__isnull=False)
    if paused.update(
        paused_at=None, paused_because="", failures=0, failing_since=None, rest_until=None
    ):
        pending = WebhookDelivery.objects.filter(endpoint=endpoint, state=State.PENDING)
        pending.update(due_at=clock.now())
        audit.note(endpoint.organization_id, Deed.WEBHOOK_RESUMED, endpoint, by=by)


@transaction.atomic
def delete(endpoint: WebhookEndpoint, *, by: Admin | None = None) -> None:
    """With its deliveries, sent or not."""
    endpoint = _hold(endpoint)
    audit.note(endpoint.organization_id, Deed.WEBHOOK_DELETED, endpoint, by=by,
               before=_about(endpoint))  # fmt: skip
    endpoint.delete()


# ------------------------------------------------------------------ deliveries

State = WebhookDelivery.State


def put(organization_id: int, kind: str, data: dict[str, Any], *, once: str) -> None:
    """Tell whoever wants to know of something that stands in no log; within its transaction.

    once: what makes it one event, whoever puts it how often.
    """
    now = clock.now()
    event = event_id(f"{organization_id} {kind} {once}")
    with connection.cursor() as cursor:
        cursor.execute(
            _PUT,
            {
                "organization": organization_id,
                "kind": kind,
                "event": event,
                "body": _body(kind, now, data),
                "now": now,
            },
        )


@transaction.atomic
def send_test(endpoint: WebhookEndpoint, *, by: Admin | None = None) -> WebhookDelivery:
    """A ping: sent within seconds, once, also to an endpoint that is paused."""
    now = clock.now()
    delivery = WebhookDelivery.objects.create(
        organization_id=endpoint.organization_id,
        endpoint=endpoint,
        event=event_id(secrets.token_hex()),
        kind=PING,
        body=_body(PING, now, {"endpoint": endpoint.name, "message": "Seatkeeper can reach you."}),
        created_at=now,
        due_at=now,
    )
    audit.note(endpoint.organization_id, Deed.WEBHOOK_TESTED, endpoint, by=by)
    return delivery


@transaction.atomic
def repeat(delivery: WebhookDelivery, *, by: Admin | None = None) -> None:
    """Send it once more, with the same id; also one that was delivered.

    Refused: the endpoint is paused ("endpoint_paused"), unless it is a test.
    """
    endpoint = _hold(delivery.endpoint)
    if endpoint.paused_at is not None and delivery.kind != PING:
        raise Refusal("endpoint_paused", f"{endpoint.name} is paused: resume it first.")
    WebhookDelivery.objects.filter(pk=delivery.pk).update(
        state=State.PENDING, done_at=None, attempts=0, due_at=clock.now()
    )
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(rest_until=None)
    audit.note(
        endpoint.organization_id,
        Deed.WEBHOOK_REPEATED,
        endpoint,
        by=by,
        after={"kind": delivery.kind, "event": delivery.event},
    )


def with_work() -> set[uuid.UUID]:
    """The endpoints for which something is due, or unread; each needs a turn."""
    now = clock.now()
    due = WebhookDelivery.objects.filter(state=State.PENDING, due_at__lte=now)
    due = due.filter(sends_at(now, "endpoint__") | Q(kind=PING))
    found = set(due.values_list("endpoint", flat=True).distinct())
    return found.union(*(unread() for unread, _ in _logs))


def sends_at(now: dt.datetime, of: str = "") -> Q:
    """Endpoints that are neither paused nor resting. of: as in "endpoint__"."""
    return Q(**{f"{of}paused_at": None}) & (
        Q(**{f"{of}rest_until": None}) | Q(**{f"{of}rest_until__lte": now})
    )


def prune() -> None:
    """Forget what is over for long."""
    WebhookDelivery.objects.filter(done_at__lt=clock.now() - KEPT).delete()


def event_id(of: str) -> str:
    """Stable, and tells nobody how much happens elsewhere."""
    return f"evt_{hashlib.sha256(of.encode()).hexdigest()[:32]}"


# ------------------------------------------------------------------ inside


def _hold(endpoint: WebhookEndpoint) -> WebhookEndpoint:
    found = WebhookEndpoint.objects.select_for_update().filter(pk=endpoint.pk).first()
    if found is None:
        raise NotFound("endpoint_not_found", "There is no such endpoint any more.")
    return found


def _describe(endpoint: WebhookEndpoint, name: str, url: str, kinds: Collection[str]) -> None:
    chosen = [kind for kind in KINDS if kind in kinds]
    if not chosen:
        raise Refusal("kinds_missing", "Choose what the endpoint is told of.")
    try:
        outbound.check(url, private=settings.WEBHOOK_PRIVATE_ADDRESSES)
    except outbound.Unreachable as why:
        raise Refusal("url_invalid", f"{str(why)[:1].upper()}{str(why)[1:]}.") from None
    endpoint.name, endpoint.url, endpoint.kinds = " ".join(name.split()), url, chosen
    try:
        with transaction.atomic():
            endpoint.save()
    except IntegrityError:
        raise Refusal("name_taken", "There is an endpoint of that name: choose another.") from None


def _about(endpoint: WebhookEndpoint) -> dict[str, Any]:
    """For the audit log. Of the address the host alone: the rest may be a secret."""
    host = outbound.check(endpoint.url, private=True).host
    return {"name": endpoint.name, "host": host, "kinds": endpoint.kinds}


def _new_secret() -> str:
    return _PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def _body(kind: str, at: dt.datetime, data: dict[str, Any]) -> str:
    document = {"type": kind, "timestamp": at, "data": data}
    return json.dumps(document, cls=DjangoJSONEncoder, ensure_ascii=False)


_PUT = """
INSERT INTO accounts_webhookdelivery (organization_id, endpoint_id, event, kind, body, created_at,
    state, due_at, attempts, tries, answer)
SELECT organization_id, id, %(event)s, %(kind)s, %(body)s, %(now)s, 'pending', %(now)s, 0, '[]', ''
FROM accounts_webhookendpoint
WHERE organization_id = %(organization)s AND kinds @> ARRAY[%(kind)s]::varchar[]
ON CONFLICT (endpoint_id, event) DO NOTHING
"""
