"""Switching between organizations, and the read-only role, which changes nothing.

That nothing of another organization is shown or changed: test_nothing_meets.py.
"""

from __future__ import annotations

from typing import Any

from django.test import Client
from django.urls import reverse

from accounts import admins
from accounts.models import Role
from licensing import pools
from licensing.models import WaitingEntry
from tests.pages import addresses
from tests.pages.world import PASSWORD, World, hold_removals


def test_an_admin_of_two_organizations_switches_between_them(
    admin: Client, world: World, stranger: World
) -> None:
    admins.create(world.owner.email, organization=stranger.organization, password=PASSWORD)
    address = reverse("licensing:person", args=[stranger.person.pk])
    admin.post(reverse("accounts:switch"), {"organization": world.organization.pk})
    assert admin.get(address).status_code == 404
    admin.post(reverse("accounts:switch"), {"organization": stranger.organization.pk})
    assert admin.get(address).status_code == 200


def test_nobody_switches_to_an_organization_without_a_role_there(
    admin: Client, stranger: World
) -> None:
    answer = admin.post(reverse("accounts:switch"), {"organization": stranger.organization.pk})
    assert answer.status_code == 404


def test_an_admin_who_lost_every_role_is_told_so(admin: Client, world: World) -> None:
    Role.objects.all().delete()
    answer = admin.get("/")
    assert answer.status_code == 403
    assert "not an admin of any organization" in answer.content.decode()


def test_the_read_only_role_sees_everything_that_is_no_deed(reader: Client, world: World) -> None:
    deeds = {"new-application", "turn-off", "revoke", "rotate", "remove-admin"}
    deeds |= {"brake", "reclaim", "rules", "simulate", "setup-link"}
    deeds |= {"single-sign-on", "reset-second-step"}
    deeds |= {"webhooks", "new-webhook", "webhook", "edit-webhook", "rotate-webhook"}
    deeds |= {"delete-webhook", "webhook-delivery"}
    deeds |= {"new-person", "edit-person", "remove-person", "import", "import-file", "new-group"}
    deeds |= {"usage", "usage-file", "usage-done", "prices"}
    deeds |= {"new-schedule", "schedule", "delete-schedule", "erase-person", "erase-provided"}
    for name, address in addresses.every(world).items():
        assert reader.get(address).status_code == (403 if name in deeds else 200), name


def test_the_read_only_role_changes_nothing(reader: Client, world: World) -> None:
    removal = hold_removals(world)[0]
    deeds: list[tuple[str, list[Any], dict[str, str]]] = [
        ("scim_settings:turn_on", [], {}),
        ("scim_settings:turn_off", [], {}),
        ("scim_settings:new", [], {"name": "x"}),
        ("scim_settings:generate_token", [world.application.pk], {"days": "30"}),
        ("scim_settings:revoke_token", [world.token.pk], {}),
        ("scim_settings:new_rules", [], {"eligibility": "everyone", "when_full": "refuse"}),
        ("scim_settings:new_token", [], {"days": "30"}),
        ("scim_settings:new_discard", [], {}),
        ("scim_settings:rotate_token", [world.token.pk], {"overlap": "0"}),
        ("scim_settings:setup_link", [world.application.pk], {"for_whom": "Eve"}),
        ("scim_settings:revoke_setup_link", [world.application.setup_links.all()[0].pk], {}),
        ("scim_settings:simulate", [world.application.pk], {"user_name": "x", "deed": "push"}),
        ("licensing:set_seats", ["sales-navigator"], {"number": "99"}),
        ("scim_settings:brake", [world.application.pk], {"on": "off", "people": 1, "percent": 1}),
        ("licensing:decide", [removal.pk], {"deed": "approve"}),
        ("licensing:decide_all", [world.application.pk], {"deed": "approve", "last": removal.pk}),
        ("licensing:set_idle_rule", ["sales-navigator"], {"after_days": "1"}),
        ("licensing:reclaim", ["sales-navigator"], {"person": "all"}),
        ("licensing:reconcile_now", ["sales-navigator"], {}),
        ("licensing:give_back", ["sales-navigator", world.person.pk], {}),
        ("licensing:invite_all", ["sales-navigator"], {"days": "0"}),
        ("licensing:invite", [world.person.seats.all()[0].pk], {}),
        ("accounts:retry_mail", [], {}),
        ("accounts:undo", [1], {}),
        ("accounts:keep_audit", [], {"kept": "365"}),
        ("accounts:invite_admin", [], {"email": "x@y.example", "kind": "owner"}),
        ("accounts:invite_again", [world.invitation.pk], {}),
        ("accounts:withdraw", [world.invitation.pk], {}),
        ("accounts:change_role", [world.colleague.pk], {"kind": "owner"}),
        ("accounts:remove_admin", [world.colleague.pk], {}),
        ("licensing:restore", ["sales-navigator"], {"only": str(world.person.pk)}),
        ("licensing:reprocess", ["sales-navigator"], {}),
        ("licensing:drop", ["sales-navigator", _refused(world)], {}),
        ("scim_settings:rules", [world.application.pk], {"eligibility": "everyone"}),
        ("accounts:set_two_step", [], {"required": "yes"}),
        ("accounts:reset_second_step", [world.role.pk], {}),
        ("accounts:sso_settings", [], {}),
        ("accounts:set_sso_mode", [], {"mode": "on"}),
        ("accounts:new_webhook", [], {"name": "x"}),
        ("accounts:edit_webhook", [world.endpoint.pk], {"name": "x"}),
        ("accounts:rotate_webhook", [world.endpoint.pk], {"overlap": "0"}),
        ("accounts:delete_webhook", [world.endpoint.pk], {}),
        ("accounts:pause_webhook", [world.endpoint.pk], {}),
        ("accounts:resume_webhook", [world.endpoint.pk], {}),
        ("accounts:test_webhook", [world.endpoint.pk], {}),
        ("accounts:repeat_webhook", [world.delivery.pk], {}),
        ("licensing:new_person", [], {"email": "leia@example.com"}),
        ("licensing:edit_person", [world.sam.pk], {"email": "leia@example.com"}),
        ("licensing:remove_person", [world.sam.pk], {}),
        ("licensing:give_seat", [world.sam.pk, "teamlink-extend"], {}),
        ("licensing:take_seat", [world.sam.pk, "sales-navigator"], {}),
        ("licensing:many", [], {"deed": "remove", "whom": "all"}),
        ("licensing:import", [], {}),
        ("licensing:import_file", [world.file.pk], {}),
        ("licensing:usage", [], {}),
        ("licensing:usage_file", [world.uses.pk], {}),
        ("licensing:set_price", ["sales-navigator"], {}),
        ("licensing:new_schedule", [], {}),
        ("licensing:schedule", [world.schedule.pk], {}),
        ("licensing:pause_report", [world.schedule.pk], {"paused": "yes"}),
        ("licensing:send_report", [world.schedule.pk], {}),
        ("licensing:delete_schedule", [world.schedule.pk], {}),
        ("licensing:new_group", [], {"name": "x"}),
        ("licensing:rename_group", [world.manual_group.pk], {"name": "x"}),
        ("licensing:delete_group", [world.manual_group.pk], {}),
        ("licensing:add_members", [world.manual_group.pk], {"person": world.person.pk}),
        ("licensing:remove_members", [world.manual_group.pk], {"only": world.sam.pk}),
    ]
    for name, arguments, form in deeds:
        answer = reader.post(reverse(name, args=arguments), form)
        assert answer.status_code == 403, name
        assert "Your role here is read-only" in answer.content.decode()
    assert pools.get(world.organization, "sales-navigator").purchased == 10
    removal.refresh_from_db()
    assert removal.state == "held"
    assert "Approve all" not in reader.get(reverse("licensing:held")).content.decode()
    shown = reader.get(reverse("scim_settings:application", args=[world.application.pk]))
    assert "Generate token" not in shown.content.decode()
    assert "Change the rules" not in shown.content.decode()


def _refused(world: World) -> int:
    """Somebody whose push was refused."""
    return WaitingEntry.objects.of(world.organization).filter(person=None)[0].pk
