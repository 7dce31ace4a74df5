"""attributes and excludedAttributes: RFC 7644 sections 3.4.2.5 and 3.9."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim.protocol import document
from scim.protocol.errors import InvalidValue
from scim.protocol.projection import Projection
from scim.protocol.schema import ENTERPRISE_URN, GROUP, USER, USER_URN

from .strategies import EXTENSION, NAMES, some, users

ENT = ENTERPRISE_URN
ANN = {
    "schemas": [USER_URN, ENT, EXTENSION],
    "id": "1",
    "userName": "ann",
    "name": {"givenName": "Ann", "familyName": "Bee"},
    "title": "Boss",
    "emails": [{"value": "a", "type": "work"}, {"value": "b"}],
    "meta": {"resourceType": "User", "version": "x"},
    "groups": [{"value": "g"}],
    ENT: {"employeeNumber": "7", "manager": {"value": "m", "$ref": "x"}},
    EXTENSION: {"Color": "blue", "floor": 1},
}
ALWAYS = {"schemas": ANN["schemas"], "id": "1"}


def show(attributes: object = None, excluded: object = None) -> dict:
    projection = Projection.parse(USER, attributes, excluded)  # type: ignore[arg-type]
    assert projection is not None
    before = copy.deepcopy(ANN)
    shown = projection.apply(ANN)
    assert before == ANN
    for name in ("emails", "groups", "members", "meta", "title", ENT, EXTENSION):
        assert projection.wants(name) or name not in shown
    return shown


@pytest.mark.parametrize(
    ("attributes", "shown"),
    [
        ("userName", {"userName": "ann"}),
        ("id", {}),
        (" USERNAME , title,", {"userName": "ann", "title": "Boss"}),
        (["title"], {"title": "Boss"}),
        ("name.givenName", {"name": {"givenName": "Ann"}}),
        ("name.givenName,name", {"name": ANN["name"]}),
        ("name,name.givenName", {"name": ANN["name"]}),
        ("name.givenName,NAME.familyname", {"name": ANN["name"]}),
        ("name.middleName", {}),
        ("emails.type", {"emails": [{"type": "work"}]}),
        ("emails.value", {"emails": [{"value": "a"}, {"value": "b"}]}),
        ('emails[type eq "work"]', {"emails": ANN["emails"]}),
        ('emails[type eq "work"].value', {"emails": [{"value": "a"}, {"value": "b"}]}),
        (f"{ENT}:employeeNumber", {ENT: {"employeeNumber": "7"}}),
        (f"{ENT.upper()}:MANAGER.value", {ENT: {"manager": {"value": "m"}}}),
        (ENT, {ENT: ANN[ENT]}),
        (f"{USER_URN}:title", {"title": "Boss"}),
        (EXTENSION, {EXTENSION: ANN[EXTENSION]}),
        (f"{EXTENSION.lower()}:color", {EXTENSION: {"Color": "blue"}}),
        (USER_URN, {n: ANN[n] for n in ("userName", "name", "title", "emails", "groups")}),
        ("title.value", {}),
        (f"{EXTENSION}:floor.x", {}),
        ("meta.version", {"meta": {"version": "x"}}),
        ("nothing,password,emails.nothing,/x", {}),
    ],
)
def test_only_what_is_asked_for_is_shown(attributes: object, shown: dict) -> None:
    """RFC 7644 section 3.9; tape rfc-attributes; id and schemas always."""
    assert show(attributes) == {**ALWAYS, **shown}


@pytest.mark.parametrize(
    ("excluded", "gone"),
    [
        ("emails,name.familyName", {"emails": None, "name": {"givenName": "Ann"}}),
        ("id,schemas", {}),
        ("TITLE", {"title": None}),
        ("name.givenName,name.familyName", {"name": None}),
        ("emails.type", {"emails": [{"value": "a"}, {"value": "b"}]}),
        (f"{ENT}:employeeNumber", {ENT: {"manager": ANN[ENT]["manager"]}}),
        (f"{ENT}:manager.$ref", {ENT: {"employeeNumber": "7", "manager": {"value": "m"}}}),
        (f"{ENT}:manager,{ENT}:employeeNumber", {ENT: None}),
        (ENT, {ENT: None}),
        (f"{EXTENSION}:floor", {EXTENSION: {"Color": "blue"}}),
        (["groups", "meta"], {"groups": None, "meta": None}),
        (f"{EXTENSION}:floor.x", {}),
        ("nothing", {}),
    ],
)
def test_all_but_the_excluded_is_shown(excluded: object, gone: dict) -> None:
    """RFC 7644 section 3.9; tape rfc-attributes."""
    shown = {**ANN, **gone}
    assert show(None, excluded) == {n: v for n, v in shown.items() if v is not None}


@pytest.mark.parametrize("nothing", [None, "", " , ", [], [" "]])
def test_nothing_asked_for_means_everything(nothing: object) -> None:
    """RFC 7644 section 3.9: the default."""
    assert Projection.parse(USER, nothing, nothing) is None  # type: ignore[arg-type]


def test_a_password_is_never_shown() -> None:
    """RFC 7643 section 2.2: returned never."""
    projection = Projection.parse(USER, "password,title", None)
    assert projection is not None
    assert projection.apply({"password": "x", "title": "y"}) == {"title": "y"}
    assert not projection.wants("password")
    excluding = Projection.parse(USER, None, "title")
    assert excluding is not None
    assert excluding.apply({"password": "x", "id": "1"}) == {"id": "1"}


def test_the_caller_learns_what_it_need_not_load() -> None:
    """Tape entra-group-membership: excludedAttributes=members."""
    hidden = Projection.parse(GROUP, None, "MEMBERS")
    assert hidden is not None
    assert not hidden.wants("members")
    assert hidden.wants("displayName")
    assert hidden.wants("id")
    part = Projection.parse(GROUP, None, "members.display")
    assert part is not None
    assert part.wants("members")
    named = Projection.parse(GROUP, "displayName", None)
    assert named is not None
    assert not named.wants("members")
    assert named.wants("schemas")
    extension = Projection.parse(USER, f"{ENT}:department", None)
    assert extension is not None
    assert extension.wants(ENT)


def test_both_at_once_contradict_each_other() -> None:
    """RFC 7644 section 3.9 defines them as alternatives."""
    with pytest.raises(InvalidValue):
        Projection.parse(USER, "title", "emails")


@pytest.mark.parametrize("value", [[5], {"a": 1}, 5, ["a"] * 501, "a" * 9000, [None]])
def test_parameters_of_another_form_are_refused(value: object) -> None:
    """RFC 7644 section 3.4.3: lists of names."""
    with pytest.raises(InvalidValue):
        Projection.parse(USER, value, None)  # type: ignore[arg-type]


@some
@given(users, st.lists(st.sampled_from(NAMES), min_size=1, max_size=4))
def test_shown_and_excluded_are_two_halves(body: dict, names: list[str]) -> None:
    """What one shows, the other hides, for attributes as a whole."""
    names = [name for name in names if "." not in name and "[" not in name]
    user = {"id": "1", **document.read(USER, body)}
    only, rest = Projection.parse(USER, names, None), Projection.parse(USER, None, names)
    if only is None or rest is None:
        return
    shown, hidden = only.apply(user), rest.apply(user)
    for name, value in user.items():
        if name in ("id", "schemas"):
            assert shown[name] == hidden[name] == value
        elif ":" not in name:
            assert (name in shown) != (name in hidden)
