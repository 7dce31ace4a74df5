"""HTTP in, HTTP out. django-scim2 is the frame (its dispatch, URL names and middleware), our
protocol is inside: docs/decisions/0002 says why.

A view reads the request, calls one function of scim.users, scim.groups or scim.search and
answers with the resource. Nothing is decided here.
"""

from __future__ import annotations

import dataclasses
import logging
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import HttpResponse, UnreadablePostError
from django.views.generic import View as DjangoView
from django_scim import views as frame

from accounts import changes
from accounts.refusal import Refusal
from scim import answers, bulk, exchanges, groups, resources, search, users
from scim.answers import ScimRequest
from scim.applications import base_url
from scim.protocol import document as documents
from scim.protocol import errors, etag, paging, sorting
from scim.protocol import filter as filters
from scim.protocol.projection import Projection
from scim.protocol.schema import (
    GROUP,
    LIST_RESPONSE,
    RESOURCE_TYPES,
    USER,
    ResourceType,
    resource_type_documents,
    schema_documents,
    service_provider_config,
)

#: One page of a list, and one request's body.
DEFAULT_RESULTS = 100
MAX_RESULTS = 1000
MAX_BODY = 16 * 1024 * 1024
MAX_OPERATIONS = 1000

#: The database ended a statement that took longer than STATEMENT_TIMEOUT.
_TOOK_TOO_LONG = "57014"
_MEDIA_TYPES = ("application/scim+json", "application/json")
_log = logging.getLogger("seatkeeper.scim")


@dataclasses.dataclass(frozen=True, slots=True)
class Kind:
    """What a resource type's views call."""

    type: ResourceType
    load: Callable[..., list[resources.Resource]]
    find: Callable[..., search.Found]
    changes: Any  # scim.users or scim.groups
    heavy: str  # the attribute that is worth leaving out when nobody asks for it


USERS = Kind(USER, resources.users, search.users, users, "groups")
GROUPS = Kind(GROUP, resources.groups, search.groups, groups, "members")


class ScimDispatch(DjangoView):
    """Stands behind the frame's dispatch: our errors, the media type, the activity log."""

    def dispatch(self, request: ScimRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        request.started, request.logged = time.perf_counter(), False
        detail, logged = "", False
        response: Any
        try:
            _receive(request)
            response = super().dispatch(request, *args, **kwargs)
            logged = request.logged
        except errors.ScimError as refused:
            detail, response = refused.detail, answers.error(request, refused)
        except Refusal as refusal:
            detail, response = refusal.detail, answers.error(request, answers.as_scim(refusal))
        except (OperationalError, InterfaceError) as error:
            sqlstate = getattr(error.__cause__, "sqlstate", None)
            if sqlstate == _TOOK_TOO_LONG:
                too_many = errors.TooMany()
                detail, response = too_many.detail, answers.error(request, too_many)
            elif sqlstate in changes.TRY_AGAIN:
                busy = errors.ServiceUnavailable(
                    "Many changes met at once. Nothing was changed; repeat the request.",
                    headers={"Retry-After": "1"},
                )
                detail, response = busy.detail, answers.error(request, busy)
            else:
                _log.exception("request %s: the database did not answer", request.request_id)
                return answers.unavailable(request)
        except Exception:
            _log.exception("request %s failed", getattr(request, "request_id", ""))
            detail = "Seatkeeper failed. Nothing was changed; the request may be repeated."
            response = answers.error(request, errors.ServerFailed(detail))
        if not logged:
            exchanges.record(request, response, started=request.started, detail=detail)
        if request.method == "HEAD":
            response.content = b""  # RFC 9110 section 9.3.2
        return response

    def options(self, request: ScimRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return answers.empty(204, {"Allow": ", ".join(self.methods())})

    def http_method_not_allowed(self, request: ScimRequest, *args: Any, **kwargs: Any) -> Any:
        raise self.not_allowed()

    def not_allowed(self) -> errors.MethodNotAllowed:
        allowed = ", ".join(self.methods())
        return errors.MethodNotAllowed(
            f"{self.request.method} is not possible here. Possible: {allowed}.",
            headers={"Allow": allowed},
        )

    def methods(self) -> list[str]:
        return [name.upper() for name in self.http_method_names if hasattr(self, name)]


class ResourceView(ScimDispatch):
    """/Users and /Groups, with and without an id."""

    http_method_names = ["get", "head", "options", "post", "put", "patch", "delete"]
    kind: Kind

    def methods(self) -> list[str]:
        """For the header Allow: what makes a resource is not possible with one, and so on."""
        of_other = ("POST",) if self.kwargs.get("uuid") else ("PUT", "PATCH", "DELETE")
        return [method for method in super().methods() if method not in of_other]

    def get(self, request: ScimRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if kwargs.get("uuid") is None:
            return self.list(request, request.GET)
        projection = _projection(self.kind, request.GET)
        resource = self.load(request, self.id(), projection)
        tags = request.META.get("HTTP_IF_NONE_MATCH")
        if tags is not None and etag.matches(tags, resource.etag):
            return answers.empty(304, {"ETag": resource.etag})
        return _shown(resource, projection)

    def post(self, request: ScimRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if kwargs.get("uuid") is not None:
            raise self.not_allowed()
        projection = _projection(self.kind, request.GET)
        return self.change(
            request,
            self.kind.changes.create,
            body_of(request),
            answer=lambda made: _shown(made, projection, status=201),
            **self.reading(request, projection),
        )

    def put(self, request: ScimRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        projection = _projection(self.kind, request.GET)
        return self.change(
            request,
            self.kind.changes.replace,
            self.id(),
            body_of(request),
            answer=lambda replaced: _shown(replaced, projection),
            if_match=_if_match(request),
            **self.reading(request, projection),
        )

    def patch(self, request: ScimRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        projection = _projection(self.kind, request.GET)
        # Never a group's members when nobody asked for them (RFC 7644 section 3.5.2).
        empty = self.kind is GROUPS and not request.GET.get("attributes")
        return self.change(
            request,
            self.kind.changes.modify,
            self.id(),
            body_of(request),
            answer=_no_content if empty else lambda changed: _shown(changed, projection),
            if_match=_if_match(request),
            **({} if empty else self.reading(request, projection)),
        )

    def delete(self, request: ScimRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.change(
            request,
            self.kind.changes.delete,
            self.id(),
            answer=_no_content,
            if_match=_if_match(request),
        )

    def change(
        self,
        request: ScimRequest,
        deed: Callable[..., Any],
        *arguments: Any,
        answer: Callable[[Any], HttpResponse],
        **options: Any,
    ) -> HttpResponse:
        """Make one change; its answer and its line in the log are made before it is committed, so
        that an error means that nothing was changed, and no change is without its line."""
        response: list[HttpResponse] = []

        def answered(result: Any) -> None:
            response[:] = [answer(result)]
            exchanges.record(request, response[0], started=request.started, with_change=True)

        deed(dataclasses.replace(request.caller, answered=answered), *arguments, **options)
        request.logged = True
        return response[0]

    def list(self, request: ScimRequest, parameters: Mapping[str, Any]) -> HttpResponse:
        page = paging.read(parameters, default=DEFAULT_RESULTS, maximum=MAX_RESULTS)
        projection = _projection(self.kind, parameters)
        sort = sorting.read(parameters, self.kind.type)
        asked = parameters.get("filter") or None
        view, wanted = request.caller.view, _wanted(self.kind, projection)
        named = _named(asked) if self.kind is USERS and page.start == 1 and sort is None else None
        if named is not None and page.cursor is None:
            people = resources.users_by(view, *named, groups=wanted["groups"])
            shown = [resource.shown(projection) for resource in people[: page.count]]
            return list_response(shown, len(people), page, None)
        found = self.kind.find(view, filter=asked, page=page, sort=sort)
        loaded = self.kind.load(view, found.ids, **wanted)
        shown = [resource.shown(projection) for resource in loaded]
        return list_response(shown, found.total, page, found.next_cursor)

    def id(self) -> uuid.UUID:
        """The id of the address. What cannot be one of ours is nobody's."""
        try:
            return uuid.UUID(self.kwargs["uuid"])
        except (ValueError, TypeError, KeyError):
            if self.kwargs.get("uuid") is None:
                raise self.not_allowed() from None
            raise not_found(self.kind, self.kwargs["uuid"]) from None

    def reading(self, request: ScimRequest, projection: Projection | None) -> dict[str, Any]:
        """For a change: how a Group is read for its answer. A User is answered as written."""
        if self.kind is USERS:
            return {}
        return {"read": lambda id: self.load(request, id, projection)}

    def load(
        self, request: ScimRequest, id: uuid.UUID, projection: Projection | None
    ) -> resources.Resource:
        found = self.kind.load(request.caller.view, [id], **_wanted(self.kind, projection))
        if not found:
            raise not_found(self.kind, str(id))
        return found[0]


class UsersView(frame.UsersView, ResourceView):
    http_method_names = ResourceView.http_method_names
    kind = USERS
    get, post, put = ResourceView.get, ResourceView.post, ResourceView.put
    patch, delete = ResourceView.patch, ResourceView.delete


class GroupsView(frame.GroupsView, ResourceView):
    http_method_names = ResourceView.http_method_names
    kind = GROUPS
    get, post, put = ResourceView.get, ResourceView.post, ResourceView.put
    patch, delete = ResourceView.patch, ResourceView.delete


class UserSearchView(frame.UserSearchView, ResourceView):
    """POST /Users/.search (RFC 7644 section 3.4.3): personal data stays out of the address."""

    kind = USERS

    def post(self, request: ScimRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.list(request, paging.read_search(body_of(request)))


class GroupSearchView(frame.GroupSearchView, ResourceView):
    kind = GROUPS
    post = UserSearchView.post


class SearchView(frame.SCIMView, ScimDispatch):
    """POST /.search: both kinds in one order."""

    http_method_names = ["post"]

    def post(self, request: ScimRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        parameters: dict[str, Any] = paging.read_search(body_of(request))
        page = paging.read(parameters, default=DEFAULT_RESULTS, maximum=MAX_RESULTS)
        projections = {kind: _projection(kind, parameters) for kind in (USERS, GROUPS)}
        view = request.caller.view
        found = search.everything(
            view,
            filter=parameters.get("filter") or None,
            page=page,
            sort=sorting.read(parameters, RESOURCE_TYPES),
        )
        shown: dict[str, str | bytes] = {}
        for kind in (USERS, GROUPS):
            ids = [id for name, id in found.ids if name == kind.type.name]
            for resource in kind.load(view, ids, **_wanted(kind, projections[kind])):
                shown[resource.id] = resource.shown(projections[kind])
        ordered = [shown[str(id)] for _, id in found.ids if str(id) in shown]
        return list_response(ordered, found.total, page, found.next_cursor)


class DiscoveryView(frame.SCIMView, ScimDispatch):
    """What is fixed: read-only, and never behind a filter (RFC 7644 section 4)."""

    http_method_names = ["get", "head", "options"]

    def get(self, request: ScimRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if "filter" in request.GET:
            raise errors.Forbidden("Discovery documents cannot be filtered: leave out “filter”.")
        return answers.of(self.document(kwargs.get("uuid")))

    def document(self, id: str | None) -> dict[str, Any]:
        raise NotImplementedError


class ServiceProviderConfigView(DiscoveryView):
    def document(self, id: str | None) -> dict[str, Any]:
        return service_provider_config(
            base_url(),
            max_results=MAX_RESULTS,
            max_operations=MAX_OPERATIONS,
            max_payload=MAX_BODY,
            default_results=DEFAULT_RESULTS,
        )


class ResourceTypesView(DiscoveryView):
    def document(self, id: str | None) -> dict[str, Any]:
        return _one_or_all("ResourceType", id, resource_type_documents(base_url()))


class SchemasView(DiscoveryView):
    def document(self, id: str | None) -> dict[str, Any]:
        return _one_or_all("Schema", id, schema_documents(base_url()))


class BulkView(frame.SCIMView, ScimDispatch):
    http_method_names = ["post"]

    def post(self, request: ScimRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return answers.of(bulk.run(request.caller, body_of(request), max_operations=MAX_OPERATIONS))


class MeView(frame.SCIMView, ScimDispatch):
    """/Me: a token belongs to an application, not to a person (RFC 7644 section 3.11)."""

    http_method_names = ["get", "head", "post", "put", "patch", "delete"]

    def get(self, request: ScimRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        raise errors.NotImplementedHere(
            "/Me is not supported: the token belongs to an application, not to a person. "
            "Use /Users."
        )

    post = put = patch = delete = get


class UnknownView(frame.SCIMView, ScimDispatch):
    """Every address below /scim/v2 that is none."""

    def dispatch(self, request: ScimRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: ScimRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        raise errors.NotFound("There is nothing at this address. Resources are /Users and /Groups.")

    post = put = patch = delete = head = options = get


# ------------------------------------------------------------------ reading and answering


def _receive(request: ScimRequest) -> None:
    """Read the body, once and whole. Refused: one that is too large, or cut off.

    Without a length it comes in chunks (RFC 9112 section 7.1), which Django would take for
    nothing; .NET's HttpClient sends JSON so. A cut off one may be readable JSON by accident.
    """
    told = request.META.get("CONTENT_LENGTH") or "0"
    length = int(told) if told.isascii() and told.isdecimal() and len(told) < 20 else MAX_BODY + 1
    chunked = "HTTP_TRANSFER_ENCODING" in request.META
    if not length and not chunked:
        return
    body, request._body = b"", b""  # a refused one is not kept
    if chunked:
        body = request.META["wsgi.input"].read(MAX_BODY + 1)
    elif length <= MAX_BODY:
        del request._body
        try:
            body = request.body
        except UnreadablePostError:
            request._body = b""
    if max(length, len(body)) > MAX_BODY:
        raise errors.PayloadTooLarge(
            f"The body is larger than {MAX_BODY} bytes. Split the request."
        )
    if len(body) < length:
        raise errors.InvalidSyntax("The body is shorter than its Content-Length: it was cut off.")
    request._body = body


def body_of(request: ScimRequest) -> dict[str, Any]:
    """The request's JSON object. Refused: another media type, what is no JSON object."""
    media_type = request.META.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    if media_type and media_type not in _MEDIA_TYPES:
        raise errors.UnsupportedMediaType(
            f"Content-Type is {media_type[:100]}: send application/scim+json."
        )
    return documents.load(request.body, limit=MAX_BODY)


def list_response(
    shown: Sequence[str | bytes], total: int, page: paging.Page, next_cursor: str | None
) -> HttpResponse:
    """A ListResponse around resources that are JSON already (RFC 7644 section 3.4.2)."""
    parts = [part if isinstance(part, str) else part.decode() for part in shown]
    start = "" if page.cursor is not None else f'"startIndex": {page.start}, '
    following = f'"nextCursor": "{next_cursor}", ' if next_cursor else ""
    return answers.of(
        f'{{"schemas": ["{LIST_RESPONSE}"], "totalResults": {total}, {start}{following}'
        f'"itemsPerPage": {len(parts)}, "Resources": [{", ".join(parts)}]}}'
    )


def not_found(kind: Kind, id: str) -> errors.NotFound:
    return errors.NotFound(f"There is no {kind.type.name} with the id {id[:100]}.")


def _shown(
    resource: resources.Resource, projection: Projection | None, status: int = 200
) -> HttpResponse:
    return answers.of(resource.shown(projection), status=status, headers=resource.headers)


def _no_content(_: Any) -> HttpResponse:
    return answers.empty(204)


def _named(asked: str | None) -> tuple[str, str] | None:
    """userName or externalId and its value, when the filter asks for just that."""
    simple = None if asked is None else filters.simple_eq(asked)
    return simple if simple is not None and simple[0] in ("userName", "externalId") else None


def _projection(kind: Kind, parameters: Mapping[str, Any]) -> Projection | None:
    return Projection.parse(
        kind.type, parameters.get("attributes"), parameters.get("excludedAttributes")
    )


def _wanted(kind: Kind, projection: Projection | None) -> dict[str, bool]:
    """What is worth leaving out, for the kind's `load`: whether it is asked for."""
    wanted = {kind.heavy: projection is None or projection.wants(kind.heavy)}
    if kind is GROUPS:
        wanted["names"] = projection is not None and projection.names("members", "display")
    return wanted


def _if_match(request: ScimRequest) -> str | None:
    return request.META.get("HTTP_IF_MATCH")


def _one_or_all(name: str, id: str | None, known: Sequence[dict[str, Any]]) -> dict[str, Any]:
    if id is None:
        return paging.list_response(known, len(known))
    for document in known:
        if str(document["id"]).lower() == id.lower():
            return document
    raise errors.NotFound(f"There is no {name} with the id {id[:100]}.")
