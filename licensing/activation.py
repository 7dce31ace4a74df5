"""The invitation and the link by which a person activates their own seat (R14).

A link is good for one seat: one that is lost and regained is another, with an invitation
of its own. Invitations after the first are asked for by the person, from a link that has
expired, or by an admin, and no seat gets more than one an hour.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection
from typing import Any, NamedTuple

from django.conf import settings
from django.core import signing
from django.db import connection
from django.db.models import Model
from django.urls import reverse

from accounts import audit, changes, clock, request_ids
from accounts.cause import Cause
from accounts.deeds import Deed
from accounts.mail import Message
from accounts.models import Admin, Organization, Product
from accounts.refusal import Refusal
from licensing import allocation, pools
from licensing.models import Pool, Seat

VALID = dt.timedelta(days=14)
#: A seat is invited again after this long at the earliest, whoever asks.
AGAIN_AFTER = dt.timedelta(hours=1)
MOST_DAYS = 3650
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
            "link_expired",
            f"A link works for {VALID.days} days, and this one is older. Ask for a new one.",
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
    pool_id = find(token).pool_id

    def change() -> Seat:
        allocation.lock(pool_id)
        seat = find(token)  # it may have been lost, and another regained, just now
        return allocation.activate(
            pool_id, seat.person, cause=Cause("The owner activated the seat by their link")
        )

    return changes.run(change)


# ------------------------------------------------------------------ inviting again


def ask_again(token: str) -> None:
    """Whoever has a link, however old, asks for a new one: it goes to the person's own address.

    Says nothing of what it found: no seat, an activated one, one invited within the hour.
    """
    try:
        seat_id = signing.loads(token, salt=_SALT)
    except signing.BadSignature:
        return
    seat = Seat.objects.filter(pk=seat_id, state=Seat.State.PROVISIONED).first()
    if seat is None:
        return
    last = last_invitations([seat.pk]).get(seat.pk)
    if last is None or not last.holds_back:  # so that who asks all the time locks no pool
        _invite(seat.pool_id, seats=[seat.pk])


def invite(seat: Seat, *, by: Admin | None = None) -> None:
    """An admin sends the invitation again.

    Refused: the seat is activated, the person has no address, or was invited within the hour.
    """
    if seat.state != Seat.State.PROVISIONED:
        raise Refusal("seat_activated", f"{seat.person.name} has activated the license already.")
    if "@" not in seat.person.email:
        raise Refusal(
            "no_address", f"{seat.person.name} has no e-mail address to send an invitation to."
        )
    if not _invite(seat.pool_id, seats=[seat.pk], noted=_Noted(seat.person, by)):
        raise Refusal(
            "invited_lately",
            f"{seat.person.name} was invited within the last hour, or that e-mail is yet to be "
            f"sent. One invitation an hour is enough: try again later.",
        )


def invite_all(pool: Pool, *, older_than_days: int, by: Admin | None = None) -> int:
    """Invite again everybody whose seat was assigned so many days ago and is not activated.

    Returns how many; those who were invited within the hour are left out.
    """
    if not 0 <= older_than_days <= MOST_DAYS:
        raise Refusal("days_invalid", f"The number of days is from 0 to {MOST_DAYS:,}.")
    granted_before = clock.now() - dt.timedelta(days=older_than_days)
    noted = _Noted(pools.subject(pool), by)
    return _invite(pool.pk, granted_before=granted_before, noted=noted)


class _Noted(NamedTuple):
    subject: Model | audit.Subject
    by: Admin | None


def _invite(
    pool_id: int,
    *,
    seats: Collection[int] | None = None,
    granted_before: dt.datetime | None = None,
    noted: _Noted | None = None,
) -> int:
    """One line of the outbox for each seat that may be invited; under the pool's lock, so that
    two who ask at once invite once. Returns how many.

    noted: what the audit log says of it; None when no admin asks.
    """

    def change() -> int:
        pool = allocation.lock(pool_id)
        now = clock.now()
        with connection.cursor() as cursor:
            cursor.execute(
                _INVITE_ALL if seats is None else _INVITE_SOME,
                {
                    "organization": pool.organization_id,
                    "pool": pool.id,
                    "seats": list(seats or ()),
                    "granted_before": granted_before,
                    "invited_before": now - AGAIN_AFTER,
                    "not_yet": now + AGAIN_AFTER,  # by a clock that was ahead
                    "now": now,
                    "request_id": request_ids.current.get(),
                },
            )
            number = cursor.rowcount
        if noted and number:
            audit.note(
                pool.organization_id,
                Deed.PEOPLE_INVITED,
                noted.subject,
                by=noted.by,
                after={"invitations": number},
            )
        return number

    return changes.run(change)


_INVITE = """
INSERT INTO accounts_outbox (organization_id, kind, payload, created_at, due_at, attempts, error,
    request_id)
SELECT %(organization)s, 'invitation', jsonb_build_object('seat', seat.id), %(now)s, %(now)s, 0, '',
    %(request_id)s::text
FROM licensing_seat seat JOIN accounts_person person ON person.id = seat.person_id
WHERE seat.pool_id = %(pool)s AND seat.state = 'provisioned' AND person.email LIKE '%%@%%'
  AND {which}
  AND NOT EXISTS (
    SELECT 1 FROM accounts_outbox invited
    WHERE invited.kind = 'invitation' AND (invited.payload ->> 'seat')::bigint = seat.id
      AND (invited.done_at IS NULL
        OR invited.created_at > %(invited_before)s AND invited.created_at < %(not_yet)s))
ORDER BY person.sort_key, person.id
"""
_INVITE_SOME = _INVITE.format(which="seat.id = ANY(%(seats)s::bigint[])")
_INVITE_ALL = _INVITE.format(which="seat.granted_at <= %(granted_before)s")


# ------------------------------------------------------------------ what became of it


@dataclasses.dataclass(frozen=True, slots=True)
class Invitation:
    """The last one of a seat. error: why it could not be sent so far, as the machine says it."""

    asked_at: dt.datetime
    sent_at: dt.datetime | None
    due_at: dt.datetime
    attempts: int
    error: str

    @property
    def expires_at(self) -> dt.datetime | None:
        """When the link that was sent ends; None while nothing was sent."""
        return self.sent_at + VALID if self.sent_at else None

    @property
    def holds_back(self) -> bool:
        """Whether it is too early for another one: sent within the hour, or yet to be sent."""
        return self.sent_at is None or abs(clock.now() - self.asked_at) < AGAIN_AFTER

    @property
    def expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= clock.now()


def last_invitations(seats: Collection[int]) -> dict[int, Invitation]:
    """By seat. Sent ones are remembered as long as the outbox keeps them (90 days)."""
    with connection.cursor() as cursor:
        cursor.execute(_LAST, {"seats": list(seats)})
        return {seat_id: Invitation(*rest) for seat_id, *rest in cursor.fetchall()}


_LAST = """
SELECT DISTINCT ON ((payload ->> 'seat')::bigint) (payload ->> 'seat')::bigint,
    created_at, done_at, due_at, attempts, error
FROM accounts_outbox
WHERE kind = 'invitation' AND (payload ->> 'seat')::bigint = ANY(%(seats)s::bigint[])
ORDER BY (payload ->> 'seat')::bigint, id DESC
"""


def invitation(payload: dict[str, Any]) -> Message | None:
    """The e-mail of one granted seat; None when the seat is gone or activated meanwhile."""
    seat = (
        Seat.objects.select_related("person", "pool", "organization")
        .filter(pk=payload["seat"], state=Seat.State.PROVISIONED)
        .first()
    )
    if seat is None or "@" not in seat.person.email:
        return None
    return _letter(
        seat.person.email,
        seat.organization,
        name=seat.person.first_name or seat.person.name,
        product=seat.pool.get_product_display(),
        link=link(seat),
    )


def sample(organization: Organization, to: str) -> Message:
    """The e-mail with made-up data."""
    address = settings.PUBLIC_URL + reverse("licensing:activate", args=["EXAMPLE"])
    product = Product.SALES_NAVIGATOR.label
    return _letter(to, organization, name="Ada", product=product, link=address)


def _letter(to: str, organization: Organization, *, name: str, product: str, link: str) -> Message:
    return Message(
        to=to,
        subject=f"Activate your {product} license",
        paragraphs=(
            f"Hello {name},",
            f"{organization.name} has assigned you a {product} license. It is yours once you have "
            f"activated it.",
        ),
        button=("Activate the license", link),
        after=(
            f"The link is yours alone and works for {VALID.days} days; after that its page sends "
            f"you a new one.",
        ),
        preheader=f"{organization.name} has assigned you a {product} license.",
        why=f"You get this because {organization.name} has assigned you a license.",
    )
