"""R23: whose groups are whose. R24: names never clash."""

import functools

import pytest

from accounts.models import Group
from tests.factories import connect, dump, holders, manage, organization

pytestmark = pytest.mark.django_db

ADA, GRACE = "ada@acme.example", "grace@acme.example"


@pytest.fixture
def idp(owner):
    return connect(owner, seats=5, name="Okta")


def _manual(owner, name, *emails):
    members = [part for email in emails for part in ("--member", email)]
    return manage("create_group", owner.slug, name, *members)


def test_scim_groups_and_memberships_are_provisioned_from_the_identity_provider(owner, idp):
    """R23: shown with their application and members in allocation order."""
    grace, ada = idp.create(GRACE, number="2"), idp.create(ADA, number="1")
    idp.create_group("Sellers", grace.id, ada.id)
    assert manage("show_group", owner.slug, "sellers").json == {
        "name": "Sellers",
        "source": "scim",
        "application": "Okta",
        "members": [ADA, GRACE],
    }


def test_admins_create_other_groups_with_any_people_in_them(owner, idp):
    """R23: SMB, MM, ENT, for usage reporting."""
    idp.create(ADA)
    manage("grant_seat", owner.slug, "sales-navigator", GRACE)
    made = _manual(owner, "SMB", ADA, GRACE)
    assert made.exit == 0
    assert (made.json["source"], made.json["application"]) == ("manual", None)
    assert set(made.json["members"]) == {ADA, GRACE}
    assert manage("show_group", owner.slug, "smb").json == made.json


def test_a_manual_group_with_somebody_unknown_is_refused_whole(owner, idp):
    """R23, R26: nothing half done."""
    idp.create(ADA)
    before = dump()
    ran = _manual(owner, "SMB", ADA, "nobody@acme.example")
    assert (ran.exit, ran.json["error"]["code"]) == (1, "person_not_found")
    assert dump() == before


def test_an_identity_provider_cannot_touch_a_manual_group(owner, idp):
    """R23: changed only where they belong; a manual group is 404 over SCIM."""
    idp.create(ADA)
    _manual(owner, "SMB", ADA)
    id = str(Group.objects.get(organization=owner, application=None).pk)
    before = dump()
    for answer in (
        idp("GET", f"/Groups/{id}"),
        idp.replace_group(id, "Mine"),
        idp.rename_group(id, "Mine"),
        idp("DELETE", f"/Groups/{id}"),
    ):
        assert answer.status == 404
    assert idp("GET", "/Groups", query={"filter": 'displayName eq "SMB"'}).json["Resources"] == []
    assert dump() == before


def test_a_manual_group_keeps_its_people_through_what_the_identity_provider_does(owner, idp):
    """R23: deactivating changes no manual group; who is deleted and comes back is in it again."""
    ada = idp.create(ADA)
    _manual(owner, "SMB", ADA)
    idp.set_active(ada.id, False)
    assert manage("show_group", owner.slug, "SMB").json["members"] == [ADA]
    idp.delete(ada.id)
    assert manage("show_group", owner.slug, "SMB").json["members"] == []
    idp.create(ADA)
    assert manage("show_group", owner.slug, "SMB").json["members"] == [ADA]


CLASHES = pytest.mark.parametrize("name", ["SMB", "smb", " SMB ", "\tsMb\n", "ＳＭＢ"])


@CLASHES
def test_pushing_a_group_with_a_manual_groups_name_is_409_and_names_it(owner, idp, name):
    """R24: uniqueness, with a message that names the clash; nothing is created or overwritten."""
    ada = idp.create(ADA)
    _manual(owner, "SMB", ADA)
    before = dump()
    answer = idp.create_group(name, ada.id)
    assert (answer.status, answer.json["scimType"]) == (409, "uniqueness")
    assert "“SMB”" in answer.detail
    assert "manual" in answer.detail
    assert dump() == before


@CLASHES
def test_pushing_a_group_with_the_name_of_another_of_the_application_is_409(owner, idp, name):
    """R24: or another group of the same application."""
    ada = idp.create(ADA)
    idp.create_group("SMB", ada.id)
    before = dump()
    answer = idp.create_group(name)
    assert (answer.status, answer.json["scimType"]) == (409, "uniqueness")
    assert "“SMB” of Okta" in answer.detail
    assert dump() == before


@CLASHES
@pytest.mark.parametrize("way", ["PUT", "PATCH"])
def test_renaming_is_held_to_the_same_rule(owner, idp, name, way):
    """R24: by PUT and by PATCH, against manual groups and against its own; nothing changes."""
    ada = idp.create(ADA)
    group = idp.create_group("Sellers", ada.id)
    _manual(owner, "SMB")
    before = dump()
    answer = idp.replace_group(group.id, name) if way == "PUT" else idp.rename_group(group.id, name)
    assert (answer.status, answer.json["scimType"]) == (409, "uniqueness")
    assert dump() == before
    assert idp.members(group.id) == [ada.id]


@CLASHES
def test_creating_a_manual_group_with_a_scim_groups_name_is_refused(owner, idp, name):
    """R24: and so is creating a manual group with a SCIM group's name."""
    idp.create_group("SMB")
    before = dump()
    ran = _manual(owner, name)
    assert (ran.exit, ran.json["error"]["code"]) == (1, "group_name_taken")
    assert "Okta" in ran.json["error"]["detail"]
    assert dump() == before
    assert _manual(owner, "MM").exit == 0
    assert _manual(owner, "mm").json["error"]["code"] == "group_name_taken"


def test_a_group_may_be_renamed_to_another_spelling_of_its_own_name(owner, idp):
    """R24: another group."""
    group = idp.create_group("SMB")
    assert idp.rename_group(group.id, "smb").status == 204
    assert idp("GET", f"/Groups/{group.id}").json["displayName"] == "smb"


def test_two_applications_may_have_groups_of_one_name(owner, idp):
    """R24, R2: another group of the same application; but a manual one clashes with both."""
    other = connect(owner, name="Entra")
    assert idp.create_group("SMB").status == other.create_group("smb").status == 201
    assert _manual(owner, "SMB").exit == 1


def test_another_organizations_groups_never_clash(owner, idp):
    """R24: of the organization."""
    other = organization()
    assert _manual(other, "SMB").exit == 0
    assert idp.create_group("SMB").status == 201


def test_a_name_is_free_again_when_its_group_is_gone(owner, idp):
    """R24: nothing is kept of a deleted group's name."""
    group = idp.create_group("SMB")
    idp("DELETE", f"/Groups/{group.id}")
    assert _manual(owner, "SMB").exit == 0


@pytest.mark.django_db(transaction=True)
def test_a_manual_and_a_scim_group_of_one_name_created_at_once_are_one(race):
    """R24: whoever comes first; the other one is told of the clash."""
    owner = organization()
    idp = connect(owner, seats=1)
    for n in range(6):
        pushed, made = race(
            functools.partial(idp.create_group, f"Group {n}"),
            functools.partial(_manual, owner, f"group {n}"),
        )
        assert (pushed.status == 201) != (made.exit == 0)
        if made.exit:
            assert made.json["error"]["code"] == "group_name_taken"
        else:
            assert (pushed.status, pushed.json["scimType"]) == (409, "uniqueness")
    assert Group.objects.of(owner).count() == 6


@pytest.mark.django_db(transaction=True)
def test_one_group_pushed_by_many_threads_is_created_once(race):
    """R24, R26: exactly one 201, the others 409."""
    owner = organization()
    idp = connect(owner, seats=1)
    answers = race(*[lambda: idp.create_group("SMB")] * 8)
    assert sorted(answer.status for answer in answers) == [201] + [409] * 7


@pytest.mark.django_db(transaction=True)
def test_renames_to_one_name_at_once_leave_one_of_that_name(race):
    """R24: renaming is held to the same rule, under any concurrency."""
    owner = organization()
    idp = connect(owner, seats=1)
    groups = [idp.create_group(f"Group {n}").id for n in range(5)]
    answers = race(
        *(functools.partial(idp.rename_group, group, "SMB") for group in groups),
        functools.partial(_manual, owner, "smb"),
    )
    done = [answer.status == 204 for answer in answers[:-1]] + [answers[-1].exit == 0]
    assert done.count(True) == 1
    assert {answer.status for answer in answers[:-1]} <= {204, 409}


@pytest.mark.django_db(transaction=True)
def test_members_added_and_removed_at_once_are_all_counted(race):
    """R23, R26: no push of one member loses another one's."""
    owner = organization()
    idp = connect(owner, seats=10, eligibility="groups", eligible_groups=["SMB"])
    ids = [idp.create(f"p{n}@acme.example").id for n in range(8)]
    group = idp.create_group("SMB", *ids[:4]).id
    answers = race(
        *(functools.partial(idp.remove_members, group, id) for id in ids[:4]),
        *(functools.partial(idp.add_members, group, id) for id in ids[4:]),
    )
    assert {answer.status for answer in answers} == {204}
    assert set(idp.members(group)) == set(ids[4:])
    assert holders(owner) == [f"p{n}@acme.example" for n in range(4, 8)]
