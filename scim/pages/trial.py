"""Test the connection: waits for the identity provider's first request and tells of it (R6).

The moment from which on it waits stands in the address, so that a reload goes on waiting
and everything works without JavaScript. Nothing is changed by it.
"""

from __future__ import annotations

import datetime as dt
import uuid
from contextlib import suppress
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode

from accounts import clock
from accounts.models import Application
from accounts.pages.access import AdminRequest, admin_required
from scim import advice
from scim.models import Exchange, TurnedAway
from scim.pages import rows

#: Requests shown, and how far back an address may ask.
MOST = 20
_LONGEST = dt.timedelta(days=7)
#: After so long without a request the page says what may keep it away.
_SLOW = dt.timedelta(minutes=1)
_PRESS = {
    "okta": "In Okta: Provisioning > Integration > Edit (or Configure API Integration), then "
    "Test API Credentials.",
    "onelogin": "In OneLogin: the tab Configuration, Disable and then Enable at API Status.",
    "entra": "In Entra: Provisioning > Connectivity, then Test connection.",
    "other": "In the identity provider, test the connection or push one person.",
}


@admin_required
def trial(request: AdminRequest, application_id: uuid.UUID) -> HttpResponse:
    """Without a moment in the address it begins now."""
    application = get_object_or_404(rows.applications(request.organization), pk=application_id)
    since = _since(request.GET.get("since", ""))
    if since is None:
        address = reverse("scim_settings:test", args=[application_id])
        return redirect(f"{address}?{urlencode({'since': clock.now().isoformat()})}")
    context = {"application": application, "press": _PRESS[application.idp]}
    context |= _seen(application, since)
    part = "scim/trial.html#seen" if request.htmx else "scim/trial.html"
    return render(request, part, context)


def _since(text: str) -> dt.datetime | None:
    """The moment of the address; None when it makes no sense or is too long ago."""
    with suppress(ValueError, OverflowError):
        since = dt.datetime.fromisoformat(text.replace(" ", "+"))
        if since.tzinfo is not None and since > clock.now() - _LONGEST:
            return since
    return None


def _seen(application: Application, since: dt.datetime) -> dict[str, Any]:
    """The requests since then, the first one first, and those that were turned away."""
    exchanges = list(
        Exchange.objects.filter(application=application, at__gte=since).order_by("at", "id")[:MOST]
    )
    deeds = rows.with_deeds(application.organization, exchanges)
    away = list(
        TurnedAway.objects.filter(application=application, last_at__gte=since)
        .select_related("token")
        .order_by("last_at")
    )
    refused = next((each for each in deeds if each[0].status >= 400), None)
    worst = refused[0] if refused else None
    return {
        "since": since,
        "here": urlencode({"since": since.isoformat()}),
        "exchanges": deeds,
        "away": [(row, advice.turned_away(row)) for row in away],
        "refused": refused,
        "what_to_do": advice.what_to_do(worst.status, worst.response, worst.detail)
        if worst
        else "",
        "first": deeds[0] if deeds else None,
        "slow": not exchanges and clock.now() - since > _SLOW,
    }
