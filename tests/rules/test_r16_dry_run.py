"""R16, R18, R19, R24, R27: the push of one person as a dry run, by the code of the real one."""

from __future__ import annotations

import pytest
from django.db import OperationalError, connection

from accounts import changes, groups
from licensing import brake
from licensing.models import Policy
from scim import exchanges
from tests.factories import check_books, connect, dump, grant, holders

pytestmark = pytest.mark.django_db

ADA, GRACE = "ada@acme.example", "grace@acme.example"


@pytest.fixture
def idp(owner):
    return connect(owner, seats=2, idp="okta")


@pytest.fixture
def simulate(admin):
    """Presses the button; nothing at all may be different afterwards."""

    def simulate(idp, user_name, deed="push", **more):
        admin.get("/")  # the session is there before
        exchanges.flush()
        before = dump(without=())
        answer = admin.post(
            f"/settings/global/scim/{idp.application.pk}/simulate/",
            {"user_name": user_name, "deed": deed, **more},
        )
        exchanges.flush()
        assert dump(without=()) == before
        return answer.context.get("rehearsed"), " ".join(answer.content.decode().split())

    return simulate


def _said(rehearsed):
    return [(step.request.method, step.status) for step in rehearsed.steps]


@pytest.mark.parametrize("kind", ["okta", "onelogin", "entra", "other"])
def test_a_made_up_person_would_get_a_seat(owner, simulate, kind):
    """R16: with the request that this identity provider sends, and the answer it would get."""
    idp = connect(owner, seats=2, idp=kind)
    would, page = simulate(idp, ADA, first_name="Ada", employee_number="7")
    assert (would.known, would.has_seat, _said(would)) == (False, True, [("POST", 201)])
    assert would.steps[0].answer["userName"] == ADA
    assert [line.deed for line in would.ledger] == ["grant"]
    assert (would.free_before, would.free_after) == (2, 1)
    assert "They would have a license" in page
    assert '"password"' not in page
    assert holders(owner) == []
    assert idp.create(ADA).status == 201


def test_a_full_pool_would_refuse_with_the_real_answer(owner, idp, simulate):
    """R18: 403 with how many are missing, and a place on the waiting list."""
    idp.create(ADA)
    idp.create("lise@acme.example")
    would, page = simulate(idp, GRACE)
    assert _said(would) == [("POST", 403)]
    assert "1 more Sales Navigator license is needed" in would.steps[0].answer["detail"]
    assert any("was refused and succeeds once a license is free" in said for said in would.because)
    assert "Buy more or free some" in page
    assert "They would have no license" in page
    Policy.objects.update(when_full="waitlist")
    would, page = simulate(idp, GRACE)
    assert _said(would) == [("POST", 201)]
    assert not would.has_seat


def test_somebody_known_stays_as_they_are_where_nothing_is_said(owner, idp, simulate):
    """R16: a real person: what is left empty is as it is."""
    idp.create(ADA, number="7", title="Countess", externalId="00u1")
    would, _ = simulate(idp, ADA.upper(), first_name="Augusta")
    [step] = would.steps
    assert (would.known, step.status, step.answer["title"]) == (True, 200, "Countess")
    assert step.answer["name"]["givenName"] == "Augusta"
    assert would.ledger == []


def test_deactivating_or_deleting_would_hand_the_seat_on(owner, simulate):
    """R13, R20: the seat goes to whoever waits first."""
    idp = connect(owner, seats=1, when_full="waitlist", idp="entra")
    idp.create(ADA)
    idp.create(GRACE)
    for deed, status in (("deactivate", 200), ("delete", 204)):
        would, page = simulate(idp, ADA, deed)
        assert [step.status for step in would.steps] == [status]
        assert [(line.deed, line.person.email) for line in would.ledger] == [
            ("release", ADA),
            ("grant", GRACE),
        ]
        assert not would.has_seat
    assert holders(owner) == [ADA]
    would, page = simulate(idp, "nobody@acme.example", "delete")
    assert would is None
    assert "has nobody with the user name nobody@acme.example" in page


def test_groups_are_pushed_too_and_a_clash_of_names_shows(owner, simulate):
    """R16, R24: chosen groups decide; a manual group's name is 409."""
    groups.create(owner, "SMB")
    idp = connect(owner, seats=1, eligibility="groups", eligible_groups=["Sales"], idp="okta")
    would, page = simulate(idp, ADA)
    assert not would.has_seat
    would, page = simulate(idp, ADA, groups="Sales\nSMB")
    assert _said(would) == [("POST", 201), ("POST", 201), ("PATCH", 204), ("POST", 409)]
    assert would.has_seat
    assert "Rename the manual group" in page
    idp.create_group("Sales")
    would, page = simulate(idp, ADA, groups="sales")
    assert _said(would) == [("POST", 201), ("PATCH", 204)]
    idp.create_group("Extra", idp.create(GRACE).id)
    idp.add_members(idp("GET", "/Groups").json["Resources"][0]["id"], idp.find("")[0]["id"])
    would, page = simulate(idp, ADA, groups="Sales")
    assert _said(would)[-1] == ("PATCH", 403)  # R19: does not fit


def test_what_the_brake_would_hold_is_told_and_not_held(owner, lea, idp, simulate):
    """R27."""
    idp.create(ADA)
    brake.set_limits(Policy.objects.get(), on=True, people=0, percent=0, by=lea)
    would, page = simulate(idp, ADA, "deactivate")
    assert [step.status for step in would.steps] == [403]
    assert would.has_seat
    assert "safety brake" in page


def test_somebody_by_hand_would_be_taken_over(owner, idp, simulate):
    """R12."""
    grant(owner, ADA)
    would, _ = simulate(idp, ADA, first_name="Ada")
    assert would.known
    assert [line.deed for line in would.ledger] == ["take_over"]


def test_a_push_after_a_dry_run_is_as_if_there_had_been_none(owner, idp, simulate):
    """R26: what is undone is gone, and later changes are durable again."""
    simulate(idp, ADA)
    assert idp.create(ADA).status == 201
    assert idp.set_active(idp.find(f'userName eq "{ADA}"')[0]["id"], False).status == 200
    check_books()


@pytest.mark.django_db(transaction=True)
def test_a_dry_run_waits_for_nobody_long(owner, lea, admin):
    """R16: it gives up when a push holds what it needs, and says so."""
    idp = connect(owner, seats=1, idp="okta")
    gate = connection.copy()
    gate.set_autocommit(False)
    try:
        with gate.cursor() as cursor:
            cursor.execute("SELECT 1 FROM licensing_pool FOR UPDATE")
        with changes.rehearsal(wait="50ms"), pytest.raises(OperationalError):
            changes.run(lambda: _lock_pools())
        answer = admin.post(
            f"/settings/global/scim/{idp.application.pk}/simulate/",
            {"user_name": ADA, "deed": "push"},
        )
    finally:
        gate.rollback()
        gate.close()
    assert answer.status_code == 422
    assert "Another change holds what this one needs" in answer.content.decode()


def _lock_pools():
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM licensing_pool FOR UPDATE")
