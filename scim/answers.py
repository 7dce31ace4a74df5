"""HTTP answers of the SCIM endpoint: always application/scim+json, always with the request's id."""

from __future__ import annotations

from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse

from accounts.refusal import Refusal
from scim.caller import Caller
from scim.protocol import errors

CONTENT_TYPE = "application/scim+json"


class ScimRequest(HttpRequest):
    """A request as views get it: with its id, and the caller once the token was checked."""

    request_id: str
    caller: Caller
    log_fields: dict[str, str]
    started: float
    logged: bool


#: What a refusal of the domain is over SCIM (RFC 7644 section 3.12).
_ERRORS: dict[str, type[errors.ScimError]] = {
    "user_name_taken": errors.Uniqueness,
    "group_name_taken": errors.Uniqueness,
    "person_exists": errors.Uniqueness,
    "seats_missing": errors.Forbidden,
    "removals_held": errors.Forbidden,
    "removal_dismissed": errors.Forbidden,
    "removal_under_way": errors.Forbidden,
}


def of(
    body: str | bytes | dict[str, Any], *, status: int = 200, headers: dict[str, str] | None = None
) -> HttpResponse:
    content = orjson.dumps(body) if isinstance(body, dict) else body
    response = HttpResponse(content, status=status, content_type=CONTENT_TYPE, headers=headers)
    # Otherwise the web server sends it in chunks: three writes to the socket for one.
    response.headers["Content-Length"] = str(len(response.content))
    return response


def empty(status: int, headers: dict[str, str] | None = None) -> HttpResponse:
    """204 or 304: no body, so no type of one."""
    response = HttpResponse(status=status, headers=headers)
    del response.headers["Content-Type"]
    return response


def as_scim(refusal: Refusal) -> errors.ScimError:
    return _ERRORS.get(refusal.code, errors.InvalidValue)(refusal.detail)


def error(request: HttpRequest, refused: errors.ScimError) -> HttpResponse:
    """The SCIM error, for people too: it names the request, as the log and the header do (R28).

    But for 401: whoever has no valid token gets the very same body, whatever is wrong (R3).
    """
    body = refused.body()
    request_id = getattr(request, "request_id", "")
    if request_id and refused.status != 401:
        body["detail"] = f"{body['detail']} (request {request_id})"
    return of(body, status=refused.status, headers=refused.headers)


def unavailable(request: HttpRequest) -> HttpResponse:
    """The database is away: identity providers repeat a 503 later."""
    return error(
        request,
        errors.ServiceUnavailable(
            "The database does not answer. Nothing was changed; repeat the request.",
            headers={"Retry-After": "10"},
        ),
    )
