"""Idle seats: when they are, who may reclaim them, and what becomes of the people."""

from __future__ import annotations

import datetime as dt

import pytest
from django.core import mail

from accounts import admins, changes, clock
from accounts.models import Person
from accounts.refusal import Refusal
from accounts.tasks import deliver_outbox
from licensing import activation, idle
from licensing.models import LedgerEntry, Pool, Reclaimed, Seat, WaitingEntry
from licensing.tasks import reclaim_idle_seats, reclaim_idle_seats_of
from tests import factories
from tests.factories import (
    connect,
    explain,
    grant,
    holders,
    ledger,
    manage,
    person,
    pool_of,
    reconcile_licenses,
    seat_of,
    set_seats,
    waiting,
)

pytestmark = pytest.mark.django_db

ADA, GRACE, MAX = "ada@acme.example", "grace@acme.example", "max@acme.example"
SALES = "sales-navigator"
DAY_0 = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


@pytest.fixture
def owner(db, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return factories.organization()


@pytest.fixture(autouse=True)
def _books_are_right_at_the_end(db):
    """R15, R21: whatever was reclaimed."""
    yield
    factories.check_books()


@pytest.fixture
def lea(owner):
    return admins.create("lea@acme.example", organization=owner, password="a long enough password")


@pytest.fixture
def day(monkeypatch):
    """Stops the clock so many days after the first one."""

    def move(number: float) -> None:
        monkeypatch.setattr(clock, "_stopped", DAY_0 + dt.timedelta(days=number))

    move(0)
    return move


def rule(owner, after_days=60, **more):
    return idle.set_rule(owner, SALES, after_days=after_days, **more)


def idle_now(owner) -> list[str]:
    seats = idle.of_pool(pool_of(owner)).order_by("since", "person__sort_key")
    return [seat.person.email for seat in seats]


def activate(owner, email):
    manage("activate_seat", owner.slug, SALES, email)


def _note(pool, people, at) -> int:
    return changes.run(lambda: idle.note_uses(pool.pk, dict.fromkeys(people, at)))


def use(owner, *emails, at=None) -> int:
    people = Person.objects.of(owner).filter(email__in=emails).values_list("pk", flat=True)
    return _note(pool_of(owner), list(people), at or clock.now())


def reclaim(owner, lea, *emails):
    people = Person.objects.of(owner).filter(email__in=emails).values_list("pk", flat=True)
    return idle.reclaim(pool_of(owner), list(people) if emails else None, by=lea)


def give_back(owner, lea, email) -> str:
    somebody = Person.objects.of(owner).get(email=email)
    return idle.give_back(pool_of(owner), somebody, by=lea)


def sweep(owner):
    return idle.sweep(pool_of(owner).pk)


def letters() -> list[tuple[str, str]]:
    """To whom, and the first word of what, since the last time."""
    deliver_outbox()
    sent = sorted((letter.to[0], letter.subject.split()[0]) for letter in mail.outbox)
    mail.outbox.clear()
    return sent


# ------------------------------------------------------------------ when a seat is idle


def test_no_seat_is_idle_unless_the_admin_says_when(owner, day):
    """A pool's rule is off until it is set."""
    set_seats(owner, 5)
    grant(owner, ADA)
    day(3000)
    assert idle_now(owner) == []
    assert idle.count(pool_of(owner)) == 0


def test_a_seat_that_is_not_activated_is_idle_after_so_many_days(owner, day):
    """R14: from the day on which it was granted."""
    set_seats(owner, 5)
    rule(owner)
    grant(owner, ADA)
    day(59.99)
    assert idle_now(owner) == []
    day(60)
    assert idle_now(owner) == [ADA]
    assert idle.count(pool_of(owner)) == 1
    activate(owner, ADA)
    assert idle_now(owner) == []


def test_a_seat_that_is_not_used_is_idle_after_so_many_days(owner, day):
    """Counted from its activation, or its last use."""
    set_seats(owner, 5)
    rule(owner)
    grant(owner, ADA)
    day(10)
    activate(owner, ADA)
    assert seat_of(owner, ADA).last_used_at == clock.now()
    day(40)
    assert use(owner, ADA) == 1
    day(99.99)
    assert idle_now(owner) == []
    day(100)
    assert idle_now(owner) == [ADA]


def test_use_is_noted_for_many_and_only_forwards(owner, day, django_assert_num_queries):
    """Set-based; an older use, a future one, and somebody without an activated seat."""
    set_seats(owner, 5)
    for email in (ADA, GRACE, MAX):
        grant(owner, email)
    activate(owner, ADA)
    activate(owner, GRACE)
    pool = pool_of(owner)
    everybody = list(Person.objects.of(owner).values_list("pk", flat=True))
    day(5)
    with django_assert_num_queries(4):  # two of them open and close the transaction
        assert _note(pool, everybody, clock.now()) == 2
    assert use(owner, ADA, at=DAY_0 + dt.timedelta(days=3)) == 0
    assert use(owner, ADA, at=DAY_0 + dt.timedelta(days=300)) == 0
    assert seat_of(owner, ADA).last_used_at == DAY_0 + dt.timedelta(days=5)
    assert seat_of(owner, MAX).last_used_at is None
    day(6)
    assert use(owner, ADA, at=DAY_0 + dt.timedelta(days=300)) == 1
    assert seat_of(owner, ADA).last_used_at == DAY_0 + dt.timedelta(days=6)


@pytest.mark.parametrize(
    "wrong",
    [
        {"after_days": 0},
        {"after_days": 3651},
        {"after_days": 1, "warn_days": 0},
        {"after_days": 1, "reclaim": "never"},
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(owner, wrong):
    """With a sentence, and nothing is changed."""
    rule(owner, 30)
    with pytest.raises(Refusal):
        rule(owner, **wrong)
    assert pool_of(owner).idle_after_days == 30


# ------------------------------------------------------------------ by hand


def test_an_admin_reclaims_idle_seats(owner, lea, day):
    """R21: a release in the ledger that says who and why."""
    set_seats(owner, 5)
    rule(owner)
    grant(owner, ADA)
    grant(owner, GRACE)
    activate(owner, GRACE)
    day(61)
    grant(owner, MAX)
    done = reclaim(owner, lea, ADA, GRACE, MAX)
    assert len(done.reclaimed) == 2
    assert holders(owner) == [MAX]
    assert ledger(owner)[-2:] == [("release", ADA), ("release", GRACE)]
    told = list(LedgerEntry.objects.filter(deed="release").order_by("id"))
    assert [line.because for line in told] == [
        "lea@acme.example reclaimed the seat: it was not activated within 60 days",
        "lea@acme.example reclaimed the seat: it was not used for 60 days",
    ]
    assert {line.admin for line in told} == {lea}


def test_the_persons_page_and_the_command_say_that_it_was_reclaimed(owner, lea, day):
    """R22: when, why, and what to do."""
    set_seats(owner, 5)
    rule(owner)
    grant(owner, ADA)
    activate(owner, ADA)
    day(61)
    reclaim(owner, lea, ADA)
    told = explain(owner, ADA).json
    assert not told["has_seat"]
    assert told["because"][0] == (
        "The seat was reclaimed on 01 May 2026 because it was not used for 60 days; "
        "an admin can give it back."
    )


def test_who_waits_gets_the_freed_seats_in_order(owner, lea, day):
    """R20, R17: in the same moment, by employee number."""
    set_seats(owner, 2)
    rule(owner)
    grant(owner, ADA)
    grant(owner, MAX)
    idp = connect(owner, when_full="waitlist")
    for number in ("30", "4", "100"):
        idp.create(f"w{number}@acme.example", number=number)
    day(61)
    done = reclaim(owner, lea)
    assert len(done.granted) == 2
    assert holders(owner) == ["w4@acme.example", "w30@acme.example"]
    assert waiting(owner) == ["w100@acme.example"]


def test_only_what_was_idle_when_the_admin_looked_is_reclaimed(owner, lea, day):
    """All means all that were seen."""
    set_seats(owner, 5)
    rule(owner)
    grant(owner, ADA)
    day(1)
    grant(owner, GRACE)
    day(60)
    looked = clock.now()
    day(61)
    idle.reclaim(pool_of(owner), None, by=lea, at=looked)
    assert holders(owner) == [GRACE]


def test_a_seat_that_is_used_meanwhile_stays(owner, lea, day):
    """R26: decided anew under the lock."""
    set_seats(owner, 5)
    rule(owner)
    grant(owner, ADA)
    activate(owner, ADA)
    day(61)
    use(owner, ADA)
    assert reclaim(owner, lea, ADA).reclaimed == []
    assert holders(owner) == [ADA]


def test_reclaiming_takes_as_many_statements_for_one_as_for_many(
    owner, lea, day, django_assert_num_queries
):
    """R26: set-based."""
    set_seats(owner, 50)
    rule(owner)
    grant(owner, ADA)
    day(61)
    pool = pool_of(owner)
    number = 13  # two of them open and close the transaction, two are for the audit log
    with django_assert_num_queries(number):
        idle.reclaim(pool, None, by=lea)
    for n in range(30):
        grant(owner, f"p{n}@acme.example")
    day(130)
    with django_assert_num_queries(number):
        assert len(idle.reclaim(pool, None, by=lea).reclaimed) == 30


# ------------------------------------------------------------------ what SCIM says must stay


def test_a_seat_that_scim_says_must_stay_is_listed_and_not_reclaimed(owner, lea, day):
    """R16: whoever is eligible and active keeps the seat, unless the admin allows it."""
    idp = connect(owner, seats=5)
    rule(owner)
    idp.create(ADA)
    grant(owner, MAX)
    day(61)
    assert sorted(idle_now(owner)) == [ADA, MAX]
    assert [seat.person.email for seat in idle.reclaimable(pool_of(owner))] == [MAX]
    reclaim(owner, lea, ADA, MAX)
    assert holders(owner) == [ADA]


def test_a_seat_by_hand_of_somebody_whom_scim_entitles_must_stay_too(owner, lea, day):
    """R16: by a chosen group, although the seat is still the admin's."""
    idp = connect(owner, seats=5, eligibility="groups", eligible_groups=["Sellers"])
    rule(owner)
    ada = idp.create(ADA)
    max_ = idp.create(MAX, active=False)
    grant(owner, ADA)
    grant(owner, MAX)
    idp.create_group("Sellers", ada.id, max_.id)
    assert seat_of(owner, ADA).source == "manual"
    day(61)
    assert [seat.person.email for seat in idle.reclaimable(pool_of(owner))] == [MAX]
    idp.rename_group(idp("GET", "/Groups").json["Resources"][0]["id"], "Others")


def test_a_seat_that_was_kept_at_the_takeover_may_be_reclaimed(owner, lea, day):
    """R12: who is not eligible keeps it only until somebody says otherwise."""
    idp = connect(owner, seats=5, eligibility="groups", eligible_groups=["Sellers"])
    rule(owner)
    grant(owner, ADA)
    idp.create(ADA)
    assert seat_of(owner, ADA).carried_over
    day(61)
    assert len(reclaim(owner, lea, ADA).reclaimed) == 1
    assert holders(owner) == []
    assert give_back(owner, lea, ADA) == "granted"
    assert seat_of(owner, ADA).source == "manual"


def test_what_must_stay_is_whom_the_allocator_entitles(owner, lea, day):
    """R16: the list and `settle` agree about each combination of links, groups and flags."""
    everyone = connect(owner, seats=50, name="Everyone")
    groups = connect(owner, name="Groups", eligibility="groups", eligible_groups=["A", "B"])
    other = connect(owner, name="Other", product="teamlink-extend", seats=50)
    ids: dict[str, list[str]] = {"A": [], "C": []}
    for n in range(16):
        email = f"p{n}@acme.example"
        grant(owner, email)
        if n & 1:  # known to an application of the other product: says nothing about this one
            other("POST", "/Users", person(f"t{n}@acme.example"))
        if n & 2:
            made = groups.create(email, active=not n & 8)
            ids["A" if n & 4 else "C"].append(made.id)
        elif n & 4:
            everyone.create(email, active=not n & 8)
    for name, members in ids.items():
        groups.create_group(name, *members)
    rule(owner)
    day(61)
    pool = pool_of(owner)
    must_stay = {s.person_id for s in idle.of_pool(pool) if s.must_stay}
    Pool.objects.filter(pk=pool.pk).update(may_reclaim_scim=True)
    pool.refresh_from_db()
    reclaimed = set(idle.reclaim(pool, None, by=lea).reclaimed)
    Reclaimed.objects.all().delete()  # so that nothing keeps the allocator from granting
    granted = reconcile_licenses(owner)["granted"]
    back = set(Person.objects.filter(email__in=granted).values_list("pk", flat=True))
    assert back
    assert back == must_stay
    assert reclaimed > back


@pytest.fixture
def reclaimed_ada(owner, lea, day):
    """SCIM gave Ada a seat, and the admin, who may, reclaimed it."""
    idp = connect(owner, seats=1, when_full="waitlist", name="Okta")
    rule(owner, may_reclaim_scim=True)
    idp.ada = idp.create(ADA)
    day(61)
    assert len(reclaim(owner, lea, ADA).reclaimed) == 1
    assert holders(owner) == []
    return idp


def test_a_reclaimed_seat_is_not_granted_right_back(owner, reclaimed_ada):
    """R16: neither by reconciliation, nor by a push that changes something else, nor a repeat."""
    idp = reclaimed_ada
    idp.patch(f"/Users/{idp.ada.id}", ("replace", "title", "Countess"))
    idp.replace(idp.ada.id, ADA, number="7")
    idp.set_active(idp.ada.id, True)
    idp.create(ADA)
    set_seats(owner, 3)
    assert reconcile_licenses(owner)["drift"] == 0
    assert (holders(owner), waiting(owner)) == ([], [])
    assert "reclaimed" in explain(owner, ADA).json["because"][0]


def test_an_application_that_activates_them_again_gives_a_seat(owner, reclaimed_ada):
    """R13, R14: active false → true; as a new seat, to be activated."""
    idp = reclaimed_ada
    idp.set_active(idp.ada.id, False)
    assert "reclaimed" in explain(owner, ADA).json["because"][0]
    idp.set_active(idp.ada.id, True)
    assert holders(owner) == [ADA]
    assert seat_of(owner, ADA).state == "provisioned"
    assert not Reclaimed.objects.exists()


def test_a_refused_reactivation_leaves_it_reclaimed(owner, lea, day):
    """R18, R26: the same push succeeds once a seat is free."""
    idp = connect(owner, seats=1, name="Okta")
    rule(owner, may_reclaim_scim=True)
    ada = idp.create(ADA)
    day(61)
    reclaim(owner, lea, ADA)
    idp.create(GRACE)
    idp.set_active(ada.id, False)
    assert idp.set_active(ada.id, True).status == 403
    assert Reclaimed.objects.count() == 1
    set_seats(owner, 2)
    assert idp.set_active(ada.id, True).status == 200
    assert holders(owner) == [ADA, GRACE]


def test_deleting_and_creating_them_again_gives_a_seat(owner, reclaimed_ada):
    """R13: somebody who comes back is provisioned anew."""
    idp = reclaimed_ada
    idp.delete(idp.ada.id)
    assert idp.create(ADA).status == 201
    assert holders(owner) == [ADA]


def test_a_push_that_takes_over_who_lost_a_seat_by_hand_gives_one(owner, lea, day):
    """R12: creating asks for a seat."""
    set_seats(owner, 1)
    rule(owner)
    grant(owner, ADA)
    day(61)
    reclaim(owner, lea, ADA)
    connect(owner).create(ADA)
    assert seat_of(owner, ADA).source == "scim"


def test_a_push_of_another_product_changes_nothing_here(owner, reclaimed_ada):
    """R2: each pool by itself."""
    other = connect(owner, product="teamlink-extend", seats=1)
    other.create(ADA)
    assert holders(owner, "teamlink-extend") == [ADA]
    assert holders(owner) == []


def test_a_group_does_not_give_a_reclaimed_seat_back(owner, lea, day):
    """R16, R19: membership alone is no asking, and nobody waits for it."""
    idp = connect(owner, seats=1, eligibility="groups", eligible_groups=["Sellers"])
    rule(owner, may_reclaim_scim=True)
    ada = idp.create(ADA)
    group = idp.create_group("Sellers", ada.id)
    day(61)
    reclaim(owner, lea, ADA)
    idp.remove_members(group.id, ada.id)
    assert idp.add_members(group.id, ada.id).status == 204
    assert (holders(owner), waiting(owner)) == ([], [])


# ------------------------------------------------------------------ giving back


def test_an_admin_gives_the_seat_back(owner, lea, reclaimed_ada):
    """R21: a grant in the ledger that says who."""
    assert give_back(owner, lea, ADA) == "granted"
    assert seat_of(owner, ADA).source == "scim"
    line = LedgerEntry.objects.latest("id")
    assert (line.deed, line.admin) == ("grant", lea)
    assert line.because.startswith("lea@acme.example gave the seat back")
    with pytest.raises(Refusal) as refused:
        give_back(owner, lea, ADA)
    assert refused.value.code == "not_reclaimed"


def test_a_seat_that_is_given_back_waits_until_one_is_free(owner, lea, reclaimed_ada):
    """R20: also where the application refuses pushes that do not fit."""
    reclaimed_ada.create(GRACE)
    assert give_back(owner, lea, ADA) == "waiting"
    assert waiting(owner) == [ADA]
    set_seats(owner, 2)
    assert holders(owner) == [ADA, GRACE]


def test_a_seat_by_hand_is_given_back_by_hand_if_one_is_free(owner, lea, day):
    """R10: refused with the number that is missing, and asked again once one is free."""
    set_seats(owner, 1)
    rule(owner)
    grant(owner, ADA)
    day(61)
    reclaim(owner, lea, ADA)
    grant(owner, MAX)
    with pytest.raises(Refusal) as refused:
        give_back(owner, lea, ADA)
    assert refused.value.code == "seats_missing"
    set_seats(owner, 2)
    assert give_back(owner, lea, ADA) == "granted"
    assert seat_of(owner, ADA).source == "manual"


def test_granting_by_hand_ends_it_too(owner, lea, reclaimed_ada):
    """R10: an admin who gives a seat has given one back."""
    grant(owner, ADA)
    assert not Reclaimed.objects.exists()
    manage("remove_seat", owner.slug, SALES, ADA)
    assert holders(owner) == [ADA], "SCIM entitles her again"


def test_who_is_not_eligible_meanwhile_gets_nothing_but_may_again(owner, lea, reclaimed_ada):
    """R16: what was SCIM's is SCIM's to give."""
    idp = reclaimed_ada
    idp.set_active(idp.ada.id, False)
    assert give_back(owner, lea, ADA) == "not_eligible"
    assert holders(owner) == []
    idp.set_active(idp.ada.id, True)
    assert holders(owner) == [ADA]


def test_nothing_is_given_back_to_who_is_gone(owner, lea, reclaimed_ada):
    """R13: the account itself is gone."""
    reclaimed_ada.delete(reclaimed_ada.ada.id)
    with pytest.raises(Refusal) as refused:
        give_back(owner, lea, ADA)
    assert refused.value.code == "person_removed"


# ------------------------------------------------------------------ automatically


@pytest.fixture
def automatic(owner, day):
    """Max, who uses it, and Ada, who has not activated; 60 days, warned 7 days ahead."""
    set_seats(owner, 5)
    rule(owner, reclaim="automatic", warn_days=7)
    grant(owner, ADA, first_name="Ada")
    grant(owner, MAX)
    activate(owner, MAX)
    letters()


def test_nobody_is_warned_where_seats_are_reclaimed_by_hand(owner, day, automatic):
    """The admin has chosen."""
    rule(owner, reclaim="by_hand")
    day(61)
    assert sweep(owner) == idle.Result()
    assert letters() == []


def test_an_idle_seat_is_reclaimed_when_the_warning_has_passed(owner, day, automatic):
    """R14, R21: an e-mail with the date and a link first, then a release."""
    day(59)
    use(owner, MAX)
    assert sweep(owner).warned == 0
    day(60)
    assert sweep(owner).warned == 1
    assert sweep(owner).warned == 0
    deliver_outbox()
    [letter] = mail.outbox
    mail.outbox.clear()
    assert letter.to == [ADA]
    assert "will be taken back on 07 May 2026" in letter.body
    assert activation.link(seat_of(owner, ADA)).split("/activate/")[0] in letter.body
    day(66.99)
    assert sweep(owner) == idle.Result()
    day(67)
    assert len(sweep(owner).reclaimed) == 1
    assert holders(owner) == [MAX]
    line = LedgerEntry.objects.latest("id")
    assert line.admin is None
    assert line.because == (
        "Seatkeeper reclaimed the seat, after a warning: it was not activated within 60 days"
    )
    assert sweep(owner) == idle.Result()


def test_a_seat_is_warned_of_once_an_idle_spell(owner, day, automatic):
    """Who uses it is safe, and is warned again the next time."""
    day(60)
    assert sweep(owner).warned == 2
    assert letters() == [(ADA, "Your"), (MAX, "Your")]
    for later in (61, 62, 66):
        day(later)
        sweep(owner)
    assert letters() == []
    use(owner, MAX)
    activate(owner, ADA)
    day(67)
    assert sweep(owner) == idle.Result()
    assert sorted(holders(owner)) == [ADA, MAX]
    day(126)
    assert sweep(owner).warned == 2
    assert letters() == [(ADA, "Your"), (MAX, "Your")]
    day(133)
    assert len(sweep(owner).reclaimed) == 2


def test_a_warning_that_was_not_sent_is_none(owner, day, automatic, monkeypatch):
    """R9: a mail server that is away costs nobody a seat."""
    day(60)
    sweep(owner)
    day(70)
    assert sweep(owner).reclaimed == []
    assert len(letters()) == 2
    assert len(sweep(owner).reclaimed) == 2


def test_a_warning_of_who_has_used_it_meanwhile_is_not_sent(owner, day, automatic):
    """It would say what is not so."""
    day(60)
    sweep(owner)
    use(owner, MAX)
    assert letters() == [(ADA, "Your")]


def test_who_cannot_be_warned_is_left_to_the_admin(owner, lea, day):
    """No address, no automatic reclaim."""
    idp = connect(owner, seats=1)
    rule(owner, reclaim="automatic", may_reclaim_scim=True)
    idp("POST", "/Users", {"schemas": [], "userName": "jsmith", "active": True})
    day(100)
    assert sweep(owner).warned == 0
    day(200)
    assert sweep(owner) == idle.Result()
    assert len(reclaim(owner, lea).reclaimed) == 1


def test_another_rule_takes_warnings_back(owner, day, automatic):
    """Who was warned by the old rule is warned anew, or left alone; warn_days holds from now on."""
    day(60)
    assert sweep(owner).warned == 2
    rule(owner, reclaim="automatic", warn_days=30)
    assert Seat.objects.filter(reclaim_at=DAY_0 + dt.timedelta(days=67)).count() == 2
    rule(owner, 90, reclaim="automatic", warn_days=30)
    assert not Seat.objects.exclude(reclaim_at=None).exists()
    day(67)
    assert sweep(owner) == idle.Result()
    day(90)
    assert sweep(owner).warned == 2
    assert Seat.objects.filter(reclaim_at=DAY_0 + dt.timedelta(days=120)).count() == 2


def test_what_scim_says_must_stay_is_neither_warned_of_nor_reclaimed(owner, day):
    """R16: unless the admin allows it."""
    idp = connect(owner, seats=1)
    rule(owner, reclaim="automatic")
    idp.create(ADA)
    letters()
    day(61)
    assert sweep(owner) == idle.Result()
    rule(owner, reclaim="automatic", may_reclaim_scim=True)
    assert sweep(owner).warned == 1
    letters()
    rule(owner, reclaim="automatic", may_reclaim_scim=False)
    day(100)
    assert sweep(owner) == idle.Result()
    assert holders(owner) == [ADA]


def test_the_worker_sweeps_each_automatic_pool(owner, day, automatic, monkeypatch):
    """Daily, one task a pool."""
    other = factories.organization()
    connect(other, seats=1)
    swept: list[int] = []
    monkeypatch.setattr(reclaim_idle_seats_of, "delay", swept.append)
    reclaim_idle_seats()
    assert swept == [pool_of(owner).pk]
    day(60)
    reclaim_idle_seats_of(swept[0])
    assert len(letters()) == 2


# ------------------------------------------------------------------ races


@pytest.mark.django_db(transaction=True)
def test_a_use_and_a_reclaim_at_once_leave_one_of_two_truths(race):
    """R26: it was used and stays, or it was reclaimed and the use is news of nothing."""
    owner = factories.organization()
    lea = admins.create("lea@x.example", organization=owner, password="a long enough password")
    set_seats(owner, 5)
    grant(owner, ADA)
    activate(owner, ADA)
    rule(owner)
    Seat.objects.update(
        granted_at=DAY_0, activated_at=DAY_0, last_used_at=DAY_0
    )  # past the domain: long ago
    used, done = race(lambda: use(owner, ADA), lambda: reclaim(owner, lea, ADA), behind=owner)
    assert (used, len(done.reclaimed), holders(owner)) in ((1, 0, [ADA]), (0, 1, []))


@pytest.mark.django_db(transaction=True)
def test_a_takeover_and_a_reclaim_at_once_never_leave_an_entitled_person_without_a_seat(race):
    """R12, R16: whichever comes first, the push has asked for a seat."""
    owner = factories.organization()
    lea = admins.create("lea@x.example", organization=owner, password="a long enough password")
    idp = connect(owner, seats=5)
    rule(owner)
    for n in range(4):
        email = f"p{n}@acme.example"
        grant(owner, email)
        Seat.objects.update(granted_at=DAY_0)
        answer, _ = race(
            lambda email=email: idp.create(email),
            lambda email=email: reclaim(owner, lea, email),
            behind=owner,
        )
        assert answer.status == 201
        assert seat_of(owner, email).source == "scim"
    assert not WaitingEntry.objects.exists()
