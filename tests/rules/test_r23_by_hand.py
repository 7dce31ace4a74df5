"""R23: admins make and manage manual groups. R24: whose names never clash."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.models import Group, Organization, Person
from tests.factories import Idp, connect, dump, grant, manage, set_seats
from tests.pages.test_pages import text

pytestmark = pytest.mark.django_db

ADA, GRACE, HEDY = "ada@acme.example", "grace@acme.example", "hedy@acme.example"


@pytest.fixture
def idp(owner: Organization) -> Idp:
    """Ada is Okta's; Grace and Hedy were added by hand."""
    idp = connect(owner, seats=5, name="Okta")
    idp.create(ADA)
    for email in (GRACE, HEDY):
        grant(owner, email, first_name=email.split("@")[0].title())
    return idp


@pytest.fixture
def smb(owner: Organization, admin: Client, idp: Idp) -> Group:
    admin.post(reverse("licensing:new_group"), {"name": "SMB"})
    return Group.objects.get(name="SMB")


def members(owner: Organization) -> set[str]:
    return set(manage("show_group", owner.slug, "SMB").json["members"])


def to(admin: Client, deed: str, group: Group, **form: Any) -> Any:
    return admin.post(reverse(f"licensing:{deed}", args=[group.pk]), form, follow=True)


def test_a_manual_group_is_made_renamed_and_deleted_and_its_people_stay(owner, admin, smb):
    """R23."""
    to(admin, "add_members", smb, addresses=f"{ADA}, {GRACE}")
    assert "is called Mid market now" in text(to(admin, "rename_group", smb, name=" Mid market "))
    question = text(admin.get(reverse("licensing:delete_group", args=[smb.pk])))
    assert "2 people are in it. They stay as they are" in question
    assert "2 people stay as they were" in text(to(admin, "delete_group", smb))
    assert not Group.objects.exists()
    assert Person.objects.filter(removed_at=None).count() == 3


@pytest.mark.parametrize("deed", ["new", "rename"])
@pytest.mark.parametrize("whose", ["the manual group “Sellers”", "the group “Sellers” of Okta"])
def test_a_name_that_is_taken_is_refused_by_the_name_and_whose_it_is(
    owner, admin, idp, smb, deed, whose
):
    """R24: ignoring case and outer spaces."""
    if "manual" in whose:
        manage("create_group", owner.slug, "Sellers")
    else:
        idp.create_group("Sellers")
    before = dump()
    name = " sELLERS "
    answer = (
        to(admin, "rename_group", smb, name=name)
        if deed == "rename"
        else admin.post(reverse("licensing:new_group"), {"name": name})
    )
    assert answer.status_code == 422
    assert f"“sELLERS” is taken by {whose}. Nothing was created or changed" in text(answer)
    assert "displayName" not in text(answer)
    assert dump() == before


@pytest.mark.parametrize("deed", ["rename_group", "delete_group", "add_members", "remove_members"])
def test_a_group_of_an_application_is_locked(owner, admin, idp, deed):
    """R23: changed only in the identity provider, even when a form is posted anyway."""
    [ada] = idp.find(f'userName eq "{ADA}"')
    group = Group.objects.get(pk=idp.create_group("Sellers", ada["id"]).id)
    before = dump()
    person = Person.objects.get(email=GRACE if deed == "add_members" else ADA)
    answer = to(admin, deed, group, name="Mine", person=[person.pk])
    assert "Okta owns the group “Sellers”" in text(answer)
    assert dump() == before
    page = text(admin.get(reverse("licensing:group", args=[group.pk])))
    assert "Okta (Another identity provider) owns this group." in page
    assert "Delete…" not in page
    assert "Take the selected out" not in page


def test_people_are_found_by_search_and_added(owner, admin, smb):
    """R23: any people, by hand or an application's."""
    address = reverse("licensing:group", args=[smb.pk])
    found = admin.get(address, {"q": "ada"})
    assert [person.email for person in found.context["offered"]] == [ADA]
    ada = found.context["offered"][0]
    assert "1 person was added to SMB" in text(to(admin, "add_members", smb, person=ada.pk))
    assert members(owner) == {ADA}
    assert admin.get(address, {"q": "ada"}).context["offered"][0].inside
    assert "0 people were added to SMB. 1 was in it already." in text(
        to(admin, "add_members", smb, person=ada.pk)
    )


def test_people_are_added_by_a_pasted_list_and_a_file(owner, admin, smb):
    """R23: as a mail program writes addresses, in any case."""
    file = SimpleUploadedFile("x.csv", f"Name;E-mail\nHedy;{HEDY}\n".encode("utf-16"))
    to(admin, "add_members", smb, addresses=f"Ada Lovelace <{ADA.upper()}>;\n\n", file=file)
    assert members(owner) == {ADA, HEDY}


def test_unknown_addresses_are_refused_by_name_or_left_out_if_the_admin_says_so(owner, admin, smb):
    """R26: nothing half done."""
    pasted = f"{ADA}\nnobody@acme.example"
    before = dump()
    answer = to(admin, "add_members", smb, addresses=pasted)
    assert answer.status_code == 422
    assert "has nobody with nobody@acme.example. Nobody was added" in text(answer)
    assert "nobody@acme.example</textarea>" in text(answer)
    assert dump() == before
    answer = to(admin, "add_members", smb, addresses=pasted, leave_out="on")
    assert "Left out, because nobody has the address: nobody@acme.example." in text(answer)
    assert members(owner) == {ADA}


@pytest.mark.parametrize(
    "form", [{}, {"addresses": "Ada Lovelace"}, {"addresses": "x" * 1_000_001}]
)
def test_a_list_without_addresses_is_refused(owner, admin, smb, form):
    before = dump()
    assert to(admin, "add_members", smb, **form).status_code == 422
    assert dump() == before


def test_people_are_taken_out_singly_or_together(owner, admin, smb):
    to(admin, "add_members", smb, addresses=f"{ADA} {GRACE} {HEDY}")
    ids = {person.email: person.pk for person in Person.objects.all()}
    assert "1 person was taken out" in text(to(admin, "remove_members", smb, only=ids[ADA]))
    assert members(owner) == {GRACE, HEDY}
    to(admin, "remove_members", smb, person=[ids[GRACE], ids[HEDY], 999_999])
    assert members(owner) == set()
    assert "Nobody was selected." in text(to(admin, "remove_members", smb))


def test_groups_that_make_people_eligible_are_marked(owner, admin, idp):
    """R16, R23: with the application that chose them."""
    set_seats(owner, 1, "teamlink-extend")
    entra = connect(
        owner,
        product="teamlink-extend",
        name="Entra",
        eligibility="groups",
        eligible_groups=["Criteria"],
    )
    group = Group.objects.get(pk=entra.create_group("Criteria").id)
    assert "Gives licenses" in text(admin.get("/groups/"))
    page = text(admin.get(reverse("licensing:group", args=[group.pk])))
    assert "Entra has chosen this group" in page


def test_nobody_of_another_organization_joins(owner, admin, smb):
    stranger = manage("create_organization", "Stranger").json["slug"]
    manage("set_seats", stranger, "sales-navigator", 1)
    manage("grant_seat", stranger, "sales-navigator", "eve@other.example")
    eve = Person.objects.get(email="eve@other.example")
    before = dump()
    to(admin, "add_members", smb, person=eve.pk)
    assert to(admin, "add_members", smb, addresses="eve@other.example").status_code == 422
    assert dump() == before
    Group.objects.filter(pk=smb.pk).update(organization=eve.organization)
    for deed in ("rename_group", "delete_group", "add_members", "remove_members"):
        assert to(admin, deed, smb, name="Mine", person=eve.pk).status_code == 404
    assert admin.get(reverse("licensing:delete_group", args=[smb.pk])).status_code == 404
