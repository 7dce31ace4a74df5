"""The forms of a page, as somebody without a browser would fill them in."""

from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

from django.utils.http import urlencode

Send = Callable[..., Any]


def encoded(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        "data": urlencode(fields, doseq=True),
        "content_type": "application/x-www-form-urlencoded",
    }


class Form:
    def __init__(self, method: str, action: str) -> None:
        self.method, self.action = method, action
        self.fields: dict[str, str] = {}

    def send(self, send: Send, fields: dict[str, Any]) -> Any:
        if self.method == "GET":
            return send("GET", self.action, query_params=fields)
        return send("POST", self.action, **encoded(fields))


class _Reader(HTMLParser):
    def __init__(self, address: str) -> None:
        super().__init__()
        self.address, self.forms, self.inside = address, [], False
        self.select = ""

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        has = dict(attributes)
        if tag == "form":
            action = (has.get("action") or self.address).partition("?")[0]
            self.forms.append(Form((has.get("method") or "get").upper(), action))
        elif self.forms and tag in ("input", "textarea", "button", "select") and has.get("name"):
            self.select = has["name"]
            self.forms[-1].fields.setdefault(has["name"], has.get("value") or "")
        elif self.forms and tag == "option" and self.select and "selected" in has:
            self.forms[-1].fields[self.select] = has.get("value") or ""


def of(page: str, address: str) -> list[Form]:
    reader = _Reader(address)
    reader.feed(page)
    return reader.forms
