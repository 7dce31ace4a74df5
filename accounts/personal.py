"""Where data of a person lies: one table of places, for exporting it and for erasing it.

Each layer registers its places (`keep`), and what holds nothing of a person with the reason
(`nothing`); a test goes over every column of the database and wants it in one of the two. A
place is found, told and erased by one statement each, however many rows there are.

In the SQL of a place `it` is the row. Parameters are those of `Traces.parameters`.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, quote_plus

from django.contrib.postgres.fields import ArrayField
from django.db import connection, models

from accounts import names
from accounts.models import Organization

#: What stands where something of a person stood.
ERASED = "(erased)"
#: In place of what a push or a program said, where it was about the person.
ON_REQUEST = "erased on request"
_ERASED = f"'{ERASED}'"


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """A table that holds something of people.

    section: what the export calls it. of: the SQL condition by which a row is the person's.
    also: by which one mentions them beside others. tells: SQL by the word that the export has for
    it. sets: columns that erasing overwrites, with their SQL; empty: erasing deletes the row.
    keeps: the other columns of text, with the reason why they may stay. statement: erases in
    place of both. late: erased after the person's seats were released, which writes there too.
    """

    model: type[models.Model]
    section: str
    of: str
    tells: Mapping[str, str]
    sets: Mapping[str, str] = dataclasses.field(default_factory=dict)
    keeps: Mapping[str, str] = dataclasses.field(default_factory=dict)
    also: str = "false"
    statement: str = ""
    late: bool = False

    @property
    def deletes(self) -> bool:
        return not self.sets

    def rows(self, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What the export tells, the oldest first."""
        told = ", ".join(f"'{word}', {sql}" for word, sql in self.tells.items())
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT json_build_object({told})::text FROM {self.model._meta.db_table} it "
                f"WHERE ({self.of}) OR ({self.also}) ORDER BY it.{self.model._meta.pk.column}",
                parameters,
            )
            return [json.loads(row) for (row,) in cursor.fetchall()]

    def erase(self, parameters: Mapping[str, Any]) -> None:
        with connection.cursor() as cursor:
            cursor.execute(self._erasing(), parameters)

    def _erasing(self) -> str:
        if self.statement:
            return self.statement
        table = self.model._meta.db_table
        if self.deletes:
            return f"DELETE FROM {table} it WHERE {self.of}"
        changes = ", ".join(f"{column} = {sql}" for column, sql in self.sets.items())
        return f"UPDATE {table} it SET {changes} WHERE ({self.of}) OR ({self.also})"


_places: dict[type[models.Model], Place] = {}
#: By model, column and reason; "*" is every column.
_nothing: dict[type[models.Model], dict[str, str]] = {}


def keep(*places: Place) -> None:
    """Register places; a second time changes nothing."""
    _places.update({place.model: place for place in places})


def nothing(reasons: Mapping[type[models.Model], str]) -> None:
    """Register tables that hold nothing of a person, each with the reason."""
    _nothing.update({model: {"*": reason} for model, reason in reasons.items()})


def places() -> list[Place]:
    return list(_places.values())


def unknown() -> Iterator[str]:
    """Columns that may hold something of a person, and are in neither of the two tables."""
    from django.apps import apps

    for model in apps.get_models(include_auto_created=True):
        if model in _nothing:
            continue
        place = _places.get(model)
        for field in model._meta.concrete_fields:
            if not _may_tell(field):
                continue
            if place is None or not (
                place.deletes or field.column in {*place.sets, *place.keeps} or field.choices
            ):
                yield f"{model._meta.label}.{field.name}"


# ------------------------------------------------------------------ whose


@dataclasses.dataclass(frozen=True, slots=True)
class Traces:
    """By what a person is found: ids, and how they are called anywhere.

    people, links, seats: ids, the last two as texts. addresses, user_names, names, external_ids,
    numbers (of employees): as they were written, now or earlier. shared: names and addresses that
    somebody else of the organization has too: a line that says nothing else may be about that
    one, and stays.
    """

    organization: Organization
    people: Sequence[int]
    links: frozenset[str] = frozenset()
    seats: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()
    user_names: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    external_ids: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()
    shared: frozenset[str] = frozenset()

    @property
    def keys(self) -> list[str]:
        return sorted({names.key(name) for name in {*self.addresses, *self.user_names}} - {""})

    def parameters(self, **more: Any) -> dict[str, Any]:
        """mentions: a pattern of what tells the person in any text. sent: the same and what tells
        them in a request only."""
        return {
            "organization": self.organization.pk,
            "people": list(self.people),
            "ids": "|".join(map(str, self.people)) or _NOTHING,
            "links": sorted(self.links),
            "seats": sorted(self.seats),
            "keys": self.keys,
            "addresses": sorted(self.addresses),
            "user_names": sorted(self.user_names),
            "numbers": sorted(self.numbers),
            "mentions": _any_of(self._mentions()),
            "sent": _any_of([*self._mentions(), *self._sent()]),
            **more,
        }

    def with_found(self, found: Iterable[tuple[str, Any]]) -> Traces:
        """And these: kind (a field of this class) and value."""
        told: dict[str, set[Any]] = {}
        for kind, value in found:
            if value not in (None, ""):
                told.setdefault(kind, set()).add(value)
        for user_name in list(told.get("user_names", ())):
            if names.looks_like_email(user_name):
                told.setdefault("addresses", set()).add(user_name)
        return dataclasses.replace(
            self, **{kind: getattr(self, kind) | values for kind, values in told.items()}
        )

    def _mentions(self) -> list[str]:
        """The longest first, so that a name with its address goes as one."""
        both = {f"{name} ({address})" for name in self.names for address in self.addresses}
        alone = {
            told for told in {*self.addresses, *self.names} if names.key(told) not in self.shared
        }
        return [_pattern(told) for told in sorted({*both, *alone}, key=lambda told: -len(told))]

    def _sent(self) -> list[str]:
        """Ids of theirs, addresses as a query has them, and a user name or external id where a
        request calls it so: elsewhere it may be any word."""
        called = {*self.user_names, *self.external_ids}
        return [
            *(re.escape(link) for link in self.links),
            *(form for address in self.addresses for form in _written(address)),
            *(_CALLED.format(form) for value in called for form in _written(value)),
        ]


#: Asked one after the other, each with what those before have found.
_asked: list[str] = []


def ask(sql: str) -> None:
    """Register a statement that tells traces: rows of a kind (a field of Traces) and a text."""
    if sql not in _asked:
        _asked.append(sql)


def trace(organization: Organization, people: Collection[int], *addresses: str) -> Traces:
    """How these people (one human) are called everywhere. addresses: known of somebody who has
    no account."""
    traces = Traces(organization, sorted(people), addresses=frozenset(addresses))
    for sql in _asked:
        with connection.cursor() as cursor:
            cursor.execute(sql, traces.parameters())
            traces = traces.with_found(cursor.fetchall())
    with connection.cursor() as cursor:
        told = {names.key(name): name for name in {*traces.names, *traces.addresses}}
        cursor.execute(_SHARED, traces.parameters(told=sorted(told)))
        return dataclasses.replace(traces, shared=frozenset(key for (key,) in cursor.fetchall()))


# ------------------------------------------------------------------ SQL for places


def scrubbed(column: str) -> str:
    """A text without what tells the person."""
    return f"regexp_replace(it.{column}, %(mentions)s, {_ERASED}, 'gi')"


def scrubbed_json(column: str) -> str:
    """The same of JSON; none stays none."""
    return f"regexp_replace(it.{column}::text, %(mentions)s, {_ERASED}, 'gi')::jsonb"


def mentioned(*columns: str) -> str:
    """Whether one of these columns tells the person."""
    told = " OR ".join(f"it.{column}::text ~* %(mentions)s" for column in columns)
    return f"it.organization_id = %(organization)s AND ({told})"


OF_PERSON = "it.person_id = ANY(%(people)s::bigint[])"
APPLICATION = "(SELECT name FROM accounts_application WHERE id = it.application_id)"


# ------------------------------------------------------------------ inside


def _may_tell(field: Any) -> bool:
    """Text, JSON, e-mail addresses, files, and lists of them."""
    if isinstance(field, ArrayField):
        return _may_tell(field.base_field)
    return isinstance(
        field,
        models.CharField
        | models.TextField
        | models.JSONField
        | models.BinaryField
        | models.GenericIPAddressField,
    )


def _pattern(told: str) -> str:
    """An address or a name as a word of a text or of JSON; a name of one word only in quotes or
    alone, since it may be any word."""
    forms = "|".join(re.escape(form) for form in {told, _in_json(told)})
    if "@" in told:
        return rf"(?:(?<![\w.+-])|(?<=\\[nrt]))(?:{forms})(?![\w-]|\.\w)"
    if " " in told:
        return rf"(?:(?<!\w)|(?<=\\[nrt]))(?:{forms})(?!\w)"
    return rf"""(?:^|(?<=["“]))(?:{forms})(?:$|(?=["”]))"""


#: `"userName": "ada"` in JSON, `userName eq "ada"` in a filter, however it came, `userName “ada”`
#: in a sentence of ours.
_GAP, _MARK = r"(?:\+|%20| )", r'(?:%22|\\?"|[“”])'
_CALLED = rf'(?:userName|externalId)(?:": ?|{_GAP}eq{_GAP}|{_GAP}){_MARK}' + "{}" + _MARK


def _written(value: str) -> list[str]:
    """How a value may stand in an address or in JSON, as patterns."""
    forms = {value, _in_json(value), quote(value, safe=""), quote_plus(value), quote(value, "@")}
    return [re.escape(form) for form in sorted(forms)]


def _in_json(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)[1:-1]


#: A pattern that fits no text.
_NOTHING = "(?!x)x"


def _any_of(patterns: Sequence[str]) -> str:
    return "|".join(patterns) or _NOTHING


# Names and addresses of others, as keys; of those that were asked about.
_SHARED = """
SELECT DISTINCT told.key FROM accounts_person person
CROSS JOIN LATERAL (VALUES (person.email_key), (lower(person.display_name)),
    (lower(trim(person.first_name || ' ' || person.last_name)))) told(key)
WHERE person.organization_id = %(organization)s AND person.removed_at IS NULL
  AND person.id <> ALL(%(people)s::bigint[]) AND told.key = ANY(%(told)s::text[])
"""
