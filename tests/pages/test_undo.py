"""Undo after a deed by hand: what is so again, and what is refused when things have changed."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from accounts import clock, undo
from accounts.deeds import Deed
from accounts.models import AuditEntry, Group, Membership, Person, Undo
from licensing import pools
from licensing import undo as licensing_undo
from licensing.models import HeldRemoval, Seat
from licensing.tasks import carry_out_removals
from tests import factories
from tests.pages.test_pages import text
from tests.pages.world import World, hold_removals

SALES = "sales-navigator"
LOG = "/settings/audit/"


class Done(NamedTuple):
    """A deed by a page: its address and form."""

    name: str
    arguments: Callable[[World], list[Any]]
    form: Callable[[World], dict[str, Any]]


def _sam(world: World) -> list[Any]:
    return [world.sam.pk]


def _seat(world: World) -> list[Any]:
    return [world.sam.pk, SALES]


def _manual(world: World) -> list[Any]:
    return [world.manual_group.pk]


def _nothing(world: World) -> dict[str, Any]:
    return {}


DEEDS = {
    Deed.SEATS_CHANGED: Done(
        "licensing:set_seats", lambda world: [SALES], lambda world: {"number": 40}
    ),
    Deed.SEAT_GIVEN: Done(
        "licensing:give_seat", lambda world: [world.sam.pk, "teamlink-extend"], _nothing
    ),
    Deed.SEAT_REMOVED: Done("licensing:take_seat", _seat, _nothing),
    Deed.PERSON_ADDED: Done(
        "licensing:new_person", lambda world: [], lambda world: {"email": "nia@example.com"}
    ),
    Deed.PERSON_CHANGED: Done(
        "licensing:edit_person",
        _sam,
        lambda world: {"email": "samuel@example.com", "first_name": "Samuel", "title": "Writer"},
    ),
    Deed.PEOPLE_REMOVED: Done("licensing:remove_person", _sam, _nothing),
    Deed.GROUP_RENAMED: Done(
        "licensing:rename_group", _manual, lambda world: {"name": "Small businesses"}
    ),
    Deed.GROUP_DELETED: Done("licensing:delete_group", _manual, _nothing),
    Deed.GROUP_PEOPLE_ADDED: Done(
        "licensing:add_members", _manual, lambda world: {"person": [world.person.pk]}
    ),
    Deed.GROUP_PEOPLE_REMOVED: Done(
        "licensing:remove_members", _manual, lambda world: {"only": world.sam.pk}
    ),
    Deed.ROLE_CHANGED: Done(
        "accounts:change_role",
        lambda world: [world.colleague.pk],
        lambda world: {"kind": "read-only"},
    ),
    Deed.REMOVALS_APPROVED: Done(
        "licensing:decide",
        lambda world: [HeldRemoval.objects.latest("id").pk],
        lambda world: {"deed": "approve"},
    ),
    Deed.REMOVALS_DISMISSED: Done(
        "licensing:decide_all",
        lambda world: [world.application.pk],
        lambda world: {"deed": "dismiss", "last": HeldRemoval.objects.latest("id").pk},
    ),
}


def state(world: World) -> dict[str, Any]:
    """What admins change by hand, without ids that are new when something is made again."""
    owner = world.organization
    people = Person.objects.of(owner).filter(removed_at=None).order_by("pk")
    members = Membership.objects.of(owner).order_by("group__name", "person")
    return {
        "people": list(people.values_list("pk", "email", "first_name", "title", "removed_at")),
        "groups": list(Group.objects.of(owner).order_by("name").values_list("name", flat=True)),
        "members": list(members.values_list("group__name", "person")),
        "seats": list(Seat.objects.of(owner).order_by("person", "pool").values_list("person")),
        "numbers": [pool.purchased for pool in owner.pools.order_by("pk")],
        "roles": list(owner.roles.order_by("pk").values_list("admin", "kind")),
        "held": list(HeldRemoval.objects.of(owner).order_by("pk").values_list("state")),
    }


@pytest.fixture
def roomy(world: World) -> World:
    """Licenses are free, and three removals are held."""
    pools.set_seats(world.organization, SALES, 30)
    pools.set_seats(world.organization, "teamlink-extend", 30)
    hold_removals(world)
    return world


def do(admin: Client, world: World, deed: Deed) -> Any:
    """The page after the deed, with its notice."""
    done = DEEDS[deed]
    address, form = reverse(done.name, args=done.arguments(world)), done.form(world)
    answer = admin.post(address, form, follow=True)
    effect = answer.context.get("effect")
    return (
        admin.post(address, form | {"confirmed": effect.digest}, follow=True) if effect else answer
    )


def button(page: Any) -> str:
    """The address of Undo in the notice."""
    found = re.search(r'<form action="(/settings/audit/\d+/undo/)"', page.content.decode())
    assert found, text(page)
    return found[1]


def test_every_deed_that_can_be_undone_is_undone_from_its_notice(
    admin: Client, roomy: World
) -> None:
    """R26: the reverse is whole; the audit log has its line and one that says what was undone."""
    others = {Deed.SEATS_RESTORED}
    assert DEEDS.keys() == licensing_undo.WAYS.keys() - others
    for deed in DEEDS:
        point = transaction.savepoint()
        before = state(roomy)
        page = do(admin, roomy, deed)
        assert state(roomy) != before, deed
        undone = admin.post(button(page), {"next": "/users/"}, follow=True)
        assert undone.redirect_chain == [("/users/", 302)]
        assert "Undone. " in text(undone), deed
        assert state(roomy) == before, deed
        last = AuditEntry.objects.latest("id")
        assert (last.deed, last.admin, last.after["undone"]) == (
            "deed_undone",
            roomy.owner,
            deed.label,
        )
        if "SEAT" in deed.name or deed == Deed.PEOPLE_REMOVED:
            factories.check_books()
        transaction.savepoint_rollback(point)


def test_a_license_that_went_to_somebody_else_is_not_given_back(
    admin: Client, world: World
) -> None:
    """R15: refused in plain words, and nothing is changed."""
    page = do(admin, world, Deed.SEAT_REMOVED)
    pool = pools.get(world.organization, SALES)
    pools.set_seats(world.organization, SALES, pool.held)
    before = state(world)
    refused = text(admin.post(button(page), follow=True))
    assert "What was freed has gone to others meanwhile: 1 more Sales Navigator license" in refused
    assert state(world) == before
    assert not Undo.objects.exclude(undone_at=None).exists()


def test_what_was_changed_again_since_is_not_undone(admin: Client, roomy: World) -> None:
    """R26: each way looks whether things are as the deed left them."""
    group, sam = roomy.manual_group, roomy.sam
    again: dict[Deed, tuple[Callable[[], object], str]] = {
        Deed.SEATS_CHANGED: (
            lambda: pools.set_seats(roomy.organization, SALES, 41),
            "Sales Navigator has 41 licenses now, not 40 any more",
        ),
        Deed.PERSON_CHANGED: (
            lambda: Person.objects.filter(pk=sam.pk).update(title="Director"),
            "Title of Samuel is “Director” now",
        ),
        Deed.GROUP_RENAMED: (
            lambda: Group.objects.filter(pk=group.pk).update(name="MM", name_key="mm"),
            "The group is called MM now",
        ),
        Deed.GROUP_DELETED: (
            lambda: roomy.entra.create_group("smb"),
            "Another group is called SMB now",
        ),
        Deed.GROUP_PEOPLE_REMOVED: (
            lambda: admin.post(
                reverse("licensing:add_members", args=[group.pk]), {"person": [sam.pk]}
            ),
            "1 person came into SMB meanwhile",
        ),
        Deed.SEAT_GIVEN: (
            lambda: admin.post(reverse("licensing:take_seat", args=[sam.pk, "teamlink-extend"])),
            "Has no TeamLink Extend license",
        ),
        Deed.REMOVALS_APPROVED: (carry_out_removals, "were carried out, decided or pushed"),
    }
    for deed, (change, because) in again.items():
        point = transaction.savepoint()
        address = button(do(admin, roomy, deed))
        change()
        before = state(roomy)
        page = text(admin.post(address, follow=True))
        assert because in page, (deed, page[:3000])
        assert state(roomy) == before, deed
        transaction.savepoint_rollback(point)


def test_a_deed_is_undone_once_and_by_its_own_admin(
    admin: Client, reader: Client, roomy: World, stranger: World
) -> None:
    address = button(do(admin, roomy, Deed.GROUP_RENAMED))
    colleague, foreign = Client(), Client()
    colleague.force_login(roomy.colleague.admin)
    foreign.force_login(stranger.owner)
    for other in (colleague, foreign):
        assert "This cannot be undone any more" in text(other.post(address, follow=True))
    assert reader.post(address).status_code == 403
    assert roomy.manual_group.name == "Small businesses"
    admin.post(address)
    assert "was undone already" in text(admin.post(address, follow=True))
    assert roomy.manual_group.name == "SMB"


def test_the_audit_log_offers_undo_while_it_is_possible(
    admin: Client, reader: Client, world: World
) -> None:
    """Also what the undoing did can be undone; thirty days later nothing can."""
    do(admin, world, Deed.GROUP_RENAMED)
    only = {"deed": "group_renamed"}
    address = button(admin.get(LOG, only))
    assert "/undo/" not in reader.get(LOG, only).content.decode()
    admin.post(address)
    shown = admin.get(LOG, only).content.decode()
    assert address not in shown
    assert shown.count("/undo/") == 2, "the notice, and the line of the reverse"
    with clock.stopped(at=clock.now() + undo.KEPT):
        assert "/undo/" not in admin.get(LOG, only).content.decode()
        undo.prune()
    assert not Undo.objects.exists()


def test_many_are_undone_as_one(admin: Client, roomy: World) -> None:
    """R13: licenses that were taken away from many at once come back to all of them."""
    before = state(roomy)
    form = {"deed": f"take:{SALES}", "whom": "all"}
    asked = admin.post(reverse("licensing:many"), form)
    confirmed = form | {"confirmed": asked.context["outcome"].digest}
    page = admin.post(reverse("licensing:many"), confirmed, follow=True)
    assert state(roomy) != before
    undone = text(admin.post(button(page), follow=True))
    assert "2 people have the Sales Navigator license again." in undone
    assert state(roomy) == before
    assert "again" in text(admin.post(button(admin.get(LOG)), follow=True))
