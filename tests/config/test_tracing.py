"""OpenTelemetry: nothing without its variable, a plain error without its packages, else traces."""

from __future__ import annotations

import http.server
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import checks, tracing
from tests.config import processes


def run(folder: Path, code: str, **more: str) -> subprocess.CompletedProcess[str]:
    given = {name: os.environ[name] for name in ("DATABASE_URL", "REDIS_URL")}
    return subprocess.run(
        [sys.executable, "-c", code],
        env=processes.environment(folder, **given, **more),
        cwd=processes.ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def test_without_its_variable_nothing_of_it_is_imported(folder: Path) -> None:
    # redis looks by itself whether there is an SDK.
    code = (
        "import sys, config.wsgi; "
        "print([name for name in sys.modules if name.startswith("
        "('opentelemetry.instrumentation', 'opentelemetry.exporter', 'opentelemetry.sdk.trace'))])"
    )
    done = run(folder, code)
    assert done.stdout == "[]\n", done.stderr


def test_wanted_and_not_installed_is_a_plain_error(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.OTLP_ENDPOINT = "http://collector.example:4318"
    settings.TESTING = False
    monkeypatch.setattr(tracing, "MODULES", ("opentelemetry_is_not_here.at_all",))
    with pytest.raises(ImproperlyConfigured, match="is not installed"):
        tracing.start("seatkeeper-web")
    assert "seatkeeper.E007" in {message.id for message in checks.safe_settings()}


def test_a_request_becomes_a_trace_with_its_id_and_no_value_of_its_query(folder: Path) -> None:
    bodies: list[bytes] = []

    class Collector(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return None

    with http.server.HTTPServer(("127.0.0.1", 0), Collector) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        code = (
            "import config.wsgi; from django.test import Client; from opentelemetry import trace; "
            "print(Client().get('/sign-in/?next=/hidden/', headers={'X-Request-Id': 'abc-123',"
            " 'host': '127.0.0.1'}).status_code);"
            "trace.get_tracer_provider().shutdown()"
        )
        done = run(
            folder, code,
            OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{server.server_port}",
        )  # fmt: skip
        server.shutdown()
    assert "200" in done.stdout, done.stderr
    sent = b"".join(bodies)
    assert b"seatkeeper-web" in sent
    assert b"abc-123" in sent
    assert b"hidden" not in sent
