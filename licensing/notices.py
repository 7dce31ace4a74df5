"""E-mails to admins about licenses (R27)."""

from __future__ import annotations

from typing import Any

from accounts.mail import Message
from accounts.models import Application, Organization, Product
from accounts.notices import Topic
from licensing import brake
from licensing.models import OPEN_REMOVAL, HeldRemoval

#: What an admin chooses how to be told of.
REMOVALS = Topic(
    "removals",
    "Removals that are held",
    "The safety brake has stopped an unexpected mass removal, and somebody has to look at it.",
    may_stop=False,
)


def removals_held(payload: dict[str, Any]) -> Message | None:
    """The safety brake has begun to hold removals; None when all were decided meanwhile."""
    application = Application.objects.select_related("organization", "policy").get(
        pk=payload["application"]
    )
    held = HeldRemoval.objects.filter(
        OPEN_REMOVAL, application=application, state=HeldRemoval.State.HELD
    ).count()
    if not held:
        return None
    policy = application.policy
    limits = f"{policy.brake_people:,} people or {policy.brake_percent} %"
    return _letter(
        payload["to"],
        application.organization,
        application=application.name,
        product=application.get_product_display(),
        limits=limits,
        held=held,
    )


def sample(organization: Organization, to: str) -> Message:
    """The e-mail with made-up data."""
    return _letter(
        to,
        organization,
        application="Okta",
        product=Product.SALES_NAVIGATOR.label,
        limits="50 people or 20 %",
        held=182,
    )


def _letter(
    to: str, organization: Organization, *, application: str, product: str, limits: str, held: int
) -> Message:
    removals, are = ("removal", "is") if held == 1 else ("removals", "are")
    return Message(
        to=to,
        subject=f"Removals by {application} are held for your review",
        paragraphs=(
            f"{application} ({organization.name}) wanted to take more {product} licenses within an "
            f"hour than its safety brake allows: {limits} of those who have one from it.",
            f"Nobody of them lost a license: {held:,} {removals} {are} held, and the identity "
            f"provider was told. Look at the list, then approve or dismiss it.",
        ),
        button=("Review the removals", brake.page()),
        after=(
            f"Further removals by {application} are held too; this is the only e-mail about them.",
        ),
        preheader=f"{held:,} {removals} {are} held; nobody of them lost a license.",
        why=f"You get this as an admin of {organization.name}.",
    )
