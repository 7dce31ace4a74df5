"""Render and send one line of the outbox.

Apps register how their kinds of message are written (in AppConfig.ready); accounts
knows none of them, so that imports only point downward.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives

from accounts.models import Admin, Organization, Outbox


@dataclasses.dataclass(frozen=True, slots=True)
class Message:
    """One e-mail to one person: a line of the outbox has one receiver, so that an address that
    fails costs nobody else a second copy.

    html: the same for mail programs that show it. files: name, whose ending tells the
    type, and content of each."""

    to: str
    subject: str
    text: str
    html: str = ""
    files: tuple[tuple[str, str], ...] = ()


#: Returns None when there is nothing left to say (the seat is gone, the token revoked).
Writer = Callable[[dict[str, Any]], Message | None]
_writers: dict[str, Writer] = {}
_names: dict[str, str] = {}


def register(kind: str, writer: Writer, *, name: str = "") -> None:
    """name: what an admin calls an e-mail of this kind ("Invitation")."""
    _writers[kind] = writer
    _names[kind] = name


def name_of(kind: str) -> str:
    return _names.get(kind) or kind


#: Beginnings of errors, as accounts.tasks keeps them, and what an admin can do about them.
_REASONS = (
    (
        ("SMTPRecipientsRefused",),
        "The mail server refuses the address: correct it where the person comes from.",
    ),
    (
        ("SMTPSenderRefused",),
        "The mail server refuses our sender address: your operator sets FROM_EMAIL.",
    ),
    (
        ("SMTPAuthenticationError", "SMTPNotSupportedError"),
        "The mail server refuses our sign-in: your operator sets EMAIL_URL.",
    ),
    (
        ("SMTPDataError", "SMTPResponseException"),
        "The mail server refuses the message.",
    ),
    (
        ("SMTP", "ConnectionRefusedError", "ConnectionResetError", "TimeoutError", "gaierror",
         "OSError", "SSL"),
        "The mail server cannot be reached.",
    ),
)  # fmt: skip


def reason(error: str) -> str:
    """Why an e-mail could not be sent, as a sentence for a person."""
    return next(
        (sentence for beginnings, sentence in _REASONS if error.startswith(beginnings)),
        "The e-mail could not be written or handed over.",
    )


def send(line: Outbox) -> None:
    """Send the line's e-mail; raises what the mail server or the network raise.

    The Message-ID is the line's own, so that a receiver can tell a repeat: an e-mail that was
    handed over by a worker that died right after is the one thing that may go twice.
    """
    message = _writers[line.kind](line.payload)
    if message is None:
        return
    host = settings.PUBLIC_URL.partition("://")[2].partition(":")[0]
    letter = EmailMultiAlternatives(
        subject=" ".join(message.subject.split()),
        body=message.text,
        to=[message.to],
        headers={"Message-ID": f"<outbox-{line.pk}@{host}>", "Auto-Submitted": "auto-generated"},
    )
    if message.html:
        letter.attach_alternative(message.html, "text/html")
    for file in message.files:
        letter.attach(*file)
    letter.send()


def admins_of(organization: Organization) -> list[str]:
    return list(
        Admin.objects.filter(roles__organization=organization, is_active=True)
        .order_by("email")
        .values_list("email", flat=True)
    )
