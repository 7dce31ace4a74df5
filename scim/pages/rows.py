"""What the pages show of applications and tokens, each in a constant number of queries."""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from django.db.models import BigIntegerField, Count, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Coalesce, Least

from accounts import audit, clock
from accounts.deeds import Deed
from accounts.models import Application, AuditEntry, Group, Link, Organization, Outbox
from accounts.pages import asked
from licensing.models import HeldRemoval, Seat
from scim import words
from scim.exchanges import LONGEST_ABOUT
from scim.models import Exchange, Token, TurnedAway

DAY = dt.timedelta(days=1)
HOUR = dt.timedelta(hours=1)
#: When a token's end begins to be shown as a warning; the first e-mail goes out then too (R4).
SOON = dt.timedelta(days=90)


@dataclasses.dataclass(frozen=True, slots=True)
class TokenRow:
    """badge: one of ui.BADGES; word: what it says; works: whether a push with it is let in.
    away: requests with it that were not. revoked: the line of the audit log that tells by whom."""

    token: Token
    badge: str
    word: str
    works: bool
    away: Sequence[TurnedAway] = ()
    revoked: AuditEntry | None = None

    @property
    def key(self) -> str:
        return str(self.token.pk)


def token_rows(
    organization: Organization,
    tokens: Iterable[Token],
    away: Mapping[uuid.UUID, Sequence[TurnedAway]] = MappingProxyType({}),
) -> list[TokenRow]:
    """Each with who revoked it, if there was an audit log already."""
    rows = list(tokens)
    ended = [token for token in rows if token.revoked_at]
    lines = audit.last(organization, Deed.TOKEN_REVOKED, ended)
    return [token_row(token, away.get(token.pk, ()), lines.get(token.pk)) for token in rows]


def token_row(
    token: Token, away: Sequence[TurnedAway] = (), revoked: AuditEntry | None = None
) -> TokenRow:
    now = clock.now()
    if token.revoked_at:
        return TokenRow(token, "revoked", "Revoked", False, away, revoked)
    if token.expired_at or token.expires_at <= now:
        return TokenRow(token, "expired", "Expired", False, away)
    if token.expires_at <= now + SOON:
        return TokenRow(token, "expiring", "Expires soon", True, away)
    return TokenRow(token, "valid", "Valid", True, away)


def applications(organization: Organization) -> QuerySet[Application]:
    """Each with people, living_tokens and chosen groups."""
    now = clock.now()
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
        )
        .order_by("created_at")
    )


def with_health(organization: Organization) -> QuerySet[Application]:
    """The same, each with how its pushes go (R9).

    last_at, last_status: of its last request. errors: of the last 24 hours. requests: of the
    last hour. held: removals that wait for a review. behind_since: when the oldest of its
    changes came in that a worker is yet to carry out; None when everything is done.
    """
    now = clock.now()
    exchanges = Exchange.objects.of(organization).filter(application=OuterRef("pk"))
    last = exchanges.order_by("-at", "-id")
    errors = exchanges.filter(at__gte=now - DAY, status__gte=400)
    removals = HeldRemoval.objects.of(organization).filter(application=OuterRef("pk"))
    approved = removals.filter(state=HeldRemoval.State.APPROVED, done_at=None)
    seats = Seat.objects.filter(application=OuterRef(OuterRef("pk")))
    invitations = (
        Outbox.objects.of(organization)
        .filter(kind="invitation", done_at=None)
        .annotate(seat=Cast(KeyTextTransform("seat", "payload"), BigIntegerField()))
        .filter(seat__in=seats.values("pk"))
    )
    return applications(organization).annotate(
        errors=Coalesce(Subquery(_count(errors)), 0),
        requests=Coalesce(Subquery(_count(exchanges.filter(at__gte=now - HOUR))), 0),
        last_at=Subquery(last.values("at")[:1]),
        last_status=Subquery(last.values("status")[:1]),
        held=Coalesce(Subquery(_count(removals.filter(state=HeldRemoval.State.HELD))), 0),
        behind_since=Least(
            Subquery(approved.order_by("decided_at").values("decided_at")[:1]),
            Subquery(invitations.order_by("created_at").values("created_at")[:1]),
        ),
    )


def turned_away(application: Application) -> dict[uuid.UUID, list[TurnedAway]]:
    """By token: what came with it and was not let in, the last first."""
    found: dict[uuid.UUID, list[TurnedAway]] = {}
    for row in TurnedAway.objects.filter(application=application).order_by("-last_at"):
        found.setdefault(row.token_id, []).append(row)
    return found


def last_exchanges(
    organization: Organization, number: int, application: Application | None = None
) -> list[tuple[Exchange, str]]:
    """The newest first, without the bodies, each with what it was."""
    found = Exchange.objects.of(organization).select_related("application")
    if application is not None:
        found = found.filter(application=application)
    newest = found.defer("request", "response").order_by("-at", "-id")[:number]
    return with_deeds(organization, list(newest))


def with_deeds(
    organization: Organization, exchanges: Sequence[Exchange]
) -> list[tuple[Exchange, str]]:
    """Each with what it was, in words; people and groups are called by their names of now."""
    about = {exchange.about for exchange in exchanges}
    ids = {id for id in map(asked.as_id, about) if id}
    called: dict[str, str] = {}
    for model, name, key in ((Link, "user_name", "user_name_key"), (Group, "name", "name_key")):
        meant = Q(pk__in=ids) | Q(**{f"{key}__in": about - {""}})
        for id, shown, its_key in (
            model.objects.of(organization).filter(meant).values_list("pk", name, key)
        ):
            called |= {str(id): shown, its_key[:LONGEST_ABOUT]: shown}
    return [
        (exchange, words.deed(_bare(exchange), called.get(exchange.about, "")))
        for exchange in exchanges
    ]


def _bare(exchange: Exchange) -> Exchange:
    """Without its bodies, which lists do not read."""
    return Exchange(
        method=exchange.method, path=exchange.path, status=exchange.status, about=exchange.about
    )


def _count(rows: QuerySet) -> QuerySet:
    return rows.order_by().values("application").annotate(number=Count("id")).values("number")
