"""Each kind of change, and a crash at each of its statements in turn."""

from __future__ import annotations

import itertools

import pytest
from django.db import OperationalError, connection

from tests import factories
from tests.licensing.crashes import Crash, rows_of

pytestmark = pytest.mark.django_db(transaction=True)

ADA, GRACE, MAX, NEW = (f"{name}@acme.example" for name in ("ada", "grace", "max", "new"))


class World:
    """Ada holds the one seat by a group, Grace waits, Max was added by hand and has none."""

    def __init__(self) -> None:
        self.owner = factories.organization()
        idp = self.idp = factories.connect(
            self.owner, seats=1, eligibility="groups", eligible_groups=["Sellers"], name="Okta"
        )
        self.second = factories.connect(self.owner)
        self.other = factories.connect(self.owner, product="teamlink-extend", seats=1)
        factories.grant(self.owner, MAX)
        factories.manage("remove_seat", self.owner.slug, "sales-navigator", MAX)
        [found] = idp.find(f'userName eq "{MAX}"')
        self.max = found["id"]
        self.ada, self.grace = idp.create(ADA, number="1").id, idp.create(GRACE, number="2").id
        self.sellers = idp.create_group("Sellers", self.ada, self.grace).id


CHANGES = {
    "POST a person": lambda w: w.idp.create(NEW),
    "POST somebody whom the other application has": lambda w: w.other.create(ADA, active=False),
    "POST that takes over": lambda w: w.idp.create(MAX),
    "POST that is refused": lambda w: w.second.create(NEW),
    "PUT a person": lambda w: w.idp.replace(w.ada, ADA, number="3", active=False),
    "PUT that takes over": lambda w: w.idp.replace(w.max, MAX),
    "PATCH a person": lambda w: w.idp.set_active(w.ada, False),
    "DELETE a person": lambda w: w.idp.delete(w.ada),
    "POST a group": lambda w: w.idp.create_group("New", w.ada, w.grace),
    "PUT a group": lambda w: w.idp.replace_group(w.sellers, "Renamed", w.ada),
    "PATCH a group": lambda w: w.idp.remove_members(w.sellers, w.ada),
    "PATCH a group and show it": lambda w: w.idp(
        "PATCH",
        f"/Groups/{w.sellers}",
        {"Operations": [{"op": "remove", "path": f'members[value eq "{w.grace}"]'}]},
        query={"attributes": "displayName"},
    ),
    "DELETE a group": lambda w: w.idp("DELETE", f"/Groups/{w.sellers}"),
    "activate a seat": lambda w: factories.manage(
        "activate_seat", w.owner.slug, "sales-navigator", ADA
    ),
    "give a seat": lambda w: factories.grant(w.owner, NEW, "teamlink-extend"),
    "buy seats": lambda w: factories.manage("set_seats", w.owner.slug, "sales-navigator", 3),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", CHANGES)
def test_a_change_that_crashes_at_any_statement_has_changed_nothing(what):
    """R26, R19: an error means that nothing was changed, wherever it came from.

    The database's process ends after the statement, the last one before a commit included.
    Otherwise the change is done, and answered as if nothing had happened: the first look-up is
    made again on a new connection, and what the activity log loses spoils no answer.
    """
    usual = _status(CHANGES[what](World()))
    world = None
    for n in itertools.count(1):
        world = world or World()
        before, crash = rows_of(world.owner.pk), Crash(n, "cut after")
        with connection.execute_wrapper(crash):
            try:
                status = _status(CHANGES[what](world))
            except OperationalError:
                status = 500
        connection.close()
        changed = rows_of(world.owner.pk) != before
        if status != usual:
            assert status >= 500, crash
            assert not changed, crash
            continue
        assert changed, crash
        world = None
        if crash.statement is None:
            break
    assert n > 3, "there was nothing to crash"
    factories.check_books()


def _status(answer: factories.Answer | factories.Ran) -> int:
    """Of a command: whether it was done. It fails when the database does not answer."""
    if isinstance(answer, factories.Answer):
        return answer.status
    return 500 if answer.exit else 200
