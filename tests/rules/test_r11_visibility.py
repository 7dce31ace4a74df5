"""R11: what an application sees. R2 and the tenant's walls: nobody sees anything of a stranger."""

import pytest

from tests.factories import (
    PATCH_OP,
    connect,
    dump,
    grant,
    manage,
    organization,
    person,
    set_seats,
    stranger,
)

pytestmark = pytest.mark.django_db

ADA, MAX = "ada@acme.example", "max@acme.example"


@pytest.fixture
def sales(owner):
    set_seats(owner, 5, "teamlink-extend")
    return connect(owner, seats=5, name="Sales")


@pytest.fixture
def teamlink(owner, sales):
    return connect(owner, product="teamlink-extend", name="TeamLink")


def test_an_application_sees_those_whom_it_manages(sales, teamlink):
    """R11: and never people that only another application manages."""
    sales.create(ADA)
    assert sales.user_names() == [ADA]
    assert teamlink.user_names() == []
    assert teamlink.find(f'userName eq "{ADA}"') == []
    assert teamlink.find(f'emails.value eq "{ADA}"') == []
    assert teamlink.find("userName pr or not (userName pr)") == []


def test_an_application_sees_a_person_added_by_hand_who_holds_a_seat_of_its_pool(
    owner, sales, teamlink
):
    """R11: so that the identity provider can match them; the other pool's application cannot."""
    grant(owner, MAX)
    assert sales.user_names() == [MAX]
    assert teamlink.user_names() == []
    [found] = sales.find(f'userName eq "{MAX.upper()}"')
    assert sales.get(found["id"]).json["userName"] == MAX
    assert teamlink.get(found["id"]).status == 404
    assert teamlink.set_active(found["id"], False).status == 404


def test_both_applications_see_a_person_added_by_hand_who_holds_no_seat_at_all(
    owner, sales, teamlink
):
    """R11: or no seat at all."""
    grant(owner, MAX)
    assert manage("remove_seat", owner.slug, "sales-navigator", MAX).exit == 0
    assert sales.user_names() == teamlink.user_names() == [MAX]


def test_both_applications_see_a_person_added_by_hand_who_holds_seats_of_both_pools(
    owner, sales, teamlink
):
    """R11: people added by hand who hold a seat of its pool."""
    grant(owner, MAX)
    grant(owner, MAX, "teamlink-extend")
    assert sales.user_names() == teamlink.user_names() == [MAX]


def test_a_person_is_seen_by_nobody_else_once_an_application_manages_them(owner, sales, teamlink):
    """R11: it never sees people that only another application manages."""
    grant(owner, MAX)
    manage("remove_seat", owner.slug, "sales-navigator", MAX)
    [found] = teamlink.find(f'userName eq "{MAX}"')
    assert teamlink.replace(found["id"], MAX).status == 200
    assert sales.user_names() == []
    assert sales.get(found["id"]).status == 404


def test_people_added_by_hand_in_another_organization_are_never_seen(owner, sales):
    """R11: and never another organization's."""
    other = organization()
    set_seats(other, 1)
    grant(other, "eve@evil.example")
    assert sales.user_names() == []
    assert sales.find('userName eq "eve@evil.example" or userName pr') == []


def test_manual_groups_are_not_shown(owner, sales):
    """R11, R23: manual groups are not shown over SCIM, neither as groups nor on people."""
    ada = sales.create(ADA)
    manage("create_group", owner.slug, "SMB", "--member", ADA)
    assert sales("GET", "/Groups").json["totalResults"] == 0
    assert "groups" not in sales.get(ada.id).json
    assert sales.find('groups.display eq "SMB"') == []


def test_a_group_shows_no_member_whom_the_application_does_not_see(owner, sales, teamlink):
    """R11: a person by hand who got a seat of the other pool only is not seen in a group either."""
    grant(owner, MAX)
    manage("remove_seat", owner.slug, "sales-navigator", MAX)
    [found] = sales.find(f'userName eq "{MAX}"')
    group = sales.create_group("Team", found["id"])
    assert sales.members(group.id) == [found["id"]]
    grant(owner, MAX, "teamlink-extend")
    assert sales.get(found["id"]).status == 404
    assert sales.members(group.id) == []


def test_nobody_whom_another_application_manages_can_be_made_a_member(owner, sales, teamlink):
    """R11: an id that it cannot read is no member that it can add."""
    ada = teamlink.create(ADA)
    for id in (ada.id, stranger()):
        assert sales.create_group(f"Team {id}", id).status == 400
    assert sales("GET", "/Groups").json["totalResults"] == 0


def test_a_stranger_gets_404_at_every_address_and_changes_nothing():
    """R2, R11: ids of another organization are 404, exactly as ids of nobody."""
    mine = connect(organization(), seats=3)
    theirs = connect(organization(), seats=3)
    ada = mine.create(ADA)
    group = mine.create_group("Team", ada.id)
    before = dump()

    def asked(user, group):
        body = person(ADA)
        patch = {
            "schemas": [PATCH_OP],
            "Operations": [{"op": "replace", "path": "active", "value": False}],
        }
        rename = {
            "schemas": [PATCH_OP],
            "Operations": [{"op": "replace", "path": "displayName", "value": "Mine"}],
        }
        answers = [
            theirs("GET", f"/Users/{user}"),
            theirs("PUT", f"/Users/{user}", body),
            theirs("PATCH", f"/Users/{user}", patch),
            theirs("DELETE", f"/Users/{user}"),
            theirs("GET", f"/Groups/{group}"),
            theirs("PUT", f"/Groups/{group}", {"displayName": "Mine"}),
            theirs("PATCH", f"/Groups/{group}", rename),
            theirs("DELETE", f"/Groups/{group}"),
            theirs("GET", f"/Users/{user}/"),
            theirs("GET", f"/Users/{user.upper()}"),
            theirs("GET", f"/Users/{user}", query={"attributes": "userName"}),
            theirs("GET", f"/Users/{user}", **{"If-None-Match": "*"}),
            theirs("DELETE", f"/Users/{user}", **{"If-Match": "*"}),
        ]
        bulk = theirs.bulk(
            ("PUT", f"/Users/{user}", body),
            ("PATCH", f"/Users/{user}", patch),
            ("DELETE", f"/Users/{user}", None),
            ("PUT", f"/Groups/{group}", {"displayName": "X"}),
            ("PATCH", f"/Groups/{group}", rename),
            ("DELETE", f"/Groups/{group}", None),
        )
        statuses = [answer.status for answer in answers]
        statuses += [int(result["status"]) for result in bulk.json["Operations"]]
        details = [
            answer.detail.split(" (")[0]
            .replace(user, "ID")
            .replace(user.upper(), "ID")
            .replace(group, "ID")
            for answer in answers
        ]
        return statuses, details

    known, unknown = asked(ada.id, group.id), asked(stranger(), stranger())
    assert set(known[0]) == {404}
    assert known == unknown
    assert dump() == before


def test_a_stranger_finds_nothing_by_any_search():
    """R11: lists, filters, sorting and searches end at the organization."""
    mine = connect(organization(), seats=3)
    theirs = connect(organization(), seats=3)
    ada = mine.create(ADA, externalId="ada-1")
    group = mine.create_group("Team", ada.id)
    for filter in (
        f'id eq "{ada.id}"',
        f'userName eq "{ADA}"',
        'externalId eq "ada-1"',
        "userName pr",
        f'emails[value eq "{ADA}"]',
        f'userName eq "x" or id eq "{ada.id}"',
        'not (userName eq "x")',
        f'groups.value eq "{group.id}"',
        "active eq true or active eq false",
        "userName pr and (id pr or meta.created pr)",
    ):
        assert theirs.find(filter) == [], filter
        found = theirs("POST", "/Users/.search", {"filter": filter})
        assert found.json["totalResults"] == 0, filter
    for filter in (
        f'id eq "{group.id}"',
        'displayName eq "team"',
        f'members.value eq "{ada.id}"',
        "displayName pr or not (displayName pr)",
    ):
        found = theirs("GET", "/Groups", query={"filter": filter})
        assert found.json["totalResults"] == 0, filter
    assert theirs("GET", "/Users", query={"sortBy": "userName"}).json["totalResults"] == 0
    everything = theirs("POST", "/.search", {"filter": "id pr"})
    assert everything.json["totalResults"] == 0


def test_a_strangers_person_cannot_be_made_a_member():
    """R11: naming an id of another organization in a group is as naming nobody's."""
    mine = connect(organization(), seats=3)
    theirs = connect(organization(), seats=3)
    ada = mine.create(ADA)
    before = dump()
    known, unknown = theirs.create_group("Team", ada.id), theirs.create_group("Team", stranger())
    assert known.status == unknown.status == 400
    assert dump() == before


def test_the_same_human_in_two_organizations_is_two_people():
    """R11: creating somebody whom another organization has says nothing of it."""
    mine = connect(organization(), seats=1)
    theirs = connect(organization(), seats=1)
    ada = mine.create(ADA, title="Engineer")
    other = theirs.create(ADA)
    assert other.status == 201
    assert other.id != ada.id
    assert "title" not in other.json
    theirs.delete(other.id)
    assert mine.get(ada.id).status == 200


def test_a_person_who_is_hidden_cannot_be_made_a_member_either(owner):
    """R11: whom /Users does not show because they hold a seat of the other pool only."""
    extend = connect(owner, seats=5, product="teamlink-extend")
    sales = connect(owner, seats=5)
    grant(owner, "max@acme.example", "teamlink-extend")
    [hidden] = extend.find('userName eq "max@acme.example"')
    assert sales.find('userName eq "max@acme.example"') == []
    group = sales.create_group("Team").id
    for refused in (
        sales.create_group("Other", hidden["id"]),
        sales.add_members(group, hidden["id"]),
    ):
        assert (refused.status, refused.json["scimType"]) == (400, "invalidValue")
        assert hidden["id"] in refused.detail
    assert extend.create_group("Team", hidden["id"]).status == 201
