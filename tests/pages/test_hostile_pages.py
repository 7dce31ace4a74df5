"""Hostile requests to every address: no error of ours, no leak, no change.

A few for each here; `python -m benchmarks.hostile --cases 10000` sends ten thousand to each.
"""

from __future__ import annotations

from typing import Any

from tests import endpoints
from tests.hostile import Hostile
from tests.pages.world import World

CASES = 2


def test_hostile_requests_to_every_address_end_in_no_error_no_leak_and_no_change(
    settings: Any, world: World, stranger: World
) -> None:
    """R2, R3, R11, R26: made from the URL configuration, so that a new address is attacked too."""
    # One of our own, since it is emptied now and then.
    locmem = "django.core.cache.backends.locmem.LocMemCache"
    settings.CACHES = {"default": {"BACKEND": locmem, "LOCATION": "hostile"}}
    hostile = Hostile(2811, world, stranger)
    for endpoint in endpoints.every():
        hostile.attack(endpoint, CASES)
    assert not hostile.faults, "\n\n".join(hostile.faults[:8])
    assert hostile.watched > 10
    assert {200, 302, 404, 405} <= set(hostile.statuses), hostile.statuses
