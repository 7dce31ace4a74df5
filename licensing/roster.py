"""Deeds by hand that touch people and seats (R10)."""

from __future__ import annotations

from accounts import audit, changes, people
from accounts.cause import Cause
from accounts.deeds import Deed
from accounts.models import Admin, Organization, Person
from accounts.profile import Profile
from accounts.refusal import NotFound
from licensing import allocation, pools
from licensing.models import Pool, Seat


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
        cause = Cause.by(by, "gave the seat by hand")
        had = Seat.objects.filter(pool=pool, person=person).exists()
        seat = _whole(allocation.grant_by_hand(pool.pk, person, cause=cause))
        if not had:
            _note(Deed.SEAT_GIVEN, pool, person, by)
        return seat

    return changes.run(change)


def remove(
    organization: Organization, product: str, email: str, *, by: Admin | None = None
) -> None:
    """Remove a seat that was given by hand. Refused: there is none, or it is SCIM's (R12)."""
    pool = pools.get(organization, product)
    person = find(organization, email)

    def change() -> None:
        cause = Cause.by(by, "removed the seat by hand")
        allocation.release_by_hand(pool.pk, person, cause=cause)
        _note(Deed.SEAT_REMOVED, pool, person, by)

    changes.run(change)


def activate(
    organization: Organization, product: str, email: str, *, by: Admin | None = None
) -> Seat:
    """What the owner's own link does (R14). Refused: the person has no seat."""
    pool = pools.get(organization, product)
    person = find(organization, email)
    because = "The owner activated the seat" if by is None else f"{by} activated the seat"

    def change() -> Seat:
        cause = Cause(because, admin_id=by.pk if by else None)
        provisioned = Seat.objects.filter(
            pool=pool, person=person, state=Seat.State.PROVISIONED
        ).exists()
        seat = _whole(allocation.activate(pool.pk, person, cause=cause))
        if provisioned:
            _note(Deed.SEAT_ACTIVATED, pool, person, by)
        return seat

    return changes.run(change)


def find(organization: Organization, email: str) -> Person:
    person = people.find_by_email(organization, email)
    if person is None:
        raise NotFound(
            "person_not_found", f"{organization.name} has nobody with the address {email}."
        )
    return person


def _note(deed: Deed, pool: Pool, person: Person, by: Admin | None) -> None:
    label = pool.get_product_display()
    audit.note(pool.organization_id, deed, person, by=by, after={"product": label})


def _whole(seat: Seat) -> Seat:
    """With what is shown of it, read before the commit: an error means that nothing was changed
    (R26)."""
    return Seat.objects.select_related("person", "application").get(pk=seat.pk)
