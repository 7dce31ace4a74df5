"""What an identity provider would send: `Okta`, `OneLogin` and `Entra` as small objects.

Each turns an employee into the requests of that identity provider, in its order: look-ups
by filter, then a create when nobody is found, or what makes the found one right. Pure
functions of their arguments; the command scim_push sends them. The forms are those
of the tapes, oddities included: they are what a SCIM server has to live with (R6).
"""

from __future__ import annotations

import dataclasses
import hashlib
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from accounts.profile import CORE_USER, ENTERPRISE_USER
from scim.employees import Employee

CORE_GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
MICROSOFT_GROUP = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"
EMPLOYEE_NUMBER = f"{ENTERPRISE_USER}:employeeNumber"
DEPARTMENT = f"{ENTERPRISE_USER}:department"
WORK_EMAIL = 'emails[type eq "work"].value'

Json = dict[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request; path is relative to the base URL, headers are the Idp's own."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: Json | None = None


class Idp:
    """What the three have in common; each says what it does otherwise."""

    name: ClassVar[str]
    headers: ClassVar[Mapping[str, str]]
    #: So many members go into one request.
    members_at_once: ClassVar[int] = 100

    # -------------------------------------------------------------- people

    def look_ups(self, employee: Employee) -> Sequence[Request]:
        """How the person is matched: one after the other, until one finds somebody."""
        return [_filter("/Users", "userName", employee.email)]

    def create(self, employee: Employee) -> Request:
        raise NotImplementedError

    def correct(self, employee: Employee, found: Json) -> Request | None:
        """What makes the found resource right; None when it is.

        Somebody who is not active any more is deactivated and otherwise left alone.
        """
        wanted, there = self.facts(employee), told(found)
        differing = {path for path, value in wanted.items() if there.get(path) != value}
        if not employee.active:
            differing &= {"active"}
        if not differing:
            return None
        if differing == {"active"}:
            return self.switch(found["id"], active=employee.active)
        return self.update(employee, found, differing)

    def facts(self, employee: Employee) -> dict[str, Any]:
        """What the identity provider manages, by SCIM path; None is a missing value."""
        return {
            "userName": employee.email,
            "name.givenName": employee.first_name or None,
            "name.familyName": employee.last_name or None,
            WORK_EMAIL: employee.email,
            "title": employee.title or None,
            "active": employee.active,
            EMPLOYEE_NUMBER: employee.employee_number or None,
            DEPARTMENT: employee.department or None,
        }

    def switch(self, user_id: str, *, active: bool) -> Request:
        raise NotImplementedError

    def update(self, employee: Employee, found: Json, differing: set[str]) -> Request:
        raise NotImplementedError

    # -------------------------------------------------------------- groups

    def look_up_group(self, name: str) -> Request:
        return _filter("/Groups", "displayName", name)

    def create_group(self, name: str) -> Request:
        return Request("POST", "/Groups", body={"schemas": [CORE_GROUP], "displayName": name})

    def read_group(self, group_id: str) -> Request:
        return Request("GET", f"/Groups/{group_id}")

    def change_members(
        self, group_id: str, *, add: Sequence[tuple[str, str]], remove: Sequence[str]
    ) -> Iterator[Request]:
        """PATCH requests that add (id, address) and remove (id), so many at once."""
        operations = [
            *(_operation("remove", f'members[value eq "{member}"]') for member in remove),
            *(
                _operation("add", "members", [{"value": member, "display": address}])
                for member, address in add
            ),
        ]
        for start in range(0, len(operations), self.members_at_once):
            yield _patch(f"/Groups/{group_id}", *operations[start : start + self.members_at_once])


class Okta(Idp):
    """Whole people with PUT; only `active` alone travels as a PATCH without a path."""

    name = "okta"
    headers: ClassVar[Mapping[str, str]] = {
        "User-Agent": "Okta SCIM Client 1.0.0",
        "Content-Type": "application/scim+json; charset=utf-8",
        "Accept": "application/scim+json",
        "Accept-Charset": "utf-8",
    }

    def look_ups(self, employee: Employee) -> Sequence[Request]:
        return [self._first_page(_filter("/Users", "userName", employee.email))]

    def facts(self, employee: Employee) -> dict[str, Any]:
        return super().facts(employee) | {
            "externalId": "00u" + _digest("okta", employee)[:17],
            "displayName": employee.name or None,
            "locale": "en-US",
        }

    def create(self, employee: Employee) -> Request:
        document = self._document(employee) | {"password": _digest("password", employee)[:12]}
        return Request("POST", "/Users", body=document)

    def update(self, employee: Employee, found: Json, differing: set[str]) -> Request:
        document = self._document(employee) | {
            "id": found["id"],
            "meta": {"resourceType": "User"},
        }
        return Request("PUT", f"/Users/{found['id']}", body=document)

    def switch(self, user_id: str, *, active: bool) -> Request:
        return _patch(f"/Users/{user_id}", {"op": "replace", "value": {"active": active}})

    def look_up_group(self, name: str) -> Request:
        return self._first_page(super().look_up_group(name))

    def create_group(self, name: str) -> Request:
        body = {"schemas": [CORE_GROUP], "displayName": name, "members": []}
        return Request("POST", "/Groups", body=body)

    def _document(self, employee: Employee) -> Json:
        return resource(self.facts(employee)) | {"groups": []}

    @staticmethod
    def _first_page(request: Request) -> Request:
        query = (*request.query, ("startIndex", "1"), ("count", "100"))
        return dataclasses.replace(request, query=query)


class OneLogin(Idp):
    """The enterprise template: a null id, text for active, a block that schemas does not name."""

    name = "onelogin"
    headers: ClassVar[Mapping[str, str]] = {
        "User-Agent": "OneLogin SCIM",
        "Content-Type": "application/json",
        "Accept": "application/scim+json",
    }

    def facts(self, employee: Employee) -> dict[str, Any]:
        return super().facts(employee) | {"name.formatted": employee.name or None}

    def create(self, employee: Employee) -> Request:
        return Request("POST", "/Users", body=self._template(employee))

    def update(self, employee: Employee, found: Json, differing: set[str]) -> Request:
        return Request("PUT", f"/Users/{found['id']}", body=self._template(employee))

    def switch(self, user_id: str, *, active: bool) -> Request:
        return _patch(f"/Users/{user_id}", _operation("replace", "active", active))

    def _template(self, employee: Employee) -> Json:
        document = resource(self.facts(employee))
        enterprise = document.pop(ENTERPRISE_USER, {})
        return document | {
            "schemas": [CORE_USER],
            "id": None,
            "active": "true" if employee.active else "false",
            "meta": {"resourceType": "User"},
            ENTERPRISE_USER: enterprise | {"manager": {"managerId": "", "displayName": " "}},
        }


class Entra(Idp):
    """One PATCH with an operation for each difference: capitalised, booleans as text."""

    name = "entra"
    headers: ClassVar[Mapping[str, str]] = {
        # Microsoft documents none; the name tells whoever reads the activity log.
        "User-Agent": "Microsoft Entra provisioning (simulated)",
        "Content-Type": "application/scim+json; charset=utf-8",
        "Accept": "application/scim+json",
    }
    members_at_once = 1

    def look_ups(self, employee: Employee) -> Sequence[Request]:
        """Two matching attributes in their order of precedence."""
        return [
            _filter("/Users", "userName", employee.email),
            _filter("/Users", "externalId", self._object_id(employee.email)),
        ]

    def facts(self, employee: Employee) -> dict[str, Any]:
        return super().facts(employee) | {
            "externalId": self._object_id(employee.email),
            "displayName": employee.name or None,
            "name.formatted": employee.name or None,
        }

    def create(self, employee: Employee) -> Request:
        document = resource(self.facts(employee)) | {
            "schemas": [CORE_USER, ENTERPRISE_USER],
            "meta": {"resourceType": "User"},
            "roles": [],
        }
        return Request("POST", "/Users", body=document)

    def update(self, employee: Employee, found: Json, differing: set[str]) -> Request:
        there = told(found)
        operations = []
        for path, value in self.facts(employee).items():
            if path not in differing:
                continue
            if value is None:
                operations.append(_operation("Remove", path))
            else:
                op = "Replace" if there.get(path) is not None else "Add"
                operations.append(_operation(op, path, self._text(value)))
        return _patch(f"/Users/{found['id']}", *operations)

    def switch(self, user_id: str, *, active: bool) -> Request:
        return _patch(f"/Users/{user_id}", _operation("Replace", "active", self._text(active)))

    def look_up_group(self, name: str) -> Request:
        request = super().look_up_group(name)
        return dataclasses.replace(
            request, query=(("excludedAttributes", "members"), *request.query)
        )

    def create_group(self, name: str) -> Request:
        body = {
            "schemas": [CORE_GROUP, MICROSOFT_GROUP],
            "externalId": self._object_id(f"group {name}"),
            "displayName": name,
            "meta": {"resourceType": "Group"},
        }
        return Request("POST", "/Groups", body=body)

    def change_members(
        self, group_id: str, *, add: Sequence[tuple[str, str]], remove: Sequence[str]
    ) -> Iterator[Request]:
        for op, members in (("Remove", remove), ("Add", [member for member, _ in add])):
            for member in members:
                value = [{"$ref": None, "value": member}]
                yield _patch(f"/Groups/{group_id}", _operation(op, "members", value))

    @staticmethod
    def _text(value: Any) -> Any:
        return str(value) if isinstance(value, bool) else value

    @staticmethod
    def _object_id(of: str) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"entra:{of.lower()}"))


IDPS: Mapping[str, Idp] = {idp.name: idp for idp in (Okta(), OneLogin(), Entra())}


# ------------------------------------------------------------------ inside


def resource(facts: Mapping[str, Any]) -> Json:
    """A SCIM User that says these facts; `told` reads them back."""
    document: Json = {"schemas": [CORE_USER]}
    for path, value in facts.items():
        if value is None:
            continue
        if path == WORK_EMAIL:
            document["emails"] = [{"primary": True, "value": value, "type": "work"}]
            continue
        holder, attribute = _place(document, path, make=True)
        holder[attribute] = value
    if ENTERPRISE_USER in document:
        document["schemas"].append(ENTERPRISE_USER)
    return document


def told(document: Json) -> dict[str, Any]:
    """What a SCIM User says, by path, of all that an identity provider manages here."""
    facts: dict[str, Any] = {}
    for path in _PATHS:
        if path == WORK_EMAIL:
            emails = document.get("emails") or ()
            facts[path] = next((e.get("value") for e in emails if e.get("type") == "work"), None)
            continue
        holder, attribute = _place(document, path)
        facts[path] = holder.get(attribute)
    return facts


_PATHS = (
    "userName", "externalId", "displayName", "locale", "title", "active",
    "name.givenName", "name.familyName", "name.formatted",
    WORK_EMAIL, EMPLOYEE_NUMBER, DEPARTMENT,
)  # fmt: skip


def _place(document: Json, path: str, *, make: bool = False) -> tuple[Json, str]:
    """The object that holds the attribute of a path, and the attribute's name in it."""
    if path.startswith("urn:"):
        parent, attribute = path.rsplit(":", 1)
    else:
        parent, _, attribute = path.rpartition(".")
    if not parent:
        return document, attribute
    return (document.setdefault(parent, {}) if make else document.get(parent) or {}), attribute


def _filter(path: str, attribute: str, value: str) -> Request:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return Request("GET", path, query=(("filter", f'{attribute} eq "{escaped}"'),))


def _patch(path: str, *operations: Json) -> Request:
    return Request("PATCH", path, body={"schemas": [PATCH_OP], "Operations": list(operations)})


def _operation(op: str, path: str, value: Any = None) -> Json:
    operation: Json = {"op": op, "path": path}
    if value is not None:
        operation["value"] = value
    return operation


def _digest(purpose: str, employee: Employee) -> str:
    return hashlib.sha256(f"{purpose}:{employee.email.lower()}".encode()).hexdigest()
