"""R16: who is eligible is changed live, and the admin is told beforehand whom it meets."""

import functools

import pytest

from accounts import admins
from accounts.models import Group
from licensing import eligibility, pools
from licensing.models import EligibleGroup, LedgerEntry, Policy
from licensing.preview import Outdated
from tests.factories import (
    check_books,
    connect,
    dump,
    explain,
    holders,
    manage,
    manage_for_people,
    organization,
    reconcile_licenses,
    seat_of,
    set_seats,
    waiting,
)

pytestmark = pytest.mark.django_db

ADA, GRACE, HEDY, MARY = (f"{name}@acme.example" for name in ("ada", "grace", "hedy", "mary"))


@pytest.fixture
def idp(owner):
    """Everyone is eligible, two seats: Ada and Grace hold them; Hedy and Mary wait."""
    idp = connect(owner, seats=2, name="Okta", when_full="waitlist")
    idp.people = [
        idp.create(email, number=str(n)).id for n, email in enumerate((ADA, GRACE, HEDY, MARY), 1)
    ]
    return idp


def _command(idp, *arguments):
    return manage("set_eligibility", idp.application.pk, *arguments)


def _totals(result):
    return {name: result[name]["total"] for name in ("gain", "lose", "wait", "leave")}


def _address(idp):
    return f"/settings/global/scim/{idp.application.pk}/rules/"


def _form(choice="groups", groups="", when_full="waitlist", **more):
    return {"eligibility": choice, "eligible_groups": groups, "when_full": when_full, **more}


# ---------------------------------------------------------------- the change itself


def test_choosing_groups_frees_seats_of_others_and_serves_members_in_order(owner, idp):
    """R16, R17: whoever is eligible gets a seat, whoever no longer is loses theirs."""
    idp.create_group("Sales", *idp.people[1:3])
    ran = _command(idp, "groups", "--group", "Sales")
    assert ran.exit == 0
    assert ran.json["gain"] == {"total": 1, "first": [HEDY]}
    assert ran.json["lose"] == {"total": 1, "first": [ADA]}
    assert ran.json["leave"] == {"total": 1, "first": [MARY]}
    assert _totals(ran.json) == {"gain": 1, "lose": 1, "wait": 0, "leave": 1}
    assert (holders(owner), waiting(owner)) == ([GRACE, HEDY], [])


def test_a_dry_run_tells_exactly_what_then_happens_and_changes_nothing(owner, idp):
    """R16, R26: one code path makes both."""
    idp.create_group("Sales", *idp.people[1:])
    before = dump()
    told = _command(idp, "groups", "--group", "Sales", "--dry-run")
    assert dump() == before
    done = _command(idp, "groups", "--group", "Sales")
    assert told.json | {"applied": True} == done.json
    assert _totals(done.json) == {"gain": 1, "lose": 1, "wait": 1, "leave": 0}
    assert told.json["applied"] is False


def test_everyone_again_gives_seats_back_in_order(owner, idp):
    """R16, R17: and whom there is no seat for waits."""
    _command(idp, "groups")
    assert holders(owner) == waiting(owner) == []
    assert _totals(_command(idp, "everyone").json) == {"gain": 2, "lose": 0, "wait": 2, "leave": 0}
    assert (holders(owner), waiting(owner)) == ([ADA, GRACE], [HEDY, MARY])
    assert not EligibleGroup.objects.of(owner).exists()


def test_a_group_that_is_yet_to_be_pushed_can_be_chosen(owner, idp):
    """R16: its members are eligible as soon as it is there."""
    assert _totals(_command(idp, "groups", "--group", "Partners").json)["lose"] == 2
    idp.create_group(" partners ", idp.people[3])
    assert holders(owner) == [MARY]


def test_a_second_time_changes_nothing(owner, idp):
    """R26: repeating is harmless."""
    idp.create_group("Sales", *idp.people[:2])
    _command(idp, "groups", "--group", "Sales")
    before = dump()
    assert _totals(_command(idp, "groups", "--group", "SALES").json)["lose"] == 0
    assert dump() == before


def test_what_happens_when_seats_run_out_is_changed_too_and_left_when_not_said(owner, idp):
    """R18: refuse or waitlist, for the next push."""
    assert _command(idp, "everyone", "--when-full", "refuse").json["when_full"] == "refuse"
    assert idp.create("next@acme.example").status == 403
    assert _command(idp, "everyone").json["when_full"] == "refuse"
    assert _command(idp, "everyone", "--when-full", "waitlist").json["refused"] == 1
    assert idp.create("next@acme.example").status == 201


def test_wrong_choices_are_refused_and_change_nothing(owner, idp):
    """R16: groups are chosen only where groups decide, and have names."""
    before = dump()
    refused = _command(idp, "everyone", "--group", "Sales")
    assert (refused.exit, refused.json["error"]["code"]) == (1, "groups_without_eligibility")
    assert _command(idp, "groups", "--group", " ").json["error"]["code"] == "group_name_invalid"
    assert _command(idp, "nobody").exit == 2
    assert manage("set_eligibility", "x", "everyone").json["error"]["code"] == (
        "application_not_found"
    )
    assert dump() == before


def test_seats_given_by_hand_and_those_of_another_application_stay(owner, idp):
    """R12, R2: only what hangs on the application's rules is touched."""
    set_seats(owner, 6)
    manage("grant_seat", owner.slug, "sales-navigator", "max@acme.example")
    other = connect(owner, name="Other")
    other.create(ADA)
    assert _totals(_command(idp, "groups").json) == {"gain": 0, "lose": 3, "wait": 0, "leave": 0}
    assert holders(owner) == [ADA, "max@acme.example"]
    assert seat_of(owner, ADA).application == other.application


def test_the_ledger_tells_who_changed_the_rules(owner, idp):
    """R21, R22: who, and why."""
    by = admins.create("lea@acme.example", organization=owner, password="a long enough password")
    eligibility.change(idp.application, eligibility="groups", by=by)
    lines = LedgerEntry.objects.of(owner).filter(deed="release")
    assert {line.admin for line in lines} == {by}
    assert "lea@acme.example changed who gets licenses through Okta" in lines[0].because
    assert "only syncs people" in explain(owner, ADA).json["because"][0]


def test_only_the_first_hundred_are_named_and_all_are_counted(owner):
    """R16: names in allocation order, with the total."""
    idp = connect(owner, seats=200)
    idp.bulk(
        *(("POST", "/Users", {"userName": f"p{n:03}@acme.example"}) for n in reversed(range(105)))
    )
    told = _command(idp, "groups", "--dry-run").json["lose"]
    assert told["total"] == 105
    assert told["first"] == [f"p{n:03}@acme.example" for n in range(100)]


def test_for_people_the_command_says_it_in_lines(owner, idp):
    """R16: without --json too."""
    ran = manage_for_people("set_eligibility", idp.application.pk, "groups", "--dry-run")
    assert "nothing was changed" in ran.out
    assert "2 lose theirs\n  ada@acme.example\n  grace@acme.example" in ran.out


# ---------------------------------------------------------------- the page


def test_the_page_tells_names_and_numbers_before_and_the_same_after(owner, idp, admin):
    """R16: "12 people gain a license, 3 lose theirs, 5 will wait"."""
    idp.create_group("Sales", *idp.people[1:])
    assert "Auto-assign licenses" in admin.get(_address(idp)).content.decode()
    before = dump()
    asked = admin.post(_address(idp), _form(groups="Sales"))
    assert asked.status_code == 200
    assert dump() == before
    page = asked.content.decode()
    assert "1 person gains a license, 1 loses theirs, 1 will wait" in page
    assert all(email in page for email in (ADA, HEDY, MARY))
    digest = asked.context["effect"].digest
    done = admin.post(_address(idp), _form(groups="Sales", confirmed=digest), follow=True)
    assert "1 person gained a license, 1 lost theirs, 1 waits" in done.content.decode()
    assert (holders(owner), waiting(owner)) == ([GRACE, HEDY], [MARY])


def test_when_the_world_changed_meanwhile_the_page_shows_the_new_numbers_and_asks_again(
    owner, idp, admin
):
    """R16: what is confirmed is what happens."""
    idp.create_group("Sales", *idp.people[1:])
    digest = admin.post(_address(idp), _form(groups="Sales")).context["effect"].digest
    idp.delete(idp.people[3])
    before = dump()
    again = admin.post(_address(idp), _form(groups="Sales", confirmed=digest))
    assert again.status_code == 409
    assert dump() == before
    page = again.content.decode()
    assert "have changed since you looked" in page
    assert "1 person gains a license, 1 loses theirs, nobody will wait" in page
    newer = again.context["effect"].digest
    assert newer != digest
    assert admin.post(_address(idp), _form(groups="Sales", confirmed=newer)).status_code == 302
    assert holders(owner) == [GRACE, HEDY]


def test_another_admins_change_of_the_rules_makes_the_page_ask_again(owner, admin):
    """R16: also where nobody would gain or lose a seat by it."""
    idp = connect(owner)
    digest = admin.post(_address(idp), _form(when_full="refuse")).context["effect"].digest
    _command(idp, "everyone", "--when-full", "waitlist")
    form = _form(when_full="refuse", confirmed=digest)
    assert admin.post(_address(idp), form).status_code == 409
    assert Policy.objects.get(application=idp.application).when_full == "waitlist"


def test_a_forged_confirmation_changes_nothing(owner, idp, admin):
    """R16: only what was shown can be confirmed."""
    before = dump()
    assert admin.post(_address(idp), _form(confirmed="x")).status_code == 409
    assert admin.post(_address(idp), _form(choice="nobody")).status_code == 422
    assert dump() == before


def test_the_number_of_seats_is_previewed_on_the_pools_page(owner, idp, admin):
    """R15, R20: how many who wait get one, in order, named."""
    address = "/licenses/sales-navigator/seats/"
    before = dump()
    asked = admin.post(address, {"number": "3"})
    assert dump() == before
    page = asked.content.decode()
    assert "1 person gains a license, nobody loses theirs, 1 will wait" in page
    assert HEDY in page
    done = admin.post(
        address, {"number": "3", "confirmed": asked.context["effect"].digest}, follow=True
    )
    assert "1 person gained a license" in done.content.decode()
    assert (holders(owner), waiting(owner)) == ([ADA, GRACE, HEDY], [MARY])


def test_lowering_the_number_says_by_how_many_it_is_over_assigned(owner, idp, admin, over_assigned):
    """R15: nobody loses a seat by it, and the admin is told so beforehand."""
    address = "/licenses/sales-navigator/seats/"
    asked = admin.post(address, {"number": "0"})
    assert "over-assigned by 2" in asked.content.decode()
    idp.set_active(idp.people[0], False)  # Hedy takes the seat: as many hold one
    digest = asked.context["effect"].digest
    again = admin.post(address, {"number": "0", "confirmed": digest})
    assert again.status_code == 409
    assert pools.get(owner, "sales-navigator").purchased == 2
    digest = again.context["effect"].digest
    assert admin.post(address, {"number": "0", "confirmed": digest}).status_code == 302
    assert pools.get(owner, "sales-navigator").over_assigned == 2


# ---------------------------------------------------------------- races


@pytest.mark.django_db(transaction=True)
def test_groups_are_pushed_while_they_are_chosen_and_nobody_is_left_out(race):
    """R16, R26: a push of a chosen group is either seen by the change, or sees it."""
    owner = organization()
    idp = connect(owner, seats=50, eligibility="groups")
    people = [idp.create(f"p{n}@acme.example").id for n in range(8)]
    group = idp.create_group("Sales").id
    for n in range(4):
        _command(idp, "groups")
        chosen, pushed = race(
            functools.partial(_command, idp, "groups", "--group", "Sales"),
            functools.partial(idp.add_members, group, *people[2 * n : 2 * n + 2]),
        )
        assert (chosen.exit, pushed.status) == (0, 204)
        assert len(holders(owner)) == 2 * n + 2
    check_books()


@pytest.mark.django_db(transaction=True)
def test_people_are_pushed_while_the_rules_change_and_the_books_are_right(race):
    """R15, R16: whoever comes first, the outcome is that of one after the other."""
    owner = organization()
    idp = connect(owner, seats=3, when_full="waitlist")
    for n in range(4):
        answers = race(
            functools.partial(idp.create, f"a{n}@acme.example"),
            functools.partial(_command, idp, "groups" if n % 2 else "everyone"),
            functools.partial(idp.create, f"b{n}@acme.example"),
            functools.partial(_command, idp, "everyone" if n % 2 else "groups", "--dry-run"),
        )
        assert [answers[0].status, answers[2].status] == [201, 201]
        assert [answers[1].exit, answers[3].exit] == [0, 0]
        check_books()


def test_reconciliation_binds_a_group_that_was_pushed_in_the_moment_of_choosing(owner, idp):
    """R9, R16: neither transaction saw the other; an hour later it is as it should be."""
    _command(idp, "groups", "--group", "Sales")
    group = idp.create_group("Sales", idp.people[3])
    EligibleGroup.objects.of(owner).update(group=None)
    manage("reconcile_licenses", "--organization", owner.slug)
    assert EligibleGroup.objects.get().group == Group.objects.get(pk=group.id)
    assert holders(owner) == [MARY]
    assert reconcile_licenses(owner)["drift"] == 0


def test_an_outdated_confirmation_tells_what_would_happen_now(owner, idp):
    """R16: the refusal carries the new numbers."""
    with pytest.raises(Outdated) as refused:
        pools.change_seats(owner, "sales-navigator", 4, expected="old")
    assert refused.value.effect.gain.total == 2
    assert "2 people gain a license, nobody loses theirs, nobody will wait" in refused.value.detail
