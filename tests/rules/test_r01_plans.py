"""R1: who may use SCIM. R5: SCIM and SSO need not each other."""

import pytest

from accounts import organizations
from tests.factories import connect, holders, manage, organization

pytestmark = pytest.mark.django_db


def test_an_application_cannot_be_created_on_the_core_plan():
    """R1: SCIM is for plans advanced and advanced-plus only; the refusal says what is missing."""
    owner = organization(plan="core")
    ran = manage("create_scim_application", owner.slug, "Okta", "--product", "sales-navigator")
    assert ran.exit == 1
    assert ran.json["error"]["code"] == "plan_without_scim"
    assert "Advanced" in ran.json["error"]["detail"]
    assert not owner.applications.exists()


@pytest.mark.parametrize("plan", ["advanced", "advanced-plus"])
def test_both_advanced_plans_may_use_scim(plan):
    """R1: SCIM is for plans advanced and advanced-plus."""
    idp = connect(organization(plan=plan), seats=1)
    assert idp.create("ada@acme.example").status == 201


def test_a_plan_lowered_later_makes_scim_answer_403_with_the_reason(owner):
    """R1: on another plan SCIM answers 403 with that reason; seats and people stay."""
    idp = connect(owner, seats=1)
    ada = idp.create("ada@acme.example")
    assert manage("set_plan", owner.slug, "core").exit == 0

    for answer in (
        idp.get(ada.id),
        idp.create("grace@acme.example"),
        idp.set_active(ada.id, False),
        idp.delete(ada.id),
        idp("GET", "/ServiceProviderConfig"),
        idp("POST", "/Bulk", {}),
    ):
        assert answer.status == 403
        assert answer.json["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
        assert "Core" in answer.detail
        assert "Advanced" in answer.detail
    assert holders(owner) == ["ada@acme.example"]

    manage("set_plan", owner.slug, "advanced")
    assert idp.get(ada.id).status == 200


def test_scim_switched_off_answers_403_and_says_where_to_switch_it_on(owner):
    """R1: an admin turns SCIM on at Settings > Global Settings > SCIM."""
    idp = connect(owner, seats=1)
    organizations.turn_scim_off(owner)
    answer = idp.create("ada@acme.example")
    assert answer.status == 403
    assert "Settings" in answer.detail
    assert holders(owner) == []
    organizations.turn_scim_on(owner)
    assert idp.create("ada@acme.example").status == 201


def test_scim_cannot_be_switched_on_for_the_core_plan():
    """R1: for plans advanced and advanced-plus only."""
    owner = organization(plan="core")
    with pytest.raises(organizations.Refusal) as refused:
        organizations.turn_scim_on(owner)
    assert refused.value.code == "plan_without_scim"


def test_a_token_of_a_core_organization_that_is_not_valid_is_still_only_401(owner):
    """R1, R3: whoever has no valid token learns nothing about the plan."""
    idp = connect(owner, seats=1)
    manage("set_plan", owner.slug, "core")
    idp.secret = idp.secret[:-1] + ("0" if idp.secret[-1] != "0" else "1")
    assert idp("GET", "/Users").status == 401


def test_scim_works_in_an_organization_without_any_admin_or_single_sign_on(owner):
    """R5: SCIM needs no SSO."""
    idp = connect(owner, seats=1)
    assert not owner.admins.exists()
    assert idp.create("ada@acme.example").status == 201


def test_an_admin_signs_in_where_scim_is_off(owner, client, monkeypatch):
    """R5: signing in needs no SCIM."""
    monkeypatch.setenv("SEATKEEPER_PASSWORD", "correct horse battery")
    assert not owner.scim_enabled
    made = manage("create_admin", "ann@acme.example", "--organization", owner.slug)
    assert made.exit == 0
    assert client.login(username="ann@acme.example", password="correct horse battery")


def test_no_push_touches_the_table_of_admins(owner, client, monkeypatch):
    """R5: an identity provider can neither make an admin nor lock one out."""
    monkeypatch.setenv("SEATKEEPER_PASSWORD", "correct horse battery")
    manage("create_admin", "ann@acme.example", "--organization", owner.slug)
    idp = connect(owner, seats=2)
    ann = idp.create(
        "ann@acme.example", password="battery horse correct", roles=[{"value": "owner"}]
    )
    idp.create("eve@acme.example", roles=[{"value": "admin", "primary": True}])
    idp.set_active(ann.id, False)
    idp.delete(ann.id)
    assert [admin.email for admin in owner.admins.all()] == ["ann@acme.example"]
    assert client.login(username="ann@acme.example", password="correct horse battery")
    assert not client.login(username="ann@acme.example", password="battery horse correct")
