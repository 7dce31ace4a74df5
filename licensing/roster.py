"""Deeds by hand that touch people and seats (R10)."""

from __future__ import annotations

from accounts import changes, people
from accounts.cause import Cause
from accounts.models import Admin, Organization, Person
from accounts.profile import Profile
from accounts.refusal import NotFound
from licensing import allocation, pools
from licensing.models import Seat


def grant(
    organization: Organization,
    product: str,
    email: str,
    *,
    first_name: str = "",
    last_name: str = "",
    employee_number: str = "",
    by: Admin | None = None,
) -> Seat:
    """Give somebody a seat by hand; who is not there yet is added.

    Refused: no e-mail address, an address that several people have, no seat left.
    """
    pool = pools.get(organization, product)
    email = email.strip()

    def change() -> Seat:
        person = people.find_by_email(organization, email)
        if person is not None:
            person = people.hold(person.pk)
        if person is None or person.removed_at is not None:  # deleted just now
            person = people.add_by_hand(
                organization,
                Profile.by_hand(
                    email=email,
                    first_name=first_name.strip(),
                    last_name=last_name.strip(),
                    employee_number=employee_number.strip(),
                ),
            )
        return _whole(
            allocation.grant_by_hand(pool.pk, person, cause=Cause.by(by, "gave the seat by hand"))
        )

    return changes.run(change)


def remove(
    organization: Organization, product: str, email: str, *, by: Admin | None = None
) -> None:
    """Remove a seat that was given by hand. Refused: there is none, or it is SCIM's (R12)."""
    pool = pools.get(organization, product)
    person = find(organization, email)
    changes.run(
        lambda: allocation.release_by_hand(
            pool.pk, person, cause=Cause.by(by, "removed the seat by hand")
        )
    )


def activate(
    organization: Organization, product: str, email: str, *, by: Admin | None = None
) -> Seat:
    """What the owner's own link does (R14). Refused: the person has no seat."""
    pool = pools.get(organization, product)
    person = find(organization, email)
    because = "The owner activated the seat" if by is None else f"{by} activated the seat"
    return changes.run(
        lambda: _whole(
            allocation.activate(
                pool.pk, person, cause=Cause(because, admin_id=by.pk if by else None)
            )
        )
    )


def find(organization: Organization, email: str) -> Person:
    person = people.find_by_email(organization, email)
    if person is None:
        raise NotFound(
            "person_not_found", f"{organization.name} has nobody with the address {email}."
        )
    return person


def _whole(seat: Seat) -> Seat:
    """With what is shown of it, read before the commit: an error means that nothing was changed
    (R26)."""
    return Seat.objects.select_related("person", "application").get(pk=seat.pk)
