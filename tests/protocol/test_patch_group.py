"""PATCH of a group: members as a difference, never loaded. RFC 7644 section 3.5.2."""

from __future__ import annotations

import copy
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim.protocol import document, patch
from scim.protocol.errors import (
    InvalidFilter,
    InvalidPath,
    InvalidValue,
    Mutability,
    PayloadTooLarge,
    ScimError,
)
from scim.protocol.patch import MemberChange
from scim.protocol.schema import GROUP, GROUP_URN

from .strategies import many

SALES = document.read(GROUP, {"displayName": "Sales", "externalId": "x"})


def apply(*operations: dict, **kwargs: str) -> patch.GroupPatched:
    before = copy.deepcopy(SALES)
    body = {"Operations": list(operations)}
    try:
        return patch.apply_group(SALES, patch.read(body), **kwargs)
    finally:
        assert before == SALES


def members(*operations: dict) -> MemberChange:
    patched = apply(*operations)
    assert patched.document == SALES
    assert not patched.changed
    return patched.members


def op(name: str, path: str | None = None, *value: object) -> dict:
    operation: dict = {"op": name}
    if path is not None:
        operation["path"] = path
    if value:
        operation["value"] = value[0]
    return operation


A, B, C = ({"value": id} for id in "abc")


@pytest.mark.parametrize(
    ("operations", "change"),
    [
        # add
        ([op("add", "members", [A, B])], MemberChange(add=("a", "b"))),
        ([op("Add", "MEMBERS", [{"$ref": None, "value": "a"}])], MemberChange(add=("a",))),
        ([op("add", f"{GROUP_URN}:members", [A])], MemberChange(add=("a",))),
        ([op("add", "members", A)], MemberChange(add=("a",))),
        ([op("add", "members", "a")], MemberChange(add=("a",))),
        ([op("add", "members", ["a", B])], MemberChange(add=("a", "b"))),
        (
            [op("add", "members", [{"value": "a", "display": "A", "type": "User"}])],
            MemberChange(add=("a",)),
        ),
        ([op("add", None, {"members": [A]})], MemberChange(add=("a",))),
        ([op("add", 'members[value eq "a"]', A)], MemberChange(add=("a",))),
        ([op("add", "members", [])], MemberChange()),
        ([op("add", "members", None)], MemberChange()),
        ([op("add", "members", [A]), op("add", "members", [B, A])], MemberChange(add=("a", "b"))),
        # remove
        ([op("remove", "members")], MemberChange(clear=True)),
        ([op("remove", "members", None)], MemberChange(clear=True)),
        ([op("remove", 'members[value eq "a"]')], MemberChange(remove=("a",))),
        ([op("remove", 'members[value eq "a" or value eq "b"]')], MemberChange(remove=("a", "b"))),
        (
            [op("remove", 'members[(value eq "a" or value eq "b") and value eq "b"]')],
            MemberChange(remove=("b",)),
        ),
        ([op("remove", 'members[value eq "a" and type eq "User"]')], MemberChange(remove=("a",))),
        ([op("remove", 'members[type eq "user" and value eq "a"]')], MemberChange(remove=("a",))),
        ([op("remove", 'members[type eq "User"]')], MemberChange(clear=True)),
        ([op("remove", 'members[type eq "User" or value eq "a"]')], MemberChange(clear=True)),
        ([op("remove", 'members[type eq "Group"]')], MemberChange()),
        ([op("Remove", "members", [{"$ref": None, "value": "b"}])], MemberChange(remove=("b",))),
        ([op("Remove", "members", B)], MemberChange(remove=("b",))),
        ([op("Remove", "members", "b")], MemberChange(remove=("b",))),
        ([op("Remove", "members", [])], MemberChange()),
        # replace
        ([op("replace", "members", [A, C])], MemberChange(clear=True, add=("a", "c"))),
        ([op("replace", "members", [])], MemberChange(clear=True)),
        ([op("replace", "members", None)], MemberChange(clear=True)),
        ([op("replace", None, {"members": [A]})], MemberChange(clear=True, add=("a",))),
        ([op("replace", 'members[value eq "a"]', A)], MemberChange()),
        # in order
        (
            [op("remove", 'members[value eq "a"]'), op("add", "members", [C])],
            MemberChange(add=("c",), remove=("a",)),
        ),
        (
            [op("add", "members", [A]), op("remove", 'members[value eq "a"]')],
            MemberChange(remove=("a",)),
        ),
        (
            [op("remove", 'members[value eq "a"]'), op("add", "members", [A])],
            MemberChange(add=("a",)),
        ),
        (
            [op("replace", "members", [A, B]), op("remove", "members", [A])],
            MemberChange(clear=True, add=("b",)),
        ),
        (
            [op("add", "members", [A]), op("remove", "members"), op("add", "members", [B])],
            MemberChange(clear=True, add=("b",)),
        ),
        (
            [op("remove", "members", [A]), op("replace", "members", [C])],
            MemberChange(clear=True, add=("c",)),
        ),
    ],
)
def test_member_operations_have_a_net_effect(operations: list[dict], change: MemberChange) -> None:
    """RFC 7644 sections 3.5.2.1 to 3.5.2.3; tapes okta-group-push and entra-group-membership."""
    assert members(*operations) == change
    assert bool(change) == (change != MemberChange())


@pytest.mark.parametrize(
    ("operation", "error"),
    [
        (op("add", "members", [{"display": "x"}]), InvalidValue),
        (op("add", "members", [{"value": ""}]), InvalidValue),
        (op("add", "members", 5), InvalidValue),
        (op("add", "members", [{"value": "g", "type": "Group"}]), InvalidValue),
        (op("remove", "members", [{"display": "x"}]), InvalidValue),
        (op("replace", "members.value", "x"), Mutability),
        (op("remove", "members.value"), Mutability),
        (op("replace", 'members[value eq "a"].value', "x"), Mutability),
        (op("replace", 'members[value eq "a"].display', "x"), Mutability),
        (op("replace", 'members[value eq "a"]', B), Mutability),
        (op("add", 'members[value eq "a"]', B), Mutability),
        (op("remove", 'members[display eq "x"]'), InvalidFilter),
        (op("remove", 'members[value ne "x"]'), InvalidFilter),
        (op("remove", 'members[not (value eq "x")]'), InvalidFilter),
        (op("remove", 'members[value sw "x"]'), InvalidFilter),
        (op("remove", "members[value pr]"), InvalidFilter),
        (op("remove", 'members[nothing eq "x"]'), InvalidFilter),
        (op("remove", "members[value eq]"), InvalidPath),
        (op("remove", "displayName"), Mutability),
        (op("replace", "displayName", " "), InvalidValue),
        (op("replace", "title", "x"), InvalidPath),
        (op("replace", "id", "x"), Mutability),
        (op("replace", None, {"id": "other", "displayName": "x"}), Mutability),
    ],
)
def test_what_cannot_be_done_to_a_group_is_refused(operation: dict, error: type[ScimError]) -> None:
    """RFC 7643 section 4.2: parts of members are immutable; RFC 7644 table 9."""
    with pytest.raises(error):
        apply(op("add", "members", [A]), operation, resource_id="1")


def test_a_group_is_renamed() -> None:
    """Tapes okta-group-push (the value repeats the id) and entra-group-membership."""
    new = {**SALES, "displayName": "Pushed"}
    named = op("replace", None, {"id": "1", "displayName": "Pushed"})
    assert apply(named, resource_id="1") == patch.GroupPatched(new, True, MemberChange())
    assert apply(op("Replace", "displayName", "Pushed")).document == new
    both = apply(op("replace", None, {"displayName": "Pushed", "members": [A]}))
    assert both == patch.GroupPatched(new, True, MemberChange(clear=True, add=("a",)))


def test_members_that_the_document_holds_are_left_out() -> None:
    """What comes back is the document without members."""
    held = document.read(GROUP, {"displayName": "Sales", "members": [A]})
    patched = patch.apply_group(held, patch.read({"Operations": [op("add", "members", [B])]}))
    assert patched.document == {"schemas": [GROUP_URN], "displayName": "Sales"}
    assert not patched.changed
    assert held["members"] == [A]


def test_large_changes_take_little_time_and_larger_ones_are_refused() -> None:
    """100,000 members in one request; above 200,000 it is 413."""
    ids = [{"value": str(i)} for i in range(100_000)]
    begin = time.process_time()
    change = members(op("replace", "members", ids), op("remove", "members", ids[:50_000]))
    assert time.process_time() - begin < 2
    assert len(change.add) == 50_000
    with pytest.raises(PayloadTooLarge):
        apply(
            op("add", "members", ids),
            op("add", "members", [{"value": f"x{i}"} for i in range(100_001)]),
        )


# --- Against members that are really there -------------------------------------------------------

_ids = st.lists(st.sampled_from("abcdef"), max_size=4)
_operation = st.one_of(
    st.builds(lambda ids: op("add", "members", [{"value": i} for i in ids]), _ids),
    st.builds(lambda ids: op("replace", "members", [{"value": i} for i in ids]), _ids),
    st.builds(lambda ids: op("remove", "members", [{"value": i} for i in ids]), _ids),
    st.builds(lambda i: op("remove", f'members[value eq "{i}"]'), st.sampled_from("abcdef")),
    st.just(op("remove", "members")),
)


@many
@given(_ids, st.lists(_operation, max_size=6))
def test_the_difference_is_what_the_operations_do_one_by_one(
    start: list[str], operations: list[dict]
) -> None:
    """Applied to a real set of members, both ways give the same."""
    real = set(start)
    for operation in operations:
        listed = {member["value"] for member in operation.get("value") or ()}
        if operation["op"] == "add":
            real |= listed
        elif operation["op"] == "replace":
            real = listed
        elif "value" in operation:
            real -= listed
        elif "[" in operation["path"]:
            real -= {operation["path"].split('"')[1]}
        else:
            real = set()
    if not operations:
        return
    change = members(*operations)
    assert not set(change.add) & set(change.remove)
    kept = set() if change.clear else set(start)
    assert kept - set(change.remove) | set(change.add) == real
