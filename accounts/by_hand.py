"""People whom admins add, change and remove by hand, one or ten thousand (R8, R10).

Beside accounts.people the only writer of Person and Link, and only of people whom no
application manages. What is wanted is compared with what is there by one query; then one
statement adds, one changes, one removes, however many people they are about. Whoever
previews and whoever writes compare by the same function, so they cannot disagree.
"""

from __future__ import annotations

import dataclasses
import json
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import orjson
from django.db import connection

from accounts import audit, changes, clock, groups, names, people
from accounts.deeds import Deed
from accounts.ids import uuid7
from accounts.models import Admin, Link, Organization, Person
from accounts.profile import CORE_USER, ENTERPRISE_USER, Profile
from accounts.refusal import NotFound, Refusal
from accounts.sets import among

#: What a push or an admin says of a person (R7), as pages and files call it.
FIELDS = {
    "first_name": "First name",
    "last_name": "Last name",
    "email": "E-mail",
    "employee_number": "Employee number",
    "title": "Title",
    "department": "Department",
}
LONGEST = dict.fromkeys(FIELDS, 256) | {"email": 254}


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """What is wanted of the person with an address. number: where it says so (a file's line).

    cells: by field, "email" among them; a field that is missing stays as it is.
    flaw: what is wrong with the line itself, as a sentence.
    """

    number: int
    cells: Mapping[str, str]
    flaw: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    field: str
    before: str
    after: str

    @property
    def label(self) -> str:
        return FIELDS[self.field]


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of one wish. because: why it is refused, as a sentence.

    person_id: who is changed or stays, or whose account is gone and comes back by being added.
    """

    wanted: Wanted
    deed: Literal["add", "change", "keep", "refuse"]
    because: str = ""
    person_id: int | None = None
    changes: tuple[Change, ...] = ()
    profile: Profile | None = None
    link_id: str | None = None


def compare(organization: Organization, wishes: Sequence[Wanted]) -> list[Verdict]:
    """What would become of each wish, in their order: two queries however many they are."""
    seen: dict[str, int] = {}
    judged: list[tuple[Wanted, str]] = []
    for wish in wishes:
        why_not = wish.flaw or complaint(wish.cells)
        key = names.key(wish.cells.get("email", ""))
        if not why_not and key in seen:
            why_not = f"The same address stands in line {seen[key]} already."
        seen.setdefault(key, wish.number)
        judged.append((wish, why_not))
    known = _known(organization, [names.key(wish.cells["email"]) for wish, no in judged if not no])
    return [
        Verdict(wish, "refuse", because=why_not)
        if why_not
        else _verdict(wish, known.get(names.key(wish.cells["email"]), []))
        for wish, why_not in judged
    ]


def complaint(cells: Mapping[str, str]) -> str:
    """Why these values cannot be kept; empty when they can."""
    email = cells.get("email", "")
    if not email:
        return "The e-mail address is missing."
    if not names.looks_like_email(email):
        return f"“{email[:80]}” is not an e-mail address."
    for field, value in cells.items():
        if len(value) > LONGEST[field]:
            return f"{FIELDS[field]} has {len(value):,} characters; {LONGEST[field]} is the most."
        if any(unicodedata.category(character) in ("Cc", "Cs") for character in value):
            return f"{FIELDS[field]} has a line break or another character that is no text."
    return ""


def write(organization: Organization, verdicts: Iterable[Verdict]) -> None:
    """Add and change as was decided, inside the transaction that compared and held.

    One statement for all who are added, one for all who are changed.
    """
    by_deed: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        by_deed[verdict.deed].append(verdict)
    for deed, statement in (("add", _ADD), ("change", _CHANGE)):
        if by_deed[deed]:
            with connection.cursor() as cursor:
                cursor.execute(
                    statement,
                    {
                        "organization": organization.pk,
                        "rows": json.dumps([_row(verdict) for verdict in by_deed[deed]]),
                        "now": clock.now(),
                    },
                )


def compare_and_hold(organization: Organization, wishes: Sequence[Wanted]) -> list[Verdict]:
    """The same, and nothing that it says changes until the caller's transaction ends."""
    changing = [v.person_id for v in compare(organization, wishes) if v.deed == "change"]
    people.keep_newcomers_out(organization.pk)
    _hold_links([id for id in changing if id is not None])
    return compare(organization, wishes)  # a push may have taken somebody over just now


def edit(
    organization: Organization,
    person_id: int,
    cells: Mapping[str, str],
    *,
    by: Admin | None = None,
) -> Person:
    """Change the profile of one person; the address may be another one.

    Refused: what an application owns ("managed_by_application"), values that cannot be kept
    ("profile_invalid"), an address that somebody else has ("person_exists").
    """

    def change() -> Person:
        people.keep_newcomers_out(organization.pk)
        _hold_links([person_id])
        person = find(organization, person_id)
        refuse_managed(person)
        why_not = complaint(cells)
        if why_not:
            raise Refusal("profile_invalid", why_not)
        key = names.key(cells["email"])
        others = [one for one in _known(organization, [key]).get(key, []) if one.id != person_id]
        there = next((one for one in others if one.removed_at is None), None)
        if there is not None:
            raise Refusal(
                "person_exists",
                f"{cells['email']} is the address of {there.name}. Two people cannot have the "
                f"same one.",
            )
        link = Link.objects.get(person=person, application=None)
        changed = _changes(person, cells)
        if changed:
            profile = _revised(link.document, person.email, cells)
            verdict = Verdict(
                Wanted(1, cells), "change", "", person.pk, changed, profile, str(link.pk)
            )
            write(organization, [verdict])
            person.refresh_from_db()
            before = {one.field: one.before for one in changed}
            after = {one.field: one.after for one in changed}
            audit.note(
                organization.pk,
                Deed.PERSON_CHANGED,
                person,
                by=by,
                before=before,
                after=after,
                undo={"person": person.pk, "from": before, "to": after},
            )
        return person

    return changes.run(change)


def remove(chosen: Sequence[int]) -> None:
    """Remove people whom no application manages; nothing holds their accounts any more.

    Inside the caller's transaction, which holds them (`hold` with `to_remove`) and frees their
    seats afterwards. History and manual groups are kept, and for 30 days what restoring needs.
    """
    groups.leave_scim_groups(chosen)
    with connection.cursor() as cursor:
        cursor.execute(_REMOVE, {"people": list(chosen), "now": clock.now()})


def hold(
    organization: Organization, chosen: Sequence[int], *, to_remove: bool = False
) -> list[Held]:
    """Those of these people who are there, in allocation order, for this transaction alone.

    to_remove: their links are about to go, and they leave the SCIM groups that they are in.
    """
    own = list(
        Person.objects.of(organization)
        .filter(pk__in=among(chosen, "bigint"))
        .values_list("pk", flat=True)
    )
    if to_remove:
        groups.hold_all_with(own)
    _hold_links(own, to_remove=to_remove)
    with connection.cursor() as cursor:
        cursor.execute(_HELD, {"people": own})
        return [Held(*row) for row in cursor.fetchall()]


def by_address(organization: Organization, emails: Iterable[str]) -> dict[str, list[int]]:
    """Who is there with each of these addresses or user names, by the address as it was given."""
    given = {email: names.key(email) for email in emails}
    known = _known(organization, list(set(given.values())))
    found: dict[str, list[int]] = {}
    for email, key in given.items():
        there = [one for one in known.get(key, []) if one.removed_at is None]
        found[email] = [one.id for one in there if one.email_key == key] or [o.id for o in there]
    return found


def find(organization: Organization, person_id: int) -> Person:
    """Refused: there is nobody of that id ("person_not_found")."""
    person = (
        Person.objects.of(organization)
        .select_related("managed_by")
        .filter(pk=person_id, removed_at=None)
        .first()
    )
    if person is None:
        raise NotFound("person_not_found", "This person was removed meanwhile.")
    return person


def refuse_managed(person: Person) -> None:
    """R8: what an identity provider owns is changed there alone."""
    if person.managed_by is not None:
        raise Refusal(
            "managed_by_application",
            f"{person.managed_by.name} owns the profile of {person.name}. Change it in the "
            f"identity provider; the next push shows it here.",
        )


class Held(NamedTuple):
    """Somebody whom a deed holds. manager: the application that manages them; "" is none."""

    id: int
    name: str
    email: str
    employee_number: str
    manager: str


# ------------------------------------------------------------------ inside


class _Known(NamedTuple):
    """Somebody who has, or had, an address or a user name that was asked for."""

    key: str
    id: int
    manager: str | None
    removed_at: Any
    email_key: str
    display_name: str
    first_name: str
    last_name: str
    email: str
    employee_number: str
    title: str
    department: str
    link_id: Any
    document: str | None

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip() or self.display_name or self.email


def _known(organization: Organization, keys: Sequence[str]) -> dict[str, list[_Known]]:
    """By key; who is there before who is gone, those before who left last."""
    found: dict[str, list[_Known]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN, {"organization": organization.pk, "keys": list(keys)})
        for row in cursor.fetchall():
            found[row[0]].append(_Known(*row))
    return found


def _verdict(wish: Wanted, known: list[_Known]) -> Verdict:
    key = names.key(wish.cells["email"])
    there = [one for one in known if one.removed_at is None]
    same = [one for one in there if one.email_key == key]
    if len(same) > 1:
        who = ", ".join(sorted({one.manager or "added by hand" for one in same}))
        return Verdict(wish, "refuse", f"More than one person has this address ({who}).")
    if not same and there:
        return Verdict(
            wish,
            "refuse",
            f"This is the user name of {there[0].name}, whose address is {there[0].email}.",
        )
    if not same:
        gone = next((one.id for one in known if one.email_key == key), None)
        return Verdict(
            wish,
            "add",
            person_id=gone,
            profile=Profile.by_hand(**dict(wish.cells)),
            link_id=str(uuid7()),
        )
    [person] = same
    changed = _changes(person, wish.cells)
    if person.manager is not None:
        changed = tuple(one for one in changed if one.field != "email")
        if not changed:
            return Verdict(wish, "keep", person_id=person.id)
        fields = ", ".join(one.label for one in changed)
        return Verdict(
            wish, "refuse", f"{person.manager} manages this person. Change it there: {fields}."
        )
    if not changed:
        return Verdict(wish, "keep", person_id=person.id)
    document = orjson.loads(person.document or "{}")
    profile = _revised(document, person.email, wish.cells)
    return Verdict(wish, "change", "", person.id, changed, profile, str(person.link_id))


def _changes(person: Person | _Known, cells: Mapping[str, str]) -> tuple[Change, ...]:
    return tuple(
        Change(field, getattr(person, field), cells[field])
        for field in FIELDS
        if field in cells and cells[field] != getattr(person, field)
    )


def _revised(document: Mapping[str, Any], email: str, cells: Mapping[str, str]) -> Profile:
    """The document with other values of these fields; what else it says is kept (R7)."""
    before = Profile.of({"userName": email} | dict(document))
    new = dict(document)
    first, last = (
        cells.get("first_name", before.first_name),
        cells.get("last_name", before.last_name),
    )
    name = dict(document.get("name") or {}) | {"givenName": first, "familyName": last}
    if (first, last) != (before.first_name, before.last_name):
        name.pop("formatted", None)
        new["displayName"] = f"{first} {last}".strip()
    enterprise = dict(document.get(ENTERPRISE_USER) or {})
    enterprise["employeeNumber"] = cells.get("employee_number", before.employee_number)
    enterprise["department"] = cells.get("department", before.department)
    new |= {"name": _filled(name), "title": cells.get("title", before.title)}
    new[ENTERPRISE_USER] = _filled(enterprise)
    if cells.get("email", email) != email:
        new["emails"] = _readdressed(document, before.email, cells["email"])
        if names.key(document.get("userName", "")) == names.key(email):
            new["userName"] = cells["email"]
    new["schemas"] = [CORE_USER] + [
        urn
        for urn in dict.fromkeys([*document.get("schemas", []), ENTERPRISE_USER])
        if urn != CORE_USER and (urn != ENTERPRISE_USER or new[ENTERPRISE_USER])
    ]
    return Profile.of({"userName": email} | _filled(new))


def _readdressed(document: Mapping[str, Any], before: str, email: str) -> list[dict[str, Any]]:
    """The list of addresses with another main one."""
    addresses = [dict(address) for address in document.get("emails") or ()]
    for address in addresses:
        if address.get("value") == before:
            return [one | {"value": email} if one is address else one for one in addresses]
    return [*addresses, {"value": email, "type": "work", "primary": True}]


def _filled(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in ("", {}, [], None)}


def _hold_links(chosen: Sequence[int], *, to_remove: bool = False) -> None:
    """Links, then people, so that no push takes anybody over meanwhile."""
    strength = "FOR UPDATE" if to_remove else "FOR NO KEY UPDATE"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM accounts_link WHERE application_id IS NULL "
            f"AND person_id IN (SELECT unnest(%s::bigint[])) ORDER BY id {strength}",
            [list(chosen)],
        )
        cursor.execute(
            "SELECT 1 FROM accounts_person WHERE id IN (SELECT unnest(%s::bigint[])) "
            "ORDER BY id FOR NO KEY UPDATE",
            [list(chosen)],
        )


def _row(verdict: Verdict) -> dict[str, Any]:
    """What a statement needs to know of one person."""
    profile = verdict.profile
    if profile is None:
        raise ValueError(f"nothing is to be written of a wish to {verdict.deed}")
    return {
        "n": verdict.wanted.number,
        "person_id": verdict.person_id,
        "link_id": verdict.link_id,
        "email": profile.email,
        "email_key": profile.email_key,
        "first_name": profile.first_name,
        "last_name": profile.last_name,
        "display_name": profile.display_name[:512],
        "title": profile.title,
        "department": profile.department,
        "employee_number": profile.employee_number,
        "sort_key": profile.sort_key,
        "user_name": profile.user_name,
        "user_name_key": profile.user_name_key,
        "email_keys": profile.email_keys,
        "document": profile.document,
    }


_KNOWN = """
SELECT candidate.key, person.id, application.name, person.removed_at, person.email_key,
    person.display_name, person.first_name, person.last_name, person.email,
    person.employee_number, person.title, person.department, link.id, link.document
FROM (
    SELECT id, given.key FROM unnest(%(keys)s::text[]) given(key)
    JOIN accounts_person ON organization_id = %(organization)s AND email_key = given.key
    UNION
    SELECT person_id, given.key FROM unnest(%(keys)s::text[]) given(key)
    JOIN accounts_link ON organization_id = %(organization)s AND user_name_key = given.key
) candidate
JOIN accounts_person person ON person.id = candidate.id
LEFT JOIN accounts_application application ON application.id = person.managed_by_id
LEFT JOIN accounts_link link ON link.person_id = person.id AND link.application_id IS NULL
ORDER BY person.removed_at DESC NULLS FIRST, person.id
"""

_HELD = """
SELECT person.id,
    coalesce(nullif(trim(person.first_name || ' ' || person.last_name), ''),
             nullif(person.display_name, ''), person.email),
    person.email, person.employee_number, coalesce(application.name, '')
FROM accounts_person person
LEFT JOIN accounts_application application ON application.id = person.managed_by_id
WHERE person.id IN (SELECT unnest(%(people)s::bigint[])) AND person.removed_at IS NULL
ORDER BY person.sort_key, person.id
"""

_GIVEN = """
WITH given AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb) AS given(n int, person_id bigint,
        link_id uuid, email text, email_key text, first_name text, last_name text,
        display_name text, title text, department text, employee_number text, sort_key text,
        user_name text, user_name_key text, email_keys text[], document jsonb)
),
"""

_DESCRIBED = """
    UPDATE accounts_person person SET email = given.email, email_key = given.email_key,
        first_name = given.first_name, last_name = given.last_name,
        display_name = given.display_name, title = given.title, department = given.department,
        employee_number = given.employee_number, sort_key = given.sort_key,
        changed_at = %(now)s {more}
    FROM given WHERE person.id = given.person_id
"""

# Whose account is gone and who is added again is the same person, with their history.
_ADD = (
    _GIVEN
    + "back AS ("
    + _DESCRIBED.format(more=", managed_by_id = NULL, added_by_hand = true, removed_at = NULL")
    + """
),
forgotten AS (
    DELETE FROM accounts_keptdocument WHERE person_id IN (SELECT person_id FROM given)
),
added AS (
    INSERT INTO accounts_person (organization_id, added_by_hand, email, email_key, first_name,
        last_name, display_name, title, department, employee_number, sort_key, created_at,
        changed_at)
    SELECT %(organization)s, true, email, email_key, first_name, last_name, display_name, title,
        department, employee_number, sort_key, %(now)s, %(now)s
    FROM given WHERE person_id IS NULL ORDER BY n
    RETURNING id, email_key
)
INSERT INTO accounts_link (id, organization_id, person_id, user_name, user_name_key, active,
    email_keys, sort_key, document, version, created_at, changed_at)
SELECT given.link_id, %(organization)s, coalesce(given.person_id, added.id), given.user_name,
    given.user_name_key, true, given.email_keys, given.sort_key, given.document, 1, %(now)s,
    %(now)s
FROM given LEFT JOIN added ON given.person_id IS NULL AND added.email_key = given.email_key
ORDER BY given.n
"""
)

_CHANGE = (
    _GIVEN
    + "described AS ("
    + _DESCRIBED.format(more="")
    + """
)
UPDATE accounts_link link SET user_name = given.user_name, user_name_key = given.user_name_key,
    email_keys = given.email_keys, sort_key = given.sort_key, document = given.document,
    version = link.version + 1, changed_at = %(now)s
FROM given WHERE link.id = given.link_id
"""
)

_REMOVE = """
WITH gone AS (
    DELETE FROM accounts_link
    WHERE application_id IS NULL AND person_id IN (SELECT unnest(%(people)s::bigint[]))
    RETURNING person_id, organization_id, document
),
kept AS (
    INSERT INTO accounts_keptdocument (person_id, organization_id, document, kept_at)
    SELECT person_id, organization_id, document, %(now)s FROM gone
    ON CONFLICT (person_id) DO UPDATE SET document = excluded.document, kept_at = excluded.kept_at
)
UPDATE accounts_person SET removed_at = %(now)s, changed_at = %(now)s
WHERE id IN (SELECT person_id FROM gone)
"""
