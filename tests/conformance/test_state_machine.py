"""Users and Groups against a small model of the RFC, step by step, drawn by Hypothesis.

A rule sends one request and does the same to the model; after each the whole directory, read with
GET, must be the model. The model knows nothing of the product's code: it is dictionaries, and for
each form of PATCH a few lines that say what RFC 7644 section 3.5.2 makes of them.

./test draws the same 30 walks of 30 steps each time. SEATKEEPER_WALKS=1000 draws as many new ones:

    SEATKEEPER_WALKS=1000 ./test tests/conformance/test_state_machine.py
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
)

from scim.applications import base_url
from tests import factories, walks

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"

Document = dict[str, Any]


class Refused(Exception):
    """What the model says no to: the status, and the scimType or None."""

    def __init__(self, status: int, scim_type: str | None) -> None:
        super().__init__(status, scim_type)
        self.status, self.scim_type = status, scim_type


# ------------------------------------------------------------------ what is drawn

user_names = st.sampled_from(
    ["ann", "ANN", "bob@example.com", "Bob@Example.com", "cy", "dora", "é", "É"]
)
addresses = st.sampled_from(["a@example.com", "b@example.com", "c@example.com", "A@example.com"])
texts = st.sampled_from(["x", "Boss", "boss", "Éa", "zz", "a b", "100%_\\"])
ids = st.sampled_from(["e1", "E1", "e2"])
group_names = st.sampled_from(["Red", "red ", "Blue", "Grün", "GRÜN", "x"])
positions = st.integers(0, 20)

emails = st.lists(
    st.fixed_dictionaries(
        {"value": addresses}, optional={"type": st.sampled_from(["work", "home"])}
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda email: (email["value"].casefold(), email.get("type")),
)


@st.composite
def email_lists(draw: Callable[..., Any]) -> list[Document]:
    """Of different addresses, with one primary at most (RFC 7643 section 2.4)."""
    drawn = [dict(email) for email in draw(emails)]
    if draw(st.booleans()):
        drawn[draw(st.integers(0, len(drawn) - 1))]["primary"] = True
    return drawn


enterprise = st.fixed_dictionaries(
    {}, optional={"employeeNumber": ids, "department": texts, "manager": st.just({"value": "m"})}
)
people = st.fixed_dictionaries(
    {"userName": user_names},
    optional={
        "externalId": ids,
        "displayName": texts,
        "title": texts,
        "nickName": texts,
        "active": st.booleans(),
        "name": st.fixed_dictionaries({}, optional={"givenName": texts, "familyName": texts}),
        "emails": email_lists(),
        ENTERPRISE: enterprise,
    },
)

# ------------------------------------------------------------------ the model of PATCH


def without_nothing(document: Document) -> Document:
    """RFC 7643 section 2.5: empty, null and missing are one."""
    return {name: value for name, value in document.items() if value not in (None, [], {})}


def by_address(email: Document, *, typed: bool) -> Any:
    value = email["value"].casefold()
    return (value, email.get("type")) if typed else value


def once(values: list[Document]) -> list[Document]:
    """Each value once, in the order of their first places."""
    return [value for place, value in enumerate(values) if value not in values[:place]]


def add_emails(old: list[Document], new: list[Document]) -> list[Document]:
    """3.5.2.1: what is there already by value and type is not added again, but updated."""
    values = [dict(email) for email in old]
    primary = None
    for email in new:
        places = [
            place
            for typed in ((True,) if "type" in email else (True, False))
            for place, other in enumerate(values)
            if by_address(other, typed=typed) == by_address(email, typed=typed)
        ]
        if not places:
            values.append({})
            places = [len(values) - 1]
        values[places[0]] |= email
        if email.get("primary"):
            primary = places[0]
    if primary is not None:
        for place, email in enumerate(values):
            if place != primary and email.get("primary"):
                email["primary"] = False  # 3.5.2: a new primary takes it from the others
    return once(values)


def set_path(document: Document, path: str, value: Any) -> None:
    """Set one attribute, or take it away with None; names, dotted, or with the URN."""
    if path.startswith(f"{ENTERPRISE}:"):
        path = path.removeprefix(f"{ENTERPRISE}:")
        inner = document.setdefault(ENTERPRISE, {})
        set_path(inner, path, value)
        if not inner:
            del document[ENTERPRISE]
        return
    name, _, sub = path.partition(".")
    if sub:
        inner = document.setdefault(name, {})
        set_path(inner, sub, value)
        if not inner:
            del document[name]
    elif value is None:
        document.pop(name, None)
    else:
        document[name] = value


class Change:
    """One PATCH operation: as it is sent, and what it does to a document."""

    def __init__(self, sent: Document, do: Callable[[Document], None]) -> None:
        self.sent, self.do = sent, do

    def __repr__(self) -> str:
        return repr(self.sent)


def _refuse(status: int, scim_type: str) -> Callable[[Document], None]:
    def do(document: Document) -> None:
        raise Refused(status, scim_type)

    return do


SIMPLE = [
    "title", "nickName", "displayName", "externalId", "name.givenName", "name.familyName",
    f"{ENTERPRISE}:department", f"{ENTERPRISE}:employeeNumber",
]  # fmt: skip
writing = st.sampled_from(["add", "replace", "Add", "Replace"])
removing = st.sampled_from(["remove", "Remove"])


@st.composite
def simple_changes(draw: Callable[..., Any]) -> Change:
    path = draw(st.sampled_from(SIMPLE))
    spelt = draw(st.sampled_from([path, path.upper() if ":" not in path else path, path]))
    if draw(st.integers(0, 3)) == 0:
        return Change({"op": draw(removing), "path": spelt}, lambda d: set_path(d, path, None))
    value = draw(texts)
    return Change(
        {"op": draw(writing), "path": spelt, "value": value}, lambda d: set_path(d, path, value)
    )


@st.composite
def pathless_changes(draw: Callable[..., Any]) -> Change:
    """3.5.2.1 and 3.5.2.3 without a path; names that are paths are Entra's (dotted_key)."""
    values = draw(st.dictionaries(st.sampled_from(SIMPLE), texts, min_size=1, max_size=3))

    def do(document: Document) -> None:
        for path, value in values.items():
            set_path(document, path, value)

    nested: Document = {"noSuchAttribute": 1, "groups": [], "meta": {}}
    if draw(st.booleans()):
        for path, value in values.items():
            set_path(nested, path, value)
        return Change({"op": draw(writing), "value": nested}, do)
    return Change({"op": draw(writing), "path": draw(st.sampled_from(["", None])),
                   "value": values}, do)  # fmt: skip


@st.composite
def active_changes(draw: Callable[..., Any]) -> Change:
    """As a boolean, and as the text that Entra and OneLogin send."""
    active = draw(st.booleans())
    said = draw(st.sampled_from([active, str(active), str(active).lower()]))
    sent = draw(st.sampled_from([{"path": "active", "value": said}, {"value": {"active": said}}]))
    return Change({"op": draw(writing), **sent}, lambda d: set_path(d, "active", active))


@st.composite
def email_changes(draw: Callable[..., Any]) -> Change:
    kind = draw(st.sampled_from(["work", "home"]))
    new, one = draw(email_lists()), draw(addresses)

    def found(document: Document) -> list[Document]:
        return [email for email in document.get("emails", []) if email.get("type") == kind]

    def add(document: Document) -> None:
        document["emails"] = add_emails(document.get("emails", []), new)

    def replace(document: Document) -> None:
        document["emails"] = once(copy.deepcopy(new))

    def remove(document: Document) -> None:
        document.pop("emails", None)

    def remove_found(document: Document) -> None:
        left = [email for email in document.get("emails", []) if email.get("type") != kind]
        set_path(document, "emails", left or None)

    def remove_listed(document: Document) -> None:
        typed = {by_address(email, typed=True) for email in new if "type" in email}
        loose = {by_address(email, typed=False) for email in new if "type" not in email}
        left = [email for email in document.get("emails", [])
                if by_address(email, typed=True) not in typed
                and by_address(email, typed=False) not in loose]  # fmt: skip
        set_path(document, "emails", left or None)

    def replace_value(document: Document) -> None:
        if not found(document):
            raise Refused(400, "noTarget")  # 3.5.2.3
        for email in found(document):
            email["value"] = one
        document["emails"] = once(document["emails"])

    def add_value(document: Document) -> None:
        if found(document):
            replace_value(document)
        else:  # Entra: made from the filter
            document["emails"] = [*document.get("emails", []), {"type": kind, "value": one}]

    def replace_found(document: Document) -> None:
        if not found(document):
            raise Refused(400, "noTarget")
        for email in found(document):
            email.clear()
            email |= {"type": kind, "value": one}
        document["emails"] = once(document["emails"])

    where = f'emails[type eq "{kind}"]'
    sent, do = draw(
        st.sampled_from(
            [
                ({"op": "add", "path": "emails", "value": new}, add),
                ({"op": "Add", "value": {"emails": new}}, add),
                ({"op": "replace", "path": "emails", "value": new}, replace),
                ({"op": "replace", "value": {"EMAILS": new}}, replace),
                ({"op": "remove", "path": "emails"}, remove),
                ({"op": "remove", "path": where}, remove_found),
                ({"op": "Remove", "path": "emails", "value": new}, remove_listed),
                ({"op": "replace", "path": f"{where}.value", "value": one}, replace_value),
                ({"op": "Add", "path": f"{where}.value", "value": one}, add_value),
                ({"op": "replace", "path": where, "value": {"value": one}}, replace_found),
                ({"op": "replace", "path": where, "value": [{"value": one}]}, replace_found),
            ]
        )
    )
    return Change(sent, do)


@st.composite
def whole_changes(draw: Callable[..., Any]) -> Change:
    """Complex attributes as a whole are merged: parts that are not named stay."""
    name = draw(st.fixed_dictionaries({"givenName": texts}, optional={"familyName": texts}))
    data = draw(st.fixed_dictionaries({"department": texts}, optional={"employeeNumber": ids}))
    return draw(
        st.sampled_from(
            [
                Change({"op": "replace", "path": "name", "value": name},
                       lambda d: d.setdefault("name", {}).update(name)),
                Change({"op": "add", "value": {"name": name}},
                       lambda d: d.setdefault("name", {}).update(name)),
                Change({"op": "remove", "path": "name"}, lambda d: d.pop("name", None)),
                Change({"op": "replace", "value": {ENTERPRISE: data}},
                       lambda d: d.setdefault(ENTERPRISE, {}).update(data)),
                Change({"op": "add", "path": ENTERPRISE, "value": data},
                       lambda d: d.setdefault(ENTERPRISE, {}).update(data)),
                Change({"op": "remove", "path": ENTERPRISE}, lambda d: d.pop(ENTERPRISE, None)),
                Change({"op": "Replace", "path": f"{ENTERPRISE}:manager", "value": "m2"},
                       lambda d: d.setdefault(ENTERPRISE, {}).update(manager={"value": "m2"})),
                Change({"op": "replace", "path": f"{ENTERPRISE}:manager", "value": ""},
                       lambda d: set_path(d, f"{ENTERPRISE}:manager", None)),
            ]
        )
    )  # fmt: skip


refused_changes = st.sampled_from(
    [
        Change({"op": "replace", "path": "id", "value": "x"}, _refuse(400, "mutability")),
        Change({"op": "add", "path": "meta.created", "value": "x"}, _refuse(400, "mutability")),
        Change({"op": "remove", "path": "groups"}, _refuse(400, "mutability")),
        Change({"op": "remove", "path": "userName"}, _refuse(400, "mutability")),
        Change({"op": "replace", "path": "noSuchThing", "value": 1}, _refuse(400, "invalidPath")),
        Change({"op": "replace", "path": "title[", "value": 1}, _refuse(400, "invalidPath")),
        Change({"op": "replace", "path": "active", "value": "maybe"}, _refuse(400, "invalidValue")),
        Change({"op": "replace", "path": "userName", "value": ""}, _refuse(400, "invalidValue")),
        Change({"op": "add", "path": "emails", "value": "x"}, _refuse(400, "invalidValue")),
        Change({"op": "replace", "path": 'title[value eq "x"]', "value": "x"},
               _refuse(400, "invalidPath")),
        Change({"op": "replace", "value": {"id": "another"}}, _refuse(400, "mutability")),
    ]
)  # fmt: skip

changes = st.one_of(
    simple_changes(), pathless_changes(), active_changes(), email_changes(), whole_changes(),
    simple_changes(), email_changes(),
)  # fmt: skip

# ------------------------------------------------------------------ filters, each with its meaning


def _text(user: Document, name: str) -> str | None:
    value: Any = user
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value.casefold() if isinstance(value, str) else None


Meaning = tuple[str, Callable[[Document], bool]]


@st.composite
def terms(draw: Callable[..., Any]) -> Meaning:
    name = draw(st.sampled_from(["userName", "title", "displayName", "name.familyName"]))
    value = draw(st.one_of(texts, user_names))
    low, quoted = value.casefold(), value.replace("\\", "\\\\")
    work = [
        (f'emails[type eq "work" and value co "{value[:1]}"]'.replace("\\", "\\\\"),
         lambda u: any(e.get("type") == "work" and low[:1] in e["value"].casefold()
                       for e in u.get("emails", []))),
        ("emails pr", lambda u: bool(u.get("emails"))),
        ('emails.type eq "home"', lambda u: any(e.get("type") == "home"
                                                for e in u.get("emails", []))),
        ("emails[not (type pr)]", lambda u: any("type" not in e for e in u.get("emails", []))),
        ("active eq false", lambda u: u["active"] is False),
        ("active ne false", lambda u: u["active"] is not False),
        (f"{name} pr", lambda u: _text(u, name) is not None),
        (f'externalId eq "{value}"'.replace("\\", "\\\\"), lambda u: u.get("externalId") == value),
        ('externalId eq "e1"', lambda u: u.get("externalId") == "e1"),
        (f'{ENTERPRISE}:employeeNumber eq "e1"',
         lambda u: u.get(ENTERPRISE, {}).get("employeeNumber", "").casefold() == "e1"),
        ("title eq null", lambda u: "title" not in u),
    ]  # fmt: skip
    operators: dict[str, Callable[[str], bool]] = {
        "eq": lambda v: v == low, "co": lambda v: low in v, "sw": lambda v: v.startswith(low),
        "ew": lambda v: v.endswith(low), "gt": lambda v: v > low, "ge": lambda v: v >= low,
        "lt": lambda v: v < low, "le": lambda v: v <= low, "EQ": lambda v: v == low,
    }  # fmt: skip
    operator = draw(st.sampled_from(list(operators)))
    compared: Meaning = (
        f'{name} {operator} "{quoted}"',
        lambda u: (got := _text(u, name)) is not None and operators[operator](got),
    )
    return draw(st.sampled_from([compared, compared, compared, *work]))


def _both(pair: tuple[Meaning, Meaning]) -> Meaning:
    return (f"({pair[0][0]}) and ({pair[1][0]})", lambda u: pair[0][1](u) and pair[1][1](u))


def _either(pair: tuple[Meaning, Meaning]) -> Meaning:
    return (f"{pair[0][0]} or {pair[1][0]}", lambda u: pair[0][1](u) or pair[1][1](u))


filters = st.recursive(
    terms(),
    lambda inner: st.one_of(
        inner.map(lambda one: (f"not ({one[0]})", lambda u: not one[1](u))),
        st.tuples(inner, inner).map(_both),
        st.tuples(inner, inner).map(_either),
    ),
    max_leaves=3,
)

# ------------------------------------------------------------------ the walk


class Walk(RuleBasedStateMachine):
    """users, groups: what the directory is, by id; tags: the entity tags that were seen last."""

    def __init__(self) -> None:
        super().__init__()
        self.idp = factories.connect(factories.organization(), seats=1_000)
        self.users: dict[str, Document] = {}
        self.groups: dict[str, Document] = {}
        self.tags: dict[str, str] = {}
        self.changed: set[str] = set()

    # ---- the model

    def key_is_taken(self, name: str, kept: str | None) -> bool:
        return any(id != kept and user["userName"].casefold() == name.casefold()
                   for id, user in self.users.items())  # fmt: skip

    def name_is_taken(self, name: str, kept: str | None) -> bool:
        return any(id != kept and group["displayName"].strip().casefold() == name.strip().casefold()
                   for id, group in self.groups.items())  # fmt: skip

    def normal(self, sent: Document, active: bool = True) -> Document:
        document = without_nothing({"active": active} | copy.deepcopy(sent))
        if "emails" in document:
            document["emails"] = once(document["emails"])
        return document

    def put(self, id: str, document: Document) -> None:
        document = without_nothing(document)
        if self.users.get(id) != document:
            self.changed.add(id)
        self.users[id] = document

    def put_group(self, id: str, group: Document) -> None:
        if self.groups.get(id) != group:
            self.changed.add(id)
        self.groups[id] = group

    def shown(self, id: str) -> Document:
        """A user as GET shows it, without meta."""
        user = copy.deepcopy(self.users[id])
        user |= {"id": id, "schemas": [USER, *([ENTERPRISE] if ENTERPRISE in user else [])]}
        groups = [
            {"value": other, "$ref": f"{base_url()}/Groups/{other}", "type": "direct",
             "display": group["displayName"].strip()}
            for other, group in sorted(self.groups.items()) if id in group["members"]
        ]  # fmt: skip
        return user | ({"groups": groups} if groups else {})

    def shown_group(self, id: str) -> Document:
        group = self.groups[id]
        members = [
            {"value": member, "$ref": f"{base_url()}/Users/{member}", "type": "User"}
            for member in sorted(group["members"])
        ]
        shown = {name: value for name, value in group.items() if name != "members" and value}
        return shown | {"id": id, "schemas": [GROUP]} | ({"members": members} if members else {})

    def user_at(self, position: int) -> str:
        return list(self.users)[position % len(self.users)]

    def group_at(self, position: int) -> str:
        return list(self.groups)[position % len(self.groups)]

    def members_at(self, places: list[int]) -> list[str]:
        return list(dict.fromkeys(self.user_at(place) for place in places)) if self.users else []

    # ---- what holds after each step

    @invariant()
    def the_directory_is_the_model(self) -> None:
        for path, wanted in (
            ("/Users", {id: self.shown(id) for id in self.users}),
            ("/Groups", {id: self.shown_group(id) for id in self.groups}),
        ):
            answer = self.idp("GET", path, query={"count": "1000"})
            found = {one["id"]: one for one in answer.json["Resources"]}
            metas = {id: one.pop("meta") for id, one in found.items()}
            assert found == wanted
            assert answer.json["totalResults"] == len(wanted)
            for id, meta in metas.items():
                self.check_meta(path, id, meta)
        self.changed.clear()

    def check_meta(self, path: str, id: str, meta: Document) -> None:
        """RFC 7643 section 3.1; the version changes when, and only when, the resource does."""
        assert meta["resourceType"] == path[1:-1]
        assert meta["location"] == f"{base_url()}{path}/{id}"
        assert meta["created"] <= meta["lastModified"]
        before, now = self.tags.get(id), meta["version"]
        if before is not None:
            assert (before != now) == (id in self.changed), (id, before, now, self.changed)
        self.tags[id] = now

    def expect(self, answer: factories.Answer, refused: Refused | None, *statuses: int) -> bool:
        """Whether it was done; the answer must be what the model says."""
        if refused is None:
            assert answer.status in statuses, answer
            return True
        assert (answer.status, answer.json.get("scimType")) == (refused.status, refused.scim_type)
        return False

    def check_answer(self, answer: factories.Answer, shown: Document) -> None:
        body = dict(answer.json)
        meta = body.pop("meta")
        assert body == shown
        assert answer.headers["ETag"] == meta["version"]
        assert answer.headers["Location"] == meta["location"]

    # ---- people

    @rule(sent=people)
    def create(self, sent: Document) -> None:
        """3.3; the same userName, in any case, is 409 uniqueness."""
        refused = Refused(409, "uniqueness") if self.key_is_taken(sent["userName"], None) else None
        answer = self.idp("POST", "/Users", {"schemas": [USER], **sent})
        if self.expect(answer, refused, 201):
            self.put(answer.id, self.normal(sent))
            self.check_answer(answer, self.shown(answer.id))

    @precondition(lambda self: self.users)
    @rule(place=positions, sent=people)
    def replace(self, place: int, sent: Document) -> None:
        """3.5.1; what is not sent is gone, but for active."""
        id = self.user_at(place)
        refused = Refused(409, "uniqueness") if self.key_is_taken(sent["userName"], id) else None
        answer = self.idp("PUT", f"/Users/{id}", {"schemas": [USER], "id": id, **sent})
        if self.expect(answer, refused, 200):
            self.put(id, self.normal(sent, active=self.users[id]["active"]))
            self.check_answer(answer, self.shown(id))

    def patched(self, id: str, operations: list[Change]) -> Document | Refused:
        document = copy.deepcopy(self.users[id])
        try:
            for operation in operations:
                operation.do(document)
        except Refused as refused:
            return refused
        return without_nothing(document)

    @precondition(lambda self: self.users)
    @rule(
        place=positions,
        operations=st.lists(changes, min_size=1, max_size=3),
        refused=st.none() | st.none() | st.none() | refused_changes,
    )
    def patch(self, place: int, operations: list[Change], refused: Change | None) -> None:
        """3.5.2: all operations or none."""
        id = self.user_at(place)
        operations = [*operations, refused] if refused else operations
        result = self.patched(id, operations)
        answer = self.idp("PATCH", f"/Users/{id}", {
            "schemas": [factories.PATCH_OP], "Operations": [one.sent for one in operations]
        })  # fmt: skip
        if self.expect(answer, result if isinstance(result, Refused) else None, 200):
            self.put(id, result)
            self.check_answer(answer, self.shown(id))

    @precondition(lambda self: self.users)
    @rule(place=positions, name=user_names)
    def rename(self, place: int, name: str) -> None:
        id = self.user_at(place)
        refused = Refused(409, "uniqueness") if self.key_is_taken(name, id) else None
        answer = self.idp.patch(f"/Users/{id}", ("replace", "userName", name))
        if self.expect(answer, refused, 200):
            self.put(id, self.users[id] | {"userName": name})

    @precondition(lambda self: self.users)
    @rule(place=positions)
    def delete(self, place: int) -> None:
        """3.6: gone, also from groups, and 404 from then on."""
        id = self.user_at(place)
        self.expect(self.idp.delete(id), None, 204)
        del self.users[id], self.tags[id]
        for other, group in self.groups.items():
            if id in group["members"]:
                self.put_group(other, group | {"members": group["members"] - {id}})
        for answer in (
            self.idp.get(id), self.idp.delete(id), self.idp.set_active(id, True),
            self.idp.replace(id, "ann"),
        ):  # fmt: skip
            self.expect(answer, Refused(404, None))

    # ---- groups

    @rule(name=group_names, places=st.lists(positions, max_size=4), external=st.none() | ids)
    def create_group(self, name: str, places: list[int], external: str | None) -> None:
        members = self.members_at(places)
        refused = Refused(409, "uniqueness") if self.name_is_taken(name, None) else None
        body = {"schemas": [GROUP], "displayName": name, "externalId": external,
                "members": [{"value": id} for id in members]}  # fmt: skip
        answer = self.idp("POST", "/Groups", body)
        if self.expect(answer, refused, 201):
            group = {"displayName": name, "externalId": external, "members": set(members)}
            self.put_group(answer.id, group)
            self.check_answer(answer, self.shown_group(answer.id))

    @precondition(lambda self: self.groups)
    @rule(place=positions, name=group_names, places=st.lists(positions, max_size=4))
    def replace_group(self, place: int, name: str, places: list[int]) -> None:
        id, members = self.group_at(place), self.members_at(places)
        refused = Refused(409, "uniqueness") if self.name_is_taken(name, id) else None
        answer = self.idp.replace_group(id, name, *members)
        if self.expect(answer, refused, 200):
            self.put_group(id, {"displayName": name, "externalId": None, "members": set(members)})
            self.check_answer(answer, self.shown_group(id))

    @precondition(lambda self: self.groups)
    @rule(
        place=positions,
        deeds=st.lists(
            st.tuples(
                st.sampled_from(
                    ["add", "add one", "add bare", "remove by filter", "remove by value", "replace",
                     "remove all", "rename", "rename by value", "stranger"]
                ),
                st.lists(positions, min_size=1, max_size=3),
                group_names,
            ),
            min_size=1,
            max_size=3,
        ),
        attributes=st.booleans(),
    )  # fmt: skip
    def patch_group(
        self, place: int, deeds: list[tuple[str, list[int], str]], attributes: bool
    ) -> None:
        """3.5.2; 204, or 200 when attributes asks for something."""
        id = self.group_at(place)
        group = copy.deepcopy(self.groups[id])
        operations, refused = [], None
        for deed, places, name in deeds:
            operations.append(self.group_operation(id, group, deed, self.members_at(places), name))
            if deed == "stranger":
                refused = Refused(400, "invalidValue")
            elif deed in ("replace", "remove all"):
                refused = None  # who came before is out again: what counts is who is left
        if self.name_is_taken(group["displayName"], id):
            # The name is written before the members.
            refused = Refused(409, "uniqueness")
        answer = self.idp(
            "PATCH", f"/Groups/{id}",
            {"schemas": [factories.PATCH_OP], "Operations": operations},
            query={"attributes": "displayName"} if attributes else None,
        )  # fmt: skip
        if self.expect(answer, refused, 200 if attributes else 204):
            self.put_group(id, group)
            if attributes:
                assert answer.json["displayName"] == group["displayName"]
                assert "members" not in answer.json

    def group_operation(
        self, id: str, group: Document, deed: str, members: list[str], name: str
    ) -> Document:
        """The operation, done to the model's group."""
        values = [{"value": member} for member in members]
        match deed:
            case "add":
                group["members"] |= set(members)
                return {"op": "add", "path": "members", "value": values}
            case "add one":
                group["members"] |= set(members[:1])
                one = values[0] if values else []
                return {"op": "Add", "path": "MEMBERS", "value": one}
            case "add bare":
                group["members"] |= set(members)
                return {"op": "add", "value": {"members": members}}
            case "remove by filter":
                group["members"] -= set(members)
                either = " or ".join(f'value eq "{one}"' for one in members) or 'value eq "x"'
                return {"op": "remove", "path": f"members[{either}]"}
            case "remove by value":
                group["members"] -= set(members)
                return {"op": "Remove", "path": "members", "value": values}
            case "replace":
                group["members"] = set(members)
                return {"op": "replace", "path": "members", "value": values}
            case "remove all":
                group["members"] = set()
                return {"op": "remove", "path": "members"}
            case "rename":
                group["displayName"] = name
                return {"op": "replace", "path": "displayName", "value": name}
            case "rename by value":
                group["displayName"] = name
                return {"op": "replace", "value": {"id": id, "displayName": name}}
        return {"op": "add", "path": "members", "value": [{"value": factories.stranger()}]}

    @precondition(lambda self: self.groups)
    @rule(place=positions)
    def delete_group(self, place: int) -> None:
        id = self.group_at(place)
        self.expect(self.idp("DELETE", f"/Groups/{id}"), None, 204)
        del self.groups[id], self.tags[id]
        self.expect(self.idp("GET", f"/Groups/{id}"), Refused(404, None))

    # ---- versions

    @precondition(lambda self: self.users)
    @rule(place=positions, title=texts, stale=st.booleans())
    def change_if_it_is_what_was_read(self, place: int, title: str, stale: bool) -> None:
        """3.14: If-Match with another version is 412; If-None-Match with this one 304."""
        id = self.user_at(place)
        tag = 'W/"999"' if stale else self.tags[id]
        headers = {"If-Match": tag}
        body = {"Operations": [{"op": "replace", "path": "title", "value": title}]}
        refused = Refused(412, None) if stale else None
        answer = self.idp("PATCH", f"/Users/{id}", body, **headers)
        if self.expect(answer, refused, 200):
            self.put(id, self.users[id] | {"title": title})
        read = self.idp("GET", f"/Users/{id}", **{"If-None-Match": self.tags[id]})
        assert read.status == (200 if id in self.changed else 304)

    # ---- lists

    @rule(asked=filters, descending=st.booleans(), sort=st.sampled_from(["", "userName", "title",
          "name.familyName", "id"]), start=st.integers(1, 4), count=st.integers(0, 4),
          searched=st.booleans())  # fmt: skip
    def find(
        self, asked: Meaning, descending: bool, sort: str, start: int, count: int, searched: bool
    ) -> None:
        """3.4.2 and 3.4.3: filter, order and page; what has no value comes last, or first."""
        text, holds = asked
        found = sorted(id for id in self.users if holds(self.shown(id)))
        if sort:
            keys = {id: _text(self.shown(id), sort) for id in found}
            there = [id for id in found if keys[id] is not None]
            missing = [id for id in found if keys[id] is None]
            there.sort(key=lambda id: keys[id], reverse=False)
            if descending:
                # Equal ones stay in the order of ids.
                order = sorted({keys[id] for id in there}, reverse=True)
                there = [id for key in order for id in there if keys[id] == key]
            found = missing + there if descending else there + missing
        query: Document = {"filter": text, "startIndex": start, "count": count}
        if sort:
            query |= {"sortBy": sort, "sortOrder": "descending" if descending else "ascending"}
        if searched:
            answer = self.idp("POST", "/Users/.search", {"schemas": [SEARCH], **query})
        else:
            answer = self.idp("GET", "/Users", query=query)
        assert answer.status == 200, (text, answer)
        page = found[start - 1 : start - 1 + count]
        assert [one["id"] for one in answer.json["Resources"]] == page, text
        assert answer.json["totalResults"] == len(found)
        assert answer.json["itemsPerPage"] == len(page)
        assert answer.json["startIndex"] == start

    @precondition(lambda self: self.users)
    @rule(place=positions, excluding=st.booleans(),
          names=st.lists(st.sampled_from(["userName", "TITLE", "name", "emails", "groups", "active",
                                          ENTERPRISE, "meta", "id", "noSuchThing"]), min_size=1,
                         unique=True))  # fmt: skip
    def project(self, place: int, excluding: bool, names: list[str]) -> None:
        """3.9: what is asked for, id and schemas always."""
        id = self.user_at(place)
        name = "excludedAttributes" if excluding else "attributes"
        answer = self.idp("GET", f"/Users/{id}", query={name: ",".join(names)})
        shown, low = self.shown(id) | {"meta": ...}, {one.lower() for one in names}
        wanted = {
            one for one in shown if one in ("id", "schemas") or (one.lower() in low) != excluding
        }
        assert set(answer.json) == wanted
        assert all(answer.json[one] == shown[one] for one in wanted - {"meta"})

    # ---- bulk

    @rule(sent=people, name=group_names, stops=st.booleans())
    def bulk(self, sent: Document, name: str, stops: bool) -> None:
        """3.7: a group of somebody who is made in the same request; each answer its own."""
        refused_user = self.key_is_taken(sent["userName"], None)
        refused_group = refused_user or self.name_is_taken(name, None)
        answer = self.idp("POST", "/Bulk", {
            "schemas": [factories.BULK_REQUEST],
            **({"failOnErrors": 1} if stops else {}),
            "Operations": [
                {"method": "POST", "path": "/Groups", "bulkId": "g",
                 "data": {"schemas": [GROUP], "displayName": name,
                          "members": [{"value": "bulkId:u"}]}},
                {"method": "POST", "path": "/Users", "bulkId": "u",
                 "data": {"schemas": [USER], **sent}},
            ],
        })  # fmt: skip
        assert answer.status == 200
        done = {one["bulkId"]: one for one in answer.json["Operations"]}
        assert done["u"]["status"] == ("409" if refused_user else "201")
        if "g" in done:
            assert done["g"]["status"] == ("409" if refused_group else "201")
        else:
            assert stops
            assert refused_user
        if not refused_user:
            made = done["u"]["location"].rpartition("/")[2]
            self.put(made, self.normal(sent))
            if not refused_group:
                self.put_group(
                    done["g"]["location"].rpartition("/")[2],
                    {"displayName": name, "externalId": None, "members": {made}},
                )


@pytest.mark.django_db
def test_the_directory_is_what_a_model_of_the_rfc_says() -> None:
    """RFC 7644 sections 3.3 to 3.9 and 3.14."""
    walks.run(Walk, examples=30)
