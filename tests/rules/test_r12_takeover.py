"""R12: people added by hand are taken over, with everything that they have."""

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
    pool_of,
    seat_of,
    set_seats,
    waiting,
)

pytestmark = pytest.mark.django_db

MAX = "max@acme.example"


@pytest.fixture
def idp(owner):
    return connect(owner, seats=3, name="Okta")


def _by_post(idp, id):
    return idp.create(MAX, number="7", externalId="okta-7")


def _by_put(idp, id):
    return idp.replace(id, MAX, number="7", externalId="okta-7")


def _by_patch(idp, id):
    return idp.patch(f"/Users/{id}", ("replace", "externalId", "okta-7"))


WAYS = pytest.mark.parametrize("way", [_by_post, _by_put, _by_patch])


def _manual(owner, idp):
    """Max, by hand, with an activated seat and in a manual group. Returns his SCIM id."""
    grant(owner, MAX, first_name="Max", last_name="Manual")
    manage("activate_seat", owner.slug, "sales-navigator", MAX)
    manage("create_group", owner.slug, "SMB", "--member", MAX)
    [found] = idp.find(f'userName eq "{MAX}"')
    return found["id"]


@WAYS
def test_a_push_takes_over_with_id_seat_activation_groups_and_history(owner, idp, way):
    """R12: creating, replacing or patching takes over; the person keeps everything."""
    id = _manual(owner, idp)
    before = seat_of(owner, MAX)
    answer = way(idp, id)
    assert answer.status in (200, 201)
    assert answer.id == id
    seat = seat_of(owner, MAX)
    assert (seat.pk, seat.source, seat.application) == (before.pk, "scim", idp.application)
    assert (seat.state, seat.activated_at) == ("activated", before.activated_at)
    assert manage("show_group", owner.slug, "SMB").json["members"] == [MAX]
    assert ledger(owner)[1:] == [("grant", MAX), ("activate", MAX), ("take_over", MAX)]
    assert Person.objects.get(organization=owner).managed_by == idp.application
    assert pool_of(owner).held == 1


@WAYS
def test_whom_scim_took_over_loses_the_seat_when_deactivated(owner, idp, way):
    """R12: from then on loses the seat when deactivated."""
    id = _manual(owner, idp)
    way(idp, id)
    idp.set_active(id, False)
    assert holders(owner) == []


@WAYS
def test_whom_scim_took_over_loses_the_seat_when_deleted(owner, idp, way):
    """R12: or deleted; manual groups do not hold an account."""
    id = _manual(owner, idp)
    way(idp, id)
    assert idp.delete(id).status == 204
    assert holders(owner) == []
    assert explain(owner, MAX).exit == 1


@pytest.mark.parametrize(
    "way",
    [
        lambda idp, id: idp.create(MAX, active=False),
        lambda idp, id: idp.replace(id, MAX, active=False),
        lambda idp, id: idp.set_active(id, False),
    ],
)
def test_a_takeover_that_deactivates_frees_the_seat_at_once(owner, idp, way):
    """R12, R13: the person is managed from now on, and inactive."""
    id = _manual(owner, idp)
    answer = way(idp, id)
    assert answer.json["active"] is False
    assert holders(owner) == []
    assert seat_count(owner) == 0
    assert ledger(owner)[-1] == ("release", MAX)


def seat_count(owner):
    return pool_of(owner).held


def test_creating_twice_is_409_uniqueness_and_changes_nothing(owner, idp):
    """R12: whom the same application manages already."""
    idp.create(MAX)
    before = dump()
    for email in (MAX, MAX.upper(), f" {MAX} ".strip()):
        answer = idp.create(email, title="Other")
        assert (answer.status, answer.json["scimType"]) == (409, "uniqueness")
        assert email in answer.detail
    assert dump() == before


def test_creating_whom_scim_took_over_already_is_409(owner, idp):
    """R12: after the takeover the application manages the person."""
    id = _manual(owner, idp)
    _by_patch(idp, id)
    assert idp.create(MAX).status == 409


def test_taking_over_by_post_matches_the_address_in_any_case(owner, idp):
    """R12: the same human under another spelling."""
    id = _manual(owner, idp)
    answer = idp.create("max.manual", emails=[{"value": MAX.upper(), "primary": True}])
    assert (answer.status, answer.id) == (201, id)
    assert Person.objects.of(owner).count() == 1


def test_a_person_without_a_seat_is_taken_over_and_gets_one(owner, idp):
    """R12, R16: everyone whom the application provisions is eligible."""
    id = _manual(owner, idp)
    manage("remove_seat", owner.slug, "sales-navigator", MAX)
    assert _by_patch(idp, id).status == 200
    assert seat_of(owner, MAX).source == "scim"


def test_a_takeover_without_a_free_seat_is_refused_and_the_person_stays_by_hand(owner, idp):
    """R12, R18: nothing was changed, and they stand on the waiting list."""
    grant(owner, MAX)
    manage("remove_seat", owner.slug, "sales-navigator", MAX)
    set_seats(owner, 0)
    [found] = idp.find(f'userName eq "{MAX}"')
    person = Person.objects.get(organization=owner)
    for way in (_by_post, _by_put, _by_patch):
        answer = way(idp, found["id"])
        assert answer.status == 403
        assert "1 more Sales Navigator license" in answer.detail
        assert waiting(owner) == [MAX]
    assert idp.get(found["id"]).json == found
    person.refresh_from_db()
    assert (person.managed_by, person.added_by_hand) == (None, True)
    told = explain(owner, MAX).json
    assert told["has_seat"] is False
    assert "refused" in " ".join(told["because"])
    set_seats(owner, 1)
    assert _by_post(idp, found["id"]).status == 201
    assert (holders(owner), waiting(owner)) == ([MAX], [])


def test_a_seat_given_by_hand_that_scim_never_took_over_is_removed_only_by_hand(owner, idp):
    """R12: no push of others, no reconciliation and no full pool takes it."""
    grant(owner, MAX)
    ada = idp.create("ada@acme.example")
    idp.delete(ada.id)
    manage("reconcile_licenses", "--organization", owner.slug)
    assert (holders(owner), seat_of(owner, MAX).source) == ([MAX], "manual")
    assert manage("remove_seat", owner.slug, "sales-navigator", MAX).json == {"removed": True}
    assert holders(owner) == []


def test_a_seat_that_scim_manages_cannot_be_removed_by_hand(owner, idp):
    """R8, R12: the identity provider is the source of truth for what it manages."""
    idp.create(MAX)
    ran = manage("remove_seat", owner.slug, "sales-navigator", MAX)
    assert (ran.exit, ran.json["error"]["code"]) == (1, "seat_is_scim")
    assert "Okta" in ran.json["error"]["detail"]
    assert holders(owner) == [MAX]


def test_a_seat_given_by_hand_to_somebody_whom_scim_manages_is_removed_only_by_hand(owner):
    """R12: SCIM took over no such seat: an admin gave it to somebody whom SCIM manages already."""
    idp = connect(owner, seats=2, eligibility="groups")
    ada = idp.create("ada@acme.example")
    assert holders(owner) == []
    assert grant(owner, "ada@acme.example").json["source"] == "manual"
    idp.patch(f"/Users/{ada.id}", ("replace", "title", "Countess"))
    assert seat_of(owner, "ada@acme.example").source == "manual"
    idp.set_active(ada.id, False)
    assert holders(owner) == ["ada@acme.example"]
    idp.delete(ada.id)
    assert holders(owner) == ["ada@acme.example"]
    assert seat_of(owner, "ada@acme.example").source == "manual"


def test_removing_a_seat_by_hand_from_somebody_who_is_eligible_gives_them_scims(owner):
    """R12, R16: the hand takes its own seat; whoever is eligible and active has a seat."""
    idp = connect(owner, seats=1, eligibility="groups", eligible_groups=["Sellers"])
    ada = idp.create("ada@acme.example")
    grant(owner, "ada@acme.example")
    idp.create_group("Sellers", ada.id)
    assert seat_of(owner, "ada@acme.example").source == "manual"
    manage("remove_seat", owner.slug, "sales-navigator", "ada@acme.example")
    assert seat_of(owner, "ada@acme.example").source == "scim"


@WAYS
def test_with_eligibility_by_groups_the_seat_is_kept_until_they_were_eligible(owner, way):
    """R12, R16: keeps the seat; from then on loses it when no longer eligible."""
    idp = connect(owner, seats=2, eligibility="groups", eligible_groups=["Sellers"])
    id = _manual(owner, idp)
    assert way(idp, id).status in (200, 201)
    seat = seat_of(owner, MAX)
    assert (seat.source, seat.state) == ("scim", "activated")
    manage("reconcile_licenses", "--organization", owner.slug)
    assert holders(owner) == [MAX]
    group = idp.create_group("Sellers", id)
    assert seat_of(owner, MAX).state == "activated"
    idp.remove_members(group.id, id)
    assert holders(owner) == []


def test_with_eligibility_by_groups_a_kept_seat_goes_with_deactivation(owner):
    """R12, R13: from then on loses the seat when deactivated."""
    idp = connect(owner, seats=2, eligibility="groups", eligible_groups=["Sellers"])
    id = _manual(owner, idp)
    _by_put(idp, id)
    idp.set_active(id, False)
    assert holders(owner) == []
    idp.set_active(id, True)
    assert holders(owner) == []


def test_a_person_by_hand_in_an_eligible_group_gets_no_seat_before_the_takeover(owner):
    """R12, R16: eligible are those whom the application provisions."""
    idp = connect(owner, seats=2, eligibility="groups", eligible_groups=["Sellers"])
    grant(owner, MAX)
    manage("remove_seat", owner.slug, "sales-navigator", MAX)
    [found] = idp.find(f'userName eq "{MAX}"')
    assert idp.create_group("Sellers", found["id"]).status == 201
    assert holders(owner) == []
    idp.replace(found["id"], MAX)
    assert seat_of(owner, MAX).source == "scim"


def test_a_seat_in_the_other_pool_is_untouched_by_a_takeover(owner, idp):
    """R12, R2: the seat of the application's own pool is taken over, no other."""
    set_seats(owner, 2, "teamlink-extend")
    id = _manual(owner, idp)
    grant(owner, MAX, "teamlink-extend")
    manage("activate_seat", owner.slug, "teamlink-extend", MAX)
    before = ledger(owner, "teamlink-extend")
    _by_post(idp, id)
    idp.set_active(id, False)
    idp.set_active(id, True)
    idp.delete(id)
    seat = seat_of(owner, MAX, "teamlink-extend")
    assert (seat.source, seat.state, seat.application) == ("manual", "activated", None)
    assert ledger(owner, "teamlink-extend") == before
    assert holders(owner) == []


def test_a_full_pool_is_no_obstacle_for_a_takeover_with_a_seat(owner, idp):
    """R12, R15: the seat is theirs already, even while over-assigned."""
    id = _manual(owner, idp)
    set_seats(owner, 1)
    assert _by_post(idp, id).status == 201
    assert holders(owner) == [MAX]


def test_repeating_a_takeover_changes_nothing_more(owner, idp):
    """R12, R26: a repeated PUT is the same person, the same seat, the same ledger."""
    id = _manual(owner, idp)
    _by_put(idp, id)
    before = dump()
    assert _by_put(idp, id).status == 200
    assert dump() == before


def test_an_empty_patch_of_a_person_by_hand_takes_over_or_changes_nothing_at_all(owner, idp):
    """R12: patching takes over, also when it says what is so already."""
    id = _manual(owner, idp)
    assert idp.set_active(id, True).status == 200
    assert seat_of(owner, MAX).source == "scim"


@pytest.mark.django_db(transaction=True)
def test_two_applications_that_take_over_at_once_both_have_the_person(race):
    """R2, R12, R26: one takes over, the other one has a link of its own; neither is robbed."""
    owner = organization()
    first = connect(owner, seats=9, name="First")
    second = connect(owner, name="Second")
    for n in range(6):
        email = f"max{n}@acme.example"
        grant(owner, email)
        [found] = first.find(f'userName eq "{email}"')
        patched, created = race(
            functools.partial(first.patch, f"/Users/{found['id']}", ("replace", "title", "Boss")),
            functools.partial(second.create, email),
            behind=owner if n % 2 else None,
        )
        assert created.status == 201
        assert second.get(created.id).status == 200
        assert patched.status in (200, 404)
        if patched.status == 200:
            assert first.get(found["id"]).status == 200
            assert created.id != found["id"]
        else:
            assert created.id == found["id"]
    assert Person.objects.of(owner).count() == len(holders(owner)) == 6


@pytest.mark.django_db(transaction=True)
def test_many_posts_that_take_over_the_same_person_take_over_once(race):
    """R12, R26: exactly one 201, the others 409."""
    owner = organization()
    idp = connect(owner, seats=2)
    grant(owner, MAX)
    answers = race(*[lambda: idp.create(MAX)] * 8)
    assert sorted(answer.status for answer in answers) == [201] + [409] * 7
    assert ledger(owner).count(("take_over", MAX)) == 1


@pytest.mark.parametrize("ends", ["deactivated", "deleted"])
def test_a_kept_seat_goes_with_the_application_that_took_it_over(owner, ends):
    """R12, R2: that another application of the pool has the person active, too, holds no seat."""
    first = connect(owner, seats=2, eligibility="groups")
    second = connect(owner, eligibility="groups")
    grant(owner, MAX)
    max_ = first.create(MAX)
    second.create(MAX)
    assert seat_of(owner, MAX).application == first.application
    if ends == "deactivated":
        first.set_active(max_.id, False)
    else:
        first.delete(max_.id)
    assert holders(owner) == []
