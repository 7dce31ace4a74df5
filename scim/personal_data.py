"""Where data of a person lies in the activity log, and how people are called there."""

from __future__ import annotations

from accounts import personal
from accounts.personal import APPLICATION, ERASED, ON_REQUEST, Place
from scim.models import Exchange, SetupLink, Token, TokenWarning, TurnedAway

_OURS = "it.organization_id = %(organization)s"
_ALONE = "(it.about = ANY(%(links)s::text[]) OR it.about = ANY(%(keys)s::text[]))"
_SEVERAL = "'of several people: not told here'::text"

PLACES = [
    Place(
        Exchange,
        "Activity log",
        f"{_OURS} AND ({_ALONE} OR it.path ~* %(sent)s OR it.request::text ~* %(sent)s "
        "OR it.response::text ~* %(sent)s OR it.detail ~* %(sent)s)",
        {
            "at": "it.at",
            "application": APPLICATION,
            "method": "it.method",
            "path": "it.path",
            "status": "it.status",
            "request": f"CASE WHEN {_ALONE} THEN it.request WHEN it.request IS NOT NULL "
            f"THEN to_jsonb({_SEVERAL}) END",
            "answer": f"CASE WHEN {_ALONE} THEN it.response WHEN it.response IS NOT NULL "
            f"THEN to_jsonb({_SEVERAL}) END",
            "detail": f"CASE WHEN {_ALONE} THEN nullif(it.detail, '') END",
        },
        sets={
            "path": f"left(regexp_replace(split_part(it.path, '?', 1), %(sent)s, '{ERASED}', 'gi')"
            f" || CASE WHEN it.path LIKE '%%?%%' THEN '?{ERASED}' ELSE '' END, 1024)",
            "request": "NULL",
            "response": "NULL",
            "detail": f"'{ON_REQUEST}'",
            "about": "''",
        },
        keeps={"request_id": "which request it was", "method": "a word of HTTP"},
    ),
]

NOTHING = {
    Token: "a program's",
    TokenWarning: "numbers and days",
    SetupLink: "whom an admin asked to set up an application",
    TurnedAway: "a program's",
}

# Also of whom the application deleted: their SCIM id stands in no other table.
_CALLED = f"""
WITH told AS MATERIALIZED (
    SELECT kept.document FROM scim_exchange it
    CROSS JOIN LATERAL (VALUES (it.request), (it.response)) kept(document)
    WHERE {_OURS} AND jsonb_typeof(kept.document) = 'object'
      AND (it.path ILIKE '/Users%%' OR kept.document #>> '{{meta,resourceType}}' = 'User')
      AND ({_ALONE} OR lower(kept.document ->> 'userName') = ANY(%(keys)s::text[]))
)
SELECT named.kind, named.value FROM told CROSS JOIN LATERAL (VALUES
    ('links', CASE WHEN document #>> '{{meta,resourceType}}' = 'User' THEN document ->> 'id' END),
    ('user_names', document ->> 'userName'),
    ('external_ids', document ->> 'externalId'),
    ('names', document ->> 'displayName'),
    ('names', document #>> '{{name,formatted}}'),
    ('names', trim(concat_ws(' ', document #>> '{{name,givenName}}',
        document #>> '{{name,familyName}}')))
) named(kind, value)
UNION
SELECT 'addresses', jsonb_path_query(document, 'lax $.emails[*].value') #>> '{{}}' FROM told
"""


def register() -> None:
    personal.keep(*PLACES)
    personal.nothing(NOTHING)
    personal.ask(_CALLED)
