"""What to press in the identity provider, with this application's real values (R6)."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render

from accounts.models import Application
from accounts.pages.access import AdminRequest, admin_required
from scim import applications, mapping
from scim.pages import rows


@admin_required
def guide(request: AdminRequest, application_id: uuid.UUID) -> HttpResponse:
    """For the application's own identity provider, or another one that is asked for."""
    application = get_object_or_404(rows.applications(request.organization), pk=application_id)
    asked = request.GET.get("idp")
    idp = asked if asked in Application.Idp.values else application.idp
    context = context_of(application, idp) | {"idps": Application.Idp.choices}
    return render(request, "scim/guide.html", context)


def context_of(application: Application, idp: str) -> dict[str, Any]:
    """What scim/guides/*.html need."""
    title = "In its console" if idp == Application.Idp.OTHER else f"In {Application.Idp(idp).label}"
    return {
        "application": application,
        "base_url": applications.base_url(),
        "idp": idp,
        "steps": f"scim/guides/{idp}.html",
        "steps_title": title,
        "attributes": mapping.table(idp),
    }
