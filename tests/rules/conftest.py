"""Each test of a rule ends with a look at the books, whatever else it was about."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from accounts import admins
from accounts.models import Admin, Organization
from tests import factories


@pytest.fixture
def owner(db: None) -> Organization:
    return factories.organization()


@pytest.fixture
def lea(owner: Organization) -> Admin:
    return admins.create("lea@acme.example", organization=owner, password="a long enough password")


@pytest.fixture
def admin(lea: Admin) -> Client:
    """Lea's browser, signed in."""
    client = Client()
    client.force_login(lea)
    return client


@pytest.fixture(autouse=True)
def _passwords_are_hashed_fast(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def over_assigned() -> None:
    """For tests that lower the purchased number below the seats in use."""


@pytest.fixture(autouse=True)
def _books_are_right_at_the_end(db: None, request: pytest.FixtureRequest) -> Iterator[None]:
    """R15, R21: never over-sold, the counter right, nothing for reconciliation to repair."""
    yield
    factories.check_books(lowered="over_assigned" in request.fixturenames)
