"""Every page is HTML that a strict parser takes, and what refers to an id finds it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import html5lib
from django.test import Client
from django.urls import reverse
from html5lib.constants import E as SAYS

from tests.pages import addresses
from tests.pages import world as worlds
from tests.pages.world import World, hold_removals

REFERENCES = (
    "aria-controls",
    "aria-describedby",
    "aria-errormessage",
    "aria-labelledby",
    "data-copy",
    "data-dialog",
    "for",
    "form",
    "headers",
    "list",
    "popovertarget",
)
LABELABLE = {"button", "input", "meter", "output", "progress", "select", "textarea"}
INTERACTIVE = {"a", "button", "details", "input", "label", "select", "summary", "textarea"}
#: What may not stand inside elements of text, though a parser lets it.
BLOCKS = {
    *("article", "aside", "div", "dl", "fieldset", "footer", "form", "header", "hr", "main", "nav"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "ol", "p", "pre", "section", "table", "ul"),
}
OF_TEXT = {
    *("b", "button", "code", "del", "em", "i", "ins", "label", "legend", "p", "span", "strong"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "summary", "time"),
}
CHILDREN = {
    "ul": {"li"},
    "ol": {"li"},
    "dl": {"dt", "dd", "div"},
    "select": {"option", "optgroup", "hr"},
    "optgroup": {"option"},
    "tr": {"th", "td"},
}


def test_every_page_of_a_full_organization_is_valid(admin: Client, world: World) -> None:
    hold_removals(world)
    held = {"held, dismissed": f"{reverse('licensing:held')}?state=dismissed"}
    nobody = {"nobody found": f"{reverse('licensing:people')}?q=nobody+at+all"}
    _expect_valid(admin, addresses.every(world) | held | nobody)


def test_every_page_of_an_empty_organization_is_valid(db: None) -> None:
    empty = worlds.make_empty()
    client = Client()
    client.force_login(empty.owner)
    _expect_valid(client, addresses.of_everybody())


def test_every_page_that_cannot_be_changed_is_valid(reader: Client, world: World) -> None:
    """The read-only role sees the same pages without their forms."""
    _expect_valid(reader, addresses.every(world), also=(403,))


def test_refused_forms_are_valid(admin: Client, world: World) -> None:
    """Errors come with ids of their own, to which the fields point."""
    shown = addresses.every(world)
    refused = {}
    for name in (
        "new-person", "edit-person", "import", "new-group", "new-application", "brake", "rules",
        "rotate", "setup-link", "new-webhook", "simulate", "single-sign-on", "password",
    ):  # fmt: skip
        answer = admin.post(shown[name], {"sent": "with nothing filled in"})
        assert answer.status_code == 422, name
        refused[name] = wrong_with(answer.content.decode())
    assert not {name: wrong for name, wrong in refused.items() if wrong}


def test_pages_without_an_admin_are_valid(db: None) -> None:
    client = Client()
    names = ("accounts:sign_in", "accounts:forgotten", "accounts:sso_where", "licensing:asked")
    _expect_valid(client, {name: reverse(name) for name in names})
    assert wrong_with(client.get("/activate/nonsense/").content.decode()) == []


def test_the_check_itself_sees_what_is_wrong() -> None:
    page = "<!doctype html><html lang=en><head><title>x</title></head><body>{}</body></html>"
    for part, said in {
        "<p><div></div></p>": "Unexpected end tag (p)",
        "<i id=a></i><i id=a></i>": "the id a is there 2 times",
        "<label for=b>x</label>": "label for=b points nowhere",
        "<a href='#b'>x</a>": "a href=#b points nowhere",
        "<a href=x><button>x</button></a>": "button inside a",
        "<ul><div></div></ul>": "div in ul",
        "<span><div></div></span>": "div inside span",
        "<i class=a class=b></i>": "Dropped duplicate attribute",
        "<p>a &foo; b</p>": "Named entity",
    }.items():
        assert any(said in each for each in wrong_with(page.format(part))), part
    assert wrong_with(page.format("<p id=b>x</p><a href='#b'>x</a>")) == []


# ------------------------------------------------------------------ inside


def _expect_valid(client: Client, shown: dict[str, str], *, also: tuple[int, ...] = ()) -> None:
    wrong = {}
    for name, address in shown.items():
        answer = client.get(address)
        assert answer.status_code in (200, *also), name
        wrong[name] = wrong_with(answer.content.decode())
    assert not {name: each for name, each in wrong.items() if each}


def wrong_with(page: str) -> list[str]:
    """What is wrong with the page, a sentence each."""
    parser = html5lib.HTMLParser(namespaceHTMLElements=False)
    root = parser.parse(page)
    said = [f"line {at[0]}: {SAYS[code] % data}" for at, code, data in parser.errors]
    return said + list(_wrong_ids(root)) + list(_wrong_nesting(root, ()))


def _wrong_ids(root: Any) -> Iterator[str]:
    ids = Counter(each.get("id") for each in root.iter() if each.get("id") is not None)
    for id, times in ids.items():
        if times > 1:
            yield f"the id {id} is there {times} times"
        if not re.fullmatch(r"\S+", id):
            yield f"the id {id!r} is none"
    tags = {each.get("id"): each.tag for each in root.iter()}
    for each in root.iter():
        for attribute in REFERENCES:
            for id in (each.get(attribute) or "").split():
                if id not in ids:
                    yield f"{each.tag} {attribute}={id} points nowhere"
                elif attribute == "for" and tags[id] not in LABELABLE:
                    yield f"{each.tag} for={id} points at a {tags[id]}"
        for attribute in ("href", "hx-target", "hx-indicator"):
            link = each.get(attribute) or ""
            # An icon's `use` names another file; "#" alone is the page.
            if link.startswith("#") and link[1:] not in ids:
                yield f"{each.tag} {attribute}={link} points nowhere"


def _wrong_nesting(element: Any, inside: tuple[str, ...]) -> Iterator[str]:
    for child in element:
        tag = child.tag
        if not isinstance(tag, str):  # a comment
            continue
        if element.tag in CHILDREN and tag not in CHILDREN[element.tag] | {"script", "template"}:
            yield f"{tag} in {element.tag}"
        if tag in BLOCKS and element.tag in OF_TEXT:
            yield f"{tag} inside {element.tag}"
        for around in {"a", "button"} & set(inside):
            if tag in INTERACTIVE and child.get("type") != "hidden":
                yield f"{tag} inside {around}"
        if tag in ("form", "label") and tag in inside:
            yield f"{tag} inside {tag}"
        yield from _wrong_nesting(child, (*inside, tag))
