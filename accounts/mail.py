"""Render and send one line of the outbox.

Apps register how their kinds of message are written (in AppConfig.ready); accounts
knows none of them, so that imports only point downward.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from accounts import names, notices
from accounts.mail_style import STYLE
from accounts.models import Organization, Outbox

#: What no line of ours may have: it could end a header, or turn the letters after it around.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]+")
LONGEST_SUBJECT = 200


def line(text: str) -> str:
    """On one line, whatever somebody has called themselves."""
    return " ".join(_CONTROL.sub(" ", text).split())


@dataclasses.dataclass(frozen=True, slots=True)
class Section:
    """A part of a longer e-mail, with its own link."""

    title: str
    text: str
    button: tuple[str, str] | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Message:
    """One e-mail to one person: a line of the outbox has one receiver, so that an address that
    fails costs nobody else a second copy.

    button: its words, and where it leads. after: paragraphs below it. why: why it came.
    preheader: what a list of e-mails shows beside the subject; by itself the first paragraph.
    choose, stop: where it is chosen what comes, and what stops this; filled in when it is sent.
    template, context: for a longer one, which extends mail/base.html and .txt.
    files: name, whose ending tells the type, and content of each.
    """

    to: str
    subject: str
    paragraphs: tuple[str, ...] = ()
    button: tuple[str, str] | None = None
    after: tuple[str, ...] = ()
    sections: tuple[Section, ...] = ()
    why: str = ""
    preheader: str = ""
    choose: str = ""
    stop: str = ""
    template: str = "mail/letter"
    context: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    files: tuple[tuple[str, str], ...] = ()

    @property
    def text(self) -> str:
        """The part for who reads plain text."""
        rendered = render_to_string(f"{self.template}.txt", self._values())
        return re.sub(r"\n{3,}", "\n\n", rendered).strip() + "\n"

    @property
    def html(self) -> str:
        return render_to_string(f"{self.template}.html", self._values())

    def _values(self) -> dict[str, Any]:
        first = self.paragraphs[0] if self.paragraphs else self.subject
        return {
            **self.context,
            "subject": line(self.subject),
            "preheader": line(self.preheader or first),
            "paragraphs": [line(each) for each in self.paragraphs],
            "after": [line(each) for each in self.after],
            "sections": [
                dataclasses.replace(each, title=line(each.title), text=line(each.text))
                for each in self.sections
            ],
            "button": self.button,
            "why": line(self.why),
            "choose": self.choose,
            "stop": self.stop,
            "style": STYLE,
        }


#: Returns None when there is nothing left to say (the seat is gone, the token revoked).
Writer = Callable[[dict[str, Any]], Message | None]
#: The same e-mail with made-up data, for an admin who wants to see it: organization, address.
Sample = Callable[[Organization, str], Message]
_writers: dict[str, Writer] = {}
_names: dict[str, str] = {}
_samples: dict[str, Sample] = {}
_topics: dict[str, str] = {}


def register(
    kind: str, writer: Writer, *, name: str = "", sample: Sample | None = None, topic: str = ""
) -> None:
    """name: what an admin calls an e-mail of this kind ("Invitation"). topic: of a notice."""
    _writers[kind] = writer
    _names[kind] = name
    _topics[kind] = topic
    if sample is not None:
        _samples[kind] = sample


def name_of(kind: str) -> str:
    return _names.get(kind) or kind


def samples() -> dict[str, str]:
    """Every e-mail that can be looked at: kind and name."""
    return {kind: name_of(kind) for kind in _samples}


def notices_of() -> list[str]:
    """The kinds of e-mail that are notices, of which an admin chooses."""
    return [kind for kind in _samples if _topics[kind]]


def write(kind: str, payload: dict[str, Any]) -> Message | None:
    return _writers[kind](payload)


def sample(kind: str, organization: Organization, to: str) -> Message:
    """With its footer, as an admin of that address would get it; its links stop nothing."""
    message, topic = _samples[kind](organization, to), _topics[kind]
    link = notices.choose_link() if topic else ""
    return dataclasses.replace(message, choose=link, stop=link if notices.may_stop(topic) else "")


#: Beginnings of errors, as accounts.tasks keeps them, and what an admin can do about them.
_REASONS = (
    (
        ("SMTPRecipientsRefused", "AddressInvalid"),
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


class AddressInvalid(ValueError):
    """It may be several, or the beginning of a header."""


def send(row: Outbox) -> None:
    """Send the line's e-mail; raises what the mail server or the network raise.

    The Message-ID is the line's own, so that a receiver can tell a repeat: an e-mail that was
    handed over by a worker that died right after is the one thing that may go twice.
    """
    message = write(row.kind, row.payload)
    if message is None:
        return
    if not names.looks_like_email(message.to):
        raise AddressInvalid(f"{message.to!r} is not one address")
    choose, stop = _links(row)
    message = dataclasses.replace(message, choose=choose, stop=stop)
    host = settings.PUBLIC_URL.partition("://")[2].partition(":")[0]
    headers = {"Message-ID": f"<outbox-{row.pk}@{host}>", "Auto-Submitted": "auto-generated"}
    if stop:
        # RFC 2369 and RFC 8058: a mail program offers to stop it, without a page between.
        headers["List-Unsubscribe"] = f"<{stop}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    letter = EmailMultiAlternatives(
        subject=line(message.subject)[:LONGEST_SUBJECT],
        body=message.text,
        to=[message.to],
        headers=headers,
    )
    letter.attach_alternative(message.html, "text/html")
    for file in message.files:
        letter.attach(*file)
    letter.send()


def _links(row: Outbox) -> tuple[str, str]:
    """Where the receiver chooses, and what stops this: of notices, that an admin chooses."""
    topic = row.payload.get("topic")
    if topic is None:
        return "", ""
    admin_id = row.payload["admin"]
    stop = notices.stop_link(row.organization_id, admin_id, topic)
    return notices.choose_link(), stop if notices.may_stop(topic) else ""
