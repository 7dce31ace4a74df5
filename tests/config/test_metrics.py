"""/metrics: what is told, to whom, by few values of few labels; and the files that ask for it."""

from __future__ import annotations

import json
import re
import time
import timeit
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from django.test import Client, RequestFactory
from prometheus_client.parser import text_string_to_metric_families

from accounts import outbox
from config import heartbeat, metrics
from tests.factories import connect, grant, organization, set_seats

CHECKOUT = Path(__file__).resolve().parents[2]
DASHBOARD = CHECKOUT / "docs/monitoring/grafana.json"
ALERTS = CHECKOUT / "docs/monitoring/alerts.yml"
TASK = "accounts.tasks.deliver_outbox"

pytestmark = pytest.mark.django_db


def scrape(client: Client, **headers: str) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """By the name of a sample: its labels and value."""
    answer = client.get("/metrics", headers=headers)
    assert answer.status_code == 200, answer.content
    found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in text_string_to_metric_families(answer.content.decode()):
        for sample in family.samples:
            labels = tuple(sorted(sample.labels.items()))
            found.setdefault(sample.name, {})[labels] = sample.value
    return found


@pytest.fixture
def lively() -> Iterator[None]:
    """The schedule's tasks ran, and one of them failed once."""
    queue = heartbeat.queue()
    queue.delete(heartbeat.KEY)
    told = {f"{kind}:{TASK}": 3 for kind in ("ok", "failed")} | {f"ran:{TASK}": time.time() - 7}
    queue.hset(heartbeat.KEY, mapping=told | dict.fromkeys(heartbeat.SILENT, time.time()))
    yield
    queue.delete(heartbeat.KEY)


def labelled(samples: dict[tuple[tuple[str, str], ...], float], **labels: str) -> float:
    return samples[tuple(sorted(labels.items()))]


def test_what_is_counted_and_asked_is_told_without_a_tenant(client: Client, lively: None) -> None:
    """R9, R15, R28: for operators; no label says whose it is."""
    before = scrape(client)
    owner = organization()
    idp = connect(owner, seats=2, name="Okta", idp="okta")
    for name in ("ada", "grace", "hedy"):
        idp.create(f"{name}@acme.example")
    idp.client.get("/scim/v2/Users")
    found = scrape(client)

    def grown(name: str, **labels: str) -> float:
        key = tuple(sorted(labels.items()))
        return found[name][key] - before[name].get(key, 0.0) if name in before else found[name][key]

    total = "seatkeeper_requests_total"
    okta = {"part": "scim", "application": "okta", "method": "POST"}
    assert grown(total, **okta, status="2xx") == 2
    assert grown(total, **okta, status="4xx") == 1
    assert grown(total, part="scim", application="none", method="GET", status="4xx") == 1
    assert grown("seatkeeper_request_seconds_count", part="scim", application="okta") == 3
    for state, number in (("purchased", 2), ("held", 2), ("waiting", 1)):
        assert labelled(found["seatkeeper_seats"], product="sales-navigator", state=state) == number
    assert found["seatkeeper_outbox_messages"][()] == 2
    assert found["seatkeeper_outbox_age_seconds"][()] >= 0
    assert 7 <= labelled(found["seatkeeper_task_age_seconds"], task="deliver_outbox") < 60
    assert labelled(found["seatkeeper_task_every_seconds"], task="deliver_outbox") == 15
    assert labelled(found["seatkeeper_task_failures_total"], task="deliver_outbox") == 3
    assert labelled(found["seatkeeper_part_ok"], part="worker") == 1
    assert "seatkeeper_exchanges_pending" in found
    [[labels]] = [list(found["seatkeeper_build_info"])]
    assert dict(labels)["version"] == metrics.version() != "unknown"
    values = {value for samples in found.values() for key in samples for _, value in key}
    assert not {owner.slug, owner.name, "Okta", str(idp.application.pk)} & values


def test_what_a_client_makes_up_is_no_new_label(client: Client, lively: None) -> None:
    for n in range(20):
        client.generic(f"MADEUP{n}", "/scim/v2/Users")
    methods = {dict(key)["method"] for key in scrape(client)["seatkeeper_requests_total"]}
    assert methods <= {*metrics.METHODS, "other"}
    assert not any("MADEUP" in str(key) for key in metrics._counted)


def test_only_this_machine_reads_it_unless_there_is_a_token(client: Client, settings: Any) -> None:
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="192.0.2.7").status_code == 403
    proxied = client.get("/metrics", headers={"X-Forwarded-For": "192.0.2.7"})
    assert proxied.status_code == 403
    settings.METRICS_TOKEN = "a token for prometheus"
    for sent in ({}, {"Authorization": "Bearer another"}, {"Authorization": "a token"}):
        answer = client.get("/metrics", headers=sent)
        assert (answer.status_code, b"token" in answer.content) == (401, True)
        assert answer["WWW-Authenticate"].startswith("Bearer")
    right = {"Authorization": "Bearer a token for prometheus"}
    assert client.get("/metrics", headers=right, REMOTE_ADDR="192.0.2.7").status_code == 200


def test_a_scrape_costs_as_many_statements_with_many_organizations(
    client: Client, django_assert_max_num_queries: Any
) -> None:
    for _ in range(3):
        owner = organization()
        set_seats(owner, 1)
        grant(owner, "ada@acme.example")
        outbox.put(owner.pk, "invitation", {"seat": 0})
    with django_assert_max_num_queries(5):
        scrape(client)


def test_counting_a_request_costs_next_to_nothing() -> None:
    """A push is measured to the microsecond: 20 are the most that counting may take."""
    request = RequestFactory().post("/scim/v2/Users")
    request.caller = SimpleNamespace(application=SimpleNamespace(idp="okta"))  # type: ignore[attr-defined]
    number = 2000
    spent = min(timeit.repeat(lambda: metrics.count(request, 201, 0.004), number=number, repeat=5))
    assert spent / number < 20e-6


def _queries() -> Iterator[str]:
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        yield from (target["expr"] for target in panel["targets"])
    for group in yaml.safe_load(ALERTS.read_text())["groups"]:
        for rule in group["rules"]:
            assert rule["annotations"]["summary"].endswith(".")
            assert rule["annotations"]["mend"]
            yield rule["expr"]


def test_the_dashboard_and_the_alerts_ask_for_what_there_is(client: Client, lively: None) -> None:
    """docs/monitoring: a metric that is renamed takes its queries along."""
    owner = organization()
    connect(owner, seats=1).create("ada@acme.example")
    told: dict[str, set[str]] = {
        name: {label for key in samples for label, _ in key}
        for name, samples in scrape(client).items()
    }
    asked: set[str] = set()
    for query in _queries():
        assert query.count("(") == query.count(")"), query
        names = set(re.findall(r"\bseatkeeper_\w+", query))
        assert names, query
        assert names <= told.keys(), query
        asked |= names
        labels = {
            label
            for part in re.findall(r"\{([^}]*)\}", query)
            for label in re.findall(r"(\w+)\s*[=!]", part)
        } | {
            label.strip()
            for part in re.findall(r"\bby \(([^)]*)\)", query)
            for label in part.split(",")
        }
        # What Prometheus adds by itself.
        assert labels - {"instance"} <= set().union(*(told[name] for name in names)), query
    ignored = {"seatkeeper_request_seconds_sum", "seatkeeper_request_seconds_count"}
    unused = {name for name in told if not name.endswith("_created")} - asked - ignored
    assert unused == set(), "nobody looks at these"
