"""Typing a name before what cannot be undone, or is done to many; and what it says will happen."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Group, Person, Role
from accounts.pages import typed
from licensing import pools
from licensing.models import HeldRemoval, Pool, Seat
from scim.models import Token
from tests.pages.test_pages import text
from tests.pages.test_queries import many_more
from tests.pages.world import World, hold_removals

SALES = "sales-navigator"


def questions(world: World) -> dict[str, tuple[str, Any]]:
    """What has to be typed at an address, and what is so until it is."""
    return {
        reverse("scim_settings:revoke_token", args=[world.token.pk]): (
            "Okta sandbox",
            lambda: Token.objects.filter(pk=world.token.pk, revoked_at=None).exists(),
        ),
        reverse("scim_settings:turn_off"): (
            "Northwind Traders",
            lambda: type(world.organization).objects.get(pk=world.organization.pk).scim_enabled,
        ),
        reverse("licensing:erase_person", args=[world.sam.pk]): (
            "Sam Seaborn",
            lambda: Person.objects.filter(first_name="Sam").exists(),
        ),
        reverse("accounts:remove_admin", args=[world.colleague.pk]): (
            world.colleague.admin.email,
            lambda: Role.objects.filter(pk=world.colleague.pk).exists(),
        ),
    }


def test_what_cannot_be_undone_wants_its_name_typed(admin: Client, world: World) -> None:
    """Without JavaScript, checked by the server, whatever the case and outer spaces."""
    for address, (name, is_there) in questions(world).items():
        assert f"Type <b>{name}</b> to confirm" in text(admin.get(address)), address
        for wrong in ("", "something else", name[:-1]):
            refused = admin.post(address, {"typed_name": wrong})
            assert refused.status_code == 422, address
            assert "Nothing was done: type it as it stands here." in text(refused)
            assert is_there(), address
        assert admin.post(address, {"typed_name": f"  {name.upper()} "}).status_code == 302
        assert not is_there(), address


def test_turning_scim_off_says_what_ends(admin: Client, world: World) -> None:
    page = text(admin.get(reverse("scim_settings:turn_off")))
    assert "Pushes of 2 applications are refused." in page
    managed = world.organization.people.exclude(managed_by=None).filter(removed_at=None).count()
    assert f"{managed} people are kept up to date no longer." in page


@pytest.fixture
def crowd(world: World) -> World:
    """75 more hold a license by hand, and wait, and are in the manual group; as many are held."""
    many_more(world, 150)
    pool = pools.get(world.organization, SALES)
    Seat.objects.filter(pool=pool, person__first_name="Person").update(
        source="manual", application=None
    )
    pools.set_seats(world.organization, SALES, 10)
    _count(world)
    return world


def _count(world: World) -> None:
    """The pool says how many seats were made past the domain."""
    [pool] = Pool.objects.of(world.organization).filter(product=SALES)
    Pool.objects.filter(pk=pool.pk).update(held=pool.seats.count())


def test_many_who_lose_a_license_want_the_name_typed_and_a_few_do_not(
    admin: Client, crowd: World
) -> None:
    """With numbers: who loses one, who waits and gets one, what is free then."""
    address, held = reverse("licensing:many"), crowd.organization.pools.get(product=SALES).held
    form: dict[str, Any] = {"deed": f"take:{SALES}", "whom": "all"}
    asked = admin.post(address, form)
    number = asked.context["outcome"].done.total
    assert number > typed.MANY
    page = text(asked)
    assert "Type <b>Sales Navigator</b> to confirm" in page
    assert f"{number} people lose their Sales Navigator license." in page
    assert f"{10 - (held - number)} who wait get one at once, in order; 0 are free then." in page
    form |= {"confirmed": asked.context["outcome"].digest}
    refused = admin.post(address, form)
    assert refused.status_code == 422
    assert "“Sales Navigator” has to be typed first." in text(refused)
    few = {"deed": f"take:{SALES}", "person": [crowd.sam.pk]}
    assert "to confirm" not in text(admin.post(address, few))
    done = admin.post(address, form | {"typed_name": "sales navigator"}, follow=True)
    assert f"The Sales Navigator license of {number} people removed." in text(done)


def test_a_large_group_and_many_held_removals_want_a_name_too(admin: Client, crowd: World) -> None:
    """R23, R27: approving is carried out by the worker, and then for good."""
    hold_removals(crowd)
    group = crowd.manual_group
    members = {"person": [p.pk for p in crowd.organization.people.filter(removed_at=None)[:60]]}
    admin.post(reverse("licensing:add_members", args=[group.pk]), members)
    address = reverse("licensing:delete_group", args=[group.pk])
    assert "Type <b>SMB</b> to confirm" in text(admin.get(address))
    assert admin.post(address).status_code == 422
    assert Group.objects.filter(pk=group.pk).exists()
    assert admin.post(address, {"typed_name": "smb"}).status_code == 302
    assert not Group.objects.filter(pk=group.pk).exists()

    all_of = reverse("licensing:decide_all", args=[crowd.application.pk])
    form = {"deed": "approve", "last": HeldRemoval.objects.latest("id").pk}
    asked = admin.post(all_of, form)
    assert asked.status_code == 200
    number = asked.context["number"]
    assert number > typed.MANY
    held = Seat.objects.filter(person__held_removals__state="held", pool__product=SALES)
    seats = held.distinct().count()
    assert f"{seats} people lose their Sales Navigator license." in text(asked)
    assert admin.post(all_of, form | {"typed_name": "Entra"}).status_code == 422
    assert not HeldRemoval.objects.filter(state="approved").exists()
    done = admin.post(all_of, form | {"typed_name": crowd.application.name}, follow=True)
    assert f"{number} removals by Okta – Sales Navigator are approved" in text(done)
    assert HeldRemoval.objects.filter(state="approved").count() == number


def test_reclaiming_many_wants_the_product_typed(admin: Client, world: World) -> None:
    many_more(world, 150)
    _count(world)
    address = reverse("licensing:reclaim", args=[SALES])
    page = text(admin.get(address, {"person": "all"}))
    assert "Type <b>Sales Navigator</b> to confirm" in page
    assert "people lose their Sales Navigator license." in page
    refused = admin.post(address, {"person": "all"})
    assert refused.status_code == 422
    before = Seat.objects.count()
    admin.post(address, {"person": "all", "typed_name": "Sales Navigator"})
    assert Seat.objects.count() < before
