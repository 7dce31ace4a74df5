"""R21, R28: a person's data is exported and erased on request, and the ledger stays truthful."""

from __future__ import annotations

import json

import pytest
from django.db import DatabaseError, connection, transaction

from accounts import personal
from accounts.models import AuditEntry, Person, Undo
from licensing import seals
from licensing.models import LedgerEntry, LedgerSeal
from tests import canary, factories
from tests.canary import EMAIL, NEVER, ROBIN, SALES, TEAMLINK
from tests.factories import manage

pytestmark = pytest.mark.django_db


def export(owner, person):
    ran = manage("export_person", "--organization", owner.slug, "--id", person.pk)
    assert ran.exit == 0, ran.json
    return ran.json


def erase(owner, *who):
    return manage("erase_person", "--organization", owner.slug, *who, "--yes")


def test_every_column_is_in_the_table_of_places_or_holds_nothing_of_a_person():
    """Generated from the models: a column that is new has to be in one of the two."""
    assert list(personal.unknown()) == []


def test_whom_an_application_provided_is_exported_and_erased_everywhere(owner, lea):
    """R20, R21: nothing of them is left, the seat goes to who waits, the ledger is whole."""
    person, _ = canary.provided(owner, lea)
    seals.seal_all()
    told = export(owner, person)["sections"]
    print(json.dumps(told, indent=1)[:6000])
    print(canary.where(*NEVER))
    ran = erase(owner, "--email", EMAIL)
    assert ran.json == {"person": person.pk, "released": [TEAMLINK]}, ran.json
    assert canary.where(*NEVER) == {}
    assert factories.holders(owner, TEAMLINK) == [ROBIN]
    assert manage("verify_ledger").json["whole"]
    assert 0
