"""The rest of what a page can do, by a program: one story an area."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEntry
from licensing import idle
from licensing.models import HeldRemoval, LedgerEntry, Seat, WaitingEntry
from scim import exchanges
from tests import factories
from tests.api.conftest import SALES, Api, personal, service
from tests.pages import world as worlds
from tests.pages.test_queries import many_more
from tests.pages.world import World, hold_removals


@pytest.fixture
def world(db: None) -> World:
    return worlds.make()


@pytest.fixture
def api(world: World) -> Api:
    return service(world.organization)


def _ids(world: World) -> dict[str, Any]:
    """Every address about one thing of the organization."""
    removal = HeldRemoval.objects.of(world.organization)[0]
    refused = WaitingEntry.objects.of(world.organization).filter(refused=True)[0]
    application = world.application.pk
    return {
        f"people/{world.sam.pk}": ("GET", "PATCH", "DELETE"),
        f"people/{world.sam.pk}/explanation": ("GET",),
        f"groups/{world.manual_group.pk}": ("GET", "PATCH", "DELETE"),
        f"groups/{world.manual_group.pk}/members": ("GET", "POST"),
        f"groups/{world.manual_group.pk}/members/{world.sam.pk}": ("DELETE",),
        f"seats/{world.sam.seats.get().pk}": ("GET", "DELETE"),
        f"seats/{world.sam.seats.get().pk}/invite": ("POST",),
        f"waiting-list/{refused.pk}": ("DELETE",),
        f"removals/{removal.pk}": ("GET", "PATCH"),
        f"applications/{application}": ("GET", "PATCH"),
        f"applications/{application}/tokens": ("GET", "POST"),
        f"tokens/{world.token.pk}": ("DELETE",),
        f"tokens/{world.token.pk}/rotate": ("POST",),
        f"activity-log/{world.exchange.pk}": ("GET",),
    }


_BODIES: dict[str, dict[str, Any]] = {
    "people": {"title": "x"},
    "groups": {"name": "x"},
    "removals": {"state": "approved"},
    "applications": {"when_full": "waitlist"},
    "tokens": {"overlap_hours": 0},
}


def test_a_strangers_ids_are_not_there(world: World) -> None:
    """Every address with an id of another organization is 404, and changes nothing."""
    stranger = worlds.make("Contoso", "eve@contoso.example")
    hold_removals(stranger)
    api = personal(world.organization, world.owner)
    api.get("token")
    before = factories.dump()
    for path, methods in _ids(stranger).items():
        for method in methods:
            body = None
            if method in ("POST", "PATCH") and not path.endswith("invite"):
                body = _BODIES[path.split("/")[0]]
            if path.endswith("/members") and method == "POST":
                body = {"people": [world.sam.pk]}
            if path.endswith("/tokens") and method == "POST":
                body = {"name": "x"}
            assert api(method, path, body).status == 404, (method, path)
    assert factories.dump() == before
    given = {"product": SALES, "person": stranger.sam.pk}
    assert api.post("seats", given).status == 404
    for path in ("people", "groups", "seats", "applications", "removals", "ledger", "audit-log"):
        assert "contoso" not in str(api.get(f"{path}?limit=200").json).lower()


def test_the_number_of_queries_does_not_grow(world: World, api: Api) -> None:
    """R9: a list costs the same with ten rows and with hundreds."""
    hold_removals(world)
    exchanges.flush()
    lists = (
        *("people", "seats", "groups", "waiting-list", "removals", "ledger", "audit-log"),
        *("activity-log", "applications", "pools", f"pools/{SALES}/freed", f"pools/{SALES}/idle"),
        f"people/{world.person.pk}",
        f"groups/{world.group.pk}/members",
        *("reports/usage?departments=true", "reports/schedules"),
    )
    api.get("token")

    def counted() -> dict[str, int]:
        found = {}
        for path in lists:
            with CaptureQueriesContext(connection) as queries:
                assert api.get(path).status == 200, path
            found[path] = len(queries)
        return found

    few = counted()
    many_more(world, 120)
    assert counted() == few
    assert max(few.values()) <= 8, few


def test_a_license_is_given_and_taken_away_by_hand(world: World, api: Api) -> None:
    """R10, R12: what an application gives is not taken here."""
    made = api.post("people", {"email": "new@example.com"}).json["id"]
    factories.set_seats(world.organization, 30)
    given = api.post("seats", {"product": SALES, "person": made})
    assert (given.status, given.json["source"], given.json["person"]["id"]) == (201, "manual", made)
    assert api.post("seats", {"product": SALES, "person": made}).status == 409
    assert api.delete(f"seats/{given.json['id']}").status == 204
    freed = api.get(f"pools/{SALES}/freed").json["items"]
    assert made in [line["person"]["id"] for line in freed]
    assert api.post(f"pools/{SALES}/restore", {"people": [made]}).json == {"restored": 1}
    scim = Seat.objects.of(world.organization).filter(source="scim")[0]
    assert api.delete(f"seats/{scim.pk}").json["code"] == "not_by_hand"
    factories.check_books()


def test_licenses_are_bought_and_serve_those_who_wait(world: World, api: Api) -> None:
    """R15, R18: the pool as it is now; a refused push is dropped by name."""
    pool = api.patch(f"pools/{SALES}", {"purchased": 40, "idle_after_days": 30}).json
    assert (pool["purchased"], pool["idle_after_days"], pool["over_assigned"]) == (40, 30, 0)
    assert idle.count(factories.pool_of(world.organization)) >= 0
    line = LedgerEntry.objects.of(world.organization).filter(deed="resize").latest("id")
    assert line.seats == 40
    refused = api.get("waiting-list?refused=true").json["items"]
    assert api.delete(f"waiting-list/{refused[0]['id']}").status == 204
    assert len(api.get("waiting-list?refused=true").json["items"]) == len(refused) - 1
    assert api.post(f"pools/{SALES}/reprocess").status == 200


def test_reconciliation_is_rehearsed_unless_it_is_meant(world: World, api: Api) -> None:
    """R21: a dry run tells what would be repaired, and repairs nothing."""
    Seat.objects.of(world.organization).filter(source="scim", pool__product=SALES)[0].delete()
    told = api.post(f"pools/{SALES}/reconcile", {})
    assert told.json["drift"] > 0
    assert api.post(f"pools/{SALES}/reconcile", {"dry_run": False}).json == told.json
    assert api.post(f"pools/{SALES}/reconcile", {}).json["drift"] == 0


def test_an_admin_decides_about_a_held_removal_and_a_service_token_cannot(world: World) -> None:
    """R27: somebody answers for it, by name."""
    removal = hold_removals(world)[0]
    wanted = {"state": "approved"}
    refused = service(world.organization).patch(f"removals/{removal.pk}", wanted)
    assert (refused.status, refused.json["code"]) == (403, "personal_token_needed")
    mine = personal(world.organization, world.owner)
    decided = mine.patch(f"removals/{removal.pk}", wanted)
    assert (decided.json["state"], decided.json["decided_by"]) == ("approved", world.owner.email)
    assert mine.patch(f"removals/{removal.pk}", wanted).json["code"] == "removal_decided"


def test_groups_are_made_filled_compared_and_deleted(world: World, api: Api) -> None:
    """R23, R24, R25: an application's group is changed in the identity provider alone."""
    made = api.post("groups", {"name": "ENT"}).json
    joined = api.post(f"groups/{made['id']}/members", {"emails": ["sam@example.com"]})
    assert joined.json == {"added": 1, "already": 0}
    assert api.get(f"groups/{made['id']}").json["members"] == 1
    clash = api.post("groups", {"name": "account EXECUTIVES"})
    assert (clash.status, clash.json["code"]) == (409, "group_name_taken")
    scim = api.patch(f"groups/{world.group.pk}", {"name": "Other"})
    assert (scim.status, scim.json["code"]) == (409, "group_is_scim")
    report = api.get(f"reports/usage?groups={made['id']},{world.group.pk}&everybody=true").json
    assert [row["kind"] for row in report["rows"]] == ["everybody", "group", "group"]
    assert report["rows"][2]["group"] == made["id"]
    assert api.delete(f"groups/{made['id']}/members/{world.sam.pk}").status == 204
    assert api.delete(f"groups/{made['id']}").status == 204


def test_an_application_is_added_ruled_and_given_a_token(world: World, api: Api) -> None:
    """R2, R3, R16, R27: all that its pages do."""
    made = api.post("applications", {"name": "Okta 2", "product": SALES, "idp": "okta"}).json
    changed = api.patch(
        f"applications/{made['id']}",
        {"eligibility": "groups", "eligible_groups": ["SMB"], "brake": {"people": 9}},
    ).json
    assert (changed["eligibility"], changed["eligible_groups"]) == ("groups", ["SMB"])
    assert changed["brake"] == {"on": True, "people": 9, "percent": 20}
    issued = api.post(f"applications/{made['id']}/tokens", {"days": 30}).json
    rotated = api.post(f"tokens/{issued['id']}/rotate", {"overlap_hours": 0}).json
    assert rotated["token"] != issued["token"]
    assert api.delete(f"tokens/{rotated['id']}").status == 204
    deeds = AuditEntry.objects.of(world.organization).filter(email__startswith="Service token")
    assert {"application_added", "rules_changed", "brake_set", "token_revoked"} <= set(
        deeds.values_list("deed", flat=True)
    )


def test_the_logs_are_read_by_filters(world: World, api: Api) -> None:
    """R21, R28: with days, deeds and request ids."""
    exchange = world.exchange
    [found] = api.get(f"activity-log?request_id={exchange.request_id}").json["items"]
    whole = api.get(f"activity-log/{found['id']}").json
    assert whole["deed"].startswith("Wanted to ")
    assert whole["response"]["status"] == "403"
    assert api.get("audit-log?deed=api_token_issued").json["items"]
    assert api.get("audit-log?last=2001-01-01").json["items"] == []
    assert api.get("ledger?deed=grant&first=2001-01-01").json["items"]


def test_reports_by_email_are_listed(world: World, api: Api) -> None:
    """R25: to whom, how often, and whether they are paused."""
    paused, weekly = api.get("reports/schedules").json["items"]
    assert (paused["rhythm"], weekly["rhythm"], weekly["paused_at"]) == ("monthly", "weekly", None)
    assert paused["paused_at"]
    assert weekly["recipients"] == [world.owner.email]
