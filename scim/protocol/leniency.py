"""What identity providers send and the RFCs do not allow, each form by its name.

`LENIENCIES` tells them all, for the documentation: name → who sends it and what is done. Forms
that are one step are functions here, which document.py, filter.py and patch.py call; the others
are described here and marked by their name where they are read. What is not listed is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from .errors import InvalidFilter

if TYPE_CHECKING:
    from .schema import Attribute

LENIENCIES: dict[str, str] = {}

_Function = TypeVar("_Function", bound=Callable[..., object])


def _form(function: _Function) -> _Function:
    """Put a function's name and docstring into the register."""
    LENIENCIES[function.__name__] = " ".join((function.__doc__ or "").split())
    return function


# --- Messages -----------------------------------------------------------------------------------


@_form
def operation_in_any_case(op: str) -> str:
    """Entra writes the operation as “Add”, “Replace” and “Remove”; the RFC has lower case."""
    return op.lower()


@_form
def member_in_any_case(message: dict[str, object], name: str) -> object:
    """Microsoft's validator and older connectors write “operations”, “Op”, “Path” or “Value”;
    names of JSON members in messages are found in any case. None if there is no such member."""
    if name in message:
        return message[name]
    lower = name.lower()
    for key, value in message.items():
        if key.lower() == lower:
            return value
    return None


@_form
def single_operation(operations: object) -> object:
    """Home-grown connectors send one PATCH operation as an object instead of a list of one."""
    return [operations] if isinstance(operations, dict) else operations


LENIENCIES["message_without_schemas"] = (
    "OneLogin rules and scripts leave out “schemas”, or send it empty. The endpoint tells what the "
    "message is. A list that names only other schemas is refused."
)
LENIENCIES["extension_not_in_schemas"] = (
    "OneLogin's template sends the enterprise extension without naming it in “schemas”. It is "
    "taken, and “schemas” of the stored resource names what is there."
)
LENIENCIES["schema_without_data"] = (
    "Entra names http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group when it "
    "creates a group, and sends no attribute of it. A schema without data is forgotten."
)
LENIENCIES["unknown_extension"] = (
    "Okta and Entra send attributes of extensions that the customer invented (custom namespaces). "
    "They are kept as they come, in any resource and by PATCH, within limits of size."
)
LENIENCIES["unknown_attribute"] = (
    "IdPs send every attribute that somebody once mapped. Unknown attributes of the resource "
    "itself are ignored in bodies; named by a path or a filter they are refused."
)
LENIENCIES["null_id"] = (
    "OneLogin sends “id”: null when it creates. Attributes that are read-only (id, meta, groups) "
    "are ignored in bodies, as RFC 7644 section 3.3 says, and null is no value."
)

# --- Values -------------------------------------------------------------------------------------

_TRUTH = {"true": True, "false": False}


@_form
def boolean_as_string(value: str) -> bool | None:
    """Entra sends “True” and “False”, OneLogin “true” and “false”, as strings, for active and
    primary, also in filters (roles[primary eq "True"]). None if it is another string."""
    return _TRUTH.get(value.strip().lower()) if len(value) < 20 else None


@_form
def blank_value(text: str) -> bool:
    """OneLogin's template fills "" or " " where a field is not set: for the manager, externalId,
    employeeNumber and the value of an e-mail, telephone number and the like, a blank is nothing."""
    return not text.strip()


@_form
def bare_manager(value: str) -> dict[str, object]:
    """Entra sends the manager as the bare id, and "" when there is none any more."""
    return {"value": value}


@_form
def manager_id(value: dict[str, object]) -> dict[str, object]:
    """OneLogin's template sends {"managerId": "…", "displayName": "…"} as the manager."""
    if any(key.lower() == "value" for key in value):
        return value
    return {("value" if key.lower() == "managerid" else key): part for key, part in value.items()}


@_form
def bare_value(value: str) -> dict[str, object]:
    """Microsoft's validator sends members as bare ids; Entra's SingleAppRoleAssignment can send
    roles and entitlements as bare strings. A string there means {"value": string}."""
    return {"value": value}


BARE_VALUES = frozenset(("members", "roles", "entitlements"))


# --- Filters ------------------------------------------------------------------------------------

_UNQUOTED = re.compile(r"[A-Za-z0-9_.@+:-]{1,256}")


@_form
def unquoted_value(token: str) -> str | None:
    """Microsoft's Postman collection asks for userName sw O and meta.created gt 2015-10-10T…,
    without quotes. One word of letters, digits and . _ @ + : - is taken as a string; what reads
    as a number stays a number. None for anything else."""
    return token if _UNQUOTED.fullmatch(token) else None


@_form
def bare_complex(attribute: Attribute) -> Attribute:
    """Entra asks for …:User:manager eq "id", others for emails eq "…" or members eq "…": an
    attribute with a sub-attribute “value” that is compared as a whole is compared by it."""
    value = attribute.subs.get("value")
    if value is None:
        names = ", ".join(f"{attribute.name}.{sub.name}" for sub in attribute.sub_attributes[:3])
        raise InvalidFilter(
            f"{attribute.name} has parts and cannot be compared as a whole. Compare a part, such "
            f"as {names}."
        )
    return value


LENIENCIES["not_without_parentheses"] = (
    "Clients write “not title pr”; the RFC wants parentheses after not. It negates the next term."
)
LENIENCIES["sub_attribute_after_value_filter"] = (
    'Entra matches people with emails[type eq "work"].value eq "…", which the grammar of filters '
    "does not have. It means that one value fulfils both."
)

# --- PATCH --------------------------------------------------------------------------------------

LENIENCIES["patch_without_schemas"] = "See message_without_schemas; the same for PATCH and Bulk."
LENIENCIES["dotted_key"] = (
    "Entra (with its flag aadOptscim062020) sends a value without a path whose keys are paths: "
    "“name.givenName”, “urn:…:User:employeeNumber”, 'emails[type eq \"work\"].value'. Each is an "
    "operation with that path. Bodies of POST and PUT may have the first two."
)
LENIENCIES["value_made_from_filter"] = (
    'Entra adds emails[type eq "work"].value where there is no such e-mail. Add then makes one '
    "from what the filter says: {type: work, value: …}. Replace is refused with noTarget."
)
LENIENCIES["whole_resource_as_value"] = (
    "Okta repeats the id beside the new name of a group; others send the whole resource, with "
    "schemas, meta and groups. Without a path, read-only attributes are ignored. Another id than "
    "that of the resource is refused."
)
LENIENCIES["single_value_for_list"] = (
    "Connectors add or replace one e-mail or member as an object instead of a list of one."
)
LENIENCIES["removal_by_value"] = (
    "Entra removes members, and values of other lists, with path “members” and the values in "
    "“value” (a list or one object), where the RFC wants a filter in the path. Only those listed "
    "go; an empty list removes nothing."
)
LENIENCIES["removal_of_nothing"] = (
    "Removing what is not there, also a member that nobody knows, is no error and no change, so "
    "that every request can be repeated."
)
LENIENCIES["empty_path"] = "Some connectors send “path” as null or “”; that is no path."
