"""Who calls: the application behind a token, with everything that a push needs to know of it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import uuid
from collections.abc import Callable
from typing import Any

from django.db import InterfaceError, OperationalError, connection

from accounts import clock, secrets, sql
from accounts.cause import Cause
from accounts.models import Application, Organization
from licensing.models import Policy
from scim.applications import base_url
from scim.search import Along, View

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
    along: Along | None = None

    @property
    def refuses_when_full(self) -> bool:
        return self.when_full == Policy.WhenFull.REFUSE

    @property
    def view(self) -> View:
        """What it may see (R11)."""
        return View(self.organization.pk, self.application.pk, self.pool_id, self.along)

    def cause(self, deed: str) -> Cause:
        """For the ledger: `deed` as in "created this person"."""
        return Cause(
            f"{self.application.name} {deed}",
            application_id=self.application.pk,
            request_id=self.request_id,
        )


def identify(header: str, request_id: str, along: Along | None = None) -> Caller | None:
    """The caller behind an Authorization header; None for every token that is not valid now,
    without a hint which of the reasons it was (R3).

    along: what the request will read, when it is known before the caller is.
    """
    kind, _, token = header.partition(" ")
    if kind.lower() != "bearer" or not secrets.well_formed(token.strip()):
        return None
    now = clock.now()
    found = _look_up(secrets.digest(token.strip()), now, along)
    if not found:
        return None
    row = found[0]
    if along is not None:
        # Of the other side of a LEFT JOIN: nothing found is one row of NULLs.
        rows = [row[_COLUMNS:] for row in found if row[_COLUMNS] is not None]
        along = dataclasses.replace(along, rows=rows)
    if row[1] is None or now - row[1] > _LAST_USED_STEP:
        sql.fetch(
            "UPDATE scim_token SET last_used_at = %(now)s WHERE id = %(id)s AND "
            "(last_used_at IS NULL OR last_used_at < %(before)s)",
            {"now": now, "id": row[0], "before": now - _LAST_USED_STEP},
        )
    application = _application(*row[2:11])
    return Caller(
        row[0],
        application,
        application.organization,
        row[11],
        row[12],
        request_id,
        row[13],
        along=along,
    )


@functools.lru_cache(maxsize=10_000)
def _application(
    organization: int,
    slug: str,
    organization_name: str,
    plan: str,
    scim_enabled: bool,
    application: uuid.UUID,
    name: str,
    product: str,
    idp: str,
) -> Application:
    """The same object for the same columns: making two of them takes as long as a statement.
    Nobody changes it; what is changed of either is another row, and another object."""
    return Application(
        pk=application,
        organization=Organization(
            pk=organization, slug=slug, name=organization_name, plan=plan, scim_enabled=scim_enabled
        ),
        name=name,
        product=product,
        idp=idp,
    )


def _look_up(digest: str, now: dt.datetime, along: Along | None) -> sql.Rows:
    """The row behind a token: the first statement of each request.

    It finds out by itself whether the connection that was kept is still good, and asks
    once more on a new one, so that no request pays for a check of its own.
    """
    connection.health_check_done = True  # type: ignore[attr-defined]
    try:
        return _ask(digest, now, along)
    except (OperationalError, InterfaceError):
        if connection.in_atomic_block:
            raise
        connection.close()
        return _ask(digest, now, along)


def _ask(digest: str, now: dt.datetime, along: Along | None) -> sql.Rows:
    parameters = {"digest": digest, "now": now}
    if along is None:
        return sql.fetch(_IDENTIFY, parameters)
    parameters |= {"wanted": along.wanted, "base": base_url()}
    return sql.fetch(_identify_and(along.statement), parameters)


@functools.cache
def _identify_and(statement: str) -> str:
    """What the statement finds for the application that the token belongs to."""
    for name in ("organization", "application", "pool"):
        statement = statement.replace(f"%({name})s", f"caller.{name}_id")
    return (
        f"WITH caller AS MATERIALIZED ({_IDENTIFY}) "
        f"SELECT caller.*, along.* FROM caller LEFT JOIN LATERAL ({statement}) along ON true"
    )


#: How many columns there are of a caller.
_COLUMNS = 14
_IDENTIFY = """
SELECT token.id AS token_id, token.last_used_at,
    organization.id AS organization_id, organization.slug, organization.name, organization.plan,
    organization.scim_enabled,
    application.id AS application_id, application.name AS application_name, application.product,
    application.idp,
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
