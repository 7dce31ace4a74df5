"""What one method of one address does, said once: the description and the checks both read it.

A view's method is handed a `Call` and the ids of its address, and returns rows, one thing, or
nothing. Scope, query, body, paging, chosen fields, ETag and Idempotency-Key are done here.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Sequence
from functools import cached_property, wraps
from typing import Any

import orjson
from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.parsers import JSONParser
from rest_framework.renderers import JSONRenderer
from rest_framework.views import APIView

from accounts import actor
from accounts.api import idempotency, paging, problems
from accounts.api.access import HasToken, TokenAuthentication, TokenThrottle
from accounts.api.fields import Choice, Query, Several, Strict
from accounts.api.negotiation import OnlyJson
from accounts.api.problems import Problem
from accounts.api_tokens import Caller
from accounts.models import Admin, Organization

_SAFE = ("GET", "HEAD")


@dataclasses.dataclass(frozen=True)
class Operation:
    """scope: what the token must have. takes: the body; gives: the answer, `many` of them in
    `order`, or None. filters: the parameters. secrets: members that are shown once. headline:
    one line for the description; example: a body to show."""

    scope: str
    headline: str
    takes: type[Strict] | None = None
    gives: type[serializers.Serializer] | None = None
    filters: type[Query] | None = None
    many: bool = False
    order: Sequence[str] = ()
    status: int = 200
    secrets: Sequence[str] = ()
    example: Any = None
    reads: bool = True

    @cached_property
    def query(self) -> type[Query]:
        """Its own filters, and of what is read the page and the fields."""
        more: dict[str, Any] = {"__doc__": "The parameters."}
        if self.gives is not None and self.reads:
            more["fields"] = Several(
                child=Choice(choices=list(self.gives().fields)),
                required=False,
                allow_empty=False,
                min_length=1,
                max_length=len(self.gives().fields),
                help_text="Only these members, between commas; `id` always comes.",
            )
        bases = tuple(base for base in (self.filters, paging.Paged if self.many else None) if base)
        return type("Parameters", bases or (Query,), more)

    @cached_property
    def answers(self) -> type[serializers.Serializer] | None:
        """What is answered: the thing, or a page of them."""
        if not self.many or self.gives is None:
            return self.gives
        return type(
            f"{self.gives.__name__}Page",
            (serializers.Serializer,),
            {
                "__doc__": "One page of a list.",
                "items": self.gives(many=True),
                "next": serializers.URLField(
                    allow_null=True, help_text="The address of the page that follows."
                ),
            },
        )


@dataclasses.dataclass(frozen=True)
class Call:
    """Who asks for what. asked: the parameters; data: the body, both as they were checked."""

    caller: Caller
    asked: dict[str, Any]
    data: dict[str, Any]

    @property
    def organization(self) -> Organization:
        return self.caller.organization

    @property
    def by(self) -> Admin | None:
        """For domain functions; a service token is named by accounts.actor instead."""
        return self.caller.admin


class Resource(APIView):
    """An address of the API. area: under which heading it is described."""

    area = ""
    authentication_classes = [TokenAuthentication]
    permission_classes = [HasToken]
    throttle_classes = [TokenThrottle]
    parser_classes = [JSONParser]
    renderer_classes = [JSONRenderer]
    content_negotiation_class = OnlyJson
    metadata_class = None
    http_method_names = ["get", "post", "patch", "delete", "head"]
    rate: dict[str, str] = {}

    def get_exception_handler(self) -> Callable[..., HttpResponse]:
        return problems.handler

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        for name, value in self.rate.items():
            response[name] = value
        response["Cache-Control"] = "no-store" if response.status_code >= 400 else "private"
        return response


def lists(
    scope: str,
    gives: type[serializers.Serializer],
    headline: str,
    *,
    order: Sequence[str],
    filters: type[Query] | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., HttpResponse]]:
    """The method returns rows, which are answered by pages in this order."""
    return _operation(
        Operation(scope, headline, gives=gives, filters=filters, many=True, order=order)
    )


def shows(
    scope: str,
    gives: type[serializers.Serializer],
    headline: str,
    *,
    filters: type[Query] | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., HttpResponse]]:
    """The method returns one thing."""
    return _operation(Operation(scope, headline, gives=gives, filters=filters))


def does(
    scope: str,
    headline: str,
    *,
    takes: type[Strict] | None = None,
    gives: type[serializers.Serializer] | None = None,
    status: int = 0,
    secrets: Sequence[str] = (),
    example: Any = None,
) -> Callable[[Callable[..., Any]], Callable[..., HttpResponse]]:
    """The method changes something, by one domain function, and returns what there is now."""
    return _operation(
        Operation(
            scope,
            headline,
            takes=takes,
            gives=gives,
            status=status or (200 if gives else 204),
            secrets=secrets,
            example=example,
            reads=False,
        )
    )


# ------------------------------------------------------------------ inside


def _operation(
    operation: Operation,
) -> Callable[[Callable[..., Any]], Callable[..., HttpResponse]]:
    def decorate(method: Callable[..., Any]) -> Callable[..., HttpResponse]:
        @wraps(method)
        def answer(view: Resource, request: Any, **ids: Any) -> HttpResponse:
            caller: Caller = request.user
            if operation.scope and operation.scope not in caller.scopes:
                raise Problem(403, _lacking(operation, caller), code="scope_missing")
            asked = _checked(operation.query, request.query_params)
            with actor.named(caller.actor):
                if request.method in _SAFE:
                    return _read(operation, method, view, request, Call(caller, asked, {}), ids)
                _check_unchanged(view, request, caller, ids)
                data = _body(request, operation.takes)
                call = Call(caller, asked, data)
                return idempotency.once(
                    request,
                    caller,
                    lambda: _done(operation, request, method(view, call, **ids)),
                    secrets=operation.secrets,
                )

        answer.operation = operation  # type: ignore[attr-defined]
        answer.method = method  # type: ignore[attr-defined]
        return answer

    return decorate


def _read(
    operation: Operation,
    method: Callable[..., Any],
    view: Resource,
    request: Any,
    call: Call,
    ids: dict[str, Any],
) -> HttpResponse:
    found = method(view, call, **ids)
    wanted = call.asked.get("fields")
    if not operation.many:
        body = _json(_told(operation, found, wanted))
        response = _answered(body, 200)
        response["ETag"] = tag = _tag(body)
        if tag in _tags(request, "If-None-Match"):
            response.status_code, response.content = 304, b""
        return response
    page = paging.page(request, found, operation.order, call.asked)
    items = [_told(operation, item, wanted) for item in page.items]
    response = _answered(_json({"items": items, "next": page.next}), 200)
    if page.next:
        response["Link"] = f'<{page.next}>; rel="next"'
    return response


def _done(operation: Operation, request: Any, result: Any) -> HttpResponse:
    if operation.gives is None:
        return HttpResponse(status=operation.status)
    told = _told(operation, result, None)
    response = _answered(_json(told), operation.status)
    if operation.status == 201 and "id" in told:
        response["Location"] = f"{request.path}/{told['id']}"
    return response


def _told(operation: Operation, thing: Any, wanted: Sequence[str] | None) -> dict[str, Any]:
    assert operation.gives is not None  # noqa: S101  whoever asks gives something
    serializer = operation.gives(thing)
    if wanted:
        for name in serializer.fields.keys() - {*wanted, "id"}:
            del serializer.fields[name]
    return dict(serializer.data)


def _json(document: Any) -> bytes:
    return orjson.dumps(document, default=str)


def _answered(body: bytes, status: int) -> HttpResponse:
    return HttpResponse(body, status=status, content_type="application/json")


def _lacking(operation: Operation, caller: Caller) -> str:
    if operation.scope in caller.token.scopes:
        return f"The token has the scope {operation.scope}, but its admin's role is read-only."
    return f"The token needs the scope {operation.scope}. Make another one with it."


def _checked(takes: type[Strict], data: Any) -> dict[str, Any]:
    serializer = takes(data=data)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def _body(request: Any, takes: type[Strict] | None) -> dict[str, Any]:
    """The JSON object that came, as it may be. orjson takes no lone surrogate and no NaN."""
    body = request.body
    if takes is None:
        if body:
            raise Problem(400, "There is nothing to send here.", errors={"body": ["Send none."]})
        return {}
    if not body:
        raise Problem(400, "Send a JSON object.", errors={"body": ["It is missing."]})
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise UnsupportedMediaType(kind or "nothing")
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ParseError(f"The body is no JSON: {error.msg}.") from None
    return _checked(takes, document)


def _check_unchanged(view: Resource, request: Any, caller: Caller, ids: dict[str, Any]) -> None:
    """If-Match: only while the thing is as it was read. Looked at before the deed begins."""
    wanted = _tags(request, "If-Match")
    if not wanted or wanted == ["*"]:
        return
    reading = getattr(type(view), "get", None)
    operation: Operation | None = getattr(reading, "operation", None)
    if operation is None or operation.many:
        raise Problem(400, "There is no ETag here.", errors={"If-Match": ["Leave it out."]})
    found = reading.method(view, Call(caller, {}, {}), **ids)  # type: ignore[union-attr]
    if _tag(_json(_told(operation, found, None))) not in wanted:
        raise Problem(412, problems.KINDS[412][2])


def _tags(request: Any, header: str) -> list[str]:
    return [tag.strip() for tag in request.headers.get(header, "").split(",") if tag.strip()]


def _tag(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:24]}"'
