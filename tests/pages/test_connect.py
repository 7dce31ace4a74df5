"""Settings > Global Settings > SCIM, without a browser: tokens, steps, test, log, links, dry run."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from tests.pages.world import World


def text(answer: object) -> str:
    """The page without the markup's line breaks."""
    return " ".join(answer.content.decode().split())  # type: ignore[attr-defined]


def of_application(name: str, world: World) -> str:
    return reverse(f"scim_settings:{name}", args=[world.application.pk])


@pytest.mark.parametrize("name", ["application", "guide", "test", "simulate", "setup_link"])
def test_all(admin: Client, world: World, name: str) -> None:
    answer = admin.get(of_application(name, world), follow=True)
    assert answer.status_code == 200


def test_log(admin, world):
    assert admin.get("/activity/?q=ada.lovelace@example.com").status_code == 200
    assert admin.get(f"/activity/{world.exchange.pk}/").status_code == 200
    assert b"".join(admin.get("/activity/export.csv").streaming_content)


def test_wizard(admin, world):
    assert admin.get("/settings/global/scim/").status_code == 200
    assert admin.get("/settings/global/scim/new/").status_code == 200
    form = {"name": "OneLogin", "product": "teamlink-extend", "idp": "onelogin"}
    answer = admin.post("/settings/global/scim/new/", form, follow=True)
    assert "Auto-assign" in text(answer)
    rules = {"eligibility": "groups", "eligible_groups": "SMB", "when_full": "refuse"}
    answer = admin.post("/settings/global/scim/new/licenses/", rules, follow=True)
    assert "will be refused" in text(answer)
    answer = admin.post("/settings/global/scim/new/token/", {"days": "30"})
    assert "Copy it now" in text(answer)


def test_simulate(admin, world):
    answer = admin.post(
        of_application("simulate", world),
        {"user_name": "x@example.com", "deed": "push", "groups": "Account executives\nSMB"},
    )
    assert "They would have a license" in text(answer)
