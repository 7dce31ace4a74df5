"""A write that carries an Idempotency-Key is done once, however often it is sent.

The first answer is kept for a day and given again. A secret is not kept with it, since it is
stored nowhere: it is null when the answer is repeated. If the process dies between the deed and
its answer, the key is free again after two minutes; domain functions repeat harmlessly.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import orjson
from django.http import HttpResponse

from accounts import clock
from accounts.api import problems
from accounts.api.problems import Problem
from accounts.api_tokens import ANSWERS_KEPT, Caller
from accounts.models import ApiAnswer
from accounts.refusal import Refusal

_GIVEN_UP = timedelta(minutes=2)
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
#: Of an answer's headers those that are repeated.
_HEADERS = ("Content-Type", "Location", "ETag")


def once(
    request: Any, caller: Caller, deed: Callable[[], HttpResponse], *, secrets: Sequence[str] = ()
) -> HttpResponse:
    """What the deed answers, or what it answered before. secrets: members that are not kept.

    Refusals of the deed are repeated too. Refused: a key that is none (400), that stood for
    another request (422), whose first request is not answered yet (409).
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return deed()
    if not _KEY.fullmatch(key):
        wrong = {"Idempotency-Key": ["It has 1 to 255 visible ASCII characters."]}
        raise Problem(400, "The Idempotency-Key is none.", errors=wrong)
    line, kept = _claim(caller, key, _digest(request))
    if kept:
        return _repeated(line)
    try:
        response = _answer(request, deed)
    except BaseException:
        line.delete()  # nothing was done
        raise
    line.status = response.status_code
    line.headers = {name: response[name] for name in _HEADERS if name in response}
    line.body = _without(response.content, secrets)
    line.save(update_fields=["status", "headers", "body"])
    return response


# ------------------------------------------------------------------ inside


def _claim(caller: Caller, key: str, digest: str) -> tuple[ApiAnswer, bool]:
    """The line of this key, and whether it holds the answer already."""
    now = clock.now()
    lines = ApiAnswer.objects.of(caller.organization).filter(token=caller.token, key=key)
    lines.filter(at__lt=now - ANSWERS_KEPT).delete()
    line, made = ApiAnswer.objects.get_or_create(
        organization=caller.organization,
        token=caller.token,
        key=key,
        defaults={"digest": digest, "at": now},
    )
    if made:
        return line, False
    if line.digest != digest:
        raise Problem(422, "This Idempotency-Key stood for another request: choose a new one.")
    if line.status is not None:
        return line, True
    left_behind = lines.filter(status=None, at=line.at, at__lt=now - _GIVEN_UP)
    if left_behind.update(at=now):
        return line, False
    raise Problem(
        409,
        "The first request with this Idempotency-Key is not answered yet.",
        code="key_in_use",
        headers={"Retry-After": "1"},
    )


def _digest(request: Any) -> str:
    asked = f"{request.method} {request.get_full_path()}\n".encode()
    return hashlib.sha256(asked + request.body).hexdigest()


def _answer(request: Any, deed: Callable[[], HttpResponse]) -> HttpResponse:
    try:
        return deed()
    except Refusal as refusal:
        return problems.handler(refusal, {"request": request})


def _repeated(line: ApiAnswer) -> HttpResponse:
    response = HttpResponse(line.body, status=line.status)
    del response["Content-Type"]
    for name, value in line.headers.items():
        response[name] = value
    response["Idempotency-Replayed"] = "true"
    return response


def _without(body: bytes, secrets: Sequence[str]) -> str:
    if not secrets or not body:
        return body.decode()
    document = orjson.loads(body)
    document |= {name: None for name in secrets if name in document}
    return orjson.dumps(document).decode()
