"""How long reconciliation takes, and how much memory, beside the bare SQL that reads the same rows.

    python -m benchmarks.reconcile [--sizes 10000,100000,1000000] [--rounds 3]

For each size a database with so many people, all eligible by one group, half of them with a seat
and half on the waiting list; nothing drifts, as in nearly every hour of a real one. A round is
the bare SQL and then `licensing.reconcile`, each in a process of its own, so that the peak of
memory is theirs alone. The target is at most twice the time of the bare SQL, and 300 MB.

The bare SQL is one SELECT, on the same connection settings: of each person's link the columns that
decide, joined with the seat, the waiting entry, the membership that makes eligible and the last
word of the ledger, in the order of R17. PostgreSQL reads, joins and sorts all of it, and counts it
instead of sending it. Writes results/DATE-reconcile.json, with each statement of reconciliation
that took more than a hundredth of its time.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import resource
import statistics
import sys
import time
from collections import Counter
from typing import Any

#: The target, of R21: how many times the bare SQL's time, and megabytes.
MOST_TIMES, MOST_MB = 2.0, 300

BARE = """
WITH word AS (
    SELECT DISTINCT ON (person_id) person_id, deed, source
    FROM licensing_ledgerentry
    WHERE pool_id = %(pool)s AND person_id IS NOT NULL
      AND deed IN ('grant', 'take_over', 'activate', 'release')
    ORDER BY person_id, id DESC
)
SELECT count(*), count(r.active), count(r.user_name_key), count(r.link_application),
    count(r.seat), count(r.source), count(r.carried_over), count(r.seat_application),
    count(r.waiting), count(r.waiting_email), count(r.waiting_key), count(r.membership),
    count(r.deed), count(r.told)
FROM (
    SELECT link.person_id, link.active, link.user_name_key, link.sort_key,
        link.application_id AS link_application, seat.id AS seat, seat.source, seat.carried_over,
        seat.application_id AS seat_application, waiting.id AS waiting,
        waiting.email AS waiting_email, waiting.sort_key AS waiting_key,
        membership.id AS membership, word.deed, word.source AS told
    FROM licensing_policy policy
    JOIN accounts_link link ON link.application_id = policy.application_id
    LEFT JOIN licensing_seat seat
        ON seat.pool_id = policy.pool_id AND seat.person_id = link.person_id
    LEFT JOIN licensing_waitingentry waiting
        ON waiting.pool_id = policy.pool_id AND waiting.person_id = link.person_id
    LEFT JOIN (
        SELECT chosen.policy_id, membership.id, membership.person_id
        FROM licensing_eligiblegroup chosen
        JOIN accounts_membership membership ON membership.group_id = chosen.group_id
    ) membership
        ON membership.policy_id = policy.application_id AND membership.person_id = link.person_id
    LEFT JOIN word ON word.person_id = link.person_id
    WHERE policy.pool_id = %(pool)s
    ORDER BY link.sort_key COLLATE "C", link.person_id
    OFFSET 0
) r
"""


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.reconcile",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--sizes", default="10000,100000,1000000")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", choices=["bare", "ours"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(one(options.one)))
        return 0
    sizes = sorted({int(size) for size in options.sizes.split(",")})
    if not (sizes[0] >= 100 and sizes[-1] <= 2_000_000 and 1 <= options.rounds <= 50):
        parser.error("sizes are from 100 to 2,000,000, rounds from 1 to 50")

    from benchmarks import running
    from benchmarks.servers import ROOT, machine, machinery

    by_size: dict[str, Any] = {}
    with machinery() as made:
        for size in sizes:
            database = made.database(f"reconcile_{size}")
            env = made.ours(database)
            running.run([sys.executable, "manage.py", "migrate", "-v", "0"], ROOT, env)
            seed = [sys.executable, "-m", "benchmarks.seed", "--people", str(size)]
            started = time.monotonic()
            running.run([*seed, "--seats", str(size // 2)], ROOT, env)
            running.say(f"{size:,} people in {time.monotonic() - started:.0f} s")
            made.settle(database)
            about = machine(database)
            turns = []
            for _ in range(options.rounds):
                turn = {}
                for name in ("bare", "ours"):
                    command = [sys.executable, "-m", "benchmarks.reconcile", "--one", name]
                    turn[name] = json.loads(running.run(command, ROOT, env))
                turns.append(turn)
                running.say(
                    f"  bare {turn['bare']['seconds']:.2f} s, ours {turn['ours']['seconds']:.2f} s,"
                    f" {turn['ours']['peak_mb']} MB"
                )
            by_size[f"{size:,}"] = summary(turns)
        result = {
            "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            "machine": about | {"load_after": running.load_average()},
            "rounds": options.rounds,
            "by_people": by_size,
        }
    print(table(by_size))
    print(f"\nWritten to {running.write('reconcile', result).relative_to(ROOT)}")
    return 0


def one(name: str) -> dict[str, Any]:
    """One measurement, in this process alone: what it took, and what it peaked at."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    from django.db import connection

    from licensing import reconcile
    from licensing.models import Pool

    connection.ensure_connection()
    [pool_id] = Pool.objects.values_list("pk", flat=True)
    spent: Counter[str] = Counter()

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        begun = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            spent[" ".join(sql.split())] += time.perf_counter() - begun

    before = peak_mb()
    started = time.perf_counter()
    with connection.execute_wrapper(watch):
        if name == "bare":
            with connection.cursor() as cursor:
                cursor.execute(BARE, {"pool": pool_id})
                rows = cursor.fetchall()[0][0]
        else:
            found = reconcile.reconcile()
            rows = found.waiting
            assert found.drift == 0, found.drift
    seconds = time.perf_counter() - started
    in_database = sum(spent.values())
    statements = {
        sql: round(taken, 4) for sql, taken in spent.most_common() if taken > seconds / 100
    }
    return {
        "seconds": round(seconds, 4),
        "outside_of_statements": round(seconds - in_database, 4),
        "peak_mb": peak_mb(),
        "peak_before_mb": before,
        "rows": rows,
        "statements": statements,
    }


def peak_mb() -> int:
    """ru_maxrss is in kilobytes on Linux, in bytes on macOS."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1024 if sys.platform == "linux" else 1024 * 1024))


def summary(turns: list[dict[str, Any]]) -> dict[str, Any]:
    ratios = [turn["ours"]["seconds"] / turn["bare"]["seconds"] for turn in turns]
    last = turns[-1]["ours"]
    return {
        "bare_seconds": [turn["bare"]["seconds"] for turn in turns],
        "seconds": [turn["ours"]["seconds"] for turn in turns],
        "times_the_bare_sql": {
            "median": round(statistics.median(ratios), 2),
            "least": round(min(ratios), 2),
            "most": round(max(ratios), 2),
        },
        "peak_mb": max(turn["ours"]["peak_mb"] for turn in turns),
        "peak_before_mb": last["peak_before_mb"],
        "outside_of_statements": last["outside_of_statements"],
        "statements": last["statements"],
    }


def table(by_size: dict[str, Any]) -> str:
    lines = [
        f"{'people':>10} {'bare SQL s':>11} {'reconcile s':>12} {'times':>7} {'peak MB':>8}",
    ]
    for size, row in by_size.items():
        times, peak = row["times_the_bare_sql"]["median"], row["peak_mb"]
        kept = times <= MOST_TIMES and peak <= MOST_MB
        lines.append(
            f"{size:>10} {statistics.median(row['bare_seconds']):>11.2f} "
            f"{statistics.median(row['seconds']):>12.2f} {times:>7.2f} {peak:>8} "
            f" {'within' if kept else 'MISSES'} {MOST_TIMES:g} times and {MOST_MB} MB"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
