"""R13: deactivating, reactivating and deleting. R14: activation is the owner's."""

import functools
import re

import pytest
from django.core import mail
from django.db import connection

from accounts.models import Person
from accounts.tasks import deliver_outbox
from licensing import activation
from tests.factories import (
    connect,
    explain,
    grant,
    holders,
    ledger,
    manage,
    organization,
    seat_of,
    set_seats,
    stranger,
    waiting,
)

pytestmark = pytest.mark.django_db

ADA = "ada@acme.example"


@pytest.fixture
def idp(owner):
    return connect(owner, seats=2)


def _activate(owner, email):
    return manage("activate_seat", owner.slug, "sales-navigator", email)


def test_deactivating_frees_the_seat_and_keeps_the_person(owner, idp):
    """R13: active: false frees the seat and keeps the person."""
    ada = idp.create(ADA)
    answer = idp.set_active(ada.id, False)
    assert (answer.status, answer.json["active"]) == (200, False)
    assert holders(owner) == []
    assert idp.get(ada.id).status == 200
    assert explain(owner, ADA).json["has_seat"] is False


def test_reactivating_asks_for_a_seat_again(owner, idp):
    """R13: active: true asks for a seat again."""
    ada = idp.create(ADA)
    idp.set_active(ada.id, False)
    assert idp.set_active(ada.id, True).json["active"] is True
    assert holders(owner) == [ADA]


def test_a_put_with_active_false_frees_the_seat_and_one_without_active_keeps_it(owner, idp):
    """R13: PUT is held to the same rule; what it does not say of active stays."""
    ada = idp.create(ADA)
    body = {"userName": ADA, "name": {"givenName": "Ada", "familyName": "King"}}
    assert idp("PUT", f"/Users/{ada.id}", body).json["active"] is True
    assert holders(owner)
    idp.replace(ada.id, ADA, active=False)
    assert holders(owner) == []
    assert idp("PUT", f"/Users/{ada.id}", body).json["active"] is False
    assert holders(owner) == []


def test_creating_somebody_inactive_gives_no_seat(owner, idp):
    """R13, R16: whoever is eligible and active gets a seat."""
    ada = idp.create(ADA, active=False)
    assert ada.status == 201
    assert holders(owner) == waiting(owner) == []
    idp.set_active(ada.id, True)
    assert holders(owner) == [ADA]


def test_deleting_frees_the_seat_and_is_404_afterwards(owner, idp):
    """R13: DELETE removes the person from the application, 404 afterwards, and again."""
    ada = idp.create(ADA)
    group = idp.create_group("Team", ada.id)
    assert idp.delete(ada.id).status == 204
    for answer in (
        idp.get(ada.id),
        idp.delete(ada.id),
        idp.set_active(ada.id, True),
        idp.replace(ada.id, ADA),
        idp.get(stranger()),
    ):
        assert answer.status == 404
    assert holders(owner) == []
    assert idp.find(f'userName eq "{ADA}"') == []
    assert idp.members(group.id) == []
    assert explain(owner, ADA).exit == 1


def test_deleting_changes_the_version_of_the_groups_that_the_person_was_in(owner, idp):
    """R13: an identity provider that asks with the old ETag gets the new members."""
    ada = idp.create(ADA)
    group = idp.create_group("Team", ada.id)
    idp.delete(ada.id)
    answer = idp("GET", f"/Groups/{group.id}", **{"If-None-Match": group.headers["ETag"]})
    assert answer.status == 200


def test_somebody_created_again_after_a_delete_keeps_history_and_gets_a_new_id(owner, idp):
    """R13: the same human stays one person, the ledger goes on."""
    ada = idp.create(ADA)
    idp.delete(ada.id)
    again = idp.create(ADA)
    assert (again.status, again.id != ada.id) == (201, True)
    assert Person.objects.of(owner).count() == 1
    assert ledger(owner)[1:] == [("grant", ADA), ("release", ADA), ("grant", ADA)]


def test_a_seat_given_by_hand_in_another_pool_holds_the_account_when_scim_deletes(owner, idp):
    """R13: the account itself goes only when nothing else holds it."""
    set_seats(owner, 1, "teamlink-extend")
    ada = idp.create(ADA)
    grant(owner, ADA, "teamlink-extend")
    idp.delete(ada.id)
    assert holders(owner, "teamlink-extend") == [ADA]
    assert Person.objects.get(email=ADA).managed_by is None
    assert idp.create(ADA).status == 201


def test_a_manual_person_cannot_be_deleted_by_an_application_that_never_took_them_over(owner, idp):
    """R12, R13: a seat given by hand that SCIM never took over is removed only by hand."""
    grant(owner, ADA)
    [ada] = idp.find(f'userName eq "{ADA}"')
    assert idp.delete(ada["id"]).status == 403
    assert holders(owner) == [ADA]


def test_a_pushed_seat_is_provisioned_until_the_owner_activates_it(owner, idp):
    """R14: SCIM assigns a license, it never activates one."""
    ada = idp.create(ADA)
    idp.patch(f"/Users/{ada.id}", ("replace", "title", "Countess"))
    idp.replace(ada.id, ADA, title="Engineer")
    assert seat_of(owner, ADA).state == "provisioned"
    shown = _activate(owner, ADA)
    assert shown.json["state"] == seat_of(owner, ADA).state == "activated"
    assert _activate(owner, ADA).json == shown.json
    assert [deed for deed, _ in ledger(owner)].count("activate") == 1


def test_losing_and_regaining_a_seat_needs_a_new_activation(owner, idp):
    """R14: a new invitation too, and the old link is worth nothing."""
    ada = idp.create(ADA)
    _activate(owner, ADA)
    old_link = activation.link(seat_of(owner, ADA)).rsplit("/", 2)
    idp.set_active(ada.id, False)
    idp.set_active(ada.id, True)
    assert seat_of(owner, ADA).state == "provisioned"
    with pytest.raises(activation.Refusal) as refused:
        activation.find(next(part for part in reversed(old_link) if part))
    assert refused.value.code == "no_seat"


def test_the_person_gets_an_invitation_with_a_link_that_activates_the_seat(owner, idp):
    """R14: the person gets an invitation and activates the seat with their own link."""
    idp.create(ADA)
    deliver_outbox()
    [letter] = mail.outbox
    assert letter.to == [ADA]
    [token] = re.findall(r"/activate/([^/\s]+)/\s", letter.body)
    assert activation.find(token) == seat_of(owner, ADA)
    assert activation.activate(token).state == "activated"
    assert seat_of(owner, ADA).state == "activated"
    assert activation.activate(token).state == "activated"


def test_one_seat_is_one_invitation_however_often_the_push_is_repeated(owner, idp):
    """R14, R26: repeating a push invites nobody again."""
    ada = idp.create(ADA)
    idp.create(ADA)
    idp.replace(ada.id, ADA)
    idp.set_active(ada.id, True)
    deliver_outbox()
    deliver_outbox()
    assert len(mail.outbox) == 1


def test_a_seat_that_is_gone_before_the_mail_goes_invites_nobody(owner, idp):
    """R14: no link to nothing."""
    ada = idp.create(ADA)
    idp.set_active(ada.id, False)
    deliver_outbox()
    assert mail.outbox == []


def test_a_link_that_was_tampered_with_activates_nothing(owner, idp):
    """R14: their own link, and nobody else's."""
    idp.create(ADA)
    token = next(part for part in reversed(activation.link(seat_of(owner, ADA)).split("/")) if part)
    for wrong in (token[:-1] + "x", "x" + token, "", token.split(":")[0]):
        with pytest.raises(activation.Refusal):
            activation.activate(wrong)
    assert seat_of(owner, ADA).state == "provisioned"


def test_nobody_without_a_seat_can_activate_one(owner, idp):
    """R14: refused, with a code."""
    ada = idp.create(ADA)
    idp.set_active(ada.id, False)
    ran = _activate(owner, ADA)
    assert (ran.exit, ran.json["error"]["code"]) == (1, "no_seat")
    assert _activate(owner, "nobody@acme.example").json["error"]["code"] == "person_not_found"


@pytest.mark.django_db(transaction=True)
def test_deleting_somebody_while_they_are_given_a_seat_by_hand_leaves_no_seat_of_nobody(race):
    """R13, R26: either the seat holds the account, or the account is gone without a seat."""
    owner = organization()
    idp = connect(owner, seats=10)
    set_seats(owner, 10, "teamlink-extend")
    for n in range(3):
        email = f"ada{n}@acme.example"
        ada = idp.create(email)
        deleted, given = race(
            functools.partial(idp.delete, ada.id),
            functools.partial(grant, owner, email, "teamlink-extend"),
            behind=owner,
        )
        assert (deleted.status, given.exit) == (204, 0)
        assert explain(owner, email, "teamlink-extend").json["has_seat"] is True


@pytest.mark.django_db(transaction=True)
def test_deleting_people_while_their_groups_are_pushed_meets_no_deadlock(race):
    """R13, R26: who takes somebody out of groups holds the groups first, as a group push does."""
    owner = organization()
    idp = connect(owner, seats=20, eligibility="groups", eligible_groups=["One"])
    people = [idp.create(f"p{n}@acme.example").id for n in range(12)]
    groups = [idp.create_group(name, *people).id for name in ("One", "Two", "Three")]

    def delete(ids):
        return [idp("DELETE", f"/Users/{id}").status for id in ids]

    def push(group):
        return [idp.add_members(group, *people).status for _ in range(12)]

    before = _deadlocks()
    deleted_first, deleted_then, *pushed = race(
        functools.partial(delete, people[:6]),
        functools.partial(delete, people[6:]),
        *(functools.partial(push, group) for group in groups),
    )
    assert {*deleted_first, *deleted_then} == {204}
    # Once somebody is gone the push names a person whom nobody has.
    assert {status for statuses in pushed for status in statuses} <= {204, 400}
    assert _deadlocks() == before
    assert holders(owner) == waiting(owner) == []


def _deadlocks():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return cursor.fetchone()[0]
