"""Many changes in one request, each in a transaction of its own, one answer each (RFC 7644 3.7)."""

from __future__ import annotations

import dataclasses
import logging
import uuid
from collections.abc import Sequence
from typing import Any

from accounts.models import Link
from accounts.profile import Profile
from accounts.refusal import Refusal
from licensing.order import in_allocation_order
from scim import answers, groups, users
from scim.applications import base_url
from scim.caller import Caller
from scim.protocol import bulk, errors, patch
from scim.protocol import document as documents
from scim.protocol.schema import BULK_RESPONSE, USER
from scim.resources import Resource

_CHANGES: dict[str, Any] = {"/users": users, "/groups": groups}
_NAMES = {"/users": "Users", "/groups": "Groups"}
#: What a PATCH is tried on, to see what it says of `active`.
_NOTHING_SAID: dict[str, Any] = {"schemas": [USER.schema.urn], "userName": "somebody"}
_log = logging.getLogger("seatkeeper.scim")


def run(caller: Caller, body: dict[str, Any], *, max_operations: int) -> dict[str, Any]:
    """Carry out a bulk request. What refers to a bulkId goes after what makes it.

    People who are created or activated compete for the free seats, so they are taken in the
    order of R17, unless failOnErrors says that the order of the request counts; the answers
    are in the order of the request.
    """
    request = bulk.read(body, max_operations=max_operations)
    order = bulk.order(request.operations)
    results = {
        index: _refused(request.operations[index], error) for index, error in order.refused.items()
    }
    ids: dict[str, str] = {}
    operations: Sequence[bulk.BulkOperation] = order.operations
    if request.fail_on_errors is None:
        operations = _in_allocation_order(caller, operations)
    for operation in operations:
        if request.fail_on_errors and _errors(results) >= request.fail_on_errors:
            break
        results[operation.index] = _one(caller, operation, ids)
        if results[operation.index]["status"] == "403":  # perhaps held (R27): news to the rest
            caller = dataclasses.replace(caller, removals_open=True)
    return {
        "schemas": [BULK_RESPONSE],
        "Operations": [results[index] for index in sorted(results)],
    }


def _errors(results: dict[int, dict[str, Any]]) -> int:
    return sum(1 for result in results.values() if not result["status"].startswith("2"))


def _in_allocation_order(
    caller: Caller, operations: Sequence[bulk.BulkOperation]
) -> list[bulk.BulkOperation]:
    """Who asks for a seat goes in the order of R17, before what stands between them.

    What could free a seat, or means the same person again, ends a stretch: nobody is moved
    past it, so that nothing fails that would have been done in the order of the request.
    """
    ordered: list[bulk.BulkOperation] = []
    asking: list[bulk.BulkOperation] = []
    others: list[bulk.BulkOperation] = []
    people: set[str | None] = set()

    def end_stretch() -> None:
        ordered.extend(_sorted(caller, asking) + others)
        asking.clear()
        others.clear()
        people.clear()

    for operation in operations:
        asks = _asks_for_seat(operation)
        id = operation.resource_id and operation.resource_id.lower()
        if asks is False or (id is not None and id in people):
            end_stretch()
        if id is not None:
            people.add(id)
        (asking if asks else others).append(operation)
        if asks is False:
            end_stretch()
    end_stretch()
    return ordered


def _asks_for_seat(operation: bulk.BulkOperation) -> bool | None:
    """True: it makes or keeps somebody active. False: it may free a seat. None: neither."""
    endpoint = operation.endpoint.lower()
    if operation.method == "POST":
        return True if endpoint == "/users" and not operation.references else None
    if operation.method == "DELETE" or endpoint != "/users":
        return False
    try:
        if operation.method == "PUT":
            said = documents.read(USER, operation.data, for_replace=True)
        else:
            said = patch.apply(USER, _NOTHING_SAID, patch.read(operation.data)).document
    except errors.ScimError:
        return False  # what it does hangs on the person
    active = said.get("active")
    if active is None or (active is True and operation.references):
        return None
    return active is True


def _sorted(caller: Caller, asking: Sequence[bulk.BulkOperation]) -> list[bulk.BulkOperation]:
    ids = [uuid.UUID(each.resource_id) for each in asking if _is_id(each.resource_id)]
    known = dict(
        Link.objects.of(caller.organization).filter(pk__in=ids).values_list("pk", "sort_key")
        if len(asking) > 1 and ids
        else ()
    )

    def sort_key(operation: bulk.BulkOperation) -> str | None:
        try:
            if operation.method == "PATCH":
                return known[uuid.UUID(operation.resource_id)]
            return Profile.of(documents.read(USER, operation.data)).sort_key
        except (errors.ScimError, KeyError, ValueError):
            return None  # it will be refused in its turn

    return in_allocation_order(asking, sort_key)


def _is_id(text: str | None) -> bool:
    try:
        return bool(text and uuid.UUID(text))
    except ValueError:
        return False


def _one(caller: Caller, operation: bulk.BulkOperation, ids: dict[str, str]) -> dict[str, Any]:
    try:
        return _carry_out(caller, operation, ids)
    except errors.ScimError as refused:
        return _refused(operation, refused)
    except Refusal as refusal:
        return _refused(operation, answers.as_scim(refusal))
    except Exception:
        _log.exception("bulk operation %d of %s failed", operation.index, caller.request_id)
        return _refused(
            operation,
            errors.ServerFailed("Seatkeeper failed. Nothing was changed by this operation."),
        )


def _carry_out(
    caller: Caller, operation: bulk.BulkOperation, ids: dict[str, str]
) -> dict[str, Any]:
    endpoint = operation.endpoint.lower()
    changes = _CHANGES.get(endpoint)
    if changes is None:
        raise errors.NotFound(f"There is nothing at {operation.path[:200]}.")
    data: Any = bulk.substitute(operation.data, ids)
    if operation.method == "POST":
        made = changes.create(caller, data)
        made = made.id if isinstance(made, Resource) else str(made)
        if operation.bulk_id:
            ids[operation.bulk_id] = made
        return _done(operation, "201", made)
    id = str(bulk.substitute(operation.resource_id, ids))
    try:
        known = uuid.UUID(id)
    except ValueError:
        raise errors.NotFound(f"There is no resource with the id {id[:100]}.") from None
    if operation.method == "DELETE":
        changes.delete(caller, known, if_match=operation.version)
        return _done(operation, "204", None)
    deed = changes.replace if operation.method == "PUT" else changes.modify
    deed(caller, known, data, if_match=operation.version)
    return _done(operation, "200", str(known))


def _done(operation: bulk.BulkOperation, status: str, id: str | None) -> dict[str, Any]:
    result = _head(operation)
    if id is not None:
        result["location"] = f"{base_url()}/{_NAMES[operation.endpoint.lower()]}/{id}"
    return result | {"status": status}


def _refused(operation: bulk.BulkOperation, refused: errors.ScimError) -> dict[str, Any]:
    result = _head(operation)
    if operation.method != "POST":
        result["location"] = base_url() + operation.path
    return result | {"status": str(refused.status), "response": refused.body()}


def _head(operation: bulk.BulkOperation) -> dict[str, Any]:
    head: dict[str, Any] = {"method": operation.method}
    if operation.bulk_id:
        head["bulkId"] = operation.bulk_id
    return head
