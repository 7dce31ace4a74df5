"""What walks through pages share: how somebody goes from page to page, presses and sees."""

from __future__ import annotations

import time
from typing import Any

#: The two windows of walks, by their width: a large one and a telephone.
WIDTHS = (1440, 390)
#: It is within the window and nothing lies above it (it may be the label of a box).
_CAN_BE_PRESSED = """what => {
  what.scrollIntoView({block: "center"});
  const [line] = what.getClientRects(); // its first line; none where it was replaced meanwhile
  if (!line) return false;
  const {x, y, width, height} = line;
  const there = document.elementFromPoint(x + width / 2, y + height / 2);
  return Boolean(there) && (what.contains(there) || there.closest("label")?.control === what);
}"""


def press(what: Any) -> None:
    """Press it in this window, once it was seen that it can be pressed in the other one too."""
    page = what.page
    here = page.viewport_size
    [other] = {*WIDTHS} - {here["width"]}
    page.set_viewport_size(here | {"width": other})
    # What is being replaced by an answer is asked again once the answer is there.
    within = time.monotonic() + 3
    while not what.evaluate(_CAN_BE_PRESSED):
        assert time.monotonic() < within, f"{what} cannot be pressed at {other} px"
        page.wait_for_timeout(20)
    page.set_viewport_size(here)
    what.click()


def follow(page: Any, *names: str) -> None:
    """By the menu, which a telephone opens first, and on by links of the page."""
    opener = page.get_by_role("button", name="Menu")
    if opener.is_visible():
        opener.click()
    first, *others = names
    page.get_by_role("navigation", name="Admin Center").get_by_role("link", name=first).click()
    for name in others:
        press(page.get_by_role("main").get_by_role("link", name=name).first)


def see(page: Any, text: str) -> None:
    page.get_by_role("main").get_by_text(text).first.wait_for()
