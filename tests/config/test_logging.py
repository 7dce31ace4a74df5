"""One line per request, and never a secret in it."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from accounts import secrets
from config.logging import JsonFormatter, RequestLogMiddleware, redacted


def served(
    capfd: pytest.CaptureFixture[str], path: str = "/users/", *, sent: str = "", **fields: Any
) -> tuple[HttpResponse, dict[str, Any]]:
    def view(request: HttpRequest) -> HttpResponse:
        request.log_fields.update(fields)  # type: ignore[attr-defined]
        return HttpResponse(status=204)

    headers = {"X-Request-ID": sent} if sent else {}
    response = RequestLogMiddleware(view)(RequestFactory().get(path, headers=headers))
    return response, json.loads(capfd.readouterr().err)


def test_a_request_is_one_line_with_its_id(capfd: pytest.CaptureFixture[str]) -> None:
    response, line = served(capfd, organization=7)
    assert line["method"] == "GET"
    assert line["path"] == "/users/"
    assert line["status"] == 204
    assert line["organization"] == 7
    assert line["request_id"] == response["X-Request-Id"]
    assert line["time"].endswith("Z")


@pytest.mark.parametrize("sent", ["abc-1.2_3", "x" * 128])
def test_a_harmless_id_is_kept(capfd: pytest.CaptureFixture[str], sent: str) -> None:
    assert served(capfd, sent=sent)[0]["X-Request-Id"] == sent


@pytest.mark.parametrize("sent", ["x" * 129, 'a"b', "a b", "a\x00b", "é"])
def test_another_id_is_replaced(capfd: pytest.CaptureFixture[str], sent: str) -> None:
    assert served(capfd, sent=sent)[0]["X-Request-Id"] != sent


@pytest.mark.parametrize(
    ("path", "logged"),
    [
        ("/scim/v2/Users?filter=userName+eq+%22ada%22&count=1", "/scim/v2/Users?filter=…&count=…"),
        ("/activate/MTI:1tXyzA:abcdefghijklmnopqrstuvwxyz0123456789/", "/activate/…/"),
        (
            "/scim/v2/Users/0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b",
            "/scim/v2/Users/0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b",
        ),
    ],
)
def test_values_and_links_are_cut_out_and_ids_are_not(
    capfd: pytest.CaptureFixture[str], path: str, logged: str
) -> None:
    assert served(capfd, path)[1]["path"] == logged


def test_probes_that_succeed_are_not_logged(capfd: pytest.CaptureFixture[str]) -> None:
    RequestLogMiddleware(lambda request: HttpResponse())(RequestFactory().get("/health/live"))
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer {}",
        "the token {} was refused",
        "redis://:{}@127.0.0.1:6379/0",
        "postgres://seatkeeper:{}@database.example/seatkeeper",
        "{{'password': '{}'}}",
    ],
)
def test_no_message_keeps_a_secret(text: str) -> None:
    secret = secrets.make()
    assert secret[12:] not in redacted(text.format(secret))


def test_an_exception_is_logged_with_the_request_it_broke() -> None:
    request = RequestFactory().get("/")
    request.request_id = "abc"  # type: ignore[attr-defined]
    try:
        raise ValueError("Bearer hidden")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "", 0, "It broke", None, sys.exc_info())
    record.request = request
    line = json.loads(JsonFormatter().format(record))
    assert line["request_id"] == "abc"
    assert "ValueError" in line["exception"]
    assert "hidden" not in line["exception"]
