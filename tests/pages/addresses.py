"""Every page of the Admin Center for one world, by a name."""

from __future__ import annotations

import datetime as dt

from django.urls import reverse
from django.utils.http import urlencode

from accounts import clock
from tests.pages.world import World


def with_ids(world: World) -> dict[str, str]:
    """Pages about one thing of the organization: a stranger's is not there."""
    return {
        "person": reverse("licensing:person", args=[world.person.pk]),
        "group": reverse("licensing:group", args=[world.group.pk]),
        "application": reverse("scim_settings:application", args=[world.application.pk]),
        "brake": reverse("scim_settings:brake", args=[world.application.pk]),
        "rules": reverse("scim_settings:rules", args=[world.application.pk]),
        "guide": reverse("scim_settings:guide", args=[world.application.pk]),
        "test": _since(world, minutes=10),
        "simulate": reverse("scim_settings:simulate", args=[world.application.pk]),
        "setup-link": reverse("scim_settings:setup_link", args=[world.application.pk]),
        "rotate": reverse("scim_settings:rotate_token", args=[world.token.pk]),
        "revoke": reverse("scim_settings:revoke_token", args=[world.token.pk]),
        "request": reverse("activity:exchange", args=[world.exchange.pk]),
    }


def _since(world: World, *, minutes: int) -> str:
    """The test of the connection as if it had begun then."""
    since = (clock.now() - dt.timedelta(minutes=minutes)).isoformat()
    address = reverse("scim_settings:test", args=[world.application.pk])
    return f"{address}?{urlencode({'since': since})}"


def of_everybody() -> dict[str, str]:
    """Pages that each organization has."""
    return {
        "overview": reverse("licensing:overview"),
        "users": reverse("licensing:people"),
        "licenses": reverse("licensing:licenses"),
        "holders": reverse("licensing:pool", args=["sales-navigator"]),
        "waiting": reverse("licensing:waiting", args=["sales-navigator"]),
        "idle": reverse("licensing:idle", args=["sales-navigator"]),
        "reclaim": reverse("licensing:reclaim", args=["sales-navigator"]) + "?person=all",
        "reclaimed": reverse("licensing:reclaimed", args=["sales-navigator"]),
        "freed": reverse("licensing:freed", args=["sales-navigator"]),
        "history": reverse("licensing:history", args=["teamlink-extend"]),
        "held": reverse("licensing:held"),
        "groups": reverse("licensing:groups"),
        "admins": reverse("accounts:admins"),
        "settings": reverse("accounts:settings"),
        "scim": reverse("scim_settings:settings"),
        "new-application": reverse("scim_settings:new"),
        "turn-off": reverse("scim_settings:turn_off"),
        "activity": reverse("activity:log"),
        "help": reverse("accounts:help"),
        "styleguide": reverse("accounts:styleguide"),
    }


def every(world: World) -> dict[str, str]:
    return of_everybody() | with_ids(world)
