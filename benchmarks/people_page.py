"""How large and how slow each page of the Admin Center is in an organization of 100,000.

    python -m benchmarks.people_page [--number 100000] [--rounds 5]

Makes, past the domain, so many people (each in a department and a manual group of their own and in
one large SCIM group; half of them with a seat, a quarter waiting, a tenth with a held removal),
lines of the ledger, of the audit log and of the activity log, and asks each page of
tests/pages/addresses.py, and the list of people by each filter and sort, by a search and at its
last page. Of each: the number of statements, the bytes of the answer, the time of the slowest
statement and the whole time (the least of the rounds, since neighbours only add; in one process,
without a network).

The rest of a page is the time of its other statements and the processor time of everything else, so
that a neighbour who takes the processor is not counted.

The targets: fewer than 20 statements and 100 kB a page; and the rest of the list of people takes
less than 50 ms. Writes results/DATE-people-page.json.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime as dt
import json
import sys
import time
from typing import Any

#: The targets.
MOST_STATEMENTS, MOST_BYTES, MOST_REST_MS = 20, 100_000, 50.0


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.people_page",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--number", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--one", choices=["fill", "ask"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one == "fill":
        print(json.dumps(fill(options.number)))
        return 0
    if options.one == "ask":
        print(json.dumps(ask(json.loads(sys.stdin.read()), options.rounds)))
        return 0
    if not (1000 <= options.number <= 1_000_000 and 1 <= options.rounds <= 20):
        parser.error("the number is from 1,000 to 1,000,000, rounds from 1 to 20")

    from benchmarks import running
    from benchmarks.servers import ROOT, machine, machinery

    us = [sys.executable, "-m", "benchmarks.people_page"]
    with machinery() as made:
        database = made.database("people_page")
        env = made.ours(database) | {"ALLOWED_HOSTS": "127.0.0.1,testserver", "LOG_LEVEL": "ERROR"}
        running.run([sys.executable, "manage.py", "migrate", "-v", "0"], ROOT, env)
        started = time.monotonic()
        pages = running.run([*us, "--one", "fill", "--number", str(options.number)], ROOT, env)
        running.say(f"{options.number:,} of each in {time.monotonic() - started:.0f} s")
        made.settle(database)
        about = machine(database)
        ask_them = [*us, "--one", "ask", "--rounds", str(options.rounds)]
        asked = json.loads(running.run(ask_them, ROOT, env, given=pages))
        result = {
            "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            "machine": about | {"load_after": running.load_average()},
            "number": options.number,
            "rounds": options.rounds,
            "pages": asked,
        }
    print(table(asked))
    print(f"\nWritten to {running.write('people-page', result).relative_to(ROOT)}")
    return 1 if any(row["misses"] for row in asked.values()) else 0


def fill(number: int) -> dict[str, Any]:
    """The world of the tests of pages, and so many more. Returns who signs in, and addresses."""
    _django()
    from django.db import connection

    from licensing import counts, seals
    from licensing.models import Pool
    from tests.pages import addresses, world

    made = world.make()
    world.hold_removals(made)
    shown = addresses.every(made)
    small_group = made.manual_group
    parameters = {
        "number": number,
        "organization": made.organization.pk,
        "application": made.application.pk,
        "pool": Pool.objects.get(organization=made.organization, product="sales-navigator").pk,
        "group": made.group.pk,
        "admin": made.owner.pk,
    }
    with connection.cursor() as cursor:
        for statement in FILL:
            cursor.execute(statement, parameters)
            # As autovacuum would: or the checks of foreign keys go on by the plan that was right
            # while the tables were small, and read all of them for each row.
            cursor.execute("ANALYZE")
    seals.seal_all()
    counts.count_all()
    return {
        "admin": made.owner.pk,
        "pages": {
            name: address
            for name, address in shown.items()
            if name != "styleguide"  # where DEBUG is on
        },
        "people": _lists(made, small_group),
    }


def _lists(made: Any, small_group: Any) -> dict[str, str]:
    """The list of people: unfiltered, by each filter and sort, searched, and its last page."""
    from accounts.models import Person
    from licensing.pages.wanted import LICENSES, SORTS

    wanted = {f"license {name}": f"license={name}" for name in LICENSES}
    wanted |= {f"sort {name}": f"sort={name}" for name in SORTS}
    wanted |= {f"sort -{name}": f"sort=-{name}" for name in SORTS}
    last = Person.objects.of(made.organization).filter(removed_at=None).order_by("-sort_key", "-id")
    wanted |= {
        "no filter": "",
        "last page": f"after={last[30].pk}",
        "managed by an application": f"source={made.application.pk}",
        "managed by any": "source=idp",
        "by hand": "source=manual",
        "product": "product=sales-navigator",
        "a large group": f"group={made.group.pk}",
        "a small group": f"group={small_group.pk}",
        "application": f"application={made.application.pk}",
        "department": "department=Department+77",
        "search, many": "q=person",
        "search, one": "q=person777%40example.com",
        "search, nobody": "q=zzzzzz",
        "several": f"q=person7&license=held&application={made.application.pk}&sort=-name",
    }
    return {name: f"/users/?{query}" for name, query in wanted.items()}


@dataclasses.dataclass
class Asked:
    statements: int
    bytes: int
    ms: float
    slowest_ms: float
    slowest: str
    misses: list[str]


def ask(given: dict[str, Any], rounds: int) -> dict[str, Any]:
    """Each page, by whoever signed in; the first time is not counted."""
    _django()
    from django.test import Client

    from accounts.models import Admin

    client = Client()
    client.force_login(Admin.objects.get(pk=given["admin"]))
    pages = {name: (address, False) for name, address in given["pages"].items()}
    pages |= {f"users, {name}": (address, True) for name, address in given["people"].items()}
    found = {}
    for name, (address, is_list) in pages.items():
        _once(client, address)
        turns = [_once(client, address) for _ in range(rounds)]
        row = Asked(
            statements=max(turn["statements"] for turn in turns),
            bytes=turns[-1]["bytes"],
            ms=round(min(turn["ms"] for turn in turns), 1),
            slowest_ms=round(min(turn["slowest_ms"] for turn in turns), 1),
            slowest=turns[-1]["slowest"][:300],
            misses=[],
        )
        rest = min(turn["rest_ms"] for turn in turns)
        if row.statements >= MOST_STATEMENTS:
            row.misses.append(f"{row.statements} statements")
        if row.bytes > MOST_BYTES:
            row.misses.append(f"{row.bytes:,} bytes")
        if is_list and rest >= MOST_REST_MS:
            row.misses.append(f"{rest:.0f} ms beside the slowest statement")
        found[name] = dataclasses.asdict(row) | {"rest_ms": round(rest, 1)}
    return found


def _once(client: Any, address: str) -> dict[str, Any]:
    from django.db import connection

    spent: list[tuple[float, str]] = []

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        begun = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            spent.append((time.perf_counter() - begun, " ".join(sql.split())))

    with connection.execute_wrapper(watch):
        started, used = time.perf_counter(), time.process_time()
        answer = client.get(address)
        seconds, cpu = time.perf_counter() - started, time.process_time() - used
    assert answer.status_code == 200, (address, answer.status_code)
    slowest = max(spent, default=(0.0, ""))
    return {
        "statements": len(spent),
        "bytes": len(answer.content),
        "ms": seconds * 1000,
        "slowest_ms": slowest[0] * 1000,
        "rest_ms": (cpu + sum(took for took, _ in spent) - slowest[0]) * 1000,
        "slowest": slowest[1],
    }


def table(asked: dict[str, Any]) -> str:
    lines = [f"{'page':<34} {'statements':>10} {'bytes':>8} {'ms':>8} {'slowest':>8} {'rest':>7}"]
    for name, row in asked.items():
        lines.append(
            f"{name:<34} {row['statements']:>10} {row['bytes']:>8,} {row['ms']:>8.1f} "
            f"{row['slowest_ms']:>8.1f} {row['rest_ms']:>7.1f}"
            + (f"  MISSES: {', '.join(row['misses'])}" if row["misses"] else "")
        )
    return "\n".join(lines)


def _django() -> None:
    import django

    django.setup()


FILL = (
    """
    INSERT INTO accounts_person (organization_id, managed_by_id, added_by_hand, email, email_key,
        first_name, last_name, display_name, title, department, employee_number, sort_key,
        created_at, changed_at)
    SELECT %(organization)s, %(application)s, false, 'person' || n || '@example.com',
        'person' || n || '@example.com', 'Person', 'Number ' || n, '', 'Account executive',
        'Department ' || n, n::text,
        concat_ws(E'\\x01', '0' || lpad(length(n::text)::text, 4, '0') || n || '.',
            'number ' || n, 'person', 'person' || n || '@example.com'), now(), now()
    FROM generate_series(1, %(number)s) n
    """,
    """
    INSERT INTO accounts_link (id, organization_id, application_id, person_id, user_name,
        user_name_key, active, email_keys, sort_key, document, version, created_at, changed_at)
    SELECT gen_random_uuid(), organization_id, managed_by_id, id, email, email,
        id %% 50 <> 0, ARRAY[email], sort_key, jsonb_build_object('userName', email), 1,
        now(), now()
    FROM accounts_person WHERE first_name = 'Person' AND organization_id = %(organization)s
    """,
    """
    INSERT INTO accounts_group (id, organization_id, name, name_key, document, version, created_at,
        changed_at)
    SELECT gen_random_uuid(), %(organization)s, 'Group ' || n, 'group ' || n, '{}', 1, now(), now()
    FROM generate_series(1, %(number)s) n
    """,
    """
    INSERT INTO accounts_membership (organization_id, group_id, person_id)
    SELECT %(organization)s, made.id, person.id
    FROM accounts_person person JOIN accounts_group made
        ON made.name_key = 'group ' || person.employee_number
    WHERE person.first_name = 'Person'
    UNION ALL
    SELECT %(organization)s, %(group)s, id FROM accounts_person WHERE first_name = 'Person'
    """,
    """
    INSERT INTO licensing_seat (organization_id, pool_id, person_id, application_id, source, state,
        carried_over, granted_at)
    SELECT %(organization)s, %(pool)s, id, %(application)s, 'scim', 'provisioned', id %% 4 = 0,
        now() - interval '100 days'
    FROM accounts_person WHERE first_name = 'Person' AND id %% 2 = 0
    """,
    """
    INSERT INTO licensing_ledgerentry (organization_id, pool_id, deed, person_id, email,
        application_id, source, request_id, because, at)
    SELECT organization_id, pool_id, 'grant', person_id, '', application_id, 'scim', 'fill',
        'For the benchmark', granted_at
    FROM licensing_seat WHERE application_id = %(application)s
      AND NOT EXISTS (SELECT 1 FROM licensing_ledgerentry line
                      WHERE line.person_id = licensing_seat.person_id)
    """,
    """
    INSERT INTO licensing_ledgerentry (organization_id, pool_id, deed, person_id, email,
        application_id, source, request_id, because, at)
    SELECT %(organization)s, %(pool)s, deed, id, email, %(application)s, 'scim', 'fill',
        'For the benchmark', now() - interval '3 days'
    FROM accounts_person CROSS JOIN (VALUES (1, 'grant'), (2, 'release')) deeds(n, deed)
    WHERE first_name = 'Person' AND id %% 4 = 1 ORDER BY n, id
    """,
    """
    INSERT INTO licensing_waitingentry (organization_id, pool_id, application_id, person_id,
        user_name_key, email, name, employee_number, sort_key, since, reason, refused)
    SELECT %(organization)s, %(pool)s, %(application)s, id, email, email, '', employee_number,
        sort_key, now(), 'All licenses were assigned.', false
    FROM accounts_person WHERE first_name = 'Person' AND id %% 4 = 3
    """,
    """
    UPDATE licensing_pool SET purchased = counted.seats, held = counted.seats
    FROM (SELECT count(*) seats FROM licensing_seat WHERE pool_id = %(pool)s) counted
    WHERE id = %(pool)s
    """,
    """
    INSERT INTO licensing_reclaimed (organization_id, pool_id, person_id, by_hand, because, at)
    SELECT %(organization)s, %(pool)s, id, false, 'it was not used for 60 days', now()
    FROM accounts_person WHERE first_name = 'Person' AND id %% 4 = 1
    """,
    """
    INSERT INTO licensing_heldremoval (organization_id, application_id, pool_id, person_id, wanted,
        group_name, because, request_id, at, pushed_at, state)
    SELECT %(organization)s, %(application)s, %(pool)s, id, 'delete', '', 'For the benchmark', '',
        now(), now(), 'held'
    FROM accounts_person WHERE first_name = 'Person' AND id %% 10 = 0
    """,
    """
    INSERT INTO accounts_auditentry (organization_id, at, admin_id, email, deed, subject_kind,
        subject_id, subject_name, before, after, request_id)
    SELECT %(organization)s, now(), %(admin)s, 'lea@northwind.example', 'person_changed', 'person',
        n::text, 'person' || n, '{"title": "A"}', '{"title": "B"}', 'fill' || n
    FROM generate_series(1, %(number)s) n
    """,
    """
    INSERT INTO accounts_undo (entry_id, organization_id, needs)
    SELECT id, organization_id, jsonb_build_object('person', 1)
    FROM accounts_auditentry WHERE deed = 'person_changed'
    """,
    """
    INSERT INTO scim_exchange (organization_id, application_id, request_id, at, milliseconds,
        method, path, status, request, response, detail, about)
    SELECT %(organization)s, %(application)s, 'fill' || n, now() - n * interval '10 seconds', 5,
        'PATCH', '/Users/' || n, CASE WHEN n %% 20 = 0 THEN 403 ELSE 200 END, '{"active": true}',
        '{"active": true}', '', n::text
    FROM generate_series(1, %(number)s) n
    """,
)

if __name__ == "__main__":
    sys.exit(main())
