"""What a request was, in plain words (R28)."""

from __future__ import annotations

import re
from urllib.parse import parse_qs

from scim.models import Exchange

_FILTER = re.compile(r"\s*([\w.:]+)\s+eq\s+\"((?:[^\"\\]|\\.)*)\"\s*", re.IGNORECASE)
_DISCOVERY = {
    "serviceproviderconfig": "Asked what this server can do",
    "resourcetypes": "Asked which kinds of resources there are",
    "schemas": "Asked which attributes there are",
    "me": "Asked for /Me",
    "bulk": "Sent many changes in one request",
}
_KINDS = {"users": "person", "groups": "group"}
_DEEDS = {
    "POST": "Created the {kind}",
    "PUT": "Replaced the {kind}",
    "PATCH": "Changed the {kind}",
    "DELETE": "Deleted the {kind}",
    "GET": "Read the {kind}",
    "HEAD": "Read the {kind}",
}
_WANTED = {
    "POST": "Wanted to create the {kind}",
    "PUT": "Wanted to replace the {kind}",
    "PATCH": "Wanted to change the {kind}",
    "DELETE": "Wanted to delete the {kind}",
    "GET": "Wanted to read the {kind}",
    "HEAD": "Wanted to read the {kind}",
}


def deed(exchange: Exchange, called: str = "") -> str:
    """ "Created the person ada@example.com", "Looked up the person whose userName is …".

    called: what the person or group is called, where the bodies are not at hand.
    """
    address, _, query = exchange.path.partition("?")
    kind, _, id = address.strip("/").partition("/")
    noun = _KINDS.get(kind.casefold())
    if noun is None:
        return _DISCOVERY.get(kind.casefold(), f"Sent {exchange.method} to {address[:80] or '/'}")
    if not id and exchange.method in ("GET", "HEAD"):
        return _look_up(kind.casefold(), noun, query)
    if id.startswith("."):
        return f"Searched {kind.casefold()}"
    words = _DEEDS if exchange.status < 400 else _WANTED
    said = words.get(exchange.method, f"{exchange.method} of the {{kind}}").format(kind=noun)
    name = called or _name(exchange) or exchange.about or id
    return f"{said} {name}".strip()


def _look_up(kind: str, noun: str, query: str) -> str:
    asked = parse_qs(query).get("filter", [""])[0]
    simple = _FILTER.fullmatch(asked)
    if simple:
        return f"Looked up the {noun} whose {simple[1]} is {simple[2]}"
    return f"Listed {'people' if noun == 'person' else 'groups'}" + (
        " by a filter" if asked else ""
    )


def _name(exchange: Exchange) -> str:
    """The userName or displayName that stands in the answer or in the request."""
    for document in (exchange.response, exchange.request):
        if isinstance(document, dict):
            for attribute in ("userName", "displayName"):
                name = document.get(attribute)
                if isinstance(name, str) and name:
                    return name[:200]
    return ""
