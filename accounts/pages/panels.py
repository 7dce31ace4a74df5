"""Parts of pages that belong to a higher app.

A page of accounts or licensing has named places ("overview", "person", "settings");
scim and licensing register a function for a place in their AppConfig.ready, and the
page shows what the functions return. So requests travel down, imports never go up, and
every page works without JavaScript.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, Literal

from django.http import HttpRequest
from django.utils.safestring import SafeString, mark_safe

#: Returns finished HTML (render_to_string), or "" when there is nothing to show.
Panel = Callable[..., str]


@dataclasses.dataclass(frozen=True, slots=True)
class Attention:
    """Something that an admin should look at: a sentence, and where to go.

    deed: the link is one to post to, for who may change things: a button that mends it.
    """

    level: Literal["bad", "warn", "info"]
    sentence: str
    link: str
    link_text: str
    deed: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Setting:
    """An entry of Settings > Global Settings. link is the name of an address.

    changing: only for roles that may change things.
    """

    title: str
    sentence: str
    link: str
    icon: str
    changing: bool = False


Watch = Callable[[HttpRequest], Iterable[Attention]]

_panels: dict[str, list[tuple[int, Panel]]] = defaultdict(list)
_watches: list[Watch] = []
_settings: list[Setting] = []
_LEVELS = ("bad", "warn", "info")


def show(place: str, panel: Panel, *, order: int = 50) -> None:
    """Register a panel for a place; a second time changes nothing."""
    if (order, panel) not in _panels[place]:
        _panels[place].append((order, panel))
        _panels[place].sort(key=lambda entry: entry[0])


def watch(function: Watch) -> None:
    """Register a function that says what needs attention."""
    if function not in _watches:
        _watches.append(function)


def add_setting(setting: Setting) -> None:
    if setting not in _settings:
        _settings.append(setting)


def render(place: str, request: HttpRequest, **about: Any) -> SafeString:
    """What all panels of the place show, in order."""
    parts = [panel(request, **about) for _, panel in _panels[place]]
    return mark_safe("".join(parts))  # noqa: S308  each part is a rendered template


def attention(request: HttpRequest) -> list[Attention]:
    """Everything that the registered functions say needs attention."""
    return [item for function in _watches for item in function(request)]


def worst_first(found: Iterable[Attention]) -> list[Attention]:
    return sorted(found, key=lambda item: _LEVELS.index(item.level))


def settings() -> list[Setting]:
    return list(_settings)
