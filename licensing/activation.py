"""The invitation and the link by which a person activates their own seat (R14)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from django.core import signing
from django.urls import reverse

from accounts import changes
from accounts.cause import Cause
from accounts.mail import Message
from accounts.refusal import Refusal
from licensing import allocation
from licensing.models import Seat

VALID = dt.timedelta(days=60)
_SALT = "licensing.activation"


def link(seat: Seat) -> str:
    """Good for this seat alone: a seat that is lost and regained needs a new one."""
    token = signing.dumps(seat.pk, salt=_SALT)
    return settings.PUBLIC_URL + reverse("licensing:activate", args=[token])


def find(token: str) -> Seat:
    """The seat that a link is for. Refused: a link that is broken, too old or of no seat."""
    try:
        seat_id = signing.loads(token, salt=_SALT, max_age=VALID)
    except signing.SignatureExpired:
        raise Refusal(
            "link_expired", "This link is too old. Ask your admin for a new invitation."
        ) from None
    except signing.BadSignature:
        raise Refusal(
            "link_invalid", "This link is not complete. Open it from the e-mail once more."
        ) from None
    seat = Seat.objects.select_related("person", "pool", "organization").filter(pk=seat_id).first()
    if seat is None:
        raise Refusal(
            "no_seat",
            "There is no license behind this link any more. Ask your admin if you need one.",
        )
    return seat


def activate(token: str) -> Seat:
    """What pressing the button does; a second time changes nothing."""
    seat = find(token)
    return changes.run(
        lambda: allocation.activate(
            seat.pool_id, seat.person, cause=Cause("The owner activated the seat by their link")
        )
    )


def invitation(payload: dict[str, Any]) -> Message | None:
    """The e-mail of one granted seat; None when the seat is gone or activated meanwhile."""
    seat = (
        Seat.objects.select_related("person", "pool", "organization")
        .filter(pk=payload["seat"], state=Seat.State.PROVISIONED)
        .first()
    )
    if seat is None or "@" not in seat.person.email:
        return None
    product = seat.pool.get_product_display()
    return Message(
        to=seat.person.email,
        subject=f"Activate your {product} license",
        text=(
            f"Hello {seat.person.first_name or seat.person.name},\n\n"
            f"{seat.organization.name} has assigned you a {product} license. "
            f"Activate it here:\n\n{link(seat)}\n\n"
            f"The link is yours alone and works for {VALID.days} days.\n"
        ),
    )
