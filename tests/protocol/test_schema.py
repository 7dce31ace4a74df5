"""Attributes, names and discovery documents: RFC 7643 sections 4 to 8."""

from __future__ import annotations

import pytest
import scim2_models
from scim2_models import EnterpriseUser, Group, ResourceType, Schema, ServiceProviderConfig, User

from scim.protocol import schema
from scim.protocol.schema import ENTERPRISE_URN, GROUP, GROUP_URN, USER, USER_URN, resolve

BASE = "https://seatkeeper.example/scim/v2"


def test_the_documents_are_read_by_an_independent_library() -> None:
    """RFC 7643 sections 5, 6 and 7."""
    schemas = [Schema.model_validate(d) for d in schema.schema_documents(BASE)]
    assert [s.id for s in schemas] == [USER_URN, ENTERPRISE_URN, GROUP_URN]
    for document in schemas:
        assert str(document.meta.location) == f"{BASE}/Schemas/{document.id}"
        scim2_models.Resource.from_schema(document)
    types = [ResourceType.model_validate(d) for d in schema.resource_type_documents(BASE)]
    assert [(t.name, str(t.endpoint)) for t in types] == [("User", "/Users"), ("Group", "/Groups")]
    assert str(types[0].schema_extensions[0].schema_) == ENTERPRISE_URN
    assert types[0].schema_extensions[0].required is False


def test_the_service_provider_config_tells_the_truth() -> None:
    """RFC 7643 section 5, RFC 9865 section 4."""
    document = schema.service_provider_config(
        BASE + "/", max_results=500, max_operations=1000, max_payload=2**20, default_results=100
    )
    config = ServiceProviderConfig.model_validate(document)
    assert config.patch.supported
    assert config.bulk.supported
    assert (config.bulk.max_operations, config.bulk.max_payload_size) == (1000, 2**20)
    assert config.filter.supported
    assert config.filter.max_results == 500
    assert config.sort.supported
    assert config.etag.supported
    assert not config.change_password.supported
    assert config.authentication_schemes[0].type == "oauthbearertoken"
    assert document["meta"]["location"] == f"{BASE}/ServiceProviderConfig"
    assert document["pagination"] == {
        "cursor": True,
        "index": True,
        "defaultPaginationMethod": "index",
        "defaultPageSize": 100,
        "maxPageSize": 500,
    }


def _flat(attributes, prefix="") -> dict[str, dict]:
    found = {}
    for attribute in attributes:
        found[prefix + attribute["name"]] = attribute
        found |= _flat(attribute.get("subAttributes", ()), f"{prefix}{attribute['name']}.")
    return found


@pytest.mark.parametrize(
    ("urn", "model"), [(USER_URN, User), (ENTERPRISE_URN, EnterpriseUser), (GROUP_URN, Group)]
)
def test_the_attributes_are_those_of_the_rfc(urn: str, model) -> None:
    """RFC 7643 sections 4.1 to 4.3 and 8.7.1, as scim2-models has them."""
    ours = next(d for d in schema.schema_documents(BASE) if d["id"] == urn)
    theirs = model.to_schema().model_dump(by_alias=True, mode="json")
    ours, theirs = _flat(ours["attributes"]), _flat(theirs["attributes"])
    assert ours.keys() == theirs.keys()
    for name, attribute in ours.items():
        assert attribute["type"] == theirs[name]["type"], name
        assert attribute["multiValued"] == theirs[name]["multiValued"], name
        if name != "members.display":  # no part of RFC 7643 section 8.7.1; ours on request only
            assert attribute["returned"] == theirs[name]["returned"], name
        if not name.startswith(("groups.", "members.")):
            assert attribute["mutability"] == theirs[name]["mutability"], name
        # Sections 2.3.6 and 2.3.7 say that binary and reference values are case exact, and section
        # 8.7.1 shows them as if they were not; a password is compared with nothing.
        if attribute["type"] == "string":
            exact = theirs[name].get("caseExact") or False
            assert attribute["caseExact"] == exact or name == "password", name


def test_the_user_name_is_unique_whatever_its_case() -> None:
    """RFC 7643 section 4.1.1; asked by the tape rfc-discovery."""
    user = schema.schema_documents(BASE)[0]
    shown = next(a for a in user["attributes"] if a["name"] == "userName")
    assert (
        shown.items()
        >= {
            "type": "string",
            "multiValued": False,
            "required": True,
            "caseExact": False,
            "mutability": "readWrite",
            "returned": "default",
            "uniqueness": "server",
        }.items()
    )


@pytest.mark.parametrize(
    ("urn", "name", "sub", "found"),
    [
        (None, "USERNAME", None, (None, "userName", None)),
        (USER_URN.upper(), "username", None, (None, "userName", None)),
        (None, "emails", "VALUE", (None, "emails", "value")),
        (USER_URN, "Emails", "value", (None, "emails", "value")),
        (ENTERPRISE_URN, "manager", None, (ENTERPRISE_URN, "manager", None)),
        (
            ENTERPRISE_URN.lower(),
            "Manager",
            "displayname",
            (ENTERPRISE_URN, "manager", "displayName"),
        ),
        (ENTERPRISE_URN.rpartition(":")[0], "user", None, (None, ENTERPRISE_URN, None)),
        (None, ENTERPRISE_URN, None, (None, ENTERPRISE_URN, None)),
        (None, "meta", "lastmodified", (None, "meta", "lastModified")),
        (None, "ID", None, (None, "id", None)),
    ],
)
def test_names_are_found_in_any_case_with_and_without_urn(urn, name, sub, found) -> None:
    """RFC 7643 section 2.1, RFC 7644 section 3.10."""
    resolved = resolve(USER, urn, name, sub)
    assert resolved is not None
    part = resolved.sub.name if resolved.sub else None
    assert (resolved.urn, resolved.attribute.name, part) == found


@pytest.mark.parametrize(
    ("urn", "name", "sub"),
    [
        (None, "employeeNumber", None),
        (None, "members", None),
        (None, "userName", "value"),
        (None, "emails", "nothing"),
        (GROUP_URN, "displayName", None),
        (ENTERPRISE_URN, "userName", None),
        ("", "", ""),
    ],
)
def test_names_of_nothing_are_not_found(urn, name, sub) -> None:
    """RFC 7644 section 3.10: attributes of extensions need their URN."""
    assert resolve(USER, urn, name, sub) is None


def test_groups_have_members_and_no_user_attributes() -> None:
    """RFC 7643 section 4.2."""
    members = resolve(GROUP, None, "members", "$REF")
    assert members is not None
    assert members.leaf.mutability == "immutable"
    assert resolve(GROUP, None, "userName") is None
