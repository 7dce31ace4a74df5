"""Codes by the clock, and what browsers call themselves: plain functions."""

from __future__ import annotations

import base64

import pytest

from accounts import one_time_codes, user_agents

#: RFC 6238, appendix B, SHA-1: seconds and the last six of its eight digits.
VECTORS = {
    59: "287082",
    1111111109: "081804",
    1111111111: "050471",
    1234567890: "005924",
    2000000000: "279037",
    20000000000: "353130",
}
SECRET = base64.b32encode(b"12345678901234567890").decode()


@pytest.mark.parametrize(("at", "code"), VECTORS.items())
def test_codes_are_those_of_the_standard(at: int, code: str) -> None:
    assert one_time_codes.code(SECRET, at // 30) == code
    assert one_time_codes.step_of(SECRET, code, at=at) == at // 30


def test_one_step_of_clock_skew_is_allowed_and_no_more() -> None:
    at = 1_700_000_000
    for skew, right in ((-2, False), (-1, True), (0, True), (1, True), (2, False)):
        code = one_time_codes.code(SECRET, at // 30 + skew)
        found = one_time_codes.step_of(SECRET, code, at=at)
        assert (found == at // 30 + skew) == right


def test_recovery_codes_are_long_and_never_taken_for_codes_of_the_app() -> None:
    codes = {one_time_codes.make_recovery_code() for _ in range(200)}
    assert len(codes) == 200
    for code in codes:
        typed = one_time_codes.tidy(code.upper().replace("-", " "))
        assert typed == code.replace("-", "")
        assert not one_time_codes.looks_like_one(typed)


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like "
            "Gecko) Version/26.0 Safari/605.1.15",
            "Safari on macOS",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
            "like Gecko) CriOS/142.0 Mobile/15E148 Safari/604.1",
            "Chrome on iPhone",
        ),
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
            "Firefox on Linux",
        ),
        (
            "Mozilla/5.0 (Linux; Android 15) SamsungBrowser/28.0 Chrome/130.0",
            "Samsung Internet on Android",
        ),
        ("curl/8.5.0", "curl"),
        ("", "An unknown browser"),
    ],
)
def test_browsers_are_told_in_plain_words(agent: str, words: str) -> None:
    assert user_agents.describe(agent) == words
