"""Typing the name of what is concerned, before what cannot be undone or is done to many.

The page asks without JavaScript too, and the server compares; a dialog over the page has the same
field. A single deed that can be undone asks for nothing (decision 0020).
"""

from __future__ import annotations

import dataclasses

from accounts import names
from accounts.pages import asked
from accounts.pages.access import AdminRequest

#: What is done to more people than these wants the name typed.
MANY = 25
FIELD = "typed_name"


@dataclasses.dataclass(frozen=True, slots=True)
class Typed:
    """name: what has to be typed; "" is nothing. right: it was, or nothing has to be. wrong: why
    what was sent is not it, as a sentence."""

    name: str
    right: bool
    wrong: str = ""

    @property
    def status(self) -> int:
        """Of the page that asks."""
        return 422 if self.wrong else 200


def read_name(request: AdminRequest, name: str, *, wanted: bool = True) -> Typed:
    """Whether the name was typed, ignoring case and outer spaces. wanted: it has to be."""
    if not wanted:
        return Typed("", right=True)
    if request.method != "POST":
        return Typed(name, right=False)
    typed = asked.text(request.POST, FIELD, longest=1000)
    if names.key(typed) == names.key(name):
        return Typed(name, right=True)
    said = f"“{typed[:100]}” is not “{name}”." if typed else f"“{name}” has to be typed first."
    return Typed(name, right=False, wrong=f"{said} Nothing was done: type it as it stands here.")
