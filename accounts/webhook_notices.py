"""Tell the admins that an endpoint was paused, since it accepted nothing."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.urls import reverse

from accounts.mail import Message
from accounts.models import Organization, WebhookEndpoint
from accounts.notices import Topic

KIND = "webhook_paused"
TOPIC = Topic(
    "webhooks",
    "Webhooks that were paused",
    "An endpoint accepted nothing for five days, or asked to be left alone.",
)


def write(payload: dict[str, Any]) -> Message | None:
    """None when it was resumed or deleted meanwhile."""
    endpoint = (
        WebhookEndpoint.objects.select_related("organization")
        .filter(pk=payload["endpoint"], paused_at__isnull=False)
        .first()
    )
    if endpoint is None:
        return None
    link = settings.PUBLIC_URL + reverse("accounts:webhook", args=[endpoint.pk])
    because = endpoint.paused_because
    return _letter(payload["to"], endpoint.organization, endpoint.name, because, link)


def sample(organization: Organization, to: str) -> Message:
    because = "It accepted nothing for 5 days. It answered 503."
    link = settings.PUBLIC_URL + reverse("accounts:webhooks")
    return _letter(to, organization, "HR system", because, link)


def _letter(to: str, organization: Organization, name: str, because: str, link: str) -> Message:
    return Message(
        to=to,
        subject=f"The webhook {name} was paused",
        paragraphs=(
            f"The endpoint {name} of {organization.name} is told nothing any more. {because}",
            "Nothing is lost: what happens meanwhile is sent once you resume it.",
        ),
        button=("Look at the endpoint", link),
        why=f"You get this as an admin of {organization.name}.",
    )
