"""Where data of a person lies in this layer's tables, and how people are called there."""

from __future__ import annotations

from accounts import personal
from accounts.models import Undo
from accounts.personal import APPLICATION, OF_PERSON, Place
from licensing import erased_lines
from licensing.models import (
    DailyCount,
    EligibleGroup,
    HeldRemoval,
    LedgerEntry,
    LedgerSeal,
    Policy,
    Pool,
    Reclaimed,
    Reconciled,
    RefusedUse,
    ReportRecipient,
    ReportSchedule,
    Seat,
    SentReport,
    UsageDay,
    UsageEvent,
    UsageFile,
    UsageMonth,
    WaitingEntry,
    WebhookReading,
)

PRODUCT = "(SELECT product FROM licensing_pool WHERE id = it.pool_id)"
_POOLS = "it.pool_id IN (SELECT id FROM licensing_pool WHERE organization_id = %(organization)s)"
_WAITS = (
    f"({OF_PERSON} OR (it.organization_id = %(organization)s AND it.person_id IS NULL AND ("
    "it.user_name_key = ANY(%(keys)s::text[]) OR lower(it.email) = ANY(%(keys)s::text[]))))"
)
_USED = f"{_POOLS} AND {OF_PERSON}"
_NUMBERS = "numbers, days and words of ours"

PLACES = [
    Place(
        Seat,
        "Licenses",
        OF_PERSON,
        {
            "product": PRODUCT,
            "source": "it.source",
            "application": APPLICATION,
            "state": "it.state",
            "granted_at": "it.granted_at",
            "activated_at": "it.activated_at",
            "last_used_at": "it.last_used_at",
            "reclaim_at": "it.reclaim_at",
        },
        late=True,
    ),
    Place(
        WaitingEntry,
        "Waiting list",
        _WAITS,
        {
            "product": PRODUCT,
            "application": APPLICATION,
            "email": "it.email",
            "name": "it.name",
            "employee_number": "it.employee_number",
            "since": "it.since",
            "why": "it.reason",
            "refused": "it.refused",
        },
    ),
    Place(
        Reclaimed,
        "Licenses that were reclaimed",
        OF_PERSON,
        {"product": PRODUCT, "at": "it.at", "why": "it.because"},
    ),
    Place(
        Undo,
        "Deeds about them that can be undone",
        "it.organization_id = %(organization)s AND ("
        "it.needs ->> 'person' = ANY(%(people)s::bigint[]::text[])"
        " OR EXISTS (SELECT 1 FROM unnest(%(people)s::bigint[]) id"
        "            WHERE it.needs -> 'people' @> to_jsonb(id))"
        " OR EXISTS (SELECT 1 FROM licensing_heldremoval removal"
        "            WHERE removal.person_id = ANY(%(people)s::bigint[])"
        "              AND it.needs -> 'removals' @> to_jsonb(removal.id))"
        " OR it.needs::text ~* %(mentions)s)",
        {
            "deed": "(SELECT deed FROM accounts_auditentry WHERE id = it.entry_id)",
            "undone_at": "it.undone_at",
        },
    ),
    Place(
        HeldRemoval,
        "Held removals",
        OF_PERSON,
        {
            "product": PRODUCT,
            "application": APPLICATION,
            "wanted": "it.wanted",
            "group": "nullif(it.group_name, '')",
            "why": "it.because",
            "state": "it.state",
            "at": "it.at",
            "decided_at": "it.decided_at",
            "done_at": "it.done_at",
        },
    ),
    Place(
        UsageEvent,
        "Use",
        _USED,
        {"product": PRODUCT, "event_id": "it.event_id", "kind": "it.kind", "at": "it.happened_at"},
    ),
    Place(
        UsageDay,
        "Use by day",
        _USED,
        {"product": PRODUCT, "day": "it.day", "times": "it.count", "last_at": "it.last_at"},
    ),
    Place(
        UsageMonth,
        "Use by month",
        _USED,
        {"product": PRODUCT, "month": "it.month", "days": "bit_count(it.days::bit(31))"},
    ),
    Place(
        UsageFile,
        "Files of uses that wait to be confirmed",
        "it.organization_id = %(organization)s AND it.confirmed_at IS NULL AND EXISTS ("
        "SELECT 1 FROM unnest(%(addresses)s::text[]) told, LATERAL (VALUES (told), (lower(told)), "
        "(upper(told))) written(form) WHERE position(convert_to(form, 'UTF8') IN it.content) > 0)",
        {"name": "it.name", "at": "it.created_at"},
    ),
    Place(
        RefusedUse,
        "Refused rows of files of uses",
        "it.organization_id = %(organization)s AND ("
        "lower(it.cells ->> 'email') = ANY(%(keys)s::text[])"
        " OR it.cells ->> 'employee_number' = ANY(%(numbers)s::text[])"
        " OR it.cells::text ~* %(mentions)s OR it.because ~* %(mentions)s)",
        {"row": "it.number", "cells": "it.cells", "why": "it.because"},
    ),
    Place(
        LedgerEntry,
        "Ledger",
        erased_lines.OF_PERSON,
        {
            "at": "it.at",
            "product": PRODUCT,
            "deed": "it.deed",
            "email": "it.email",
            "application": APPLICATION,
            "source": "nullif(it.source, '')",
            "request": "nullif(it.request_id, '')",
            "why": "it.because",
        },
        sets=erased_lines.SETS,
        keeps={"request_id": "which request it was", "source": "a word of ours"},
        statement=erased_lines.ERASE,
        late=True,
    ),
]

NOTHING = {
    Pool: _NUMBERS,
    Policy: _NUMBERS,
    EligibleGroup: "what the customer calls its groups",
    LedgerSeal: "digests",
    Reconciled: _NUMBERS,
    DailyCount: _NUMBERS,
    ReportSchedule: "what the customer calls its reports",
    ReportRecipient: "a login of the Admin Center",
    SentReport: _NUMBERS,
    WebhookReading: _NUMBERS,
}

# Without an account there is what a refused push said.
_CALLED = f"""
SELECT 'addresses', email FROM licensing_ledgerentry WHERE person_id = ANY(%(people)s::bigint[])
UNION SELECT 'seats', id::text FROM licensing_seat WHERE person_id = ANY(%(people)s::bigint[])
UNION SELECT told.kind, told.value FROM licensing_waitingentry it CROSS JOIN LATERAL (VALUES
    ('addresses', it.email), ('names', it.name), ('user_names', it.user_name_key),
    ('numbers', it.employee_number)) told(kind, value)
WHERE {_WAITS}
"""


def register() -> None:
    personal.keep(*PLACES)
    personal.nothing(NOTHING)
    personal.ask(_CALLED)
