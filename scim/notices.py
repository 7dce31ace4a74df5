"""E-mails to admins about tokens (R4)."""

from __future__ import annotations

from typing import Any

from accounts.mail import Message
from scim.models import Token


def token_ends(payload: dict[str, Any]) -> Message | None:
    """A token ends in so many days, or has ended; None when it was revoked meanwhile."""
    token = (
        Token.objects.select_related("application__organization")
        .filter(pk=payload["token"], revoked_at=None)
        .first()
    )
    if token is None:
        return None
    application, days = token.application, payload["days"]
    when = f"{token.expires_at:%d %B %Y at %H:%M} UTC"
    if days:
        subject = f"The SCIM token of {application.name} expires within {days} days"
        fact = f"expires on {when}"
    else:
        subject = f"The SCIM token of {application.name} has expired"
        fact = f"expired on {when}: pushes with it are refused"
    return Message(
        to=payload["to"],
        subject=subject,
        text=(
            f"The token {token.name or token.hint}… of the application {application.name} "
            f"({application.organization.name}) {fact}.\n\n"
            f"Issue a new one at Settings > Global Settings > SCIM and enter it in "
            f"{application.get_idp_display()}. Both work until the old one ends.\n"
        ),
    )
