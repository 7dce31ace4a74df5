"""R27: an unexpected mass removal is held for review."""

import datetime as dt
import functools

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import admins, clock
from accounts.models import Group, Person
from accounts.tasks import deliver_outbox
from licensing import brake, review
from licensing.models import HeldRemoval, LedgerEntry, Policy
from licensing.tasks import carry_out_removals
from tests import factories
from tests.factories import (
    connect,
    dump,
    explain,
    grant,
    holders,
    ledger,
    organization,
    reconcile_licenses,
    seat_of,
    set_seats,
    waiting,
)

pytestmark = pytest.mark.django_db
LEA = "lea@acme.example"
HOUR = dt.timedelta(hours=1)


def crowd(owner, size, *, people=None, percent=20, **policy):
    """An application with so many seated people; idp.ids are theirs. people: the brake's limit."""
    idp = connect(owner, seats=size, name="Okta", **policy)
    made = idp.bulk(
        *(
            ("POST", "/Users", factories.person(email(n), number=str(n + 1), last=f"No {n}"))
            for n in range(size)
        )
    )
    idp.ids = [one["location"].rpartition("/")[2] for one in made.json["Operations"]]
    if people is not None:
        limits(idp, people, percent)
    return idp


def sellers(owner, size, **more):
    """The same where members of Sellers are eligible, and everybody is one."""
    idp = crowd(owner, size, eligibility="groups", eligible_groups=["Sellers"], **more)
    idp.group = idp.create_group("Sellers", *idp.ids).id
    return idp


def email(n):
    return f"p{n}@acme.example"


def limits(idp, people, percent=20, on=True):
    brake.set_limits(
        Policy.objects.get(pk=idp.application.pk), on=on, people=people, percent=percent
    )


def states(idp):
    found = HeldRemoval.objects.filter(application=idp.application).order_by("person__sort_key")
    return list(found.values_list("person__email", "wanted", "state"))


def held(idp):
    return [person for person, _, state in states(idp) if state == "held"]


def lea(owner):
    return admins.create(LEA, organization=owner, password="Correct-horse-9")


def decide(idp, deed, *emails):
    by = owner_of(idp)
    for removal in HeldRemoval.objects.filter(
        application=idp.application, person__email__in=emails, done_at=None
    ).exclude(state="superseded"):
        review.decide(removal, deed, by=by)


def decide_all(idp, deed):
    return review.decide_all(idp.application, deed, last=10**12, by=owner_of(idp))


def owner_of(idp):
    found = idp.application.organization.admins.first()
    return found or lea(idp.application.organization)


def is_held(answer, *words):
    assert answer.status == 403, answer.json
    assert "scimType" not in answer.json
    assert "held for review" in answer.detail
    assert "/licenses/held/" in answer.detail
    for word in words:
        assert word in answer.detail
    return True


# ------------------------------------------------------------------ when it fires


def test_up_to_fifty_people_may_be_removed_within_an_hour_the_next_one_is_held(owner):
    """R27: above a limit; never below 50 people by default, whatever the share."""
    idp = crowd(owner, 55)
    for id in idp.ids[:50]:
        assert idp.set_active(id, False).status == 200
    assert is_held(
        idp.set_active(idp.ids[50], False), "1 removal by Okta", "50 people", "20 %", "50 lost"
    )
    assert idp.get(idp.ids[50]).json["active"] is True
    assert holders(owner) == [email(n) for n in range(50, 55)]
    assert states(idp) == [(email(50), "deactivate", "held")]


def test_a_single_group_push_that_removes_more_than_the_limit_is_held_whole(owner):
    """R27, R26: nothing is changed: no membership, no seat, no version."""
    idp = sellers(owner, 60)
    before = idp("GET", f"/Groups/{idp.group}")
    people = dump(without=("scim_exchange", "licensing_heldremoval", "licensing_ledgerentry"))
    answer = idp.replace_group(idp.group, "Sellers and more", *idp.ids[:5])
    assert is_held(answer, "55 removals by Okta")
    assert idp("GET", f"/Groups/{idp.group}").json == before.json
    assert dump(without=("scim_exchange", "licensing_heldremoval", "licensing_ledgerentry")) == (
        people
    )
    assert len(held(idp)) == 55
    assert {wanted for _, wanted, _ in states(idp)} == {"leave_group"}


def test_fifty_of_a_group_may_go_in_one_push(owner):
    """R27: above the limit means above it."""
    idp = sellers(owner, 60)
    assert idp.replace_group(idp.group, "Sellers", *idp.ids[50:]).status == 200
    assert len(holders(owner)) == 10


def test_both_limits_must_be_passed(owner):
    """R27: more than so many people, and more than so many percent of the seats."""
    idp = crowd(owner, 20, people=3, percent=30)
    for id in idp.ids[:6]:  # 6 of 20 are 30 percent: not more
        assert idp.set_active(id, False).status == 200
    assert is_held(idp.set_active(idp.ids[6], False))


def test_the_share_is_of_the_seats_at_the_start_of_the_hour(owner):
    """R27: 5 of 10, however few are left."""
    idp = crowd(owner, 10, people=0, percent=50)
    for id in idp.ids[:5]:
        assert idp.set_active(id, False).status == 200
    assert is_held(idp.set_active(idp.ids[5], False))


def test_seats_given_by_hand_and_by_another_application_are_not_its_seats(owner):
    """R27, R2: the share is of what this application gave."""
    idp = crowd(owner, 4, people=0, percent=50)
    set_seats(owner, 40)
    other = connect(owner, name="Entra")
    for n in range(10):
        grant(owner, f"hand{n}@acme.example")
        other.create(f"other{n}@acme.example")
    assert [idp.set_active(id, False).status for id in idp.ids[:3]] == [200, 200, 403]


def test_removals_of_another_application_are_not_counted_and_not_held(owner):
    """R27, R2: by one application."""
    idp = crowd(owner, 6, people=2, percent=0)
    set_seats(owner, 10)
    other = connect(owner, name="Entra")
    theirs = [other.create(f"other{n}@acme.example").id for n in range(4)]
    limits(other, 2, 0)
    for id in theirs[:2]:
        assert other.set_active(id, False).status == 200
    assert idp.delete(idp.ids[0]).status == 204
    assert is_held(other.delete(theirs[2]))
    assert idp.delete(idp.ids[1]).status == 204
    assert is_held(idp.delete(idp.ids[2]))


def test_an_hour_later_removals_go_on(owner):
    """R27: within an hour."""
    idp = crowd(owner, 10, people=2, percent=0)
    start = clock.now()
    with clock.stopped(at=start):
        assert [idp.delete(id).status for id in idp.ids[:2]] == [204, 204]
    with clock.stopped(at=start + HOUR - dt.timedelta(seconds=1)):
        assert is_held(idp.delete(idp.ids[2]))
    with clock.stopped(at=start + HOUR + HOUR):
        assert idp.delete(idp.ids[3]).status == 204


def test_whoever_has_the_seat_again_was_not_removed(owner):
    """R27: an identity provider that takes people out of one group and puts them into another."""
    idp = crowd(owner, 4, people=1, percent=0)
    for _ in range(3):
        assert idp.set_active(idp.ids[0], False).status == 200
        assert idp.set_active(idp.ids[0], True).status == 200


def test_that_they_are_not_all_counted_each_time_lets_nobody_slip_by(owner):
    """R27: after many who came back, the limit is where it was, and a new one counts at once."""
    idp = crowd(owner, 12, people=4, percent=0)
    for _ in range(8):
        for active in (False, True):
            assert idp.set_active(idp.ids[0], active).status == 200
    assert Policy.objects.get(pk=idp.application.pk).brake_room > 0
    assert [idp.delete(id).status for id in idp.ids[1:7]] == [204] * 4 + [403] * 2
    limits(idp, 8)  # four are gone and two are held
    assert [idp.delete(id).status for id in idp.ids[7:10]] == [204, 204, 403]


def test_people_without_a_seat_come_and_go_as_they_like(owner):
    """R27: a removal takes a seat."""
    idp = sellers(owner, 6, people=0, percent=0)
    group = idp.create_group("Cooks", *idp.ids)
    assert idp.replace_group(group.id, "Cooks").status == 200
    more = [idp.create(f"more{n}@acme.example").id for n in range(3)]
    assert idp.set_active(more[0], False).status == 200
    assert idp.delete(more[1]).status == 204
    assert idp("DELETE", f"/Groups/{group.id}").status == 204


def test_other_pushes_pass_while_removals_are_held(owner):
    """R27: creates, updates without a removal, group pushes that add."""
    idp = sellers(owner, 6, people=2, percent=0)
    assert is_held(idp.replace_group(idp.group, "Sellers"))
    set_seats(owner, 7)
    new = idp.create("new@acme.example")
    assert new.status == 201
    assert idp.patch(f"/Users/{idp.ids[0]}", ("replace", "title", "Boss")).status == 200
    assert idp.add_members(idp.group, new.id).status == 204
    assert idp.rename_group(idp.group, "Sales").status == 204
    assert len(holders(owner)) == 7


def test_while_removals_are_held_further_ones_are_held_too(owner):
    """R27: a burst that was held whole leaves no room for single ones."""
    idp = sellers(owner, 8, people=3, percent=0)
    assert is_held(idp.replace_group(idp.group, "Sellers", *idp.ids[:4]))
    assert is_held(idp.delete(idp.ids[0]), "5 removals by Okta are held")
    assert is_held(idp.set_active(idp.ids[1], False), "6 removals")


def test_what_was_held_and_forgotten_holds_no_new_removals(owner):
    """R27: an old list that nobody decided stays, and one who leaves a day later may go."""
    idp = sellers(owner, 8, people=3, percent=0)
    with clock.stopped(at=clock.now() - dt.timedelta(days=1)):
        assert is_held(idp.replace_group(idp.group, "Sellers", *idp.ids[:4]))
    assert idp.delete(idp.ids[0]).status == 204
    assert is_held(idp.delete(idp.ids[7]))  # held since yesterday
    assert len(held(idp)) == 4


@pytest.mark.parametrize("push", ["patch", "put", "delete"])
def test_each_push_that_takes_a_seat_is_held(owner, push):
    """R27: PATCH and PUT of active, DELETE."""
    idp = crowd(owner, 4, people=1, percent=0)
    idp.delete(idp.ids[0])
    answer = {
        "patch": lambda: idp.set_active(idp.ids[1], False),
        "put": lambda: idp.replace(idp.ids[1], email(1), active=False, title="Gone"),
        "delete": lambda: idp.delete(idp.ids[1]),
    }[push]()
    assert is_held(answer)
    found = idp.get(idp.ids[1]).json
    assert (found["active"], found.get("title")) == (True, None)
    assert seat_of(owner, email(1)).state == "provisioned"
    wanted = "delete" if push == "delete" else "deactivate"
    assert states(idp) == [(email(1), wanted, "held")]


@pytest.mark.parametrize("push", ["patch", "replace members", "put", "delete"])
def test_each_group_push_that_takes_seats_is_held(owner, push):
    """R27: members taken out, members replaced, the group deleted."""
    idp = sellers(owner, 6, people=2, percent=0)
    answer = {
        "patch": lambda: idp.remove_members(idp.group, *idp.ids[:3]),
        "replace members": lambda: idp.patch(
            f"/Groups/{idp.group}", ("replace", "members", [{"value": id} for id in idp.ids[3:]])
        ),
        "put": lambda: idp.replace_group(idp.group, "Sellers", *idp.ids[3:]),
        "delete": lambda: idp("DELETE", f"/Groups/{idp.group}"),
    }[push]()
    gone = 6 if push == "delete" else 3
    assert is_held(answer, f"{gone} removals by Okta")
    assert set(idp.members(idp.group)) == set(idp.ids)
    assert len(holders(owner)) == 6
    assert held(idp) == [email(n) for n in range(gone)]


def test_bulk_holds_each_removal_above_the_limit(owner):
    """R27: each operation has its answer; the creations among them are done."""
    idp = crowd(owner, 6, people=2, percent=0)
    answer = idp.bulk(
        *(("DELETE", f"/Users/{id}", None) for id in idp.ids[:4]),
        ("POST", "/Users", factories.person("new@acme.example")),
    )
    statuses = [one["status"] for one in answer.json["Operations"]]
    assert statuses == ["204", "204", "403", "403", "201"]
    assert "held for review" in answer.json["Operations"][2]["response"]["detail"]
    assert held(idp) == [email(2), email(3)]


def test_a_bulk_request_that_takes_back_what_it_was_refused(owner):
    """R27: a later operation of the same request is a later push."""
    idp = crowd(owner, 4, people=0, percent=0)
    value = {"schemas": [factories.PATCH_OP]}
    off = value | {"Operations": [{"op": "replace", "path": "active", "value": False}]}
    on = value | {"Operations": [{"op": "replace", "path": "active", "value": True}]}
    path = f"/Users/{idp.ids[0]}"
    answer = idp.bulk(("PATCH", path, off), ("PATCH", path, on))
    assert [one["status"] for one in answer.json["Operations"]] == ["403", "200"]
    assert states(idp) == [(email(0), "deactivate", "superseded")]


def test_taking_people_over_as_inactive_is_a_removal_too(owner):
    """R27, R12: whoever was added by hand would lose the seat by it."""
    idp = connect(owner, seats=5, name="Okta")
    limits(idp, 1, 0)
    for n in range(3):
        grant(owner, email(n))
    assert idp.create(email(0), active=False).status == 201
    assert is_held(idp.create(email(1), active=False))
    [found] = idp.find(f'userName eq "{email(2)}"')
    assert is_held(idp.set_active(found["id"], False))
    assert holders(owner) == [email(1), email(2)]
    assert states(idp) == [(email(n), "take_over", "held") for n in (1, 2)]
    decide_all(idp, "approve")
    carry_out_removals()
    assert holders(owner) == []
    assert Person.objects.get(email=email(2)).managed_by == idp.application
    assert idp.set_active(found["id"], False).status == 200


# ------------------------------------------------------------------ limits


def test_the_admin_sets_the_limits_which_is_a_line_of_the_ledger(owner):
    """R27, R21: unless the admin sets it lower, or higher."""
    idp = crowd(owner, 10)
    policy = Policy.objects.get(pk=idp.application.pk)
    assert (policy.brake_on, policy.brake_people, policy.brake_percent) == (True, 50, 20)
    brake.set_limits(policy, on=True, people=1, percent=5, by=lea(owner))
    line = LedgerEntry.objects.filter(deed="brake").get()
    assert "lea@acme.example set the safety brake of Okta to 1 people and 5 %" in line.because
    assert [idp.delete(id).status for id in idp.ids[:2]] == [204, 403]
    limits(idp, 5, 5)
    assert [idp.delete(id).status for id in idp.ids[2:5]] == [204, 204, 204]


@pytest.mark.parametrize(("people", "percent"), [(-1, 20), (50, 101), (50, -1), (10**9, 20)])
def test_limits_that_make_no_sense_are_refused(owner, people, percent):
    """R27."""
    idp = connect(owner, seats=1)
    with pytest.raises(brake.Refusal):
        limits(idp, people, percent)


def test_switched_off_it_holds_nothing_and_keeps_no_old_list(owner):
    """R27: off is possible; what is pushed then is done."""
    idp = crowd(owner, 4, people=0, percent=0)
    assert is_held(idp.delete(idp.ids[0]))
    limits(idp, 0, 0, on=False)
    assert [idp.delete(id).status for id in idp.ids] == [204] * 4
    assert states(idp) == [(email(0), "delete", "superseded")]


# ------------------------------------------------------------------ repeating


def test_repeating_a_held_push_notes_nobody_twice(owner):
    """R27, R26: the same refusal each time, and one row a person."""
    idp = sellers(owner, 6, people=2, percent=0)
    for _ in range(3):
        assert is_held(idp.replace_group(idp.group, "Sellers", *idp.ids[:2]))
        assert is_held(idp.delete(idp.ids[0]), "5 removals")
    assert len(states(idp)) == 5
    assert [deed for deed, _ in ledger(owner)].count("refuse") == 6


def test_whose_removal_is_held_stays_held_however_long_the_push_is_repeated(owner):
    """R27: an identity provider that tries again each hour gets no fifty more through."""
    idp = crowd(owner, 8, people=2, percent=0)
    start = clock.now()
    for n in range(4):
        with clock.stopped(at=start + n * HOUR * 2):
            assert [idp.set_active(id, False).status for id in idp.ids[:2]] == [200, 200]
            for id in idp.ids[2:6]:
                assert is_held(idp.set_active(id, False))
    assert len(holders(owner)) == 6


def test_pushed_in_another_way_it_is_still_held_and_the_last_way_counts(owner):
    """R27: who was to be deactivated is to be deleted now."""
    idp = crowd(owner, 3, people=0, percent=0)
    assert is_held(idp.set_active(idp.ids[0], False))
    assert is_held(idp.delete(idp.ids[0]))
    assert states(idp) == [(email(0), "delete", "held")]


def test_each_held_push_is_a_refusal_in_the_ledger_and_explained(owner):
    """R27, R21, R22: who, which request, why."""
    idp = crowd(owner, 3, people=0, percent=0)
    idp("DELETE", f"/Users/{idp.ids[0]}", **{"X-Request-Id": "req-12345678"})
    line = LedgerEntry.objects.filter(deed="refuse").get()
    assert (line.email, line.request_id) == (email(0), "req-12345678")
    assert "Okta deleted this person; the removal was held for review" in line.because
    assert "held for review since" in " ".join(explain(owner, email(0)).json["because"])
    assert HeldRemoval.objects.get().request_id == "req-12345678"


def test_reconciliation_carries_nothing_out_that_is_held(owner):
    """R27, R21: nothing was changed, so there is nothing to repair."""
    idp = sellers(owner, 6, people=2, percent=0)
    idp.replace_group(idp.group, "Sellers")
    assert reconcile_licenses(owner)["drift"] == 0
    decide(idp, "dismiss", email(0))
    decide(idp, "approve", email(1))
    assert reconcile_licenses(owner)["drift"] == 0
    assert len(holders(owner)) == 6


# ------------------------------------------------------------------ superseded


@pytest.mark.parametrize("push", ["patch", "put", "no change at all"])
@pytest.mark.parametrize("decided", [None, "dismiss", "approve"])
def test_a_later_push_as_active_supersedes_the_held_one(owner, push, decided):
    """R27: the identity provider wants it no more, whatever was decided and not yet done."""
    idp = crowd(owner, 3, people=0, percent=0)
    idp.set_active(idp.ids[0], False)
    if decided:
        decide(idp, decided, email(0))
    answer = {
        "patch": lambda: idp.patch(
            f"/Users/{idp.ids[0]}", ("replace", "title", "Boss"), ("replace", "active", True)
        ),
        "put": lambda: idp.replace(idp.ids[0], email(0), last="Other"),
        "no change at all": lambda: idp.set_active(idp.ids[0], True),
    }[push]()
    assert answer.status == 200
    assert states(idp) == [(email(0), "deactivate", "superseded")]
    carry_out_removals()
    assert idp.get(idp.ids[0]).json["active"] is True


def test_a_push_that_says_nothing_of_active_supersedes_nothing(owner):
    """R27: a new title is no word about the removal."""
    idp = crowd(owner, 3, people=0, percent=0)
    idp.set_active(idp.ids[0], False)
    assert idp.patch(f"/Users/{idp.ids[0]}", ("replace", "title", "Boss")).status == 200
    assert held(idp) == [email(0)]


def test_a_group_push_that_names_members_supersedes_their_held_removal(owner):
    """R27: by PATCH, and by PUT even where the rest of it is held again."""
    idp = sellers(owner, 6, people=1, percent=0)
    idp.replace_group(idp.group, "Sellers")
    assert idp.add_members(idp.group, idp.ids[0]).status == 204
    assert held(idp) == [email(n) for n in range(1, 6)]
    assert is_held(idp.replace_group(idp.group, "Sellers", *idp.ids[:3]), "3 removals")
    assert held(idp) == [email(n) for n in range(3, 6)]
    assert idp.replace_group(idp.group, "Sellers", *idp.ids).status == 200
    assert held(idp) == []


# ------------------------------------------------------------------ approving


def test_an_approved_deactivation_is_done_by_the_worker_and_the_repeat_is_harmless(owner):
    """R27, R20: the seat is free and goes to who waits; the person stays, inactive."""
    idp = crowd(owner, 3, people=0, percent=0, when_full="waitlist")
    idp.create("late@acme.example")
    assert waiting(owner) == ["late@acme.example"]
    idp.set_active(idp.ids[0], False)
    decide(idp, "approve", email(0))
    assert len(holders(owner)) == 3
    assert "approved this removal" in idp.set_active(idp.ids[0], False).detail
    carry_out_removals()
    assert holders(owner) == [email(1), email(2), "late@acme.example"]
    assert idp.get(idp.ids[0]).json["active"] is False
    before = (ledger(owner), states(idp))
    assert idp.set_active(idp.ids[0], False).status == 200
    carry_out_removals()
    assert (ledger(owner), states(idp)) == before
    line = LedgerEntry.objects.filter(deed="release").get()
    assert (line.admin.email, line.application) == (LEA, idp.application)
    assert "lea@acme.example approved what was held for review: Okta changed" in line.because


def test_an_approved_delete_removes_the_person_from_the_application(owner):
    """R27, R13: 404 afterwards, and out of its groups."""
    idp = crowd(owner, 3, people=0, percent=0)
    group = idp.create_group("Cooks", *idp.ids)
    idp.delete(idp.ids[0])
    decide(idp, "approve", email(0))
    carry_out_removals()
    assert idp.get(idp.ids[0]).status == 404
    assert idp.delete(idp.ids[0]).status == 404
    assert set(idp.members(group.id)) == set(idp.ids[1:])
    assert Person.objects.get(email=email(0)).removed_at is not None


def test_an_approved_group_push_takes_exactly_the_approved_out(owner):
    """R27: the membership change, and the repeat goes through for them."""
    idp = sellers(owner, 6, people=2, percent=0)
    version = idp("GET", f"/Groups/{idp.group}").headers["ETag"]
    idp.remove_members(idp.group, *idp.ids[:3])
    decide(idp, "approve", email(0), email(1))
    carry_out_removals()
    assert set(idp.members(idp.group)) == set(idp.ids[2:])
    assert holders(owner) == [email(n) for n in range(2, 6)]
    assert idp("GET", f"/Groups/{idp.group}").headers["ETag"] != version
    assert is_held(idp.remove_members(idp.group, *idp.ids[:3]), "1 removal by")
    decide(idp, "approve", email(2))
    carry_out_removals()
    assert idp.remove_members(idp.group, *idp.ids[:3]).status == 204


def test_an_approved_group_deletion_ends_with_the_group_deleted(owner):
    """R27: once nobody is kept in it."""
    idp = sellers(owner, 4, people=2, percent=0)
    assert is_held(idp("DELETE", f"/Groups/{idp.group}"))
    decide(idp, "approve", email(0), email(1), email(2))
    carry_out_removals()
    assert idp.members(idp.group) == [idp.ids[3]]
    decide(idp, "approve", email(3))
    carry_out_removals()
    assert not Group.objects.filter(pk=idp.group).exists()
    assert idp("DELETE", f"/Groups/{idp.group}").status == 404
    assert holders(owner) == []


def test_approved_removals_do_not_count_as_pushed_ones(owner):
    """R27: after a big burst was approved, single removals pass again."""
    idp = sellers(owner, 8, people=2, percent=0)
    idp.replace_group(idp.group, "Sellers", *idp.ids[:3])
    assert decide_all(idp, "approve") == 5
    carry_out_removals()
    assert idp.delete(idp.ids[0]).status == 204
    assert idp.replace_group(idp.group, "Sellers", *idp.ids[1:3]).status == 200


def test_all_means_those_that_the_admin_has_seen(owner):
    """R27: what came in after the page was shown waits for another look."""
    idp = crowd(owner, 4, people=0, percent=0)
    idp.delete(idp.ids[0])
    [seen] = review.waiting(owner)
    idp.delete(idp.ids[1])
    assert review.decide_all(idp.application, "approve", last=seen.last, by=lea(owner)) == 1
    assert held(idp) == [email(1)]


def test_two_admins_decide_once(owner):
    """R27, R26: the second is told."""
    idp = crowd(owner, 3, people=0, percent=0)
    idp.delete(idp.ids[0])
    removal, by = HeldRemoval.objects.get(), lea(owner)
    review.decide(removal, "dismiss", by=by)
    with pytest.raises(review.Refusal) as refused:
        review.decide(removal, "approve", by=by)
    assert refused.value.code == "removal_decided"
    assert states(idp) == [(email(0), "delete", "dismissed")]


# ------------------------------------------------------------------ dismissing


def test_a_dismissed_removal_is_refused_each_time_and_says_so(owner):
    """R27: the admin says do not remove; the limit does not matter for it."""
    idp = crowd(owner, 3, people=0, percent=0)
    idp.set_active(idp.ids[0], False)
    decide(idp, "dismiss", email(0))
    limits(idp, 50)
    for _ in range(2):
        answer = idp.set_active(idp.ids[0], False)
        assert (answer.status, "scimType" in answer.json) == (403, False)
        assert "an admin dismissed this removal on" in answer.detail
    with clock.stopped(at=clock.now() + dt.timedelta(days=30)):
        assert idp.replace(idp.ids[0], email(0), active=False).status == 403
    carry_out_removals()
    assert seat_of(owner, email(0))
    assert idp.set_active(idp.ids[1], False).status == 200


def test_an_undone_dismissal_is_held_again(owner):
    """R27: until the admin undoes the dismissal."""
    idp = crowd(owner, 3, people=0, percent=0)
    idp.delete(idp.ids[0])
    decide(idp, "dismiss", email(0))
    decide(idp, "undo", email(0))
    assert is_held(idp.delete(idp.ids[0]))
    decide(idp, "approve", email(0))
    carry_out_removals()
    assert idp.get(idp.ids[0]).status == 404


def test_another_kind_of_removal_is_a_push_of_its_own(owner):
    """R27: until the person is pushed differently."""
    idp = crowd(owner, 3, people=0, percent=0)
    idp.set_active(idp.ids[0], False)
    decide(idp, "dismiss", email(0))
    assert is_held(idp.delete(idp.ids[0]))
    decide(idp, "dismiss", email(0))
    limits(idp, 50)
    assert idp.set_active(idp.ids[0], False).status == 200
    assert {state for _, _, state in states(idp)} == {"superseded"}


def test_a_group_push_with_dismissed_people_is_refused_and_the_others_are_held(owner):
    """R27, R26: it cannot be done in part."""
    idp = sellers(owner, 6, people=2, percent=0)
    idp.replace_group(idp.group, "Sellers", *idp.ids[:3])
    decide_all(idp, "dismiss")
    assert "dismissed" in idp.replace_group(idp.group, "Sellers", *idp.ids[:3]).detail
    assert is_held(idp.replace_group(idp.group, "Sellers", *idp.ids[:2]), "1 removal by")
    assert held(idp) == [email(2)]
    assert len(holders(owner)) == 6
    assert idp.remove_members(idp.group, idp.ids[0]).status == 204


# ------------------------------------------------------------------ telling the admins


def test_the_admins_get_one_email_a_burst(owner):
    """R27: each admin once, however many pushes were held."""
    idp = crowd(owner, 6, people=0, percent=0)
    lea(owner)
    admins.create("tom@acme.example", organization=owner, password="Correct-horse-9")
    start = clock.now()
    for n in range(3):
        idp.delete(idp.ids[n])
        idp.delete(idp.ids[n])
    letters = _letters()
    assert sorted(letter.to[0] for letter in letters) == [LEA, "tom@acme.example"]
    assert "Removals by Okta are held for your review" in letters[0].subject
    assert "3 removals are held" in letters[0].body
    assert "/licenses/held/" in letters[0].body
    with clock.stopped(at=start + 2 * HOUR):
        idp.delete(idp.ids[0])  # the same list, repeated
        assert _letters() == []
    with clock.stopped(at=start + 4 * HOUR):
        idp.delete(idp.ids[3])  # a new burst
        assert len(_letters()) == 2


def test_nobody_is_told_of_what_was_decided_before_the_mail_went(owner):
    """R27."""
    idp = crowd(owner, 3, people=0, percent=0)
    lea(owner)
    idp.delete(idp.ids[0])
    decide(idp, "dismiss", email(0))
    assert _letters() == []


def _letters():
    mail.outbox.clear()
    deliver_outbox()
    return [letter for letter in mail.outbox if "held for your review" in letter.subject]


# ------------------------------------------------------------------ races and cost


@pytest.mark.django_db(transaction=True)
def test_removals_at_the_same_moment_do_not_slip_by(race):
    """R27: they are counted under the pool's lock."""
    owner = organization()
    idp = crowd(owner, 12, people=3, percent=0)
    answers = race(*(functools.partial(idp.delete, id) for id in idp.ids[:8]), behind=owner)
    assert sorted(answer.status for answer in answers) == [204] * 3 + [403] * 5
    assert len(held(idp)) == 5
    assert len(holders(owner)) == 9


@pytest.mark.django_db(transaction=True)
def test_two_workers_carry_an_approved_removal_out_once(race):
    """R27, R26."""
    owner = organization()
    idp = sellers(owner, 8, people=2, percent=0)
    idp.replace_group(idp.group, "Sellers", *idp.ids[:4])
    idp.delete(idp.ids[0])
    decide_all(idp, "approve")
    done = race(review.carry_out, review.carry_out, behind=owner)
    assert sum(done) == 5
    assert [deed for deed, _ in ledger(owner)].count("release") == 5


@pytest.mark.django_db(transaction=True)
def test_approving_meets_repeated_pushes_without_harm(race):
    """R27, R26: worker, admin and identity provider at once: no deadlock, all over at the end."""
    owner = organization()
    idp = sellers(owner, 10, people=2, percent=0)
    idp.replace_group(idp.group, "Sellers", *idp.ids[:4])
    owner_of(idp)

    def push():
        return [
            *(idp.replace_group(idp.group, "Sellers", *idp.ids[:4]).status for _ in range(4)),
            *(idp.set_active(id, False).status for id in idp.ids[4:]),
        ]

    def work():
        return [decide_all(idp, "approve") + review.carry_out() for _ in range(6)]

    pushed, again, _ = race(push, push, work)
    assert {*pushed, *again} <= {200, 403}
    decide_all(idp, "approve")
    carry_out_removals()
    assert holders(owner) == [email(n) for n in range(4)]


def test_only_a_push_that_releases_a_seat_pays_for_the_brake(owner):
    """R27: one statement then, none otherwise, by an index of its own."""
    idp = crowd(owner, 3)
    counted = _statements(idp, lambda: idp.patch(f"/Users/{idp.ids[0]}", ("add", "title", "Boss")))
    assert not [sql for sql in counted if "brake" in sql]
    counted = _statements(idp, lambda: idp.set_active(idp.ids[0], False))
    assert len([sql for sql in counted if "brake" in sql]) == 1
    assert not [sql for sql in counted if "UPDATE licensing_heldremoval" in sql]


def _statements(idp, push):
    with CaptureQueriesContext(connection) as captured:
        assert push().status == 200
    return [query["sql"] for query in captured]
