"""interface.md's commands: exact keys, exit codes, and one JSON document."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

from tests.factories import connect, grant, manage, manage_for_people, organization, set_seats

pytestmark = pytest.mark.django_db

ADA = "ada@acme.example"
SEAT = {"email", "employee_number", "source", "state", "application"}
CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _passwords_are_hashed_fast(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def owner():
    return organization()


@pytest.fixture
def idp(owner):
    return connect(owner, seats=1, name="Okta")


def _keys(ran, *keys):
    assert ran.exit == 0, ran
    assert list(ran.json) == list(keys)
    assert ran.out.count("\n") == 1
    return ran.json


def _refused(ran, code):
    assert ran.exit == 1, ran
    assert list(ran.json) == ["error"]
    assert list(ran.json["error"]) == ["code", "detail"]
    assert ran.json["error"]["code"] == code
    assert ran.json["error"]["detail"].endswith(".")
    assert ran.err == ""
    return True


def test_create_organization():
    """interface.md: {"slug", "name", "plan"}."""
    shown = _keys(manage("create_organization", "Northwind Traders"), "slug", "name", "plan")
    assert shown == {
        "slug": "northwind-traders",
        "name": "Northwind Traders",
        "plan": "advanced-plus",
    }
    assert _refused(manage("create_organization", "Northwind Traders"), "slug_taken")
    other = manage("create_organization", "Northwind Traders", "--slug", "nw", "--plan", "core")
    assert other.json["plan"] == "core"
    assert _refused(manage("create_organization", "X", "--slug", "Not a slug"), "slug_invalid")
    assert _refused(manage("create_organization", "!!!"), "name_missing")
    assert manage("create_organization", "X", "--plan", "gold").exit == 2


def test_set_plan(owner):
    """interface.md: {"slug", "name", "plan"}."""
    shown = _keys(manage("set_plan", owner.slug, "advanced"), "slug", "name", "plan")
    assert shown == {"slug": owner.slug, "name": owner.name, "plan": "advanced"}
    assert _refused(manage("set_plan", "nowhere", "core"), "organization_not_found")
    assert manage("set_plan", owner.slug, "gold").exit == 2


def test_create_admin(owner, monkeypatch):
    """interface.md: the password comes from SEATKEEPER_PASSWORD."""
    arguments = ("create_admin", "Ann@acme.example", "--organization", owner.slug)
    monkeypatch.delenv("SEATKEEPER_PASSWORD", raising=False)
    assert manage(*arguments).exit == 2
    monkeypatch.setenv("SEATKEEPER_PASSWORD", "short")
    assert _refused(manage(*arguments), "password_weak")
    monkeypatch.setenv("SEATKEEPER_PASSWORD", "correct horse battery")
    shown = _keys(manage(*arguments), "email", "organization")
    assert shown == {"email": "ann@acme.example", "organization": owner.slug}
    assert _refused(manage(*arguments), "admin_exists")
    assert manage("create_admin", "no address", "--organization", owner.slug).exit == 1
    for role in ("admin", "read-only"):
        email = f"{role}@acme.example"
        assert manage("create_admin", email, "--organization", owner.slug, "--role", role).exit == 0
        assert owner.roles.get(admin__email=email).kind == role
    assert owner.roles.get(admin__email="ann@acme.example").kind == "owner"
    wrong = ("create_admin", "y@acme.example", "--organization", owner.slug, "--role", "boss")
    assert manage(*wrong).exit == 2
    assert manage("create_admin", "x@acme.example").exit == 2


def test_set_seats(owner):
    """interface.md: {"organization", "product", "purchased"}."""
    ran = manage("set_seats", owner.slug, "sales-navigator", 7)
    shown = _keys(ran, "organization", "product", "purchased")
    assert shown == {"organization": owner.slug, "product": "sales-navigator", "purchased": 7}
    assert manage("set_seats", owner.slug, "sales-navigator", "many").exit == 2
    assert manage("set_seats", owner.slug, "recruiter", 7).exit == 2
    assert manage("set_seats", owner.slug, "sales-navigator").exit == 2
    assert _refused(manage("set_seats", "nowhere", "sales-navigator", 7), "organization_not_found")
    assert manage("set_seats", owner.slug, "sales-navigator", "-1").exit in (1, 2)


def test_create_scim_application(owner):
    """interface.md: {"id", "name", "product", "base_url", "when_full", "eligibility"}."""
    arguments = ("create_scim_application", owner.slug, "Okta", "--product", "sales-navigator")
    shown = _keys(
        manage(*arguments, "--idp", "okta"),
        "id",
        "name",
        "product",
        "base_url",
        "when_full",
        "eligibility",
    )
    assert shown["base_url"].endswith("/scim/v2")
    assert (shown["when_full"], shown["eligibility"]) == ("refuse", "everyone")
    assert _refused(manage(*arguments), "application_exists")
    for wrong in (("--idp", "google"), ("--when-full", "wait"), ("--eligibility", "nobody")):
        assert manage(*arguments, *wrong).exit == 2
    assert manage("create_scim_application", owner.slug, "Okta").exit == 2
    assert _refused(
        manage("create_scim_application", owner.slug, " ", "--product", "sales-navigator"),
        "name_invalid",
    )


def test_issue_and_revoke_scim_token(idp):
    """interface.md: {"id", "token", "expires_at", "base_url"} and {"id", "revoked_at"}."""
    issued = _keys(
        manage("issue_scim_token", idp.application.pk, "--days", 30),
        "id",
        "token",
        "expires_at",
        "base_url",
    )
    assert (
        _keys(manage("revoke_scim_token", issued["id"]), "id", "revoked_at")["id"] == issued["id"]
    )
    assert _refused(manage("issue_scim_token", "nonsense"), "application_not_found")
    assert _refused(manage("issue_scim_token", issued["id"]), "application_not_found")
    assert manage("issue_scim_token").exit == 2
    assert manage("issue_scim_token", idp.application.pk, "--days", "long").exit == 2


def test_expire_scim_tokens(idp):
    """interface.md: {"expired", "reminded"}."""
    assert _keys(manage("expire_scim_tokens"), "expired", "reminded") == {
        "expired": [],
        "reminded": [],
    }
    ends = idp.application.tokens.get().expires_at
    assert len(manage("expire_scim_tokens", "--now", ends.isoformat()).json["expired"]) == 1
    assert manage("expire_scim_tokens", "--now", "2099-01-01T00:00:00Z").exit == 0
    assert manage("expire_scim_tokens", "--now", "2099-01-01").exit == 0
    assert manage("expire_scim_tokens", "--now", "tomorrow").exit == 2


def test_grant_seat_and_remove_seat(owner):
    """interface.md: the seat, and {"removed": true}."""
    set_seats(owner, 1)
    shown = _keys(
        grant(owner, ADA, first_name="Ada", employee_number="7"),
        *("email", "employee_number", "source", "state", "application"),
    )
    assert set(shown) == SEAT
    assert _refused(grant(owner, "grace@acme.example"), "seats_missing")
    removed = manage("remove_seat", owner.slug, "sales-navigator", ADA)
    assert removed.json == {"removed": True}
    assert _refused(manage("remove_seat", owner.slug, "sales-navigator", ADA), "no_seat")
    assert _refused(
        manage("remove_seat", owner.slug, "sales-navigator", "x@acme.example"), "person_not_found"
    )
    assert manage("grant_seat", owner.slug, "sales-navigator").exit == 2


def test_list_seats(owner, idp):
    """interface.md: holders and waiting with their keys."""
    idp.create(ADA, number="7")
    idp.create("grace@acme.example")
    shown = _keys(
        manage("list_seats", owner.slug, "sales-navigator"),
        "purchased",
        "assigned",
        "free",
        "holders",
        "waiting",
    )
    assert (shown["purchased"], shown["assigned"], shown["free"]) == (1, 1, 0)
    assert shown["holders"] == [
        {
            "email": ADA,
            "employee_number": "7",
            "source": "scim",
            "state": "provisioned",
            "application": "Okta",
        }
    ]
    [entry] = shown["waiting"]
    assert list(entry) == ["email", "since", "reason"]
    assert (
        _keys(
            manage("list_seats", owner.slug, "teamlink-extend"),
            "purchased",
            "assigned",
            "free",
            "holders",
            "waiting",
        )["holders"]
        == []
    )


def test_explain_seat_and_activate_seat(owner, idp):
    """interface.md: {"has_seat", "because"} and the seat."""
    idp.create(ADA)
    assert (
        _keys(manage("explain_seat", owner.slug, "sales-navigator", ADA), "has_seat", "because")[
            "has_seat"
        ]
        is True
    )
    activated = manage("activate_seat", owner.slug, "sales-navigator", ADA)
    assert set(activated.json) == SEAT
    assert activated.json["state"] == "activated"
    assert _refused(manage("activate_seat", owner.slug, "teamlink-extend", ADA), "no_seat")


def test_reconcile_licenses(owner, idp):
    """interface.md: {"granted", "revoked", "waiting", "drift"}."""
    shown = _keys(
        manage("reconcile_licenses", "--organization", owner.slug, "--dry-run"),
        "granted",
        "revoked",
        "waiting",
        "drift",
    )
    assert shown["drift"] == 0
    assert _keys(manage("reconcile_licenses"), "granted", "revoked", "waiting", "drift")
    assert _refused(
        manage("reconcile_licenses", "--organization", "nowhere"), "organization_not_found"
    )


def test_verify_ledger_and_forecast_seats(owner, idp):
    """{"pools", "whole"} and {"organization", …, "forecast", "because"}."""
    shown = _keys(manage("verify_ledger", "--organization", owner.slug), "pools", "whole")
    assert shown["whole"] is True
    assert _refused(manage("verify_ledger", "--organization", "nowhere"), "organization_not_found")
    _keys(
        manage("forecast_seats", owner.slug, "sales-navigator"),
        *("organization", "product", "purchased", "assigned", "free", "forecast", "because"),
    )
    assert _refused(
        manage("forecast_seats", "nowhere", "sales-navigator"), "organization_not_found"
    )


def test_create_group_and_show_group(owner, idp):
    """interface.md: {"name", "source", "application", "members"}."""
    idp.create(ADA)
    made = _keys(
        manage("create_group", owner.slug, "SMB", "--member", ADA),
        "name",
        "source",
        "application",
        "members",
    )
    assert made == {"name": "SMB", "source": "manual", "application": None, "members": [ADA]}
    assert _keys(manage("show_group", owner.slug, "smb"), *made) == made
    assert _refused(manage("create_group", owner.slug, "smb"), "group_name_taken")
    assert _refused(manage("create_group", owner.slug, " "), "name_missing")
    assert _refused(manage("show_group", owner.slug, "nothing"), "group_not_found")


def test_without_json_a_command_prints_lines_for_people(owner, idp):
    """interface.md: --json is a choice; refusals then go to standard error."""
    idp.create(ADA)
    shown = manage_for_people("list_seats", owner.slug, "sales-navigator")
    assert shown.exit == 0
    assert ADA in shown.out
    assert "1 of 1 assigned" in shown.out
    refused = manage_for_people("grant_seat", owner.slug, "sales-navigator", "x@acme.example")
    assert (refused.exit, refused.out) == (1, "")
    assert "needed" in refused.err


@pytest.mark.django_db(transaction=True)
def test_the_exit_codes_of_a_real_process():
    """interface.md: exit 0 on success, 1 on a refused operation, 2 on wrong usage; one document
    on standard output, messages on standard error."""
    owner = organization()
    database = connection.settings_dict
    url = os.environ.get("DATABASE_URL", "")
    assert url, "run the tests beside config.embedded, or with DATABASE_URL"
    parts = url.partition("?")
    address = parts[0].rpartition("/")[0] + "/" + database["NAME"] + parts[1] + parts[2]

    def run(*arguments):
        ended = subprocess.run(
            [sys.executable, "manage.py", *arguments, "--json"],
            cwd=CHECKOUT,
            check=False,
            env={**os.environ, "DATABASE_URL": address},
            capture_output=True,
            text=True,
        )
        document = json.loads(ended.stdout) if ended.stdout else None
        return ended.returncode, document, ended.stderr

    code, document, said = run("set_seats", owner.slug, "sales-navigator", "3")
    assert (code, document["purchased"], said) == (0, 3, "")
    code, document, _ = run("set_seats", "nowhere", "sales-navigator", "3")
    assert (code, document["error"]["code"]) == (1, "organization_not_found")
    code, document, said = run("set_seats", owner.slug, "sales-navigator", "three")
    assert (code, document) == (2, None)
    assert "three" in said


@pytest.mark.parametrize(
    "command", [["list_seats", "acme", "sales-navigator"], ["set_plan", "acme", "core"]]
)
def test_a_command_without_a_database_says_so_in_its_one_document(command):
    """interface.md: exit 1 and {"error": {"code", "detail"}}; what to do stands in the detail."""
    done = subprocess.run(
        [sys.executable, "manage.py", *command, "--json"],
        cwd=CHECKOUT,
        env={**os.environ, "DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stderr
    error = json.loads(done.stdout)["error"]
    assert error["code"] == "database_unreachable"
    assert "./run" in error["detail"]
    assert done.stderr == ""
