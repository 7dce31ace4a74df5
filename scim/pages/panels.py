"""What SCIM shows on the pages of other apps: registered in ScimConfig.ready."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import Count, OuterRef, Subquery
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.http import urlencode

from accounts import clock
from accounts.models import Application, Organization
from accounts.pages import panels
from accounts.pages.panels import Attention, Setting
from accounts.templatetags.ui import distance
from scim import tokens
from scim.models import Exchange
from scim.pages import rows, search
from scim.silence import SILENT, SILENT_ENTRA

LAST = 6
MOST_TOKENS = 5


def register() -> None:
    panels.watch(attention)
    search.register()
    panels.show("overview", last_pushes)
    panels.add_setting(
        Setting(
            "SCIM",
            "Connect Okta, OneLogin, Microsoft Entra ID or another identity provider, "
            "and manage its tokens.",
            "scim_settings:settings",
            "plug",
        )
    )


def attention(request: HttpRequest) -> Iterator[Attention]:
    """Tokens that end, requests that were refused, applications that went silent, SCIM off."""
    organization: Organization = request.organization  # type: ignore[attr-defined]
    yield from _ending_tokens(organization)
    yield from _refused(organization)
    yield from _silent(organization)
    yield from _switched_off(organization)


def last_pushes(request: HttpRequest, **_: Any) -> str:
    """The last requests of all applications, or how to connect the first one."""
    organization: Organization = request.organization  # type: ignore[attr-defined]
    exchanges = rows.last_exchanges(organization, LAST)
    connected = bool(exchanges) or organization.applications.exists()
    return render_to_string(
        "scim/last_pushes.html", {"exchanges": exchanges, "connected": connected}, request
    )


def _ending_tokens(organization: Organization) -> Iterator[Attention]:
    soon = clock.now() + rows.SOON
    ending = [token for token in tokens.living(organization) if token.expires_at <= soon]
    for token in ending[:MOST_TOKENS]:
        yield Attention(
            "warn",
            f"The token {token} of {token.application.name} expires {distance(token.expires_at)}.",
            _application(token.application_id),
            "Generate a new token",
        )
    if len(ending) > MOST_TOKENS:
        yield Attention(
            "warn",
            f"{len(ending) - MOST_TOKENS} more tokens expire within 90 days.",
            reverse("scim_settings:settings"),
            "See the applications",
        )


def _refused(organization: Organization) -> Iterator[Attention]:
    refused = (
        Exchange.objects.of(organization)
        .filter(at__gte=clock.now() - rows.DAY, status__gte=400)
        .values_list("application_id", "application__name")
        .annotate(number=Count("id"))
        .order_by("-number")
    )
    for application_id, name, number in refused[:MOST_TOKENS]:
        requests = "request" if number == 1 else "requests"
        was = "was" if number == 1 else "were"
        query = urlencode({"application": application_id, "answer": "refused"})
        yield Attention(
            "bad",
            f"{number:,} {requests} of {name} {was} refused in the last 24 hours.",
            f"{reverse('activity:log')}?{query}",
            "See what was refused",
        )


def _silent(organization: Organization) -> Iterator[Attention]:
    """Entra asks all the time; the others push when something changes, so they may rest."""
    if not (organization.may_use_scim and organization.scim_enabled):
        return  # said already, and silence is what is wanted
    last = Exchange.objects.of(organization).filter(application=OuterRef("pk")).order_by("-at")
    now = clock.now()
    found = organization.applications.annotate(last_at=Subquery(last.values("at")[:1]))
    for application in found.order_by("created_at"):
        longest = SILENT_ENTRA if application.idp == Application.Idp.ENTRA else SILENT
        heard = application.last_at
        if (heard or application.created_at) > now - longest:
            continue
        since = f"last sent something {distance(heard)}" if heard else "has not sent anything yet"
        yield Attention(
            "warn",
            f"{application.name} {since}: changes made in the identity provider may not be here.",
            reverse("scim_settings:guide", args=[application.pk]),
            "Check the connection",
        )


def _switched_off(organization: Organization) -> Iterator[Attention]:
    if organization.may_use_scim and organization.scim_enabled:
        return
    if organization.applications.exists():
        yield Attention(
            "bad",
            "SCIM is off, so every push is refused.",
            reverse("scim_settings:settings"),
            "Go to the SCIM settings",
        )


def _application(application_id: Any) -> str:
    return reverse("scim_settings:application", args=[application_id])
