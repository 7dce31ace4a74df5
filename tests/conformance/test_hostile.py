"""Whatever is sent, the answer is a SCIM message, and a refusal changes nothing.

2,000 cases here; `python -m benchmarks.fuzz_scim` sends 100,000 to the real server.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.db import connection

from tests import factories
from tests.conformance import fuzzing
from tests.conformance.fuzzing import Fuzzer, InProcess

SEED, CASES = 7643, 2_000


def tables() -> list[str]:
    """Those of ours, but for the activity log, which is written by every request."""
    return sorted(
        model._meta.db_table
        for model in apps.get_models(include_auto_created=True)
        if model._meta.app_label in ("accounts", "licensing", "scim")
        and model._meta.db_table != "scim_exchange"
    )


def _execute(statement: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


@pytest.mark.django_db(transaction=True)  # as in production, an error spoils one request
def test_two_thousand_spoilt_requests_get_a_scim_answer_and_no_refusal_changes_anything() -> None:
    """RFC 7644 section 3.12, R26: never a 5xx, a page, or something half done."""
    idp = factories.connect(factories.organization(), seats=100_000)
    fuzzer, send, names = Fuzzer(SEED, idp.secret), InProcess(), tables()
    wrong, seen = [], {}
    for number in range(CASES):
        case = fuzzer.case()
        watched = number % 4 == 0
        before = fuzzing.fingerprint(_execute, names) if watched else None
        answer = send(case)
        fuzzer.learn(case, answer)
        found = fuzzing.faults(case, answer)
        refused = answer.status >= 400 or case.method in ("GET", "HEAD")
        if watched and refused and fuzzing.fingerprint(_execute, names) != before:
            found.append("something was changed")
        seen[answer.status] = seen.get(answer.status, 0) + 1
        if found:
            wrong.append(f"case {number}: {found}\n{case}\n{answer.status} {answer.body[:500]!r}")
    assert not wrong, f"{len(wrong)} of {CASES}\n" + "\n\n".join(wrong[:8])
    assert seen[200] + seen[201] + seen[204] > CASES / 4, seen
    assert seen[400] > CASES / 4, seen
    factories.check_books()
