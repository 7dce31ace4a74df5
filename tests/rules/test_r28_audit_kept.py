"""R28: the audit log is kept for a set time, when an owner sets one."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client

from accounts import admins, audit, audit_rules, clock
from accounts.deeds import Deed
from accounts.models import Admin, AuditEntry, Organization
from accounts.refusal import Refusal
from accounts.tasks import prune
from tests import factories
from tests.pages.world import PASSWORD

YEAR = 365


@pytest.fixture
def owner(db: None) -> Admin:
    organization = factories.organization()
    return admins.create("owner@x.example", organization=organization, password=PASSWORD)


def line(organization: Organization, *, days: int) -> int:
    """A line of so many days ago."""
    with clock.stopped(at=clock.now() - dt.timedelta(days=days)):
        audit.note(organization.pk, Deed.SIGNED_IN, organization, by=None, after={"days": days})
    return AuditEntry.objects.latest("id").pk


def kept(*lines: int) -> list[bool]:
    return [AuditEntry.objects.filter(pk=pk).exists() for pk in lines]


def test_lines_are_kept_for_ever_until_an_owner_sets_a_time(owner: Admin) -> None:
    """R28: by the daily task; another organization's lines are its own."""
    [organization], other = owner.organizations.all(), factories.organization()
    lines = [line(organization, days=YEAR * 2), line(organization, days=YEAR - 1)]
    lines.append(line(other, days=YEAR * 20))
    prune()
    assert kept(*lines) == [True, True, True]
    client = Client()
    client.force_login(owner)
    page = client.post("/settings/audit/kept/", {"kept": "365"}, follow=True).content.decode()
    assert "Lines of the audit log are kept for 1 year." in page
    assert '<option value="365" selected>For 1 year</option>' in page
    newest = AuditEntry.objects.latest("id")
    assert (newest.deed, newest.before, newest.after) == (
        "audit_rule_changed",
        {"kept_days": None},
        {"kept_days": 365},
    )
    prune()
    assert kept(*lines) == [False, True, True]


def test_the_database_deletes_no_line_before_its_time(owner: Admin) -> None:
    """R28: whoever asks; and a year is the least."""
    [organization] = owner.organizations.all()
    old, young = line(organization, days=YEAR * 3), line(organization, days=YEAR * 2 - 1)
    audit_rules.keep(organization, YEAR * 2, by=owner)
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("DELETE FROM accounts_auditentry")
    assert kept(old, young) == [True, True]
    assert audit_rules.prune() == 1
    assert kept(old, young) == [False, True]
    with pytest.raises(Refusal, match="365 to 36,500 days"):
        audit_rules.keep(organization, 364, by=owner)


def test_only_an_owner_sets_the_time(owner: Admin) -> None:
    [organization] = owner.organizations.all()
    made = admins.create(
        "admin@x.example", organization=organization, password=PASSWORD, role="admin"
    )
    client = Client()
    client.force_login(made)
    page = client.post("/settings/audit/kept/", {"kept": "365"}, follow=True).content.decode()
    assert "You are no owner of" in page
    assert "For ever. An owner can change it." in page
    assert audit_rules.of(organization).kept_days is None
