"""The daily summary: what an admin did not want to hear of at once, in one e-mail a day."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from django.db import connection
from django.urls import reverse

from accounts import clock, mail
from accounts.mail import Message, Section
from accounts.models import Admin, DigestLine, Organization

KIND = "daily_summary"
#: The hour (UTC) from which the summary of a day is made.
HOUR = 6
KEPT = dt.timedelta(days=90)
#: So many lines are told; the rest is counted.
MOST = 50


def make() -> int:
    """Put the day's summaries into the outbox: exactly one a day for each admin who has something
    in it, however often this runs. Returns how many were made now."""
    now = clock.now()
    if now.astimezone(dt.UTC).hour < HOUR:
        return 0
    with connection.cursor() as cursor:
        day = now.astimezone(dt.UTC).date()
        cursor.execute(_MAKE, {"kind": KIND, "day": day, "now": now})
        return int(cursor.fetchone()[0])


def write(payload: dict[str, Any]) -> Message | None:
    """None when nothing of it is to be said any more, or the admin has left."""
    admin = Admin.objects.filter(
        pk=payload["admin"], is_active=True, roles__organization=payload["organization"]
    ).first()
    if admin is None:
        return None
    organization = Organization.objects.get(pk=payload["organization"])
    lines = DigestLine.objects.of(organization).filter(admin=admin, day=payload["day"])
    found = [
        mail.write(line.kind, {**line.payload, "to": admin.email}) for line in lines.order_by("id")
    ]
    told = [message for message in found if message is not None]
    if not told:
        return None
    return _letter(admin.email, organization, dt.date.fromisoformat(payload["day"]), told)


def sample(organization: Organization, to: str) -> Message:
    told = [mail.sample(kind, organization, to) for kind in mail.notices_of() if kind != KIND]
    return _letter(to, organization, clock.now().date(), told)


def prune() -> None:
    DigestLine.objects.filter(day__lt=(clock.now() - KEPT).date()).delete()


def _letter(to: str, organization: Organization, day: dt.date, told: list[Message]) -> Message:
    things = "1 thing" if len(told) == 1 else f"{len(told):,} things"
    more = len(told) - MOST
    return Message(
        to=to,
        subject=f"{organization.name}: {things} to know, {day:%d %B %Y}",
        paragraphs=(
            f"What Seatkeeper has to tell you about {organization.name} since the last summary.",
        ),
        sections=tuple(
            Section(message.subject, message.paragraphs[0], message.button)
            for message in told[:MOST]
        ),
        after=(f"And {more:,} more.",) if more > 0 else (),
        button=("Open the overview", settings.PUBLIC_URL + reverse("licensing:overview")),
        why=f"You get this summary once a day at most, as an admin of {organization.name}.",
    )


_MAKE = """
WITH made AS (
    INSERT INTO accounts_outbox (organization_id, kind, payload, once, created_at, due_at,
        attempts, error)
    SELECT organization_id, %(kind)s::text, jsonb_build_object('admin', admin_id,
            'organization', organization_id, 'day', %(day)s::date, 'topic', 'all'),
        concat_ws(' ', %(kind)s::text, organization_id, admin_id, %(day)s::date),
        %(now)s, %(now)s, 0, ''
    FROM accounts_digestline WHERE day IS NULL
    GROUP BY organization_id, admin_id
    ON CONFLICT (once) DO NOTHING
    RETURNING organization_id, (payload ->> 'admin')::bigint AS admin_id
),
told AS (
    UPDATE accounts_digestline line SET day = %(day)s::date FROM made
    WHERE line.day IS NULL AND line.organization_id = made.organization_id
      AND line.admin_id = made.admin_id
)
SELECT count(*) FROM made
"""
