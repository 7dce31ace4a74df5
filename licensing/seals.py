"""The ledger sealed, stretch by stretch, so that tampering shows (R21).

A push writes its lines and pays for no hash. Once a minute each pool's new lines get a
seal: the SHA-256 of the seal before and of every line since. Whoever can switch triggers
off can change a line, but then no longer has the seals that were made of it.

What is hashed is text, which any other program can make too: a first line
`[pool, n, at, digest before]`, then one line a ledger line with its columns in the order
of `_LINE`, each as PostgreSQL's json_build_array writes it, times in UTC. Of the address and the
reason, which may be erased on request (licensing.erased_lines), stands the digest `personal`.
Seals of format 1, made before that, are of both themselves.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import logging
from collections.abc import Iterable
from typing import NamedTuple

from django.db import connection
from django.db.models import Max

from accounts import changes, clock, sql
from licensing import allocation
from licensing.models import LedgerSeal, Pool, Reconciled

#: Lines a seal: what one statement hashes, and how near a break is named.
MOST_LINES = 10_000
#: Why, of a line whose address and reason were erased.
BECAUSE_ERASED = "Erased on request"
_log = logging.getLogger("seatkeeper.ledger")


class Mark(NamedTuple):
    """A seal that was seen once: it must be there for ever, with this digest."""

    seal: int
    digest: str


@dataclasses.dataclass(frozen=True, slots=True)
class Broken:
    """The first place where the ledger and its seals differ.

    The lines meant are those with after_id < id <= last_id (None: from the beginning, to
    the end). sealed, found: how many lines there were when they were sealed, and are now.
    """

    seal: int
    after_id: int | None
    last_id: int | None
    sealed: int | None
    found: int | None
    detail: str


@dataclasses.dataclass(frozen=True, slots=True)
class Verification:
    """lines: of the pool, sealed or not; unsealed: those after the newest seal (head)."""

    lines: int
    seals: int
    unsealed: int
    head: Mark | None
    broken: Broken | None


def seal_all() -> int:
    """Every pool that has lines without a seal. Returns how many seals were made."""
    with connection.cursor() as cursor:
        cursor.execute(_POOLS_WITH_UNSEALED_LINES)
        pools = [row[0] for row in cursor.fetchall()]
    return sum(seal(pool_id) for pool_id in pools)


def seal(pool_id: int) -> int:
    """Seal the pool's new lines. Returns how many seals were made; none is usual.

    The pool's lock is held for one look at an index, not while lines are hashed. Whoever
    writes a line holds that lock from before its id is drawn until the commit, so within a
    pool lines are committed in the order of their ids: whoever has the lock sees every line
    up to the newest one, and no line can come below it any more.
    """
    newest = changes.run(lambda: _newest_line(pool_id))
    made = 0
    while newest is not None and _seal_once(pool_id, newest):
        made += 1
    return made


def verify(pool: Pool, known: Iterable[Mark] = ()) -> Verification:
    """Recompute every seal of the pool from the lines that are there.

    known: seals that were seen before, and kept elsewhere. What the last reconciliation saw
    is compared too. Reads only, without a lock, one stretch in memory at a time.
    """
    seen = Reconciled.objects.filter(pool=pool).exclude(seal=0).values_list("seal", "digest")
    marks = [*(Mark(*row) for row in seen), *known]
    with connection.cursor() as cursor:
        cursor.execute(_FIRST_BROKEN, {"pool": pool.pk, "after": -1})
        row = cursor.fetchone()
        cursor.execute(_COUNT, {"pool": pool.pk})
        lines, seals, unsealed, head, digest = cursor.fetchone()
    return Verification(
        lines=lines,
        seals=seals,
        unsealed=unsealed,
        head=Mark(head, digest) if head is not None else None,
        broken=_tell(_Row(*row)) if row is not None else _missing(pool, marks),
    )


def newest_broken(pool: Pool) -> Broken | None:
    """Whether the newest seal of the pool is what its lines say: a short look, not a proof."""
    newest = LedgerSeal.objects.filter(pool=pool).aggregate(n=Max("n"))["n"]
    if newest is None:
        return None
    with connection.cursor() as cursor:
        cursor.execute(_FIRST_BROKEN, {"pool": pool.pk, "after": newest - 1})
        row = cursor.fetchone()
    return _tell(_Row(*row)) if row is not None else None


# ------------------------------------------------------------------ inside


def _newest_line(pool_id: int) -> int | None:
    allocation.lock(pool_id)
    # Prepared: to plan it, for all months, takes longer than the look, and pushes wait meanwhile.
    [(newest,)] = sql.fetch(_NEWEST, {"pool": pool_id})
    return None if newest is None else int(newest)


def _seal_once(pool_id: int, newest: int) -> bool:
    """One more seal, up to that line. False: nothing is left, or another process made it."""
    with connection.cursor() as cursor:
        cursor.execute(
            _SEAL,
            {
                "pool": pool_id,
                "newest": newest,
                "most": MOST_LINES,
                "now": clock.now(),
            },
        )
        made = cursor.fetchone()
    if made is None:
        return False
    # Outside the database, the log is where a rewritten chain cannot reach.
    _log.info("pool %s: seal %s of %s lines up to line %s is %s", pool_id, *made)
    return True


class _Row(NamedTuple):
    n: int
    before: int
    after_id: int
    last_id: int
    sealed: int
    found: int
    at: dt.datetime


def _tell(row: _Row) -> Broken:
    after_id = None if row.after_id == _FIRST_ID else row.after_id
    if row.n != row.before + 1:
        return Broken(
            row.before + 1, after_id, row.last_id, None, None, f"Seal {row.before + 1} is missing."
        )
    where = f"up to line {row.last_id}"
    if after_id is not None:
        where = f"after line {after_id} {where}"
    stretch = f"{where} (seal {row.n} of {row.at.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC)"
    if row.found < row.sealed:
        detail = f"Lines are missing {stretch}: {row.sealed:,} were sealed, {row.found:,} are left."
    elif row.found > row.sealed:
        detail = f"Lines were added {stretch}: {row.sealed:,} were sealed, {row.found:,} are there."
    else:
        detail = f"A line was changed {stretch}, or the seal itself."
    return Broken(row.n, after_id, row.last_id, row.sealed, row.found, detail)


def _missing(pool: Pool, marks: list[Mark]) -> Broken | None:
    """The first seal that was seen once and is not there any more, or is another one."""
    now = dict(
        LedgerSeal.objects.filter(pool=pool, n__in=[mark.seal for mark in marks]).values_list(
            "n", "digest"
        )
    )
    for n, digest in sorted(marks):
        if now.get(n) != digest:
            what = "is gone" if n not in now else "is another one now"
            detail = f"Seal {n}, which was seen before, {what}: the ledger was rewritten."
            return Broken(n, None, None, None, None, detail)
    return None


#: Below every id, so that no forged line hides before the first seal.
_FIRST_ID = -(2**63)
_LOWEST = f"'{_FIRST_ID}'::bigint"


def personal(line: str) -> str:
    """Of a line's salt, address and reason, or what is kept of them after they were erased."""
    return f"""CASE WHEN {line}.erased = '' THEN encode(sha256(convert_to(
        json_build_array({line}.salt, {line}.email, {line}.because)::text, 'UTF8')), 'hex')
    WHEN {line}.email = '' AND {line}.salt IS NULL AND {line}.because = '{BECAUSE_ERASED}'
        THEN {line}.erased ELSE 'changed' END"""


_LINE = f"""json_build_array(line.id, line.organization_id, line.pool_id, line.deed,
    line.person_id, {personal("line")}, line.application_id, line.admin_id, line.source,
    line.seats, line.request_id, line.at AT TIME ZONE 'UTC')::text"""

#: Of format 1.
_OLD_LINE = """json_build_array(line.id, line.organization_id, line.pool_id, line.deed,
    line.person_id, line.email, line.application_id, line.admin_id, line.source, line.seats,
    line.request_id, line.because, line.at AT TIME ZONE 'UTC')::text"""


def _lines(line: str) -> str:
    return f"string_agg({line}, E'\\n' ORDER BY line.id)"


_DIGEST = """encode(sha256(convert_to(
    json_build_array({pool}::bigint, {n}, {at} AT TIME ZONE 'UTC', {previous})::text
    || E'\\n' || {lines}, 'UTF8')), 'hex')"""

_LAST_SEALED = f"""coalesce((SELECT seal.last_id FROM licensing_ledgerseal seal
    WHERE seal.pool_id = {{pool}} ORDER BY seal.n DESC LIMIT 1), {_LOWEST})"""

_NEWEST = "SELECT max(id) FROM licensing_ledgerentry WHERE pool_id = %(pool)s"

_POOLS_WITH_UNSEALED_LINES = f"""
SELECT pool.id FROM licensing_pool pool
WHERE EXISTS (
    SELECT 1 FROM licensing_ledgerentry line
    WHERE line.pool_id = pool.id AND line.id > {_LAST_SEALED.format(pool="pool.id")})
ORDER BY pool.id
"""

_SEAL = f"""
WITH last AS MATERIALIZED (
    SELECT n, last_id, digest FROM licensing_ledgerseal
    WHERE pool_id = %(pool)s ORDER BY n DESC LIMIT 1
),
line AS MATERIALIZED (
    SELECT * FROM licensing_ledgerentry
    WHERE pool_id = %(pool)s AND id <= %(newest)s
      AND id > coalesce((SELECT last_id FROM last), {_LOWEST})
    ORDER BY id LIMIT %(most)s
),
told AS MATERIALIZED (
    SELECT count(*) AS lines, max(line.id) AS last_id, old.format,
        CASE old.format WHEN 1 THEN {_lines(_OLD_LINE)} ELSE {_lines(_LINE)} END AS text
    FROM line CROSS JOIN (
        -- Lines of before, which have no salt.
        SELECT CASE WHEN EXISTS (SELECT 1 FROM line WHERE salt IS NULL AND erased = '')
            THEN 1 ELSE 2 END AS format) old
    GROUP BY old.format
),
new AS MATERIALIZED (
    SELECT coalesce(last.n, 0) + 1 AS n, coalesce(last.digest, '') AS previous,
        %(now)s::timestamptz AS at, told.*
    FROM told LEFT JOIN last ON true
    WHERE told.lines > 0
)
INSERT INTO licensing_ledgerseal (organization_id, pool_id, n, last_id, lines, digest, at, format)
SELECT pool.organization_id, pool.id, new.n, new.last_id, new.lines,
    {
    _DIGEST.format(
        pool="pool.id", n="new.n", at="new.at", previous="new.previous", lines="new.text"
    )
}, new.at, new.format
FROM new JOIN licensing_pool pool ON pool.id = %(pool)s
ON CONFLICT (pool_id, n) DO NOTHING
RETURNING n, lines, last_id, digest
"""

# Each seal is checked against the digest that is stored before it: when all of them match
# pairwise, the whole chain does.
CHAIN = f"""
SELECT *, lag(n, 1, 0) OVER chain AS before,
    lag(last_id, 1, {_LOWEST}) OVER chain AS after_id,
    lag(digest, 1, '') OVER chain AS previous
FROM licensing_ledgerseal {{of}}
WINDOW chain AS (PARTITION BY pool_id ORDER BY n)
"""

CHECKED = f"""
SELECT seal.*, found.lines AS found,
    found.lines = seal.lines AND found.last_id IS NOT DISTINCT FROM seal.last_id
    AND CASE WHEN seal.format = 1 AND seal.anew <> '' THEN seal.anew ELSE seal.digest END
    IS NOT DISTINCT FROM {
    _DIGEST.format(
        pool="seal.pool_id", n="seal.n", at="seal.at", previous="seal.previous", lines="found.text"
    )
} AS fits
FROM ({CHAIN}) seal CROSS JOIN LATERAL (
    SELECT count(*) AS lines, max(line.id) AS last_id,
        CASE WHEN seal.format = 1 AND seal.anew = '' THEN {_lines(_OLD_LINE)}
            ELSE {_lines(_LINE)} END AS text
    FROM licensing_ledgerentry line
    WHERE line.pool_id = seal.pool_id AND line.id > seal.after_id AND line.id <= seal.last_id
) found
"""

#: Of the lines of a `seal` as they are now.
FRESH = _DIGEST.format(
    pool="seal.pool_id",
    n="seal.n",
    at="seal.at",
    previous="seal.previous",
    lines=f"""(SELECT {_lines(_LINE)} FROM licensing_ledgerentry line
        WHERE line.pool_id = seal.pool_id AND line.id > seal.after_id
          AND line.id <= seal.last_id)""",
)

_FIRST_BROKEN = f"""
SELECT n, before, after_id, last_id, lines, found, at
FROM ({CHECKED.format(of="WHERE pool_id = %(pool)s")}) seal
WHERE n > %(after)s AND (n <> before + 1 OR NOT fits)
ORDER BY n LIMIT 1
"""

_COUNT = f"""
SELECT
    (SELECT count(*) FROM licensing_ledgerentry WHERE pool_id = %(pool)s),
    (SELECT count(*) FROM licensing_ledgerseal WHERE pool_id = %(pool)s),
    (SELECT count(*) FROM licensing_ledgerentry line
     WHERE line.pool_id = %(pool)s AND line.id > {_LAST_SEALED.format(pool="%(pool)s")}),
    head.n, head.digest
FROM (SELECT 1) one LEFT JOIN (
    SELECT n, digest FROM licensing_ledgerseal
    WHERE pool_id = %(pool)s ORDER BY n DESC LIMIT 1) head ON true
"""
