"""Tell an admin by e-mail that their sign-in was changed, in case it was somebody else."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.urls import reverse

from accounts import mail, outbox
from accounts.models import Admin, Organization, Role

KIND = "sign_in_changed"
SUBJECT = "Your sign-in to Seatkeeper was changed"


def tell(admin: Admin, what: str, *, subject: str = SUBJECT) -> None:
    """what: a sentence. Written in the transaction of the change; an admin without a role has
    nothing to protect."""
    role = Role.objects.filter(admin=admin).order_by("id").first()
    if role is not None:
        outbox.put(
            role.organization_id, KIND, {"admin": admin.pk, "what": what, "subject": subject}
        )


def write(payload: dict[str, Any]) -> mail.Message | None:
    admin = Admin.objects.filter(pk=payload["admin"], is_active=True).first()
    if admin is None:
        return None
    return _letter(admin.email, payload["what"], payload.get("subject", SUBJECT))


def sample(organization: Organization, to: str) -> mail.Message:
    return _letter(to, "Two-step sign-in was turned on.", SUBJECT)


def _letter(to: str, what: str, subject: str) -> mail.Message:
    return mail.Message(
        to=to,
        subject=subject,
        paragraphs=(
            what,
            "If that was you, there is nothing to do. If it was not, set another password at once "
            "(the page below sends you a link), look at Account > Security for what you do not "
            "know, and tell an owner of your organization.",
        ),
        button=("Set another password", settings.PUBLIC_URL + reverse("accounts:forgotten")),
        why="You get this because your sign-in was changed. It cannot be switched off.",
    )
