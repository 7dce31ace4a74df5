"""What the shell around every page shows: menu, organization, appearance."""

from __future__ import annotations

import dataclasses
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import SimpleLazyObject

from accounts import shortcuts, zones
from accounts.pages.access import Access, may_change

SCHEMES = ("light", "dark")
SCHEME_COOKIE = "scheme"
KEYS_COOKIE = "keys"


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """A line of the menu. address: the name of its page, in whichever app that is."""

    label: str
    icon: str
    address: str


MENU = (
    Entry("Overview", "layout-dashboard", "licensing:overview"),
    Entry("Users", "users", "licensing:people"),
    Entry("Licenses", "ticket", "licensing:licenses"),
    Entry("Groups", "layers", "licensing:groups"),
    Entry("Admins", "shield-user", "accounts:admins"),
    Entry("Settings", "settings", "accounts:settings"),
    Entry("Reporting", "chart-column", "licensing:reporting"),
    Entry("Activity log", "activity", "activity:log"),
)


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    label: str
    icon: str
    link: str
    current: bool
    key: str


def menu(path: str) -> list[Line]:
    """The menu, with the entry whose page, or page below, this is marked as current."""
    lines = []
    for entry in MENU:
        try:
            link = reverse(entry.address)
        except NoReverseMatch:  # an app that is not joined in
            continue
        current = path == link or (link != "/" and path.startswith(link))
        key = shortcuts.KEYS.get(entry.address, "")
        lines.append(Line(entry.label, entry.icon, link, current, key))
    return lines


def shell(request: HttpRequest) -> dict[str, Any]:
    """Evaluated only by pages that ask for it; error pages outside the middleware get none."""
    scheme = request.COOKIES.get(SCHEME_COOKIE)
    access: Access | None = getattr(request, "access", None)
    return {
        "scheme": scheme if scheme in SCHEMES else "",
        "zone": zones.known(request.COOKIES.get(zones.COOKIE)),
        "keys_off": request.COOKIES.get(KEYS_COOKIE) == "off",
        "access": access,
        "menu": SimpleLazyObject(lambda: menu(request.path)),
        "can_change": SimpleLazyObject(lambda: may_change(access.role if access else None)),
    }
