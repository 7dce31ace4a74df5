"""Tokens over time: issue, rotate, revoke, warn, expire (R3, R4)."""

from __future__ import annotations

import dataclasses
import datetime as dt
import logging
import uuid

from django.db import transaction
from django.db.models import F

from accounts import audit, changes, clock, notices, secrets, webhooks
from accounts.deeds import Deed
from accounts.models import Admin, Application, Organization
from accounts.refusal import NotFound, Refusal
from scim.models import Token, TokenWarning

_log = logging.getLogger("seatkeeper.tokens")
#: Two years, to the second.
DAYS = 730
#: Days before the end at which admins are warned; 0 is "it has expired".
WARNINGS = (90, 30, 14, 7, 1, 0)


@dataclasses.dataclass(frozen=True, slots=True)
class Issued:
    """secret: the token itself, to be shown once; it is stored nowhere."""

    token: Token
    secret: str


@dataclasses.dataclass(frozen=True, slots=True)
class Expiry:
    """Tokens that ended and tokens that admins were warned of, by this run."""

    expired: list[Token]
    reminded: list[TokenWarning]


@transaction.atomic
def issue(
    application: Application, *, days: int = DAYS, name: str = "", by: Admin | None = None
) -> Issued:
    """A new token, beside those that the application has. Refused: more than two years."""
    if not 1 <= days <= DAYS:
        raise Refusal("days_invalid", f"A token is valid for 1 to {DAYS} days.")
    if len(name) > 100:
        raise Refusal("name_too_long", "A token's name has at most 100 characters.")
    secret = secrets.make()
    now = clock.now()
    token = Token.objects.create(
        organization_id=application.organization_id,
        application=application,
        name=name.strip(),
        digest=secrets.digest(secret),
        hint=secret[: secrets.HINT],
        issued_by=by,
        issued_at=now,
        expires_at=now + dt.timedelta(days=days),
    )
    about = {"application": application.name, "expires_at": token.expires_at}
    audit.note(token.organization_id, Deed.TOKEN_ISSUED, token, by=by, after=about)
    return Issued(token, secret)


def get(token_id: str) -> Token:
    try:
        return Token.objects.select_related("application").get(pk=uuid.UUID(token_id))
    except (ValueError, Token.DoesNotExist):
        raise NotFound("token_not_found", f"There is no token with the id {token_id}.") from None


@transaction.atomic
def revoke(token: Token, *, by: Admin | None = None) -> Token:
    """It ends now, for good; a second time changes nothing."""
    living = Token.objects.filter(pk=token.pk, revoked_at=None)
    if living.update(revoked_at=clock.now()):
        about = {"application": token.application.name}
        audit.note(token.organization_id, Deed.TOKEN_REVOKED, token, by=by, after=about)
    token.refresh_from_db(fields=["revoked_at"])
    return token


def rotate(token: Token, *, overlap: dt.timedelta, by: Admin | None = None) -> Issued:
    """A new token of the same name; the old one lives on for the overlap, never longer than
    it would have (R3). Refused: it is revoked or has expired."""

    def change() -> Issued:
        old = Token.objects.select_for_update().select_related("application").get(pk=token.pk)
        now = clock.now()
        if old.revoked_at or old.expired_at or old.expires_at <= now:
            raise Refusal("token_ended", "This token has ended: issue a new one instead.")
        ends = max(now + overlap, old.issued_at + dt.timedelta(microseconds=1))
        if ends < old.expires_at:
            before, old.expires_at = old.expires_at, ends
            old.save(update_fields=["expires_at"])
            audit.note(
                old.organization_id,
                Deed.TOKEN_ROTATED,
                old,
                by=by,
                before={"expires_at": before},
                after={"expires_at": ends},
            )
        return issue(old.application, name=old.name, by=by)

    return changes.run(change)


@transaction.atomic(durable=True)
def expire(now: dt.datetime | None = None) -> Expiry:
    """What the worker does: end what is over, warn of what will be, each exactly once.

    The warning, its row and its e-mail are one transaction. A token warned of for the
    first time late (the worker was down, the token is short-lived) gets the nearest
    warning alone, not all those that it missed.
    """
    now = now or clock.now()
    living = Token.objects.filter(revoked_at=None).select_related("application__organization")
    over = list(living.filter(expired_at=None, expires_at__lte=now).select_for_update(of=("self",)))
    for token in over:
        token.expired_at = now
    Token.objects.bulk_update(over, ["expired_at"])
    soon = living.filter(
        expires_at__gt=now, expires_at__lte=now + dt.timedelta(days=max(WARNINGS))
    ).select_for_update(of=("self",), skip_locked=True)
    reminded = [_warn(token, 0, now) for token in over]
    reminded += [_warn(token, _nearest(token, now), now) for token in soon]
    return Expiry(over, [warning for warning in reminded if warning is not None])


def correct() -> int:
    """What a clock that was ahead did to tokens: those that it ended, and that have not ended, work
    again and are warned of when it is time; those that it issued live from now on, so that none
    lives longer than it was meant to (R3). Returns how many. Workers' clocks may differ a little.
    """
    now = clock.now()
    future = now + clock.TOLERANCE
    tokens = Token.objects.filter(revoked_at=None)
    early = tokens.filter(expires_at__gt=future, expired_at__gt=future)

    def change() -> int:
        TokenWarning.objects.filter(at__gt=future, token__in=early.select_for_update()).delete()
        again = early.update(expired_at=None)
        life = F("expires_at") - F("issued_at")
        issued = tokens.filter(issued_at__gt=future).update(issued_at=now, expires_at=now + life)
        return again + issued

    number = changes.run(change)
    if number:
        _log.warning("%d tokens were corrected: a clock was ahead when they were changed", number)
    return number


def _nearest(token: Token, now: dt.datetime) -> int:
    left = token.expires_at - now
    return min(days for days in WARNINGS if left <= dt.timedelta(days=days))


def _warn(token: Token, days: int, now: dt.datetime) -> TokenWarning | None:
    """None: this warning, or a later one, went out before."""
    warned = set(token.warnings.values_list("days", flat=True))
    if any(before <= days for before in warned):
        return None
    if token.expires_at - token.issued_at < dt.timedelta(days=days):
        return None  # a token that was never meant to live so long
    warning = TokenWarning.objects.create(
        organization_id=token.organization_id, token=token, days=days, at=now
    )
    application = token.application
    once = f"{token.pk} {days} {warning.pk}"
    about = {"token": str(token.pk), "days": days}
    notices.tell(token.organization_id, "tokens", "token_ends", about, once=once, urgent=days == 0)
    data = {
        "token": {"id": token.pk, "name": token.name, "hint": token.hint},
        "application": {"id": application.pk, "name": application.name},
        "product": application.product,
        "days": days,
        "expires_at": token.expires_at,
    }
    webhooks.put(token.organization_id, "token.expiring", data, once=once)
    return warning


def living(organization: Organization) -> list[Token]:
    """Tokens that work now, those that end first before the others."""
    return list(
        Token.objects.of(organization)
        .filter(revoked_at=None, expired_at=None, expires_at__gt=clock.now())
        .select_related("application")
        .order_by("expires_at")
    )
