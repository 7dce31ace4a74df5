"""Every kind of request that writes, and every task: with data by which it has something to do.

A new address that takes a write, and a new task, must have a line here or stand in a table that
this reads (tests/pages/test_audit.py, tests/licensing/test_crashes.py).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

from django.core.cache import cache
from django.test import Client
from django.urls import get_resolver, reverse

from accounts import clock, notices, people_files
from accounts.models import Outbox, PeopleFile, WebhookEndpoint
from config.celery import app
from licensing import idle, pools, reconcile, review, usage, usage_files
from licensing.models import (
    DailyCount,
    HeldRemoval,
    Pool,
    ReportSchedule,
    Seat,
    UsageEvent,
    WaitingEntry,
)
from scim.models import Exchange, Token
from tests import factories
from tests.api.conftest import Api, personal, service
from tests.killing import Kind
from tests.licensing import test_crashes
from tests.pages import test_audit
from tests.pages import world as worlds
from tests.pages.world import World, hold_removals

SALES = "sales-navigator"
DAY = dt.timedelta(days=1)


class Worlds:
    """pages: an organization with something on every page. scim: a small one that is pushed to."""

    def __init__(self, now: dt.datetime) -> None:
        with clock.stopped(at=now - dt.timedelta(minutes=61)):
            self.pages = worlds.make()
            self.scim = test_crashes.World()
            hold_removals(self.pages)
            Outbox.objects.update(done_at=clock.now())
        cache.clear()


def every(worlds: Worlds) -> list[Kind]:
    return [*scim(worlds), *pages(worlds.pages), *api(worlds.pages), *tasks(worlds.pages)]


# ── SCIM ─────────────────────────────────────────────────────────────────────────


def scim(worlds: Worlds) -> Iterator[Kind]:
    """An identity provider repeats each of them."""
    world = worlds.scim
    for name, change in test_crashes.CHANGES.items():
        yield Kind(
            f"SCIM or command: {name}",
            lambda _, change=change: _status(change(world)),  # type: ignore[misc]
            again=name != "POST that is refused",  # each refusal is a line of the ledger (R21)
        )
    operations = [
        {
            "method": "POST",
            "path": "/Users",
            "bulkId": "a",
            "data": factories.person("b@b.example"),
        },
        {"method": "DELETE", "path": f"/Users/{world.ada}"},
    ]
    yield Kind(
        "SCIM: POST to Bulk",
        lambda _: _status(
            world.idp(
                "POST",
                "/Bulk",
                {"schemas": [factories.BULK_REQUEST], "Operations": operations},
            )
        ),
        whole=False,  # each operation is whole (RFC 7644 section 3.7)
        again=True,
    )


def _status(answer: Any) -> int:
    if isinstance(answer, factories.Answer):
        # What is refused every time is no fault of the kill.
        return 200 if answer.status in (403, 409) else answer.status
    return 500 if answer.exit else 200


# ── Pages ────────────────────────────────────────────────────────────────────────

#: A sign-in makes a session, which is no part of the database's transaction.
STEPWISE = {"accounts:sign_in", "accounts:sign_out", "accounts:second_step", "accounts:reset"}


def pages(world: World) -> Iterator[Kind]:
    for name, post in test_audit.POSTS.items():
        yield Kind(
            f"page: {name}",
            _post,
            before=lambda name=name, post=post: _before_post(world, name, post),  # type: ignore[misc]
            whole=name not in STEPWISE,
        )


def _before_post(world: World, name: str, post: test_audit.Post) -> tuple[Client, str, Any]:
    post.before(world)
    client = Client()
    if not post.guest:
        test_audit._sign_in(client, world, halfway=post.halfway)
    return client, reverse(name, args=post.arguments(world)), post.form(world)


def _post(given: tuple[Client, str, Any]) -> int:
    return int(test_audit._confirmed(*given).status_code)


# ── The Admin API ────────────────────────────────────────────────────────────────

_USE = {
    "id": "a",
    "product": SALES,
    "email": "sam@example.com",
    "happened_at": "2026-01-01T00:00:00Z",
}

#: Name of the address and method → its arguments, and the body.
API: dict[tuple[str, str], Callable[[World], tuple[list[Any], Any]]] = {
    ("organization", "PATCH"): lambda w: ([], {"two_step_required": True}),
    ("groups", "POST"): lambda w: ([], {"name": "ENT"}),
    ("group", "PATCH"): lambda w: ([w.manual_group.pk], {"name": "Mid-market"}),
    ("group", "DELETE"): lambda w: ([w.manual_group.pk], None),
    ("members", "POST"): lambda w: ([w.manual_group.pk], {"people": [w.person.pk]}),
    ("member", "DELETE"): lambda w: ([w.manual_group.pk, w.sam.pk], None),
    ("people", "POST"): lambda w: ([], {"email": "new@example.com", "first_name": "Nia"}),
    ("person", "PATCH"): lambda w: ([w.sam.pk], {"title": "Analyst"}),
    ("person", "DELETE"): lambda w: ([w.sam.pk], None),
    ("pool", "PATCH"): lambda w: ([SALES], {"purchased": 40, "idle_after_days": 30}),
    ("restore", "POST"): lambda w: ([SALES], {"people": [test_audit._freed(w)["only"]]}),
    ("reclaim", "POST"): lambda w: ([SALES], {"people": _idle(w)}),
    ("reprocess", "POST"): lambda w: ([SALES], None),
    ("reconcile", "POST"): lambda w: ([SALES], {"dry_run": False}),
    ("seats", "POST"): lambda w: ([], {"product": "teamlink-extend", "person": w.sam.pk}),
    ("seat", "DELETE"): lambda w: ([w.sam.seats.get().pk], None),
    ("invite", "POST"): lambda w: (test_audit._provisioned(w), None),
    ("waiting_entry", "DELETE"): lambda w: (test_audit._refused(w)[1:], None),
    ("removal", "PATCH"): lambda w: (test_audit._removal(w), {"state": "approved"}),
    ("usage_events", "POST"): lambda w: (
        [],
        {"events": [_USE | {"happened_at": (clock.now() - DAY).isoformat()}]},
    ),
    ("applications", "POST"): lambda w: ([], {"name": "X", "product": SALES, "idp": "okta"}),
    ("application", "PATCH"): lambda w: ([w.application.pk], {"when_full": "waitlist"}),
    ("scim_tokens", "POST"): lambda w: ([w.application.pk], {"name": "x"}),
    ("scim_token", "DELETE"): lambda w: ([w.token.pk], None),
    ("rotate_scim_token", "POST"): lambda w: ([w.token.pk], {"overlap_hours": 0}),
}
_BEFORE_API: dict[str, Callable[[World], object]] = {
    "restore": test_audit._free_seats,
    "seats": test_audit._buy_teamlink,
}


def api_writes() -> set[tuple[str, str]]:
    """Every address of the Admin API with each of its methods that writes."""
    found = set()
    for part in get_resolver().url_patterns:
        if part.namespace == "api":
            for page in part.url_patterns:
                view = getattr(page.callback, "view_class", None)
                for method in ("post", "put", "patch", "delete"):
                    if view is not None and hasattr(view, method):
                        found.add((page.name, method.upper()))
    return found


def api(world: World) -> Iterator[Kind]:
    """Each write that its description names."""
    for name, method in API:
        yield Kind(
            f"API: {method} {name}",
            _call,
            before=lambda name=name, method=method: _before_call(world, name, method),  # type: ignore[misc]
        )


def _before_call(world: World, name: str, method: str) -> tuple[Api, str, str, Any]:
    _BEFORE_API.get(name, lambda world: None)(world)
    arguments, body = API[name, method](world)
    if name == "removal":  # somebody answers for it, by name
        token = personal(world.organization, world.owner)
    else:
        token = service(world.organization)
    return token, method, reverse(f"api:{name}", args=arguments), body


def _call(given: tuple[Api, str, str, Any]) -> int:
    token, method, address, body = given
    return token(method, address, body).status


def _idle(world: World) -> list[int]:
    pool = pools.get(world.organization, SALES)
    return list(idle.reclaimable(pool).values_list("person_id", flat=True)[:1])


# ── Tasks ────────────────────────────────────────────────────────────────────────


def _pool(world: World) -> list[Any]:
    return [pools.get(world.organization, SALES).pk]


def _mail(world: World) -> list[Any]:
    Outbox.objects.order_by("-id").filter(kind="invitation").update(done_at=None)
    return []


def _endpoint(world: World) -> list[Any]:
    WebhookEndpoint.objects.update(url="http://127.0.0.1:9/", rest_until=None)
    return [str(world.endpoint.pk)]


def _webhooks(world: World) -> list[Any]:
    """What a clock that was ahead has put off is brought back; sending is the next one's."""
    WebhookEndpoint.objects.update(rest_until=clock.now() + 365 * DAY)
    return []


def _digest(world: World) -> list[Any]:
    notices.choose(world.organization, world.owner, {"webhooks": "daily"})
    for once in "ab":
        notices.tell(world.organization.pk, "webhooks", "webhook_paused",
                     {"endpoint": str(world.endpoint.pk)}, once=once)  # fmt: skip
    return []


def _file(world: World) -> list[Any]:
    digest = people_files.preview(world.file).digest
    PeopleFile.objects.filter(pk=world.file.pk).update(expected=digest, confirmed_at=clock.now())
    return []


def _old(world: World) -> list[Any]:
    Outbox.objects.update(done_at=clock.now() - 91 * DAY)
    Exchange.objects.update(at=clock.now() - 91 * DAY)
    PeopleFile.objects.update(created_at=clock.now() - 91 * DAY)
    return []


def _approved(world: World) -> list[Any]:
    last = HeldRemoval.objects.latest("id").pk
    review.decide_all(world.application, "approve", last=last, by=world.owner)
    return []


def _uncounted_days(world: World) -> list[Any]:
    DailyCount.objects.all().delete()
    return []


def _free(world: World) -> list[Any]:
    """Seats are bought, and the wake-up was lost."""
    Pool.objects.update(purchased=40)
    return []


def _old_refusal(world: World) -> list[Any]:
    long_ago = clock.now() - 8 * DAY
    WaitingEntry.objects.filter(refused=True).update(since=long_ago, asked_at=None)
    return []


def _old_uses(world: World) -> list[Any]:
    UsageEvent.objects.update(happened_at=clock.now() - 100 * DAY, counted=True)
    return []


def _idle_seats(world: World) -> list[Any]:
    Pool.objects.update(reclaim=Pool.Reclaim.AUTOMATIC, may_reclaim_scim=True)
    warned = Seat.objects.filter(pool__product=SALES).order_by("id")[:1].values("pk")
    Seat.objects.update(granted_at=clock.now() - 200 * DAY, last_used_at=None, activated_at=None,
                        state=Seat.State.PROVISIONED)  # fmt: skip
    Seat.objects.filter(pk__in=list(warned.values_list("pk", flat=True))).update(
        reclaim_at=clock.now() - DAY
    )
    return _pool(world)


def _drifted(world: World) -> list[Any]:
    Seat.objects.filter(source="scim", pool__product=SALES).order_by("id")[0].delete()
    reconcile.ask(pools.get(world.organization, SALES), by=world.owner)
    return _pool(world)


def _usage_file(world: World) -> list[Any]:
    usage_files.confirm(world.uses, by=world.owner)
    return [str(world.uses.pk)]


def _uses(world: World) -> list[Any]:
    usage.record(
        world.organization,
        [usage.Event("k", SALES, (clock.now() - DAY).isoformat(), email="sam@example.com")],
    )
    return []


def _report_due(world: World) -> list[Any]:
    ReportSchedule.objects.filter(paused_at=None).update(due_at=clock.now() - DAY)
    return []


def _token_due(world: World) -> list[Any]:
    Token.objects.filter(pk=world.token.pk).update(expires_at=clock.now() - DAY,
                                                  issued_at=clock.now() - 100 * DAY)  # fmt: skip
    return []


def _silence(world: World) -> list[Any]:
    Exchange.objects.update(at=clock.now() - 60 * DAY)
    return []


#: Name of the task → what makes something for it to do, and its arguments.
TASKS: dict[str, Callable[[World], list[Any]]] = {
    "accounts.tasks.deliver_outbox": _mail,
    "accounts.tasks.deliver_webhooks": _webhooks,
    "accounts.tasks.deliver_webhooks_of": _endpoint,
    "accounts.tasks.import_people": _file,
    "accounts.tasks.make_digests": _digest,
    "accounts.tasks.make_months": lambda world: [],
    "accounts.tasks.prune": _old,
    "licensing.tasks.carry_out_removals": _approved,
    "licensing.tasks.count_seats": _uncounted_days,
    "licensing.tasks.fill_waiting_lists": _free,
    "licensing.tasks.lapse_refusals": _old_refusal,
    "licensing.tasks.prune_usage": _old_uses,
    "licensing.tasks.reclaim_idle_seats_of": _idle_seats,
    "licensing.tasks.reconcile_pool": _drifted,
    "licensing.tasks.record_usage_file": _usage_file,
    "licensing.tasks.roll_up_usage": _uses,
    "licensing.tasks.seal_ledger": lambda world: [],
    "licensing.tasks.send_reports": _report_due,
    "scim.tasks.expire_scim_tokens": _token_due,
    "scim.tasks.prune_exchanges": _old,
    "scim.tasks.tell_silence": _silence,
}
#: They write nothing, and only start others of the table above.
STARTERS = {
    "licensing.tasks.reclaim_idle_seats",
    "licensing.tasks.reconcile_asked",
    "licensing.tasks.reconcile_licenses",
    "licensing.tasks.record_usage_files",
}


def registered() -> set[str]:
    """Our own tasks, whoever registered them."""
    app.loader.import_default_modules()
    return {name for name in app.tasks if not name.startswith("celery.")}


def tasks(world: World) -> Iterator[Kind]:
    app.loader.import_default_modules()
    for name, before in TASKS.items():
        yield Kind(
            f"task: {name}",
            lambda arguments, name=name: app.tasks[name].run(*arguments),  # type: ignore[misc]
            before=lambda before=before: before(world),  # type: ignore[misc]
            whole=False,
            again=True,
            later=dt.timedelta(minutes=3),  # what a dead worker had in hand is due again then
            apart=name == "scim.tasks.prune_exchanges",
        )
