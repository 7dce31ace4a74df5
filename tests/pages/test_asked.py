"""What the addresses of pages ask for."""

from __future__ import annotations

import datetime as dt

import pytest
from django.http import QueryDict
from django.test import Client

from accounts.pages import asked


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-11-24", dt.date(2026, 11, 24)),
        *((odd, None) for odd in ("", "x", "2026-02-31", "0001-01-01", "9999-12-31", "²")),
    ],
)
def test_a_day_that_makes_no_sense_is_left_out(text: str, day: dt.date | None) -> None:
    assert asked.day(QueryDict(f"day={text}"), "day") == day


@pytest.mark.parametrize("address", ["/settings/audit/?last=", "/activity/?until="])
def test_the_last_day_of_the_calendar_breaks_no_log(admin: Client, address: str) -> None:
    assert admin.get(f"{address}9999-12-31").status_code == 200
