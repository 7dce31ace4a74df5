"""R19: a group push that makes more people eligible than fit."""

import pytest

from tests.factories import (
    PATCH_OP,
    connect,
    holders,
    ledger,
    set_seats,
    waiting,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["refuse", "waitlist"])
def idp(owner, request):
    """Two seats, five people in no group yet; members of Sellers are eligible."""
    idp = connect(
        owner,
        seats=2,
        eligibility="groups",
        eligible_groups=["Sellers"],
        when_full=request.param,
        name="Okta",
    )
    idp.ids = [idp.create(f"p{n}@acme.example", number=str(n)).id for n in range(5)]
    return idp


def _emails(*numbers):
    return [f"p{n}@acme.example" for n in numbers]


def _is_refusal(answer, number):
    assert answer.status == 403
    assert "scimType" not in answer.json
    assert f"{number} more Sales Navigator license" in answer.detail
    return True


def test_creating_such_a_group_is_201_and_the_next_push_tells(owner, idp):
    """R19: an error would make the identity provider create it again."""
    group = idp.create_group("Sellers", *idp.ids)
    assert group.status == 201
    assert len(group.json["members"]) == 5
    assert (holders(owner), waiting(owner)) == (_emails(0, 1), _emails(2, 3, 4))
    assert _is_refusal(idp.replace_group(group.id, "Sellers", *idp.ids), 3)


def test_put_and_patch_are_403_each_time_until_everyone_fits(owner, idp):
    """R19: with that same 403 each time, so that the identity provider shows it."""
    group = idp.create_group("Sellers")
    for _ in range(2):
        assert _is_refusal(idp.add_members(group.id, *idp.ids), 3)
        assert _is_refusal(idp.replace_group(group.id, "Sellers", *idp.ids), 3)
    set_seats(owner, 4)
    assert _is_refusal(idp.add_members(group.id, *idp.ids), 1)
    set_seats(owner, 5)
    assert idp.add_members(group.id, *idp.ids).status == 204
    assert idp.replace_group(group.id, "Sellers", *idp.ids).status == 200
    assert waiting(owner) == []


def test_the_memberships_are_kept_and_the_first_in_order_are_seated(owner, idp):
    """R19: keeps the memberships, seats the first ones in order."""
    group = idp.create_group("Sellers")
    idp.add_members(group.id, *reversed(idp.ids))
    assert set(idp.members(group.id)) == set(idp.ids)
    assert (holders(owner), waiting(owner)) == (_emails(0, 1), _emails(2, 3, 4))


def test_a_push_that_takes_members_out_is_told_as_long_as_others_wait(owner, idp):
    """R19: each time; what it takes out is out, and its seat goes on in order."""
    group = idp.create_group("Sellers", *idp.ids)
    assert _is_refusal(idp.remove_members(group.id, idp.ids[0]), 2)
    assert (holders(owner), waiting(owner)) == (_emails(1, 2), _emails(3, 4))
    assert _is_refusal(idp.remove_members(group.id, idp.ids[4]), 1)
    assert idp.remove_members(group.id, idp.ids[3]).status == 204


def test_renaming_a_group_whose_members_wait_is_told_and_done(owner, idp):
    """R19: apart from this an error means that nothing was changed."""
    group = idp.create_group("Sellers", *idp.ids)
    assert _is_refusal(idp.rename_group(group.id, "Sales"), 3)
    assert idp("GET", f"/Groups/{group.id}").json["displayName"] == "Sales"
    assert _is_refusal(idp.replace_group(group.id, "Sellers", *idp.ids), 3)


def test_a_group_that_becomes_eligible_by_its_new_name_is_told(owner, idp):
    """R19: a group push that makes more people eligible than fit."""
    group = idp.create_group("Cooks", *idp.ids)
    assert idp.replace_group(group.id, "Cooks", *idp.ids).status == 200
    assert _is_refusal(idp.rename_group(group.id, "Sellers"), 3)
    assert holders(owner) == _emails(0, 1)


def test_another_group_of_the_application_is_not_told(owner, idp):
    """R19: only the group whose members wait."""
    idp.create_group("Sellers", *idp.ids)
    other = idp.create_group("Cooks", *idp.ids)
    assert idp.replace_group(other.id, "Cooks", *idp.ids[:2]).status == 200
    assert idp.rename_group(other.id, "Chefs").status == 204


def test_a_push_with_two_operations_keeps_both(owner, idp):
    """R19, R26: the 403 tells, it takes nothing back."""
    group = idp.create_group("Sellers", idp.ids[0])
    answer = idp(
        "PATCH",
        f"/Groups/{group.id}",
        {
            "schemas": [PATCH_OP],
            "Operations": [
                {"op": "add", "path": "members", "value": [{"value": id} for id in idp.ids]},
                {"op": "replace", "path": "displayName", "value": "Sales"},
                {"op": "remove", "path": f'members[value eq "{idp.ids[0]}"]'},
            ],
        },
    )
    assert _is_refusal(answer, 2)
    shown = idp("GET", f"/Groups/{group.id}").json
    assert shown["displayName"] == "Sales"
    assert {member["value"] for member in shown["members"]} == set(idp.ids[1:])
    assert holders(owner) == _emails(1, 2)


def test_a_push_of_a_wrong_form_changes_nothing_although_others_wait(owner, idp):
    """R19, R26: any other error means that nothing was changed."""
    group = idp.create_group("Sellers", *idp.ids[:3])
    before = (idp("GET", f"/Groups/{group.id}").json, ledger(owner), waiting(owner))
    assert (
        idp.add_members(group.id, idp.ids[3], "00000000-0000-0000-0000-000000000000").status == 400
    )
    assert idp.replace_group(group.id, "", *idp.ids).status == 400
    assert (idp("GET", f"/Groups/{group.id}").json, ledger(owner), waiting(owner)) == before


def test_a_repeated_refused_push_changes_nothing(owner, idp):
    """R19, R26: same version, same people, same seats, however often."""
    group = idp.create_group("Sellers", *idp.ids)
    idp.add_members(group.id, *idp.ids)
    before = idp("GET", f"/Groups/{group.id}")
    for _ in range(3):
        assert idp.add_members(group.id, *idp.ids).status == 403
        assert idp.replace_group(group.id, "Sellers", *idp.ids).status == 403
    after = idp("GET", f"/Groups/{group.id}")
    assert (after.json, after.headers["ETag"]) == (before.json, before.headers["ETag"])
    assert [deed for deed, _ in ledger(owner)].count("grant") == 2


def test_those_who_wait_through_a_group_get_freed_seats_in_order(owner, idp):
    """R19, R20: also where pushes are refused, since their memberships are kept."""
    group = idp.create_group("Sellers", *idp.ids)
    idp.delete(idp.ids[0])
    assert (holders(owner), waiting(owner)) == (_emails(1, 2), _emails(3, 4))
    idp.set_active(idp.ids[3], False)
    idp.set_active(idp.ids[1], False)
    assert (holders(owner), waiting(owner)) == (_emails(2, 4), [])
    assert idp.replace_group(group.id, "Sellers", *idp.ids[1:]).status == 200


def test_the_refusal_in_a_bulk_request_is_that_of_the_group_push(owner, idp):
    """R19: the answer of its operation."""
    group = idp.create_group("Sellers")
    members = [{"value": id} for id in idp.ids]
    answer = idp.bulk(
        ("PUT", f"/Groups/{group.id}", {"displayName": "Sellers", "members": members})
    )
    [result] = answer.json["Operations"]
    assert result["status"] == "403"
    assert "3 more Sales Navigator licenses" in result["response"]["detail"]
    assert set(idp.members(group.id)) == set(idp.ids)


def test_each_refused_group_push_is_a_line_of_the_ledger(owner, idp):
    """R19, R21: every refusal is a line, with the request that was refused."""
    group = idp.create_group("Sellers", *idp.ids)
    idp.replace_group(group.id, "Sellers", *idp.ids)
    assert [deed for deed, _ in ledger(owner)].count("refuse") == 1


def test_a_deleted_group_leaves_nobody_waiting(owner, idp):
    """R19, R16: who is in no chosen group is not eligible."""
    group = idp.create_group("Sellers", *idp.ids)
    assert idp("DELETE", f"/Groups/{group.id}").status == 204
    assert holders(owner) == waiting(owner) == []
