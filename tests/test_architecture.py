"""What import-linter cannot see: relations, writers, tenants, and that every rule has its tests."""

from __future__ import annotations

import ast
import functools
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.db import models

from tests import rules_table

CHECKOUT = Path(__file__).resolve().parent.parent
LAYERS = ["accounts", "licensing", "scim", "config"]  # the lowest first

#: Who may write a table (style.md: one writer a fact).
WRITERS = {
    "AuditEntry": {"accounts/audit.py", "accounts/audit_rules.py"},
    "ApiToken": {"accounts/api_tokens.py"},
    "ApiAnswer": {"accounts/api_tokens.py", "accounts/api/idempotency.py"},
    "Role": {
        "accounts/admins.py",
        "accounts/roles.py",
        "accounts/invitations.py",
        "accounts/single_sign_on.py",
    },
    "AuditRule": {"accounts/audit_rules.py"},
    "Undo": {"accounts/audit.py", "accounts/undo.py"},
    "AdminInvitation": {"accounts/invitations.py"},
    "Person": {"accounts/people.py", "accounts/by_hand.py"},
    "Link": {"accounts/people.py", "accounts/by_hand.py"},
    "KeptDocument": {"accounts/kept.py", "accounts/by_hand.py"},
    "PeopleFile": {"accounts/people_files.py"},
    "PeopleRow": {"accounts/people_files.py"},
    "Group": {"accounts/groups.py"},
    "Membership": {"accounts/groups.py"},
    "Seat": {
        "licensing/allocation.py",
        "licensing/by_hand.py",
        "licensing/reconcile.py",
        "licensing/idle.py",
    },
    "WaitingEntry": {
        "licensing/allocation.py",
        "licensing/reconcile.py",
        "licensing/refusals.py",
    },
    "HeldRemoval": {"licensing/brake.py", "licensing/review.py"},
    "LedgerSeal": {"licensing/seals.py", "licensing/erased_lines.py"},
    "Reconciled": {"licensing/reconcile.py"},
    "DailyCount": {"licensing/counts.py"},
    "UsageEvent": {"licensing/usage.py"},
    "UsageDay": {"licensing/usage.py"},
    "UsageMonth": {"licensing/usage.py"},
    "UsageFile": {"licensing/usage_files.py"},
    "RefusedUse": {"licensing/usage_files.py"},
    "ReportSchedule": {"licensing/report_schedules.py"},
    "ReportRecipient": {"licensing/report_schedules.py"},
    "SentReport": {"licensing/report_schedules.py"},
    "LedgerEntry": {
        "licensing/erased_lines.py",
        "licensing/allocation.py",
        "licensing/by_hand.py",
        "licensing/reconcile.py",
        "licensing/idle.py",
        "licensing/refusals.py",
    },
    "Reclaimed": {"licensing/allocation.py", "licensing/idle.py"},
    "WebhookEndpoint": {"accounts/webhooks.py", "accounts/webhook_delivery.py"},
    "WebhookDelivery": {
        "accounts/webhooks.py",
        "accounts/webhook_delivery.py",
        "licensing/webhook_feed.py",
    },
    "WebhookReading": {"licensing/webhook_feed.py"},
    "NoticeChoice": {"accounts/notices.py"},
    "DigestLine": {"accounts/notices.py", "accounts/digests.py"},
    "SetupLink": {"scim/setup_links.py"},
    "TurnedAway": {"scim/turned_away.py"},
}
HELD_WRITERS = {
    "licensing/allocation.py",
    "licensing/by_hand.py",
    "licensing/reconcile.py",
    "licensing/idle.py",
}
#: Methods of a manager, a queryset or an instance that write.
WRITING = {
    "create",
    "get_or_create",
    "update_or_create",
    "bulk_create",
    "update",
    "bulk_update",
    "delete",
    "save",
    "acreate",
    "aupdate",
    "adelete",
    "asave",
}
#: The modules of a package that translate HTTP; all the others are the domain.
HTTP = {
    "accounts": {"context", "middleware", "urls"},
    "licensing": {"urls"},
    "scim": {
        "adapters",
        "answers",
        "authentication",
        "exchanges",
        "middleware",
        "search",
        "views",
        "urls",
    },
}
#: Models that are not of one organization.
OF_NOBODY = {
    "Organization",
    "Admin",
    "SecondStep",
    "RecoveryCode",
    "Passkey",
    "AdminSession",
}
OF_ORGANIZATION = {
    "Role",
    "AdminInvitation",
    "AuditEntry",
    "AuditRule",
    "Undo",
    "ApiToken",
    "ApiAnswer",
    "SignInRule",
    "SingleSignOn",
    "Application",
    "Person",
    "KeptDocument",
    "PeopleFile",
    "PeopleRow",
    "Link",
    "Group",
    "Membership",
    "Outbox",
    "WebhookEndpoint",
    "WebhookDelivery",
    "WebhookReading",
    "NoticeChoice",
    "DigestLine",
    "Pool",
    "Policy",
    "EligibleGroup",
    "Seat",
    "WaitingEntry",
    "HeldRemoval",
    "LedgerEntry",
    "LedgerSeal",
    "Reconciled",
    "Reclaimed",
    "DailyCount",
    "UsageEvent",
    "UsageDay",
    "UsageMonth",
    "UsageFile",
    "RefusedUse",
    "ReportSchedule",
    "ReportRecipient",
    "SentReport",
    "Token",
    "TokenWarning",
    "SetupLink",
    "TurnedAway",
    "Exchange",
}


def _models() -> list[type[models.Model]]:
    return [model for model in apps.get_models() if model._meta.app_label in LAYERS]


@functools.cache
def _sources() -> list[tuple[str, ast.Module, str]]:
    """Path, tree and text of each module of ours, without migrations."""
    found = []
    for layer in LAYERS:
        for path in sorted((CHECKOUT / layer).rglob("*.py")):
            if "migrations" not in path.parts:
                text = path.read_text()
                found.append((str(path.relative_to(CHECKOUT)), ast.parse(text), text))
    return found


def test_imports_travel_down():
    """The contracts in pyproject.toml: layers, plain protocol, domain without pages and queues."""
    linter = Path(sys.executable).with_name("lint-imports")
    if not linter.exists():
        pytest.skip("import-linter is not installed")
    ended = subprocess.run(
        [linter, "--no-cache"], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_relations_point_downward():
    """config → scim → licensing → accounts: no table knows one of a package above it."""
    for model in _models():
        own = LAYERS.index(model._meta.app_label)
        for field in model._meta.get_fields():
            if not field.concrete or not field.is_relation or field.related_model is None:
                continue
            other = field.related_model._meta
            assert other.app_label in LAYERS, f"{model.__name__}.{field.name} → {other.label}"
            assert LAYERS.index(other.app_label) <= own, f"{model.__name__}.{field.name} points up"


def test_no_statement_of_a_lower_package_names_a_table_of_a_higher_one():
    """config → scim → licensing → accounts, in SQL too."""
    for path, _, text in _sources():
        own = LAYERS.index(path.split("/")[0])
        for higher in LAYERS[own + 1 :]:
            named = re.search(rf"\b(FROM|JOIN|INTO|UPDATE|USING)\s+{higher}_[a-z]+", text)
            assert named is None, f"{path}: {named and named[0]}"


def test_domain_modules_know_no_http():
    """Views translate; what they call knows neither requests nor responses."""
    found = []
    for path, tree, _ in _sources():
        package, *rest = Path(path).with_suffix("").parts
        if package == "config" or rest[0] in ("pages", "api", "templatetags", *HTTP[package]):
            continue
        found += [
            f"{path}: {module}"
            for module in _imported(tree)
            if module.split(".")[:2] in (["django", "http"], ["django", "shortcuts"])
        ]
    assert found == []


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


@pytest.mark.parametrize("model", WRITERS)
def test_a_table_is_written_by_its_writers_alone(model):
    """R21: whoever writes a seat writes its line; one module a fact makes that so."""
    table = next(m._meta.db_table for m in _models() if m.__name__ == model)
    found = []
    for path, tree, text in _sources():
        if path in WRITERS[model]:
            continue
        found += [f"{path}:{line}" for line in _writes(tree, model)]
        found += [
            f"{path}: {match[0]}"
            for match in re.finditer(
                rf"\b(INSERT\s+INTO|UPDATE|DELETE\s+FROM|TRUNCATE|COPY)\s+{table}\b", text
            )
        ]
    assert found == []


def _writes(tree: ast.Module, model: str) -> Iterator[int]:
    """Lines that make, save or delete a model's rows: by the class, or by a variable called
    as the class is (`seat.delete()`)."""
    names = {model, re.sub(r"(?<!^)(?=[A-Z])", "_", model).lower(), model.lower()}
    models_here = {
        name.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").endswith(".models")
        for name in node.names
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name) and node.func.id == model:
            if model in models_here:  # not something else of that name
                yield node.lineno
        elif isinstance(node.func, ast.Attribute) and node.func.attr in WRITING:
            root: ast.expr = node.func.value
            while isinstance(root, (ast.Attribute, ast.Call)):
                root = root.value if isinstance(root, ast.Attribute) else root.func
            if isinstance(root, ast.Name) and root.id in names:
                yield node.lineno


def test_whoever_is_told_who_did_it_hands_it_on_to_the_audit_log():
    """R28: a function of the domain with `by` notes the deed, or calls one that does: it passes
    `by` to something else than the cause of a ledger line."""
    found = []
    for path, tree, _ in _sources():
        if "pages" in path.split("/") or path in ("accounts/audit.py", "accounts/cause.py"):
            continue
        found += [
            f"{path}:{node.lineno} {node.name}"
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef)
            and "by" in [argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)]
            and not any(_hands_on_by(call) for call in ast.walk(node))
        ]
    assert found == []


def _hands_on_by(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call) or ast.unparse(node.func) in ("Cause", "Cause.by"):
        return False
    if ast.unparse(node.func) in ("audit.note", "audit.note_login"):
        return True
    given = [*node.args, *(keyword.value for keyword in node.keywords if keyword.arg == "by")]
    return any(isinstance(value, ast.Name) and value.id == "by" for value in given)


def test_the_counter_of_a_pool_is_written_under_its_lock_alone():
    """R15: Pool.held is kept by allocation, and compared by reconciliation."""
    found = []
    for path, tree, text in _sources():
        if path in HELD_WRITERS:
            continue
        found += [
            f"{path}:{node.lineno}"
            for node in ast.walk(tree)
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in WRITING
                and any(k.arg == "held" for k in node.keywords)
                and "Pool" in ast.dump(node.func)
            )
            or (
                isinstance(node, ast.Attribute)
                and node.attr == "held"
                and isinstance(node.ctx, ast.Store)
            )
        ]
        found += [path for _ in re.finditer(r"UPDATE\s+licensing_pool\b", text)]
    assert found == []


def test_the_scan_for_writers_finds_what_it_looks_for():
    """The two tests above can fail: their scan sees each of these."""
    for code in (
        "Seat.objects.create(x=1)",
        "Seat(x=1)",
        "seat.delete()",
        "seat.save()",
        "Seat.objects.filter(x=1).delete()",
        "Seat.objects.filter(a=1).exclude(b=2).update(c=3)",
    ):
        tree = ast.parse(f"from licensing.models import Seat; {code}")
        assert list(_writes(tree, "Seat")) == [1], code
    assert list(_writes(ast.parse("waiting_entry.delete()"), "WaitingEntry")) == [1]
    assert list(_writes(ast.parse("Seat.objects.filter(x=1).first()"), "Seat")) == []
    assert list(_writes(ast.parse("seat_of(x).delete(); seats.update({})"), "Seat")) == []
    for writers in WRITERS.values():
        for path in writers:
            assert (CHECKOUT / path).exists(), path


def test_every_table_of_one_organization_carries_it():
    """style.md: every query starts at .of(organization); a new model must be put into a list."""
    carrying = set()
    for model in _models():
        if model.__name__ in OF_NOBODY:
            continue
        field = next((f for f in model._meta.fields if f.name == "organization"), None)
        assert field is not None, f"{model.__name__} has no organization"
        assert not field.null, f"{model.__name__} may be without an organization"
        assert field.related_model.__name__ == "Organization"
        assert hasattr(model.objects.all(), "of"), f"{model.__name__}.objects has no of()"
        carrying.add(model.__name__)
    assert carrying == OF_ORGANIZATION


def test_every_constraint_has_a_name_that_reads_as_a_sentence():
    """style.md: the database keeps the promises, by names that say which."""
    for model in _models():
        for constraint in model._meta.constraints:
            assert constraint.name.count("_") >= 3, constraint.name
            assert not re.search(r"uniq|_ck|_fk|_[0-9a-f]{8}$", constraint.name), constraint.name


def test_every_rule_has_a_test_that_cites_it():
    """style.md: the rule in the docstring."""
    found = rules_table.citations()
    missing = [
        number
        for number in rules_table.TITLES
        if not found[number] and number not in rules_table.LATER
    ]
    assert missing == []


def test_the_table_of_rules_is_up_to_date():
    """docs/rules.md is what the tests say now: `python tests/rules_table.py` writes it anew."""
    assert rules_table.DOCUMENT.read_text() == rules_table.text(), (
        "run: python tests/rules_table.py"
    )
