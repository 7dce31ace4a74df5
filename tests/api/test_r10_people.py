"""People through the API: what a page can do, a program can do."""

from __future__ import annotations

from accounts.models import Admin, AuditEntry, Organization
from licensing.models import LedgerEntry
from tests import factories
from tests.api.conftest import SALES, Api, personal, service

ADA = {"email": "ada@example.com", "first_name": "Ada", "last_name": "Lovelace"}


def test_a_person_is_added_changed_and_removed_by_hand(api: Api, owner: Organization) -> None:
    """R10: with a license, which is free again afterwards."""
    made = api.post("people", ADA | {"license": SALES})
    assert made.status == 201
    assert made.headers["Location"] == f"/api/v1/people/{made.json['id']}"
    assert [license["product"] for license in made.json["licenses"]] == [SALES]
    changed = api.patch(f"people/{made.json['id']}", {"title": "Analyst"})
    assert (changed.status, changed.json["title"], changed.json["last_name"]) == (
        200,
        "Analyst",
        "Lovelace",
    )
    assert factories.holders(owner) == ["ada@example.com"]
    assert api.delete(f"people/{made.json['id']}").status == 204
    assert api.get(f"people/{made.json['id']}").status == 404
    assert factories.holders(owner) == []
    factories.check_books()


def test_the_ledger_and_the_audit_log_name_the_service_token(api: Api, owner: Organization) -> None:
    """R21, R28: a service token acts by its own name, from its own address."""
    answer = api.post("people", ADA | {"license": SALES})
    line = AuditEntry.objects.of(owner).get(deed="person_added")
    assert (line.who, line.admin) == ("Service token “Payroll sync”", None)
    assert line.request_id == answer.headers["X-Request-Id"]
    entry = LedgerEntry.objects.of(owner).get(deed="grant")
    assert entry.because == "Service token “Payroll sync” gave the seat by hand"


def test_the_ledger_and_the_audit_log_name_the_admin_of_a_personal_token(
    owner: Organization, admin: Admin
) -> None:
    """R21, R28."""
    personal(owner, admin).post("people", ADA | {"license": SALES})
    assert AuditEntry.objects.of(owner).get(deed="person_added").admin == admin
    assert LedgerEntry.objects.of(owner).get(deed="grant").admin == admin


def test_what_an_application_owns_is_not_changed_by_the_api(api: Api, owner: Organization) -> None:
    """R8: refused with a code for the program and a sentence for a person."""
    factories.connect(owner).create("grace@example.com")
    [grace] = api.get("people?email=GRACE@example.com").json["items"]
    changed = api.patch(f"people/{grace['id']}", {"title": "Admiral"})
    assert (changed.status, changed.json["code"]) == (409, "managed_by_application")
    removed = api.delete(f"people/{grace['id']}")
    assert (removed.status, removed.json["code"]) == (409, "not_by_hand")


def test_somebody_is_explained(api: Api, owner: Organization) -> None:
    """R22: the same sentences as on the page."""
    made = api.post("people", ADA | {"license": SALES})
    told = api.get(f"people/{made.json['id']}/explanation").json["products"]
    assert [(each["product"], each["has_license"]) for each in told] == [(SALES, True)]
    assert "given by hand" in told[0]["because"][0]


def test_a_stranger_is_not_there(api: Api) -> None:
    """Another organization's ids are 404, whatever is done with them."""
    other = service(factories.organization()).post("people", ADA).json["id"]
    for method, body in (("GET", None), ("PATCH", {"title": "x"}), ("DELETE", None)):
        assert api(method, f"people/{other}", body).status == 404
    assert api.get("people").json["items"] == []
