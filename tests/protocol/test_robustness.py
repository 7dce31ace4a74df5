"""Whatever comes in, what comes out is an answer or a ScimError (RFC 7644 section 3.12)."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim.protocol import bulk, document, etag, filter, paging, patch, path, sorting
from scim.protocol.errors import ScimError
from scim.protocol.evaluate import matches
from scim.protocol.projection import Projection
from scim.protocol.schema import GROUP, PATCH_OP, USER

from .strategies import json, keys, many, objects, some, text, users

UNSPEAKABLE = ("Exception", "Traceback", "Error(", "NoneType", "<class")


def quietly(function: Callable[..., object], *args: object, **kwargs: object) -> object:
    """Call; a ScimError is fine if its detail is a sentence that tells no innards."""
    try:
        return function(*args, **kwargs)
    except ScimError as error:
        refusal = error
    assert refusal.detail.endswith(".")
    assert not any(word in refusal.detail for word in UNSPEAKABLE)
    body = refusal.body()
    assert body["status"] == str(refusal.status)
    assert ("scimType" in body) == (refusal.scim_type is not None)
    return None


@many
@given(st.binary(max_size=200))
def test_any_bytes_are_loaded_or_refused(body: bytes) -> None:
    """RFC 7644 section 3.8."""
    quietly(document.load, body, limit=100)


@many
@given(json)
def test_any_json_is_loaded_as_it_is_or_refused(data: object) -> None:
    """RFC 7644 section 3.8: what is an object comes through, and nothing is taken for a double."""
    try:
        body = orjson.dumps(data)
    except TypeError:
        return
    loaded = quietly(document.load, body, limit=10_000_000)
    if isinstance(data, dict):
        assert loaded == orjson.loads(body)


@many
@given(json | objects, st.sampled_from([USER, GROUP]))
def test_any_json_is_read_as_a_resource_or_refused(data: object, resource_type) -> None:
    """RFC 7644 section 3.3, 3.12."""
    quietly(document.read, resource_type, data)


@many
@given(objects)
def test_almost_a_user_is_read_or_refused(data: dict) -> None:
    """RFC 7644 section 3.3, 3.12."""
    quietly(document.read, USER, {**data, "userName": "a", "schemas": None})


@many
@given(json | objects)
def test_any_json_is_read_as_a_message_or_refused(data: object) -> None:
    """RFC 7644 sections 3.4.3, 3.5.2 and 3.7."""
    quietly(patch.read, data)
    quietly(bulk.read, data, max_operations=3)
    quietly(paging.read_search, data)
    if isinstance(data, dict):
        quietly(paging.read, data, default=10, maximum=100)
        quietly(sorting.read, data, USER)


operations = st.lists(
    st.fixed_dictionaries(
        {"op": st.sampled_from(["add", "Replace", "remove"])},
        optional={"path": text | keys, "value": json | objects},
    ),
    min_size=1,
    max_size=4,
)


@many
@given(users, operations)
def test_any_operations_are_applied_to_a_user_or_refused(user: dict, ops: list) -> None:
    """RFC 7644 section 3.5.2; and what comes out is in normal form."""
    before = document.read(USER, user)

    def run() -> object:
        return patch.apply(USER, before, patch.read({"Operations": ops}), resource_id="1")

    result = quietly(run)
    if isinstance(result, patch.Patched):
        assert document.read(USER, result.document) == result.document


@many
@given(operations)
def test_any_operations_are_applied_to_a_group_or_refused(ops: list) -> None:
    """RFC 7644 section 3.5.2."""
    before = document.read(GROUP, {"displayName": "a"})

    def run() -> object:
        return patch.apply_group(before, patch.read({"Operations": ops}), resource_id="1")

    result = quietly(run)
    if isinstance(result, patch.GroupPatched):
        assert "members" not in result.document
        assert not set(result.members.add) & set(result.members.remove)
        assert document.read(GROUP, result.document) == result.document


GRAMMAR = st.lists(
    st.sampled_from(
        [
            "userName",
            "emails",
            "active",
            "[",
            "]",
            "(",
            ")",
            "eq",
            "ne",
            "co",
            "gt",
            "pr",
            "and",
            "or",
            "not",
            '"x"',
            '"',
            "\\",
            "5",
            "-1.5e3",
            "true",
            "null",
            ".value",
            "type",
            ".",
            "urn:ietf:params:scim:schemas:core:2.0:User:title",
            "meta.created",
            "1e999",
            '"\\u0000"',
            '"2020-01-01"',
            "é",
            "\ud800",
            "\x00",
            "'x'",
        ]
    ),
    max_size=12,
).map(" ".join)


@many
@given(GRAMMAR | text)
def test_any_text_is_read_as_a_filter_or_refused(words: str) -> None:
    """RFC 7644 section 3.4.2.2."""
    parsed = quietly(filter.parse, words)
    if parsed is not None:
        checked = quietly(filter.check, parsed, [USER, GROUP])
        for tree in (parsed, checked):
            if tree is not None:
                matches(tree, {"userName": "x", "emails": [{"value": "x"}]}, USER)


@many
@given(GRAMMAR.map(lambda t: t.replace(" ", "")) | GRAMMAR | text)
def test_any_text_is_read_as_a_path_or_refused(words: str) -> None:
    """RFC 7644 section 3.5.2."""
    quietly(path.parse, words)


@some
@given(text | st.lists(json, max_size=3), text | st.none(), users)
def test_any_projection_is_applied_or_refused(attributes, excluded, user: dict) -> None:
    """RFC 7644 section 3.9."""
    projection = quietly(Projection.parse, USER, attributes, excluded)
    if isinstance(projection, Projection):
        shown = projection.apply({"id": "1", **document.read(USER, user)})
        assert {"id", "schemas"} <= shown.keys()


@some
@given(text)
def test_any_header_is_compared_with_a_tag(header: str) -> None:
    """RFC 7644 section 3.14."""
    assert etag.matches(header, etag.make(1)) in (True, False)


DEEP = 100_000


@pytest.mark.parametrize(
    "run",
    [
        lambda: filter.parse("(" * 8000 + ")"),
        lambda: filter.parse("not " * 2000),
        lambda: filter.parse(" and ".join(["a pr"] * 1000)),
        lambda: filter.parse("a" * DEEP),
        lambda: filter.parse('a eq "' + "\\" * 8000),
        lambda: filter.parse("a eq " + "9" * 8000),
        lambda: filter.parse('a eq "' + '\\"' * 4000),
        lambda: path.parse("a[" + "(" * 8000),
        lambda: path.parse("a." * DEEP),
        lambda: document.load(b"[" * DEEP, limit=DEEP),
        lambda: document.load(b'{"a":' * DEEP, limit=10 * DEEP),
        lambda: document.load(b'{"a":' * 500 + b"1" + b"}" * 500, limit=10 * DEEP),
        lambda: document.load(b'{"a": ' + b"9" * DEEP + b"}", limit=10 * DEEP),
        lambda: document.read(USER, {"userName": "a", "urn:x:y": _nested(200)}),
        lambda: document.read(USER, {"userName": "a", "urn:x:y": {"a": list(range(100_000))}}),
        lambda: document.read(
            USER, {"userName": "a", **{f"urn:x:{i}": {"a": 1} for i in range(99)}}
        ),
        lambda: bulk.read(
            {"Operations": [{"method": "PUT", "path": "/Users/1", "data": _nested(200)}]},
            max_operations=9,
        ),
        lambda: etag.matches('"' * DEEP, 'W/"1"'),
        lambda: Projection.parse(USER, "a," * DEEP, None),
        lambda: paging.read({"count": "9" * DEEP}, default=1, maximum=9),
        lambda: document.read(USER, {"userName": "x" * DEEP}),
        lambda: document.read(
            USER, {"userName": "x", "emails": [{"value": str(i)} for i in range(DEEP)]}
        ),
    ],
)
def test_what_is_too_much_is_refused_at_once(run: Callable[[], object]) -> None:
    """Everything is bounded: length, depth and number; no input takes long."""
    limit = sys.getrecursionlimit()
    begin = time.process_time()
    quietly(run)
    assert time.process_time() - begin < 1
    assert sys.getrecursionlimit() == limit


def test_a_patch_that_is_too_much_work_is_refused() -> None:
    """1,000 operations with 100 terms each on 1,000 values: RFC 7644 section 3.12, 413."""
    emails = [{"value": f"{i}@example.com"} for i in range(1000)]
    user = document.read(USER, {"userName": "a", "emails": emails})
    terms = " or ".join(f'value eq "{i}@example.com"' for i in range(100))
    one = {"op": "replace", "path": f"emails[{terms}].display", "value": "x"}
    ops = patch.read({"schemas": [PATCH_OP], "Operations": [one] * 1000})
    begin = time.process_time()
    with pytest.raises(ScimError) as refused:
        patch.apply(USER, user, ops)
    assert refused.value.status == 413
    assert time.process_time() - begin < 4


def _nested(depth: int) -> dict:
    inner: dict = {}
    for _ in range(depth):
        inner = {"a": inner, "b": [1]}
    return inner
