"""Exporting and erasing a person's data on their page."""

from __future__ import annotations

import json

import pytest
from django.test import Client
from django.urls import reverse

from accounts import admins
from accounts.models import AuditEntry, Person
from tests.pages.test_pages import text
from tests.pages.world import PASSWORD, World


@pytest.fixture
def colleague(world: World) -> Client:
    """An admin who is no owner."""
    client = Client()
    client.force_login(
        admins.create("kim@x.example", organization=world.organization, password=PASSWORD,
                      role="admin")
    )  # fmt: skip
    return client


def test_an_owner_exports_and_erases_on_the_persons_page(admin: Client, world: World) -> None:
    """R10, R21: the file has their sections; afterwards the page has no name, and says why."""
    sam = world.sam
    address = reverse("licensing:person", args=[sam.pk])
    assert "Export as JSON" in text(admin.get(address))
    answer = admin.post(reverse("licensing:export_person", args=[sam.pk]))
    assert answer["Content-Disposition"] == f'attachment; filename="person-{sam.pk}.json"'
    assert "no-store" in answer["Cache-Control"]
    told = json.loads(answer.content)
    assert told["sections"]["Profile"][0]["email"] == sam.email
    assert told["sections"]["Groups"] == [{"group": "SMB"}]
    erase = reverse("licensing:erase_person", args=[sam.pk])
    asked = text(admin.get(erase))
    assert "The Sales Navigator license (activated): it is free at once" in asked
    assert "Backups that were made before hold the person" in asked
    said = text(admin.post(erase, {"typed_name": "Sam Seaborn"}, follow=True))
    assert f"The data of person {sam.pk} was erased." in said
    shown = text(admin.get(address))
    assert "Seaborn" not in shown
    assert "The data of this person was erased on request" in shown
    assert "Export as JSON" not in shown
    assert "was erased on" in text(admin.post(erase, {"typed_name": "(erased)"}, follow=True))
    newest = AuditEntry.objects.latest("pk")
    assert (newest.deed, newest.email) == ("person_erased", world.owner.email)
    assert "Seaborn" not in text(admin.get(reverse("licensing:freed", args=["sales-navigator"])))


def test_whom_an_application_provides_is_not_erased(admin: Client, world: World) -> None:
    """R8: the page says what to do first, and does nothing."""
    erase = reverse("licensing:erase_person", args=[world.person.pk])
    asked = text(admin.get(erase))
    assert "Okta – Sales Navigator provides this person" in asked
    assert "Erase their data" not in asked
    said = text(admin.post(erase, {"typed_name": world.person.name}, follow=True))
    assert "Remove them in the identity provider first" in said
    assert Person.objects.get(pk=world.person.pk).email == world.person.email


def test_who_is_no_owner_exports_and_does_not_erase(colleague: Client, world: World) -> None:
    """R28: the page says who can, and the address refuses."""
    shown = text(colleague.get(reverse("licensing:person", args=[world.sam.pk])))
    assert "Owners can erase it." in shown
    assert "Erase…" not in shown
    exported = colleague.post(reverse("licensing:export_person", args=[world.sam.pk]))
    assert exported.status_code == 200
    refused = colleague.post(
        reverse("licensing:erase_person", args=[world.sam.pk]), {"typed_name": world.sam.name}
    )
    assert refused.status_code == 403
    assert "Only owners erase" in text(refused)
    assert world.sam.email


def test_another_organizations_person_is_not_there(
    admin: Client, world: World, stranger: World
) -> None:
    for name in ("export_person", "erase_person"):
        address = reverse(f"licensing:{name}", args=[stranger.sam.pk])
        assert admin.post(address, {"typed_name": stranger.sam.name}).status_code == 404
    assert stranger.sam.email
