"""Traces by OpenTelemetry, where OTEL_EXPORTER_OTLP_ENDPOINT says to whom they go.

Without it nothing of OpenTelemetry is imported. It is an extra: docs/operations.md tells how
it is installed, docs/decisions/0027 why it is one. Requests, tasks and what goes through
Django's cursors become spans; the statements of pushes, which accounts.sql sends without one,
are part of their request's.
"""

from __future__ import annotations

import importlib.util
import os
from typing import Any

from celery import signals
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from config.logging import address

#: What the extra installs; one missing is all missing.
MODULES = (
    "opentelemetry.sdk",
    "opentelemetry.exporter.otlp.proto.http",
    "opentelemetry.instrumentation.django",
    "opentelemetry.instrumentation.celery",
    "opentelemetry.instrumentation.psycopg",
)
_ADDRESSES = ("http.url", "http.target", "url.full", "url.query")
NOT_INSTALLED = "OTEL_EXPORTER_OTLP_ENDPOINT is set, and OpenTelemetry is not installed"
INSTALL = "Install requirements-opentelemetry.lock (docs/operations.md), or unset the variable."


def listen() -> None:
    """A worker's processes begin with it; the web does in config/wsgi.py."""
    signals.worker_process_init.connect(_worker_process, weak=False)


def start(service: str) -> None:
    """Trace what this process does, if that is wanted. Refused: the extra is not installed."""
    if not settings.OTLP_ENDPOINT:
        return
    if lacking := missing():
        raise ImproperlyConfigured(f"{NOT_INSTALLED} ({lacking} is missing). {INSTALL}")
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.instrumentation.celery import CeleryInstrumentor
    from opentelemetry.instrumentation.django import DjangoInstrumentor
    from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    name = os.environ.get("OTEL_SERVICE_NAME", service)
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: name}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    # Probes are no news.
    DjangoInstrumentor().instrument(
        excluded_urls="health/.*,metrics",
        response_hook=_tell,
    )
    CeleryInstrumentor().instrument()
    PsycopgInstrumentor().instrument(skip_dep_check=True)  # the wheel has another name


def missing() -> str:
    """The first module that is wanted and not there; empty when all is well."""
    if not settings.OTLP_ENDPOINT:
        return ""
    return next((name for name in MODULES if not _there(name)), "")


def _there(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # not even its parent
        return False


def _worker_process(**_: Any) -> None:
    start("seatkeeper-worker")


def _tell(span: Any, request: Any, response: Any) -> None:
    """The id that leads from a trace to its log lines, and no value of a query (config.logging)."""
    if span and span.is_recording():
        span.set_attribute("seatkeeper.request_id", getattr(request, "request_id", ""))
        for name in span.attributes or ():
            if name in _ADDRESSES:
                span.set_attribute(name, address(request))
