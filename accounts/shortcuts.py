"""Keyboard shortcuts: "g" and then a letter goes to a page of the menu."""

from __future__ import annotations

#: The name of a page's address → its letter.
KEYS = {
    "licensing:overview": "o",
    "licensing:people": "u",
    "licensing:licenses": "l",
    "licensing:groups": "g",
    "accounts:admins": "d",
    "accounts:settings": "s",
    "licensing:reporting": "r",
    "activity:log": "a",
}
