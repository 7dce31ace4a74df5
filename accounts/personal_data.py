"""Where data of a person lies in this layer's tables, and how people are called there."""

from __future__ import annotations

from django.contrib.auth.models import Group as AuthGroup
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db import models

from accounts import groups, personal
from accounts.by_hand import FIELDS
from accounts.models import (
    Admin,
    AdminInvitation,
    AdminSession,
    ApiAnswer,
    ApiToken,
    Application,
    AuditEntry,
    AuditRule,
    DigestLine,
    Group,
    KeptDocument,
    Link,
    Membership,
    NoticeChoice,
    Organization,
    Outbox,
    Passkey,
    PeopleFile,
    PeopleRow,
    Person,
    RecoveryCode,
    Role,
    SecondStep,
    SignInRule,
    SingleSignOn,
    WebhookDelivery,
    WebhookEndpoint,
)
from accounts.personal import (
    APPLICATION,
    ERASED,
    OF_PERSON,
    Place,
    mentioned,
    scrubbed,
    scrubbed_json,
)

_FIELDS = ", ".join(f"'{field}'" for field in FIELDS)
_ABOUT = (
    "(it.organization_id = %(organization)s AND it.subject_kind = 'person' "
    "AND it.subject_id = ANY(%(people)s::bigint[]::text[]))"
)
_LOGIN = "a login of the Admin Center, which no person of an organization is"
_NUMBERS = "numbers and words of ours"


def _values(column: str) -> str:
    """Before or after of a deed: what a profile says is gone where it is the person's."""
    blank = (
        f"(SELECT coalesce(jsonb_object_agg(name, CASE WHEN name IN ({_FIELDS}) "
        f"THEN to_jsonb('{ERASED}'::text) ELSE value END), '{{}}') FROM jsonb_each(it.{column}) "
        "AS told(name, value))"
    )
    one = f"CASE WHEN {_ABOUT} AND jsonb_typeof(it.{column}) = 'object' THEN {blank}"
    return (
        f"regexp_replace(({one} ELSE it.{column} END)::text, %(mentions)s, '{ERASED}', 'gi')::jsonb"
    )


# A delivery about seats is about one person.
_TOLD_PERSON = "it.body::jsonb #>> '{data,person,id}' = ANY(%(people)s::bigint[]::text[])"
_TOLD_ADDRESS = "lower(it.body::jsonb #>> '{data,person,email}') = ANY(%(keys)s::text[])"
_DELIVERED = (
    "it.organization_id = %(organization)s AND it.kind LIKE 'seat.%%' "
    """AND (it.body ~ ('"person" ?: ?\\{"id" ?: ?(' || %(ids)s || ')[,}]') """
    "OR it.body ~* %(mentions)s)"
)
_BODY = (
    f"CASE WHEN it.kind LIKE 'seat.%%' AND ({_TOLD_PERSON} OR {_TOLD_ADDRESS}) "
    "THEN jsonb_set(it.body::jsonb, '{data,person}', jsonb_build_object('id', "
    "it.body::jsonb #> '{data,person,id}', 'erased', true))::text ELSE it.body END"
)

PLACES = [
    Place(
        Link,
        "What each application sent",
        OF_PERSON,
        {
            "application": f"coalesce({APPLICATION}, 'By hand')",
            "user_name": "it.user_name",
            "external_id": "it.external_id",
            "active": "it.active",
            "document": "it.document",
            "since": "it.created_at",
            "changed_at": "it.changed_at",
        },
    ),
    Place(
        KeptDocument,
        "Kept to restore the account",
        OF_PERSON,
        {"document": "it.document", "kept_at": "it.kept_at"},
    ),
    Place(
        Membership,
        "Groups",
        OF_PERSON,
        {"group": "(SELECT name FROM accounts_group WHERE id = it.group_id)"},
        statement=groups.LEAVE_EVERY_GROUP,
    ),
    Place(
        PeopleRow,
        "Rows of files that wait to be imported",
        "it.organization_id = %(organization)s AND (it.key = ANY(%(keys)s::text[]) OR "
        + mentioned("cells", "profile", "flaw")
        + ")",
        {"row": "it.number", "cells": "it.cells"},
    ),
    Place(
        AuditEntry,
        "Audit log",
        _ABOUT,
        {
            "at": "it.at",
            "deed": "it.deed",
            "before": f"CASE WHEN {_ABOUT} THEN it.before END",
            "after": f"CASE WHEN {_ABOUT} THEN it.after END",
            "note": f"CASE WHEN NOT {_ABOUT} THEN 'names others too' END",
        },
        also=mentioned("subject_name", "before", "after"),
        sets={
            "subject_name": f"CASE WHEN {_ABOUT} THEN '{ERASED}' "
            f"ELSE left({scrubbed('subject_name')}, 600) END",
            "before": _values("before"),
            "after": _values("after"),
        },
        keeps={
            "email": "the admin who did it",
            "deed": "a word of ours",
            "subject_kind": "a word of ours",
            "subject_id": "a number, which is nobody's name",
            "request_id": "which request it was",
            "address": "where the admin was",
        },
    ),
    Place(
        Outbox,
        "E-mails",
        "it.organization_id = %(organization)s AND it.payload ->> 'seat' = ANY(%(seats)s::text[])",
        {"kind": "it.kind", "made_at": "it.created_at", "sent_at": "it.done_at"},
        also=mentioned("payload", "error"),
        sets={
            # What an admin is yet to be sent needs the admin's address.
            "payload": f"CASE WHEN it.done_at IS NULL THEN it.payload "
            f"ELSE {scrubbed_json('payload')} END",
            "error": scrubbed("error"),
        },
        keeps={
            "kind": "a word of ours",
            "once": "ids, days and digests",
            "request_id": "which request it was",
        },
    ),
    Place(
        WebhookDelivery,
        "Webhooks",
        _DELIVERED,
        {
            "kind": "it.kind",
            "body": "it.body::json",
            "made_at": "it.created_at",
            "delivered_at": "it.done_at",
        },
        sets={
            "body": f"regexp_replace({_BODY}, %(mentions)s, '{ERASED}', 'gi')",
            "tries": scrubbed_json("tries"),
            "answer": "''",
        },
        keeps={"event": "a digest", "kind": "a word of ours"},
    ),
    Place(
        DigestLine,
        "Daily summaries",
        mentioned("payload"),
        {"kind": "it.kind", "made_at": "it.created_at"},
        sets={"payload": scrubbed_json("payload")},
        keeps={"topic": "a word of ours", "kind": "a word of ours", "once": "ids and digests"},
    ),
    Place(
        ApiAnswer,
        "Answers of the Admin API, kept for a day",
        mentioned("body"),
        {"at": "it.at", "answer": "it.body"},
        sets={"body": "'{}'"},
        keeps={
            "key": "what a program chose by chance",
            "digest": "a digest",
            "headers": "kind and place of the answer",
        },
    ),
    Place(
        Person,
        "Profile",
        "it.id = ANY(%(people)s::bigint[])",
        {
            "id": "it.id",
            "email": "it.email",
            "first_name": "it.first_name",
            "last_name": "it.last_name",
            "display_name": "it.display_name",
            "title": "it.title",
            "department": "it.department",
            "employee_number": "it.employee_number",
            "managed_by": "(SELECT name FROM accounts_application WHERE id = it.managed_by_id)",
            "added_by_hand": "it.added_by_hand",
            "added_at": "it.created_at",
            "changed_at": "it.changed_at",
            "removed_at": "it.removed_at",
        },
        sets={
            **dict.fromkeys(
                (
                    "email",
                    "email_key",
                    "first_name",
                    "last_name",
                    "title",
                    "department",
                    "employee_number",
                    "sort_key",
                ),
                "''",
            ),
            "display_name": f"'{ERASED}'",
            "managed_by_id": "NULL",
            "added_by_hand": "false",
            "removed_at": "coalesce(it.removed_at, %(now)s)",
            "changed_at": "%(now)s",
            "erased_at": "%(now)s",
        },
        late=True,
    ),
]

NOTHING: dict[type[models.Model], str] = {
    Organization: "the customer",
    Application: "the customer's identity provider",
    Group: "what the customer calls its groups; who is in them is in Membership",
    Admin: _LOGIN,
    Role: _LOGIN,
    AdminInvitation: _LOGIN,
    SecondStep: _LOGIN,
    RecoveryCode: _LOGIN,
    Passkey: _LOGIN,
    AdminSession: _LOGIN,
    NoticeChoice: _LOGIN,
    ApiToken: "a program's or a login's",
    Session: "a login's, and for a moment what a page says next; read by nobody else",
    SignInRule: _NUMBERS,
    AuditRule: _NUMBERS,
    SingleSignOn: "how the customer's logins sign in",
    PeopleFile: "the header of a file; its rows are in PeopleRow",
    WebhookEndpoint: "an address of the customer's own systems",
    Permission: "Django's own words",
    AuthGroup: "not used",
    AuthGroup.permissions.through: "not used",
    ContentType: "Django's own words",
}

# Names are told as they are now and as they were, first and last in each combination.
_CALLED = """
WITH person AS MATERIALIZED (
    SELECT * FROM accounts_person WHERE id = ANY(%(people)s::bigint[])
),
document AS MATERIALIZED (
    SELECT document FROM accounts_link WHERE person_id = ANY(%(people)s::bigint[])
    UNION ALL
    SELECT document FROM accounts_keptdocument WHERE person_id = ANY(%(people)s::bigint[])
),
noted AS MATERIALIZED (
    SELECT entry.subject_name, told.was FROM accounts_auditentry entry
    CROSS JOIN LATERAL (VALUES (entry.before), (entry.after)) told(was)
    WHERE entry.organization_id = %(organization)s AND entry.subject_kind = 'person'
      AND entry.subject_id = ANY(%(people)s::bigint[]::text[])
),
first AS (
    SELECT first_name AS name FROM person UNION SELECT was ->> 'first_name' FROM noted
    UNION SELECT document #>> '{name,givenName}' FROM document
),
last AS (
    SELECT last_name AS name FROM person UNION SELECT was ->> 'last_name' FROM noted
    UNION SELECT document #>> '{name,familyName}' FROM document
)
SELECT 'names', trim(first.name || ' ' || last.name) FROM first, last
UNION SELECT 'names', display_name FROM person
UNION SELECT 'addresses', email FROM person
UNION SELECT 'numbers', employee_number FROM person
UNION SELECT told.kind, told.value FROM document CROSS JOIN LATERAL (VALUES
    ('user_names', document ->> 'userName'), ('external_ids', document ->> 'externalId'),
    ('names', document ->> 'displayName'), ('names', document #>> '{name,formatted}')
) told(kind, value)
UNION SELECT 'addresses', jsonb_path_query(document, '$.emails[*].value') #>> '{}' FROM document
UNION SELECT 'links', id::text FROM accounts_link WHERE person_id = ANY(%(people)s::bigint[])
UNION SELECT 'addresses', was ->> 'email' FROM noted
UNION SELECT CASE WHEN subject_name LIKE '%%@%%' THEN 'addresses' ELSE 'names' END, subject_name
    FROM noted
"""


def register() -> None:
    personal.keep(*PLACES)
    personal.nothing(NOTHING)
    personal.ask(_CALLED)
