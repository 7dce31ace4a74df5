"""An organization with tokens, asked through HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from accounts import admins, api_tokens
from accounts.models import Admin, Organization
from licensing import pools
from tests import factories
from tests.factories import Answer

SALES = "sales-navigator"
PASSWORD = "a long enough password"


class Api:
    """A program with one token."""

    def __init__(self, secret: str) -> None:
        self.secret = secret
        self.client = Client()

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        response = self.client.generic(
            method,
            path if path.startswith(("/", "http")) else f"/api/v1/{path}",
            data=b"" if body is None else raw,
            content_type=headers.pop("Content-Type", "application/json"),
            headers={"Authorization": f"Bearer {self.secret}", **headers},
        )
        document = json.loads(response.content) if response.content else None
        return Answer(response.status_code, document, response.headers)

    def get(self, path: str, **headers: str) -> Answer:
        return self("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        return self("POST", path, body, **headers)

    def patch(self, path: str, body: Any, **headers: str) -> Answer:
        return self("PATCH", path, body, **headers)

    def delete(self, path: str, **headers: str) -> Answer:
        return self("DELETE", path, **headers)


def service(organization: Organization, *scopes: str, name: str = "Payroll sync") -> Api:
    """A service token; with everything unless scopes are named."""
    issued = api_tokens.issue(
        organization, name, scopes=scopes or list(api_tokens.SCOPES), admin=None
    )
    return Api(issued.secret)


def personal(organization: Organization, admin: Admin, *scopes: str) -> Api:
    issued = api_tokens.issue(
        organization, "Mine", scopes=scopes or list(api_tokens.SCOPES), admin=admin, by=admin
    )
    return Api(issued.secret)


@pytest.fixture(autouse=True)
def _nothing_is_counted_yet(db: None) -> None:
    cache.clear()


@pytest.fixture
def owner() -> Organization:
    organization = factories.organization()
    pools.set_seats(organization, SALES, 3)
    return organization


@pytest.fixture
def admin(owner: Organization) -> Admin:
    return admins.create("lea@northwind.example", organization=owner, password=PASSWORD)


@pytest.fixture
def api(owner: Organization) -> Api:
    return service(owner)
