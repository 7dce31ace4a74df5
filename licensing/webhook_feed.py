"""What happens to seats, read for webhooks from the ledger and the waiting list.

Each endpoint reads each pool like a log, from where it stopped (WebhookReading), and what it
wants of that becomes deliveries in the same statement. Lines of a pool are written under the
pool's lock, ids drawn inside, so they are committed in the order of their ids: whoever sees a
line sees all before it, and no line can be skipped. Whoever gives a seat pays nothing for it.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.db import connection, transaction

from accounts import clock
from licensing.allocation import NO_LICENSE

#: Lines of each pool that one statement reads.
MOST = 500


def unread() -> list[uuid.UUID]:
    """Endpoints, neither paused nor resting, for which there is a line."""
    with connection.cursor() as cursor:
        cursor.execute(_UNREAD, {"now": clock.now()})
        return [row[0] for row in cursor.fetchall()]


@transaction.atomic
def read(endpoint_id: uuid.UUID) -> int:
    """Make deliveries of the next lines. Returns how many lines were read, wanted or not."""
    parameters: dict[str, Any] = {
        "endpoint": endpoint_id,
        "most": MOST,
        "no_license": f"%{NO_LICENSE}",
        "now": clock.now(),
    }
    with connection.cursor() as cursor:
        cursor.execute(_BEGIN, parameters)
        cursor.execute(_READ, parameters)
        return int(cursor.fetchone()[0])


# A pool that an endpoint has not read yet is read from when the endpoint was made.
_BEGIN = """
INSERT INTO licensing_webhookreading (organization_id, endpoint_id, pool_id, ledger_id, waiting_id)
SELECT pool.organization_id, endpoint.id, pool.id,
    coalesce((SELECT max(line.id) FROM licensing_ledgerentry line
        WHERE line.pool_id = pool.id AND line.at < endpoint.created_at), 0),
    coalesce((SELECT max(entry.id) FROM licensing_waitingentry entry
        WHERE entry.pool_id = pool.id AND entry.since < endpoint.created_at), 0)
FROM accounts_webhookendpoint endpoint
JOIN licensing_pool pool ON pool.organization_id = endpoint.organization_id
WHERE endpoint.id = %(endpoint)s AND NOT EXISTS (SELECT 1 FROM licensing_webhookreading reading
    WHERE reading.endpoint_id = endpoint.id AND reading.pool_id = pool.id)
ON CONFLICT (endpoint_id, pool_id) DO NOTHING
"""

_UNREAD = """
SELECT endpoint.id FROM accounts_webhookendpoint endpoint
WHERE endpoint.paused_at IS NULL
  AND (endpoint.rest_until IS NULL OR endpoint.rest_until <= %(now)s)
  AND EXISTS (
    SELECT 1 FROM licensing_pool pool
    LEFT JOIN licensing_webhookreading reading
        ON reading.endpoint_id = endpoint.id AND reading.pool_id = pool.id
    WHERE pool.organization_id = endpoint.organization_id AND (
        reading.id IS NULL
        OR EXISTS (SELECT 1 FROM licensing_ledgerentry line
            WHERE line.pool_id = pool.id AND line.id > reading.ledger_id)
        OR EXISTS (SELECT 1 FROM licensing_waitingentry entry
            WHERE entry.pool_id = pool.id AND entry.id > reading.waiting_id)))
"""

_MOMENT = "to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
_EVENT = "'evt_' || left(encode(sha256(convert_to('{} ' || {}, 'UTF8')), 'hex'), 32)"
_APPLICATION = """CASE WHEN application.id IS NULL THEN NULL
    ELSE json_build_object('id', application.id, 'name', application.name) END"""
_PRODUCT = "pool.product"

_READ = f"""
WITH reading AS MATERIALIZED (
    SELECT reading.*, endpoint.kinds
    FROM licensing_webhookreading reading
    JOIN accounts_webhookendpoint endpoint ON endpoint.id = reading.endpoint_id
    WHERE reading.endpoint_id = %(endpoint)s
    FOR UPDATE OF reading
),
line AS MATERIALIZED (
    SELECT reading.id AS reading_id, reading.kinds, line.* FROM reading CROSS JOIN LATERAL (
        SELECT * FROM licensing_ledgerentry line
        WHERE line.pool_id = reading.pool_id AND line.id > reading.ledger_id
        ORDER BY line.id LIMIT %(most)s) line
),
entry AS MATERIALIZED (
    SELECT reading.id AS reading_id, reading.kinds, entry.* FROM reading CROSS JOIN LATERAL (
        SELECT * FROM licensing_waitingentry entry
        WHERE entry.pool_id = reading.pool_id AND entry.id > reading.waiting_id
        ORDER BY entry.id LIMIT %(most)s) entry
),
moved AS (
    UPDATE licensing_webhookreading reading SET
        ledger_id = greatest(reading.ledger_id, (SELECT max(id) FROM line
            WHERE line.reading_id = reading.id)),
        waiting_id = greatest(reading.waiting_id, (SELECT max(id) FROM entry
            WHERE entry.reading_id = reading.id))
    WHERE reading.endpoint_id = %(endpoint)s
),
happened AS (
    SELECT {_EVENT.format("ledger", "line.id")} AS event, told.kind, line.at, line.id AS n,
        json_build_object(
            'product', {_PRODUCT},
            'person', json_build_object('id', line.person_id, 'email', line.email,
                'name', nullif(trim(person.first_name || ' ' || person.last_name), ''),
                'employee_number', nullif(person.employee_number, '')),
            'application', {_APPLICATION},
            'source', nullif(line.source, ''),
            'because', line.because,
            'request_id', nullif(line.request_id, '')) AS data
    FROM line
    JOIN licensing_pool pool ON pool.id = line.pool_id
    LEFT JOIN accounts_person person ON person.id = line.person_id
    LEFT JOIN accounts_application application ON application.id = line.application_id
    CROSS JOIN LATERAL (SELECT CASE
        WHEN line.deed = 'grant' THEN 'seat.granted'
        WHEN line.deed = 'release' THEN 'seat.released'
        WHEN line.deed = 'refuse' AND line.because LIKE %(no_license)s THEN 'seat.refused'
        END AS kind) told
    WHERE told.kind = ANY(line.kinds)
    UNION ALL
    SELECT {_EVENT.format("waiting", "entry.id")}, 'seat.waiting', entry.since, entry.id,
        json_build_object(
            'product', {_PRODUCT},
            'person', json_build_object('id', entry.person_id, 'email', entry.email,
                'name', nullif(entry.name, ''),
                'employee_number', nullif(entry.employee_number, '')),
            'application', {_APPLICATION},
            'because', entry.reason,
            'refused', entry.refused)
    FROM entry
    JOIN licensing_pool pool ON pool.id = entry.pool_id
    LEFT JOIN accounts_application application ON application.id = entry.application_id
    WHERE 'seat.waiting' = ANY(entry.kinds)
),
made AS (
    INSERT INTO accounts_webhookdelivery (organization_id, endpoint_id, event, kind, body,
        created_at, state, due_at, attempts, tries, answer)
    SELECT reading.organization_id, %(endpoint)s, happened.event, happened.kind,
        json_build_object('type', happened.kind, 'timestamp', {_MOMENT.format("happened.at")},
            'data', happened.data)::text,
        %(now)s, 'pending', %(now)s, 0, '[]', ''
    FROM happened CROSS JOIN (SELECT organization_id FROM reading LIMIT 1) reading
    ORDER BY happened.at, happened.n
    ON CONFLICT (endpoint_id, event) DO NOTHING
)
SELECT (SELECT count(*) FROM line) + (SELECT count(*) FROM entry)
"""
