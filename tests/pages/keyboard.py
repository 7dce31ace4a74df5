"""Whether a page works by the keyboard alone, asked of the page as it stands.

Nearly all is computed inside the page: it has no positive tabindex, so that Tab goes in the
order of the document; each stop is given the focus as Tab would, from the last to the first,
because what comes into sight from above is what the sticky header can hide. Keys are pressed
at both ends, and where something opens: once for each thing that is called the same.
"""

from __future__ import annotations

import re
from typing import Any

STOPS = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]"

_LOOK = """(selector) => {
  const trouble = [];
  const modal = document.querySelector("dialog:modal");
  const say = (what, e) => trouble.push(`${what}: ${e.outerHTML.slice(0, 120)}`);
  const shown = (e) => e.checkVisibility({visibilityProperty: true, contentVisibilityAuto: true});
  const every = [...(modal || document).querySelectorAll(selector)]
    .filter((e) => shown(e) && !e.disabled && !e.closest("[inert]"));
  for (const e of every) {
    if (e.tabIndex > 0) say("jumps the queue", e);
    if (e.tabIndex < 0 && e.matches("a[href], button, input, select, textarea, summary")) {
      say("is not reached by Tab", e);
    }
  }
  // Of radio buttons with one name, Tab stops at the chosen one, or the first.
  const chosen = (e) => {
    if (e.type !== "radio") return true;
    const all = every.filter((o) => o.type === "radio" && o.name === e.name && o.form === e.form);
    return e === (all.find((o) => o.checked) || all[0]);
  };
  const stops = every.filter((e) => e.tabIndex >= 0 && chosen(e));
  const scrolls = (e) => {
    const {overflowX, overflowY} = getComputedStyle(e);
    return (e.scrollWidth > e.clientWidth + 1 && /auto|scroll/.test(overflowX))
      || (e.scrollHeight > e.clientHeight + 1 && /auto|scroll/.test(overflowY));
  };
  for (const e of document.querySelectorAll("body *:not(textarea, select, input)")) {
    if ((e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1)
        && shown(e) && scrolls(e) && !stops.some((stop) => e.contains(stop))) {
      say("scrolls, and nothing in it can have the focus", e);
    }
  }
  const look = (e) => {
    const s = getComputedStyle(e);
    const ring = s.outlineStyle === "none" || s.outlineWidth === "0px" ? "none"
      : `${s.outlineWidth} ${s.outlineStyle} ${s.outlineColor}`;
    return `${ring} / ${s.boxShadow}`;
  };
  const header = modal ? null : document.querySelector(".top");
  scrollTo(0, document.body.scrollHeight);
  for (const e of [...stops].reverse()) {
    e.blur();
    const before = look(e);
    e.focus();
    if (document.activeElement !== e) { say("gives the focus away", e); continue; }
    if (look(e) === before) say("does not show that it has the focus", e);
    const free = e.dispatchEvent(
      new KeyboardEvent("keydown", {key: "Tab", bubbles: true, cancelable: true}));
    if (!free) say("keeps Tab to itself", e);
    const box = e.getClientRects()[0];
    const top = header && e.closest("main") ? header.getBoundingClientRect().bottom : 0;
    const [left, right] = [Math.max(box.left, 0), Math.min(box.right, innerWidth)];
    const [upper, lower] = [Math.max(box.top, 0), Math.min(box.bottom, innerHeight)];
    if (right <= left || lower <= upper) { say("is out of sight with the focus", e); continue; }
    if (box.top < top - 1 && box.height < innerHeight - top) {
      say("is hidden below the header with the focus", e);
      continue;
    }
    const x = (left + right) / 2, y = Math.min((upper + lower) / 2, innerHeight - 1);
    const there = document.elementFromPoint(x, y);
    const itself = there && (e.contains(there) || there.closest("label")?.control === e
      || there.contains(e) || there.matches("svg.icon, svg.icon *"));
    if (!itself && box.height < innerHeight / 2) say("has something above it with the focus", e);
  }
  window.keyboardStops = stops;
  return trouble;
}"""
_OPENERS = """() => window.keyboardStops.map((e, place) => {
  const kind = e.matches("[data-dialog]") ? "dialog" : e.matches("[popovertarget]") ? "popover"
    : e.matches("summary") ? "details" : "";
  return [place, kind, e.getAttribute("aria-label") || e.innerText];
}).filter(([, kind]) => kind)"""
_FOCUS = "(place) => window.keyboardStops.at(place).focus()"
_HAS_FOCUS = "(place) => document.activeElement === window.keyboardStops.at(place)"
_OPEN = """(place) => {
  const e = window.keyboardStops[place];
  if (e.matches("summary")) return e.parentElement.open;
  const opened = document.getElementById(e.dataset.dialog || e.getAttribute("popovertarget"));
  return opened.matches(":modal, :popover-open");
}"""
_INSIDE = "(place) => document.querySelector(':modal').contains(document.activeElement)"


def check(page: Any, name: str) -> dict[str, Any]:
    """What the keyboard cannot do with the page, by where it was seen; {} when it can do all."""
    found = page.evaluate(_LOOK, STOPS)
    for end, key in ((-1, "Tab"), (0, "Shift+Tab")):
        page.evaluate(_FOCUS, end)
        page.keyboard.press(key)
        if page.evaluate(_HAS_FOCUS, end):
            found.append(f"{key} gets no further than the stop {end}")
    pressed = page.__dict__.setdefault("pressed", set())
    for place, kind, called in page.evaluate(_OPENERS):
        one_of_many = kind, re.sub(r"\d+", "", called)
        if one_of_many not in pressed:
            pressed.add(one_of_many)
            found += [f"{called}: {said}" for said in _open_and_close(page, place, kind)]
    return {f"{name}: keyboard": found} if found else {}


def _open_and_close(page: Any, place: int, kind: str) -> list[str]:
    """Enter opens it; Escape closes it (Enter, where it folds) and the focus is where it was."""
    found = []
    page.evaluate(_FOCUS, place)
    before = page.evaluate(_OPEN, place)
    page.keyboard.press("Enter")
    if page.evaluate(_OPEN, place) is before:
        found.append(f"Enter does not open the {kind}")
    if kind == "dialog" and not page.evaluate(_INSIDE, place):
        found.append("the focus stays outside the dialog")
    page.keyboard.press("Enter" if kind == "details" else "Escape")
    if page.evaluate(_OPEN, place) is not before:
        found.append(f"the {kind} does not close")
    if not page.evaluate(_HAS_FOCUS, place):
        found.append(f"the focus is lost behind the {kind}")
    return found
