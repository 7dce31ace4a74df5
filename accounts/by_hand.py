"""People whom admins add, change and remove by hand, one or ten thousand (R8, R10).

Beside accounts.people the only writer of Person and Link, and only of people whom no
application manages. One statement adds, one changes, one removes, however many people they
are about. What a file wants is compared with what is there by accounts.people_compare.
"""

from __future__ import annotations

import dataclasses
import json
import tempfile
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson
from django.db import connection

from accounts import audit, changes, clock, groups, names, people
from accounts.deeds import Deed
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
class Change:
    field: str
    before: str
    after: str

    @property
    def label(self) -> str:
        return FIELDS[self.field]


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


def write_read(organization: Organization) -> None:
    """Add and change people as accounts.people_compare has judged a file, inside its transaction.

    Seven statements however many they are. What somebody's document becomes is decided here, one
    document in memory at a time: they go through a file on the way.
    """
    with connection.cursor() as cursor, tempfile.TemporaryFile() as revised:
        with cursor.copy(_TO_REVISE) as copy:
            for number, email, document, cells in copy.rows():
                profile = _revised(orjson.loads(document), email, orjson.loads(cells))
                revised.write(b"%s\t%s\n" % (number.encode(), orjson.dumps(columns(profile))))
        revised.seek(0)
        cursor.execute("DROP TABLE IF EXISTS pg_temp.people_revised")
        cursor.execute(_REVISED)
        with cursor.copy("COPY people_revised (number, profile) FROM STDIN") as copy:
            for line in revised:
                copy.write_row(line.decode().rstrip("\n").split("\t", 1))
        cursor.execute("ANALYZE people_revised")
        about: dict[str, Any] = {"organization": organization.pk, "now": clock.now()}
        cursor.execute(_GIVEN_REVISED + _CHANGE, about)
        cursor.execute(_GIVEN_READ + _ADD, about)


def hold_changed() -> None:
    """Whoever is changed by the file that was judged, for this transaction alone."""
    with connection.cursor() as cursor:
        for statement in (_HOLD_CHANGED_LINKS, _HOLD_CHANGED_PEOPLE):
            cursor.execute(statement)


def columns(profile: Profile) -> dict[str, Any]:
    """What a statement needs to know of one person's profile."""
    return {
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
            _change(person.pk, _revised(link.document, person.email, cells))
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


def _change(person_id: int, profile: Profile) -> None:
    with connection.cursor() as cursor:
        row = {"person_id": person_id, **columns(profile)}
        cursor.execute(_GIVEN + _CHANGE, {"rows": json.dumps([row]), "now": clock.now()})


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

_PROFILE = """email text, email_key text, first_name text, last_name text,
        display_name text, title text, department text, employee_number text, sort_key text,
        user_name text, user_name_key text, email_keys text[], document jsonb"""

_GIVEN = f"""
WITH given AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb) AS given(person_id bigint, {_PROFILE})
),
"""

# people_verdict is what accounts.people_compare has made of the file.
_GIVEN_READ = f"""
WITH given AS MATERIALIZED (
    SELECT verdict.number AS n, verdict.person_id, profile.*
    FROM people_verdict verdict
    JOIN accounts_peoplerow line ON line.file_id = verdict.file_id AND line.number = verdict.number
    CROSS JOIN LATERAL jsonb_to_record(line.profile) AS profile({_PROFILE})
    WHERE verdict.deed = 'add'
),
"""

_GIVEN_REVISED = f"""
WITH given AS MATERIALIZED (
    SELECT verdict.person_id, profile.*
    FROM people_verdict verdict JOIN people_revised revised ON revised.number = verdict.number
    CROSS JOIN LATERAL jsonb_to_record(revised.profile) AS profile({_PROFILE})
),
"""

_REVISED = "CREATE TEMPORARY TABLE people_revised (number int, profile jsonb) ON COMMIT DROP"

_TO_REVISE = """
COPY (
    SELECT verdict.number, person.email, link.document, line.cells
    FROM people_verdict verdict
    JOIN accounts_peoplerow line ON line.file_id = verdict.file_id AND line.number = verdict.number
    JOIN accounts_person person ON person.id = verdict.person_id
    JOIN accounts_link link ON link.person_id = person.id AND link.application_id IS NULL
    WHERE verdict.deed = 'change'
) TO STDOUT
"""

_CHANGED = "(SELECT person_id FROM people_verdict WHERE deed = 'change')"
_HOLD_CHANGED_LINKS = f"""
SELECT count(*) FROM (
    SELECT 1 FROM accounts_link WHERE application_id IS NULL AND person_id IN {_CHANGED}
    ORDER BY id FOR NO KEY UPDATE) held
"""
_HOLD_CHANGED_PEOPLE = f"""
SELECT count(*) FROM (
    SELECT 1 FROM accounts_person WHERE id IN {_CHANGED} ORDER BY id FOR NO KEY UPDATE) held
"""

_DESCRIBED = """
    UPDATE accounts_person person SET email = given.email, email_key = given.email_key,
        first_name = given.first_name, last_name = given.last_name,
        display_name = given.display_name, title = given.title, department = given.department,
        employee_number = given.employee_number, sort_key = given.sort_key,
        changed_at = %(now)s {more}
    FROM given WHERE person.id = given.person_id
"""

# A UUID of version 7, as accounts.ids makes one: the time, then what is random.
_NEW_ID = """(lpad(to_hex(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0')
    || '7' || substr(replace(gen_random_uuid()::text, '-', ''), 14))::uuid"""
# Whose account is gone and who is added again is the same person, with their history.
_ADD = (
    "back AS ("
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
SELECT """
    + _NEW_ID
    + """, %(organization)s, coalesce(given.person_id, added.id), given.user_name,
    given.user_name_key, true, given.email_keys, given.sort_key, given.document, 1, %(now)s,
    %(now)s
FROM given LEFT JOIN added ON given.person_id IS NULL AND added.email_key = given.email_key
ORDER BY given.n
"""
)

_CHANGE = (
    "described AS ("
    + _DESCRIBED.format(more="")
    + """
)
UPDATE accounts_link link SET user_name = given.user_name, user_name_key = given.user_name_key,
    email_keys = given.email_keys, sort_key = given.sort_key, document = given.document,
    version = link.version + 1, changed_at = %(now)s
FROM given WHERE link.person_id = given.person_id AND link.application_id IS NULL
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
