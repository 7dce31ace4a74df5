"""/metrics, as Prometheus reads it: requests, seats, the outbox, the schedule, the parts.

Requests are counted by each process of the web in files that all of them share
(prometheus_client's multiprocess mode; config/wsgi.py names the folder). Everything else is
asked of the database and the queue when somebody scrapes. No label names a tenant: every one
has few values, whoever pushes what.
"""

from __future__ import annotations

import contextlib
import functools
import hmac
import ipaddress
import logging
import os
import platform
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django
import redis
from django.conf import settings
from django.db import Error
from django.db.models import Count, Min, Sum
from django.http import HttpRequest, HttpResponse
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.multiprocess import MultiProcessCollector

from accounts import clock
from accounts.models import Application, Outbox
from config import heartbeat
from licensing.models import Pool, WaitingEntry
from scim import exchanges

if TYPE_CHECKING:
    from config.health import Health

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
#: Labels of a request. Whatever else a client sends is "other".
KINDS = (*Application.Idp.values, "none")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_log = logging.getLogger("seatkeeper.metrics")

_own = CollectorRegistry()
REQUESTS = Counter(
    "seatkeeper_requests",
    "Requests answered: over SCIM by the kind of the application that the token belongs to.",
    ("part", "application", "method", "status"),
    registry=_own,
)
SECONDS = Histogram(
    "seatkeeper_request_seconds",
    "From the first byte that the application saw to its answer.",
    ("part", "application"),
    buckets=_BUCKETS,
    registry=_own,
)
PENDING = Gauge(
    "seatkeeper_exchanges_pending",
    "Lines of the activity log that waited in memory when they were last written, each second.",
    registry=_own,
    multiprocess_mode="livesum",
)

_Counted = tuple[Callable[[], None], Callable[[float], None]]
_counted: dict[tuple[bool, str, str, int], _Counted] = {}


def count(request: HttpRequest, status: int, seconds: float) -> None:
    """One request that was answered. A few microseconds: what to add to is looked up once."""
    caller = getattr(request, "caller", None)
    kind = "none" if caller is None else caller.application.idp
    key = (request.path.startswith("/scim/"), kind, request.method or "", status // 100)
    found = _counted.get(key)
    if found is None:
        found = _first(*key)
    found[0]()
    found[1](seconds)


def _first(is_scim: bool, kind: str, method: str, status: int) -> _Counted:
    known = method in METHODS
    part = "scim" if is_scim else "pages"
    kind = kind if kind in KINDS else "none"
    total = REQUESTS.labels(part, kind, method if known else "other", f"{status}xx")
    found = (total.inc, SECONDS.labels(part, kind).observe)
    if known:  # a client may make up any number of others
        _counted[is_scim, kind, method, status] = found
    return found


def answer(request: HttpRequest, look: Callable[[], Health]) -> HttpResponse:
    """The page, for whoever may see it. look: how the parts are."""
    if refused := _refused(request):
        return refused
    registry = CollectorRegistry()
    if folder := os.environ.get(FOLDER):
        _forget_dead(Path(folder))
        MultiProcessCollector(registry, folder)
    else:
        registry.register(_own)
    registry.register(_Asked(look))
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)


def _refused(request: HttpRequest) -> HttpResponse | None:
    """METRICS_TOKEN as a bearer token; unset, only this machine may ask, and no proxy on it."""
    token = settings.METRICS_TOKEN
    if token:
        sent = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")[2].strip()
        if hmac.compare_digest(sent.encode(), token.encode()):
            return None
        response = HttpResponse("Send METRICS_TOKEN as a bearer token.\n", status=401)
        response.headers["WWW-Authenticate"] = 'Bearer realm="metrics"'
        return response
    proxied = any(f"HTTP_{name}" in request.META for name in ("X_FORWARDED_FOR", "FORWARDED"))
    if _is_loopback(request.META.get("REMOTE_ADDR", "")) and not proxied:
        return None
    return HttpResponse("Set METRICS_TOKEN to read this from elsewhere.\n", status=403)


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == ""  # a socket of this machine


def _forget_dead(folder: Path) -> None:
    """What a process had pending went with it; what it counted stays."""
    for file in folder.glob("gauge_live*_*.db"):
        pid = int(file.stem.rpartition("_")[2])
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            file.unlink(missing_ok=True)
        except PermissionError:
            pass


# ------------------------------------------------------------------ asked at each scrape


class _Asked:
    """What database and queue say. What cannot be asked is left out: seatkeeper_part_ok tells."""

    def __init__(self, look: Callable[[], Health]) -> None:
        self.look = look

    def collect(self) -> Iterator[Metric]:
        health = self.look()
        yield _build()
        ok = GaugeMetricFamily(
            "seatkeeper_part_ok", "1: the part works, as /health/ready says.", labels=["part"]
        )
        for part, state in health.states.items():
            ok.add_metric([part], float(state == "ok"))
        yield ok
        if health.signs is not None:
            with contextlib.suppress(redis.RedisError):
                yield from _schedule(health.signs)
        if health.states["migrations"] == "ok":
            try:
                yield from _database()
            except Error:
                _log.warning("the database could not be asked", exc_info=True)


def _build() -> Metric:
    family = GaugeMetricFamily(
        "seatkeeper_build_info", "1, with what runs here.", labels=["version", "python", "django"]
    )
    family.add_metric([version(), platform.python_version(), django.get_version()], 1)
    return family


@functools.cache
def version() -> str:
    """As pyproject.toml says."""
    try:
        text = (settings.BASE_DIR / "pyproject.toml").read_text()
        return str(tomllib.loads(text)["project"]["version"])
    except (OSError, KeyError):
        return "unknown"


def _schedule(signs: heartbeat.Signs) -> Iterator[Metric]:
    sign = GaugeMetricFamily(
        "seatkeeper_sign_of_life_age_seconds",
        "Since workers and schedule gave their last sign of life.",
        labels=["part"],
    )
    for part, age in signs.ages.items():
        if age is not None:
            sign.add_metric([part], age)
    yield sign
    yield _by_task(
        GaugeMetricFamily,
        "seatkeeper_task_age_seconds",
        "Since the task of the schedule last went well.",
        signs.ran,
    )
    yield _by_task(
        GaugeMetricFamily,
        "seatkeeper_task_every_seconds",
        "Between two turns of the task.",
        heartbeat.scheduled(),
    )
    yield _by_task(
        CounterMetricFamily,
        "seatkeeper_task_successes",
        "Runs of the task that went well.",
        signs.succeeded,
    )
    yield _by_task(
        CounterMetricFamily, "seatkeeper_task_failures", "Runs that failed.", signs.failed
    )
    yield _gauge(
        "seatkeeper_queue_messages",
        "Messages that no worker has taken yet.",
        heartbeat.waiting(),
    )


def _by_task(family: Any, name: str, told: str, values: Any) -> Metric:
    made: Metric = family(name, told, labels=["task"])
    for task, value in values.items():
        made.add_metric([task.rpartition(".")[2]], value)  # type: ignore[attr-defined]
    return made


def _database() -> Iterator[Metric]:
    """Three statements, however many tenants."""
    seats = GaugeMetricFamily(
        "seatkeeper_seats",
        "Of all organizations: bought, held by somebody, and people who wait for one.",
        labels=["product", "state"],
    )
    sums = Pool.objects.values("product").annotate(bought=Sum("purchased"), used=Sum("held"))
    for product, bought, used in sums.values_list("product", "bought", "used").order_by("product"):
        seats.add_metric([product, "purchased"], bought)
        seats.add_metric([product, "held"], used)
    waiting = WaitingEntry.objects.values_list("pool__product").annotate(number=Count("id"))
    for product, number in waiting.order_by("pool__product"):
        seats.add_metric([product, "waiting"], number)
    yield seats
    outbox = Outbox.objects.filter(done_at=None)
    found = outbox.aggregate(size=Count("id"), oldest=Min("created_at"))
    age = (clock.now() - found["oldest"]).total_seconds() if found["oldest"] else 0.0
    yield _gauge("seatkeeper_outbox_messages", "Messages that are not sent yet.", found["size"])
    yield _gauge("seatkeeper_outbox_age_seconds", "Age of the oldest of them; 0 is none.", age)


def _gauge(name: str, told: str, value: Any) -> Metric:
    family = GaugeMetricFamily(name, told)
    family.add_metric([], float(value))
    return family


exchanges.watch(PENDING.set)
