"""Bulk requests: many operations in one message. RFC 7644 section 3.7.

This is the part without a database: `read` checks the message, `order` finds an order in which
every operation comes after those whose `bulkId` it refers to, `substitute` puts in the ids that
have been given by then. Who carries them out answers in the order of the request (`index`), counts
errors against `fail_on_errors`, and fails what refers to a failed operation (`substitute` does).

Operations that refer to each other in a circle are answered 409, which section 3.7.1 permits
("MAY stop after a failed attempt"): the only references here are from groups to members and from
people to managers, groups hold no groups, and nobody manages their own manager.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field

from . import leniency
from .document import read_message
from .errors import Conflict, InvalidSyntax, InvalidValue, PayloadTooLarge, ScimError
from .schema import BULK_REQUEST

METHODS = frozenset(("POST", "PUT", "PATCH", "DELETE"))
PREFIX = "bulkId:"
BULK_ID_LIMIT = 256
PATH_LIMIT = 1_024
DEPTH_LIMIT = 64


@dataclass(frozen=True, slots=True)
class BulkOperation:
    """One operation.

    index: its place in the request, from 0. path: as sent, with a slash in front; endpoint: its
    first part ("/Users"); resource_id: the second, None for POST; it may be "bulkId:…". data: the
    body, None for DELETE. version: the entity tag that the resource must have. references: the
    bulkIds that stand in path and data.
    """

    index: int
    method: str
    path: str
    endpoint: str
    resource_id: str | None
    bulk_id: str | None
    version: str | None
    data: dict[str, object] | None
    references: frozenset[str]


@dataclass(frozen=True, slots=True)
class Bulk:
    """A bulk request; fail_on_errors None means that errors stop nothing."""

    fail_on_errors: int | None
    operations: tuple[BulkOperation, ...]


@dataclass(frozen=True, slots=True)
class Order:
    """What to do in which order, and what cannot be done: operations by index, with the reason."""

    operations: tuple[BulkOperation, ...]
    refused: dict[int, ScimError] = field(default_factory=dict)


def read(body: object, *, max_operations: int) -> Bulk:
    """Check a bulk request.

    InvalidSyntax for a wrong form of the message or of one of its operations, InvalidValue for
    failOnErrors that is no whole number from 1, PayloadTooLarge above max_operations (section
    3.7.4). The data are checked when their turn comes, so that their errors are theirs alone.
    """
    message = read_message(body, BULK_REQUEST)
    fail_on_errors = leniency.member_in_any_case(message, "failOnErrors")
    if fail_on_errors is not None and (
        not isinstance(fail_on_errors, int) or isinstance(fail_on_errors, bool)
    ):
        raise InvalidValue("failOnErrors must be a whole number.")
    if fail_on_errors is not None and fail_on_errors < 1:
        raise InvalidValue("failOnErrors must be 1 or more.")
    items = leniency.single_operation(leniency.member_in_any_case(message, "Operations"))
    if not isinstance(items, list) or not items:
        raise InvalidSyntax("Operations must be a list of at least one operation.")
    if len(items) > max_operations:
        raise PayloadTooLarge(
            f"There are more than {max_operations} operations. Split the request."
        )
    operations = tuple(_read_operation(item, index) for index, item in enumerate(items))
    known: set[str] = set()
    for operation in operations:
        if operation.bulk_id is not None:
            if operation.bulk_id in known:
                raise InvalidSyntax(f"The bulkId {operation.bulk_id} is there twice.")
            known.add(operation.bulk_id)
    return Bulk(fail_on_errors, operations)


def _read_operation(item: object, index: int) -> BulkOperation:
    where = f"Operations[{index}]"
    if not isinstance(item, dict):
        raise InvalidSyntax(f"{where} must be an object.")
    method = _text(item, "method", where, BULK_ID_LIMIT)
    method = (method or "").upper()
    if method not in METHODS:
        raise InvalidSyntax(f"{where}.method must be POST, PUT, PATCH or DELETE.")
    path = _text(item, "path", where, PATH_LIMIT)
    if not path:
        raise InvalidSyntax(f"{where}.path is missing.")
    path = "/" + path.strip("/")
    endpoint, _, resource_id = path[1:].partition("/")
    if method == "POST" and resource_id:
        raise InvalidSyntax(f"{where}.path must be an endpoint such as /Users, because it creates.")
    if method != "POST" and not resource_id:
        raise InvalidSyntax(f"{where}.path must name a resource, such as /Users/id.")
    bulk_id = _text(item, "bulkId", where, BULK_ID_LIMIT)
    if method == "POST" and not bulk_id:
        raise InvalidSyntax(f"{where}.bulkId is missing; an operation that creates needs one.")
    data = leniency.member_in_any_case(item, "data")
    if method == "DELETE":
        data = None
    elif not isinstance(data, dict):
        raise InvalidSyntax(f"{where}.data must be an object.")
    references: set[str] = set()
    if resource_id.startswith(PREFIX):
        references.add(resource_id.removeprefix(PREFIX))
    _collect(data, references, 0)
    return BulkOperation(
        index=index,
        method=method,
        path=path,
        endpoint="/" + endpoint,
        resource_id=resource_id or None,
        bulk_id=bulk_id or None,
        version=_text(item, "version", where, PATH_LIMIT) or None,
        data=data,
        references=frozenset(references),
    )


def _text(item: dict[str, object], name: str, where: str, limit: int) -> str | None:
    value = leniency.member_in_any_case(item, name)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > limit or not value.isprintable():
        raise InvalidSyntax(f"{where}.{name} must be a string of at most {limit} characters.")
    return value


def _collect(data: object, references: set[str], depth: int) -> None:
    """Gather the bulkIds that data refers to."""
    if depth > DEPTH_LIMIT:
        raise InvalidSyntax("The data of an operation is nested too deeply.")
    if isinstance(data, str):
        if data.startswith(PREFIX):
            references.add(data.removeprefix(PREFIX))
    elif isinstance(data, dict):
        for value in data.values():
            _collect(value, references, depth + 1)
    elif isinstance(data, list):
        for value in data:
            _collect(value, references, depth + 1)


def order(operations: tuple[BulkOperation, ...]) -> Order:
    """Put what is referred to before what refers to it; otherwise the order of the request stays.

    Refused are operations with a reference to a bulkId that no POST of the request has
    (InvalidValue), and those in a circle or behind one (Conflict).
    """
    makers = {o.bulk_id: o.index for o in operations if o.method == "POST" and o.bulk_id}
    refused: dict[int, ScimError] = {}
    waiting: dict[int, int] = {}
    followers: dict[int, list[int]] = {}
    for operation in operations:
        unknown = sorted(operation.references - makers.keys())
        if unknown:
            refused[operation.index] = InvalidValue(
                f"No operation of the request creates bulkId:{unknown[0][:BULK_ID_LIMIT]}."
            )
        needs = {makers[name] for name in operation.references if name in makers}
        waiting[operation.index] = len(needs)
        for index in needs:
            followers.setdefault(index, []).append(operation.index)
    ready = [index for index, count in waiting.items() if count == 0]
    heapq.heapify(ready)
    done: list[int] = []
    while ready:
        index = heapq.heappop(ready)
        done.append(index)
        for follower in followers.get(index, ()):
            waiting[follower] -= 1
            if waiting[follower] == 0:
                heapq.heappush(ready, follower)
    reached = set(done)
    for operation in operations:
        if operation.index not in reached:
            refused.setdefault(
                operation.index,
                Conflict("The operation refers to itself, through the bulkIds of others."),
            )
    return Order(tuple(operations[i] for i in done if i not in refused), refused)


def substitute(data: object, ids: Mapping[str, str]) -> object:
    """A copy of data, or of a path's id, with the ids that were given to the bulkIds in it.

    Conflict if one has no id, because the operation that should create it has failed.
    """
    if isinstance(data, str):
        if not data.startswith(PREFIX):
            return data
        name = data.removeprefix(PREFIX)
        if name not in ids:
            raise Conflict(f"bulkId:{name[:BULK_ID_LIMIT]} was not created.")
        return ids[name]
    if isinstance(data, dict):
        return {key: substitute(value, ids) for key, value in data.items()}
    if isinstance(data, list):
        return [substitute(value, ids) for value in data]
    return data
