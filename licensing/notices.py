"""E-mails to admins about licenses (R27)."""

from __future__ import annotations

from typing import Any

from accounts.mail import Message
from accounts.models import Application
from licensing import brake
from licensing.models import OPEN_REMOVAL, HeldRemoval


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
    removals, are = ("removal", "is") if held == 1 else ("removals", "are")
    policy = application.policy
    return Message(
        to=payload["to"],
        subject=f"Removals by {application.name} are held for your review",
        text=(
            f"{application.name} ({application.organization.name}) wanted to take more "
            f"{application.get_product_display()} licenses within an hour than its safety brake "
            f"allows: {policy.brake_people:,} people or {policy.brake_percent} % of those who have "
            f"one from it.\n\n"
            f"Nobody of them lost a license: {held:,} {removals} {are} held, and the identity "
            f"provider was told. Look at the list, then approve or dismiss it:\n\n"
            f"{brake.page()}\n\n"
            f"Further removals by {application.name} are held too; this is the only e-mail about "
            f"them.\n"
        ),
    )
