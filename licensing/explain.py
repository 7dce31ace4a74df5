"""Why somebody has a seat, or has none, in plain sentences (R22)."""

from __future__ import annotations

import dataclasses
import uuid

from django.db.models import Q, QuerySet

from accounts import people
from accounts.models import Link, Organization, Person
from accounts.refusal import NotFound
from licensing.models import (
    OPEN_REMOVAL,
    EligibleGroup,
    HeldRemoval,
    LedgerEntry,
    Policy,
    Pool,
    Reclaimed,
    Seat,
    WaitingEntry,
)


@dataclasses.dataclass(frozen=True, slots=True)
class Explanation:
    has_seat: bool
    because: list[str]


def explain(pool: Pool, person: Person) -> Explanation:
    """What holds now, then the last thing that happened, as the ledger has it."""
    seat = Seat.objects.filter(pool=pool, person=person).select_related("application").first()
    because = _why_seat(pool, person, seat) if seat else _why_none(pool, person)
    because += [_why_held(removal) for removal in _open_removals(pool, person)] if seat else []
    line = LedgerEntry.objects.filter(pool=pool, person=person).order_by("-id").first()
    if line is not None:
        because.append(f"Last change, {line.at:%d %B %Y at %H:%M} UTC: {line.because}.")
    return Explanation(seat is not None, because)


def _why_seat(pool: Pool, person: Person, seat: Seat) -> list[str]:
    label = pool.get_product_display()
    if seat.application is None:
        because = [
            f"{person.name} has a {label} license that was given by hand; "
            f"only an admin can remove it."
        ]
    elif seat.carried_over:
        because = [
            f"{person.name} kept a {label} license that was given by hand when "
            f"{seat.application.name} took the person over; it is freed when the identity "
            f"provider deactivates or removes the person."
        ]
    else:
        because = [
            f"{person.name} has a {label} license because {seat.application.name} provides "
            f"them as active and {_eligible_through(pool, person, seat.application.pk)}."
        ]
    if seat.state == Seat.State.ACTIVATED:
        because.append(f"They activated it on {seat.activated_at:%d %B %Y}.")
        if seat.last_used_at is not None:
            because.append(f"They used it last on {seat.last_used_at:%d %B %Y}.")
    else:
        because.append("It is provisioned: they have not activated it yet.")
    return because


def _open_removals(pool: Pool, person: Person) -> QuerySet[HeldRemoval]:
    """Removals that the safety brake holds, or that an admin decided about (R27)."""
    return HeldRemoval.objects.filter(OPEN_REMOVAL, pool=pool, person=person).select_related(
        "application", "decided_by"
    )


def _why_held(removal: HeldRemoval) -> str:
    wanted = f"{removal.application.name} wants to take the license away"
    if removal.state == HeldRemoval.State.HELD:
        return f"{wanted}: that is held for review since {removal.at:%d %B %Y at %H:%M} UTC."
    if removal.state == HeldRemoval.State.APPROVED:
        return f"{wanted}: {removal.decided_by} approved it, and it is carried out in a minute."
    return f"{wanted}: {removal.decided_by} dismissed that on {removal.decided_at:%d %B %Y}."


def _eligible_through(pool: Pool, person: Person, application_id: uuid.UUID) -> str:
    policy = Policy.objects.get(application_id=application_id)
    if policy.eligibility == Policy.Eligibility.EVERYONE:
        return "everyone whom it provides is eligible"
    names = _chosen_groups_of(policy, person)
    return f"they are in the group {_quoted(names)}" if names else "they are eligible"


def _why_none(pool: Pool, person: Person) -> list[str]:
    label = pool.get_product_display()
    waiting = WaitingEntry.objects.filter(pool=pool, person=person).first()
    if waiting is not None and waiting.refused:
        return [
            f"{person.name} waits for a {label} license since {waiting.since:%d %B %Y}.",
            waiting.reason,
        ]
    if waiting is not None:
        ahead = WaitingEntry.objects.filter(pool=pool, sort_key__lt=waiting.sort_key).count()
        return [
            f"{person.name} is eligible and waits for a {label} license since "
            f"{waiting.since:%d %B %Y}: all {pool.purchased} are assigned.",
            f"{ahead} {'person stands' if ahead == 1 else 'people stand'} before them, in the "
            f"order of employee number, then name.",
        ]
    reclaimed = Reclaimed.objects.filter(pool=pool, person=person).first()
    if reclaimed is not None:
        return [
            f"The seat was reclaimed on {reclaimed.at:%d %B %Y} because {reclaimed.because}; "
            f"an admin can give it back.",
            f"No application gives {person.name} a {label} license by itself until it "
            f"deactivates and activates them again.",
        ]
    links = list(
        Link.objects.filter(person=person, application__policy__pool=pool).select_related(
            "application__policy"
        )
    )
    if not links:
        return [
            f"No application that feeds {label} provides {person.name}, and nobody "
            f"gave them a license by hand."
        ]
    return [_why_link_gives_none(label, person, link) for link in links]


def _why_link_gives_none(label: str, person: Person, link: Link) -> str:
    application = link.application
    if application is None:
        return f"{person.name} was added by hand and has not been given a {label} license."
    if not link.active:
        return f"{application.name} says that {person.name} is not active."
    policy = application.policy
    if policy.eligibility == Policy.Eligibility.GROUPS and not _chosen_groups_of(policy, person):
        chosen = list(policy.eligible_groups.values_list("name", flat=True))
        if not chosen:
            return f"{application.name} only syncs people: no group is chosen to get licenses."
        return (
            f"{person.name} is in none of the groups that {application.name} gives "
            f"licenses to: {_quoted(chosen)}."
        )
    return f"{person.name} is eligible through {application.name} and gets the next free license."


def _chosen_groups_of(policy: Policy, person: Person) -> list[str]:
    return list(
        EligibleGroup.objects.filter(policy=policy, group__memberships__person=person)
        .order_by("name_key")
        .values_list("name", flat=True)
    )


def _quoted(names: list[str]) -> str:
    return ", ".join(f"“{name}”" for name in names)


def explain_address(pool: Pool, organization: Organization, email: str) -> Explanation:
    """The same by address; also for somebody whose push was refused and who is not there yet."""
    person = people.find_by_email(organization, email)
    if person is not None:
        return explain(pool, person)
    nobody = Q(person=None) | Q(person__removed_at__isnull=False)
    refused = WaitingEntry.objects.filter(nobody, pool=pool, email__iexact=email).first()
    if refused is None:
        raise NotFound(
            "person_not_found", f"{organization.name} has nobody with the address {email}."
        )
    return Explanation(
        False,
        [f"{refused.name or refused.email} waits since {refused.since:%d %B %Y}.", refused.reason],
    )
