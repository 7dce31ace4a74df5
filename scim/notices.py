"""E-mails to admins about tokens (R4), and about applications that went silent."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from django.urls import reverse

from accounts import clock, notices
from accounts.mail import Message
from accounts.models import Organization
from accounts.notices import Topic
from scim import silence
from scim.models import Token

#: What an admin chooses how to be told of.
TOKENS = Topic(
    "tokens",
    "Tokens that expire",
    "90, 30, 14, 7 and 1 days before a SCIM token ends.",
    always="That one has expired always comes at once.",
)
SILENCE = Topic(
    "sync",
    "Applications that went silent",
    "Nothing came for a day from Microsoft Entra ID, or for 30 days from another one.",
    default=notices.How.DAILY.value,
)


def token_ends(payload: dict[str, Any]) -> Message | None:
    """A token ends in so many days, or has ended; None when it was revoked meanwhile."""
    token = (
        Token.objects.select_related("application__organization")
        .filter(pk=payload["token"], revoked_at=None)
        .first()
    )
    if token is None:
        return None
    application = token.application
    return _letter(
        payload["to"],
        application.organization,
        application=application.name,
        idp=application.get_idp_display(),
        token=token.name or f"{token.hint}…",
        ends=token.expires_at,
        days=payload["days"],
        link=settings.PUBLIC_URL + reverse("scim_settings:application", args=[application.pk]),
    )


def sample(organization: Organization, to: str) -> Message:
    """The e-mail with made-up data."""
    return _letter(
        to,
        organization,
        application="Okta",
        idp="Okta",
        token="Production",  # noqa: S106  a name
        ends=clock.now() + dt.timedelta(days=14),
        days=14,
        link=settings.PUBLIC_URL + reverse("scim_settings:settings"),
    )


def application_silent(payload: dict[str, Any]) -> Message | None:
    """An application that sends nothing any more; None when it has sent something meanwhile."""
    found = silence.find(payload["application"])
    if found is None:
        return None
    application = found.application
    link = settings.PUBLIC_URL + reverse("scim_settings:guide", args=[application.pk])
    return _silent(payload["to"], application.organization, application.name, found.heard_at, link)


def sample_silent(organization: Organization, to: str) -> Message:
    """The e-mail with made-up data."""
    heard = clock.now() - dt.timedelta(days=30)
    link = settings.PUBLIC_URL + reverse("scim_settings:settings")
    return _silent(to, organization, "Okta", heard, link)


def _letter(
    to: str,
    organization: Organization,
    *,
    application: str,
    idp: str,
    token: str,
    ends: dt.datetime,
    days: int,
    link: str,
) -> Message:
    when = f"{ends:%d %B %Y at %H:%M} UTC"
    if days:
        subject = f"The SCIM token of {application} expires within {days} days"
        fact = f"expires on {when}"
    else:
        subject = f"The SCIM token of {application} has expired"
        fact = f"expired on {when}: pushes with it are refused"
    return Message(
        to=to,
        subject=subject,
        paragraphs=(
            f"The token {token} of the application {application} ({organization.name}) {fact}.",
            f"Rotate it and enter the new one in {idp}. Both work until the old one ends.",
        ),
        button=("Go to the tokens", link),
        why=f"You get this as an admin of {organization.name}.",
    )


def _silent(
    to: str, organization: Organization, application: str, heard: dt.datetime, link: str
) -> Message:
    return Message(
        to=to,
        subject=f"{application} has gone silent",
        paragraphs=(
            f"{application} ({organization.name}) has sent nothing since "
            f"{heard:%d %B %Y at %H:%M} UTC. Changes made there may not be here.",
            "If nobody was added, changed or removed there, all is well. Otherwise look at the "
            "provisioning log of the identity provider.",
        ),
        button=("Check the connection", link),
        why=f"You get this as an admin of {organization.name}.",
    )
