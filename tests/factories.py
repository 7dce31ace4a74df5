"""Small worlds for tests, made by the product's own functions."""

from __future__ import annotations

import dataclasses
import itertools
import json
from typing import Any

from django.test import Client

from accounts import organizations
from accounts.models import Application, Organization
from accounts.profile import CORE_USER, ENTERPRISE_USER
from licensing import pools, seats
from licensing.models import Pool
from scim import applications, tokens

PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
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
    """An identity provider with one application's token."""

    def __init__(self, application: Application, secret: str) -> None:
        self.application = application
        self.secret = secret
        self.client = Client()

    def __call__(
        self, method: str, path: str, body: Any = None, *, query: dict[str, Any] | None = None,
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

    def create(self, email: str, **more: Any) -> Answer:
        return self("POST", "/Users", person(email, **more))

    def set_active(self, id: str, active: bool) -> Answer:
        return self.patch(f"/Users/{id}", ("replace", "active", active))

    def patch(self, path: str, *operations: tuple[str, str | None, Any]) -> Answer:
        return self("PATCH", path, {"schemas": [PATCH_OP], "Operations": [
            {"op": op, **({"path": where} if where else {}), **({} if value is None else
             {"value": value})} for op, where, value in operations]})

    def create_group(self, name: str, *members: str) -> Answer:
        return self("POST", "/Groups", {"schemas": [CORE_GROUP], "displayName": name,
                                        "members": [{"value": id} for id in members]})

    def add_members(self, group: str, *members: str) -> Answer:
        return self.patch(f"/Groups/{group}", ("add", "members", [{"value": m} for m in members]))

    def find(self, filter: str) -> list[dict[str, Any]]:
        return self("GET", "/Users", query={"filter": filter}).json["Resources"]


def person(
    email: str, *, number: str = "", first: str = "Ada", last: str = "Lovelace",
    active: bool = True, **more: Any,
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
    owner: Organization, *, product: str = "sales-navigator", seats: int | None = None,
    name: str | None = None, **policy: Any,
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


def holders(owner: Organization, product: str = "sales-navigator") -> list[str]:
    return [seat.person.email for seat in seats.holders(pool_of(owner, product))]


def waiting(owner: Organization, product: str = "sales-navigator") -> list[str]:
    return [entry.email for entry in seats.waiting(pool_of(owner, product))]
