"""Who calls: the application behind a token, with everything that a push needs to know of it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from collections.abc import Callable
from typing import Any

from django.db import InterfaceError, OperationalError, connection

from accounts import clock, secrets, sql
from accounts.cause import Cause
from accounts.models import Application, Organization
from licensing.models import Policy
from scim.search import View

#: A token's last use is written at most this often.
_LAST_USED_STEP = dt.timedelta(minutes=1)


def _nothing(answer: Any) -> None:
    """What changes in Bulk: it is answered, and logged, as one."""


@dataclasses.dataclass(frozen=True, slots=True)
class Caller:
    """One application, found by its token alone (interface.md).

    removals_open: the safety brake holds removals of it, or an admin dismissed some (R27), so
    that a push which says the opposite has something to say.
    answered: called with what is answered to a change, as the last deed of its transaction, and
    again when the transaction had to begin anew.
    """

    token_id: uuid.UUID
    application: Application
    organization: Organization
    pool_id: int
    when_full: str
    request_id: str
    removals_open: bool = False
    answered: Callable[[Any], None] = _nothing

    @property
    def refuses_when_full(self) -> bool:
        return self.when_full == Policy.WhenFull.REFUSE

    @property
    def view(self) -> View:
        """What it may see (R11)."""
        return View(self.organization.pk, self.application.pk, self.pool_id)

    def cause(self, deed: str) -> Cause:
        """For the ledger: `deed` as in "created this person"."""
        return Cause(
            f"{self.application.name} {deed}",
            application_id=self.application.pk,
            request_id=self.request_id,
        )


def identify(header: str, request_id: str) -> Caller | None:
    """The caller behind an Authorization header; None for every token that is not valid now,
    without a hint which of the reasons it was (R3)."""
    kind, _, token = header.partition(" ")
    if kind.lower() != "bearer" or not secrets.well_formed(token.strip()):
        return None
    now = clock.now()
    row = _look_up(secrets.digest(token.strip()), now)
    if row is None:
        return None
    if row[1] is None or now - row[1] > _LAST_USED_STEP:
        sql.fetch(
            "UPDATE scim_token SET last_used_at = %(now)s WHERE id = %(id)s AND "
            "(last_used_at IS NULL OR last_used_at < %(before)s)",
            {"now": now, "id": row[0], "before": now - _LAST_USED_STEP},
        )
    organization = Organization(
        pk=row[2], slug=row[3], name=row[4], plan=row[5], scim_enabled=row[6]
    )
    application = Application(
        pk=row[7], organization=organization, name=row[8], product=row[9], idp=row[10]
    )
    return Caller(row[0], application, organization, row[11], row[12], request_id, row[13])


def _look_up(digest: str, now: dt.datetime) -> tuple[Any, ...] | None:
    """The row behind a token: the first statement of each request.

    It finds out by itself whether the connection that was kept is still good, and asks
    once more on a new one, so that no request pays for a check of its own.
    """
    connection.health_check_done = True  # type: ignore[attr-defined]
    try:
        return _ask(digest, now)
    except (OperationalError, InterfaceError):
        if connection.in_atomic_block:
            raise
        connection.close()
        return _ask(digest, now)


def _ask(digest: str, now: dt.datetime) -> tuple[Any, ...] | None:
    found = sql.fetch(_IDENTIFY, {"digest": digest, "now": now})
    return found[0] if found else None


_IDENTIFY = """
SELECT token.id, token.last_used_at,
    organization.id, organization.slug, organization.name, organization.plan,
    organization.scim_enabled,
    application.id, application.name, application.product, application.idp,
    policy.pool_id, policy.when_full,
    EXISTS (SELECT 1 FROM licensing_heldremoval held WHERE held.application_id = application.id
        AND held.state IN ('held', 'approved', 'dismissed') AND held.done_at IS NULL)
FROM scim_token token
JOIN accounts_application application ON application.id = token.application_id
JOIN accounts_organization organization ON organization.id = application.organization_id
JOIN licensing_policy policy ON policy.application_id = application.id
WHERE token.digest = %(digest)s AND token.revoked_at IS NULL AND token.expired_at IS NULL
  AND token.expires_at > %(now)s
"""
