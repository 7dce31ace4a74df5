"""PATCH of a person: RFC 7644 section 3.5.2, and the forms of Okta, Entra and OneLogin."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim.protocol import document, patch
from scim.protocol.errors import (
    InvalidFilter,
    InvalidPath,
    InvalidSyntax,
    InvalidValue,
    Mutability,
    NoTarget,
    PayloadTooLarge,
    ScimError,
)
from scim.protocol.schema import ENTERPRISE_URN, PATCH_OP, USER, USER_URN

from .strategies import EXTENSION, many, patch_operations, some, users

ENT = ENTERPRISE_URN
WORK = {"value": "ann@work.example", "type": "work", "primary": True}
HOME = {"value": "ann@home.example", "type": "home"}
ANN = document.read(
    USER,
    {
        "userName": "ann@example.com",
        "externalId": "1",
        "name": {"givenName": "Ann", "familyName": "Bee"},
        "title": "Boss",
        "active": True,
        "emails": [WORK, HOME],
        ENT: {"department": "Sales", "manager": {"value": "m1", "$ref": "/Users/m1"}},
        EXTENSION: {"color": "blue", "floors": [1, 2]},
    },
)


def apply(*operations: dict, to: dict = ANN, **kwargs: str) -> dict:
    """The document after these operations; the one before must be unharmed."""
    before = copy.deepcopy(to)
    body = {"schemas": [PATCH_OP], "Operations": list(operations)}
    try:
        patched = patch.apply(USER, to, patch.read(body), **kwargs)
    finally:
        assert to == before
    assert patched.changed == (patched.document != to)
    assert document.read(USER, patched.document) == patched.document
    return patched.document


def op(name: str, path: str | None = None, *value: object) -> dict:
    operation: dict = {"op": name}
    if path is not None:
        operation["path"] = path
    if value:
        operation["value"] = value[0]
    return operation


def without(*names: str, of: dict = ANN) -> dict:
    return {name: value for name, value in of.items() if name not in names}


# --- Message ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ([], InvalidSyntax),
        ({}, InvalidSyntax),
        ({"schemas": [PATCH_OP]}, InvalidSyntax),
        ({"Operations": []}, InvalidSyntax),
        ({"Operations": "x"}, InvalidSyntax),
        ({"Operations": [5]}, InvalidSyntax),
        ({"schemas": [USER_URN], "Operations": [op("add", "title", "x")]}, InvalidSyntax),
        ({"schemas": PATCH_OP, "Operations": [op("add", "title", "x")]}, InvalidValue),
        ({"Operations": [op("destroy", "title", "x")]}, InvalidSyntax),
        ({"Operations": [{"path": "title", "value": "x"}]}, InvalidSyntax),
        ({"Operations": [{"op": 5, "path": "title", "value": "x"}]}, InvalidSyntax),
        ({"Operations": [op("remove")]}, NoTarget),
        ({"Operations": [op("remove", None, {"title": "x"})]}, NoTarget),
        ({"Operations": [op("add", "title")]}, InvalidValue),
        ({"Operations": [op("add", None, "x")]}, InvalidValue),
        ({"Operations": [op("add", None, None)]}, InvalidValue),
        ({"Operations": [{"op": "add", "path": 5, "value": "x"}]}, InvalidPath),
        ({"Operations": [op("add", "emails[type eq", "x")]}, InvalidPath),
        ({"Operations": [op("add", "/title", "x")]}, InvalidPath),
        ({"Operations": [op("add", "title", "x")] * 1001}, PayloadTooLarge),
    ],
)
def test_a_message_of_the_wrong_form_is_refused(body: object, error: type[ScimError]) -> None:
    """RFC 7644 section 3.5.2 and table 9; tape rfc-errors."""
    with pytest.raises(error):
        patch.read(body)


def test_messages_may_be_written_loosely() -> None:
    """Leniencies member_in_any_case, operation_in_any_case, single_operation, empty_path."""
    (one,) = patch.read({"operations": {"Op": "Replace", "Path": "", "VALUE": {"title": "x"}}})
    assert one == patch.Operation("replace", None, {"title": "x"})
    (two,) = patch.read({"schemas": [], "Operations": [{"op": "ADD", "path": None, "value": {}}]})
    assert two.op == "add"
    assert two.path is None


# --- Single attributes --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["add", "replace", "Add", "Replace"])
def test_a_single_attribute_is_set(name: str) -> None:
    """RFC 7644 sections 3.5.2.1 and 3.5.2.3; tape entra-patch-forms."""
    assert apply(op(name, "nickName", "Babs"))["nickName"] == "Babs"
    assert apply(op(name, "TITLE", "Chief"))["title"] == "Chief"
    assert apply(op(name, f"{USER_URN}:title", "Chief"))["title"] == "Chief"
    assert apply(op(name, "title", "Boss")) is ANN
    assert apply(op(name, "active", "False"))["active"] is False


def test_a_single_attribute_is_removed() -> None:
    """RFC 7644 section 3.5.2.2; removing what is not there changes nothing."""
    assert apply(op("remove", "title")) == without("title")
    assert apply(op("Remove", "title", "Boss")) == without("title")
    assert apply(op("remove", "nickName")) is ANN
    assert apply(op("replace", "title", None)) == without("title")
    assert apply(op("add", "title", None)) is ANN
    assert apply(op("replace", "externalId", "")) == without("externalId")


@pytest.mark.parametrize(
    ("operation", "error"),
    [
        (op("remove", "userName"), Mutability),
        (op("replace", "userName", ""), InvalidValue),
        (op("replace", "userName", None), InvalidValue),
        (op("replace", None, {"userName": None}), InvalidValue),
        (op("replace", "id", "another"), Mutability),
        (op("remove", "id"), Mutability),
        (op("add", "groups", [{"value": "g"}]), Mutability),
        (op("replace", "meta.created", "2020-01-01T00:00:00Z"), Mutability),
        (op("replace", f"{ENT}:manager.displayName", "x"), Mutability),
        (op("replace", "noSuchAttribute", "x"), InvalidPath),
        (op("remove", "noSuchAttribute"), InvalidPath),
        (op("replace", "name.nothing", "x"), InvalidPath),
        (op("replace", "title.value", "x"), InvalidPath),
        (op("replace", f"{ENT}:nothing", "x"), InvalidPath),
        (op("replace", f"{USER_URN}:nothing", "x"), InvalidPath),
        (op("replace", USER_URN, "x"), InvalidPath),
        (op("remove", USER_URN), InvalidPath),
        (op("replace", "urn:ietf:params:scim:schemas:core:2.0:userName", "x"), InvalidPath),
        (op("replace", 'urn:example:x[a eq "b"]', "x"), InvalidPath),
        (op("replace", 'title[value eq "x"]', "x"), InvalidPath),
        (op("replace", 'name[givenName eq "x"]', {}), InvalidPath),
        (op("replace", 'emails[nothing eq "x"].value', "x"), InvalidFilter),
        (op("replace", "emails[primary gt true].value", "x"), InvalidFilter),
        (op("replace", "title", 5), InvalidValue),
        (op("replace", "active", "perhaps"), InvalidValue),
        (op("replace", "name", "Ann"), InvalidValue),
        (op("replace", "name.givenName", {"a": 1}), InvalidValue),
        (op("replace", "emails", "ann@example.com"), InvalidValue),
        (op("add", "emails", ["ann@example.com"]), InvalidValue),
        (op("replace", 'emails[type eq "work"].value', 5), InvalidValue),
        (op("replace", 'emails[type eq "work"]', "x"), InvalidValue),
        (op("replace", 'emails[type eq "work"]', [HOME, HOME]), InvalidValue),
        (op("replace", "emails", [WORK, {**HOME, "primary": True}]), InvalidValue),
        (op("replace", "emails[type pr].primary", True), InvalidValue),
        (op("replace", "emails.primary", True), InvalidValue),
        (op("remove", "emails", 5), InvalidValue),
        (op("remove", "emails", [5]), InvalidValue),
        (op("replace", f"{ENT}:manager", 5), InvalidValue),
        (op("add", EXTENSION, "x"), InvalidValue),
        (op("add", "schemas", 5), InvalidValue),
        (op("add", "password", 5), InvalidValue),
        (op("replace", 'emails[type eq "other"].value', "x"), NoTarget),
        (op("replace", 'emails[type eq "other"]', {"value": "x"}), NoTarget),
        (op("add", 'emails[type sw "other"].value', "x"), NoTarget),
        (op("add", 'emails[type eq "other" or type eq "x"]', {"value": "x"}), NoTarget),
        (op("replace", None, {"id": "other"}), Mutability),
        (op("replace", None, {'emails[type eq "other"].value': "x"}), NoTarget),
        (op("replace", None, {"emails[type eq": "x"}), InvalidPath),
        (op("add", "emails", [{"value": str(i)} for i in range(999)]), InvalidValue),
    ],
)
def test_what_cannot_be_done_is_refused_whole(operation: dict, error: type[ScimError]) -> None:
    """RFC 7644 section 3.5.2 and table 9; tape rfc-errors; rule R26: nothing half done."""
    with pytest.raises(error) as refused:
        apply(op("replace", "title", "Never"), operation, resource_id="1")
    assert type(refused.value) is error


# --- Complex attributes -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["add", "replace"])
def test_a_complex_attribute_is_merged(name: str) -> None:
    """RFC 7644 section 3.5.2.3: sub-attributes that are not named stay."""
    assert apply(op(name, "name", {"GivenName": "Ada", "middleName": "K"}))["name"] == {
        "givenName": "Ada",
        "familyName": "Bee",
        "middleName": "K",
    }
    assert apply(op(name, "name.familyName", "Cee"))["name"]["familyName"] == "Cee"
    assert apply(op(name, ENT, {"costCenter": "7", "manager": "m2"}))[ENT] == {
        "department": "Sales",
        "costCenter": "7",
        "manager": {"value": "m2"},
    }


def test_parts_of_a_complex_attribute_are_removed() -> None:
    """RFC 7644 section 3.5.2.2, RFC 7643 section 2.5."""
    assert apply(op("remove", "name.givenName"))["name"] == {"familyName": "Bee"}
    assert apply(op("remove", "name")) == without("name")
    assert apply(op("replace", "name", {"givenName": None}))["name"] == {"familyName": "Bee"}
    assert apply(op("add", "name", {"givenName": None})) is ANN
    gone = [op("remove", "name.givenName"), op("remove", "name.familyName")]
    assert apply(*gone) == without("name")
    assert apply(op("replace", "name", None)) == without("name")
    assert apply(op("replace", "name", {})) is ANN


def test_the_last_attribute_of_an_extension_takes_its_schema_along() -> None:
    """RFC 7643 section 3: schemas names what is there."""
    after = apply(op("remove", f"{ENT}:department"), op("remove", f"{ENT}:manager"))
    assert ENT not in after
    assert after["schemas"] == [USER_URN, EXTENSION]
    assert apply(op("remove", ENT)) == after
    back = apply(op("add", f"{ENT}:employeeNumber", "7"), to=after)
    assert back[ENT] == {"employeeNumber": "7"}
    assert set(back["schemas"]) == set(ANN["schemas"])


@pytest.mark.parametrize(
    ("value", "after"),
    [
        ("m2", {"value": "m2"}),
        ({"value": "m2"}, {"value": "m2"}),
        ([], None),
        ("m1", {"value": "m1", "$ref": "/Users/m1"}),
        (
            {"value": "m2", "$ref": "/Users/m2", "displayName": "x"},
            {"value": "m2", "$ref": "/Users/m2"},
        ),
        ({"$ref": "/Users/m2", "value": "m2"}, {"value": "m2", "$ref": "/Users/m2"}),
        ({"managerId": "m2"}, {"value": "m2"}),
        ("", None),
        (" ", None),
        (None, None),
        ({"managerId": "", "displayName": " "}, None),
        ({"value": None}, None),
    ],
)
def test_a_manager_comes_in_many_forms(value: object, after: object) -> None:
    """Leniencies bare_manager, manager_id and blank_value; tape entra-matching."""
    if value == []:
        with pytest.raises(InvalidValue):
            apply(op("replace", f"{ENT}:manager", value))
        return
    assert apply(op("Replace", f"{ENT}:manager", value))[ENT].get("manager") == after
    added = apply(op("Add", f"{ENT}:manager", value))[ENT].get("manager")
    assert added == (after or ANN[ENT]["manager"])


# --- Lists --------------------------------------------------------------------------------------


def test_values_are_added_once() -> None:
    """RFC 7644 section 3.5.2.1: what is already there is no change."""
    other = {"value": "x@example.com", "type": "other"}
    assert apply(op("add", "emails", [other]))["emails"] == [WORK, HOME, other]
    assert apply(op("add", "emails", other))["emails"] == [WORK, HOME, other]
    assert apply(op("add", "emails", [HOME])) is ANN
    assert apply(op("add", "emails", [{"value": "ann@home.example"}])) is ANN
    assert apply(op("add", "emails", [])) is ANN
    assert apply(op("add", "emails", [{**HOME, "display": "Ann"}]))["emails"] == [
        WORK,
        {**HOME, "display": "Ann"},
    ]
    assert apply(op("add", "roles", ["Admin"]))["roles"] == [{"value": "Admin"}]
    address = {"country": "NO", "type": "work"}
    once = apply(op("add", "addresses", [address]))
    assert apply(op("add", "addresses", [address]), to=once) is once


def test_the_whole_list_is_replaced() -> None:
    """RFC 7644 section 3.5.2.3."""
    assert apply(op("replace", "emails", [HOME]))["emails"] == [HOME]
    assert apply(op("replace", "emails", HOME))["emails"] == [HOME]
    assert apply(op("replace", "phoneNumbers", [HOME]))["phoneNumbers"] == [HOME]
    assert apply(op("replace", "emails", [])) == without("emails")
    assert apply(op("replace", "emails", None)) == without("emails")
    assert apply(op("replace", "emails", [WORK, HOME])) is ANN


def test_values_are_removed() -> None:
    """RFC 7644 section 3.5.2.2."""
    assert apply(op("remove", "emails")) == without("emails")
    assert apply(op("remove", 'emails[type eq "work"]'))["emails"] == [HOME]
    assert apply(op("remove", 'emails[type eq "other"]')) is ANN
    assert apply(op("remove", 'phoneNumbers[type eq "other"]')) is ANN
    assert apply(op("remove", 'emails[type eq "other"].display')) is ANN
    assert apply(op("remove", 'emails[not (type eq "home")]'))["emails"] == [HOME]
    assert apply(op("remove", "emails[value pr]")) == without("emails")
    assert apply(op("remove", 'emails[type eq "work"].primary'))["emails"] == [
        {"value": "ann@work.example", "type": "work"},
        HOME,
    ]
    assert apply(op("remove", 'emails[type eq "work"].value'))["emails"] == [HOME]
    assert apply(op("remove", "emails.type"))["emails"][1] == {"value": "ann@home.example"}


def test_values_are_removed_by_value() -> None:
    """leniency.removal_by_value: Entra lists them in the value."""
    assert apply(op("Remove", "emails", [{"value": "ANN@home.example"}]))["emails"] == [WORK]
    assert apply(op("Remove", "emails", HOME))["emails"] == [WORK]
    assert apply(op("Remove", "emails", "ann@home.example"))["emails"] == [WORK]
    assert apply(op("Remove", "emails", [HOME, WORK])) == without("emails")
    assert apply(op("Remove", "emails", [{**HOME, "type": "other"}])) is ANN
    assert apply(op("Remove", "emails", [None, {}, {"value": "x"}])) is ANN
    assert apply(op("Remove", "emails", [])) is ANN


def test_values_that_a_filter_finds_are_changed() -> None:
    """RFC 7644 section 3.5.2.3; tapes entra-user-lifecycle and entra-patch-forms."""
    new = {**WORK, "value": "new@work.example"}
    assert apply(op("Replace", 'emails[type eq "work"].value', "new@work.example"))["emails"] == [
        new,
        HOME,
    ]
    assert apply(op("add", 'emails[type eq "work"].value', "new@work.example"))["emails"] == [
        new,
        HOME,
    ]
    assert apply(op("replace", f'{USER_URN}:emails[TYPE eq "WORK"].Value', "new@work.example"))[
        "emails"
    ] == [new, HOME]
    assert apply(op("replace", 'emails[type eq "work"].value', ""))["emails"] == [HOME]
    assert apply(op("add", 'emails[type eq "work"].value', "")) is ANN
    assert apply(op("replace", 'emails[value ew ".example"].display', "x"))["emails"] == [
        {**WORK, "display": "x"},
        {**HOME, "display": "x"},
    ]
    assert apply(op("replace", "emails.display", "x"))["emails"][0]["display"] == "x"


def test_a_whole_value_that_a_filter_finds_is_replaced() -> None:
    """RFC 7644 section 3.5.2.3: the record is replaced; what the filter demands stays."""
    after = apply(op("replace", 'emails[type eq "work"]', {"value": "new@work.example"}))
    assert after["emails"] == [{"type": "work", "value": "new@work.example"}, HOME]
    after = apply(op("replace", 'emails[type eq "work"]', [{"value": "a", "type": "other"}]))
    assert after["emails"] == [{"type": "other", "value": "a"}, HOME]
    after = apply(op("add", 'emails[type eq "work"]', {"display": "Ann"}))
    assert after["emails"] == [{**WORK, "display": "Ann"}, HOME]
    assert apply(op("replace", 'emails[type eq "work"]', {}))["emails"] == [HOME]


def test_add_makes_the_value_that_the_filter_describes() -> None:
    """leniency.value_made_from_filter: Entra's Add for a value that is not there."""
    after = apply(op("Add", 'phoneNumbers[type eq "mobile"].value', "555"))
    assert after["phoneNumbers"] == [{"type": "mobile", "value": "555"}]
    after = apply(op("Add", 'addresses[type eq "work"].country', "NO"))
    assert after["addresses"] == [{"type": "work", "country": "NO"}]
    after = apply(op("Add", 'roles[primary eq "True"].value', "Admin"))
    assert after["roles"] == [{"primary": True, "value": "Admin"}]
    after = apply(op("Add", 'emails[type eq "other" and primary eq true]', {"value": "x"}))
    assert after["emails"][0]["primary"] is False
    assert after["emails"][2] == {"type": "other", "primary": True, "value": "x"}
    assert apply(op("add", 'phoneNumbers[type eq "mobile"].value', "")) is ANN
    assert apply(op("add", "phoneNumbers.value", "1"))["phoneNumbers"] == [{"value": "1"}]


def test_a_new_primary_takes_it_from_the_others() -> None:
    """RFC 7644 section 3.5.2: the server sets the others to false."""
    for operation in (
        op("replace", 'emails[type eq "home"].primary', True),
        op("add", "emails", [{**HOME, "primary": True}]),
        op("add", 'emails[type eq "home"]', {"primary": "True"}),
    ):
        work, home = apply(operation)["emails"]
        assert work == {**WORK, "primary": False}
        assert home == {**HOME, "primary": True}


def test_writes_of_a_password_and_of_schemas_change_nothing() -> None:
    """RFC 7643 section 4.1.1; schemas follows from the data."""
    assert apply(op("replace", "password", "secret")) is ANN
    assert apply(op("remove", "password")) is ANN
    assert apply(op("add", "schemas", [ENT, "urn:example:other"])) is ANN
    assert apply(op("add", "schemas", ENT)) is ANN
    assert apply(op("remove", "schemas")) is ANN


# --- Without path -------------------------------------------------------------------------------


def test_a_value_without_path_sets_each_attribute() -> None:
    """RFC 7644 section 3.5.2.1; tape okta-user-lifecycle."""
    assert apply(op("replace", None, {"active": False}))["active"] is False
    after = apply(
        op(
            "add",
            None,
            {"nickName": "Babs", "emails": [{"value": "x"}], "name": {"middleName": "K"}},
        )
    )
    assert after["nickName"] == "Babs"
    assert len(after["emails"]) == 3
    assert after["name"] == {"givenName": "Ann", "familyName": "Bee", "middleName": "K"}
    after = apply(op("replace", None, {"emails": [HOME], "title": None}))
    assert after["emails"] == [HOME]
    assert "title" not in after


def test_the_keys_of_a_value_without_path_may_be_paths() -> None:
    """leniency.dotted_key; tape entra-patch-forms."""
    after = apply(
        op(
            "replace",
            None,
            {
                "displayName": "Bjfe",
                "name.givenName": "Kkom",
                f"{ENT}:employeeNumber": "Aklq",
                f"{ENT}:manager": {"value": "m3"},
                'emails[type eq "work"].value': "new@work.example",
                f"{USER_URN}:nickName": "Nick",
                "noSuch.thing": "x",
                f"{ENT}:noSuchThing": "x",
                f"{USER_URN}:groups": [],
                "meta.created": "x",
            },
        )
    )
    assert after["displayName"] == "Bjfe"
    assert after["name"] == {"givenName": "Kkom", "familyName": "Bee"}
    assert after[ENT] == {
        "department": "Sales",
        "employeeNumber": "Aklq",
        "manager": {"value": "m3"},
    }
    assert after["emails"][0]["value"] == "new@work.example"
    assert after["nickName"] == "Nick"
    assert not any("." in name for name in after if ":" not in name)


def test_a_whole_resource_as_value_is_fine() -> None:
    """leniency.whole_resource_as_value."""
    whole = {**ANN, "id": "1", "meta": {"version": "x"}, "groups": [{"value": "g"}], "unknown": 1}
    assert apply(op("replace", None, whole), resource_id="1") is ANN
    assert apply(op("replace", None, {"id": None}), resource_id="1") is ANN
    kept = {**ANN, "id": "1"}
    assert apply_keeping(kept, op("replace", None, {"id": "1", "title": "x"}))["id"] == "1"
    with pytest.raises(Mutability):
        apply_keeping(kept, op("replace", None, {"id": "2", "title": "x"}))


def apply_keeping(kept: dict, operation: dict) -> dict:
    """For a document in which the caller keeps the id."""
    return patch.apply(USER, kept, patch.read({"Operations": [operation]})).document


def test_the_core_schema_as_path_is_the_resource_itself() -> None:
    """RFC 7644 section 3.10."""
    assert apply(op("replace", USER_URN, {"title": "Chief"}))["title"] == "Chief"


# --- Unknown extensions -------------------------------------------------------------------------


def test_unknown_extensions_can_be_patched() -> None:
    """leniency.unknown_extension: what POST keeps, PATCH can change."""
    assert apply(op("replace", f"{EXTENSION}:Color", "red"))[EXTENSION]["color"] == "red"
    assert apply(op("add", f"{EXTENSION.upper()}:door.side", "left"))[EXTENSION]["door"] == {
        "side": "left"
    }
    assert apply(op("remove", f"{EXTENSION}:color"))[EXTENSION] == {"floors": [1, 2]}
    assert apply(op("remove", EXTENSION)) == {
        **without(EXTENSION),
        "schemas": [USER_URN, ENT],
    }
    assert apply(op("replace", EXTENSION, {"color": None, "x": 1}))[EXTENSION] == {
        "floors": [1, 2],
        "x": 1,
    }
    assert apply(op("add", None, {EXTENSION: {"x": 1}}))[EXTENSION]["x"] == 1
    assert apply(op("add", None, {f"{EXTENSION}:door": {"a": 1}}))[EXTENSION]["door"] == {"a": 1}
    after = apply(op("add", None, {"urn:example:new:User:tag": "x", "urn:example:Fresh": {"y": 1}}))
    assert after["urn:example:new:User"] == {"tag": "x"}
    assert after["urn:example:Fresh"] == {"y": 1}
    assert set(after["schemas"]) == {*ANN["schemas"], "urn:example:new:User", "urn:example:Fresh"}
    assert apply(op("add", f"{EXTENSION}:color", None)) is ANN
    assert apply(op("add", EXTENSION, None)) is ANN
    assert apply(op("replace", EXTENSION, None)) == apply(op("remove", EXTENSION))
    certificate = {"value": "AAAA"}
    after = apply(op("add", "x509Certificates", [certificate, {"value": "aaaa"}]))
    assert len(after["x509Certificates"]) == 2
    with pytest.raises(NoTarget):
        apply(op("add", 'phoneNumbers[type eq "a" and value sw "b"].display', "x"))
    many = {f"urn:example:{i}": {"a": 1} for i in range(30)}
    with pytest.raises(InvalidValue):
        apply(op("add", None, many))
    with pytest.raises(InvalidValue):
        apply(op("add", f"{EXTENSION}:list", list(range(2000))))


# --- Order and properties -----------------------------------------------------------------------


def test_operations_are_applied_in_order() -> None:
    """RFC 7644 section 3.5.2: each sees what the one before made."""
    after = apply(
        op("remove", "emails"),
        op("add", 'emails[type eq "work"].value', "a"),
        op("replace", 'emails[type eq "work"].value', "b"),
        op("add", "emails", [{"value": "c"}]),
        op("replace", "title", "x"),
        op("remove", "title"),
    )
    assert after["emails"] == [{"type": "work", "value": "b"}, {"value": "c"}]
    assert "title" not in after


def _run(user: dict, operations: list[dict]) -> patch.Patched | None:
    try:
        return patch.apply(USER, user, patch.read({"Operations": operations}))
    except ScimError:
        return None


@many
@given(users, st.lists(patch_operations, min_size=1, max_size=4))
def test_the_result_is_in_normal_form_and_the_input_unharmed(body: dict, operations: list) -> None:
    """Rule R26; the result passes the same validation as a body."""
    user = document.read(USER, body)
    before = copy.deepcopy(user)
    patched = _run(user, operations)
    assert user == before
    if patched is not None:
        assert document.read(USER, patched.document) == patched.document
        assert patched.changed == (patched.document != before)
        assert list(patched.document["schemas"]) == sorted(
            patched.document["schemas"], key=patched.document["schemas"].index
        )


@many
@given(users, patch_operations)
def test_repeating_an_operation_changes_nothing(body: dict, operation: dict) -> None:
    """RFC 7644 section 3.5.2.1, rule R26: add, replace and remove are idempotent."""
    once = _run(document.read(USER, body), [operation])
    if once is None:
        return
    twice = _run(once.document, [operation])
    path = operation.get("path", "")
    if twice is None:
        # The first one changed what its filter looks for (replace emails[value eq "a"].value).
        assert "[" in path
        assert operation["op"] in ("add", "replace")
    elif "[" not in path or operation["op"] == "remove":
        assert twice.document == once.document
        assert not twice.changed


@some
@given(users, st.lists(patch_operations, min_size=2, max_size=4))
def test_several_operations_are_as_one_after_the_other(body: dict, operations: list) -> None:
    """RFC 7644 section 3.5.2."""
    user = document.read(USER, body)
    together = _run(user, operations)
    step: patch.Patched | None = patch.Patched(user, False)
    for operation in operations:
        step = step and _run(step.document, [operation])
    assert (together is None) == (step is None)
    if together is not None and step is not None:
        assert together.document == step.document


@some
@given(users, patch_operations)
def test_a_refusal_after_other_operations_leaves_nothing(body: dict, operation: dict) -> None:
    """RFC 7644 section 3.5.2: if one fails, the resource is unchanged."""
    user = document.read(USER, body)
    before = copy.deepcopy(user)
    with pytest.raises(ScimError):
        patch.apply(USER, user, patch.read({"Operations": [operation, op("remove", "userName")]}))
    assert user == before
