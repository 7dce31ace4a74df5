"""Lines of the ledger without the person: what was sealed of them is a digest (decision 0032).

A seal covers of a line's address and reason only `PERSONAL`, the digest of both with the line's
own random salt. Erasing keeps that digest and throws the three away: the seal fits as before, and
nobody can try addresses against it. The database allows just this change (migration 0014).

Seals of format 1 were made before, of the address and the reason themselves. The first erasing of
a line under one makes a second digest of its lines, after looking that the first one fits.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from django.db import connection

from licensing import seals

#: Lines of a person, in SQL (accounts.personal): also of whom a push was refused.
OF_PERSON = (
    "(it.person_id = ANY(%(people)s::bigint[]) OR (it.organization_id = %(organization)s "
    "AND it.person_id IS NULL AND it.email <> '' AND lower(it.email) = ANY(%(keys)s::text[])))"
)
SETS = {
    "erased": seals.personal("it"),
    "email": "''",
    "because": f"'{seals.BECAUSE_ERASED}'",
    "salt": "NULL",
}
ERASE = f"""
UPDATE licensing_ledgerentry it SET {", ".join(f"{name} = {sql}" for name, sql in SETS.items())}
WHERE it.erased = '' AND {OF_PERSON}
"""
_log = logging.getLogger("seatkeeper.ledger")


def prepare(parameters: Mapping[str, Any]) -> None:
    """Before ERASE: what was written or sealed before lines had a salt becomes as it is today.

    A seal that does not fit its lines stays as it is: that is to be explained, not to be hidden.
    """
    with connection.cursor() as cursor:
        cursor.execute(_OLD_SEALS, parameters)
        with_seals = {**parameters, "seals": [id for (id,) in cursor.fetchall()]}
        cursor.execute(_SALT, with_seals)
        cursor.execute(_ANEW, with_seals)
        for pool, n, digest in cursor.fetchall():
            # Outside the database, as of each seal that is made.
            _log.info("pool %s: seal %s is checked by %s from now on", pool, n, digest)


_CHAIN = seals.CHAIN.format(of="WHERE organization_id = %(organization)s")

_OLD_SEALS = f"""
SELECT seal.id FROM ({seals.CHECKED.format(of="WHERE organization_id = %(organization)s")}) seal
WHERE seal.fits AND seal.id = ANY(ARRAY(
    SELECT old.id FROM ({_CHAIN}) old
    JOIN licensing_ledgerentry it
        ON it.pool_id = old.pool_id AND it.id > old.after_id AND it.id <= old.last_id
    WHERE old.format = 1 AND old.anew = '' AND it.erased = '' AND {OF_PERSON}))
"""

# Every line under such a seal, so that the next erasing finds nothing of before there.
_SALT = f"""
UPDATE licensing_ledgerentry it SET salt = gen_random_uuid()
WHERE it.salt IS NULL AND it.erased = '' AND ({OF_PERSON} OR EXISTS (
    SELECT 1 FROM ({_CHAIN}) seal
    WHERE seal.id = ANY(%(seals)s::bigint[]) AND it.pool_id = seal.pool_id
      AND it.id > seal.after_id AND it.id <= seal.last_id))
"""

_ANEW = f"""
UPDATE licensing_ledgerseal old SET anew = seal.fresh
FROM (SELECT seal.id, {seals.FRESH} AS fresh FROM ({_CHAIN}) seal
      WHERE seal.id = ANY(%(seals)s::bigint[])) seal
WHERE old.id = seal.id RETURNING old.pool_id, old.n, old.anew
"""
