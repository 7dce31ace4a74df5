"""What the property tests draw from: JSON, texts, documents in normal form, filters, operations."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from scim.protocol.filter import And, AttrPath, Compare, Not, Or, Present, ValuePath
from scim.protocol.schema import ENTERPRISE_URN, GROUP, USER

some = settings(
    max_examples=40,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
many = settings(some, max_examples=80)

EXTENSION = "urn:example:params:scim:schemas:extension:badge:2.0:User"

# Keys and texts that mean something are drawn often, so that fuzzing gets past the first check.
NAMES = [
    *(a.name for a in USER.core.values()),
    *(a.name.upper() for a in USER.schema.attributes),
    "members",
    "value",
    "type",
    "primary",
    "$ref",
    "display",
    "givenName",
    "familyName",
    "Operations",
    "op",
    "path",
    "bulkId",
    "method",
    "data",
    "schemas",
    "manager",
    "managerId",
    ENTERPRISE_URN,
    ENTERPRISE_URN.lower(),
    ENTERPRISE_URN + ":manager",
    EXTENSION,
    EXTENSION + ":color",
    "name.givenName",
    "name.",
    ".",
    ":",
    "urn:",
    "emails.value",
    'emails[type eq "work"].value',
    "emails[",
    "urn:ietf:params:scim:schemas:core:2.0:User",
]
TEXTS = [
    "",
    " ",
    "True",
    "false",
    "add",
    "Replace",
    "REMOVE",
    "/Users",
    "/Groups/1",
    "POST",
    "DELETE",
    "bulkId:a",
    "a",
    "work",
    "Ⅷ",
    "\x00",
    "\ud800",
    "😀",
    "ß",
    "İ",
    "1" * 5000,
    *NAMES,
    "urn:ietf:params:scim:api:messages:2.0:PatchOp",
    USER.schema.urn,
    GROUP.schema.urn,
    'members[value eq "1"]',
    'members[value eq "1" or type eq "User"]',
    'roles[primary eq "True"]',
    "emails[not (value pr)]",
    "active",
    "userName",
    ENTERPRISE_URN + ":manager.displayName",
]

text = st.one_of(st.sampled_from(TEXTS), st.text(max_size=20))
keys = st.one_of(st.sampled_from(NAMES), st.text(max_size=10))
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=True), text)
json = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(keys, inner, max_size=5)),
    max_leaves=20,
)
objects = st.dictionaries(keys, json, max_size=8)

words = st.sampled_from(["a", "A", "b", "ann@example.com", "ANN@example.com", "work", "home", "é"])
types = st.sampled_from(["work", "home", "other"])


def values(subs: dict[str, st.SearchStrategy[object]]) -> st.SearchStrategy[list[dict]]:
    """A list of complex values as an IdP may send it, with one primary at most."""
    element = st.fixed_dictionaries({}, optional=subs)

    def with_one_primary(elements: list[dict], which: int) -> list[dict]:
        return [{**e, "primary": True} if i == which else e for i, e in enumerate(elements)]

    return st.builds(with_one_primary, st.lists(element, max_size=4), st.integers(0, 8))


emails = values({"value": words, "type": types, "display": words})
addresses = values({"country": words, "type": types, "locality": words})
enterprise = st.fixed_dictionaries(
    {},
    optional={
        "employeeNumber": words,
        "department": words,
        "manager": st.fixed_dictionaries({}, optional={"value": words, "$ref": words}),
    },
)
users = st.fixed_dictionaries(
    {"userName": words},
    optional={
        "externalId": words,
        "displayName": words,
        "title": words,
        "active": st.booleans(),
        "name": st.fixed_dictionaries({}, optional={"givenName": words, "familyName": words}),
        "emails": emails,
        "phoneNumbers": emails,
        "roles": emails,
        "addresses": addresses,
        ENTERPRISE_URN: enterprise,
        EXTENSION: st.dictionaries(
            st.sampled_from(["color", "floor"]),
            st.one_of(st.booleans(), st.integers(-5, 5), words),
        ),
    },
)

# --- Filters ------------------------------------------------------------------------------------

comparable = st.one_of(
    words,
    st.booleans(),
    st.none(),
    st.integers(-10, 10),
    st.floats(-5, 5),
    st.text(max_size=8).filter(
        lambda t: "\x00" not in t and not any(0xD800 <= ord(c) <= 0xDFFF for c in t)
    ),
)
names = st.sampled_from(
    ["userName", "title", "active", "externalId", "emails", "name", "meta", "noSuchThing", "$ref"]
)
subs = st.sampled_from(["value", "type", "givenName", "primary", "created", "nothing"])
urns = st.sampled_from([USER.schema.urn, ENTERPRISE_URN, EXTENSION])
paths = st.builds(AttrPath, st.none() | urns, names, st.none() | subs)
inner_paths = st.builds(AttrPath, st.none(), subs)
operators = st.sampled_from(["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"])


def _tree(leaf):
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            st.builds(Not, inner),
            st.builds(And, st.lists(inner, min_size=2, max_size=3).map(tuple)),
            st.builds(Or, st.lists(inner, min_size=2, max_size=3).map(tuple)),
        ),
        max_leaves=8,
    )


value_filters = _tree(
    st.one_of(
        st.builds(Compare, inner_paths, operators, comparable), st.builds(Present, inner_paths)
    )
)
filters = _tree(
    st.one_of(
        st.builds(Compare, paths, operators, comparable),
        st.builds(Present, paths),
        st.builds(ValuePath, st.builds(AttrPath, st.none() | urns, names), value_filters),
    )
)

# --- Operations that can be carried out ---------------------------------------------------------

_simple_targets = st.sampled_from(
    [
        "title",
        "displayName",
        "nickName",
        "name.givenName",
        "externalId",
        "userName",
        ENTERPRISE_URN + ":department",
        ENTERPRISE_URN + ":manager",
        EXTENSION + ":color",
    ]
)
_list_targets = st.sampled_from(["emails", "phoneNumbers", "roles"])
_found_targets = st.sampled_from(
    [
        'emails[type eq "work"]',
        'emails[value eq "a"]',
        "roles[primary eq true]",
        'phoneNumbers[type eq "home" or value co "b"]',
    ]
)
_element = st.fixed_dictionaries(
    {"value": words}, optional={"type": types, "primary": st.booleans()}
)
patch_operations = st.one_of(
    st.fixed_dictionaries(
        {"op": st.sampled_from(["add", "replace"]), "path": _simple_targets, "value": words}
    ),
    st.fixed_dictionaries(
        {"op": st.just("remove"), "path": st.one_of(_simple_targets, _list_targets, _found_targets)}
    ),
    st.fixed_dictionaries(
        {"op": st.sampled_from(["add", "replace"]), "path": _list_targets, "value": emails}
    ),
    st.fixed_dictionaries(
        {"op": st.sampled_from(["add", "replace"]), "path": _found_targets, "value": _element}
    ),
    st.fixed_dictionaries(
        {
            "op": st.sampled_from(["add", "replace"]),
            "path": _found_targets.map(lambda p: p + ".value"),
            "value": words,
        }
    ),
    st.fixed_dictionaries(
        {"op": st.just("remove"), "path": _list_targets, "value": st.lists(_element, max_size=3)}
    ),
    st.fixed_dictionaries({"op": st.sampled_from(["add", "replace"]), "value": users}),
)
