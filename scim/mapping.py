"""How an identity provider's attributes become ours, and what came last (R7, R8)."""

from __future__ import annotations

import dataclasses
from typing import Any

from accounts.models import Application, Link
from accounts.profile import ENTERPRISE_USER
from scim import simulator

_DEPARTMENT = f"{ENTERPRISE_USER}:department"
_NUMBER = f"{ENTERPRISE_USER}:employeeNumber"
_MAIL = simulator.WORK_EMAIL


@dataclasses.dataclass(frozen=True, slots=True)
class Attribute:
    """One line: what it is called there, in SCIM, and here. missing: what happens without it."""

    theirs: str
    scim: str
    ours: str
    missing: str = ""
    value: Any = None

    @property
    def short(self) -> str:
        """The SCIM name without the extension's long address."""
        return self.scim.removeprefix(f"{ENTERPRISE_USER}:")

    @property
    def is_enterprise(self) -> bool:
        return self.scim.startswith(ENTERPRISE_USER)


#: SCIM path, our word for it, and what a missing value does.
_OURS = (
    ("userName", "User name", "Without it nobody can be pushed."),
    ("active", "Active", "Without it everybody counts as active."),
    (_MAIL, "E-mail", "Without it no invitation can be sent, unless the user name is one."),
    ("name.givenName", "First name", ""),
    ("name.familyName", "Last name", ""),
    ("title", "Title", ""),
    (_DEPARTMENT, "Department", ""),
    (_NUMBER, "Employee number", "Without it people come after all who have one."),
    ("externalId", "External id", ""),
)

_THEIRS = {
    Application.Idp.OKTA: {
        "userName": "userName (Application username)",
        "active": "Assignment",
        _MAIL: "email",
        "name.givenName": "firstName",
        "name.familyName": "lastName",
        "title": "title",
        _DEPARTMENT: "department",
        _NUMBER: "employeeNumber",
        "externalId": "id",
    },
    Application.Idp.ONELOGIN: {
        "userName": "SCIM Username",
        "active": "Status",
        _MAIL: "Email",
        "name.givenName": "First Name",
        "name.familyName": "Last Name",
        "title": "Title",
        _DEPARTMENT: "Department",
        _NUMBER: "Employee number (a custom field or a directory attribute)",
        "externalId": "External ID",
    },
    Application.Idp.ENTRA: {
        "userName": "userPrincipalName",
        "active": "Switch([IsSoftDeleted], …)",
        _MAIL: "mail",
        "name.givenName": "givenName",
        "name.familyName": "surname",
        "title": "jobTitle",
        _DEPARTMENT: "department",
        _NUMBER: "employeeId",
        "externalId": "mailNickname, or objectId",
    },
}


def table(idp: str) -> list[Attribute]:
    """The attributes that matter, as this identity provider calls them."""
    theirs = _THEIRS.get(Application.Idp(idp), {})
    return [Attribute(theirs.get(path, ""), path, ours, gone) for path, ours, gone in _OURS]


def last_seen(application: Application) -> tuple[list[Attribute], Link | None]:
    """The same with the values of the newest person whom the application provides.

    Only these attributes: secrets are not among them, and none is ever stored.
    """
    newest = Link.objects.filter(application=application).order_by("-id").first()
    told = simulator.told(newest.document) if newest else {}
    return [
        dataclasses.replace(attribute, value=told.get(attribute.scim))
        for attribute in table(application.idp)
    ], newest
