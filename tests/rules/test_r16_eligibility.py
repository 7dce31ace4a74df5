"""R16: who is eligible."""

import pytest

from tests.factories import connect, explain, holders, ledger, manage, seat_of, waiting

pytestmark = pytest.mark.django_db

ADA, GRACE = "ada@acme.example", "grace@acme.example"


def _by_groups(owner, *names, seats=5, **more):
    return connect(owner, seats=seats, eligibility="groups", eligible_groups=names, **more)


def test_everyone_whom_the_application_provides_is_eligible(owner):
    """R16: eligible is everyone whom the application provisions."""
    idp = connect(owner, seats=5)
    idp.create(ADA)
    assert holders(owner) == [ADA]


def test_a_group_push_decides_nothing_where_everyone_is_eligible(owner):
    """R16: only with --eligibility groups do groups decide."""
    idp = connect(owner, seats=5)
    ada = idp.create(ADA)
    group = idp.create_group("Sellers", ada.id)
    idp.remove_members(group.id, ada.id)
    idp("DELETE", f"/Groups/{group.id}")
    assert holders(owner) == [ADA]
    assert ledger(owner)[1:] == [("grant", ADA)]


def test_no_group_chosen_means_sync_people_only(owner):
    """R16: chosen groups with none chosen yet: nobody gets a seat."""
    idp = _by_groups(owner)
    ada = idp.create(ADA)
    assert ada.status == 201
    idp.create_group("Sellers", ada.id)
    idp.set_active(ada.id, False)
    idp.set_active(ada.id, True)
    manage("reconcile_licenses", "--organization", owner.slug)
    assert holders(owner) == waiting(owner) == []
    assert "only syncs people" in explain(owner, ADA).json["because"][0]


def test_members_of_a_chosen_group_get_a_seat_and_leaving_frees_it(owner):
    """R16: leaving the last such group frees the seat."""
    idp = _by_groups(owner, "Sellers")
    ada, grace = idp.create(ADA), idp.create(GRACE)
    assert holders(owner) == []
    group = idp.create_group("Sellers", ada.id)
    assert holders(owner) == [ADA]
    idp.add_members(group.id, grace.id)
    assert set(holders(owner)) == {ADA, GRACE}
    idp.remove_members(group.id, ada.id)
    assert holders(owner) == [GRACE]
    idp.replace_group(group.id, "Sellers", ada.id)
    assert holders(owner) == [ADA]
    idp.replace_group(group.id, "Sellers")
    assert holders(owner) == []


@pytest.mark.parametrize("name", ["sellers", " Sellers ", "SELLERS", "ｓｅｌｌｅｒｓ"])
def test_a_chosen_name_is_found_in_any_case(owner, name):
    """R16, R24: names are told apart without case and outer spaces."""
    idp = _by_groups(owner, name)
    ada = idp.create(ADA)
    idp.create_group("Sellers", ada.id)
    assert holders(owner) == [ADA]


def test_a_group_may_be_chosen_before_it_is_pushed(owner):
    """R16: by the command, with a name that is yet to be pushed, and several of them."""
    made = manage(
        "create_scim_application",
        owner.slug,
        "Okta",
        "--product",
        "sales-navigator",
        "--eligibility",
        "groups",
        "--eligible-group",
        "Sellers",
        "--eligible-group",
        "Managers",
    )
    assert made.json["eligibility"] == "groups"


def test_whoever_is_in_two_chosen_groups_keeps_the_seat_when_leaving_one(owner):
    """R16: the last such group."""
    idp = _by_groups(owner, "Sellers", "Managers")
    ada = idp.create(ADA)
    sellers, managers = idp.create_group("Sellers", ada.id), idp.create_group("Managers", ada.id)
    manage("activate_seat", owner.slug, "sales-navigator", ADA)
    idp.remove_members(sellers.id, ada.id)
    assert (holders(owner), seat_of(owner, ADA).state) == ([ADA], "activated")
    idp("DELETE", f"/Groups/{managers.id}")
    assert holders(owner) == []


def test_membership_of_a_group_that_is_not_chosen_gives_nothing(owner):
    """R16: members of chosen SCIM groups."""
    idp = _by_groups(owner, "Sellers")
    ada = idp.create(ADA)
    assert idp.create_group("Cooks", ada.id).status == 201
    assert holders(owner) == []
    assert "none of the groups" in explain(owner, ADA).json["because"][0]


def test_a_manual_group_with_the_chosen_name_gives_nothing(owner):
    """R16, R23: chosen SCIM groups; manual ones are for reporting."""
    idp = _by_groups(owner, "Sellers")
    idp.create(ADA)
    manage("create_group", owner.slug, "Sellers", "--member", ADA)
    manage("reconcile_licenses", "--organization", owner.slug)
    assert holders(owner) == []


def test_a_group_of_another_application_with_the_chosen_name_gives_nothing(owner):
    """R16, R2: each application chooses among its own groups."""
    idp = _by_groups(owner, "Sellers")
    other = connect(owner, product="teamlink-extend", eligibility="groups")
    idp.create(ADA)
    theirs = other.create(ADA)
    assert other.create_group("Sellers", theirs.id).status == 201
    assert holders(owner) == holders(owner, "teamlink-extend") == []


def test_a_chosen_group_that_is_renamed_stays_chosen(owner):
    """R16: nobody loses a seat because a group has a new name."""
    idp = _by_groups(owner, "Sellers")
    ada, grace = idp.create(ADA), idp.create(GRACE)
    group = idp.create_group("Sellers", ada.id)
    assert idp.rename_group(group.id, "Sales people").status == 204
    assert holders(owner) == [ADA]
    idp.add_members(group.id, grace.id)
    assert set(holders(owner)) == {ADA, GRACE}
    idp.remove_members(group.id, ada.id, grace.id)
    assert holders(owner) == []


def test_a_group_that_is_renamed_to_a_chosen_name_becomes_chosen(owner):
    """R16: its members are eligible from then on."""
    idp = _by_groups(owner, "Sellers")
    ada = idp.create(ADA)
    group = idp.create_group("Cooks", ada.id)
    assert holders(owner) == []
    assert idp.replace_group(group.id, "Sellers", ada.id).status == 200
    assert holders(owner) == [ADA]


def test_deleting_a_chosen_group_frees_seats_and_a_new_one_of_the_name_is_chosen_again(owner):
    """R16: deleted and recreated; the people themselves stay."""
    idp = _by_groups(owner, "Sellers")
    ada = idp.create(ADA)
    group = idp.create_group("Sellers", ada.id)
    assert idp("DELETE", f"/Groups/{group.id}").status == 204
    assert holders(owner) == []
    assert idp.get(ada.id).json["active"] is True
    idp.create_group("Sellers", ada.id)
    assert holders(owner) == [ADA]


def test_whoever_is_in_a_chosen_group_and_not_active_gets_no_seat(owner):
    """R16: whoever is eligible and active."""
    idp = _by_groups(owner, "Sellers")
    ada = idp.create(ADA, active=False)
    idp.create_group("Sellers", ada.id)
    assert holders(owner) == waiting(owner) == []
    idp.set_active(ada.id, True)
    assert holders(owner) == [ADA]
    idp.set_active(ada.id, False)
    assert holders(owner) == []


def test_a_person_who_is_deleted_and_comes_back_must_be_put_in_the_group_again(owner):
    """R16, R13: deleting leaves the application's groups too."""
    idp = _by_groups(owner, "Sellers")
    ada = idp.create(ADA)
    idp.create_group("Sellers", ada.id)
    idp.delete(ada.id)
    idp.create(ADA)
    assert holders(owner) == []


def test_groups_cannot_be_chosen_while_everyone_is_eligible(owner):
    """R16: the two exclude each other."""
    ran = manage(
        "create_scim_application",
        owner.slug,
        "Okta",
        "--product",
        "sales-navigator",
        "--eligible-group",
        "Sellers",
    )
    assert (ran.exit, ran.json["error"]["code"]) == (1, "groups_without_eligibility")


def test_an_ineligible_person_of_one_application_is_eligible_through_the_other(owner):
    """R16, R2: of two applications of one pool, one that entitles is enough."""
    by_groups = _by_groups(owner, "Sellers")
    everyone = connect(owner)
    ada = by_groups.create(ADA)
    assert holders(owner) == []
    second = everyone.create(ADA)
    assert seat_of(owner, ADA).application == everyone.application
    everyone.delete(second.id)
    assert holders(owner) == []
    assert by_groups.get(ada.id).status == 200
