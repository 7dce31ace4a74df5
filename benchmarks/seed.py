"""Fill a database with people as if each had been pushed: `python -m benchmarks.seed --people N`.

Plain SQL, thousands of people a second. The rows are those that the domain code writes: one
person is pushed by it, and the seeded ones differ from that one in numbers, ids and times
only (checked); then reconciliation must find no drift (checked). Prints one JSON document
with a token, a sample of people and the groups.

With --seats M the pool has so few seats: the first M people hold them, the others wait, and
they are eligible by a group that all of them are in.
"""

from __future__ import annotations

import argparse
import contextlib
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
from accounts.refusal import Refusal  # noqa: E402
from benchmarks.phases import person  # noqa: E402
from licensing import pools, reconcile, seals  # noqa: E402
from scim import applications, caller, groups, tokens, users  # noqa: E402
from scim.protocol import document as documents  # noqa: E402
from scim.protocol.schema import USER  # noqa: E402

PRODUCT = "sales-navigator"
#: So many people are handed to the load, chosen at random.
SAMPLE = 20_000
#: The group that makes eligible, where there are few seats.
LICENSED = "Licensed"
#: Who holds a seat and who waits have a row each of these.
EVERYBODYS = ("accounts_person", "accounts_link")
#: So many people outside of a group are handed over to be added to it.
OUTSIDE = 2_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, required=True)
    parser.add_argument("--groups", default="", help="sizes, separated by commas")
    parser.add_argument("--seats", type=int, help="so many have a seat, the others wait")
    options = parser.parse_args()

    organization = organizations.create("Benchmark", slug="benchmark")
    if options.seats is None:
        # Room for everybody who is created while measuring.
        pools.set_seats(organization, PRODUCT, options.people + 1_000_000)
        application = applications.create(organization, "Directory", product=PRODUCT)
        secret, known = connected(application)
        users.create(known, person("seed", 1))
        because = f"{application.name} created this person"
        fill(application, 2, options.people, seated=options.people, because=because)
        check_alike(1, 2)
    else:
        application = applications.create(
            organization, "Directory", product=PRODUCT, when_full="waitlist",
            eligibility="groups", eligible_groups=[LICENSED],
        )  # fmt: skip
        secret, known = connected(application)
        fill_with_few_seats(known, application, options.people, options.seats)
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


def connected(application: Application) -> tuple[str, caller.Caller]:
    secret = tokens.issue(application).secret
    known = caller.identify(f"Bearer {secret}", "benchmark")
    assert known is not None
    return secret, known


def fill_with_few_seats(
    known: caller.Caller, application: Application, people: int, seats: int
) -> None:
    """The first person pushed holds a seat and the second one waits; then as many as are wanted of
    each, and the number of seats that fits."""
    pools.set_seats(known.organization, PRODUCT, 1)
    licensed = groups.create(known, {"schemas": [], "displayName": LICENSED})
    for n in (1, 2):
        member = {"value": users.create(known, person("seed", n)).id}
        add = {"op": "add", "path": "members", "value": [member]}
        with contextlib.suppress(Refusal):  # the second one is told that there is no seat (R19)
            groups.modify(known, licensed, {"Operations": [add]})
    because = f"{application.name} pushed the group “{LICENSED}”"
    fill(application, 3, people, seated=seats + 1, because=because)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_membership (organization_id, group_id, person_id) "
            "SELECT organization_id, %s, id FROM accounts_person ORDER BY id "
            "ON CONFLICT DO NOTHING",
            [licensed],
        )
        cursor.execute("ANALYZE accounts_membership")
        cursor.execute("UPDATE licensing_pool SET purchased = held")
    seals.seal_all()  # as the schedule does each minute
    check_alike(1, 3)
    check_alike(2, people)


def fill(application: Application, first: int, people: int, *, seated: int, because: str) -> None:
    """People from first to N: person, link, counter; up to the number `seated` a seat, a ledger
    line and an invitation (sent), then an entry of the waiting list."""
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
                "first": first,
                "people": people,
                "seated": seated,
                "document": text,
                "title": profile.title,
                "because": f"{because}: eligible, active, and a license was free",
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
        cursor.execute("ANALYZE licensing_waitingentry")
        cursor.execute("ANALYZE licensing_ledgerentry")


_FILL = """
WITH numbered AS MATERIALIZED (
    SELECT n, lpad(n::text, 7, '0') AS n7, 'seed.p' || lpad(n::text, 7, '0') || '@example.com'
        AS email, 'Given' || n %% 997 AS given, 'Family' || n %% 4999 AS family,
        'Sales ' || n %% 20 AS department, clock_timestamp() AS at
    FROM generate_series(%(first)s::int, %(people)s::int) AS n
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
    FROM keyed JOIN person USING (email) WHERE n <= %(seated)s::int ORDER BY n
    RETURNING id, person_id
),
waiting AS (
    INSERT INTO licensing_waitingentry (organization_id, pool_id, application_id, person_id,
        user_name_key, email, name, employee_number, sort_key, since, reason, refused)
    SELECT %(organization)s, %(pool)s, %(application)s, person.id, email, email,
        given || ' ' || family, n::text, sort_key, at, pushed.reason, false
    FROM keyed JOIN person USING (email)
    CROSS JOIN (SELECT reason FROM licensing_waitingentry LIMIT 1) pushed
    WHERE n > %(seated)s::int ORDER BY n
),
line AS (
    INSERT INTO licensing_ledgerentry (organization_id, pool_id, deed, person_id, email,
        application_id, source, request_id, because, at)
    SELECT %(organization)s, %(pool)s, 'grant', person.id, email, %(application)s, 'scim',
        'benchmark', %(because)s, at
    FROM keyed JOIN person USING (email) WHERE n <= %(seated)s::int ORDER BY n
)
INSERT INTO accounts_outbox (organization_id, kind, payload, created_at, due_at, attempts, error,
    request_id)
SELECT %(organization)s, 'invitation', jsonb_build_object('seat', id), now(), now(), 0, '',
    'benchmark'
FROM seat ORDER BY id
"""


def check_alike(pushed: int, seeded: int) -> None:
    """Two people, by their numbers: alike but for what must differ."""
    emails = [person("seed", number)["userName"] for number in (pushed, seeded)]
    both = "(SELECT id FROM accounts_person WHERE email = ANY(%s))"
    rows = {}
    with connection.cursor() as cursor:
        for table, condition in (
            ("accounts_person", f"id IN {both}"),
            ("accounts_link", f"person_id IN {both}"),
            ("licensing_seat", f"person_id IN {both}"),
            ("licensing_waitingentry", f"person_id IN {both}"),
            ("licensing_ledgerentry", f"person_id IN {both}"),
            (
                "accounts_outbox",
                f"payload IN (SELECT jsonb_build_object('seat', id) FROM licensing_seat "
                f"WHERE person_id IN {both})",
            ),
        ):
            cursor.execute(
                f"SELECT to_jsonb(t) FROM {table} t WHERE {condition} ORDER BY t.id", [emails]
            )
            rows[table] = [_without_accidents(row[0]) for row in cursor.fetchall()]
    waits = bool(rows["licensing_waitingentry"])
    for table, found in rows.items():
        must_be = waits == (table == "licensing_waitingentry") or table in EVERYBODYS
        assert len(found) == (2 if must_be else 0), f"{table}: {len(found)} rows for two people"
        assert not found or found[0] == found[1], f"{table}: pushed {found[0]}, seeded {found[1]}"


def _without_accidents(row: Any) -> str:
    """A row's JSON without ids and times, every number alike."""
    data = json.loads(row) if isinstance(row, str) else row
    for name in (
        *("id", "created_at", "changed_at", "granted_at", "at", "due_at", "done_at", "since"),
    ):
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
