"""R18: whoever does not fit. R20: freed seats go to the waiting list."""

import datetime as dt

import pytest

from accounts import clock
from accounts.models import Link, Person
from licensing import tasks
from licensing.models import Pool
from tests.factories import (
    connect,
    dump,
    explain,
    grant,
    holders,
    ledger,
    manage,
    pool_of,
    set_seats,
    waiting,
)

pytestmark = pytest.mark.django_db

ADA, GRACE, HEDY = "ada@acme.example", "grace@acme.example", "hedy@acme.example"
SCIM_ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


@pytest.fixture
def idp(owner):
    """Refuses when full; its one seat is Ada's."""
    idp = connect(owner, seats=1, name="Okta")
    idp.ada = idp.create(ADA, number="5")
    return idp


@pytest.fixture
def queue(owner):
    """Keeps a waiting list; its one seat is Ada's."""
    queue = connect(owner, seats=1, name="Queue", when_full="waitlist")
    queue.ada = queue.create(ADA, number="5")
    return queue


# ---------------------------------------------------------------- refuse


def _is_refusal(answer, number):
    assert answer.status == 403
    assert answer.json["schemas"] == [SCIM_ERROR]
    assert answer.json["status"] == "403"
    assert "scimType" not in answer.json
    assert f"{number} more Sales Navigator license" in answer.detail
    return True


def test_refuse_is_what_happens_without_a_choice(owner):
    """R18: with refuse (default)."""
    made = manage("create_scim_application", owner.slug, "Okta", "--product", "sales-navigator")
    assert made.json["when_full"] == "refuse"


def test_a_push_that_does_not_fit_is_403_and_creates_nobody(owner, idp):
    """R18: a SCIM error without scimType whose detail names the product and the number."""
    assert _is_refusal(idp.create(GRACE), 1)
    assert idp.find(f'userName eq "{GRACE}"') == []
    assert not Person.objects.of(owner).filter(email=GRACE).exists()
    assert holders(owner) == [ADA]


def test_who_was_refused_stands_on_the_waiting_list_with_since_when_and_why(owner, idp):
    """R18: with since when and why."""
    noon = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
    with clock.stopped(at=noon):
        idp.create(GRACE)
    [entry] = manage("list_seats", owner.slug, "sales-navigator").json["waiting"]
    assert entry["email"] == GRACE
    assert dt.datetime.fromisoformat(entry["since"]) == noon
    assert "Okta" in entry["reason"]
    assert "refused" in entry["reason"]


def test_the_number_grows_with_each_who_is_refused_and_not_with_repeats(owner, idp):
    """R18: how many licenses the pool is short of."""
    assert _is_refusal(idp.create(GRACE), 1)
    assert _is_refusal(idp.create(GRACE), 1)
    assert _is_refusal(idp.create(HEDY), 2)
    assert _is_refusal(idp.create(GRACE), 2)
    assert waiting(owner) == [GRACE, HEDY]


def test_since_stays_when_a_refused_push_is_repeated(owner, idp):
    """R18: since when is the first time."""
    idp.create(GRACE)
    [first] = manage("list_seats", owner.slug, "sales-navigator").json["waiting"]
    idp.create(GRACE, title="Admiral")
    [second] = manage("list_seats", owner.slug, "sales-navigator").json["waiting"]
    assert first["since"] == second["since"]


def test_the_same_push_succeeds_once_a_seat_is_free(owner, idp):
    """R18: and nobody waits any more."""
    idp.create(GRACE)
    idp.set_active(idp.ada.id, False)
    answer = idp.create(GRACE)
    assert (answer.status, answer.json["active"]) == (201, True)
    assert (holders(owner), waiting(owner)) == ([GRACE], [])


def test_a_refused_push_is_not_carried_out_behind_the_identity_providers_back(owner, idp):
    """R18: the person is not created in the application, also when a seat is freed."""
    idp.create(GRACE)
    set_seats(owner, 2)
    tasks.fill_waiting_lists()
    manage("reconcile_licenses", "--organization", owner.slug)
    assert holders(owner) == [ADA]
    assert waiting(owner) == [GRACE]
    assert idp.create(GRACE).status == 201


@pytest.mark.parametrize(
    "way",
    [
        lambda idp, id: idp.set_active(id, True),
        lambda idp, id: idp.replace(id, GRACE, active=True, title="Admiral"),
        lambda idp, id: idp.patch(
            f"/Users/{id}", ("replace", None, {"active": True, "title": "Admiral"})
        ),
    ],
)
def test_a_reactivation_that_does_not_fit_is_403_and_changes_nothing(owner, idp, way):
    """R18: on reactivation by PATCH and by PUT; the person stays inactive and waits."""
    grace = idp.create(GRACE, active=False)
    before = idp.get(grace.id)
    assert _is_refusal(way(idp, grace.id), 1)
    after = idp.get(grace.id)
    assert (after.json, after.headers["ETag"]) == (before.json, before.headers["ETag"])
    assert waiting(owner) == [GRACE]
    assert _is_refusal(way(idp, grace.id), 1)
    idp.delete(idp.ada.id)
    assert way(idp, grace.id).status == 200
    assert (holders(owner), waiting(owner)) == ([GRACE], [])


def test_a_refused_reactivation_that_is_taken_back_waits_no_more(owner, idp):
    """R18: whoever is not active is not eligible, so not on the waiting list either."""
    grace = idp.create(GRACE, active=False)
    idp.set_active(grace.id, True)
    assert waiting(owner) == [GRACE]
    idp.set_active(grace.id, False)
    assert waiting(owner) == []
    assert _is_refusal(idp.create(HEDY), 1)


def test_a_refused_reactivation_that_is_deleted_waits_no_more(owner, idp):
    """R18, R13: who is gone does not wait."""
    grace = idp.create(GRACE, active=False)
    idp.set_active(grace.id, True)
    idp.delete(grace.id)
    assert waiting(owner) == []


def test_a_refused_person_who_is_given_a_seat_by_hand_waits_no_more(owner, idp):
    """R18: whoever does not fit is on the waiting list; who has a seat is not."""
    idp.create(GRACE)
    set_seats(owner, 2)
    assert grant(owner, GRACE).exit == 0
    assert (set(holders(owner)), waiting(owner)) == ({ADA, GRACE}, [])
    assert _is_refusal(idp.create(HEDY), 1)


def test_a_change_of_somebody_without_a_seat_is_not_refused(owner, idp, over_assigned):
    """R18: only what asks for a seat can be refused: a new title asks for none."""
    grace = idp.create(GRACE, active=False)
    assert idp.patch(f"/Users/{grace.id}", ("replace", "title", "Admiral")).status == 200
    assert idp.replace(grace.id, GRACE, active=False, title="Captain").status == 200
    assert waiting(owner) == []


def test_creating_somebody_inactive_is_never_refused(owner, idp):
    """R18: who is not active needs no seat."""
    assert idp.create(GRACE, active=False).status == 201


def test_a_change_of_the_refused_push_is_what_the_list_shows(owner, idp):
    """R17, R18: the place and the name on the list are those of the last push."""
    idp.create(GRACE, number="9", userName="grace.h")
    idp.create(HEDY, number="7")
    assert waiting(owner) == [HEDY, GRACE]
    idp.create(GRACE, number="1", userName="grace.h")
    assert waiting(owner) == [GRACE, HEDY]


def test_the_refusal_names_the_product_of_the_pool(owner):
    """R18: whose detail names the product."""
    idp = connect(owner, product="teamlink-extend", seats=0)
    assert "TeamLink Extend" in idp.create(ADA).detail


def test_a_refusal_is_told_in_a_bulk_request_too(owner, idp):
    """R18: as the answer of its operation."""
    answer = idp.bulk(("POST", "/Users", {"userName": GRACE}))
    [result] = answer.json["Operations"]
    assert result["status"] == "403"
    assert "1 more Sales Navigator license" in result["response"]["detail"]


def test_a_push_of_a_wrong_form_is_400_and_nobody_waits(owner, idp):
    """R18, R26: only a push that could have been done is on the waiting list."""
    assert idp("POST", "/Users", {"userName": ""}).status == 400
    assert idp.create(GRACE, active="perhaps").status == 400
    assert waiting(owner) == []


# ---------------------------------------------------------------- waitlist


def test_with_a_waiting_list_the_person_is_created_without_a_seat(owner, queue):
    """R18: created without a seat (201), with since when and why."""
    grace = queue.create(GRACE)
    assert (grace.status, grace.json["active"]) == (201, True)
    assert queue.get(grace.id).status == 200
    [entry] = manage("list_seats", owner.slug, "sales-navigator").json["waiting"]
    assert set(entry) == {"email", "since", "reason"}
    assert (entry["email"], "assigned" in entry["reason"]) == (GRACE, True)


FREEING = {
    "delete": lambda owner, queue: queue.delete(queue.ada.id),
    "deactivate": lambda owner, queue: queue.set_active(queue.ada.id, False),
    "raise": lambda owner, queue: set_seats(owner, 2),
}


@pytest.mark.parametrize("way", FREEING)
def test_a_freed_seat_goes_to_the_first_who_waits(owner, queue, way):
    """R20: in order, at once: by number, not by arrival."""
    for email, number in ((HEDY, "30"), (GRACE, "4"), ("late@acme.example", "")):
        queue.create(email, number=number)
    assert waiting(owner) == [GRACE, HEDY, "late@acme.example"]
    FREEING[way](owner, queue)
    assert GRACE in holders(owner)
    assert waiting(owner) == [HEDY, "late@acme.example"]


def test_a_seat_freed_by_leaving_a_group_goes_to_the_first_who_waits(owner):
    """R20: leave group."""
    idp = connect(
        owner, seats=1, when_full="waitlist", eligibility="groups", eligible_groups=["Sellers"]
    )
    ada, grace = idp.create(ADA, number="1"), idp.create(GRACE, number="2")
    group = idp.create_group("Sellers", ada.id, grace.id)
    assert (holders(owner), waiting(owner)) == ([ADA], [GRACE])
    idp.remove_members(group.id, ada.id)
    assert (holders(owner), waiting(owner)) == ([GRACE], [])


def test_a_seat_removed_by_hand_goes_to_the_first_who_waits(owner):
    """R20: remove by hand."""
    queue = connect(owner, seats=1, when_full="waitlist")
    grant(owner, "max@acme.example")
    queue.create(GRACE)
    assert manage("remove_seat", owner.slug, "sales-navigator", "max@acme.example").exit == 0
    assert (holders(owner), waiting(owner)) == ([GRACE], [])


def test_several_freed_seats_go_to_as_many_who_wait(owner):
    """R20: raising by three serves three."""
    queue = connect(owner, seats=0, when_full="waitlist")
    for n in range(5):
        queue.create(f"p{n}@acme.example", number=str(n))
    set_seats(owner, 3)
    assert (len(holders(owner)), len(waiting(owner))) == (3, 2)


def test_the_minutely_task_serves_those_whom_a_lost_wake_up_left_waiting(owner, queue):
    """R20: within a minute, also when something was lost."""
    queue.create(GRACE)
    Pool.objects.filter(pk=pool_of(owner).pk).update(purchased=2)
    tasks.fill_waiting_lists()
    assert (set(holders(owner)), waiting(owner)) == ({ADA, GRACE}, [])
    before = dump()
    tasks.fill_waiting_lists()
    assert dump() == before


@pytest.mark.parametrize("leave", ["deactivate", "delete"])
def test_who_leaves_the_waiting_list_is_passed_over(owner, queue, leave):
    """R20: a seat goes to whoever is eligible and active."""
    grace, _ = queue.create(GRACE, number="1"), queue.create(HEDY, number="2")
    (queue.delete if leave == "delete" else lambda id: queue.set_active(id, False))(grace.id)
    assert waiting(owner) == [HEDY]
    queue.delete(queue.ada.id)
    assert (holders(owner), waiting(owner)) == ([HEDY], [])


def test_deactivating_and_activating_takes_the_place_behind_those_who_wait(owner, queue):
    """R20, R17: who gives the seat back competes anew, in order."""
    queue.create(GRACE, number="1")
    queue.set_active(queue.ada.id, False)
    assert holders(owner) == [GRACE]
    assert queue.set_active(queue.ada.id, True).status == 200
    assert (holders(owner), waiting(owner)) == ([GRACE], [ADA])


def test_a_seat_given_by_hand_is_not_given_past_those_who_wait(owner, queue, over_assigned):
    """R15, R20: no seat is free while somebody waits."""
    queue.create(GRACE)
    refused = grant(owner, "max@acme.example")
    assert (refused.exit, refused.json["error"]["code"]) == (1, "seats_missing")


def test_who_waits_is_granted_a_seat_with_a_line_and_an_invitation(owner, queue):
    """R20, R21, R14: as any other grant."""
    queue.create(GRACE)
    queue.delete(queue.ada.id)
    assert ledger(owner)[-2:] == [("release", ADA), ("grant", GRACE)]
    told = explain(owner, GRACE).json
    assert told["has_seat"] is True


def test_one_pools_freed_seat_serves_nobody_of_the_other_pool(owner, queue):
    """R20, R2: each product has its own waiting list."""
    other = connect(owner, product="teamlink-extend", seats=0, when_full="waitlist")
    other.create(GRACE)
    queue.delete(queue.ada.id)
    assert holders(owner) == []
    assert waiting(owner, "teamlink-extend") == [GRACE]


def test_a_change_of_title_does_not_move_anybody_on_the_waiting_list(owner, queue):
    """R18, R26: since stays, the place stays."""
    grace = queue.create(GRACE)
    before = manage("list_seats", owner.slug, "sales-navigator").json["waiting"]
    queue.patch(f"/Users/{grace.id}", ("replace", "title", "Admiral"))
    assert manage("list_seats", owner.slug, "sales-navigator").json["waiting"] == before


def test_the_link_of_a_refused_person_does_not_exist(owner, idp):
    """R18, R26: not even hidden."""
    idp.create(GRACE)
    assert not Link.objects.of(owner).filter(user_name=GRACE).exists()


def test_a_refused_person_whom_the_other_application_deletes_waits_once_and_is_explained(owner):
    """R18, R22: one human is one line of the list, whatever becomes of them elsewhere."""
    sales = connect(owner, seats=1)
    teamlink = connect(owner, product="teamlink-extend", seats=0)
    ada = sales.create(ADA)
    assert teamlink.create(ADA).status == 403
    sales.delete(ada.id)
    for _ in range(2):
        assert waiting(owner, "teamlink-extend") == [ADA]
        told = explain(owner, ADA, "teamlink-extend")
        assert told.json["has_seat"] is False
        assert "1 more TeamLink Extend license" in teamlink.create(ADA).detail
    set_seats(owner, 1, "teamlink-extend")
    assert teamlink.create(ADA).status == 201
    assert waiting(owner, "teamlink-extend") == []


@pytest.mark.parametrize("eligibility", ["everyone", "groups"])
def test_who_waits_by_one_application_keeps_the_place_when_another_one_refuses(
    owner, queue, eligibility
):
    """R18, R20, R2: an application that refuses takes nobody's place that another one keeps."""
    queue.create(GRACE, number="1")
    second = connect(owner, name="Second", eligibility=eligibility)
    pushed = second.create(GRACE, number="1")
    # Whom it only syncs it need not refuse.
    assert pushed.status == (403 if eligibility == "everyone" else 201)
    assert waiting(owner) == [GRACE]
    queue.delete(queue.ada.id)
    assert (holders(owner), waiting(owner)) == ([GRACE], [])
