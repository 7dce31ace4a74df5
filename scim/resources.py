"""Stored rows to SCIM resources, one statement however many.

The stored document is spliced as text: a resource that nobody asked to be projected
is never parsed on its way out.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from accounts import names as keys
from accounts import sql
from accounts.models import Link
from scim.applications import base_url
from scim.protocol import etag
from scim.protocol import filter as filters
from scim.protocol.projection import Projection
from scim.search import GROUPS_VISIBLE, NOT_OF_ANOTHER_POOL, USERS_VISIBLE, Along, View

_Row = tuple[Any, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Resource:
    """A resource as it is answered. text: the whole of it as JSON."""

    kind: str
    id: str
    version: int
    text: str

    @property
    def etag(self) -> str:
        return etag.make(self.version)

    @property
    def location(self) -> str:
        return f"{base_url()}/{self.kind}s/{self.id}"

    @property
    def headers(self) -> dict[str, str]:
        return {"ETag": self.etag, "Location": self.location}

    def as_dict(self) -> dict[str, Any]:
        return orjson.loads(self.text)

    def shown(self, projection: Projection | None) -> str | bytes:
        """The text, or what `attributes` and `excludedAttributes` leave of it."""
        if projection is None:
            return self.text
        return orjson.dumps(projection.apply(self.as_dict()))


def users(view: View, ids: Sequence[uuid.UUID], *, groups: bool = True) -> list[Resource]:
    """Those of the ids that the application may see, in the order of ids."""
    rows = _by_ids(_ALL_OF_USERS if groups else _USERS.format(groups="NULL"), view, "link", ids)
    found = {row[0]: _user(*row) for row in rows}
    return [found[str(id)] for id in ids if str(id) in found]


def of_link(link: Link) -> Resource:
    """A User that was just written. link.also: what GROUPS_OF said; none for somebody new."""
    document = orjson.dumps(link.document).decode()
    groups = getattr(link, "also", None)
    return _user(str(link.pk), document, link.version, link.created_at, link.changed_at, groups)


def groups(
    view: View, ids: Sequence[uuid.UUID], *, members: bool = True, names: bool = True
) -> list[Resource]:
    """The same of groups. names: whether members have their `display`."""
    of = _MEMBERS_OF.format(display=_DISPLAY if names else "")
    rows = _by_ids(_GROUPS.format(members=of if members else "NULL"), view, "g", ids)
    found = {row[0]: _group(*row) for row in rows}
    return [found[str(id)] for id in ids if str(id) in found]


def users_by(view: View, name: str, value: str, *, groups: bool = True) -> list[Resource]:
    """Those whose userName or externalId is the value, in the order of creation.

    What identity providers ask before every push, in one statement. The same as finding them
    by the filter `name eq "value"` first: the key only narrows, the value itself decides.
    """
    statement = _ALL_OF_USERS if groups else _USERS.format(groups="NULL")
    rows = _fetch(statement, view, _USERS_NAMED[name], _key_of(name, value))
    found = sorted((_user(*row) for row in rows), key=lambda resource: resource.id)
    if name == "externalId":
        return found
    return [resource for resource in found if _is_named(resource, value)]


def _key_of(name: str, value: str) -> str:
    return value if name == "externalId" else keys.key(value)


def _is_named(resource: Resource, user_name: str) -> bool:
    return resource.as_dict()["userName"].casefold() == user_name.casefold()


def along(resources: str | None, id: str | None, asked: Mapping[str, str]) -> Along | None:
    """What a GET of these resources reads, if it is one that identity providers send all day:
    of one User, or of those of a userName or externalId."""
    if resources != "users":
        return None
    if id is not None:
        try:
            return None if asked else Along(_ALL_OF_USERS.format(where=_ONE_USER), uuid.UUID(id))
        except ValueError:
            return None
    if "filter" not in asked or asked.keys() - _USUAL_PARAMETERS:
        return None
    name, value = filters.simple_eq(asked["filter"]) or ("", "")
    if name not in _USERS_NAMED:
        return None
    return Along(_ALL_OF_USERS.format(where=_USERS_NAMED[name]), _key_of(name, value))


def _by_ids(statement: str, view: View, table: str, ids: Sequence[uuid.UUID]) -> list[_Row]:
    if not ids:
        return []
    if len(ids) == 1:  # an array for one id costs more than the look-up
        return _fetch(statement, view, f"{table}.id = %(wanted)s", ids[0])
    return _fetch(statement, view, f"{table}.id = ANY(%(wanted)s)", list(ids))


def _fetch(statement: str, view: View, where: str, wanted: Any) -> list[_Row]:
    statement, read = statement.format(where=where), view.along
    if read is not None and (read.statement, read.wanted) == (statement, wanted):
        return read.rows or []
    return sql.fetch(statement, {"wanted": wanted, "base": base_url(), **view.parameters})


def _resource(
    kind: str,
    many: str,
    id: str,
    document: str,
    version: int,
    created: dt.datetime,
    changed: dt.datetime,
    values: str | None,
) -> Resource:
    """many: the attribute that memberships make, and values what it holds, as JSON."""
    more = f', "{many}": {values}' if values else ""
    tag = etag.make(version).replace('"', '\\"')
    text = (
        f'{{"id": "{id}", {document[1:-1]}{more}, "meta": {{"resourceType": "{kind}", '
        f'"created": "{_time(created)}", "lastModified": "{_time(changed)}", '
        f'"location": "{base_url()}/{kind}s/{id}", "version": "{tag}"}}}}'
    )
    return Resource(kind, id, version, text)


_user = functools.partial(_resource, "User", "groups")
_group = functools.partial(_resource, "Group", "members")


def _time(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


_USERS = f"""
SELECT link.id::text, link.document::text, link.version, link.created_at, link.changed_at,
    ({{groups}})
FROM accounts_link link
WHERE {{{{where}}}} AND {USERS_VISIBLE}
"""

#: The groups of `accounts_link link`, as they stand in the User.
GROUPS_OF = """
    SELECT json_agg(json_build_object('value', g.id, '$ref', %(base)s::text || '/Groups/' || g.id,
        'display', g.name, 'type', 'direct') ORDER BY g.id)::text
    FROM accounts_membership membership
    JOIN accounts_group g ON g.id = membership.group_id
    WHERE membership.person_id = link.person_id AND g.application_id = %(application)s
"""

_ALL_OF_USERS = _USERS.format(groups=GROUPS_OF)
_ONE_USER = "link.id = %(wanted)s"
_USERS_NAMED = {
    "userName": "link.user_name_key = %(wanted)s",
    "externalId": "link.external_id = %(wanted)s",
}
_USUAL_PARAMETERS = {"filter", "startIndex", "count"}

_GROUPS = f"""
SELECT g.id::text, g.document::text, g.version, g.created_at, g.changed_at, ({{members}})
FROM accounts_group g
WHERE {{{{where}}}} AND {GROUPS_VISIBLE}
"""

_DISPLAY = ", 'display', coalesce(member.document ->> 'displayName', member.user_name)"

_MEMBERS_OF = f"""
    SELECT json_agg(json_build_object('value', member.id,
        '$ref', %(base)s::text || '/Users/' || member.id,
        'type', 'User'{{display}}) ORDER BY member.id)::text
    FROM accounts_membership membership
    JOIN accounts_link member ON member.person_id = membership.person_id
        AND (member.application_id = g.application_id OR (member.application_id IS NULL
            AND {NOT_OF_ANOTHER_POOL.replace("link.", "member.")}))
    WHERE membership.group_id = g.id
"""
