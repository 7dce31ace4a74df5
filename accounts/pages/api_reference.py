"""/api/v1/: the reference of the Admin API, read from its own description."""

from __future__ import annotations

import dataclasses
import functools
import json
import shlex
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import format_html, format_html_join
from django.views.decorators.http import require_safe

from accounts import api_tokens
from accounts.api import problems
from accounts.deeds import Deed

#: What most programs are made for comes first, and what is not named here last.
_ORDER = (
    *("People", "Licenses", "Waiting list", "Held removals", "Groups"),
    *("Applications", "Reports", "Logs", "Organization"),
)
#: So many choices are listed; more are told in the description for programs.
_CHOICES = 12
#: An example of a body that is longer is shown line by line.
_LINE = 90


@dataclasses.dataclass(frozen=True, slots=True)
class Member:
    """A parameter or a member of a body. kind: "text", "number", "one of a, b"."""

    name: str
    kind: str
    required: bool
    sentence: str
    deep: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Told:
    """One operation, as the page shows it."""

    id: str
    method: str
    path: str
    headline: str
    sentence: str
    scope: str
    parameters: list[Member]
    sent: list[Member]
    answered: list[Member]
    status: str
    curl: str


@dataclasses.dataclass(frozen=True, slots=True)
class Area:
    id: str
    title: str
    operations: list[Told]


@require_safe
def reference(request: HttpRequest) -> HttpResponse:
    """Open to everybody: it says nothing of any organization."""
    context = {
        "areas": areas(),
        "base_url": f"{settings.PUBLIC_URL}/api/v1",
        "problems": [(status, *told) for status, told in problems.KINDS.items()],
        "scopes": api_tokens.SCOPES,
        "limit": settings.API_REQUESTS_PER_MINUTE,
        "first": f'curl {settings.PUBLIC_URL}/api/v1/token \\\n  -H "Authorization: Bearer $TOKEN"',
    }
    return render(request, "accounts/api_reference.html", context)


@functools.cache
def areas() -> list[Area]:
    """Every operation, under the headings that views name; once a process."""
    from accounts.api import schema  # drf-spectacular, which no start of the web waits for

    document = schema.document()
    found: dict[str, list[Told]] = {}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            told = _told(document, path, method, operation)
            found.setdefault(operation["tags"][0], []).append(told)
    titles = sorted(found, key=lambda title: (*_ORDER, title).index(title))
    return [Area(title.lower().replace(" ", "-"), title, found[title]) for title in titles]


# ------------------------------------------------------------------ inside


def _told(document: dict[str, Any], path: str, method: str, operation: dict[str, Any]) -> Told:
    said, _, scope = operation["description"].partition("\n\nScope: ")
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    status, answer = next(
        (status, answer) for status, answer in operation["responses"].items() if status < "300"
    )
    answered = answer.get("content", {}).get("application/json", {})
    return Told(
        id=operation["operationId"].replace("_", "-"),
        method=method.upper(),
        path=path,
        headline=operation["summary"],
        sentence=_prose(said),
        scope=scope.strip("`."),
        parameters=[_parameter(one) for one in operation.get("parameters", [])],
        sent=list(_members(document, content.get("schema", {}))),
        # That something is always there need not be said of an answer.
        answered=[
            dataclasses.replace(member, required=False)
            for member in _members(document, answered.get("schema", {}))
        ],
        status=status,
        curl=_curl(path, method, content.get("example")),
    )


def _parameter(parameter: dict[str, Any]) -> Member:
    return Member(
        parameter["name"],
        _kind(parameter["schema"]),
        parameter.get("required", False),
        _prose(parameter.get("description", "")),
    )


def _members(document: dict[str, Any], part: dict[str, Any]) -> Iterator[Member]:
    """Members of an object, and those of the objects in it, one level deep."""
    whole = _whole(document, part)
    required = whole.get("required", [])
    for name, member in whole.get("properties", {}).items():
        yield Member(name, _kind(member), name in required, _prose(member.get("description", "")))
        inner = _whole(document, member.get("items", member))
        needed = inner.get("required", [])
        for deep, one in inner.get("properties", {}).items():
            said = _prose(one.get("description", ""))
            yield Member(f"{name}.{deep}", _kind(one), deep in needed, said, deep=True)


def _prose(text: str) -> str:
    """What stands between backticks is code."""
    parts = enumerate(text.split("`"))
    return format_html_join(
        "", "{}", ((format_html("<code>{}</code>", part) if n % 2 else part,) for n, part in parts)
    )


def _whole(document: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """What a reference leads to; of several forms the one that is an object."""
    for form in (part, *part.get("allOf", ()), *part.get("oneOf", ())):
        if "$ref" in form:
            name = form["$ref"].rpartition("/")[2]
            found: dict[str, Any] = document["components"]["schemas"][name]
            return found
    return part


_KINDS = {
    "string": "text", "integer": "number", "number": "number", "boolean": "true or false",
    "object": "object", "null": "null",
}  # fmt: skip
_FORMATS = {"uuid": "id (UUID)", "date": "day", "date-time": "moment", "uri": "address"}


def _kind(part: dict[str, Any]) -> str:
    forms = [form for form in part.get("oneOf", part.get("allOf", [])) if form]
    if forms:
        return " or ".join(dict.fromkeys(_kind(form) for form in forms))
    if "$ref" in part:
        return "object"
    choices = part.get("enum", [])
    if choices == Deed.values or len(choices) > _CHOICES:
        return f"one of {len(choices)} words"
    if choices:
        return "one of " + ", ".join(map(str, choices))
    kinds = part.get("type", "anything")
    if kinds == "array":
        return f"list of: {_kind(part['items'])}"
    named = [kinds] if isinstance(kinds, str) else kinds
    return " or ".join(
        _FORMATS.get(part.get("format", ""), _KINDS.get(kind, kind)) if kind != "null" else "null"
        for kind in named
    )


def _curl(path: str, method: str, example: Any) -> str:
    """A command that works as it stands, once ids are filled in."""
    way = path.replace("{product}", "sales-navigator").replace("{", "").replace("}", "")
    address = f"{settings.PUBLIC_URL}{way}"
    lines = [f"curl {'' if method == 'get' else f'-X {method.upper()} '}{address}"]
    lines.append('-H "Authorization: Bearer $TOKEN"')
    if example is not None:
        lines.append("-H 'Content-Type: application/json'")
        text = json.dumps(example)
        if len(text) > _LINE:
            text = json.dumps(example, indent=2)
        lines.append(f"-d {shlex.quote(text)}")
    return " \\\n  ".join(lines)
