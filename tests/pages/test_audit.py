"""The audit log: nothing that an admin does goes without a line, and the page that shows them."""

from __future__ import annotations

import csv
import datetime as dt
import inspect
import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import URLPattern, get_resolver, reverse

from accounts import (
    admins,
    audit,
    clock,
    groups,
    invitations,
    manual_groups,
    notices,
    one_time_codes,
    organizations,
    outbox,
    passwords,
    people_files,
    second_step,
    vault,
    webhooks,
)
from accounts.deeds import Deed
from accounts.models import Admin, AdminSession, AuditEntry, Outbox, Person, Undo
from accounts.pages import gate, two_step
from licensing import idle, pools, restore
from licensing.models import HeldRemoval, Reclaimed, Seat, WaitingEntry
from scim import setup_links
from scim.models import SetupLink
from tests import factories
from tests.factories import manage
from tests.pages import world as worlds
from tests.pages.world import PASSWORD, World, hold_removals

CHECKOUT = Path(__file__).resolve().parents[2]
SALES = "sales-navigator"
OTHER_PASSWORD = "eight copper kettles"
RULE = {"after_days": 90, "reclaim": "by_hand", "warn_days": 7, "scim": "stay"}
DRAFT = {
    "name": "OneLogin",
    "product": SALES,
    "idp": "onelogin",
    "eligibility": "everyone",
    "eligible_groups": [],
    "when_full": "refuse",
}
SSO = {
    "issuer": "https://northwind.idp.example/oauth2/default",
    "client_id": "0oa1b2c3d4",
    "client_secret": "another client credential",
    "domains": "northwind.example",
    "default_role": "read-only",
    "trust_unsaid": "no",
}


class Post(NamedTuple):
    """arguments: of the address. guest: nobody is signed in. own: every role may, about itself.
    halfway: without the second step. before: what must be so first."""

    deed: Deed
    arguments: Callable[[World], list[Any]] = lambda world: []
    form: Callable[[World], dict[str, Any]] = lambda world: {}
    guest: bool = False
    own: bool = False
    halfway: bool = False
    before: Callable[[World], object] = lambda world: None


def _product(world: World) -> list[Any]:
    return [SALES]


def _application(world: World) -> list[Any]:
    return [world.application.pk]


def _provisioned(world: World) -> list[Any]:
    return [Seat.objects.of(world.organization).filter(state="provisioned")[0].pk]


def _colleague(world: World) -> list[Any]:
    return [world.colleague.pk]


def _invitation(world: World) -> list[Any]:
    return [world.invitation.pk]


def _join(world: World) -> list[Any]:
    return [invitations.link(world.invitation).rstrip("/").split("/")[-1]]


def _reset(world: World) -> list[Any]:
    letter = passwords.message({"admin": world.owner.pk})
    assert letter is not None
    link = re.search(r"reset/(.+)/(.+)/", letter.text)
    assert link is not None
    return list(link.groups())


def _removal(world: World) -> list[Any]:
    return [HeldRemoval.objects.of(world.organization).filter(state="held")[0].pk]


def _reclaim(world: World) -> Reclaimed:
    pool = pools.get(world.organization, SALES)
    idle.reclaim(pool, None, by=world.owner)
    return Reclaimed.objects.filter(pool=pool)[0]


def _give_back(world: World) -> list[Any]:
    return [SALES, Reclaimed.objects.of(world.organization)[0].person_id]


def _refused(world: World) -> list[Any]:
    return [SALES, WaitingEntry.objects.of(world.organization).filter(refused=True)[0].pk]


def _freed(world: World) -> dict[str, Any]:
    return {"only": restore.freed(pools.get(world.organization, SALES))[0].person_id}


def _fail_mail(world: World) -> None:
    outbox.put(world.organization.pk, "invitation", {"seat": 0})
    with outbox.claimed() as line:
        outbox.failed(line, "SMTPRecipientsRefused")


def _rename_group(world: World) -> None:
    manual_groups.rename(world.manual_group, "Small businesses", by=world.owner)


def _turn_off(world: World) -> None:
    organizations.turn_scim_off(world.organization)


def _free_seats(world: World) -> None:
    pools.set_seats(world.organization, SALES, 30)


def _other_session(world: World) -> list[Any]:
    return [AdminSession.objects.filter(admin=world.owner).latest("id").pk]


def _sign_in_elsewhere(world: World) -> None:
    client = Client()
    client.force_login(world.owner)
    client.get(reverse("accounts:security"))


def _app(world: World) -> None:
    """The owner's app, at a code before the one of now."""
    second_step.turn_on(world.owner, vault.seal(APP), _code(world, later=-1)["code"])


def _code(world: World, later: int = 0) -> dict[str, Any]:
    return {"code": one_time_codes.code(APP, int(clock.now().timestamp()) // 30 + later)}


def _password(world: World) -> dict[str, Any]:
    return {"password": PASSWORD}


def _sam(world: World) -> list[Any]:
    return [world.sam.pk]


def _manual_group(world: World) -> list[Any]:
    return [world.manual_group.pk]


def _token(world: World) -> list[Any]:
    return [world.token.pk]


def _setup_link(world: World) -> SetupLink:
    return setup_links.open_of(world.application)[0]


def _schedule(world: World) -> list[Any]:
    return [world.schedule.pk]


def _report(world: World) -> dict[str, Any]:
    return {
        "name": "Departments",
        "product": SALES,
        "goes": "monthly 2",
        "departments": "1",
        "to": world.owner.pk,
    }


def _endpoint(world: World) -> list[Any]:
    return [world.endpoint.pk]


def _choices(world: World) -> dict[str, Any]:
    return notices.chosen(world.organization, world.owner)


def _stop_proof(world: World) -> list[Any]:
    link = notices.stop_link(world.organization.pk, world.owner.pk, "webhooks")
    return [link.rstrip("/").split("/")[-1]]


def _buy_teamlink(world: World) -> None:
    pools.set_seats(world.organization, "teamlink-extend", 30)


APP = one_time_codes.make_secret()
#: Every address that takes a POST, and the line that it must leave. A new page is a line here.
POSTS = {
    "accounts:sign_in": Post(
        Deed.SIGNED_IN,
        form=lambda world: {"username": world.owner.email, "password": PASSWORD},
        guest=True,
    ),
    "accounts:sign_out": Post(Deed.SIGNED_OUT, own=True),
    "accounts:password": Post(
        Deed.PASSWORD_CHANGED,
        form=lambda world: {"old": PASSWORD, "password": OTHER_PASSWORD},
        own=True,
    ),
    "accounts:second_step": Post(
        Deed.SECOND_STEP_DONE, form=_code, own=True, halfway=True, before=_app
    ),
    "accounts:two_step": Post(Deed.TWO_STEP_TURNED_ON, form=_code, own=True),
    "accounts:two_step_off": Post(Deed.TWO_STEP_TURNED_OFF, form=_password, own=True, before=_app),
    "accounts:recovery_codes": Post(
        Deed.RECOVERY_CODES_MADE, form=_password, own=True, before=_app
    ),
    "accounts:remove_passkey": Post(
        Deed.PASSKEY_REMOVED, lambda world: [world.owner.passkeys.all()[0].pk], own=True
    ),
    "accounts:end_session": Post(
        Deed.SESSIONS_ENDED, _other_session, own=True, before=_sign_in_elsewhere
    ),
    "accounts:end_other_sessions": Post(Deed.SESSIONS_ENDED, own=True, before=_sign_in_elsewhere),
    "accounts:set_two_step": Post(
        Deed.TWO_STEP_RULE_CHANGED, form=lambda world: {"required": "yes"}
    ),
    "accounts:reset_second_step": Post(Deed.SECOND_STEP_RESET, _colleague),
    "accounts:sso_settings": Post(Deed.SSO_CONFIGURED, form=lambda world: SSO),
    "accounts:set_sso_mode": Post(Deed.SSO_SWITCHED, form=lambda world: {"mode": "on"}),
    "accounts:forgotten": Post(
        Deed.PASSWORD_RESET_ASKED, form=lambda world: {"email": world.owner.email}, guest=True
    ),
    "accounts:reset": Post(
        Deed.PASSWORD_RESET, _reset, lambda world: {"password": OTHER_PASSWORD}, guest=True
    ),
    "accounts:join": Post(
        Deed.ADMIN_ADDED, _join, lambda world: {"password": OTHER_PASSWORD}, guest=True
    ),
    "accounts:invite_admin": Post(
        Deed.ADMIN_INVITED, form=lambda world: {"email": "new@x.example", "kind": "admin"}
    ),
    "accounts:invite_again": Post(Deed.INVITATION_REPEATED, _invitation),
    "accounts:withdraw": Post(Deed.INVITATION_WITHDRAWN, _invitation),
    "accounts:change_role": Post(Deed.ROLE_CHANGED, _colleague, lambda world: {"kind": "owner"}),
    "accounts:remove_admin": Post(
        Deed.ADMIN_REMOVED,
        _colleague,
        lambda world: {"typed_name": world.colleague.admin.email},
    ),
    "accounts:undo": Post(
        Deed.DEED_UNDONE, lambda world: [Undo.objects.latest("pk").pk], before=_rename_group
    ),
    "accounts:keep_audit": Post(Deed.AUDIT_RULE_CHANGED, form=lambda world: {"kept": "730"}),
    "accounts:retry_mail": Post(Deed.MAIL_RETRIED, before=_fail_mail),
    "accounts:new_api_token": Post(
        Deed.API_TOKEN_ISSUED,
        form=lambda world: {
            "name": "x",
            "kind": "service",
            "scopes": ["people:read"],
            "days": 9,
        },
        own=True,
    ),
    "accounts:revoke_api_token": Post(
        Deed.API_TOKEN_REVOKED, lambda world: [world.api_token.pk], own=True
    ),
    "accounts:notices": Post(
        Deed.NOTICES_CHOSEN, form=lambda world: _choices(world) | {"webhooks": "never"}, own=True
    ),
    "accounts:stop_notices": Post(Deed.NOTICES_CHOSEN, _stop_proof, guest=True),
    "accounts:new_webhook": Post(
        Deed.WEBHOOK_ADDED,
        form=lambda world: {"name": "x", "url": "https://x.example/", "kinds": ["seat.granted"]},
    ),
    "accounts:edit_webhook": Post(
        Deed.WEBHOOK_CHANGED,
        _endpoint,
        lambda world: {"name": "x", "url": "https://x.example/", "kinds": ["seat.granted"]},
    ),
    "accounts:rotate_webhook": Post(
        Deed.WEBHOOK_ROTATED, _endpoint, lambda world: {"overlap": "24"}
    ),
    "accounts:delete_webhook": Post(Deed.WEBHOOK_DELETED, _endpoint),
    "accounts:pause_webhook": Post(Deed.WEBHOOK_PAUSED, _endpoint),
    "accounts:resume_webhook": Post(
        Deed.WEBHOOK_RESUMED, _endpoint, before=lambda world: webhooks.pause(world.endpoint)
    ),
    "accounts:test_webhook": Post(Deed.WEBHOOK_TESTED, _endpoint),
    "accounts:repeat_webhook": Post(Deed.WEBHOOK_REPEATED, lambda world: [world.delivery.pk]),
    "licensing:set_seats": Post(Deed.SEATS_CHANGED, _product, lambda world: {"number": 12}),
    "licensing:reprocess": Post(Deed.WAITING_REPROCESSED, _product),
    "licensing:drop": Post(Deed.REFUSAL_DROPPED, _refused),
    "licensing:restore": Post(Deed.SEATS_RESTORED, _product, _freed, before=_free_seats),
    "licensing:set_idle_rule": Post(Deed.IDLE_RULE_CHANGED, _product, lambda world: RULE),
    "licensing:reclaim": Post(Deed.SEATS_RECLAIMED, _product, lambda world: {"person": "all"}),
    "licensing:give_back": Post(Deed.SEAT_GIVEN_BACK, _give_back, before=_reclaim),
    "licensing:invite": Post(Deed.PEOPLE_INVITED, _provisioned),
    "licensing:invite_all": Post(Deed.PEOPLE_INVITED, _product, lambda world: {"days": 0}),
    "licensing:decide": Post(Deed.REMOVALS_APPROVED, _removal, lambda world: {"deed": "approve"}),
    "licensing:decide_all": Post(
        Deed.REMOVALS_DISMISSED,
        _application,
        lambda world: {"deed": "dismiss", "last": HeldRemoval.objects.latest("id").pk},
    ),
    "licensing:reconcile_now": Post(Deed.RECONCILIATION_ASKED, _product),
    "licensing:new_person": Post(
        Deed.PERSON_ADDED, form=lambda world: {"email": "new@example.com", "first_name": "Nia"}
    ),
    "licensing:edit_person": Post(
        Deed.PERSON_CHANGED,
        _sam,
        lambda world: {"email": world.sam.email, "first_name": "Samuel"},
    ),
    "licensing:remove_person": Post(Deed.PEOPLE_REMOVED, _sam),
    "licensing:export_person": Post(Deed.PERSON_EXPORTED, _sam),
    "licensing:erase_person": Post(
        Deed.PERSON_ERASED, _sam, lambda world: {"typed_name": world.sam.name}
    ),
    "licensing:give_seat": Post(
        Deed.SEAT_GIVEN, lambda world: [world.sam.pk, "teamlink-extend"], before=_buy_teamlink
    ),
    "licensing:take_seat": Post(Deed.SEAT_REMOVED, lambda world: [world.sam.pk, SALES]),
    "licensing:many": Post(
        Deed.SEAT_REMOVED, form=lambda world: {"deed": f"take:{SALES}", "whom": "all"}
    ),
    "licensing:import_file": Post(
        Deed.PEOPLE_IMPORTED,
        lambda world: [world.file.pk],
        lambda world: {"confirmed": people_files.preview(world.file).digest},
    ),
    "licensing:usage_file": Post(Deed.USAGE_IMPORTED, lambda world: [world.uses.pk]),
    "licensing:set_price": Post(
        Deed.PRICE_SET,
        _product,
        lambda world: {f"{SALES}-price": "12", f"{SALES}-currency": "USD"},
    ),
    "licensing:new_schedule": Post(Deed.REPORT_SCHEDULED, form=_report),
    "licensing:schedule": Post(Deed.REPORT_CHANGED, _schedule, _report),
    "licensing:pause_report": Post(Deed.REPORT_PAUSED, _schedule, lambda world: {"paused": "yes"}),
    "licensing:send_report": Post(Deed.REPORT_SENT, _schedule),
    "licensing:delete_schedule": Post(Deed.REPORT_DELETED, _schedule),
    "licensing:new_group": Post(Deed.GROUP_CREATED, form=lambda world: {"name": "ENT"}),
    "licensing:rename_group": Post(
        Deed.GROUP_RENAMED, _manual_group, lambda world: {"name": "Small businesses"}
    ),
    "licensing:delete_group": Post(Deed.GROUP_DELETED, _manual_group),
    "licensing:add_members": Post(
        Deed.GROUP_PEOPLE_ADDED, _manual_group, lambda world: {"person": world.person.pk}
    ),
    "licensing:remove_members": Post(
        Deed.GROUP_PEOPLE_REMOVED, _manual_group, lambda world: {"only": world.sam.pk}
    ),
    "scim_settings:turn_on": Post(Deed.SCIM_TURNED_ON, before=_turn_off),
    "scim_settings:turn_off": Post(
        Deed.SCIM_TURNED_OFF, form=lambda world: {"typed_name": world.organization.name}
    ),
    "scim_settings:new_token": Post(
        Deed.APPLICATION_ADDED, form=lambda world: {"name": "x", "days": 30}
    ),
    "scim_settings:generate_token": Post(
        Deed.TOKEN_ISSUED, _application, lambda world: {"name": "x", "days": 30}
    ),
    "scim_settings:revoke_token": Post(
        Deed.TOKEN_REVOKED, _token, lambda world: {"typed_name": str(world.token)}
    ),
    "scim_settings:rotate_token": Post(Deed.TOKEN_ROTATED, _token, lambda world: {"overlap": 0}),
    "scim_settings:setup_link": Post(
        Deed.SETUP_LINK_MADE, _application, lambda world: {"for_whom": "Noor, IT"}
    ),
    "scim_settings:revoke_setup_link": Post(
        Deed.SETUP_LINK_WITHDRAWN, lambda world: [_setup_link(world).pk]
    ),
    "scim_settings:setup": Post(
        Deed.SETUP_LINK_USED,
        lambda world: [setup_links.address(_setup_link(world)).split("/")[-2]],
        guest=True,
    ),
    "scim_settings:brake": Post(
        Deed.BRAKE_SET, _application, lambda world: {"on": "off", "people": 7, "percent": 3}
    ),
    "scim_settings:rules": Post(
        Deed.RULES_CHANGED,
        _application,
        lambda world: {
            "eligibility": "groups",
            "eligible_groups": "Account executives",
            "when_full": "waitlist",
        },
    ),
}
#: They change what the own browser shows, keep a draft or an upload, ask, or only say what would
#: happen; or are done by somebody who is no admin.
NO_DEEDS = {
    "accounts:zone",
    "accounts:add_passkey_options",
    "accounts:passkey_options",
    "licensing:idle",
    "licensing:import",
    "licensing:usage",
    "scim_settings:new",
    "scim_settings:new_rules",
    "scim_settings:new_discard",
    "scim_settings:simulate",
    "accounts:scheme",
    "accounts:keys",
    "accounts:switch",
    "licensing:activate",
    "licensing:ask_link",
}


#: A device has to answer: tests/pages/test_passkeys.py looks for their lines, in a browser.
BY_DEVICE = {"accounts:add_passkey", "accounts:passkey_sign_in"}


def _pages() -> Iterator[tuple[str, URLPattern]]:
    """Every address of a page, by its full name."""
    for part in get_resolver().url_patterns:
        if part.namespace not in ("scim", "api"):
            yield from ((f"{part.namespace}:{page.name}", page) for page in part.url_patterns)


def _takes_posts(page: URLPattern) -> bool:
    """Whether its code says anything of POST, or that of what it calls of our pages; a class
    answers it in code that is not ours."""
    return hasattr(page.callback, "view_class") or _says_post(page.callback, set())


def _says_post(called: Any, seen: set[Any]) -> bool:
    function = inspect.unwrap(called)
    if function in seen or not inspect.isfunction(function) or ".pages." not in function.__module__:
        return False
    seen.add(function)
    source = inspect.getsource(function)
    if "POST" in source or "require_safe" in source:
        return "require_safe" not in source
    names = [function.__globals__.get(name) for name in function.__code__.co_names]
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    return any(_says_post(inner, seen) for inner in (*names, *cells) if callable(inner))


def test_every_address_that_takes_a_post_is_in_the_table_above():
    """A page that changes things cannot be added without saying which line it leaves."""
    taking = {name for name, page in _pages() if _takes_posts(page)}
    assert taking == POSTS.keys() | NO_DEEDS | BY_DEVICE


@pytest.fixture
def later(world: World) -> Iterator[World]:
    """The world an hour later, when what may be repeated once an hour may be; three removals are
    held, and everything that was to be sent is."""
    with clock.stopped(at=clock.now() + dt.timedelta(minutes=59)):
        hold_removals(world)
        Outbox.objects.update(done_at=clock.now())
    with clock.stopped(at=clock.now() + dt.timedelta(minutes=61)):
        yield world


def test_every_post_leaves_its_line(later: World) -> None:
    """R28: who, what, from where; in the transaction of the deed."""
    for name, post in _in_turn(later):
        client = Client(REMOTE_ADDR="203.0.113.7")
        if not post.guest:
            _sign_in(client, later, halfway=post.halfway)
        newest = AuditEntry.objects.latest("id").pk
        answer = _confirmed(client, reverse(name, args=post.arguments(later)), post.form(later))
        assert answer.status_code < 400, (name, answer.content.decode())
        lines = AuditEntry.objects.of(later.organization).filter(pk__gt=newest, deed=post.deed)
        assert lines.count() == 1, name
        line = lines[0]
        assert line.request_id == answer["X-Request-Id"], name
        assert line.address == "203.0.113.7", name
        if not post.guest:
            assert (line.admin, line.email) == (later.owner, later.owner.email), name
        assert line.subject_name, name


def test_a_post_that_is_refused_leaves_none(later: World) -> None:
    """What the read-only role may not do was not done."""
    reader = admins.create(
        "reader@x.example", organization=later.organization, password=PASSWORD, role="read-only"
    )
    client = Client()
    client.force_login(reader)
    for name, post in _in_turn(later):
        if post.guest or post.own:
            continue
        newest = AuditEntry.objects.latest("id").pk
        answer = client.post(reverse(name, args=post.arguments(later)), post.form(later))
        assert answer.status_code == 403, name
        assert AuditEntry.objects.latest("id").pk == newest, name


def _sign_in(client: Client, world: World, *, halfway: bool) -> None:
    """In the session is what the pages before have left there."""
    client.force_login(world.owner)
    session = client.session
    session[two_step.NEW_KEY] = vault.seal(APP)
    session["scim_draft"] = DRAFT | {"organization": world.organization.pk}
    if not halfway:
        session[gate.PROVED] = "code"
    session.save()


def _in_turn(world: World) -> Iterator[tuple[str, Post]]:
    """Each of the table in a world that is ready for it, and is what it was afterwards."""
    for name, post in POSTS.items():
        point = transaction.savepoint()
        post.before(world)
        yield name, post
        transaction.savepoint_rollback(point)


def _confirmed(client: Client, address: str, form: dict[str, Any]) -> Any:
    """The answer, after the question with numbers if there is one."""
    answer = client.post(address, form)
    context = answer.context if answer.status_code == 200 else None
    effect = context and (context.get("effect") or context.get("outcome"))
    if not effect:
        return answer
    return client.post(address, form | {"confirmed": effect.digest})


# ------------------------------------------------------------------ commands

#: What each command leaves; None for those that change nothing an admin would be asked about.
COMMANDS: dict[str, tuple[Deed, list[str]] | None] = {
    "create_organization": (Deed.ORGANIZATION_CREATED, ["A new one"]),
    "set_plan": (Deed.PLAN_CHANGED, ["{slug}", "advanced"]),
    "reset_second_step": (Deed.SECOND_STEP_RESET, ["lea@northwind.example"]),
    "create_admin": (Deed.ADMIN_ADDED, ["x@x.example", "--organization", "{slug}"]),
    "create_group": (Deed.GROUP_PEOPLE_ADDED, ["{slug}", "MM", "--member", "sam@example.com"]),
    "set_seats": (Deed.SEATS_CHANGED, ["{slug}", SALES, "11"]),
    "grant_seat": (Deed.SEAT_GIVEN, ["{slug}", SALES, "new@example.com"]),
    "remove_seat": (Deed.SEAT_REMOVED, ["{slug}", SALES, "sam@example.com"]),
    "activate_seat": (Deed.SEAT_ACTIVATED, ["{slug}", SALES, "ada.lovelace@example.com"]),
    "restore_seats": (Deed.SEATS_RESTORED, ["{slug}", SALES, "--all"]),
    "reprocess_waiting": (Deed.WAITING_REPROCESSED, ["{slug}", SALES]),
    "create_scim_application": (Deed.APPLICATION_ADDED, ["{slug}", "X", "--product", SALES]),
    "set_eligibility": (Deed.RULES_CHANGED, ["{application}", "groups"]),
    "issue_scim_token": (Deed.TOKEN_ISSUED, ["{application}"]),
    "revoke_scim_token": (Deed.TOKEN_REVOKED, ["{token}"]),
    "import_people": (Deed.PEOPLE_IMPORTED, ["{slug}", "{csv}"]),
    "import_usage": (Deed.USAGE_IMPORTED, ["{slug}", "{uses}"]),
    "export_person": (
        Deed.PERSON_EXPORTED,
        ["--organization", "{slug}", "--email", "zoe@example.com"],
    ),
    "erase_person": (
        Deed.PERSON_ERASED,
        ["--organization", "{slug}", "--email", "zoe@example.com", "--yes"],
    ),
    "create_api_token": (Deed.API_TOKEN_ISSUED, ["{slug}", "Payroll"]),
    "revoke_api_token": (Deed.API_TOKEN_REVOKED, ["{api_token}"]),
    # They read, do what the schedule does by itself, or make a demonstration of the others.
    "back_up": None,
    "doctor": None,
    "export_people": None,
    "explain_seat": None,
    "expire_scim_tokens": None,
    "forecast_seats": None,
    "list_freed": None,
    "list_seats": None,
    "quickstart": None,
    "reconcile_licenses": None,
    "restore": None,
    "scim_push": None,
    "seed_demo": None,
    "show_group": None,
    "verify": None,
    "verify_ledger": None,
}


def test_every_command_is_in_the_table_above():
    found = {path.stem for path in CHECKOUT.glob("[a-z]*/management/commands/[a-z]*.py")}
    assert found == set(COMMANDS)


def test_every_command_leaves_its_line(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without an admin: an operator did it."""
    (tmp_path / "people.csv").write_text("E-mail\nnew.one@example.com\n")
    monkeypatch.setenv("SEATKEEPER_PASSWORD", PASSWORD)
    pools.set_seats(world.organization, SALES, 12)
    known = {
        "slug": world.organization.slug,
        "application": world.application.pk,
        "token": world.token.pk,
        "uses": tmp_path / "uses.csv",
        "csv": tmp_path / "people.csv",
        "api_token": world.api_token.pk,
    }
    known["uses"].write_bytes(bytes(world.uses.content))
    for name, asked in COMMANDS.items():
        if asked is None:
            continue
        deed, arguments = asked
        newest = AuditEntry.objects.latest("id").pk
        ran = manage(name, *(argument.format(**known) for argument in arguments))
        assert ran.exit == 0, (name, ran)
        line = AuditEntry.objects.filter(pk__gt=newest, deed=deed).get()
        assert (line.admin, line.email, line.address) == (None, audit.COMMAND, None), name


# ------------------------------------------------------------------ what a line says


def test_a_line_tells_what_changed_only_and_never_a_secret(admin: Client, world: World) -> None:
    admin.post(reverse("licensing:set_idle_rule", args=[SALES]), RULE)
    line = AuditEntry.objects.latest("id")
    assert (line.before, line.after) == ({"idle_after_days": 60}, {"idle_after_days": 90})
    assert (line.subject_kind, line.subject_name) == ("product", "Sales Navigator")
    admin.post(reverse("licensing:set_idle_rule", args=[SALES]), RULE)
    assert AuditEntry.objects.latest("id").pk == line.pk, "nothing was changed"
    answer = admin.post(
        reverse("scim_settings:generate_token", args=[world.application.pk]), {"days": 30}
    )
    assert answer.context["issued"].secret not in factories.every_text()
    with pytest.raises(ValueError, match="secret"):
        audit.note(
            world.organization.pk, Deed.TOKEN_ISSUED, world.token, by=None, after={"secret": "x"}
        )


def test_a_deed_to_many_is_one_line_that_counts_and_names(admin: Client, world: World) -> None:
    """R28: not a line a person; so is a file, and a preview of either leaves none."""
    newest = AuditEntry.objects.latest("id").pk
    address = reverse("licensing:many")
    form = {"deed": "join", "group": world.manual_group.pk, "whom": "all"}
    asked = admin.post(address, form)
    admin.get(reverse("licensing:import_file", args=[world.file.pk]))
    admin.post(
        reverse("scim_settings:simulate", args=[world.application.pk]),
        {"user_name": "x@example.com", "deed": "push"},
    )
    assert AuditEntry.objects.latest("id").pk == newest
    admin.post(address, form | {"confirmed": asked.context["outcome"].digest})
    [line] = AuditEntry.objects.filter(pk__gt=newest)
    done = asked.context["outcome"].done.total
    assert (line.deed, line.subject_name) == ("group_people_added", "SMB")
    assert (line.after["number"], len(line.after["people"])) == (done, done)
    digest = people_files.preview(world.file).digest
    admin.post(reverse("licensing:import_file", args=[world.file.pk]), {"confirmed": digest})
    [line] = AuditEntry.objects.filter(pk__gt=line.pk)
    assert (line.deed, line.subject_name) == ("people_imported", "people.csv")
    assert line.after == {
        "added": 1,
        "people_added": ["leia@example.com"],
        "changed": 1,
        "people_changed": ["sam@example.com"],
    }


def test_a_long_list_is_named_in_part(world: World) -> None:
    """R28: a line is bounded, however many it is about."""
    group = groups.create(world.organization, "Everybody")
    people = [
        Person(organization=world.organization, email=f"p{n:03}@x.example", sort_key=f"{n:03}")
        for n in range(audit.NAMED + 5)
    ]
    for person in people:
        person.email_key = person.email
        person.created_at = person.changed_at = clock.now()
    Person.objects.bulk_create(people)
    manual_groups.add(group, [person.pk for person in people], by=world.owner)
    line = AuditEntry.objects.latest("id")
    assert line.after["number"] == audit.NAMED + 5
    assert len(line.after["people"]) == audit.NAMED + 1
    assert line.after["people"][-1] == "and 5 more"


def test_a_wrong_second_step_is_noted(world: World) -> None:
    """R28: without the code."""
    _app(world)
    client = Client()
    client.force_login(world.owner)
    assert client.post("/second-step/", {"code": "abcd-efgh-ijkl"}).status_code == 422
    line = AuditEntry.objects.latest("id")
    assert (line.deed, line.admin, line.after) == ("second_step_failed", None, None)


def test_who_was_removed_cannot_go_on_with_an_open_page(
    admin: Client, world: World, stranger: World
) -> None:
    """A form of the one organization is never done to the other in which they have a role."""
    name = world.colleague.admin.email
    admins.create(name, organization=stranger.organization, password=PASSWORD)
    client = Client()
    client.force_login(world.colleague.admin)
    client.post(reverse("accounts:switch"), {"organization": world.organization.pk})
    address = reverse("licensing:set_seats", args=[SALES])
    assert client.get(reverse("licensing:pool", args=[SALES])).status_code == 200
    removal = reverse("accounts:remove_admin", args=[world.colleague.pk])
    admin.post(removal, {"typed_name": name})
    refused = client.post(address, {"number": 77})
    assert refused.status_code == 403
    assert "nothing was done" in refused.content.decode()
    assert "Contoso" in client.get("/").content.decode()
    assert client.post(address, {"number": 78}).status_code != 403


def test_a_line_is_never_changed_and_never_deleted(world: World) -> None:
    """The database refuses, whoever asks."""
    for change in (
        lambda: AuditEntry.objects.update(email="somebody@else.example"),
        lambda: AuditEntry.objects.all()._raw_delete("default"),
        lambda: connection.cursor().execute("DELETE FROM accounts_auditentry"),
    ):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_trigger WHERE tgname = 'accounts_audit_is_never_emptied'"
        )
        assert cursor.fetchone() == (1,)


def test_a_failed_sign_in_is_told_to_the_organizations_of_whom_it_was(world: World) -> None:
    """Without the password, and of an address that nobody has nothing at all."""
    newest = AuditEntry.objects.latest("id").pk
    for who in (world.owner.email, "nobody@northwind.example"):
        Client().post("/sign-in/", {"username": who, "password": "my secret guess"})
    [line] = AuditEntry.objects.filter(pk__gt=newest)
    assert (line.deed, line.email, line.subject_name) == ("sign_in_failed", "", world.owner.email)
    assert "my secret guess" not in factories.every_text()


def test_behind_a_proxy_the_address_is_the_last_one_that_it_names(
    world: World, settings: Any
) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    form = {"username": world.owner.email, "password": PASSWORD}
    Client().post("/sign-in/", form, headers={"X-Forwarded-For": "192.0.2.1, 198.51.100.9"})
    assert AuditEntry.objects.latest("id").address == "198.51.100.9"
    Client().post("/sign-in/", form, headers={"X-Forwarded-For": "<script>"})
    assert AuditEntry.objects.latest("id").address is None


# ------------------------------------------------------------------ the page


LOG = "/settings/audit/"


def deeds(answer: Any) -> list[str]:
    return [entry.deed for entry in answer.context["page"].rows]


def test_the_log_is_filtered_by_who_deed_subject_and_day(reader: Client, world: World) -> None:
    """Every role may see it."""
    owner = world.owner.email
    assert set(deeds(reader.get(LOG, {"deed": "token_revoked"}))) == {"token_revoked"}
    assert {line.email for line in reader.get(LOG, {"who": owner[:5]}).context["page"].rows} == {
        owner
    }
    assert {line.admin for line in reader.get(LOG, {"who": "command"}).context["page"].rows} == {
        None
    }
    assert deeds(reader.get(LOG, {"subject": "Okta sandbox"})) == ["token_issued"]
    assert deeds(reader.get(LOG, {"subject": str(world.token.pk)})) == ["token_issued"]
    yesterday = f"{clock.now() - dt.timedelta(days=1):%Y-%m-%d}"
    assert set(deeds(reader.get(LOG, {"last": yesterday}))) == {
        "seats_changed",
        "seat_given",
        "group_created",
        "group_people_added",
    }
    assert "seat_given" not in deeds(reader.get(LOG, {"first": yesterday}))
    nonsense = {"first": "2026-02-31", "last": "x", "deed": "y", "before": "²", "who": "\x00"}
    assert reader.get(LOG, nonsense).status_code == 200
    assert "No deed matches" in reader.get(LOG, {"who": "nobody at all"}).content.decode()


def test_pages_of_the_log_follow_each_other(admin: Client, world: World) -> None:
    """By the newest line that is older, so that nothing is counted and nothing is skipped."""
    for n in range(120):
        audit.note(world.organization.pk, Deed.SIGNED_IN, world.owner, by=None, after={"n": n})
    address, seen = f"{LOG}?deed=signed_in", []
    while address:
        answer = admin.get(address)
        seen += [entry.pk for entry in answer.context["page"].rows]
        found = re.search(r'rel="next" href="(\?[^"]*after=\d+)"', answer.content.decode())
        address = LOG + found[1].replace("&amp;", "&") if found else ""
    expected = AuditEntry.objects.of(world.organization).filter(deed="signed_in").order_by("-id")
    assert seen == [line.pk for line in expected]


def test_what_changed_is_shown_before_and_after(admin: Client, world: World) -> None:
    pools.set_seats(world.organization, SALES, 1200, by=world.owner)
    page = " ".join(admin.get(LOG, {"deed": "seats_changed"}).content.decode().split())
    assert "Before: </span>10</del>" in page
    assert "After: </span>1,200</ins>" in page


def test_the_export_has_every_line_that_is_asked_for_and_no_formula(
    admin: Client, world: World
) -> None:
    """Streamed, as CSV; a cell that a spreadsheet would compute is defused."""
    groups.create(world.organization, "=HYPERLINK(1)", by=world.owner)
    answer = admin.get(f"{LOG}export/", {"deed": "group_created"})
    assert answer.streaming
    assert answer["Content-Disposition"] == 'attachment; filename="audit-log.csv"'
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["subject_name"] for row in rows] == ["'=HYPERLINK(1)", "SMB"]
    assert rows[0]["who"] == world.owner.email
    everything = b"".join(admin.get(f"{LOG}export/").streaming_content).decode("utf-8-sig")
    lines = AuditEntry.objects.of(world.organization).count()
    assert len(list(csv.DictReader(io.StringIO(everything)))) == lines


def test_the_export_of_a_stranger_is_empty_of_us(world: World, stranger: World) -> None:
    client = Client()
    client.force_login(stranger.owner)
    text = b"".join(client.get(f"{LOG}export/").streaming_content).decode()
    assert world.owner.email not in text
    assert stranger.owner.email in text


# ------------------------------------------------------------------ where it is shown besides


def test_a_revoked_token_says_by_whom(admin: Client, world: World) -> None:
    page = admin.get(reverse("scim_settings:application", args=[world.application.pk]))
    assert f"by {world.owner.email}</span>" in page.content.decode()
    manage("revoke_scim_token", world.token.pk)
    shown = admin.get(reverse("scim_settings:revoke_token", args=[world.token.pk]))
    assert "by the command line" in " ".join(shown.content.decode().split())


def test_scim_that_is_off_says_who_switched_it_off(admin: Client, world: World) -> None:
    admin.post(reverse("scim_settings:turn_off"), {"typed_name": world.organization.name})
    shown = admin.get(reverse("scim_settings:settings")).content.decode()
    assert f"It was switched off by {world.owner.email} on" in shown
    admin.post(reverse("scim_settings:turn_on"))
    shown = admin.get(reverse("scim_settings:settings")).content.decode()
    assert "switched off by" not in shown


def test_an_organization_without_a_line_says_what_will_come(db: None) -> None:
    empty = worlds.make_empty()
    client = Client()
    client.force_login(Admin.objects.get(pk=empty.owner.pk))
    assert "Organization created" in client.get(LOG).content.decode()
