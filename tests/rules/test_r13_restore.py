"""R13: what was freed can be restored by the admin for 30 days."""

import datetime as dt
import functools

import pytest
from django.core import mail

from accounts import clock, kept
from accounts.models import KeptDocument, Link, Person
from accounts.refusal import Refusal
from accounts.tasks import deliver_outbox
from accounts.tasks import prune as prune_accounts
from licensing import restore
from licensing.models import LedgerEntry
from tests.factories import (
    check_books,
    connect,
    dump,
    explain,
    grant,
    holders,
    ledger,
    manage,
    manage_for_people,
    organization,
    pool_of,
    reconcile_licenses,
    seat_of,
    set_seats,
    waiting,
)

pytestmark = pytest.mark.django_db

ADA, GRACE, HEDY = "ada@acme.example", "grace@acme.example", "hedy@acme.example"
NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
FREED = "/licenses/sales-navigator/freed/"


@pytest.fixture
def idp(owner):
    return connect(owner, seats=3, name="Okta")


def _restore(owner, *arguments, product="sales-navigator"):
    return manage("restore_seats", owner.slug, product, *arguments)


def _freed(owner, product="sales-navigator"):
    return [line["email"] for line in manage("list_freed", owner.slug, product).json]


def _person(email):
    return Person.objects.get(email=email)


# ---------------------------------------------------------------- what is restorable


FREEING = {
    "deactivated": lambda idp, ada, group: idp.set_active(ada, False),
    "deleted": lambda idp, ada, group: idp.delete(ada),
    "left the group": lambda idp, ada, group: idp.remove_members(group, ada),
}


@pytest.mark.parametrize("way", FREEING)
def test_what_a_push_freed_is_listed_and_restored_as_a_seat_by_hand(owner, way):
    """R13: deactivated, deleted, left the group."""
    idp = connect(owner, seats=1, eligibility="groups", eligible_groups=["Sales"])
    ada = idp.create(ADA, number="7")
    group = idp.create_group("Sales", ada.id)
    assert _freed(owner) == []
    FREEING[way](idp, ada.id, group.id)
    assert (_freed(owner), holders(owner)) == ([ADA], [])
    ran = _restore(owner, ADA)
    assert (ran.exit, ran.json) == (0, {"restored": [ADA]})
    seat = seat_of(owner, ADA)
    assert (seat.source, seat.application, seat.state) == ("manual", None, "provisioned")
    assert _freed(owner) == []
    assert "given by hand" in explain(owner, ADA).json["because"][0]
    assert reconcile_licenses(owner)["drift"] == 0


def test_what_was_removed_by_hand_is_restored_too(owner, idp):
    """R13: what was freed, by whomever."""
    grant(owner, ADA)
    manage("remove_seat", owner.slug, "sales-navigator", ADA)
    assert _restore(owner, ADA).json == {"restored": [ADA]}
    assert holders(owner) == [ADA]


def test_a_restored_seat_is_activated_anew_with_a_new_invitation(owner, idp):
    """R14: losing and regaining a seat needs a new activation."""
    ada = idp.create(ADA)
    manage("activate_seat", owner.slug, "sales-navigator", ADA)
    idp.set_active(ada.id, False)
    _restore(owner, ADA)
    assert seat_of(owner, ADA).state == "provisioned"
    deliver_outbox()
    assert [letter.to for letter in mail.outbox] == [[ADA]]


def test_the_ledger_tells_who_restored(owner, idp, lea):
    """R21: a grant by hand, and because of what."""
    ada = idp.create(ADA)
    idp.delete(ada.id)
    restore.restore(owner, "sales-navigator", [_person(ADA).pk], by=lea)
    line = LedgerEntry.objects.of(owner).latest("pk")
    assert (line.deed, line.source, line.admin) == ("grant", "manual", lea)
    assert line.because == "Restored by lea@acme.example"


def test_after_thirty_days_nothing_is_left_to_restore(owner, idp):
    """R13: for 30 days."""
    with clock.stopped(at=NOON):
        ada, grace = idp.create(ADA), idp.create(GRACE)
        idp.delete(ada.id)
        idp.set_active(grace.id, False)
    with clock.stopped(at=NOON + 30 * DAY):
        assert sorted(_freed(owner)) == [ADA, GRACE]
        prune_accounts()
        assert KeptDocument.objects.of(owner).count() == 1
    with clock.stopped(at=NOON + 30 * DAY + dt.timedelta(seconds=1)):
        assert _freed(owner) == []
        assert _restore(owner, GRACE).json["error"]["code"] == "not_freed"
        with pytest.raises(Refusal) as refused:
            restore.restore(owner, "sales-navigator", [_person(ADA).pk])
        assert refused.value.code == "kept_no_longer"
        prune_accounts()
    assert KeptDocument.objects.of(owner).count() == 0
    assert Person.objects.of(owner).count() == 2


def test_each_pool_has_its_own_list(owner, idp):
    """R2, R13: only what was freed in the pool is restored there."""
    set_seats(owner, 1, "teamlink-extend")
    ada = idp.create(ADA)
    idp.set_active(ada.id, False)
    assert _freed(owner, "teamlink-extend") == []
    ran = _restore(owner, ADA, product="teamlink-extend")
    assert (ran.exit, ran.json["error"]["code"]) == (1, "not_freed")


def test_whoever_has_a_seat_again_is_not_listed_and_keeps_it(owner, idp):
    """R13, R26: repeating is harmless."""
    ada = idp.create(ADA)
    idp.set_active(ada.id, False)
    idp.set_active(ada.id, True)
    assert _freed(owner) == []
    before = dump()
    assert restore.restore(owner, "sales-navigator", [_person(ADA).pk]) == 0
    assert dump() == before


def test_a_person_freed_several_times_is_listed_once(owner, idp):
    """R13: the last time counts."""
    ada = idp.create(ADA)
    for active in (False, True, False):
        idp.set_active(ada.id, active)
    assert _freed(owner) == [ADA]
    ran = manage_for_people("list_freed", owner.slug, "sales-navigator")
    assert "ada@acme.example  Okta changed this person: no longer eligible" in ran.out


# ---------------------------------------------------------------- full pools


def test_a_full_pool_refuses_with_the_number_missing_and_restores_nobody(owner, idp):
    """R13, R15, R26: all of them or none."""
    people = [idp.create(email, number=str(n)) for n, email in enumerate((ADA, GRACE, HEDY))]
    for person in people:
        idp.delete(person.id)
    set_seats(owner, 1)
    before = dump()
    ran = _restore(owner, "--all")
    assert (ran.exit, ran.json["error"]["code"]) == (1, "seats_missing")
    assert (
        "2 more Sales Navigator licenses are needed to restore 3: 1 of 1 is free"
        in (ran.json["error"]["detail"])
    )
    assert dump() == before
    set_seats(owner, 3)
    assert _restore(owner, "--all").json == {"restored": [ADA, GRACE, HEDY]}
    assert holders(owner) == [ADA, GRACE, HEDY]


def test_the_command_wants_names_or_all(owner, idp):
    """R13: wrong usage restores nobody."""
    assert _restore(owner).exit == 2
    assert _restore(owner, ADA, "--all").exit == 2
    assert _restore(owner, "--all").json == {"restored": []}


def test_whoever_waits_and_is_restored_waits_no_more(owner, idp):
    """R18: who has a seat is not on the waiting list."""
    ada = idp.create(ADA)
    idp.delete(ada.id)
    set_seats(owner, 0)
    assert idp.create(ADA).status == 403
    assert waiting(owner) == [ADA]
    set_seats(owner, 1)
    _restore(owner, ADA)
    assert (holders(owner), waiting(owner)) == ([ADA], [])


# ---------------------------------------------------------------- accounts that are gone


def test_a_deleted_person_comes_back_by_hand_as_the_same_person_with_everything(owner, idp):
    """R13, R7: history, manual groups, and the last document."""
    ada = idp.create(ADA, number="7", title="Countess", nickName="Lady")
    before = _person(ADA)
    manage("create_group", owner.slug, "SMB", "--member", ADA)
    idp.create_group("Sales", ada.id)
    idp.delete(ada.id)
    assert _person(ADA).removed_at is not None
    _restore(owner, ADA)
    after = _person(ADA)
    assert (after.pk, after.removed_at, after.managed_by) == (before.pk, None, None)
    assert (after.title, after.employee_number) == ("Countess", "7")
    assert manage("show_group", owner.slug, "SMB").json["members"] == [ADA]
    assert manage("show_group", owner.slug, "Sales").json["members"] == []
    [shown] = idp.find(f'userName eq "{ADA}"')
    assert shown["nickName"] == "Lady"
    assert shown["id"] != ada.id
    assert [deed for deed, _ in ledger(owner)[1:]] == ["grant", "release", "grant"]
    assert not KeptDocument.objects.of(owner).exists()


def test_somebody_deactivated_before_the_delete_comes_back_active(owner, idp):
    """R13: Okta deactivates, then deletes; a license by hand is for somebody who is there."""
    ada = idp.create(ADA)
    idp.set_active(ada.id, False)
    idp.delete(ada.id)
    _restore(owner, ADA)
    assert idp.find(f'userName eq "{ADA}"')[0]["active"] is True


def test_the_next_push_takes_the_restored_person_over(owner, idp):
    """R12: keeps the seat and its activation, and loses it from then on when deactivated."""
    idp.delete(idp.create(ADA).id)
    _restore(owner, ADA)
    manage("activate_seat", owner.slug, "sales-navigator", ADA)
    again = idp.create(ADA)
    assert again.status == 201
    seat = seat_of(owner, ADA)
    assert (seat.application, seat.state) == (idp.application, "activated")
    idp.set_active(again.id, False)
    assert holders(owner) == []
    assert _freed(owner) == [ADA]


def test_a_deactivated_person_keeps_the_restored_seat_until_activated_again(owner, idp):
    """R8, R12: what the identity provider says stays; a seat by hand goes by hand."""
    ada = idp.create(ADA)
    idp.set_active(ada.id, False)
    _restore(owner, ADA)
    assert idp.get(ada.id).json["active"] is False
    idp.set_active(ada.id, False)
    idp.patch(f"/Users/{ada.id}", ("replace", "title", "Countess"))
    idp.replace(ada.id, ADA, number="1", active=False)
    manage("reconcile_licenses", "--organization", owner.slug)
    assert holders(owner) == [ADA]
    idp.set_active(ada.id, True)
    assert seat_of(owner, ADA).source == "scim"
    idp.set_active(ada.id, False)
    assert holders(owner) == []


def test_a_restored_person_whom_the_application_deletes_is_held_by_the_seat(owner, idp):
    """R13: the account goes only when nothing else holds it."""
    ada = idp.create(ADA)
    idp.set_active(ada.id, False)
    _restore(owner, ADA)
    assert idp.delete(ada.id).status == 204
    assert holders(owner) == [ADA]
    assert _person(ADA).managed_by is None


def test_an_address_that_somebody_else_has_meanwhile_is_refused_by_name(owner, idp):
    """R12, R13: one human is one person."""
    idp.delete(idp.create(ADA, userName="ada").id)
    other = idp.create(GRACE, userName="grace")
    emails = [{"value": ADA, "primary": True}]
    assert idp.patch(f"/Users/{other.id}", ("replace", "emails", emails)).status == 200
    before = dump()
    ran = _restore(owner, ADA)
    assert (ran.exit, ran.json["error"]["code"]) == (1, "person_exists")
    assert dump() == before


def test_somebody_who_came_back_by_a_push_leaves_nothing_behind(owner, idp):
    """R13: what was kept for restoring is forgotten."""
    idp.delete(idp.create(ADA).id)
    assert KeptDocument.objects.of(owner).count() == 1
    idp.create(ADA)
    assert KeptDocument.objects.of(owner).count() == 0
    assert Link.objects.of(owner).filter(person=_person(ADA)).count() == 1


def test_many_are_restored_by_as_many_statements_as_few(owner, django_assert_max_num_queries):
    """R26: in sets, in allocation order."""
    idp = connect(owner, seats=40)
    for n in range(40):
        idp.delete(idp.create(f"p{n:02}@acme.example", number=str(n)).id)
    people = list(Person.objects.of(owner).order_by("sort_key").values_list("pk", flat=True))
    restore.restore(owner, "sales-navigator", people[:1])
    with django_assert_max_num_queries(20):
        restore.restore(owner, "sales-navigator", list(reversed(people)))
    assert holders(owner) == [f"p{n:02}@acme.example" for n in range(40)]
    lines = LedgerEntry.objects.of(owner).filter(because__startswith="Restored").order_by("pk")
    assert [line.email for line in lines] == holders(owner)


# ---------------------------------------------------------------- the page


def test_the_page_lists_what_was_freed_and_restores_one_or_the_selected(owner, idp, admin):
    """R13: single and selected."""
    people = {email: idp.create(email) for email in (ADA, GRACE, HEDY)}
    for person in people.values():
        idp.delete(person.id)
    page = admin.get(FREED).content.decode()
    assert all(email in page for email in people)
    assert "Okta deleted this person" in page
    ids = {email: _person(email).pk for email in people}
    answer = admin.post(f"{FREED}restore/", {"only": ids[ADA], "people": ids[GRACE]}, follow=True)
    assert "1 Sales Navigator license was restored" in answer.content.decode()
    assert holders(owner) == [ADA]
    answer = admin.post(f"{FREED}restore/", {"people": [ids[GRACE], ids[HEDY]]}, follow=True)
    assert "2 Sales Navigator licenses were restored" in answer.content.decode()
    assert len(holders(owner)) == 3
    assert "Nothing was freed" in admin.get(FREED).content.decode()


def test_the_page_refuses_with_the_number_missing(owner, idp, admin):
    """R13: when the pool is full."""
    idp.delete(idp.create(ADA).id)
    set_seats(owner, 0)
    answer = admin.post(f"{FREED}restore/", {"people": _person(ADA).pk}, follow=True)
    assert "1 more Sales Navigator license is needed to restore 1" in answer.content.decode()
    assert holders(owner) == []


@pytest.mark.parametrize("form", [{}, {"people": "x"}, {"only": "-1"}, {"only": "9" * 30}])
def test_a_form_that_names_nobody_restores_nobody(owner, idp, admin, form):
    """R13: nothing selected is told."""
    answer = admin.post(f"{FREED}restore/", form, follow=True)
    assert "Nobody was selected" in answer.content.decode()


def test_a_strangers_person_cannot_be_restored(owner, idp, admin):
    """R11: never another organization's."""
    other = organization()
    theirs = connect(other, seats=1)
    theirs.delete(theirs.create(ADA).id)
    before = dump()
    admin.post(f"{FREED}restore/", {"only": _person(ADA).pk})
    assert dump() == before
    assert ADA not in admin.get(FREED).content.decode()


# ---------------------------------------------------------------- races


@pytest.mark.django_db(transaction=True)
def test_restoring_races_with_pushes_for_the_last_seat_and_one_gets_it(race):
    """R15: seats in use never exceed seats purchased."""
    owner = organization()
    idp = connect(owner, seats=1)
    for n in range(3):
        email = f"p{n}@acme.example"
        idp.delete(idp.create(email).id)
        restored, pushed = race(
            functools.partial(_restore, owner, email),
            functools.partial(idp.create, f"q{n}@acme.example"),
            behind=owner,
        )
        assert (restored.exit, pushed.status) in ((0, 403), (1, 201))
        check_books()
        for seat in list(pool_of(owner).seats.all()):
            if seat.application_id:
                idp.delete(str(seat.person.links.get().pk))
            else:
                manage("remove_seat", owner.slug, "sales-navigator", seat.person.email)


@pytest.mark.django_db(transaction=True)
def test_a_person_is_restored_while_they_are_pushed_again_and_stays_one(race):
    """R12, R13: whichever comes first, one person with one seat."""
    owner = organization()
    idp = connect(owner, seats=10)
    for n in range(4):
        email = f"p{n}@acme.example"
        idp.delete(idp.create(email).id)
        restored, pushed = race(
            functools.partial(_restore, owner, email), functools.partial(idp.create, email)
        )
        assert pushed.status == 201
        assert restored.exit in (0, 1)
        assert Person.objects.of(owner).filter(email=email).count() == 1
        assert seat_of(owner, email).application == idp.application
    check_books()


def test_what_is_kept_is_kept_for_as_long_as_it_can_be_restored():
    """R13: 30 days, to the second."""
    assert dt.timedelta(days=30) == kept.RESTORABLE
