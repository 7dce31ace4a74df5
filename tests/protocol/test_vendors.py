"""Bodies and questions as Okta, Entra, OneLogin and Microsoft's own test collection send them.

Sources: the replay tapes, Okta's SPEC test, PostmanCollection.json of AzureAD/SCIMReferenceCode.
"""

from __future__ import annotations

import inspect

import pytest

from scim.protocol import document, filter, leniency, patch
from scim.protocol.errors import InvalidValue
from scim.protocol.evaluate import matches
from scim.protocol.leniency import LENIENCIES
from scim.protocol.schema import ENTERPRISE_URN, GROUP, GROUP_URN, PATCH_OP, USER, USER_URN

ENT = ENTERPRISE_URN

OKTA = {
    "schemas": [USER_URN],
    "userName": "okta@example.com",
    "name": {"givenName": "Test", "familyName": "User"},
    "emails": [{"primary": True, "value": "okta@example.com", "type": "work"}],
    "displayName": "Test User",
    "locale": "en-US",
    "externalId": "00u1",
    "groups": [],
    "active": True,
    "password": "1mz050nq",
}
ENTRA = {
    "schemas": [USER_URN, ENT],
    "externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
    "userName": "Test_User_ab6490ee",
    "active": True,
    "emails": [{"primary": True, "type": "work", "value": "Test_User@testuser.com"}],
    "meta": {"resourceType": "User"},
    "name": {"formatted": "given family", "familyName": "family", "givenName": "given"},
    "roles": [],
}
ONELOGIN = {
    ENT: {"department": "Sales", "manager": {"managerId": "", "displayName": " "}},
    "active": "true",
    "emails": [{"value": "one@example.com", "type": "work", "primary": True}],
    "meta": {"resourceType": "User"},
    "name": {"familyName": "Doe", "givenName": "Jane", "formatted": "Jane Doe"},
    "userName": "one@example.com",
    "id": None,
    "schemas": [USER_URN],
}
POSTMAN = {
    "userName": "emp1",
    "active": "True",
    "addresses": [
        {
            "country": "Bermuda",
            "formatted": "9132 Way\nSouth Nancy",
            "type": "work",
            "primary": False,
        },
        {
            "country": None,
            "formatted": "18522 Lisa",
            "locality": None,
            "type": "other",
            "primary": False,
        },
    ],
    "emails": [
        {"Primary": True, "type": "work", "value": "anna33@gmail.com"},
        {"Primary": False, "type": "work", "value": "anna33@example.com"},
    ],
    "meta": {"created": "2019-09-18T18:15:26.5788954+00:00", "resourceType": "User"},
    "name": {"familyName": "Employee", "givenName": "Darl", "honorificPrefix": None},
    "phoneNumbers": [{"type": "fax", "primary": False, "value": "312-320-0500"}],
    "preferredLanguage": "xh",
    "roles": [],
    "title": "Site engineer",
    "externalId": "22fbc523",
    "schemas": [ENT, USER_URN],
    ENT: {"Department": "bob", "Manager": {"Value": "SuzzyQ"}},
}


def test_okta_creates_a_person() -> None:
    """Tape okta-user-lifecycle; Okta's SPEC test sends the same without password."""
    read = document.read(USER, OKTA)
    assert read == {n: v for n, v in OKTA.items() if n not in ("groups", "password")}


def test_entra_creates_a_person() -> None:
    """Tape entra-user-lifecycle."""
    read = document.read(USER, ENTRA)
    assert read == {
        **{n: v for n, v in ENTRA.items() if n not in ("meta", "roles")},
        "schemas": [USER_URN],
    }


def test_onelogin_creates_a_person() -> None:
    """Tape onelogin-person: null id, active as a string, blank manager, unnamed extension."""
    read = document.read(USER, ONELOGIN)
    assert read["active"] is True
    assert read[ENT] == {"department": "Sales"}
    assert read["schemas"] == [USER_URN, ENT]
    assert "id" not in read
    blank = {"value": " ", "type": "mobile"}
    assert "phoneNumbers" not in document.read(USER, {**ONELOGIN, "phoneNumbers": [blank]})


def test_microsofts_collection_creates_a_person() -> None:
    """Names in other cases, nulls in lists, active as “True”, seven digits of a second."""
    read = document.read(USER, POSTMAN)
    assert read["active"] is True
    assert read["addresses"][1] == {"formatted": "18522 Lisa", "type": "other", "primary": False}
    assert [email["primary"] for email in read["emails"]] == [True, False]
    assert read[ENT] == {"department": "bob", "manager": {"value": "SuzzyQ"}}
    without_name = {n: v for n, v in POSTMAN.items() if n != "userName"}
    with pytest.raises(InvalidValue):
        document.read(USER, {**without_name, "userame": "OMalley"}, for_replace=True)
    misspelled = {**POSTMAN, "adreses": POSTMAN["addresses"]}
    assert document.read(USER, misspelled) == read


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ('DisplayName eq "BobIsAmazing"', False),
        ('displayName ne "BobIsAmazing"', True),
        (
            "name.FamilyName eq Employee and (emails.Value co example.com or title co x)",
            True,
        ),
        ("userName sw E", True),
        ("userName sw O", False),
        ('emails[type eq "work"].value eq "ANNA33@gmail.com"', True),
        (f'{ENT}:manager eq "SuzzyQ"', True),
        (f'id eq "1" and {ENT}:manager eq "SuzzyQ"', False),
        ('externalId eq "22FBC523"', False),
        ('active eq "True"', True),
        ("not active eq true", False),
    ],
)
def test_what_vendors_ask_for_is_found(text: str, holds: bool) -> None:
    """Tapes entra-matching and rfc-filters, Microsoft's collection."""
    user = document.read(USER, POSTMAN)
    assert matches(filter.check(filter.parse(text), USER), user, USER) is holds


def test_times_of_dotnet_are_compared() -> None:
    """Microsoft's collection: meta.Created gt 2015-10-10T14:38:21.8617979-07:00."""
    shown = {"meta": {"created": "2019-09-18T18:15:26.5788954+00:00"}}
    text = "meta.Created gt 2015-10-10T14:38:21.8617979-07:00"
    assert matches(filter.check(filter.parse(text), USER), shown, USER)


def test_microsofts_collection_changes_a_group() -> None:
    """A body with id, a bare id as value, unknown parts of a member and of an operation."""
    group = document.read(GROUP, {"schemas": [GROUP_URN], "displayName": "Group 1", "members": []})
    for value in ("string id 1", [{"displayName": "new User", "value": "string id 1"}]):
        operation = {"name": "addMember", "op": "add", "path": "members", "value": value}
        body = {"id": "1", "Operations": [operation], "schemas": [PATCH_OP]}
        patched = patch.apply_group(group, patch.read(body), resource_id="1")
        assert patched.members.add == ("string id 1",)


def test_every_leniency_is_described() -> None:
    """Rule R6: what we take beyond the RFC is documented, each form by its name."""
    for name, description in LENIENCIES.items():
        assert name.isidentifier()
        assert len(description) > 30
        assert "\n" not in description
    functions = {
        name
        for name, _ in inspect.getmembers(leniency, inspect.isfunction)
        if not name.startswith("_")
    }
    assert functions <= LENIENCIES.keys()
