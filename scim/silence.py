"""Applications that send nothing any more: told once a silence, to admins and webhooks."""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid

from django.db.models import OuterRef, QuerySet, Subquery

from accounts import changes, clock, notices, webhooks
from accounts.models import Application, Organization
from scim.models import Exchange

#: An application that sends nothing for so long is looked at. Entra asks all the time; the others
#: push when something changes, so they may rest.
SILENT = dt.timedelta(days=30)
SILENT_ENTRA = dt.timedelta(days=1)


@dataclasses.dataclass(frozen=True, slots=True)
class Silent:
    application: Application
    heard_at: dt.datetime


def find(application_id: str | uuid.UUID) -> Silent | None:
    """The application, if it is silent now."""
    return next(iter(_silent(Application.objects.filter(pk=application_id))), None)


def tell() -> int:
    """What the schedule does: each silence is told once. Returns how many are silent now.

    One that never sent anything is not told of: it is being set up, and its page says so.
    """
    found = _silent(
        Application.objects.filter(
            organization__scim_enabled=True,
            organization__plan__in=[Organization.Plan.ADVANCED, Organization.Plan.ADVANCED_PLUS],
        )
    )
    for silent in found:
        changes.run(lambda silent=silent: _tell(silent))  # type: ignore[misc]
    return len(found)


def _tell(silent: Silent) -> None:
    application, heard = silent.application, silent.heard_at.isoformat()
    once = f"{application.pk} silent since {heard}"
    data = {
        "application": {"id": application.pk, "name": application.name},
        "product": application.product,
        "last_request_at": silent.heard_at,
    }
    webhooks.put(application.organization_id, "sync.stale", data, once=once)
    notices.tell(
        application.organization_id,
        "sync",
        "application_silent",
        {"application": str(application.pk)},
        once=once,
    )


def _silent(applications: QuerySet[Application]) -> list[Silent]:
    now = clock.now()
    last = Exchange.objects.filter(application=OuterRef("pk")).order_by("-at")
    found = applications.select_related("organization").annotate(
        heard_at=Subquery(last.values("at")[:1])
    )
    return [
        Silent(application, application.heard_at)
        for application in found.exclude(heard_at=None).order_by("created_at")
        if application.heard_at
        <= now - (SILENT_ENTRA if application.idp == Application.Idp.ENTRA else SILENT)
    ]
