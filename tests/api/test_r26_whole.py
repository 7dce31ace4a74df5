"""R26: what one request of the Admin API asks for is done whole, or not at all."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from accounts.models import Organization, SignInRule
from licensing.models import Policy, Pool
from tests import factories
from tests.api.conftest import SALES, service
from tests.licensing.crashes import Crash

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("path", "change", "done"),
    [
        (
            "organization",
            {"scim_enabled": False, "two_step_required": True},
            lambda: (
                not Organization.objects.get().scim_enabled,
                SignInRule.objects.filter(two_step_required=True).exists(),
            ),
        ),
        (
            f"pools/{SALES}",
            {"idle_after_days": 30, "purchased": 40},
            lambda: (
                Pool.objects.filter(idle_after_days=30).exists(),
                Pool.objects.filter(purchased=40).exists(),
            ),
        ),
        (
            "applications/{}",
            {"when_full": "waitlist", "brake": {"people": 9}},
            lambda: (
                Policy.objects.filter(when_full="waitlist").exists(),
                Policy.objects.filter(brake_people=9).exists(),
            ),
        ),
    ],
    ids=["organization", "pool", "application"],
)
def test_two_changes_that_one_request_asks_for_are_done_both_or_neither(
    path: str, change: dict[str, Any], done: Callable[[], tuple[bool, bool]]
) -> None:
    """R26: wherever the database fails, between the two as well."""
    owner = factories.organization()
    idp = factories.connect(owner, seats=1)
    api, path = service(owner), path.format(idp.application.pk)
    api.client.raise_request_exception = False
    api.get("token")
    for n in itertools.count(5, 2):
        crash = Crash(n, "fault")
        with connection.execute_wrapper(crash):
            status = api.patch(path, change).status
        assert done() in ((False, False), (True, True)), crash
        if done() == (True, True):
            break
        assert status >= 500
    assert n > 5, "there was nothing to crash"
