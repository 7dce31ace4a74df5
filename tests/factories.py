"""Small worlds for tests, made by the product's own functions."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import io
import itertools
import json
import threading
import uuid
from typing import Any

from django.apps import apps
from django.core.management import CommandError, get_commands, load_command_class
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.client import ClientHandler

from accounts import organizations
from accounts.models import Application, Organization, Person
from accounts.profile import CORE_USER, ENTERPRISE_USER
from licensing import pools, reconcile, seats
from licensing.models import LedgerEntry, Pool, Reclaimed, Seat, WaitingEntry
from scim import applications, tokens

PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
BULK_REQUEST = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
CORE_GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"

_numbers = itertools.count(1)


@dataclasses.dataclass
class Answer:
    status: int
    json: Any
    headers: Any

    @property
    def id(self) -> str:
        return self.json["id"]

    @property
    def detail(self) -> str:
        return self.json["detail"]


class Idp:
    """An identity provider with one application's token. May be used by several threads."""

    def __init__(self, application: Application, secret: str) -> None:
        self.application = application
        self.secret = secret
        self._clients = threading.local()

    @property
    def client(self) -> Client:
        if not hasattr(self._clients, "client"):
            self._clients.client = Client()
            self._clients.client.handler = _handler()
        return self._clients.client

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: dict[str, Any] | None = None,
        **headers: str,
    ) -> Answer:
        raw = body if isinstance(body, (bytes, str)) else json.dumps(body)
        response = self.client.generic(
            method,
            f"/scim/v2{path}",
            data=b"" if body is None else raw,
            content_type="application/scim+json",
            query_params=query,
            headers={"Authorization": f"Bearer {self.secret}", **headers},
        )
        document = json.loads(response.content) if response.content else None
        return Answer(response.status_code, document, response.headers)

    # ---- people

    def create(self, email: str, **more: Any) -> Answer:
        return self("POST", "/Users", person(email, **more))

    def get(self, id: str) -> Answer:
        return self("GET", f"/Users/{id}")

    def replace(self, id: str, email: str, **more: Any) -> Answer:
        return self("PUT", f"/Users/{id}", person(email, **more))

    def set_active(self, id: str, active: bool) -> Answer:
        return self.patch(f"/Users/{id}", ("replace", "active", active))

    def delete(self, id: str) -> Answer:
        return self("DELETE", f"/Users/{id}")

    def patch(self, path: str, *operations: tuple[str, str | None, Any]) -> Answer:
        return self(
            "PATCH",
            path,
            {
                "schemas": [PATCH_OP],
                "Operations": [
                    {
                        "op": op,
                        **({"path": where} if where else {}),
                        **({} if value is None else {"value": value}),
                    }
                    for op, where, value in operations
                ],
            },
        )

    def find(self, filter: str) -> list[dict[str, Any]]:
        return self("GET", "/Users", query={"filter": filter}).json["Resources"]

    def user_names(self) -> list[str]:
        """Everybody whom the application sees."""
        return sorted(user["userName"] for user in self("GET", "/Users").json["Resources"])

    # ---- groups

    def create_group(self, name: str, *members: str) -> Answer:
        return self(
            "POST",
            "/Groups",
            {
                "schemas": [CORE_GROUP],
                "displayName": name,
                "members": [{"value": id} for id in members],
            },
        )

    def replace_group(self, id: str, name: str, *members: str) -> Answer:
        return self(
            "PUT",
            f"/Groups/{id}",
            {
                "schemas": [CORE_GROUP],
                "displayName": name,
                "members": [{"value": id} for id in members],
            },
        )

    def add_members(self, group: str, *members: str) -> Answer:
        return self.patch(f"/Groups/{group}", ("add", "members", [{"value": m} for m in members]))

    def remove_members(self, group: str, *members: str) -> Answer:
        return self.patch(
            f"/Groups/{group}", *(("remove", f'members[value eq "{m}"]', None) for m in members)
        )

    def rename_group(self, group: str, name: str) -> Answer:
        return self.patch(f"/Groups/{group}", ("replace", "displayName", name))

    def members(self, group: str) -> list[str]:
        found = self("GET", f"/Groups/{group}").json.get("members", [])
        return [member["value"] for member in found]

    # ---- many changes

    def bulk(self, *operations: tuple[str, str, Any], **more: Any) -> Answer:
        """operations: method, path, data; each POST gets a bulkId b0, b1 … of its place."""
        return self(
            "POST",
            "/Bulk",
            {
                "schemas": [BULK_REQUEST],
                **more,
                "Operations": [
                    {
                        "method": method,
                        "path": path,
                        **({"bulkId": f"b{n}"} if method == "POST" else {}),
                        **({} if data is None else {"data": data}),
                    }
                    for n, (method, path, data) in enumerate(operations)
                ],
            },
        )


@functools.cache
def _handler() -> ClientHandler:
    """One for all, so that its middleware is loaded once."""
    return Client().handler


def person(
    email: str,
    *,
    number: str = "",
    first: str = "Ada",
    last: str = "Lovelace",
    active: bool = True,
    **more: Any,
) -> dict[str, Any]:
    document: dict[str, Any] = {
        "schemas": [CORE_USER],
        "userName": email,
        "name": {"givenName": first, "familyName": last},
        "displayName": f"{first} {last}",
        "emails": [{"value": email, "type": "work", "primary": True}],
        "active": active,
        **more,
    }
    if number:
        document["schemas"].append(ENTERPRISE_USER)
        document[ENTERPRISE_USER] = {"employeeNumber": number}
    return document


def organization(plan: str = "advanced-plus") -> Organization:
    return organizations.create(f"Acme {next(_numbers)}", plan=plan)


def connect(
    owner: Organization,
    *,
    product: str = "sales-navigator",
    seats: int | None = None,
    name: str | None = None,
    **policy: Any,
) -> Idp:
    """An application with a token, and seats in its pool."""
    if seats is not None:
        pools.set_seats(owner, product, seats)
    made = applications.create(
        owner, name or f"Directory {next(_numbers)}", product=product, **policy
    )
    return Idp(made, tokens.issue(made).secret)


def pool_of(owner: Organization, product: str = "sales-navigator") -> Pool:
    return Pool.objects.get(organization=owner, product=product)


def set_seats(owner: Organization, number: int, product: str = "sales-navigator") -> None:
    pools.set_seats(owner, product, number)


def holders(owner: Organization, product: str = "sales-navigator") -> list[str]:
    return [seat.person.email for seat in seats.holders(pool_of(owner, product))]


def waiting(owner: Organization, product: str = "sales-navigator") -> list[str]:
    return [entry.email for entry in seats.waiting(pool_of(owner, product))]


def seat_of(owner: Organization, email: str, product: str = "sales-navigator") -> Seat:
    return Seat.objects.get(pool=pool_of(owner, product), person__email=email)


def ledger(owner: Organization, product: str = "sales-navigator") -> list[tuple[str, str]]:
    """Deed and e-mail of each line, in order."""
    lines = LedgerEntry.objects.filter(pool=pool_of(owner, product)).order_by("id")
    return list(lines.values_list("deed", "email"))


# ---------------------------------------------------------------- commands


@dataclasses.dataclass
class Ran:
    """A command that ended. json: the one document on standard output, None when there is none."""

    exit: int
    json: Any
    out: str
    err: str


def manage(*arguments: Any) -> Ran:
    """`manage.py NAME … --json`, with the exit code that a shell would see."""
    return manage_for_people(*arguments, "--json")


def manage_for_people(*arguments: Any) -> Ran:
    name, *rest = [str(argument) for argument in arguments]
    command = load_command_class(get_commands()[name], name)
    command._called_from_command_line = True  # wrong usage exits, as on the command line
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            options = vars(command.create_parser("manage.py", name).parse_args(rest))
            command.execute(*options.pop("args", ()), stdout=out, stderr=err, **options)
        except CommandError as error:
            code = error.returncode
            err.write(str(error))
        except SystemExit as ended:
            code = int(ended.code or 0)
    text = out.getvalue()
    document = json.loads(text) if text and "--json" in rest else None
    return Ran(code, document, text, err.getvalue())


def grant(owner: Organization, email: str, product: str = "sales-navigator", **more: str) -> Ran:
    """Give a seat by hand; more: first_name, last_name, employee_number."""
    options = [
        part for name, value in more.items() for part in (f"--{name.replace('_', '-')}", value)
    ]
    return manage("grant_seat", owner.slug, product, email, *options)


def explain(owner: Organization, email: str, product: str = "sales-navigator") -> Ran:
    return manage("explain_seat", owner.slug, product, email)


def reconcile_licenses(owner: Organization, *options: str) -> dict[str, Any]:
    return manage("reconcile_licenses", "--organization", owner.slug, *options).json


# ---------------------------------------------------------------- what must always hold


#: What is written about the others: the activity and the audit log, the ledger's seals, how it
#: went, counts, who looked.
ABOUT = (
    "scim_exchange",
    "accounts_auditentry",
    "licensing_ledgerseal",
    "licensing_reconciled",
    "licensing_dailycount",
    "accounts_adminsession",
)


def dump(*, without: tuple[str, ...] = ABOUT) -> dict[str, list[str]]:
    """Every row of every table of ours as text. When a token was last used is no change."""
    rows: dict[str, list[str]] = {}
    with connection.cursor() as cursor:
        for model in apps.get_models(include_auto_created=True):
            table = model._meta.db_table
            if table in without or model._meta.app_label not in ("accounts", "licensing", "scim"):
                continue
            cursor.execute(f"SELECT (to_jsonb(t) - 'last_used_at')::text FROM {table} t ORDER BY 1")
            rows[table] = [row[0] for row in cursor.fetchall()]
    return rows


def every_text() -> str:
    """All columns of all tables of the database, in one text: for what must not be there."""
    parts = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT t::text FROM {table} t")
            parts += [row[0] for row in cursor.fetchall()]
    return "\n".join(parts)


def check_books(*, lowered: bool = False) -> None:
    """What holds at every moment between two requests, for every pool (R15, R18, R21).

    lowered: a purchased number was set below the seats in use, which is allowed.
    """
    for pool in Pool.objects.all():
        held = Seat.objects.filter(pool=pool).count()
        assert pool.held == held, f"{pool}: held says {pool.held}, there are {held} seats"
        assert lowered or held <= pool.purchased, f"{pool}: {held} of {pool.purchased}"
        both = WaitingEntry.objects.filter(pool=pool, person__seats__pool=pool)
        assert not both.exists(), f"{list(both)} hold a seat and wait"
        back = Reclaimed.objects.filter(pool=pool, person__seats__pool=pool)
        assert not back.exists(), f"{list(back)}, and they hold one"
        known = WaitingEntry.objects.filter(
            pool=pool,
            person=None,
            application__links__user_name_key=F("user_name_key"),
        )
        assert not known.exists(), f"{list(known)} exist in the application and are refused ones"
    gone = Seat.objects.exclude(person__removed_at=None)
    assert not gone.exists(), f"{list(gone)} are held by people who are gone"
    orphans = Person.objects.filter(removed_at=None, links=None)
    assert not orphans.exists(), f"{list(orphans)} are in no application and not by hand"
    gone_linked = Person.objects.exclude(removed_at=None).exclude(links=None)
    assert not gone_linked.exists(), f"{list(gone_linked)} are gone and still in an application"
    before = dump(without=("scim_exchange",))
    found = reconcile.reconcile(dry_run=True)
    assert found.drift == 0, f"reconciliation finds {found}"
    assert dump(without=("scim_exchange",)) == before, "a dry run changed something"


def stranger() -> str:
    """An id that is nobody's."""
    return str(uuid.uuid4())
