"""A person as a push or a form tells of them. Plain data: SCIM in, columns out (R7)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from accounts import names

CORE_USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE_USER = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


@dataclasses.dataclass(frozen=True, slots=True)
class Profile:
    """What Seatkeeper decides by and shows, beside the document as it came."""

    user_name: str
    external_id: str | None
    active: bool
    email: str
    email_keys: list[str]
    first_name: str
    last_name: str
    display_name: str
    title: str
    department: str
    employee_number: str
    document: dict[str, Any]

    @property
    def user_name_key(self) -> str:
        return names.key(self.user_name)

    @property
    def email_key(self) -> str:
        return names.key(self.email)

    @property
    def sort_key(self) -> str:
        return names.sort_key(self.employee_number, self.last_name, self.first_name, self.email)

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip() or self.display_name

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Profile:
        """The profile in a SCIM User in normal form (see scim.protocol.document)."""
        name = document.get("name") or {}
        enterprise = document.get(ENTERPRISE_USER) or {}
        user_name = document["userName"]
        addresses = [e for e in document.get("emails") or () if e.get("value")]
        return cls(
            user_name=user_name,
            external_id=document.get("externalId"),
            active=document.get("active", True),
            email=_main_address(addresses) or user_name,
            email_keys=list(dict.fromkeys(names.key(e["value"]) for e in addresses)),
            first_name=name.get("givenName", ""),
            last_name=name.get("familyName", ""),
            display_name=document.get("displayName") or name.get("formatted", ""),
            title=document.get("title", ""),
            department=enterprise.get("department", ""),
            employee_number=enterprise.get("employeeNumber", ""),
            document=dict(document),
        )

    @classmethod
    def by_hand(
        cls,
        *,
        email: str,
        first_name: str = "",
        last_name: str = "",
        title: str = "",
        department: str = "",
        employee_number: str = "",
    ) -> Profile:
        """The profile of somebody whom an admin adds; identity providers see it as a SCIM User."""
        enterprise = {"employeeNumber": employee_number, "department": department}
        enterprise = {name: value for name, value in enterprise.items() if value}
        display_name = f"{first_name} {last_name}".strip()
        document: dict[str, Any] = {
            "schemas": [CORE_USER, *([ENTERPRISE_USER] if enterprise else [])],
            "userName": email,
            "name": {"givenName": first_name, "familyName": last_name},
            "displayName": display_name,
            "title": title,
            "active": True,
            "emails": [{"value": email, "type": "work", "primary": True}],
            ENTERPRISE_USER: enterprise,
        }
        document["name"] = {part: value for part, value in document["name"].items() if value}
        kept = {name: value for name, value in document.items() if value or name == "userName"}
        return cls.of(kept)


def _main_address(addresses: list[Mapping[str, Any]]) -> str:
    """The primary address, else the first one for work, else the first."""
    for wanted in ("primary", "work"):
        for address in addresses:
            if (
                address.get("primary") is True
                if wanted == "primary"
                else (str(address.get("type", "")).lower() == "work")
            ):
                return str(address["value"])
    return str(addresses[0]["value"]) if addresses else ""
