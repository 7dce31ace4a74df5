"""What becomes of each line of a file of people, told by one statement however many they are (R10).

Whoever previews and whoever imports ask the same (`_VERDICTS`), so they cannot disagree. A
line is refused, or somebody is added, changed, or stays as they are; whom an application
manages is changed there alone (R8).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

import orjson
from django.db import connection

from accounts.by_hand import FIELDS, Change
from accounts.models import PeopleFile

#: So many lines of each kind are shown and named.
SHOWN = 100


class Wanted(NamedTuple):
    """What a line says. number: where it begins in the file. cells: by field."""

    number: int
    cells: Mapping[str, str]


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of one line. because: why it is refused, as a sentence.

    person_id: who is changed or stays, or whose account is gone and comes back by being added.
    """

    wanted: Wanted
    deed: Literal["add", "change", "keep", "refuse"]
    because: str
    person_id: int | None
    changes: tuple[Change, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Judged:
    """Of all lines how many each deed has, the first of them, and a digest of everything."""

    totals: Mapping[str, int]
    first: Mapping[str, list[Verdict]]
    digest: str


def judge(file: PeopleFile) -> Judged:
    """What would happen now, and nothing does."""
    return _summed(f"WITH verdict AS MATERIALIZED ({_VERDICTS})", file)


def judge_and_keep(file: PeopleFile) -> None:
    """The same, kept for accounts.by_hand.write_read until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS pg_temp.people_verdict")
        cursor.execute(_KEEP, _about(file))
        cursor.execute("ANALYZE people_verdict")  # else joins are planned for a few lines


def kept(file: PeopleFile) -> Judged:
    """What was kept."""
    return _summed(f"WITH verdict AS ({_KEPT})", file)


def refused(file: PeopleFile) -> Iterator[Verdict]:
    """Every line that is refused, in order, however many they are."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(
            f"WITH verdict AS MATERIALIZED ({_VERDICTS}) SELECT {_COLUMNS} FROM verdict "
            "WHERE deed = 'refuse' ORDER BY number",
            _about(file),
        )
        for row in cursor:
            yield _verdict(*row)


# ------------------------------------------------------------------ inside


def _about(file: PeopleFile) -> dict[str, Any]:
    return {"file": file.pk, "organization": file.organization_id, "shown": SHOWN}


def _summed(verdicts: str, file: PeopleFile) -> Judged:
    with connection.cursor() as cursor:
        cursor.execute(verdicts + _SUMMED, _about(file))
        totals, first, digest = cursor.fetchone()
    shown: dict[str, list[Verdict]] = {}
    for row in orjson.loads(first):
        verdict = _verdict(*row)
        shown.setdefault(verdict.deed, []).append(verdict)
    return Judged(orjson.loads(totals), shown, digest)


def _verdict(
    number: int,
    deed: Any,
    because: str,
    person_id: int | None,
    changes: Any,
    cells: Any,
) -> Verdict:
    if isinstance(changes, str):  # as Django leaves JSON
        changes, cells = orjson.loads(changes), orjson.loads(cells)
    return Verdict(
        Wanted(number, cells), deed, because, person_id, tuple(Change(*one) for one in changes)
    )


_FIELDS = ",\n            ".join(
    f"({n}, '{field}', '{label}', person.{field})"
    for n, (field, label) in enumerate(FIELDS.items())
)
_NAME = """coalesce(nullif(trim(person.first_name || ' ' || person.last_name), ''),
    nullif(person.display_name, ''), person.email)"""

# Who has, or had, the address of a line as their own or as a user name; what that makes of the
# line; what of the one who is meant would change. Each line looks up its own: joins of all would
# be planned by what the database knows of yesterday's tables, and go astray after a large import.
_VERDICTS = f"""
WITH line AS MATERIALIZED (
    SELECT number, key, cells, CASE
        WHEN flaw <> '' THEN flaw
        WHEN first < number THEN 'The same address stands in line ' || first || ' already.'
        ELSE '' END AS flaw
    FROM (
        SELECT number, key, cells, flaw, min(number) OVER (PARTITION BY key) AS first
        FROM accounts_peoplerow WHERE file_id = %(file)s
    ) read
)
SELECT line.number, line.cells,
    CASE WHEN line.flaw <> '' OR found.number_meant > 1 THEN 'refuse'
        WHEN person.id IS NULL AND found.user_name_of IS NOT NULL THEN 'refuse'
        WHEN person.id IS NULL THEN 'add'
        WHEN different.changes = '[]' THEN 'keep'
        WHEN application.id IS NOT NULL THEN 'refuse'
        ELSE 'change' END AS deed,
    CASE WHEN line.flaw <> '' THEN line.flaw
        WHEN found.number_meant > 1
            THEN 'More than one person has this address (' || found.sources || ').'
        WHEN person.id IS NULL AND found.user_name_of IS NOT NULL
            THEN 'This is the user name of ' || found.user_name_of || '.'
        WHEN application.id IS NOT NULL AND different.changes <> '[]'
            THEN application.name || ' manages this person. Change it there: '
                || different.labels || '.'
        ELSE '' END AS because,
    CASE WHEN line.flaw <> '' OR found.number_meant > 1 OR found.user_name_of IS NOT NULL
            AND person.id IS NULL THEN NULL
        WHEN person.id IS NULL THEN found.gone_id
        WHEN application.id IS NULL OR different.changes = '[]' THEN person.id END AS person_id,
    CASE WHEN application.id IS NULL THEN coalesce(different.changes, '[]') ELSE '[]' END
        AS changes
FROM line LEFT JOIN LATERAL (
    SELECT count(*) FILTER (WHERE meant) AS number_meant,
        min(id) FILTER (WHERE meant) AS meant_id,
        string_agg(DISTINCT source, ', ' ORDER BY source) FILTER (WHERE meant) AS sources,
        (array_agg(name || ', whose address is ' || email ORDER BY id)
            FILTER (WHERE by_user_name))[1] AS user_name_of,
        (array_agg(id ORDER BY removed_at DESC, id) FILTER (WHERE gone))[1] AS gone_id
    FROM (
        SELECT person.id, person.removed_at, person.email, {_NAME} AS name,
            coalesce(application.name, 'added by hand') AS source,
            person.removed_at IS NULL AND person.email_key = line.key AS meant,
            person.removed_at IS NULL AND person.email_key <> line.key AS by_user_name,
            person.removed_at IS NOT NULL AND person.email_key = line.key AS gone
        FROM (
            SELECT id FROM accounts_person
            WHERE organization_id = %(organization)s AND email_key = line.key
            UNION
            SELECT person_id FROM accounts_link
            WHERE organization_id = %(organization)s AND user_name_key = line.key
        ) candidate
        JOIN accounts_person person ON person.id = candidate.id
        LEFT JOIN accounts_application application ON application.id = person.managed_by_id
    ) known
) found ON line.flaw = ''
LEFT JOIN accounts_person person ON person.id = found.meant_id AND found.number_meant = 1
LEFT JOIN accounts_application application ON application.id = person.managed_by_id
LEFT JOIN LATERAL (
    SELECT coalesce(jsonb_agg(jsonb_build_array(field.name, field.before,
            line.cells ->> field.name) ORDER BY field.n), '[]') AS changes,
        string_agg(field.label, ', ' ORDER BY field.n) AS labels
    FROM (VALUES {_FIELDS}) AS field(n, name, label, before)
    WHERE line.cells ->> field.name <> field.before
        AND (application.id IS NULL OR field.name <> 'email')
) different ON person.id IS NOT NULL
"""

_COLUMNS = "number, deed, because, person_id, changes, cells"

_KEEP = f"""
CREATE TEMPORARY TABLE people_verdict ON COMMIT DROP AS
SELECT %(file)s::uuid AS file_id, number, deed, because, person_id, changes
FROM ({_VERDICTS}) verdict
"""

_KEPT = """
SELECT verdict.*, line.cells FROM people_verdict verdict
JOIN accounts_peoplerow line ON line.file_id = verdict.file_id AND line.number = verdict.number
"""

_SUMMED = f"""
SELECT
    (SELECT coalesce(jsonb_object_agg(deed, lines), '{{}}')
     FROM (SELECT deed, count(*) AS lines FROM verdict GROUP BY deed) counted)::text,
    (SELECT coalesce(jsonb_agg(jsonb_build_array({_COLUMNS}) ORDER BY number), '[]')
     FROM (SELECT *, row_number() OVER (PARTITION BY deed ORDER BY number) AS place
           FROM verdict WHERE deed <> 'keep') placed
     WHERE place <= %(shown)s)::text,
    (SELECT encode(sha256(coalesce(string_agg(sha256(convert_to(
        jsonb_build_array(number, deed, person_id, changes)::text, 'UTF8')), ''::bytea
        ORDER BY number), ''::bytea)), 'hex') FROM verdict)
"""
