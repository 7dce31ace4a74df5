"""R2: applications are independent of each other."""

import functools

import pytest

from accounts.models import Person
from tests.factories import (
    connect,
    dump,
    explain,
    grant,
    holders,
    ledger,
    manage,
    organization,
    seat_of,
)

pytestmark = pytest.mark.django_db

ADA = "ada@acme.example"


@pytest.fixture
def sales(owner):
    return connect(owner, product="sales-navigator", seats=5, name="Okta Sales")


@pytest.fixture
def teamlink(owner):
    return connect(owner, product="teamlink-extend", seats=5, name="Okta TeamLink")


def test_one_human_pushed_by_two_applications_is_one_person_with_a_seat_of_each_pool(
    owner, sales, teamlink
):
    """R2: a second application feeds the second pool; each has its own link and token."""
    first, second = sales.create(ADA), teamlink.create(ADA)
    assert (first.status, second.status) == (201, 201)
    assert first.id != second.id
    assert Person.objects.of(owner).count() == 1
    assert holders(owner) == holders(owner, "teamlink-extend") == [ADA]


def test_deactivating_in_one_application_leaves_the_other_alone(owner, sales, teamlink):
    """R2: a push to one never changes a seat, link or active flag of another."""
    mine, theirs = sales.create(ADA), teamlink.create(ADA)
    before = teamlink.get(theirs.id).json
    sales.set_active(mine.id, False)
    assert holders(owner) == []
    assert holders(owner, "teamlink-extend") == [ADA]
    assert teamlink.get(theirs.id).json == before


def test_deleting_in_one_application_leaves_the_other_alone(owner, sales, teamlink):
    """R2, R13: the person leaves that application only; the account stays."""
    mine, theirs = sales.create(ADA), teamlink.create(ADA)
    before = teamlink.get(theirs.id).json
    assert sales.delete(mine.id).status == 204
    assert sales.get(mine.id).status == 404
    assert teamlink.get(theirs.id).json == before
    assert (holders(owner), holders(owner, "teamlink-extend")) == ([], [ADA])


def test_each_application_has_its_own_external_id_name_and_groups(owner, sales, teamlink):
    """R2: a push to one never changes a link or group of another."""
    mine = sales.create(ADA, externalId="okta-1")
    theirs = teamlink.create(ADA, externalId="tle-1", title="Countess")
    sales.create_group("Team", mine.id)
    group = teamlink.create_group("Team", theirs.id)
    assert group.status == 201
    sales.patch(f"/Users/{mine.id}", ("replace", "title", "Engineer"))
    shown = teamlink.get(theirs.id).json
    assert (shown["externalId"], shown["title"]) == ("tle-1", "Countess")
    assert [g["value"] for g in shown["groups"]] == [group.id]


def test_the_profile_falls_to_the_next_application_when_its_owner_lets_go(owner, sales, teamlink):
    """R2, R8: the first application owns the profile, the next takes over what it says."""
    mine = sales.create(ADA, title="Engineer")
    teamlink.create(ADA, title="Countess")
    person = Person.objects.get(organization=owner)
    assert (person.title, person.managed_by) == ("Engineer", sales.application)
    sales.delete(mine.id)
    person.refresh_from_db()
    assert (person.title, person.managed_by) == ("Countess", teamlink.application)
    assert person.removed_at is None


def test_the_account_goes_when_the_last_application_lets_go(owner, sales, teamlink):
    """R13: the account itself goes only when nothing else holds it."""
    mine, theirs = sales.create(ADA), teamlink.create(ADA)
    sales.delete(mine.id)
    assert explain(owner, ADA).exit == 0
    teamlink.delete(theirs.id)
    assert explain(owner, ADA).json["error"]["code"] == "person_not_found"


def test_a_seat_passes_to_the_other_application_of_the_same_pool(owner):
    """R2: whom two applications of one pool provide keeps the seat until both let go."""
    first = connect(owner, seats=1, name="Okta")
    second = connect(owner, name="Entra")
    mine, theirs = first.create(ADA), second.create(ADA)
    assert theirs.status == 201  # one person, one seat: the full pool is no obstacle
    manage("activate_seat", owner.slug, "sales-navigator", ADA)
    assert seat_of(owner, ADA).application == first.application
    first.delete(mine.id)
    seat = seat_of(owner, ADA)
    assert (seat.application, seat.state) == (second.application, "activated")
    second.set_active(theirs.id, False)
    assert holders(owner) == []


def test_a_seat_passes_on_when_the_first_application_deactivates(owner):
    """R2: deactivating in one application of a pool leaves what the other one gives."""
    first, second = connect(owner, seats=1), connect(owner)
    mine, theirs = first.create(ADA), second.create(ADA)
    first.set_active(mine.id, False)
    assert holders(owner) == [ADA]
    assert second.get(theirs.id).json["active"] is True
    assert seat_of(owner, ADA).application == second.application
    assert ("release", ADA) not in ledger(owner)


def test_reactivating_in_the_first_application_needs_no_second_seat(owner):
    """R2, R15: one person never holds two seats of one pool."""
    first, second = connect(owner, seats=1), connect(owner)
    mine, _ = first.create(ADA), second.create(ADA)
    first.set_active(mine.id, False)
    assert first.set_active(mine.id, True).status == 200
    assert holders(owner) == [ADA]


def test_an_application_sees_and_changes_nothing_of_another(owner, sales, teamlink):
    """R2, R11: ids of another application are 404 everywhere, and nothing changes."""
    ada = sales.create(ADA)
    group = sales.create_group("Team", ada.id)
    before = dump()
    for answer in (
        teamlink.get(ada.id),
        teamlink.replace(ada.id, ADA),
        teamlink.set_active(ada.id, False),
        teamlink.delete(ada.id),
        teamlink("GET", f"/Groups/{group.id}"),
        teamlink.replace_group(group.id, "Mine"),
        teamlink.rename_group(group.id, "Mine"),
        teamlink("DELETE", f"/Groups/{group.id}"),
    ):
        assert answer.status == 404
    assert teamlink.user_names() == []
    assert dump() == before


def test_an_application_name_is_used_once_an_organization(owner):
    """R2: applications are told apart by name."""
    arguments = ("create_scim_application", owner.slug)
    assert manage(*arguments, "Okta", "--product", "sales-navigator").exit == 0
    again = manage(*arguments, "okta", "--product", "teamlink-extend")
    assert (again.exit, again.json["error"]["code"]) == (1, "application_exists")
    other = organization()
    assert (
        manage("create_scim_application", other.slug, "Okta", "--product", "sales-navigator").exit
        == 0
    )


def test_a_pool_used_up_by_one_product_leaves_the_other_product_free(owner):
    """R2, R15: each application draws from its own pool."""
    sales = connect(owner, seats=1)
    teamlink = connect(owner, product="teamlink-extend", seats=1)
    assert sales.create(ADA).status == 201
    assert sales.create("grace@acme.example").status == 403
    assert teamlink.create("grace@acme.example").status == 201


def test_a_seat_given_by_hand_in_the_other_pool_is_untouched_by_a_push(owner, sales, teamlink):
    """R2, R12: SCIM takes over a seat of its own pool only."""
    grant(owner, ADA, "teamlink-extend")
    ada = sales.create(ADA)
    assert ada.status == 201
    assert seat_of(owner, ADA, "teamlink-extend").source == "manual"
    sales.set_active(ada.id, False)
    assert holders(owner, "teamlink-extend") == [ADA]
    sales.delete(ada.id)
    assert holders(owner, "teamlink-extend") == [ADA]
    assert explain(owner, ADA, "teamlink-extend").json["has_seat"] is True


@pytest.mark.django_db(transaction=True)
def test_two_applications_that_create_the_same_human_at_once_make_one_person(race):
    """R2, R26: one person with two links, a seat of each pool, whoever comes first."""
    owner = organization()
    sales = connect(owner, seats=20)
    teamlink = connect(owner, product="teamlink-extend", seats=20)
    for n in range(8):
        email = f"ada{n}@acme.example"
        answers = race(*(functools.partial(idp.create, email) for idp in (sales, teamlink)))
        assert [answer.status for answer in answers] == [201, 201]
    assert Person.objects.of(owner).count() == 8
    assert len(holders(owner)) == len(holders(owner, "teamlink-extend")) == 8


@pytest.mark.django_db(transaction=True)
def test_two_applications_that_delete_the_same_human_at_once_let_the_account_go(race):
    """R13, R26: the account goes when nothing else holds it, also when both let go at once."""
    owner = organization()
    sales = connect(owner, seats=20)
    teamlink = connect(owner, product="teamlink-extend", seats=20)
    for n in range(3):
        email = f"ada{n}@acme.example"
        mine, theirs = sales.create(email), teamlink.create(email)
        answers = race(
            functools.partial(sales.delete, mine.id),
            functools.partial(teamlink.delete, theirs.id),
            behind=owner,
        )
        assert [answer.status for answer in answers] == [204, 204]
        assert explain(owner, email).exit == 1
    assert holders(owner) == holders(owner, "teamlink-extend") == []


@pytest.mark.django_db(transaction=True)
def test_one_application_creates_whom_another_deletes_and_the_person_is_whole(race):
    """R2, R26: whichever is first, the second application has the person and their seat."""
    owner = organization()
    sales = connect(owner, seats=20)
    teamlink = connect(owner, product="teamlink-extend", seats=20)
    for n in range(3):
        email = f"ada{n}@acme.example"
        mine = sales.create(email)
        deleted, created = race(
            functools.partial(sales.delete, mine.id), functools.partial(teamlink.create, email)
        )
        assert (deleted.status, created.status) == (204, 201)
        assert explain(owner, email, "teamlink-extend").json["has_seat"] is True
