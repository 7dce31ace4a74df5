"""Uses of the products by license holders: taken once each, and counted by day (R25).

`record` is the one way in, for an API, a file and a command. It only keeps the events; the
worker counts them (`roll_up`), day by day and person by person, and notes the last use of each
seat, so that a seat that is used is not idle. Events are kept for a set time, by which a repeat
is known; what is older is refused, so nothing is ever counted twice. The days stay
(docs/decisions/0023).
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection
from django.utils.dateparse import parse_datetime

from accounts import changes, clock, names
from accounts.models import Organization, Product
from accounts.refusal import Refusal
from licensing import idle
from licensing.models import Pool, UsageEvent

#: Events that one call takes.
MOST_EVENTS = 1000
#: So long an event is taken, and its id is known.
KEPT = dt.timedelta(days=90)
#: Clocks differ: an event may be so far ahead of ours, or be that much before its seat.
SKEW = dt.timedelta(minutes=5)
#: The days that reports read; a little more than the longest period that they offer.
KEPT_DAYS = dt.timedelta(days=3 * 366 + 31)
LONGEST_ID, LONGEST_KIND, LONGEST_NAME = 128, 40, 512
ACCEPTED, REPEATED, REFUSED = "accepted", "repeated", "refused"
#: Events that are counted, and rows that are forgotten, in one transaction.
_PIECE = 10_000


@dataclasses.dataclass(frozen=True, slots=True)
class Event:
    """One use, as it was reported: texts, checked by `record`.

    id: the reporter's own, the same when it is sent again. Who it was: person (our number),
    email or employee_number, the first of them that is given. happened_at: ISO 8601; without a
    zone it is UTC. kind: what was done there ("search"), in the reporter's words.
    """

    id: str
    product: str
    happened_at: str
    person: str = ""
    email: str = ""
    employee_number: str = ""
    kind: str = ""

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Event:
        """Out of JSON or a row: numbers become text, what is missing is empty."""
        return cls(**{field.name: _text(document.get(field.name)) for field in _FIELDS})


_FIELDS = dataclasses.fields(Event)


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """What became of one event. outcome: "accepted", "repeated" or "refused".

    code and because: why it was refused, for a program and for a person; also of a repeat that
    says something else than the event of that id.
    """

    id: str
    outcome: str
    code: str = ""
    because: str = ""


def record(organization: Organization, events: Sequence[Event]) -> list[Answer]:
    """Take uses of the organization's license holders; an answer for each, in order (R25, R26).

    At most MOST_EVENTS. Each is judged for itself: one that is refused keeps no other out. An
    event whose id was taken before changes nothing, however it came to be sent again. As many
    statements for a thousand as for one. Refused as a whole: too many ("too_many_events").
    """
    if len(events) > MOST_EVENTS:
        raise Refusal(
            "too_many_events",
            f"{len(events):,} events were sent; {MOST_EVENTS:,} at once is the most. "
            f"Send them in several calls.",
        )
    return changes.run(functools.partial(take, organization, events))


def take(organization: Organization, events: Sequence[Event], *, keep: bool = True) -> list[Answer]:
    """The same within the transaction of the caller. keep: False only says what would be."""
    pools = {
        product: pk for pk, product in Pool.objects.of(organization).values_list("pk", "product")
    }
    now = clock.now()
    answers: list[Answer | None] = []
    first: dict[str, int] = {}
    asked: list[tuple[Any, ...]] = []
    for n, event in enumerate(events):
        if event.id in first:
            answers.append(None)
            continue
        checked = _check(event, pools, now)
        answers.append(checked if isinstance(checked, Answer) else None)
        if not isinstance(checked, Answer):
            first[event.id] = n
            asked.append((n, event.id, *checked))
    for n, answer in _judged(organization, events, asked, keep=keep):
        answers[n] = answer
    return [
        answer if answer is not None else _again(answers[first[event.id]], event)
        for event, answer in zip(events, answers, strict=True)
    ]


def roll_up_all() -> int:
    """Count what was not counted yet, pool by pool; how many events. For the schedule."""
    due = UsageEvent.objects.filter(counted=False).order_by().values_list("pool_id", flat=True)
    return sum(roll_up(pool_id) for pool_id in sorted(due.distinct()))


def roll_up(pool_id: int) -> int:
    """Count the uncounted events of one pool into days, and note the last uses; how many.

    A piece at a time, each a transaction that marks what it counted: a worker that is killed
    leaves the piece for the next, and none is counted twice. The pool's lock comes last.
    """
    done = 0
    while True:
        counted = changes.run(functools.partial(_roll_up, pool_id))
        done += counted
        if counted < _PIECE:
            return done


def prune() -> None:
    """Forget events that would be refused now, and days that no report reads; in pieces.

    An event is kept for a day longer than it is taken, so that none is forgotten that a clock
    could still let in again.
    """
    now = clock.now()
    first_day = (now - KEPT_DAYS).date().replace(day=1)
    for statement, oldest in (
        (_PRUNE_EVENTS, now - KEPT - dt.timedelta(days=1)),
        (_PRUNE_DAYS, first_day),
        (_PRUNE_MONTHS, first_day),
    ):
        gone = _PIECE
        while gone == _PIECE:
            with connection.cursor() as cursor:
                cursor.execute(statement, {"oldest": oldest, "piece": _PIECE})
                gone = cursor.rowcount


# ------------------------------------------------------------------ inside


def _text(value: Any) -> str:
    """What PostgreSQL takes; a moment as ISO 8601."""
    if value is None or isinstance(value, bool | list | dict):
        return ""
    if isinstance(value, dt.datetime):
        return value.isoformat()
    text = str(value).encode("utf-8", "ignore").decode()  # JSON may have halves of characters
    return text.replace("\x00", "").strip()


def _check(
    event: Event, pools: Mapping[str, int], now: dt.datetime
) -> Answer | tuple[int, int | None, str, str, dt.datetime, str]:
    """What can be said without the database, or (pool, person, e-mail, number, when, kind)."""

    def no(code: str, because: str) -> Answer:
        return Answer(event.id, REFUSED, code, because)

    if not event.id or len(event.id) > LONGEST_ID:
        return no("id_invalid", f"Each event needs an id of 1 to {LONGEST_ID} characters.")
    if event.product not in Product.values:
        products = ", ".join(Product.values)
        return no("product_unknown", f"There is no product “{event.product}”. It is {products}.")
    label = Product(event.product).label
    if event.product not in pools:
        return no("no_seat", f"Nobody has a {label} license: none was ever bought or connected.")
    if max(len(event.email), len(event.employee_number)) > LONGEST_NAME:
        return no("person_unknown", "Nobody has so long an address or number.")
    if event.person and not re.fullmatch("[0-9]{1,18}", event.person):
        return no("person_unknown", f"“{event.person[:40]}” is not the number of a person.")
    if not (event.person or event.email or event.employee_number):
        return no(
            "person_missing", "It does not say who it was: by e-mail, employee number or person."
        )
    moment = _moment(event.happened_at)
    if moment is None:
        return no(
            "time_invalid",
            f"“{event.happened_at[:40]}” is no time. Write it as 2026-05-31T14:05:00Z.",
        )
    if moment > now + SKEW:
        return no("in_the_future", f"{_when(moment)} is still to come.")
    if moment <= now - KEPT:
        return no(
            "too_old", f"{_when(moment)} is more than {KEPT.days} days ago, which is not kept."
        )
    person = int(event.person) if event.person else None
    email = names.key(event.email) if not event.person else ""
    number = event.employee_number if not (event.person or event.email) else ""
    return (
        pools[event.product], person, email, number, min(moment, now), event.kind[:LONGEST_KIND]
    )  # fmt: skip


def _moment(text: str) -> dt.datetime | None:
    """Also a day alone, and a moment without a zone, which is UTC."""
    try:
        moment = parse_datetime(text) or dt.datetime.fromisoformat(text)
        return moment.astimezone(dt.UTC) if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    except (ValueError, OverflowError):
        return None


def _when(moment: dt.datetime) -> str:
    return f"{moment:%d %B %Y at %H:%M} UTC"


def _judged(
    organization: Organization,
    events: Sequence[Event],
    asked: Sequence[tuple[Any, ...]],
    *,
    keep: bool,
) -> list[tuple[int, Answer]]:
    """Place and answer of each event that could be looked up: one statement for all."""
    if not asked:
        return []
    columns = ("n", "ids", "pools", "people", "emails", "numbers", "ats", "kinds")
    parameters: dict[str, Any] = {"organization": organization.pk, "skew": SKEW, "keep": keep}
    parameters |= dict(zip(columns, map(list, zip(*asked, strict=True)), strict=True))
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, parameters)
        return [(n, _answer(events[n], *row)) for n, *row in cursor.fetchall()]


def _answer(event: Event, found: int, held: int, known: bool, same: bool, taken: bool) -> Answer:
    """found: people of that name; held: those of them who had a seat. known: the id was taken
    before, same: with this product and time. taken: it is kept now."""
    who = event.person or event.email or event.employee_number
    label = Product(event.product).label
    if known and not same:
        because = (
            "An event of this id was taken before, of another time or product: that one stays."
        )
        return Answer(event.id, REPEATED, "id_used", because)
    if known:
        return Answer(event.id, REPEATED)
    if not found:
        return Answer(event.id, REFUSED, "person_unknown", f"Nobody here is {who[:100]}.")
    if not held:
        because = f"{who[:100]} had no {label} license then."
        return Answer(event.id, REFUSED, "no_seat", because)
    if held > 1:
        because = (
            f"{held} people with a {label} license are {who[:100]}. Say which by e-mail or id."
        )
        return Answer(event.id, REFUSED, "person_ambiguous", because)
    # Not taken although nothing speaks against it: the same id came in just now beside this one.
    return Answer(event.id, ACCEPTED if taken else REPEATED)


def _again(answer: Answer | None, event: Event) -> Answer:
    """Of an id that stood in the same call before: a repeat, or as refused as the first."""
    if answer is None or answer.outcome != REFUSED:
        return Answer(event.id, REPEATED)
    return answer


def _roll_up(pool_id: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_ROLL_UP, {"pool": pool_id, "piece": _PIECE})
        rows = cursor.fetchall()
    idle.note_uses(pool_id, {person: last for person, last, _ in rows})
    return sum(number for *_, number in rows)


# Who is meant, by each of the three ways: a part without anybody to look up reads nothing. The
# seat of then is one of now that was there, or what the ledger said last before.
_TAKE = """
WITH event AS MATERIALIZED (
    SELECT * FROM unnest(%(n)s::int[], %(ids)s::text[], %(pools)s::bigint[], %(people)s::bigint[],
                         %(emails)s::text[], %(numbers)s::text[], %(ats)s::timestamptz[],
                         %(kinds)s::text[])
        AS event(n, id, pool_id, person_id, email, number, at, kind)
),
candidate AS MATERIALIZED (
    SELECT event.n, person.id AS person_id
    FROM event JOIN accounts_person person ON person.id = event.person_id
    WHERE person.organization_id = %(organization)s
    UNION ALL
    SELECT event.n, person.id
    FROM event JOIN accounts_person person
        ON person.organization_id = %(organization)s AND person.email_key = event.email
    WHERE event.email <> ''
    UNION ALL
    SELECT event.n, person.id
    FROM event JOIN accounts_person person ON person.employee_number = event.number
    WHERE event.number <> '' AND person.organization_id = %(organization)s
),
judged AS MATERIALIZED (
    SELECT event.n, count(candidate.person_id) AS found, count(*) FILTER (WHERE seat.held) AS held,
        min(candidate.person_id) FILTER (WHERE seat.held) AS person_id
    FROM event
    LEFT JOIN candidate ON candidate.n = event.n
    LEFT JOIN LATERAL (
        SELECT EXISTS (
            SELECT 1 FROM licensing_seat
            WHERE pool_id = event.pool_id AND person_id = candidate.person_id
              AND granted_at <= event.at + %(skew)s::interval
        ) OR coalesce((
            SELECT deed = 'grant' FROM licensing_ledgerentry
            WHERE person_id = candidate.person_id AND pool_id = event.pool_id
              AND deed IN ('grant', 'release') AND at <= event.at + %(skew)s::interval
            ORDER BY id DESC LIMIT 1
        ), false) AS held
    ) seat ON candidate.person_id IS NOT NULL
    GROUP BY event.n
),
known AS MATERIALIZED (
    SELECT event.n, kept.pool_id = event.pool_id
        AND kept.happened_at BETWEEN event.at - %(skew)s::interval
                                 AND event.at + %(skew)s::interval AS same
    FROM event JOIN licensing_usageevent kept
        ON kept.organization_id = %(organization)s AND kept.event_id = event.id
),
taken AS (
    INSERT INTO licensing_usageevent (organization_id, pool_id, person_id, event_id, kind,
                                      happened_at, counted)
    SELECT %(organization)s, event.pool_id, judged.person_id, event.id, event.kind, event.at, false
    FROM event JOIN judged ON judged.n = event.n
    WHERE %(keep)s::bool AND judged.held = 1
      AND NOT EXISTS (SELECT 1 FROM known WHERE known.n = event.n)
    ORDER BY event.id
    ON CONFLICT (organization_id, event_id) DO NOTHING
    RETURNING event_id
)
SELECT event.n, judged.found, judged.held, known.n IS NOT NULL, coalesce(known.same, false),
    taken.event_id IS NOT NULL OR NOT %(keep)s::bool
FROM event
JOIN judged ON judged.n = event.n
LEFT JOIN known ON known.n = event.n
LEFT JOIN taken ON taken.event_id = event.id
"""

_ROLL_UP = """
WITH due AS MATERIALIZED (
    SELECT id, organization_id, person_id, happened_at FROM licensing_usageevent
    WHERE pool_id = %(pool)s AND NOT counted
    ORDER BY id LIMIT %(piece)s FOR UPDATE SKIP LOCKED
),
counted AS (
    UPDATE licensing_usageevent event SET counted = true FROM due WHERE event.id = due.id
),
day AS (
    INSERT INTO licensing_usageday (organization_id, pool_id, person_id, day, count, last_at)
    SELECT organization_id, %(pool)s, person_id, (happened_at AT TIME ZONE 'UTC')::date, count(*),
        max(happened_at)
    FROM due
    GROUP BY organization_id, person_id, (happened_at AT TIME ZONE 'UTC')::date
    ORDER BY person_id, (happened_at AT TIME ZONE 'UTC')::date
    ON CONFLICT (pool_id, person_id, day) DO UPDATE
    SET count = licensing_usageday.count + excluded.count,
        last_at = greatest(licensing_usageday.last_at, excluded.last_at)
),
month AS (
    INSERT INTO licensing_usagemonth AS month (organization_id, pool_id, person_id, month, days)
    SELECT organization_id, %(pool)s, person_id, date_trunc('month', day)::date,
        bit_or(1 << (extract(day FROM day)::int - 1))
    FROM (
        SELECT organization_id, person_id, (happened_at AT TIME ZONE 'UTC')::date AS day FROM due
    ) used
    GROUP BY organization_id, person_id, date_trunc('month', day)
    ORDER BY person_id, date_trunc('month', day)
    ON CONFLICT (pool_id, month, person_id) DO UPDATE SET days = month.days | excluded.days
    WHERE month.days | excluded.days <> month.days
)
SELECT person_id, max(happened_at), count(*) FROM due GROUP BY person_id
"""

_PRUNE_EVENTS = """
DELETE FROM licensing_usageevent WHERE id IN (
    SELECT id FROM licensing_usageevent WHERE happened_at < %(oldest)s AND counted
    LIMIT %(piece)s)
"""

_PRUNE_MONTHS = """
DELETE FROM licensing_usagemonth WHERE id IN (
    SELECT id FROM licensing_usagemonth WHERE month < %(oldest)s LIMIT %(piece)s)
"""

_PRUNE_DAYS = """
DELETE FROM licensing_usageday WHERE id IN (
    SELECT id FROM licensing_usageday WHERE day < %(oldest)s LIMIT %(piece)s)
"""
