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
        "revoke-api-token": reverse("accounts:revoke_api_token", args=[world.api_token.pk]),
        "remove-admin": reverse("accounts:remove_admin", args=[world.colleague.pk]),
        "request": reverse("activity:exchange", args=[world.exchange.pk]),
        "reset-second-step": reverse("accounts:reset_second_step", args=[world.role.pk]),
        "edit-person": reverse("licensing:edit_person", args=[world.sam.pk]),
        "remove-person": reverse("licensing:remove_person", args=[world.sam.pk]),
        "erase-person": reverse("licensing:erase_person", args=[world.sam.pk]),
        "erase-provided": reverse("licensing:erase_person", args=[world.person.pk]),
        "import-file": reverse("licensing:import_file", args=[world.file.pk]),
        "usage-file": reverse("licensing:usage_file", args=[world.uses.pk]),
        "usage-done": reverse("licensing:usage_file", args=[world.recorded.pk]),
        "schedule": reverse("licensing:schedule", args=[world.schedule.pk]),
        "delete-schedule": reverse("licensing:delete_schedule", args=[world.schedule.pk]),
        "webhook": reverse("accounts:webhook", args=[world.endpoint.pk]),
        "edit-webhook": reverse("accounts:edit_webhook", args=[world.endpoint.pk]),
        "rotate-webhook": reverse("accounts:rotate_webhook", args=[world.endpoint.pk]),
        "delete-webhook": reverse("accounts:delete_webhook", args=[world.endpoint.pk]),
        "webhook-delivery": reverse("accounts:webhook_delivery", args=[world.delivery.pk]),
        "manual-group": reverse("licensing:group", args=[world.manual_group.pk]) + "?q=e",
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
        "new-person": reverse("licensing:new_person"),
        "import": reverse("licensing:import"),
        "new-group": reverse("licensing:new_group"),
        "licenses": reverse("licensing:licenses"),
        "holders": reverse("licensing:pool", args=["sales-navigator"]),
        "waiting": reverse("licensing:waiting", args=["sales-navigator"]),
        "idle": reverse("licensing:idle", args=["sales-navigator"]),
        "reclaim": reverse("licensing:reclaim", args=["sales-navigator"]) + "?person=all",
        "reclaimed": reverse("licensing:reclaimed", args=["sales-navigator"]),
        "freed": reverse("licensing:freed", args=["sales-navigator"]),
        "over-time": reverse("licensing:over_time", args=["sales-navigator"]),
        "history": reverse("licensing:history", args=["teamlink-extend"]),
        "held": reverse("licensing:held"),
        "groups": reverse("licensing:groups"),
        "report": reverse("licensing:reporting") + "?departments=1&everybody=1&days=90",
        "usage": reverse("licensing:usage"),
        "prices": reverse("licensing:prices"),
        "schedules": reverse("licensing:schedules"),
        "new-schedule": reverse("licensing:new_schedule"),
        "admins": reverse("accounts:admins"),
        "password": reverse("accounts:password"),
        "settings": reverse("accounts:settings"),
        "api-tokens": reverse("accounts:api_tokens"),
        "audit": reverse("accounts:audit"),
        "security": reverse("accounts:security"),
        "two-step": reverse("accounts:two_step"),
        "add-passkey": reverse("accounts:add_passkey"),
        "sign-in-settings": reverse("accounts:sign_in_settings"),
        "single-sign-on": reverse("accounts:sso_settings"),
        "scim": reverse("scim_settings:settings"),
        "new-application": reverse("scim_settings:new"),
        "turn-off": reverse("scim_settings:turn_off"),
        "activity": reverse("activity:log"),
        "found": reverse("accounts:search") + "?q=a",
        "webhooks": reverse("accounts:webhooks"),
        "new-webhook": reverse("accounts:new_webhook"),
        "mails": reverse("accounts:mails"),
        "mail": reverse("accounts:mail", args=["daily_summary"]),
        "mail-letter": reverse("accounts:mail_letter", args=["daily_summary"]),
        "notices": reverse("accounts:notices"),
        "preferences": reverse("accounts:preferences"),
        "help": reverse("accounts:help"),
        "styleguide": reverse("accounts:styleguide"),
    }


def every(world: World) -> dict[str, str]:
    return of_everybody() | with_ids(world)
