"""Fill a database with people as if each had been pushed: `python -m benchmarks.seed --people N`.

Plain SQL, thousands of people a second. The rows are those that the domain code writes: one
person is pushed by it, and the seeded ones differ from that one in numbers, ids and times
only (checked); then reconciliation must find no drift (checked). Prints one JSON document
with a token, a sample of people and the groups.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.db import connection  # noqa: E402

from accounts import organizations  # noqa: E402
from accounts.models import Application  # noqa: E402
from accounts.profile import Profile  # noqa: E402
from benchmarks.phases import person  # noqa: E402
from licensing import pools, reconcile  # noqa: E402
from scim import applications, caller, groups, tokens, users  # noqa: E402
from scim.protocol import document as documents  # noqa: E402
from scim.protocol.schema import USER  # noqa: E402

PRODUCT = "sales-navigator"
#: So many people are handed to the load, chosen at random.
SAMPLE = 20_000
#: So many people outside of a group are handed over to be added to it.
OUTSIDE = 2_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, required=True)
    parser.add_argument("--groups", default="", help="sizes, separated by commas")
    options = parser.parse_args()

    organization = organizations.create("Benchmark", slug="benchmark")
    # Room for everybody who is created while measuring.
    pools.set_seats(organization, PRODUCT, options.people + 1_000_000)
    application = applications.create(organization, "Directory", product=PRODUCT)
    secret = tokens.issue(application).secret
    known = caller.identify(f"Bearer {secret}", "benchmark")
    assert known is not None

    users.create(known, person("seed", 1))
    fill(application, options.people)
    check_alike()
    made = {}
    for size in (int(size) for size in options.groups.split(",") if size):
        if size + 100 <= options.people:
            made[str(size)] = group(known, application, size, options.people)
    drift = reconcile.reconcile(organization, dry_run=True).drift
    assert drift == 0, f"the seeded state drifts: {drift}"
    print(
        json.dumps(
            {
                "token": secret,
                "people": sample(application, options.people),
                "groups": made,
                "drift": drift,
            }
        )
    )


def fill(application: Application, people: int) -> None:
    """People 2 to N: person, link, seat, ledger line, invitation (sent), counter."""
    template = person("seed", 0)
    text = json.dumps(documents.read(USER, template | {"active": True}))
    for made, mark in (
        ("seed.p0000000", "seed.p{n7}"),
        ("seed-0000000", "seed-{n7}"),
        ("Given0", "{given}"),
        ("Family0", "{family}"),
        ("Sales 0", "{department}"),
        ('"employeeNumber": "0"', '"employeeNumber": "{n}"'),
    ):
        assert made in text, made
        text = text.replace(made, mark)
    profile = Profile.of(documents.read(USER, template))
    pool = application.policy.pool_id
    with connection.cursor() as cursor:
        cursor.execute(
            _FILL,
            {
                "organization": application.organization_id,
                "application": application.pk,
                "pool": pool,
                "people": people,
                "document": text,
                "title": profile.title,
                "because": f"{application.name} created this person: eligible, active, "
                f"and a license was free",
            },
        )
        cursor.execute(
            "UPDATE licensing_pool SET held = (SELECT count(*) FROM licensing_seat "
            "WHERE pool_id = %(pool)s) WHERE id = %(pool)s",
            {"pool": pool},
        )
        cursor.execute("UPDATE accounts_outbox SET done_at = now()")
        for table in ("person", "link", "membership", "outbox"):
            cursor.execute(f"ANALYZE accounts_{table}")
        cursor.execute("ANALYZE licensing_seat")
        cursor.execute("ANALYZE licensing_ledgerentry")


_FILL = """
WITH numbered AS MATERIALIZED (
    SELECT n, lpad(n::text, 7, '0') AS n7, 'seed.p' || lpad(n::text, 7, '0') || '@example.com'
        AS email, 'Given' || n %% 997 AS given, 'Family' || n %% 4999 AS family,
        'Sales ' || n %% 20 AS department, clock_timestamp() AS at
    FROM generate_series(2, %(people)s) AS n
),
keyed AS MATERIALIZED (
    SELECT *, concat_ws(E'\\x01', '0' || lpad(length(n::text)::text, 4, '0') || n || '.',
        lower(family), lower(given), email) AS sort_key
    FROM numbered
),
person AS (
    INSERT INTO accounts_person (organization_id, managed_by_id, added_by_hand, email, email_key,
        first_name, last_name, display_name, title, department, employee_number, sort_key,
        created_at, changed_at)
    SELECT %(organization)s, %(application)s, false, email, email, given, family,
        given || ' ' || family, %(title)s, department, n::text, sort_key, at, at
    FROM keyed ORDER BY n
    RETURNING id, email
),
link AS (
    INSERT INTO accounts_link (id, organization_id, application_id, person_id, user_name,
        user_name_key, external_id, active, email_keys, sort_key, document, version, created_at,
        changed_at)
    SELECT uuidv7(), %(organization)s, %(application)s, person.id, email, email, 'seed-' || n7,
        true, ARRAY[email], sort_key,
        replace(replace(replace(replace(replace(%(document)s, '{n7}', n7), '{n}', n::text),
            '{given}', given), '{family}', family), '{department}', department)::jsonb,
        1, at, at
    FROM keyed JOIN person USING (email) ORDER BY n
),
seat AS (
    INSERT INTO licensing_seat (organization_id, pool_id, person_id, application_id, source,
        state, carried_over, granted_at)
    SELECT %(organization)s, %(pool)s, person.id, %(application)s, 'scim', 'provisioned', false,
        at
    FROM keyed JOIN person USING (email) ORDER BY n
    RETURNING id, person_id
),
line AS (
    INSERT INTO licensing_ledgerentry (organization_id, pool_id, deed, person_id, email,
        application_id, source, request_id, because, at)
    SELECT %(organization)s, %(pool)s, 'grant', person.id, email, %(application)s, 'scim',
        'benchmark', %(because)s, at
    FROM keyed JOIN person USING (email) ORDER BY n
)
INSERT INTO accounts_outbox (organization_id, kind, payload, created_at, due_at, attempts, error)
SELECT %(organization)s, 'invitation', jsonb_build_object('seat', id), now(), now(), 0, ''
FROM seat ORDER BY id
"""


def check_alike() -> None:
    """The second person, seeded, against the first, pushed: alike but for what must differ."""
    rows = {}
    with connection.cursor() as cursor:
        for table, column in (
            ("accounts_person", "id"),
            ("accounts_link", "person_id"),
            ("licensing_seat", "person_id"),
            ("licensing_ledgerentry", "person_id"),
        ):
            cursor.execute(
                f"SELECT to_jsonb(t) FROM {table} t WHERE {column} IN (SELECT id "
                "FROM accounts_person ORDER BY id LIMIT 2) ORDER BY t.id"
            )
            rows[table] = [_without_accidents(row[0]) for row in cursor.fetchall()]
        cursor.execute("SELECT to_jsonb(o) FROM accounts_outbox o ORDER BY id LIMIT 2")
        rows["accounts_outbox"] = [_without_accidents(row[0]) for row in cursor.fetchall()]
    for table, found in rows.items():
        assert len(found) == 2, f"{table}: {len(found)} rows for two people"
        assert found[0] == found[1], f"{table}: pushed {found[0]}, seeded {found[1]}"


def _without_accidents(row: Any) -> str:
    """A row's JSON without ids and times, every number alike."""
    data = json.loads(row) if isinstance(row, str) else row
    for name in ("id", "created_at", "changed_at", "granted_at", "at", "due_at", "done_at"):
        data.pop(name, None)
    return re.sub(r"\d+", "0", json.dumps(data, sort_keys=True))


def group(known: caller.Caller, application: Application, size: int, people: int) -> dict[str, Any]:
    """A SCIM group of the first `size` people, and who may be added to it."""
    name = f"seed group {size}"
    made = groups.create(known, {"schemas": [], "displayName": name})
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_membership (organization_id, group_id, person_id) "
            "SELECT organization_id, %s, id FROM accounts_person ORDER BY id LIMIT %s",
            [made, size],
        )
        cursor.execute(
            "SELECT id::text FROM accounts_link WHERE application_id = %s AND person_id IN ("
            "SELECT id FROM accounts_person ORDER BY id OFFSET %s LIMIT %s)",
            [application.pk, size, min(OUTSIDE, people - size)],
        )
        outside = [row[0] for row in cursor.fetchall()]
        cursor.execute("ANALYZE accounts_membership")
    return {"group": str(made), "outside": outside}


def sample(application: Application, people: int) -> list[list[str]]:
    numbers = random.Random(7).sample(range(1, people + 1), min(SAMPLE, people))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id::text, user_name FROM accounts_link WHERE application_id = %s "
            "AND user_name_key = ANY(%s)",
            [application.pk, [f"seed.p{number:07d}@example.com" for number in numbers]],
        )
        return [list(row) for row in cursor.fetchall()]


if __name__ == "__main__":
    main()
