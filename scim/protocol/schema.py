"""Attributes as data: what a User and a Group are made of, and how each part may be used.

Validation, filters, PATCH paths, projections and the discovery documents all come from the tables
below; nothing about an attribute is written anywhere else. Source: RFC 7643 sections 2, 3.1, 4,
5, 6, 7 and 8.7; RFC 9865 section 4.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

CORE = "urn:ietf:params:scim:schemas:core:2.0:"
USER_URN = CORE + "User"
GROUP_URN = CORE + "Group"
ENTERPRISE_URN = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
SCHEMA_URN = CORE + "Schema"
RESOURCE_TYPE_URN = CORE + "ResourceType"
SERVICE_PROVIDER_CONFIG_URN = CORE + "ServiceProviderConfig"

MESSAGES = "urn:ietf:params:scim:api:messages:2.0:"
ERROR = MESSAGES + "Error"
LIST_RESPONSE = MESSAGES + "ListResponse"
PATCH_OP = MESSAGES + "PatchOp"
SEARCH_REQUEST = MESSAGES + "SearchRequest"
BULK_REQUEST = MESSAGES + "BulkRequest"
BULK_RESPONSE = MESSAGES + "BulkResponse"

Type = Literal[
    "string", "boolean", "decimal", "integer", "dateTime", "binary", "reference", "complex"
]
Mutability = Literal["readOnly", "readWrite", "immutable", "writeOnly"]
Returned = Literal["always", "never", "default", "request"]
Uniqueness = Literal["none", "server", "global"]

TEXT_LIMIT = 4_096
"""Characters in an ordinary string."""
KEY_LIMIT = 256
"""Characters in what is looked up or compared: userName, externalId, ids, names of groups."""
LARGE_LIMIT = 65_536
"""Characters in a photo or certificate, which may carry its data within."""


@dataclass(frozen=True, eq=False)
class Attribute:
    """One attribute with its characteristics (RFC 7643 section 2.2).

    `subs` holds the sub-attributes by lower-case name, because names ignore case (section 2.1).
    Two things are ours: `max_length` limits the characters of a string, and `blank_is_nothing`
    marks strings for which a blank means that there is no value (leniency.blank_value).
    """

    name: str
    type: Type = "string"
    multi_valued: bool = False
    required: bool = False
    case_exact: bool = False
    mutability: Mutability = "readWrite"
    returned: Returned = "default"
    uniqueness: Uniqueness = "none"
    description: str = ""
    canonical_values: tuple[str, ...] = ()
    reference_types: tuple[str, ...] = ()
    sub_attributes: tuple[Attribute, ...] = ()
    max_length: int = TEXT_LIMIT
    blank_is_nothing: bool = False
    subs: Mapping[str, Attribute] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        subs = {sub.name.lower(): sub for sub in self.sub_attributes}
        object.__setattr__(self, "subs", subs)

    def document(self) -> dict[str, object]:
        """The attribute as /Schemas shows it (RFC 7643 section 7)."""
        shown: dict[str, object] = {
            "name": self.name,
            "type": self.type,
            "multiValued": self.multi_valued,
            "description": self.description,
            "required": self.required,
            "mutability": self.mutability,
            "returned": self.returned,
        }
        if self.type == "complex":
            shown["subAttributes"] = [sub.document() for sub in self.sub_attributes]
        elif self.type not in ("boolean", "dateTime"):
            shown["caseExact"] = self.case_exact
            shown["uniqueness"] = self.uniqueness
        if self.canonical_values:
            shown["canonicalValues"] = list(self.canonical_values)
        if self.reference_types:
            shown["referenceTypes"] = list(self.reference_types)
        return shown


@dataclass(frozen=True, eq=False)
class Schema:
    """A schema and its attributes; `by_name` finds them by lower-case name."""

    urn: str
    name: str
    description: str
    attributes: tuple[Attribute, ...]
    by_name: Mapping[str, Attribute] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {a.name.lower(): a for a in self.attributes})


class Resolved(NamedTuple):
    """What a name means: the attribute, its sub-attribute if one is named, and where it stands.

    urn: the extension whose object holds the attribute, None for the resource itself. A name that
    means a whole extension resolves to `whole`: a complex attribute called by the extension's URN.
    """

    urn: str | None
    attribute: Attribute
    sub: Attribute | None

    @property
    def leaf(self) -> Attribute:
        """The attribute that is compared or set: the sub-attribute where one is named."""
        return self.sub or self.attribute


@dataclass(frozen=True, eq=False)
class ResourceType:
    """A kind of resource: its endpoint, core schema and extensions (RFC 7643 section 6).

    `core` finds common and core attributes by lower-case name, `containers` the extensions (as
    complex attributes) by lower-case URN. Both are made once, because every request asks them.
    """

    name: str
    endpoint: str
    schema: Schema
    extensions: tuple[Schema, ...] = ()
    core: Mapping[str, Attribute] = field(init=False, repr=False)
    containers: Mapping[str, Attribute] = field(init=False, repr=False)
    names: Mapping[tuple[str | None, str, str | None], Resolved] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        core = {a.name.lower(): a for a in (*COMMON, *self.schema.attributes)}
        containers = {
            extension.urn.lower(): Attribute(
                extension.urn,
                "complex",
                description=extension.description,
                sub_attributes=extension.attributes,
            )
            for extension in self.extensions
        }
        object.__setattr__(self, "core", core)
        object.__setattr__(self, "containers", containers)
        object.__setattr__(self, "names", self._all_names(core, containers))

    def _all_names(
        self, core: Mapping[str, Attribute], containers: Mapping[str, Attribute]
    ) -> dict[tuple[str | None, str, str | None], Resolved]:
        names: dict[tuple[str | None, str, str | None], Resolved] = {}

        def put(prefixes: Iterable[str | None], urn: str | None, attribute: Attribute) -> None:
            for prefix in prefixes:
                names[prefix, attribute.name.lower(), None] = Resolved(urn, attribute, None)
                for lower, sub in attribute.subs.items():
                    names[prefix, attribute.name.lower(), lower] = Resolved(urn, attribute, sub)

        for attribute in core.values():
            put((None, self.schema.urn.lower()), None, attribute)
        for lower, container in containers.items():
            for attribute in container.sub_attributes:
                put((lower,), container.name, attribute)
            # The last colon is taken for the one before the name, so a whole extension reads
            # as the name "User" in the schema "urn:…:enterprise:2.0".
            prefix, _, last = lower.rpartition(":")
            names[prefix, last, None] = names[None, lower, None] = Resolved(None, container, None)
        return names


def resolve(
    resource_type: ResourceType, urn: str | None, name: str, sub: str | None = None
) -> Resolved | None:
    """Find what a name means for a resource type, in any case; None if it means nothing.

    urn: the schema that qualifies the name, or None for common and core attributes. A whole
    extension is found under its own URN, split at its last colon as filters and paths do it.
    Source: RFC 7643 section 2.1, RFC 7644 section 3.10.
    """
    return resource_type.names.get(
        (urn.lower() if urn else None, name.lower(), sub.lower() if sub else None)
    )


# --- Attributes ---------------------------------------------------------------------------------


def _string(name: str, description: str, **characteristics: Any) -> Attribute:
    return Attribute(name, description=description, **characteristics)


def _reference(name: str, description: str, *types: str, max_length: int = TEXT_LIMIT) -> Attribute:
    return Attribute(
        name,
        "reference",
        case_exact=True,  # RFC 7643 section 2.3.7
        description=description,
        reference_types=types,
        max_length=max_length,
    )


def _values(name: str, description: str, value: Attribute, *types: str) -> Attribute:
    """A multi-valued attribute with the usual sub-attributes (RFC 7643 section 2.4)."""
    return Attribute(
        name,
        "complex",
        multi_valued=True,
        description=description,
        sub_attributes=(
            replace(value, blank_is_nothing=True),
            _string("display", "A name to show for the value."),
            _string("type", "What the value is used for.", canonical_values=types),
            Attribute(
                "primary",
                "boolean",
                description="Whether this is the preferred value; one at most.",
            ),
        ),
    )


COMMON = (
    Attribute(
        "schemas",
        "reference",
        multi_valued=True,
        required=True,
        case_exact=True,
        returned="always",
        description="The URNs of the schemas whose attributes are present.",
        max_length=KEY_LIMIT,
    ),
    _string(
        "id",
        "The identifier that this service gave the resource.",
        case_exact=True,
        mutability="readOnly",
        returned="always",
        uniqueness="server",
        max_length=KEY_LIMIT,
    ),
    _string(
        "externalId",
        "The identifier that the identity provider gave the resource.",
        case_exact=True,
        max_length=KEY_LIMIT,
        blank_is_nothing=True,
    ),
    Attribute(
        "meta",
        "complex",
        mutability="readOnly",
        description="Facts about the resource, kept by this service.",
        sub_attributes=(
            _string("resourceType", "The kind.", case_exact=True, mutability="readOnly"),
            Attribute("created", "dateTime", mutability="readOnly", description="When made."),
            Attribute(
                "lastModified", "dateTime", mutability="readOnly", description="Last change."
            ),
            replace(_reference("location", "The address.", "uri"), mutability="readOnly"),
            _string("version", "The entity tag.", case_exact=True, mutability="readOnly"),
        ),
    ),
)
"""What every resource has (RFC 7643 sections 3 and 3.1); not listed in the schemas (section 7)."""

USER_SCHEMA = Schema(
    USER_URN,
    "User",
    "User Account",
    (
        _string(
            "userName",
            "The name by which the identity provider knows the person, unique in the application, "
            "whatever its case.",
            required=True,
            uniqueness="server",
            max_length=KEY_LIMIT,
        ),
        Attribute(
            "name",
            "complex",
            description="The parts of the person's name.",
            sub_attributes=(
                _string("formatted", "The full name, ready to be shown."),
                _string("familyName", "The family name, or last name."),
                _string("givenName", "The given name, or first name."),
                _string("middleName", "The middle names."),
                _string("honorificPrefix", "A title before the name, such as Ms."),
                _string("honorificSuffix", "A suffix after the name, such as III."),
            ),
        ),
        _string("displayName", "The name to show for the person."),
        _string("nickName", "The casual name of the person."),
        _reference("profileUrl", "The address of the person's profile page.", "external"),
        _string("title", "The job title, such as Vice President."),
        _string("userType", "The relation to the organization, such as Contractor."),
        _string("preferredLanguage", "The languages that the person prefers, as in RFC 9110."),
        _string("locale", "The locale for dates, numbers and currency, such as en-US."),
        _string("timezone", "The time zone in the IANA database's form, such as Europe/Oslo."),
        Attribute(
            "active",
            "boolean",
            description="Whether the person may hold a seat. False frees the seat and keeps the "
            "person.",
        ),
        _string(
            "password",
            "Accepted and never stored: people sign in elsewhere.",
            case_exact=True,
            mutability="writeOnly",
            returned="never",
        ),
        _values(
            "emails",
            "E-mail addresses.",
            _string("value", "The e-mail address."),
            *("work", "home", "other"),
        ),
        _values(
            "phoneNumbers",
            "Telephone numbers.",
            _string("value", "The number, best as in RFC 3966."),
            *("work", "home", "mobile", "fax", "pager", "other"),
        ),
        _values(
            "ims",
            "Addresses for instant messages.",
            _string("value", "The address."),
            *("aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo"),
        ),
        _values(
            "photos",
            "Pictures of the person.",
            _reference("value", "The picture's URL.", "external", max_length=LARGE_LIMIT),
            *("photo", "thumbnail"),
        ),
        Attribute(
            "addresses",
            "complex",
            multi_valued=True,
            description="Postal addresses.",
            sub_attributes=(
                _string("formatted", "The full address, ready to be shown."),
                _string("streetAddress", "Street, house number and the like."),
                _string("locality", "City or town."),
                _string("region", "State or region."),
                _string("postalCode", "Postal code."),
                _string("country", "Country, as in ISO 3166-1 alpha-2."),
                _string(
                    "type",
                    "What the address is used for.",
                    canonical_values=("work", "home", "other"),
                ),
                Attribute(
                    "primary",
                    "boolean",
                    description="Whether this is the preferred address; one at most.",
                ),
            ),
        ),
        Attribute(
            "groups",
            "complex",
            multi_valued=True,
            mutability="readOnly",
            description="The groups that the person is a member of. Changed through the groups.",
            sub_attributes=(
                _string("value", "The group's id.", case_exact=True, mutability="readOnly"),
                replace(_reference("$ref", "The group's address.", "Group"), mutability="readOnly"),
                _string("display", "The group's name.", mutability="readOnly"),
                _string(
                    "type",
                    "How the person is a member.",
                    mutability="readOnly",
                    canonical_values=("direct",),
                ),
            ),
        ),
        _values(
            "entitlements", "Things the person is entitled to.", _string("value", "One thing.")
        ),
        _values("roles", "Roles that the person has.", _string("value", "One role.")),
        _values(
            "x509Certificates",
            "Certificates of the person.",
            Attribute(
                "value",
                "binary",
                case_exact=True,  # RFC 7643 section 2.3.6
                description="The certificate as DER, in base64.",
                max_length=LARGE_LIMIT,
            ),
        ),
    ),
)
"""RFC 7643 section 4.1."""

ENTERPRISE_SCHEMA = Schema(
    ENTERPRISE_URN,
    "EnterpriseUser",
    "Enterprise User",
    (
        _string(
            "employeeNumber",
            "The number that the organization gave the person. It decides who gets a seat first.",
            max_length=KEY_LIMIT,
            blank_is_nothing=True,
        ),
        _string("costCenter", "The cost center."),
        _string("organization", "The organization's name."),
        _string("division", "The division's name."),
        _string("department", "The department's name."),
        Attribute(
            "manager",
            "complex",
            description="The person's manager.",
            sub_attributes=(
                _string(
                    "value",
                    "The id of the manager's User.",
                    case_exact=True,  # as every id (RFC 7643 section 3.1)
                    max_length=KEY_LIMIT,
                    blank_is_nothing=True,
                ),
                replace(
                    _reference("$ref", "The address of the manager's User.", "User"),
                    blank_is_nothing=True,
                ),
                _string("displayName", "The manager's name.", mutability="readOnly"),
            ),
        ),
    ),
)
"""RFC 7643 section 4.3."""

GROUP_SCHEMA = Schema(
    GROUP_URN,
    "Group",
    "Group",
    (
        _string(
            "displayName",
            "The group's name, unique whatever its case.",
            required=True,
            uniqueness="server",
            max_length=KEY_LIMIT,
        ),
        Attribute(
            "members",
            "complex",
            multi_valued=True,
            description="The people in the group.",
            sub_attributes=(
                _string(
                    "value",
                    "The id of the member.",
                    case_exact=True,
                    mutability="immutable",
                    max_length=KEY_LIMIT,
                ),
                replace(
                    _reference("$ref", "The address of the member.", "User"), mutability="immutable"
                ),
                _string(
                    "type",
                    "The kind of the member: people only, groups hold no groups.",
                    mutability="immutable",
                    canonical_values=("User",),
                ),
                _string(
                    "display",
                    "The member's name; ask for it with attributes=members.display.",
                    mutability="readOnly",
                    returned="request",
                ),
            ),
        ),
    ),
)
"""RFC 7643 section 4.2."""

USER = ResourceType("User", "/Users", USER_SCHEMA, (ENTERPRISE_SCHEMA,))
GROUP = ResourceType("Group", "/Groups", GROUP_SCHEMA)
RESOURCE_TYPES = (USER, GROUP)
SCHEMAS = (USER_SCHEMA, ENTERPRISE_SCHEMA, GROUP_SCHEMA)


# --- Discovery documents ------------------------------------------------------------------------


def schema_documents(base_url: str) -> list[dict[str, object]]:
    """What /Schemas lists, one document for each schema (RFC 7643 section 7)."""
    return [
        {
            "schemas": [SCHEMA_URN],
            "id": schema.urn,
            "name": schema.name,
            "description": schema.description,
            "attributes": [attribute.document() for attribute in schema.attributes],
            "meta": _meta(base_url, "Schema", f"/Schemas/{schema.urn}"),
        }
        for schema in SCHEMAS
    ]


def resource_type_documents(base_url: str) -> list[dict[str, object]]:
    """What /ResourceTypes lists (RFC 7643 section 6)."""
    return [
        {
            "schemas": [RESOURCE_TYPE_URN],
            "id": resource_type.name,
            "name": resource_type.name,
            "endpoint": resource_type.endpoint,
            "description": resource_type.schema.description,
            "schema": resource_type.schema.urn,
            "schemaExtensions": [
                {"schema": extension.urn, "required": False}
                for extension in resource_type.extensions
            ],
            "meta": _meta(base_url, "ResourceType", f"/ResourceTypes/{resource_type.name}"),
        }
        for resource_type in RESOURCE_TYPES
    ]


def service_provider_config(
    base_url: str,
    *,
    max_results: int,
    max_operations: int,
    max_payload: int,
    default_results: int | None = None,
) -> dict[str, object]:
    """What this server can do (RFC 7643 section 5; paging by RFC 9865 section 4).

    max_results: resources on one page at most; max_operations and max_payload (bytes): what one
    bulk request may hold; default_results: resources on a page when count is not given.
    """
    pagination: dict[str, object] = {
        "cursor": True,
        "index": True,
        "defaultPaginationMethod": "index",
        "maxPageSize": max_results,
    }
    if default_results is not None:
        pagination["defaultPageSize"] = default_results
    return {
        "schemas": [SERVICE_PROVIDER_CONFIG_URN],
        "patch": {"supported": True},
        "bulk": {
            "supported": True,
            "maxOperations": max_operations,
            "maxPayloadSize": max_payload,
        },
        "filter": {"supported": True, "maxResults": max_results},
        "changePassword": {"supported": False},
        "sort": {"supported": True},
        "etag": {"supported": True},
        "pagination": pagination,
        "authenticationSchemes": [
            {
                "type": "oauthbearertoken",
                "name": "Bearer token",
                "description": "A token issued in the Admin Center, sent as "
                "“Authorization: Bearer TOKEN”.",
                "specUri": "https://www.rfc-editor.org/rfc/rfc6750",
                "primary": True,
            }
        ],
        "meta": _meta(base_url, "ServiceProviderConfig", "/ServiceProviderConfig"),
    }


def _meta(base_url: str, resource_type: str, path: str) -> dict[str, object]:
    return {"resourceType": resource_type, "location": base_url.rstrip("/") + path}
