"""Settings > API tokens, and the reference at /api/v1/."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts import admins, api_tokens
from accounts.models import ApiToken
from tests import factories
from tests.pages import world as worlds
from tests.pages.test_every_page import _expect_none, _trouble
from tests.pages.world import PASSWORD, World

FORM = {"name": "Payroll sync", "kind": "own", "scopes": ["people:write"], "days": "30"}


def _make(client: Client, **form: Any) -> Any:
    return client.post(reverse("accounts:new_api_token"), FORM | form)


def test_a_token_is_shown_once_and_kept_as_a_hash(admin: Client, world: World) -> None:
    """R3: as SCIM's; no page and no table has it afterwards, and no cache may keep it."""
    answer = _make(admin)
    [secret] = set(re.findall(r"seatkeeper_api_[0-9A-Za-z]{46}", answer.content.decode()))
    assert answer["Cache-Control"] == "no-store, private"
    assert secret not in admin.get(reverse("accounts:api_tokens")).content.decode()
    assert secret not in factories.every_text()
    known = Client().get("/api/v1/people", headers={"Authorization": f"Bearer {secret}"})
    assert known.status_code == 200


def test_the_read_only_role_makes_tokens_that_read(reader: Client, world: World) -> None:
    """Nobody gives a program more than they may do themselves."""
    shown = reader.get(reverse("accounts:api_tokens")).content.decode()
    assert "people:read" in shown
    assert 'value="people:write"' not in shown
    assert "The organization’s" not in shown
    assert _make(reader).status_code == 422
    assert _make(reader, scopes=["people:read"]).status_code == 200
    token = ApiToken.objects.latest("issued_at")
    assert (token.scopes, token.admin is None) == (["people:read"], False)


def test_only_owners_make_and_revoke_service_tokens(world: World) -> None:
    """Others see that there are some; what they send as one is their own."""
    client = Client()
    client.force_login(world.colleague.admin)
    _make(client, kind="service", scopes=["people:read"])
    assert ApiToken.objects.latest("issued_at").admin == world.colleague.admin
    revoke = reverse("accounts:revoke_api_token", args=[world.api_token.pk])
    assert "Owners can revoke it" in client.get(revoke).content.decode()
    client.post(revoke)
    world.api_token.refresh_from_db()
    assert api_tokens.works(world.api_token)


def test_an_owner_revokes_the_token_of_somebody_else(admin: Client, world: World) -> None:
    """R28: with a line that names both."""
    mine = world.colleague.admin
    token = api_tokens.issue(
        world.organization, "Theirs", scopes=["people:read"], admin=mine, by=mine
    ).token
    answer = admin.post(reverse("accounts:revoke_api_token", args=[token.pk]), follow=True)
    assert "is revoked" in answer.content.decode()
    assert not api_tokens.works(ApiToken.objects.get(pk=token.pk))


def test_somebody_elses_personal_token_is_not_there_for_others(world: World) -> None:
    """An admin who is no owner sees the own ones and the organization's."""
    other = admins.create(
        "second@x.example", organization=world.organization, password=PASSWORD, role="admin"
    )
    token = api_tokens.issue(
        world.organization, "Theirs", scopes=["people:read"], admin=other, by=other
    ).token
    client = Client()
    client.force_login(world.colleague.admin)
    assert client.post(reverse("accounts:revoke_api_token", args=[token.pk])).status_code == 404


def test_the_reference_tells_every_operation_with_a_command_that_works(db: None) -> None:
    """Open to everybody, with the real address and without scripts of its own."""
    shown = Client().get("/api/v1/")
    page = shown.content.decode()
    assert shown.status_code == 200
    paths = Client().get("/api/v1/openapi.json").json()["paths"]
    for path, item in paths.items():
        for method in item:
            assert f"{method.upper()}</b> {path}<" in page, path
    assert "curl http://127.0.0.1:8000/api/v1/token" in page
    assert "<script>" not in page
    assert "style=" not in page


@pytest.mark.browser
def test_the_reference_and_the_new_token_are_accessible(open_page: Callable[..., Any]) -> None:
    """In both schemes and at three widths, folded and unfolded."""
    world = worlds.make()
    page = open_page(admin=world.owner)
    page.goto(reverse("accounts:api_tokens"))
    page.get_by_label("Name", exact=True).fill("Payroll sync")
    page.get_by_label("See people").check()
    page.get_by_role("button", name="Make the token").click()
    page.get_by_label("Token", exact=True).wait_for()
    trouble = _trouble(page, "a token is shown once")
    page.goto("/api/v1/")
    for title in ("Scopes", "What is sent: Add somebody by hand"):
        page.get_by_text(title).first.click()
    page.evaluate("scrollTo(0, 0)")  # what is half below the header has no size of its own
    _expect_none(trouble | _trouble(page, "reference"))
