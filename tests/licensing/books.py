"""What must hold in the tables at every moment between two transactions, as plain SQL.

Apart from what the product knows of itself: nothing here calls its code. For a Django cursor and
for psycopg on a database of somebody else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Execute = Callable[[str], list[Any]]

#: Who holds a seat by the last word of the ledger on them.
_LAST_WORD = """
    SELECT DISTINCT ON (pool_id, person_id) organization_id, pool_id, person_id, deed
    FROM licensing_ledgerentry
    WHERE person_id IS NOT NULL AND deed IN ('grant', 'take_over', 'activate', 'release')
    ORDER BY pool_id, person_id, id DESC
"""

#: What would be wrong → the rows of which it is true.
_WRONG = {
    "R15: the counter of a pool is not the number of its seats": """
        SELECT pool.organization_id, pool.id, pool.held, count(seat.id) FROM licensing_pool pool
        LEFT JOIN licensing_seat seat ON seat.pool_id = pool.id
        GROUP BY pool.id HAVING pool.held <> count(seat.id)
    """,
    "R21: a seat, and the last word of the ledger is another one": f"""
        SELECT seat.organization_id, pool_id, person_id, word.deed FROM licensing_seat seat
        LEFT JOIN ({_LAST_WORD}) word USING (pool_id, person_id)
        WHERE word.deed IS NULL OR word.deed = 'release'
    """,
    "R21: the last word of the ledger tells of a seat that is not there": f"""
        SELECT word.organization_id, pool_id, person_id, word.deed FROM ({_LAST_WORD}) word
        LEFT JOIN licensing_seat seat USING (pool_id, person_id)
        WHERE word.deed <> 'release' AND seat.id IS NULL
    """,
    "R21: a seat granted twice, or released twice": """
        SELECT * FROM (
            SELECT organization_id, pool_id, person_id, id, deed, lag(deed) OVER (
                PARTITION BY pool_id, person_id ORDER BY id) AS before
            FROM licensing_ledgerentry
            WHERE person_id IS NOT NULL AND deed IN ('grant', 'release')
        ) line
        WHERE deed = coalesce(before, 'release')
    """,
    "R18: somebody holds a seat and waits": """
        SELECT seat.organization_id, pool_id, person_id FROM licensing_seat seat
        JOIN licensing_waitingentry waiting USING (pool_id, person_id)
    """,
    "R20: somebody waits while a seat is free": """
        SELECT pool.organization_id, pool.id, waiting.email FROM licensing_pool pool
        JOIN licensing_waitingentry waiting ON waiting.pool_id = pool.id AND NOT waiting.refused
        WHERE pool.held < pool.purchased
    """,
    "R14: a seat without its one invitation": """
        SELECT seat.organization_id, seat.id, count(line.id) FROM licensing_seat seat
        LEFT JOIN accounts_outbox line ON line.kind = 'invitation'
            AND line.payload = jsonb_build_object('seat', seat.id)
        GROUP BY seat.id HAVING count(line.id) <> 1
    """,
    "R13: somebody is gone and holds a seat or is in an application": """
        SELECT person.organization_id, person.id FROM accounts_person person
        WHERE person.removed_at IS NOT NULL AND (
            EXISTS (SELECT 1 FROM licensing_seat WHERE person_id = person.id)
            OR EXISTS (SELECT 1 FROM accounts_link WHERE person_id = person.id))
    """,
    "R13: somebody is in no application and not by hand, and is not gone": """
        SELECT person.organization_id, person.id FROM accounts_person person
        WHERE person.removed_at IS NULL
        AND NOT EXISTS (SELECT 1 FROM accounts_link WHERE person_id = person.id)
    """,
}
#: Only where no number of seats was lowered below those in use.
_OVERSOLD = {
    "R15: more seats than were bought": """
        SELECT organization_id, id, held, purchased FROM licensing_pool WHERE held > purchased
    """,
}


def wrong(
    execute: Execute, *, organization: int | None = None, lowered: bool = False
) -> dict[str, list[Any]]:
    """What is wrong → examples of it. Empty is what is wanted.

    organization: the id of the one that is asked about; without it all of them.
    """
    asked = "" if organization is None else f"WHERE organization_id = {int(organization)}"
    found = {
        # By itself first: planned for five rows, a join of many goes through all for each of them.
        what: execute(
            f"WITH found AS MATERIALIZED ({statement}) SELECT * FROM found {asked} LIMIT 5"
        )
        for what, statement in (_WRONG if lowered else _WRONG | _OVERSOLD).items()
    }
    return {what: rows for what, rows in found.items() if rows}
