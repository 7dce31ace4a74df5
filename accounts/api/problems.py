"""Every refusal as problem details (RFC 9457), whoever refused it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from django.conf import settings
from django.core import signals
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from rest_framework import exceptions, serializers

from accounts.refusal import NotFound, Refusal

MEDIA_TYPE = "application/problem+json"
_log = logging.getLogger("seatkeeper.api")

#: What each status is called, and what it means for whoever asked.
KINDS = {
    400: ("invalid_request", "The request is not as described", "Look at `errors`: each names a "
          "member or parameter and what is wrong with it. Nothing was changed."),
    401: ("unauthorized", "No valid token", "Send `Authorization: Bearer TOKEN` with a token "
          "that has neither ended nor been revoked."),
    403: ("forbidden", "Not allowed", "The token lacks the scope, its admin lacks the role, or "
          "the plan lacks the feature."),
    404: ("not_found", "Not there", "Nothing of that id is in this organization."),
    405: ("method_not_allowed", "Not this method", "The header `Allow` names those that work."),
    409: ("conflict", "Not as things are now", "What was asked is understood and cannot be done "
          "now; `code` and `detail` say why. Nothing was changed."),
    412: ("changed_meanwhile", "Changed meanwhile", "It is another one than `If-Match` names: "
          "read it again."),
    413: ("too_large", "Too large", "Send less at once."),
    415: ("unsupported_media_type", "Not JSON", "Send `Content-Type: application/json`."),
    422: ("key_used_otherwise", "Another request had this key", "An `Idempotency-Key` stands for "
          "one request alone: choose a new one."),
    429: ("too_many_requests", "Too many requests", "Wait as many seconds as `Retry-After` says."),
    500: ("failed", "A fault of ours", "It was logged under the request id."),
    503: ("unavailable", "Not available now", "The database does not answer: ask again later."),
}  # fmt: skip
#: Refusals that tell of a value which the description could not rule out.
_INVALID = {
    "days_invalid", "email_invalid", "group_name_invalid",
    "name_invalid", "name_missing", "name_too_long", "number_invalid", "people_invalid",
    "percent_invalid", "profile_invalid", "reclaim_invalid", "too_many",
}  # fmt: skip
_FORBIDDEN = {"not_owner", "not_own", "plan_without_scim"}


class Problem(Exception):
    """A refusal of the API itself. code: by default that of the status."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        code: str = "",
        errors: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.code = code or KINDS[status][0]
        self.errors = errors
        self.headers = headers or {}


def handler(error: Exception, context: dict[str, Any]) -> HttpResponse:
    """What DRF calls for whatever a view raises."""
    return answer(_problem(error, context["request"]), context["request"])


def answer(problem: Problem, request: Any) -> HttpResponse:
    kind, title, _ = KINDS[problem.status]
    document: dict[str, Any] = {
        "type": f"{settings.PUBLIC_URL}/api/v1/#problem-{kind}",
        "title": title,
        "status": problem.status,
        "detail": problem.detail,
        "instance": request.path,
        "code": problem.code,
        "request_id": getattr(request, "request_id", ""),
    }
    if problem.errors:
        document["errors"] = _flat(problem.errors)
    response = HttpResponse(orjson.dumps(document), status=problem.status, content_type=MEDIA_TYPE)
    for name, value in problem.headers.items():
        response[name] = value
    return response


class Described(serializers.Serializer):
    """Why it was refused (RFC 9457). `code` is stable, for programs; `detail` is a sentence."""

    type = serializers.CharField(help_text="An address that tells about problems of this kind.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    instance = serializers.CharField(help_text="The path that was asked.")
    code = serializers.CharField(help_text="Stable; `seats_missing`, for example.")
    request_id = serializers.CharField(help_text="As in the answer's header X-Request-Id.")
    errors = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField()),
        required=False,
        help_text="What is wrong, by member or parameter.",
    )

    class Meta:
        ref_name = "Problem"


# ------------------------------------------------------------------ inside


def _problem(error: Exception, request: Any) -> Problem:
    if isinstance(error, Problem):
        return error
    if isinstance(error, Refusal):
        return Problem(_status(error), error.detail, code=error.code)
    if isinstance(error, serializers.ValidationError):
        named = error.detail if isinstance(error.detail, dict) else {"": error.detail}
        wrong = ", ".join(sorted(_flat(named))[:5])
        detail = f"These are not as described: {wrong}." if wrong else "It is not as described."
        return Problem(400, detail, errors=named)
    if isinstance(error, exceptions.Throttled):
        wait = str(int(error.wait or 1))
        return Problem(429, f"Ask again in {wait} seconds.", headers={"Retry-After": wait})
    if isinstance(error, exceptions.AuthenticationFailed | exceptions.NotAuthenticated):
        challenge = {"WWW-Authenticate": 'Bearer realm="Admin API"'}
        return Problem(401, KINDS[401][2], headers=challenge)
    if isinstance(error, exceptions.APIException):
        return Problem(error.status_code, str(error.detail))
    if isinstance(error, Http404):
        return Problem(404, KINDS[404][2])
    if isinstance(error, PermissionDenied):
        return Problem(403, str(error) or KINDS[403][2])
    if isinstance(error, RequestDataTooBig):
        return Problem(413, "The body is too large.")
    if isinstance(error, UnreadablePostError):
        return Problem(400, "The body ended before its time.")
    return _fault(error, request)


def _fault(error: Exception, request: Any) -> Problem:
    """Nobody's refusal: logged with its traceback, as Django does for pages."""
    if isinstance(error, OperationalError):
        _log.exception("the database did not answer")
        return Problem(503, KINDS[503][2], headers={"Retry-After": "5"})
    asked: HttpRequest = getattr(request, "_request", request)
    signals.got_request_exception.send(sender=None, request=asked)
    _log.error("a request of the API failed", exc_info=error, extra={"request": asked})
    return Problem(500, KINDS[500][2])


def _status(refusal: Refusal) -> int:
    if isinstance(refusal, NotFound):
        return 404
    if refusal.code in _INVALID:
        return 400
    return 403 if refusal.code in _FORBIDDEN else 409


def _flat(errors: Mapping[str, Any], before: str = "") -> dict[str, list[str]]:
    """{"people": {0: ["…"]}} as {"people.0": ["…"]}."""
    flat: dict[str, list[str]] = {}
    for name, found in errors.items():
        path = f"{before}.{name}" if before else str(name)
        path = path.removesuffix(".non_field_errors") or "body"
        if path == "non_field_errors":
            path = "body"
        if isinstance(found, Mapping):
            flat |= _flat(found, path)
        elif isinstance(found, Sequence) and not isinstance(found, str):
            flat[path] = [str(one) for one in found]
        else:
            flat[path] = [str(found)]
    return flat
