"""R25: uses reported by a program, and read again as a report."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from accounts import clock
from accounts.models import Organization
from licensing import prices, usage
from licensing.models import UsageEvent
from tests import factories
from tests.api.conftest import SALES, Api, service

ADA, GRACE = "ada@acme.example", "grace@acme.example"


@pytest.fixture
def held(owner: Organization) -> Organization:
    """Ada and Grace have a license."""
    for email in (ADA, GRACE):
        factories.grant(owner, email)
    return owner


def _use(id: str, **more: Any) -> dict[str, Any]:
    now = clock.now().isoformat()
    return {"id": id, "product": SALES, "email": ADA, "happened_at": now} | more


def test_each_event_is_answered_for_itself_and_taken_once(held: Organization, api: Api) -> None:
    """R25, R26: one that is refused keeps no other out; sent again, nothing changes."""
    events = [_use("a"), _use("b", email="eve@x.example"), _use("c", happened_at="?"), _use("a")]
    told = api.post("usage-events", {"events": events})
    assert told.status == 200
    assert [(line["id"], line["outcome"], line["code"]) for line in told.json["events"]] == [
        ("a", "accepted", ""),
        ("b", "refused", "person_unknown"),
        ("c", "refused", "time_invalid"),
        ("a", "repeated", ""),
    ]
    assert told.json["events"][1]["because"] == "Nobody here is eve@x.example."
    assert [told.json[name] for name in ("accepted", "repeated", "refused")] == [1, 1, 2]
    again = api.post("usage-events", {"events": events}).json
    assert [again[name] for name in ("accepted", "repeated", "refused")] == [0, 2, 2]
    assert UsageEvent.objects.count() == 1


@pytest.mark.parametrize(
    ("events", "member"),
    [
        ([], "events"),
        ([_use(str(n)) for n in range(1001)], "events"),
        ([_use("a"), _use("b", person="7")], "events.1.person"),
        ([_use("a", who="Ada")], "events.0.who"),
    ],
)
def test_a_batch_that_is_not_as_described_is_refused_whole(
    held: Organization, api: Api, events: list[Any], member: str
) -> None:
    """R26: the member is named, and nothing of it is taken."""
    refused = api.post("usage-events", {"events": events})
    assert (refused.status, list(refused.json["errors"])) == (400, [member])
    assert not UsageEvent.objects.exists()


def test_reading_reports_is_not_reporting_uses(held: Organization) -> None:
    refused = service(held, "reports:read").post("usage-events", {"events": [_use("a")]})
    assert (refused.status, refused.json["code"]) == (403, "scope_missing")


def test_the_report_tells_seats_activation_use_and_cost(held: Organization, api: Api) -> None:
    """R25: everybody unless something is chosen; the trend has its points' days."""
    prices.set_price(held, SALES, Decimal("79.90"), "EUR")
    api.post("usage-events", {"events": [_use("a"), _use("b"), _use("c", email=GRACE)]})
    usage.roll_up_all()
    today = f"{clock.now():%Y-%m-%d}"
    report = api.get("reports/usage?days=7").json
    [row] = report["rows"]
    assert (row["kind"], row["group"], row["name"]) == ("everybody", None, "Everybody")
    assert (row["held"], row["provisioned"], row["activation_rate"]) == (2, 2, 0)
    assert (row["active"], row["last_activity"]) == (2, today)
    assert (row["idle"], row["idle_cost"], report["currency"]) == (0, "0.00", "EUR")
    assert (report["days_a_point"], report["points"][-1], report["last"]) == (1, today, today)
    assert row["trend"] == [0, 0, 0, 0, 0, 0, 2]
    assert report["total"]["held"] == 2


def test_a_report_is_there_for_any_period_and_product(owner: Organization, api: Api) -> None:
    """Of a product that was never bought, before there were days, and for three years."""
    never = api.get("reports/usage?product=teamlink-extend&days=1098&last=0001-01-02").json
    assert (never["first"], never["last"]) == ("0001-01-01", "0001-01-02")
    assert (never["rows"][0]["held"], never["idle_cost"], never["currency"]) == (0, None, "")
    assert api.get("reports/usage?days=1098").json["days_a_point"] == 28
