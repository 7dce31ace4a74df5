"""Many changes in one request, each in a transaction of its own, one answer each (RFC 7644 3.7)."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from typing import Any

from accounts.profile import Profile
from accounts.refusal import Refusal
from scim import answers, groups, users
from scim.applications import base_url
from scim.caller import Caller
from scim.protocol import bulk, errors
from scim.protocol import document as documents
from scim.protocol.schema import BULK_RESPONSE, USER

_CHANGES: dict[str, Any] = {"/users": users, "/groups": groups}
_NAMES = {"/users": "Users", "/groups": "Groups"}
_log = logging.getLogger("seatkeeper.scim")


def run(caller: Caller, body: dict[str, Any], *, max_operations: int) -> dict[str, Any]:
    """Carry out a bulk request. What refers to a bulkId goes after what makes it.

    People who are created compete for the free seats, so they are taken in the order of
    R17; the answers are in the order of the request.
    """
    request = bulk.read(body, max_operations=max_operations)
    order = bulk.order(request.operations)
    results = {index: _refused(request.operations[index], error)
               for index, error in order.refused.items()}
    ids: dict[str, str] = {}
    operations = order.operations
    if request.fail_on_errors is None:
        operations = _in_allocation_order(operations)
    for operation in operations:
        if request.fail_on_errors and _errors(results) >= request.fail_on_errors:
            break
        results[operation.index] = _one(caller, operation, ids)
    return {
        "schemas": [BULK_RESPONSE],
        "Operations": [results[index] for index in sorted(results)],
    }


def _errors(results: dict[int, dict[str, Any]]) -> int:
    return sum(1 for result in results.values() if not result["status"].startswith("2"))


def _in_allocation_order(
    operations: Sequence[bulk.BulkOperation],
) -> list[bulk.BulkOperation]:
    """New people in the places of new people, but in the order of R17."""
    places = [n for n, operation in enumerate(operations) if _creates_person(operation)]
    sorted_people = sorted((operations[n] for n in places), key=_sort_key)
    ordered = list(operations)
    for place, operation in zip(places, sorted_people, strict=True):
        ordered[place] = operation
    return ordered


def _creates_person(operation: bulk.BulkOperation) -> bool:
    return (
        operation.method == "POST"
        and operation.endpoint.lower() == "/users"
        and not operation.references
    )


def _sort_key(operation: bulk.BulkOperation) -> bytes:
    try:
        return Profile.of(documents.read(USER, operation.data)).sort_key.encode()
    except errors.ScimError:
        return b"\xff"  # it will be refused in its turn


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
        made = str(changes.create(caller, data))
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
