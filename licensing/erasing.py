"""A person's data, exported and erased on request (decision 0032).

Where it lies is one table (accounts.personal), which each layer fills. Erasing is one transaction:
the person leaves groups and applications, each other place is emptied, the seat is released by
the ordinary path so that who waits gets it, and the ledger keeps its lines without the person.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import Any

from django.db import connection
from django.db.models import Q

from accounts import audit, changes, clock, names, people, personal, roles
from accounts.cause import Cause
from accounts.deeds import Deed
from accounts.models import Admin, Link, Organization, Person
from accounts.personal import ERASED, Traces
from accounts.refusal import NotFound, Refusal
from licensing import erased_lines, explain
from licensing.by_hand import release
from licensing.models import LedgerEntry, Pool, UsageFile, WaitingEntry

#: What the ledger line of the released seat says until it is erased too, after who did it.
_BECAUSE = "erased the person's data"


@dataclasses.dataclass(frozen=True, slots=True)
class Human:
    """Whom a request is about. people: accounts of theirs, those that are gone included; none is
    somebody whose push was refused. key: of their address."""

    organization: Organization
    people: tuple[int, ...]
    person: Person | None = None
    key: str = ""

    def traces(self) -> Traces:
        return personal.trace(self.organization, self.people, *([self.key] if self.key else []))


@dataclasses.dataclass(frozen=True, slots=True)
class Erased:
    """person: the number that stays. released: products of the seats that were released."""

    person: int | None
    released: list[str]


def find(organization: Organization, *, id: int | None = None, email: str = "") -> Human:
    """By number, or by address: also somebody who was removed, or was only ever refused.

    Refused: nobody is known so ("person_not_found"), several are ("email_ambiguous"), or the
    data was erased already ("person_erased").
    """
    known = Person.objects.of(organization)
    if id is not None:
        person = known.filter(pk=id).first()
        if person is None:
            raise NotFound("person_not_found", f"Nobody has the number {id}.")
        _refuse_erased(person)
        return _human(organization, person)
    person = people.find_by_email(organization, email)
    key = names.key(email)
    if person is None:
        gone = known.filter(email_key=key, erased_at=None).exclude(removed_at=None)
        person = gone.order_by("-removed_at").first() if key else None
    if person is not None:
        return _human(organization, person)
    refused = WaitingEntry.objects.of(organization).filter(person=None)
    lines = LedgerEntry.objects.of(organization).filter(person=None)
    if key and (
        refused.filter(Q(email__iexact=key) | Q(user_name_key=key)).exists()
        or lines.filter(email__iexact=key).exists()
    ):
        return Human(organization, (), key=key)
    raise NotFound("person_not_found", f"Nobody has the address “{email[:320]}”.")


def export(human: Human, *, by: Admin | None = None) -> dict[str, Any]:
    """Everything that is known of them, in sections; the audit log says that it was asked for."""
    organization = human.organization

    def change() -> dict[str, Any]:
        parameters = human.traces().parameters()
        found = {place.section: place.rows(parameters) for place in personal.places()}
        why = _why(human)
        subject = human.person or audit.Subject("person", "", human.key)
        audit.note(organization.pk, Deed.PERSON_EXPORTED, subject, by=by)
        return {
            "organization": organization.slug,
            "made_at": clock.now(),
            "person": human.person.pk if human.person else None,
            "sections": {
                section: rows
                for section, rows in {**_first(found), "Why": why, **found}.items()
                if rows
            },
        }

    return changes.run(change)


def erase(human: Human, *, by: Admin | None = None) -> Erased:
    """Erase them everywhere, or nothing. It cannot be undone.

    Refused: an application provides the person or asks for them ("still_provided"), a file with
    them is being recorded ("file_under_way"), they were erased meanwhile ("person_erased"), or
    `by` is no owner ("not_owner").
    """
    organization = human.organization

    def deed() -> Erased:
        _hold(human.people)
        for person in Person.objects.filter(pk__in=human.people).order_by("pk"):
            _refuse_erased(person)
        _refuse_provided(human)
        _refuse_under_way(human)
        parameters = human.traces().parameters(now=clock.now())
        for place in personal.places():
            if not place.late:
                place.erase(parameters)
        released = _release(human, Cause.by(by, _BECAUSE))
        erased_lines.prepare(parameters)
        for place in personal.places():
            if place.late:
                place.erase(parameters)
        number = human.person.pk if human.person else None
        subject = audit.Subject("person", number or "", ERASED)
        audit.note(organization.pk, Deed.PERSON_ERASED, subject, by=by)
        return Erased(number, released)

    return roles.as_owner(organization, deed, by=by)


def why_not(human: Human) -> str:
    """Why an application keeps the person from being erased, as a sentence; empty: none does."""
    try:
        _refuse_provided(human)
    except Refusal as refusal:
        return refusal.detail
    return ""


# ------------------------------------------------------------------ inside


def _human(organization: Organization, person: Person) -> Human:
    """With accounts of the same address that are gone: they are the same human."""
    before = Person.objects.of(organization).filter(email_key=person.email_key)
    gone = before.exclude(email_key="").exclude(removed_at=None).values_list("pk", flat=True)
    return Human(organization, tuple(sorted({person.pk, *gone})), person, person.email_key)


def _refuse_erased(person: Person) -> None:
    if person.erased_at is not None:
        raise Refusal(
            "person_erased",
            f"The data of this person was erased on {person.erased_at:%d %B %Y}. There is "
            f"nothing left of it but their number, {person.pk}.",
        )


def _refuse_provided(human: Human) -> None:
    """Whom an identity provider pushes would be back with its next push."""
    linked = Link.objects.filter(person__in=human.people, active=True).exclude(application=None)
    link = linked.select_related("application").order_by("created_at").first()
    if link is not None and link.application is not None:
        raise Refusal(
            "still_provided",
            f"{link.application.name} provides this person and would make them anew with its next "
            f"push. Remove them in the identity provider first, or deactivate them there; then "
            f"erase what is here.",
        )
    asked = Q(person__in=human.people)
    if human.key:
        called = Q(user_name_key=human.key) | Q(email__iexact=human.key)
        asked |= Q(person=None) & called
    refused = WaitingEntry.objects.of(human.organization).filter(asked, refused=True)
    entry = refused.select_related("application", "pool").order_by("pk").first()
    if entry is not None:
        raise Refusal(
            "still_provided",
            f"{entry.application.name} asks for a {entry.pool.get_product_display()} license for "
            f"this person. Remove them in the identity provider first, and drop the refused push "
            f"from the waiting list; then erase what is here.",
        )


def _refuse_under_way(human: Human) -> None:
    """The worker reads such a file as a whole, so no row of it can be taken out."""
    under_way = UsageFile.objects.of(human.organization).filter(
        confirmed_at__isnull=False, finished_at=None
    )
    if under_way.exists():
        raise Refusal(
            "file_under_way",
            "A file of uses is being recorded, which may have this person. Nothing was erased: "
            "try again in a minute.",
        )


def _hold(chosen: Collection[int]) -> None:
    """Groups, links, people: nobody pushes or changes them until this is done."""
    with connection.cursor() as cursor:
        for statement in _HOLD:
            cursor.execute(statement, {"people": list(chosen)})


def _release(human: Human, cause: Cause) -> list[str]:
    """Seats go by the ordinary path, pool by pool; whoever waits follows (R12, R20)."""
    pools = Pool.objects.of(human.organization).filter(seats__person__in=human.people)
    held = list(pools.distinct().order_by("pk"))
    for pool in held:
        release(pool.pk, human.people, cause)
    return [pool.product for pool in held]


def _why(human: Human) -> list[dict[str, Any]]:
    """R22: of each product, why they have a license or none."""
    if human.person is None:
        return []
    pools = Pool.objects.of(human.organization).order_by("product")
    return [
        {"product": pool.product, "because": explain.explain(pool, human.person).because}
        for pool in pools
    ]


def _first(found: dict[str, Any]) -> dict[str, Any]:
    """What a reader looks for first."""
    return {section: found[section] for section in ("Profile", "Licenses") if section in found}


_HOLD = (
    "SELECT 1 FROM accounts_group WHERE id IN (SELECT group_id FROM accounts_membership "
    "WHERE person_id = ANY(%(people)s::bigint[])) ORDER BY id FOR NO KEY UPDATE",
    "SELECT 1 FROM accounts_link WHERE person_id = ANY(%(people)s::bigint[]) ORDER BY id "
    "FOR UPDATE",
    "SELECT 1 FROM accounts_person WHERE id = ANY(%(people)s::bigint[]) ORDER BY id "
    "FOR NO KEY UPDATE",
)
