"""R6: the request forms that identity providers really send, end to end to the seat.

What each form becomes is tested in tests/protocol, and real conversations are replayed from
tapes; here it is the seat that counts.
"""

import pytest

from tests.factories import connect, holders

pytestmark = pytest.mark.django_db

ADA = "ada@acme.example"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


@pytest.fixture
def idp(owner):
    return connect(owner, seats=2)


DEACTIVATE = {
    "Okta": [{"op": "replace", "value": {"active": False}}],
    "Entra": [{"op": "Replace", "path": "active", "value": "False"}],
    "Entra, strict": [{"op": "replace", "path": "active", "value": False}],
    "with a URN": [
        {
            "op": "replace",
            "value": False,
            "path": "urn:ietf:params:scim:schemas:core:2.0:User:active",
        }
    ],
    "add": [{"op": "Add", "path": "active", "value": False}],
}


@pytest.mark.parametrize("who", DEACTIVATE)
def test_each_providers_way_to_deactivate_frees_the_seat(owner, idp, who):
    """R6, R13: Okta, OneLogin and Entra all work with the forms that they really send."""
    ada = idp.create(ADA)
    answer = idp("PATCH", f"/Users/{ada.id}", {"schemas": [PATCH], "Operations": DEACTIVATE[who]})
    assert (answer.status, answer.json["active"]) == (200, False)
    assert holders(owner) == []


def test_onelogin_deactivates_by_put(owner, idp):
    """R6: the whole person, with active false."""
    ada = idp.create(ADA)
    assert idp.replace(ada.id, ADA, active=False).status == 200
    assert holders(owner) == []


@pytest.mark.parametrize(
    "value",
    [
        [{"value": "{id}"}],
        {"value": "{id}"},
        [{"$ref": None, "value": "{id}"}],
    ],
)
def test_members_are_added_in_each_form(owner, value):
    """R6: one member as an object or in a list."""
    idp = connect(owner, seats=2, eligibility="groups", eligible_groups=["Sellers"])
    ada, group = idp.create(ADA), idp.create_group("Sellers")
    filled = (
        [{**item, "value": ada.id} for item in value]
        if isinstance(value, list)
        else {**value, "value": ada.id}
    )
    answer = idp(
        "PATCH",
        f"/Groups/{group.id}",
        {"schemas": [PATCH], "Operations": [{"op": "Add", "path": "members", "value": filled}]},
    )
    assert answer.status == 204
    assert holders(owner) == [ADA]


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": 'members[value eq "{id}"]'},
        {"op": "Remove", "path": "members", "value": [{"value": "{id}"}]},
    ],
    ids=["Okta", "Entra"],
)
def test_members_are_removed_in_each_form(owner, operation):
    """R6, R16: by a filter, or by a list as value."""
    idp = connect(owner, seats=2, eligibility="groups", eligible_groups=["Sellers"])
    ada = idp.create(ADA)
    other = idp.create("grace@acme.example")
    group = idp.create_group("Sellers", ada.id, other.id)
    sent = {
        name: value.replace("{id}", ada.id) if isinstance(value, str) else [{"value": ada.id}]
        for name, value in operation.items()
    }
    answer = idp("PATCH", f"/Groups/{group.id}", {"schemas": [PATCH], "Operations": [sent]})
    assert answer.status == 204
    assert idp.members(group.id) == [other.id]
    assert holders(owner) == ["grace@acme.example"]


def test_a_look_up_before_a_create_finds_nobody_with_200(owner, idp):
    """R6: interface.md: 200 with an empty list."""
    answer = idp("GET", "/Users", query={"filter": f'userName eq "{ADA}"'})
    assert (answer.status, answer.json["totalResults"], answer.json["Resources"]) == (200, 0, [])


def test_both_content_types_are_accepted(owner, idp):
    """R6: application/scim+json and application/json."""
    for n, kind in enumerate(("application/scim+json", "application/json; charset=utf-8")):
        response = idp.client.post(
            "/scim/v2/Users",
            f'{{"userName": "p{n}@acme.example"}}',
            content_type=kind,
            headers={"Authorization": f"Bearer {idp.secret}"},
        )
        assert response.status_code == 201
        assert response.headers["Content-Type"].startswith("application/scim+json")
