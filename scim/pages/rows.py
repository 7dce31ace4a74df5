"""What the pages show of applications and tokens, each in a constant number of queries."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable

from django.db.models import Count, OuterRef, Prefetch, QuerySet, Subquery
from django.db.models.functions import Coalesce

from accounts import audit, clock
from accounts.deeds import Deed
from accounts.models import Application, AuditEntry, Link, Organization
from scim.models import Exchange, Token

DAY = dt.timedelta(days=1)
#: When a token's end begins to be shown as a warning; the first e-mail goes out then too (R4).
SOON = dt.timedelta(days=90)


@dataclasses.dataclass(frozen=True, slots=True)
class TokenRow:
    """badge: one of ui.BADGES; word: what it says; works: whether a push with it is let in.
    revoked: the line of the audit log that tells by whom."""

    token: Token
    badge: str
    word: str
    works: bool
    revoked: AuditEntry | None = None

    @property
    def key(self) -> str:
        return str(self.token.pk)


def token_rows(organization: Organization, tokens: Iterable[Token]) -> list[TokenRow]:
    """Each with who revoked it, if there was an audit log already."""
    rows = list(tokens)
    ended = [token for token in rows if token.revoked_at]
    lines = audit.last(organization, Deed.TOKEN_REVOKED, ended)
    return [token_row(token, lines.get(token.pk)) for token in rows]


def token_row(token: Token, revoked: AuditEntry | None = None) -> TokenRow:
    now = clock.now()
    if token.revoked_at:
        return TokenRow(token, "revoked", "Revoked", False, revoked)
    if token.expired_at or token.expires_at <= now:
        return TokenRow(token, "expired", "Expired", False)
    if token.expires_at <= now + SOON:
        return TokenRow(token, "expiring", "Expires soon", True)
    return TokenRow(token, "valid", "Valid", True)


def applications(organization: Organization) -> QuerySet[Application]:
    """Each with people, last_at and last_status of its exchanges, errors of the last
    24 hours, living_tokens and chosen groups."""
    now = clock.now()
    exchanges = Exchange.objects.of(organization).filter(application=OuterRef("pk"))
    last = exchanges.order_by("-at", "-id")
    errors = exchanges.filter(at__gte=now - DAY, status__gte=400)
    links = Link.objects.of(organization).filter(application=OuterRef("pk"))
    living = Token.objects.of(organization).filter(
        revoked_at=None, expired_at=None, expires_at__gt=now
    )
    return (
        Application.objects.of(organization)
        .select_related("policy__pool")
        .prefetch_related(
            "policy__eligible_groups",
            Prefetch("tokens", living.order_by("expires_at"), to_attr="living_tokens"),
        )
        .annotate(
            people=Coalesce(Subquery(_count(links)), 0),
            errors=Coalesce(Subquery(_count(errors)), 0),
            last_at=Subquery(last.values("at")[:1]),
            last_status=Subquery(last.values("status")[:1]),
        )
        .order_by("created_at")
    )


def last_exchanges(organization: Organization, number: int) -> QuerySet[Exchange]:
    """The newest first, without the bodies."""
    return (
        Exchange.objects.of(organization)
        .select_related("application")
        .defer("request", "response")
        .order_by("-at", "-id")[:number]
    )


def _count(rows: QuerySet) -> QuerySet:
    return rows.order_by().values("application").annotate(number=Count("id")).values("number")
