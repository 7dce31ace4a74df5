"""Who is let in, and what they may do."""

from __future__ import annotations

import datetime as dt

import pytest
from django.conf import settings
from django.test import Client

from accounts import admins, api_tokens, clock, roles
from accounts.models import Admin, ApiToken, AuditEntry, Organization
from tests import factories
from tests.api.conftest import PASSWORD, Api, personal, service
from tests.factories import manage


def test_every_token_that_does_not_work_gets_the_same_401(owner: Organization) -> None:
    """R3: without a hint which of the reasons it is."""
    ended = service(owner)
    with clock.stopped(at=clock.now() + dt.timedelta(days=api_tokens.DAYS, seconds=1)):
        expired = ended.get("token")
    revoked = service(owner)
    api_tokens.revoke(ApiToken.objects.latest("issued_at"))
    scim = factories.connect(owner, seats=1).secret
    answers = [
        expired,
        revoked.get("token"),
        Api("seatkeeper_api_" + "x" * 46).get("token"),
        Api("nonsense").get("token"),
        Api(scim).get("token"),
    ]
    for answer in answers:
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert answer.json["detail"] == answers[0].json["detail"]


def test_a_session_of_the_admin_center_opens_nothing_here(
    owner: Organization, admin: Admin
) -> None:
    """So that no other site can make a browser ask."""
    client = Client()
    client.force_login(admin)
    assert client.get("/api/v1/people").status_code == 401


def test_a_token_may_do_what_its_scopes_say_and_no_more(owner: Organization) -> None:
    """To write is to read too; another area is refused with the scope that is missing."""
    api = service(owner, "people:write")
    assert api.get("people").status == 200
    refused = api.get("groups")
    assert (refused.status, refused.json["code"]) == (403, "scope_missing")
    assert "groups:read" in refused.detail
    assert service(owner, "people:read").post("people", {"email": "a@b.example"}).status == 403


def test_the_role_of_the_admin_bounds_a_personal_token(owner: Organization, admin: Admin) -> None:
    """It is asked at each request: a token made before falls with the role, and rises again."""
    second = admins.create("two@x.example", organization=owner, password=PASSWORD, role="admin")
    role = second.roles.get()
    api = personal(owner, second)
    assert api.post("groups", {"name": "SMB"}).status == 201
    roles.change(owner, role.pk, "read-only", by=admin)
    assert api.post("groups", {"name": "ENT"}).status == 403
    assert api.get("groups").status == 200
    assert "groups:write" not in api.get("token").json["scopes"]
    roles.remove(owner, role.pk, by=admin)
    assert api.get("token").status == 401
    admins.create("two@x.example", organization=owner, password=PASSWORD, role="admin")
    assert api.get("token").status == 401  # a new membership is no old token's


def test_only_an_owner_requires_a_second_step(owner: Organization, admin: Admin) -> None:
    second = admins.create("two@x.example", organization=owner, password=PASSWORD, role="admin")
    wanted = {"two_step_required": True}
    assert personal(owner, second).patch("organization", wanted).status == 403
    assert personal(owner, admin).patch("organization", wanted).json["two_step_required"] is True


def test_scim_is_switched_as_on_the_page(api: Api, owner: Organization) -> None:
    """R1: off for everybody; on a plan without SCIM it stays off."""
    factories.connect(owner)
    assert api.get("organization").json["scim_enabled"] is True
    assert api.patch("organization", {"scim_enabled": False}).json["scim_enabled"] is False
    manage("set_plan", owner.slug, "core")
    refused = api.patch("organization", {"scim_enabled": True})
    assert (refused.status, refused.json["code"]) == (403, "plan_without_scim")


def test_commands_issue_and_revoke_a_token(owner: Organization) -> None:
    """R3: printed once, kept as a hash, with prefix and checksum; 90 days unless told."""
    made = manage("create_api_token", owner.slug, "Payroll", "--scope", "people:read").json
    assert made["token"].startswith("seatkeeper_api_")
    assert made["scopes"] == ["people:read"]
    assert made["token"] not in factories.every_text()
    api = Api(made["token"])
    assert api.get("token").json["name"] == "Payroll"
    assert manage("revoke_api_token", made["id"]).json["id"] == made["id"]
    assert api.get("token").status == 401
    assert {"api_token_issued", "api_token_revoked"} <= set(
        AuditEntry.objects.of(owner).values_list("deed", flat=True)
    )


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--days", "731"], "days_invalid"),
        (["--admin", "nobody@x.example"], "admin_not_found"),
    ],
)
def test_a_token_that_cannot_be_is_refused(
    owner: Organization, arguments: list[str], code: str
) -> None:
    ran = manage("create_api_token", owner.slug, "Payroll", *arguments)
    assert (ran.exit, ran.json["error"]["code"]) == (1, code)


def test_the_last_use_is_noted_once_a_minute(api: Api, django_assert_num_queries: object) -> None:
    api.get("token")
    first = ApiToken.objects.get().last_used_at
    api.get("token")
    assert ApiToken.objects.get().last_used_at == first


def test_requests_are_counted_a_token_and_told(
    owner: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Standard headers say how many are left and when to go on; another token has its own."""
    monkeypatch.setattr(settings, "API_REQUESTS_PER_MINUTE", 2)
    api = service(owner)
    left = [api.get("token").headers["RateLimit"].split(";")[1] for _ in range(2)]
    assert left == ["r=1", "r=0"]
    refused = api.get("token")
    assert (refused.status, refused.json["code"]) == (429, "too_many_requests")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert refused.headers["RateLimit-Policy"] == '"token";q=2;w=60'
    assert service(owner, name="Another").get("token").status == 200
