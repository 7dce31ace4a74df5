"""The only writer of Group and Membership; name clashes (R23, R24).

Members are changed as sets: adding one costs the same in a group of ten and of
a hundred thousand, and no member is ever loaded to change another.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Sequence
from typing import Any

from accounts import audit, clock, names, rows, sql
from accounts.deeds import Deed
from accounts.models import Admin, Application, Group, Organization, Person
from accounts.refusal import Refusal


@dataclasses.dataclass(frozen=True, slots=True)
class Seen:
    """Whom an application may name as a member: those whom it sees (R11), as scim.search says.

    where: a condition on `accounts_link link`; parameters: what it needs.
    """

    where: str
    parameters: dict[str, Any]


_NAMED = "SELECT link.person_id FROM accounts_link link WHERE link.id = ANY(%(ids)s) AND {seen}"

# The links are locked, so that who is deleted meanwhile is in no group afterwards (R13).
_ADD = """
WITH known AS MATERIALIZED (
    SELECT link.id, link.person_id FROM accounts_link link
    WHERE link.id = ANY(%(ids)s) AND {seen}
    FOR KEY SHARE
),
added AS (
    INSERT INTO accounts_membership (organization_id, group_id, person_id)
    SELECT DISTINCT %(organization)s::bigint, %(group)s::uuid, person_id FROM known
    ON CONFLICT DO NOTHING RETURNING person_id
)
SELECT NULL AS unknown, person_id FROM added
UNION ALL
(SELECT given.id::text, NULL FROM unnest(%(ids)s) AS given(id)
 WHERE NOT EXISTS (SELECT 1 FROM known WHERE known.id = given.id) LIMIT 3)
"""

#: For whoever's data is erased (accounts.personal_data).
LEAVE_EVERY_GROUP = """
WITH gone AS (
    DELETE FROM accounts_membership WHERE person_id = ANY(%(people)s::bigint[]) RETURNING group_id
)
UPDATE accounts_group SET version = version + 1, changed_at = %(now)s
WHERE id IN (SELECT group_id FROM gone)
"""


def create(
    organization: Organization,
    name: str,
    *,
    application: Application | None = None,
    external_id: str | None = None,
    document: dict[str, Any] | None = None,
    by: Admin | None = None,
) -> Group:
    """A SCIM group of the application, or a manual one. Refused: a name that clashes (R24)."""
    name, name_key = _checked(name)
    _refuse_clash(organization, application, name, name_key)
    now = clock.now()
    group = Group(
        organization=organization,
        application=application,
        name=name,
        name_key=name_key,
        external_id=external_id,
        document=document or {},
        created_at=now,
        changed_at=now,
    )
    group.save(force_insert=True)
    if application is None:
        audit.note(organization.pk, Deed.GROUP_CREATED, group, by=by)
    return group


def change(group: Group, *, name: str, external_id: str | None, document: dict[str, Any]) -> None:
    """Rename and describe; held to the same rule as creating."""
    name, name_key = _checked(name)
    if name_key != group.name_key:
        _refuse_clash(group.organization, group.application, name, name_key)
    group.name, group.name_key = name, name_key
    group.external_id, group.document = external_id, document
    touch(group)


def touch(group: Group) -> None:
    """A new version: something about the group changed, a membership maybe."""
    group.version += 1
    group.changed_at = clock.now()
    rows.update(group)


def delete(group: Group) -> list[int]:
    """The group goes; its people stay. Returns the ids of the people who were in it."""
    people = _removed("group_id = %(group)s", {"group": group.pk})
    group.delete()
    return people


def add_members(group: Group, links: Sequence[uuid.UUID], seen: Seen) -> list[int]:
    """People by their SCIM ids. Returns the ids of the people who were not in it before.

    Refused: an id that the application does not know ("member_unknown"), naming it.
    """
    if not links:
        return []
    found = sql.fetch(_ADD.format(seen=seen.where), _parameters(group, links, seen))
    unknown = [id for id, _ in found if id is not None]
    if unknown:
        raise member_unknown(unknown)  # undoes the others: the transaction is rolled back
    return [person_id for _, person_id in found]


def remove_members(group: Group, links: Sequence[uuid.UUID], seen: Seen) -> list[int]:
    """People by their SCIM ids; unknown ids are nobody's. Returns who was in it."""
    if not links:
        return []
    return _removed(
        f"group_id = %(group)s AND person_id IN ({_NAMED.format(seen=seen.where)})",
        _parameters(group, links, seen),
    )


def keep_only(group: Group, links: Sequence[uuid.UUID], seen: Seen) -> list[int]:
    """Everybody but these leaves. Returns who left."""
    return _removed(
        f"group_id = %(group)s AND person_id NOT IN ({_NAMED.format(seen=seen.where)})",
        _parameters(group, links, seen),
    )


def add_people(group: Group, people: Sequence[Person], *, by: Admin | None = None) -> None:
    """Members of a manual group, by hand."""
    if not people:
        return
    add_ids(group, [person.pk for person in people])
    audit.note(
        group.organization_id,
        Deed.GROUP_PEOPLE_ADDED,
        group,
        by=by,
        after={"people": audit.listed(people)},
    )


def add_ids(group: Group, people: Sequence[int]) -> None:
    """The same by their own ids, however many they are."""
    sql.fetch(
        "INSERT INTO accounts_membership (organization_id, group_id, person_id) "
        "SELECT person.organization_id, %(group)s, person.id FROM accounts_person person "
        "WHERE person.id = ANY(%(people)s::bigint[]) "
        "AND person.organization_id = %(organization)s ON CONFLICT DO NOTHING",
        {"group": group.pk, "people": list(people), "organization": group.organization_id},
    )


def remove_people(group: Group, people: Sequence[int]) -> list[int]:
    """People by their own ids, for a removal that an admin approved. Returns who was in it."""
    return _removed(
        "group_id = %(group)s AND person_id = ANY(%(people)s::bigint[])",
        {"group": group.pk, "people": list(people)},
    )


def hold_all_of(application: Application, link_id: uuid.UUID) -> None:
    """The application's groups that a person is in, for this transaction alone.

    Whoever takes a person out of groups holds the groups first, in one order: a push of a
    group holds the group, then its people (CONTRIBUTING tells the order of locks).
    """
    sql.fetch(
        "SELECT g.id FROM accounts_link link "
        "JOIN accounts_membership membership ON membership.person_id = link.person_id "
        "JOIN accounts_group g ON g.id = membership.group_id "
        "  AND g.application_id = link.application_id "
        "WHERE link.id = %(link)s AND link.application_id = %(application)s "
        "ORDER BY g.id FOR NO KEY UPDATE OF g",
        {"link": link_id, "application": application.pk},
    )


def hold_all_with(people: Sequence[int]) -> None:
    """The SCIM groups that these people are in, for this transaction alone, in the same order."""
    sql.fetch(
        "SELECT g.id FROM accounts_group g WHERE g.application_id IS NOT NULL AND g.id IN ("
        "  SELECT group_id FROM accounts_membership WHERE person_id = ANY(%(people)s::bigint[])"
        ") ORDER BY g.id FOR NO KEY UPDATE",
        {"people": list(people)},
    )


def leave_scim_groups(people: Sequence[int]) -> None:
    """Out of every application's groups, when people who were added by hand are removed.

    Their manual groups are kept, for when they come back (R13).
    """
    sql.fetch(
        "WITH left_groups AS ("
        "  DELETE FROM accounts_membership membership USING accounts_group g"
        "  WHERE membership.person_id = ANY(%(people)s::bigint[]) AND g.id = membership.group_id"
        "  AND g.application_id IS NOT NULL RETURNING membership.group_id"
        ") UPDATE accounts_group SET version = version + 1, changed_at = %(now)s"
        "  WHERE id IN (SELECT group_id FROM left_groups)",
        {"people": list(people), "now": clock.now()},
    )


def leave_all(application: Application, person_id: int) -> None:
    """Out of the application's groups, when the person leaves the application (R13)."""
    sql.fetch(
        "WITH left_groups AS ("
        "  DELETE FROM accounts_membership membership USING accounts_group g"
        "  WHERE membership.person_id = %(person)s AND g.id = membership.group_id"
        "  AND g.application_id = %(application)s RETURNING membership.group_id"
        ") UPDATE accounts_group SET version = version + 1, changed_at = %(now)s"
        "  WHERE id IN (SELECT group_id FROM left_groups)",
        {"person": person_id, "application": application.pk, "now": clock.now()},
    )


def member_unknown(ids: Sequence[str]) -> Refusal:
    return Refusal(
        "member_unknown",
        f"members: the application has nobody with the id {', '.join(ids)}. "
        f"Create the person first, then add them to the group.",
    )


# ------------------------------------------------------------------ inside


def _parameters(group: Group, links: Sequence[uuid.UUID], seen: Seen) -> dict[str, Any]:
    return seen.parameters | {
        "ids": list(links),
        "organization": group.organization_id,
        "group": group.pk,
    }


def _removed(memberships: str, parameters: dict[str, Any]) -> list[int]:
    """Delete memberships; whose they were."""
    gone = sql.fetch(
        f"DELETE FROM accounts_membership WHERE {memberships} RETURNING person_id", parameters
    )
    return [person_id for (person_id,) in gone]


def _checked(name: str) -> tuple[str, str]:
    name = name.strip()
    name_key = names.key(name)
    if not name_key:
        raise Refusal("name_missing", "displayName: a group needs a name.")
    if len(name) > 256 or len(name_key) > 256:
        raise Refusal("name_too_long", "displayName: a group's name has at most 256 characters.")
    return name, name_key


def _refuse_clash(
    organization: Organization, application: Application | None, name: str, name_key: str
) -> None:
    """R24. The database settles races by the two constraints of Group."""
    same = Group.objects.of(organization).filter(name_key=name_key)
    for other in same.select_related("application"):
        if (
            other.application_id is None
            or application is None
            or (other.application_id == application.pk)
        ):
            raise name_taken(name, other)


def name_taken(name: str, other: Group | None) -> Refusal:
    if other is None:
        whose = "another group"
    elif other.application is None:
        whose = f"the manual group “{other.name}”"
    else:
        whose = f"the group “{other.name}” of {other.application.name}"
    return Refusal(
        "group_name_taken",
        f"displayName “{name}” is taken by {whose}. Nothing was created or changed: "
        f"rename one of the two groups.",
    )
