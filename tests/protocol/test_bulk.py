"""Bulk requests without a database: RFC 7644 section 3.7."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim.protocol import bulk
from scim.protocol.errors import Conflict, InvalidSyntax, InvalidValue, PayloadTooLarge
from scim.protocol.schema import BULK_REQUEST, USER_URN

from .strategies import some


def post(bulk_id: str, *references: str, path: str = "/Groups") -> dict:
    members = [{"type": "User", "value": f"bulkId:{name}"} for name in references]
    return {"method": "POST", "path": path, "bulkId": bulk_id, "data": {"members": members}}


def read(*operations: object, **more: object) -> bulk.Bulk:
    body = {"schemas": [BULK_REQUEST], "Operations": list(operations), **more}
    return bulk.read(body, max_operations=10)


def test_a_request_is_read() -> None:
    """RFC 7644 section 3.7; tape rfc-bulk."""
    request = read(
        post("qwerty", path="/Users"),
        post("ytrewq", "qwerty"),
        {"method": "put", "path": "Users/1", "version": 'W/"1"', "data": {"userName": "a"}},
        {"method": "PATCH", "path": "/Groups/bulkId:ytrewq", "data": {"Operations": []}},
        {"method": "DELETE", "path": "/Users/2", "bulkId": "", "data": "ignored"},
        failOnErrors=1,
    )
    assert request.fail_on_errors == 1
    first, second, third, fourth, fifth = request.operations
    assert (first.method, first.endpoint, first.resource_id) == ("POST", "/Users", None)
    assert (first.bulk_id, first.index) == ("qwerty", 0)
    assert second.references == {"qwerty"}
    assert (third.method, third.path, third.resource_id) == ("PUT", "/Users/1", "1")
    assert third.version == 'W/"1"'
    assert fourth.references == {"ytrewq"}
    assert (fifth.data, fifth.bulk_id, fifth.index) == (None, None, 4)
    assert read(post("a")).fail_on_errors is None


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ([], InvalidSyntax),
        ({}, InvalidSyntax),
        ({"Operations": []}, InvalidSyntax),
        ({"Operations": "x"}, InvalidSyntax),
        ({"Operations": [5]}, InvalidSyntax),
        ({"schemas": [USER_URN], "Operations": [post("a")]}, InvalidSyntax),
        ({"schemas": 5, "Operations": [post("a")]}, InvalidValue),
        ({"Operations": [post("a"), post("a")]}, InvalidSyntax),
        ({"Operations": [post(str(i)) for i in range(11)]}, PayloadTooLarge),
        ({"Operations": [post("a")], "failOnErrors": 0}, InvalidValue),
        ({"Operations": [post("a")], "failOnErrors": "1"}, InvalidValue),
        ({"Operations": [post("a")], "failOnErrors": True}, InvalidValue),
        ({"Operations": [{**post("a"), "method": "GET"}]}, InvalidSyntax),
        ({"Operations": [{**post("a"), "method": 5}]}, InvalidSyntax),
        ({"Operations": [{**post("a"), "path": ""}]}, InvalidSyntax),
        ({"Operations": [{**post("a"), "path": None}]}, InvalidSyntax),
        ({"Operations": [{**post("a"), "path": "/Users\x00"}]}, InvalidSyntax),
        ({"Operations": [{**post("a"), "path": "/Users/1"}]}, InvalidSyntax),
        ({"Operations": [{**post("a"), "bulkId": None}]}, InvalidSyntax),
        ({"Operations": [{**post("a"), "data": None}]}, InvalidSyntax),
        ({"Operations": [{**post("a"), "data": [1]}]}, InvalidSyntax),
        ({"Operations": [{**post("a"), "version": 1}]}, InvalidSyntax),
        ({"Operations": [{"method": "PUT", "path": "/Users", "data": {}}]}, InvalidSyntax),
        ({"Operations": [{"method": "DELETE", "path": "/Users/"}]}, InvalidSyntax),
    ],
)
def test_a_request_of_the_wrong_form_is_refused(body: object, error) -> None:
    """RFC 7644 sections 3.7 and 3.7.4."""
    with pytest.raises(error):
        bulk.read(body, max_operations=10)


def _order(*operations: dict) -> tuple[list[int], dict[int, type]]:
    found = bulk.order(read(*operations).operations)
    return [o.index for o in found.operations], {i: type(e) for i, e in found.refused.items()}


def test_what_is_referred_to_comes_first() -> None:
    """RFC 7644 section 3.7.2; otherwise the order of the request."""
    assert _order(post("a"), post("b")) == ([0, 1], {})
    assert _order(post("g", "u", "v"), post("u"), post("x"), post("v", "u")) == ([1, 2, 3, 0], {})
    patch = {"method": "PATCH", "path": "/Groups/bulkId:g", "data": {}}
    assert _order(patch, post("g")) == ([1, 0], {})


def test_circles_are_refused_and_the_rest_goes_on() -> None:
    """RFC 7644 section 3.7.1: 409."""
    order, refused = _order(
        post("a", "b"), post("b", "a"), post("c"), post("d", "a"), post("e", "e")
    )
    assert order == [2]
    assert refused == {0: Conflict, 1: Conflict, 3: Conflict, 4: Conflict}


def test_a_reference_to_nothing_is_refused() -> None:
    """RFC 7644 section 3.7.2; and what waits for it is refused when its turn comes."""
    order, refused = _order(post("a", "nobody"), post("b", "a"), post("c"))
    assert order == [1, 2]
    assert refused == {0: InvalidValue}
    with pytest.raises(Conflict):
        bulk.substitute(post("b", "a"), {})


def test_ids_take_the_place_of_bulk_ids() -> None:
    """RFC 7644 section 3.7.2; what is no reference stays, and the data are not changed."""
    data = {"members": [{"value": "bulkId:u"}, "bulkId:v"], "displayName": "bulk", "n": [1, None]}
    before = copy.deepcopy(data)
    assert bulk.substitute(data, {"u": "1", "v": "2"}) == {
        "members": [{"value": "1"}, "2"],
        "displayName": "bulk",
        "n": [1, None],
    }
    assert data == before


@some
@given(st.lists(st.frozensets(st.integers(0, 9), max_size=3), min_size=1, max_size=10))
def test_every_operation_is_ordered_or_refused_and_after_its_references(
    graph: list[frozenset[int]],
) -> None:
    """RFC 7644 section 3.7.2, for any references."""
    request = read(*(post(str(i), *map(str, refs)) for i, refs in enumerate(graph)))
    found = bulk.order(request.operations)
    done = [o.index for o in found.operations]
    assert sorted([*done, *found.refused]) == list(range(len(graph)))
    for place, index in enumerate(done):
        for reference in graph[index]:
            assert reference in done[:place] or reference in found.refused
