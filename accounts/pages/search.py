"""/search/: one box for people, groups, applications, requests and pages.

accounts knows only its own pages; licensing and scim register what they find, each a section
of a few rows found by an index, so that a search costs the same in any organization.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse

from accounts.context import MENU
from accounts.models import Organization
from accounts.pages import panels
from accounts.pages.access import AdminRequest, admin_required

#: Rows a section.
MOST = 8
LONGEST = 200


@dataclasses.dataclass(frozen=True, slots=True)
class Hit:
    """under: what tells it from others of the same title."""

    title: str
    link: str
    under: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Section:
    """more: where to go on, if there may be more than these."""

    title: str
    icon: str
    hits: Sequence[Hit]
    more: str = ""
    more_text: str = ""


#: Gets the organization and what was typed, never empty.
Finder = Callable[[Organization, str], Section]
_finders: list[tuple[int, Finder]] = []


def register(finder: Finder, *, order: int = 50) -> None:
    """A second time changes nothing."""
    if (order, finder) not in _finders:
        _finders.append((order, finder))
        _finders.sort(key=lambda entry: entry[0])


def typed(request: HttpRequest) -> str:
    return " ".join(request.GET.get("q", "").replace("\x00", "").split())[:LONGEST]


@admin_required
def search(request: AdminRequest) -> HttpResponse:
    """Everything that was found, people first. Without a question: how to ask."""
    text = typed(request)
    found = [finder(request.organization, text) for _, finder in _finders] if text else []
    sections = [section for section in found if section.hits]
    return render(request, "accounts/search.html", {"text": text, "sections": sections})


def matching(text: str, pages: Iterable[Hit]) -> list[Hit]:
    """Pages whose title or description has every word."""
    words = text.casefold().split()
    return [
        page
        for page in pages
        if all(word in f"{page.title} {page.under}".casefold() for word in words)
    ][:MOST]


def _pages(_: Organization, text: str) -> Section:
    """The menu, the settings, and what is reached by the account menu."""
    found = [Hit(entry.label, link) for entry in MENU if (link := _address(entry.address))]
    found += [
        Hit(setting.title, reverse(setting.link), setting.sentence) for setting in panels.settings()
    ]
    found.append(
        Hit(
            "Preferences",
            reverse("accounts:preferences"),
            "Appearance, time zone and keyboard shortcuts of this browser",
        )
    )
    found.append(Hit("Help", reverse("accounts:help"), "How licenses are given, what words mean"))
    return Section("Pages", "layout-dashboard", matching(text, found))


def _address(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:  # an app that is not joined in
        return ""


register(_pages, order=90)
