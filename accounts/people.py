"""The only writer of Person and Link: add, change, take over, remove.

A Link is one application's view of a person (a SCIM User); a person added by hand
has one link without an application, which any application may take over (R12).
Functions here run inside the transaction of a push or a deed by hand, never open one.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from django.db.models import Q

from accounts import clock, kept, names, rows, sql
from accounts.models import Application, Link, Organization, Person
from accounts.profile import Profile
from accounts.refusal import Refusal
from accounts.sets import among


@dataclasses.dataclass(frozen=True, slots=True)
class Added:
    """link: the new or taken-over one. taken_over: the person was added by hand before.

    was_known: the organization has or had the person already, by hand or in an application.
    """

    link: Link
    taken_over: bool
    was_known: bool


def add(application: Application, profile: Profile) -> Added:
    """Somebody whom the application pushes for the first time (R12).

    The same human known to the organization already (by address, or by a user name
    that is an address) stays one person: taken over when added by hand, linked a
    second time when another application has them. Refused: the application has
    somebody of that user name ("user_name_taken").
    """
    found = _find_and_hold(application, profile)
    if found is None:
        person = Person(organization_id=application.organization_id, created_at=clock.now())
        _set(person, profile, managed_by=application.pk)
        link = _described(_new_link(person, application.pk), profile)
        rows.insert_both(person, link, "person_id")
        return Added(link, taken_over=False, was_known=False)
    person, by_hand = found
    if by_hand is not None:
        take_over(by_hand, application, profile)
        return Added(by_hand, taken_over=True, was_known=True)
    if person.managed_by_id is None or person.removed_at is not None:
        _describe(person, profile, managed_by=application.pk)
    return Added(_link(person, application.pk, profile), taken_over=False, was_known=True)


def take_over(link: Link, application: Application, profile: Profile) -> None:
    """The application manages from now on whom an admin added by hand (R12).

    The link keeps its id, so that what the identity provider matched stays valid.
    """
    link.application_id = application.pk
    link.version += 1
    _write(link, profile)
    _describe(link.person, profile, managed_by=application.pk)


def change(link: Link, profile: Profile) -> None:
    """What the managing application says of the person now."""
    link.version += 1
    _write(link, profile)
    if link.person.managed_by_id == link.application_id:
        _describe(link.person, profile, managed_by=link.application_id)


def unlink(link: Link) -> None:
    """Remove the person from the application (R13); the profile falls to the next one."""
    person = link.person
    link.delete()
    following = person.links.order_by("created_at").first()
    if following is not None and following.application_id != person.managed_by_id:
        _describe(person, Profile.of(following.document), managed_by=following.application_id)


def let_go(person: Person, *, held: bool, document: dict[str, Any]) -> None:
    """After unlink: the account goes when nothing else holds it (R13).

    held: a seat given by hand holds it; the person is then edited by hand again, and
    identity providers see them under a new id.
    """
    if person.links.exists():
        return
    if held:
        profile = Profile.of(document | {"active": True})
        _describe(person, profile, managed_by=None)
        _link(person, None, profile)
        return
    person.managed_by = None
    person.removed_at = person.changed_at = clock.now()
    person.save(update_fields=["managed_by", "removed_at", "changed_at"])
    kept.keep(person, document)


def bring_back(organization: Organization, people: Sequence[int]) -> list[Person]:
    """Hold these people; whose account is gone is added by hand again, as they were (R13).

    They keep history and manual groups. Any application may take them over (R12).
    Refused: what is needed is kept no longer ("kept_no_longer"), somebody else has the
    address meanwhile ("person_exists"). Returns those that there are.
    """
    profiles = {
        id: Profile.of(document | {"active": True})
        for id, document in kept.documents(people).items()
    }
    _lock_identities(organization.pk, *profiles.values())
    found = list(
        Person.objects.of(organization)
        .select_for_update(no_key=True)
        .filter(pk__in=among(people, "bigint"))
        .order_by("pk")
    )
    gone = [person for person in found if person.removed_at is not None]
    for person in gone:
        if person.pk not in profiles:
            raise Refusal(
                "kept_no_longer",
                f"{person} was removed more than {kept.RESTORABLE.days} days ago and cannot be "
                f"restored. Add them by hand, or let the identity provider push them.",
            )
    _refuse_known(organization, {person.pk: profiles[person.pk] for person in gone})
    now = clock.now()
    for person in gone:
        person.removed_at, person.added_by_hand, person.changed_at = None, True, now
    Person.objects.filter(pk__in=among([person.pk for person in gone], "bigint")).update(
        removed_at=None, added_by_hand=True, managed_by=None, changed_at=now
    )
    Link.objects.bulk_create(
        _described(_new_link(person, None), profiles[person.pk]) for person in gone
    )
    kept.forget(person.pk for person in gone)
    return found


def hold(person_id: int) -> Person:
    """The person as they are now, for this transaction alone.

    Whoever gives a person a link or a seat, or takes the last one away, holds the person
    first (R13, R26). Locked after the person's link and before a pool.
    """
    return rows.one(Person, "WHERE id = %(id)s FOR NO KEY UPDATE", {"id": person_id})


def hold_all(people: Collection[int]) -> None:
    """The same for many, in the order of their ids."""
    sql.fetch(
        "SELECT id FROM accounts_person WHERE id = ANY(%(people)s::bigint[]) "
        "ORDER BY id FOR NO KEY UPDATE",
        {"people": list(people)},
    )


def keep_newcomers_out(organization_id: int) -> None:
    """Nobody is added to the organization, and no address taken, until this transaction ends.

    For whoever compares many addresses with those that are there: a lock an address would
    be more locks than the database has room for. Taken before every other lock.
    """
    sql.fetch(
        "SELECT pg_advisory_xact_lock(hashtextextended(%(newcomers)s::text, 0))::text",
        {"newcomers": _newcomers(organization_id)},
    )


def add_by_hand(organization: Organization, profile: Profile) -> Person:
    """Somebody whom an admin adds (R10). Refused: the address is known already."""
    if not names.looks_like_email(profile.email):
        raise Refusal("email_invalid", f"“{profile.email}” is not an e-mail address.")
    _lock_identities(organization.pk, profile)
    if find_by_email(organization, profile.email) is not None:
        raise Refusal(
            "person_exists", f"{profile.email} is in the people of {organization.name} already."
        )
    now = clock.now()
    person = (
        Person.objects.of(organization)
        .filter(email_key=profile.email_key)
        .exclude(removed_at=None)
        .order_by("-removed_at")
        .first()
    ) or Person(organization=organization, created_at=now)
    person.added_by_hand = True
    _describe(person, profile, managed_by=None)
    _link(person, None, profile)
    return person


def find_by_email(organization: Organization, email: str) -> Person | None:
    """The person of that address or user name. Refused: several have it ("email_ambiguous")."""
    key = names.key(email)
    if not key:
        return None
    linked = Link.objects.of(organization).filter(user_name_key=key).values("person_id")
    people = list(
        Person.objects.of(organization)
        .filter(Q(email_key=key) | Q(pk__in=linked), removed_at=None)
        .order_by("id")[:3]
    )
    exact = [person for person in people if person.email_key == key] or people
    if len(exact) > 1:
        raise Refusal(
            "email_ambiguous",
            f"More than one person has the address {email}. Use the person's user name instead.",
        )
    return exact[0] if exact else None


# ------------------------------------------------------------------ inside


class _Found(NamedTuple):
    person_id: int
    link_id: uuid.UUID | None  # the link without an application, to be taken over


class _Candidate(NamedTuple):
    person_id: int
    email_key: str
    link_id: uuid.UUID | None
    application_id: uuid.UUID | None
    user_name_key: str | None


# Two look-ups, each by its own index; people by hand first, those who left last.
_CANDIDATES = """
SELECT person.id, person.email_key, link.id, link.application_id, link.user_name_key
FROM (
    SELECT id FROM accounts_person
    WHERE organization_id = %(organization)s AND email_key = ANY(%(keys)s::text[])
    UNION
    SELECT person_id FROM accounts_link
    WHERE organization_id = %(organization)s AND user_name_key = ANY(%(names)s::text[])
) candidate
JOIN accounts_person person ON person.id = candidate.id
LEFT JOIN accounts_link link ON link.person_id = person.id
ORDER BY link.id IS NULL, link.application_id IS NOT NULL, link.created_at,
    person.removed_at DESC, person.id
"""


def _refuse_known(organization: Organization, profiles: dict[int, Profile]) -> None:
    """Nobody who comes back has an address or user name of somebody who is there, or of one
    another."""
    meant = Counter(key for profile in profiles.values() for key in _keys(profile))
    known = Link.objects.of(organization).filter(user_name_key__in=among(meant, "text"))
    same = (
        Person.objects.of(organization)
        .filter(
            Q(email_key__in=among(meant, "text")) | Q(pk__in=known.values("person_id")),
            removed_at=None,
        )
        .first()
    )
    twice = next((key for key, times in meant.items() if times > 1), None)
    if same is not None or twice is not None:
        raise Refusal(
            "person_exists",
            f"{same or twice} is in the people of {organization.name} already, so nobody was "
            f"restored. Give them a license instead.",
        )


def _lock_identities(organization_id: int, *profiles: Profile) -> None:
    """Two pushes that could mean the same human go one after the other."""
    sql.fetch(*_identities_locked(organization_id, *profiles))


def _identities_locked(organization_id: int, *profiles: Profile) -> sql.Statement:
    keys = sorted({key for profile in profiles for key in _keys(profile)})
    return (
        "SELECT pg_advisory_xact_lock_shared(hashtextextended(%(newcomers)s::text, 0))::text "
        "UNION ALL (SELECT pg_advisory_xact_lock(hashtextextended(key, 0))::text "
        "FROM unnest(%(keys)s::text[]) WITH ORDINALITY AS given(key, n) ORDER BY n)",
        {
            "newcomers": _newcomers(organization_id),
            "keys": [f"{organization_id}:{key}" for key in keys],
        },
    )


def _newcomers(organization_id: int) -> str:
    """What `keep_newcomers_out` locks; no identity is called so."""
    return f"newcomers of {organization_id}"


def _keys(profile: Profile) -> set[str]:
    return _identities(profile) or {profile.user_name_key}


def _identities(profile: Profile) -> set[str]:
    """Keys that tell a human: the address, and the user name when it is an address."""
    candidates = {profile.email_key, profile.user_name_key}
    return {key for key in candidates if names.looks_like_email(key)}


def _candidates(application: Application, profile: Profile) -> sql.Statement:
    keys = _identities(profile)
    return _CANDIDATES, {
        "organization": application.organization_id,
        "keys": list(keys),
        "names": list(keys | {profile.user_name_key}),
    }


def _meant(application: Application, profile: Profile, found: sql.Rows) -> _Found | None:
    """The person in the organization whom the profile means; by hand before managed.

    Somebody whose account went and who comes back is the same person, with their history.
    """
    keys = _identities(profile)
    rows = [_Candidate(*row) for row in found]
    own = {row.person_id for row in rows if row.application_id == application.pk}
    if any(
        row.application_id == application.pk and row.user_name_key == profile.user_name_key
        for row in rows
    ):
        raise user_name_taken(profile.user_name)
    meant = {row.person_id for row in rows if row.user_name_key in keys or row.email_key in keys}
    for row in rows:
        if row.person_id in meant - own:
            return _Found(row.person_id, row.link_id if row.application_id is None else None)
    return None


def _find_and_hold(application: Application, profile: Profile) -> tuple[Person, Link | None] | None:
    """The same, for this transaction alone; found anew when another push was faster."""
    candidates = _candidates(application, profile)
    _, first = sql.fetch_all(_identities_locked(application.organization_id, profile), candidates)
    found = _meant(application, profile, first)
    while found is not None:
        link = (
            Link.objects.select_for_update(no_key=True).filter(pk=found.link_id).first()
            if found.link_id
            else None
        )
        person = hold(found.person_id)
        now = _meant(application, profile, sql.fetch(*candidates))
        if now == found:
            if link is not None:
                link.person = person
            return person, link
        found = now
    return None


def _describe(person: Person, profile: Profile, *, managed_by: uuid.UUID | None) -> None:
    before = _columns(person)
    if person.removed_at is not None:
        kept.forget([person.pk])
    _set(person, profile, managed_by=managed_by)
    if person.pk is None:
        rows.insert(person)
    elif _columns(person) != before | {"changed_at": person.changed_at}:
        rows.update(person)


def _set(person: Person, profile: Profile, *, managed_by: uuid.UUID | None) -> None:
    person.managed_by_id = managed_by
    if managed_by is not None:
        person.added_by_hand = False
    person.removed_at = None
    person.email = profile.email[:320]
    person.email_key = profile.email_key[:320]
    person.first_name = profile.first_name[:256]
    person.last_name = profile.last_name[:256]
    person.display_name = profile.display_name[:512]
    person.title = profile.title[:256]
    person.department = profile.department[:256]
    person.employee_number = profile.employee_number[:256]
    person.sort_key = profile.sort_key
    person.changed_at = clock.now()


def _columns(person: Person) -> dict[str, Any]:
    return {name: value for name, value in vars(person).items() if not name.startswith("_")}


def _link(person: Person, application_id: uuid.UUID | None, profile: Profile) -> Link:
    link = _new_link(person, application_id)
    _write(link, profile, insert=True)
    return link


def _new_link(person: Person, application_id: uuid.UUID | None) -> Link:
    return Link(
        organization_id=person.organization_id,
        application_id=application_id,
        person=person,
        created_at=clock.now(),
    )


def _write(link: Link, profile: Profile, *, insert: bool = False) -> None:
    (rows.insert if insert else rows.update)(_described(link, profile))


def _described(link: Link, profile: Profile) -> Link:
    link.user_name = profile.user_name
    link.user_name_key = profile.user_name_key
    link.external_id = profile.external_id
    link.active = profile.active
    link.email_keys = profile.email_keys
    link.sort_key = profile.sort_key
    link.document = profile.document
    link.changed_at = clock.now()
    return link


def user_name_taken(user_name: str) -> Refusal:
    return Refusal(
        "user_name_taken",
        f"userName “{user_name}” is taken: the application has a person of that name. "
        f"Look the person up and update them instead.",
    )
