"""What the search box finds of SCIM: applications, and requests by their id (R28)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.db import connection
from django.urls import reverse
from django.utils.http import urlencode

from accounts.models import Application, Organization
from accounts.pages import search
from accounts.pages.search import MOST, Hit, Section
from scim.models import Exchange

#: A request's own id is looked for among so many of the newest: no index knows it.
NEWEST = 20_000
#: As config.logging takes it from a client or makes it.
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{8,128}")
_NUMBER = re.compile("[0-9]{1,18}")


def register() -> None:
    search.register(applications, order=30)
    search.register(requests, order=40)


def applications(organization: Organization, text: str) -> Section:
    found = Application.objects.of(organization).filter(name__icontains=text).order_by("name")
    hits = [
        Hit(
            application.name,
            reverse("scim_settings:application", args=[application.pk]),
            f"{application.get_idp_display()}, {application.get_product_display()}",
        )
        for application in found[:MOST]
    ]
    return Section("Applications", "plug", hits)


def requests(organization: Organization, text: str) -> Section:
    """By the number in the address of its page, or by its X-Request-Id."""
    ids = list(_ids(organization, text))
    found = (
        Exchange.objects.of(organization)
        .filter(pk__in=ids)
        .select_related("application")
        .defer("request", "response")
        .order_by("-at", "-id")
        if ids
        else []
    )
    hits = [
        Hit(
            f"{exchange.method} {exchange.path}"[:120],
            reverse("activity:exchange", args=[exchange.pk]),
            f"{exchange.status} · {exchange.application.name} · {exchange.request_id}",
        )
        for exchange in found
    ]
    more = f"{reverse('activity:log')}?{urlencode({'request': text})}"
    return Section("Requests", "activity", hits, more, "Activity log")


def _ids(organization: Organization, text: str) -> Iterator[int]:
    if _NUMBER.fullmatch(text):
        yield int(text)
    if _REQUEST_ID.fullmatch(text) and re.search("[0-9]", text):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT id FROM (SELECT id, request_id FROM scim_exchange "
                "WHERE organization_id = %s ORDER BY at DESC LIMIT %s) newest "
                "WHERE request_id = %s ORDER BY id DESC LIMIT %s",
                [organization.pk, NEWEST, text, MOST],
            )
            yield from (row[0] for row in cursor.fetchall())
