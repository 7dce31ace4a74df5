"""Bodies and their normal form: RFC 7643 sections 2 and 3, RFC 7644 sections 3.3, 3.5.1 and 3.8."""

from __future__ import annotations

import base64

import orjson
import pytest
from hypothesis import given
from scim2_models import EnterpriseUser, User

from scim.protocol import document
from scim.protocol.errors import InvalidSyntax, InvalidValue, PayloadTooLarge, ScimError
from scim.protocol.schema import ENTERPRISE_URN, GROUP, GROUP_URN, USER, USER_URN

from .strategies import many, users


def user(**attributes: object) -> dict:
    """A user as it is read from a body with these attributes."""
    return document.read(USER, {"schemas": [USER_URN], "userName": "ann", **attributes})


def refusal(kind: type[ScimError], **attributes: object) -> str:
    with pytest.raises(kind) as refused:
        user(**attributes)
    return refused.value.detail


# --- JSON ---------------------------------------------------------------------------------------


def load(body: str | bytes) -> dict:
    return document.load(body.encode() if isinstance(body, str) else body, limit=10_000)


def test_a_json_object_is_loaded() -> None:
    """RFC 7644 section 3.8: UTF-8, with or without byte order mark."""
    assert load('{"a": "é😀"}') == {"a": "é😀"}
    assert load(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}
    assert load('{"a": 123456789012345678901234567890}')["a"] == 123456789012345678901234567890.0


@pytest.mark.parametrize(
    "body",
    [
        "",
        " ",
        "[1, 2]",
        '"a"',
        "null",
        "{",
        '{"a": }',
        '{"a": NaN}',
        '{"a": 1} x',
        "{'a': 1}",
        b"\xff\xfe{\x00}\x00",
        b'{"a": "\xff"}',
        '{"a": "\\ud800"}',
        '{"a": 1e999}',
        '{"a":' * 300 + "1" + "}" * 300,
    ],
)
def test_what_is_no_json_object_is_invalid_syntax(body: str | bytes) -> None:
    """RFC 7644 section 3.12, table 9; tape rfc-errors."""
    with pytest.raises(InvalidSyntax):
        load(body)


@pytest.mark.parametrize(
    "body",
    [
        '{"a": 1, "a": 2}',
        '{"x": {"a": 1, "b": "\\"", "a": null}}',
        '{"a": "\\\\", "a": "\\\\"}',
        '{"x": [{"a": 1}, {"b": 1, "\\u0062": 2}]}',
    ],
)
def test_the_same_name_twice_is_invalid_syntax(body: str) -> None:
    """RFC 8259 section 4 leaves open which one counts."""
    with pytest.raises(InvalidSyntax, match="twice"):
        load(body)


@pytest.mark.parametrize(
    "body",
    [
        '{"a": "\\"a\\": 1, \\"a\\": 2"}',
        '{"\\\\": "\\\\\\"", "b": "\\u0022\\u005c"}',
        '{"a": [{"a": 1}, {"a": 2}], "b": {"a": "\\/"}}',
        '{"a": "\\n\\\\"}',
        '{"\\"": "\\\\\\\\"}',
    ],
)
def test_escapes_are_not_taken_for_repeated_names(body: str) -> None:
    """The count of quotation marks leaves escaped ones aside."""
    assert load(body) == orjson.loads(body)


def test_a_body_above_the_limit_is_too_large() -> None:
    """RFC 7644 table 8: 413."""
    with pytest.raises(PayloadTooLarge):
        document.load(b"{}" + b" " * 99, limit=100)
    assert document.load(b"{}" + b" " * 98, limit=100) == {}


# --- Normal form --------------------------------------------------------------------------------


def test_names_get_their_canonical_spelling_and_nothing_is_nothing() -> None:
    """RFC 7643 sections 2.1 and 2.5."""
    read = document.read(
        USER,
        {
            "SCHEMAS": [USER_URN.upper(), ENTERPRISE_URN],
            "username": "Ann",
            "NAME": {"GivenName": "Ann", "familyname": None, "unknown": 1},
            "emails": [{"Value": "a@example.com", "TYPE": "work", "Primary": True}, None, {}],
            "phoneNumbers": [],
            "title": None,
            "addresses": [{"type": "work", "country": None}],
            ENTERPRISE_URN.upper(): {"Department": "Sales", "costCenter": None},
            "favouriteColour": "blue",
        },
    )
    assert read == {
        "schemas": [USER_URN, ENTERPRISE_URN],
        "userName": "Ann",
        "name": {"givenName": "Ann"},
        "emails": [{"value": "a@example.com", "type": "work", "primary": True}],
        ENTERPRISE_URN: {"department": "Sales"},
    }


def test_read_only_attributes_are_ignored_and_passwords_dropped() -> None:
    """RFC 7644 section 3.3, RFC 7643 section 4.1.1."""
    read = user(
        id="mine",
        meta={"resourceType": "User", "created": "no date"},
        groups=[{"value": "admins"}],
        password="secret",
        **{ENTERPRISE_URN: {"manager": {"value": "1", "displayName": "Boss"}}},
    )
    assert read == {
        "schemas": [USER_URN, ENTERPRISE_URN],
        "userName": "ann",
        ENTERPRISE_URN: {"manager": {"value": "1"}},
    }


def test_a_password_that_is_no_string_is_refused() -> None:
    """RFC 7643 section 4.1.1."""
    assert "password" in refusal(InvalidValue, password=5)


@pytest.mark.parametrize("name", [None, "", "  ", "\t"])
def test_a_user_name_is_required(name: object) -> None:
    """RFC 7643 section 4.1.1; tape rfc-errors."""
    assert "userName" in refusal(InvalidValue, userName=name)
    with pytest.raises(InvalidValue, match="userName is required, also when"):
        document.read(USER, {"displayName": "x"}, for_replace=True)


@pytest.mark.parametrize("name", [None, "", "  "])
def test_a_group_needs_a_name(name: object) -> None:
    """RFC 7643 section 4.2."""
    with pytest.raises(InvalidValue, match="displayName"):
        document.read(GROUP, {"displayName": name})


@pytest.mark.parametrize(
    ("attributes", "named"),
    [
        ({"active": "perhaps"}, "active"),
        ({"active": 1}, "active"),
        ({"emails": "a@example.com"}, "emails"),
        ({"emails": {"value": "a"}}, "emails"),
        ({"emails": ["a@example.com"]}, "emails[0]"),
        ({"emails": [{"value": "a"}, {"value": 5}]}, "emails[1].value"),
        ({"emails": [{"value": "a", "primary": "sure"}]}, "emails[0].primary"),
        ({"name": "Ann"}, "name"),
        ({"name": {"givenName": ["Ann"]}}, "name.givenName"),
        ({"title": 5}, "title"),
        ({"title": True}, "title"),
        ({"title": "a\x00b"}, "title"),
        ({"title": "a\ud800b"}, "title"),
        ({"title": "x" * 4097}, "title"),
        ({"userName": "x" * 257}, "userName"),
        ({"externalId": "x" * 257}, "externalId"),
        ({"x509Certificates": [{"value": "not base64!"}]}, "x509Certificates[0].value"),
        ({"x509Certificates": [{"value": "A"}]}, "x509Certificates[0].value"),
        ({"emails": [{"value": str(i)} for i in range(1001)]}, "emails"),
        ({ENTERPRISE_URN: "Sales"}, ENTERPRISE_URN),
        ({ENTERPRISE_URN: {"manager": 5}}, f"{ENTERPRISE_URN}:manager"),
        ({ENTERPRISE_URN: {"manager": {"value": 5}}}, f"{ENTERPRISE_URN}:manager.value"),
        ({"urn:example:x": "text"}, "urn:example:x"),
        ({"urn:example:x": {"a": "\x00"}}, "urn:example:x"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_name(attributes: dict, named: str) -> None:
    """RFC 7644 section 3.12: invalidValue names the attribute."""
    assert named in refusal(InvalidValue, **attributes)


def test_one_value_at_most_is_primary() -> None:
    """RFC 7643 section 2.4."""
    two = [{"value": "a", "primary": True}, {"value": "b", "primary": "true"}]
    assert "emails" in refusal(InvalidValue, emails=two)


def test_equal_values_are_kept_once() -> None:
    """RFC 7643 section 2.4."""
    twice = [{"value": "a", "type": "work"}, {"type": "work", "value": "a"}, {"value": "b"}]
    assert user(emails=twice)["emails"] == [{"value": "a", "type": "work"}, {"value": "b"}]


def test_certificates_and_pictures_may_be_large() -> None:
    """RFC 7643 section 2.3.6: base64 with either alphabet."""
    raw = bytes(range(256)) * 100
    for text in (
        base64.b64encode(raw).decode(),
        base64.urlsafe_b64encode(raw).decode().rstrip("="),
    ):
        read = user(x509Certificates=[{"value": text}], photos=[{"value": "data:" + "x" * 60_000}])
        assert read["x509Certificates"][0]["value"] == text
    assert "photos[0].value" in refusal(InvalidValue, photos=[{"value": "x" * 70_000}])


def test_the_same_attribute_in_two_spellings_is_refused() -> None:
    """RFC 7643 section 2.1: names ignore case, so these are one attribute."""
    assert "title" in refusal(InvalidSyntax, title="a", Title="b")
    assert "givenName" in refusal(InvalidSyntax, name={"givenName": "a", "GIVENNAME": "b"})
    assert "twice" in refusal(InvalidSyntax, name={"givenName": "a"}, **{"name.givenName": "b"})
    assert "twice" in refusal(InvalidSyntax, **{"urn:x:y": {"a": 1}, "URN:X:Y": {"a": 1}})
    assert user(title="a", Title=None)["title"] == "a"


# --- Schemas ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "schemas",
    [None, [], [USER_URN], [ENTERPRISE_URN.lower()], [USER_URN, "http://example.com/other"]],
)
def test_schemas_may_be_missing_but_not_wrong(schemas: object) -> None:
    """RFC 7643 section 3; leniencies message_without_schemas and schema_without_data."""
    assert user(schemas=schemas)["schemas"] == [USER_URN]


def test_a_body_of_another_schema_is_refused() -> None:
    """RFC 7644 table 9: invalidSyntax."""
    assert USER_URN in refusal(InvalidSyntax, schemas=[GROUP_URN])
    assert USER_URN in refusal(InvalidSyntax, schemas=["urn:scim:schemas:core:1.0"])


@pytest.mark.parametrize("schemas", [USER_URN, [USER_URN] * 51, [5], {"a": 1}, [USER_URN, None], 5])
def test_schemas_is_a_list_of_strings(schemas: object) -> None:
    """RFC 7643 section 3."""
    refusal(InvalidValue, schemas=schemas)


def test_unknown_extensions_stay_as_they_came() -> None:
    """Rule R7: other attributes are kept and returned unharmed."""
    badge = {"Colour": "blue", "levels": [1, 2.5, True, {"x": "y", "gone": None}], "none": []}
    read = user(**{"urn:example:Badge:1.0": badge, "urn:example:empty": {}, "x:y": {"a": None}})
    assert read["urn:example:Badge:1.0"] == {
        "Colour": "blue",
        "levels": [1, 2.5, True, {"x": "y"}],
    }
    assert read["schemas"] == [USER_URN, "urn:example:Badge:1.0"]


def test_attributes_that_only_look_like_extensions_find_their_place() -> None:
    """leniency.dotted_key: keys with a URN, as Entra's PATCH has them."""
    read = user(
        **{
            f"{ENTERPRISE_URN}:employeeNumber": "7",
            f"{ENTERPRISE_URN}:manager.value": "1",
            f"{USER_URN}:title": "Boss",
            "name.givenName": "Ann",
            f"{ENTERPRISE_URN}:noSuchThing": "x",
            f"{USER_URN}:groups": [{"value": "x"}],
            USER_URN: {"title": "nested"},
            "emails.value": "x",
            "name.familyName": "Bee",
            f"{USER_URN}:password": "secret",
            f"{USER_URN}:schemas": [ENTERPRISE_URN],
        }
    )
    assert read == {
        "schemas": [USER_URN, ENTERPRISE_URN],
        "userName": "ann",
        ENTERPRISE_URN: {"employeeNumber": "7", "manager": {"value": "1"}},
        "title": "Boss",
        "name": {"givenName": "Ann", "familyName": "Bee"},
    }


@pytest.mark.parametrize(
    "attributes",
    [
        {"urn:" + "x" * 300: {"a": 1}},
        {"urn:example:x": {"a": "x" * 5000}},
        {"urn:example:x": {"a" * 5000: 1}},
        {"urn:example:\x00": {"a": 1}},
        {"urn:example:x": {"a": list(range(2000))}},
        {f"urn:example:{i}": {"a": 1} for i in range(21)},
    ],
)
def test_unknown_extensions_are_bounded(attributes: dict) -> None:
    """20 extensions, 1,000 values each, texts of 4,096 characters, names of 256."""
    refusal(InvalidValue, **attributes)


def test_a_dotted_key_may_name_the_manager() -> None:
    """Leniencies dotted_key and bare_manager together."""
    assert user(**{f"{ENTERPRISE_URN}:manager": "1"})[ENTERPRISE_URN]["manager"] == {"value": "1"}
    assert user(**{ENTERPRISE_URN: {"manager": "1"}})[ENTERPRISE_URN]["manager"] == {"value": "1"}
    assert user(**{f"{ENTERPRISE_URN}:manager": " "}) == user()
    assert user(**{"urn:example:x": None}) == user()


# --- Groups -------------------------------------------------------------------------------------


def test_members_are_ids_each_once_in_order() -> None:
    """RFC 7643 section 4.2; leniency.bare_value."""
    members = [
        {"value": "b", "$ref": None, "display": "B"},
        {"Value": "a", "type": "User"},
        "c",
        {"value": "b"},
    ]
    read = document.read(GROUP, {"displayName": "g", "members": members})
    assert read["members"] == [{"value": "b"}, {"value": "a"}, {"value": "c"}]
    assert document.member_ids(read) == ["b", "a", "c"]
    assert document.member_ids({"displayName": "g"}) == []


@pytest.mark.parametrize(
    ("members", "named"),
    [
        ("a", "members"),
        ({"value": "a"}, "members"),
        ([{"value": "a"}, {}], "members[1].value is missing"),
        ([{"value": ""}], "members[0].value is missing"),
        ([{"value": None, "type": "User"}], "members[0].value is missing"),
        ([{"value": 5}], "members[0]"),
        ([5], "members[0]"),
        ([None], "members[0]"),
        ([{"value": "a\x00"}], "members[0]"),
        ([{"value": "x" * 257}], "members[0]"),
        ([{"value": "a", "type": "Group"}], "only users"),
        ([{"value": "a", "type": 5}], "members[0].type"),
    ],
)
def test_members_that_are_none_are_refused_by_place(members: object, named: str) -> None:
    """RFC 7643 section 4.2; groups hold no groups here."""
    with pytest.raises(InvalidValue) as refused:
        document.read(GROUP, {"displayName": "g", "members": members})
    assert named in refused.value.detail


def test_a_hundred_thousand_members_are_read_fast() -> None:
    """Groups are large; reading takes linear time."""
    members = [{"value": f"{i:036d}", "display": "x"} for i in range(100_000)]
    read = document.read(GROUP, {"displayName": "g", "members": members})
    assert len(read["members"]) == 100_000
    with pytest.raises(PayloadTooLarge):
        document.read(GROUP, {"displayName": "g", "members": members * 3})


def test_a_group_with_microsofts_schema_is_read() -> None:
    """Tape entra-group-membership; leniency.schema_without_data."""
    extra = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"
    read = document.read(
        GROUP,
        {"schemas": [GROUP_URN, extra], "displayName": "g", "meta": {"resourceType": "Group"}},
    )
    assert read == {"schemas": [GROUP_URN], "displayName": "g"}


# --- Properties ---------------------------------------------------------------------------------


@many
@given(users)
def test_reading_a_normal_form_changes_nothing(body: dict) -> None:
    """The normal form is its own normal form."""
    before = orjson.dumps(body)
    read = document.read(USER, body)
    assert document.read(USER, read) == read
    assert orjson.dumps(body) == before


@many
@given(users)
def test_an_independent_library_reads_the_same_user(body: dict) -> None:
    """scim2-models as the judge, on attributes that both know."""
    read = document.read(USER, body)
    # Theirs wants a valid address in e-mails; the RFC says SHOULD, and we keep what comes.
    known = {name: value for name, value in read.items() if ":" not in name and name != "emails"}
    if ENTERPRISE_URN in read:
        known[ENTERPRISE_URN] = read[ENTERPRISE_URN]
    known["schemas"] = [urn for urn in read["schemas"] if "example" not in urn]
    model = User[EnterpriseUser].model_validate(known)
    assert model.user_name == read["userName"]
    dumped = model.model_dump(by_alias=True, mode="json")
    for name in ("name", "title", "active", "displayName", "externalId", "addresses", "roles"):
        assert dumped.get(name) == read.get(name)
