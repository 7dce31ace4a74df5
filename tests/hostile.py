"""Hostile requests for every address of the URL configuration, made from a seed, and what must
not come of one: an error of ours, a word of another organization, a change of it, or a change
by what was refused."""

from __future__ import annotations

import collections
import random
import re
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.cache import cache
from django.test import Client
from django.utils.http import urlencode

from accounts import api_tokens
from accounts.api import schema
from scim import exchanges
from tests import apart, endpoints, forms
from tests.conformance.fuzzing import (
    EVIL_TEXTS,
    EVIL_VALUES,
    FILTERS,
    MEDIA_TYPES,
    NAMES,
    Fuzzer,
    write,
)
from tests.endpoints import METHODS, REFERENCES, Endpoint
from tests.pages.world import World, hold_removals

#: One case in so many is watched: the tables before and after it are compared.
WATCHED = 20
#: Where an answer may lead: to us, or to the organization's own identity provider.
_KNOWN = ("", "testserver", urlsplit(settings.PUBLIC_URL).netloc, "northwind.idp.example")
_INSIDES = re.compile(rb"Traceback \(most recent|psycopg|site-packages|SELECT .{1,200} FROM ")
_HEADERS = (
    "Accept", "Accept-Language", "HX-Request", "HX-Target", "HX-Current-URL", "Referer", "Origin",
    "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Request-ID", "If-Match",
    "If-None-Match", "User-Agent", "Content-Encoding", "Range", "Authorization",
    "X-HTTP-Method-Override", "X-CSRFToken",
)  # fmt: skip
_EVIL = [text for text in EVIL_TEXTS if text.isprintable()] + [
    "<script>alert(1)</script>", "' OR 1=1 --", "../../etc/passwd", "=cmd|' /C calc'!A0", "{{7*7}}",
    "${jndi:ldap://x}", "http://169.254.169.254/", "//evil.example/", "javascript:alert(1)", "-1",
    "99999999999999999999", "2026-13-45", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z",
    "NaN", "\x00", "a\x00b", "\ud800", "\r\nX: y", "all",
]  # fmt: skip


class Hostile:
    """Attacks `world` and looks after `theirs`, both of which are as they were after each case."""

    def __init__(self, seed: int, world: World, theirs: World) -> None:
        self.random = random.Random(seed)
        self.world, self.theirs = world, apart.plant(theirs)
        hold_removals(world)
        self.fuzzer = Fuzzer(seed, world.okta.secret)
        for kind, name in (("Users", "user"), ("Groups", "group_id")):
            self.fuzzer.ids[kind] = [str(REFERENCES[name](each)) for each in (world, theirs)]
        self.client = Client(raise_request_exception=False)
        self.client.force_login(world.owner)
        self.client.get("/")
        self.cookies = {name: cookie.value for name, cookie in self.client.cookies.items()}
        self.before = apart.rows_of(theirs)
        self.secret = api_tokens.issue(
            world.organization, "All", scopes=list(api_tokens.SCOPES), admin=None, by=world.owner
        ).secret
        self.begin(str(seed))

    def begin(self, seed: str) -> None:
        """Anew: what comes follows from this seed alone, and nothing was counted yet."""
        self.random.seed(seed)
        self.fuzzer.random.seed(seed)
        self.statuses: collections.Counter[int] = collections.Counter()
        self.faults: list[str] = []
        self.cases = self.watched = 0

    def attack(self, endpoint: Endpoint, cases: int) -> None:
        """So many requests; what was wrong is in `faults`."""
        fields = self._fields(endpoint)
        for _ in range(cases):
            method, path, options = self._case(endpoint, fields)
            watched = self.cases % WATCHED == 0
            self.cases += 1
            with apart.undone():
                ours = apart.rows_of(self.world) if watched else None
                answer = self._send(method, path, options)
                wrong = self._wrong(answer)
                if watched:
                    self.watched += 1
                    wrong += self._changed(endpoint, answer, ours)
                    cache.clear()  # or limits would turn all others away before they are read
                    exchanges._reads.rows.clear()  # what was read is of no interest here
            self.statuses[answer.status_code] += 1
            if wrong:
                shown = {name: str(value)[:300] for name, value in options.items()}
                self.faults.append(f"{endpoint.name}: {wrong}\n{method} {path[:300]!r} {shown}")

    def _send(self, method: str, path: str, options: dict[str, Any]) -> Any:
        self.client.cookies.clear()
        for name, value in self.cookies.items():
            self.client.cookies[name] = value
        return self.client.generic(method, path, **options)

    def _wrong(self, answer: Any) -> list[str]:
        wrong = []
        if answer.status_code >= 500 and answer.status_code not in (501, 503):
            wrong.append(f"answered {answer.status_code}")
        body = apart.body_of(answer)
        if _INSIDES.search(body):
            wrong.append("told what is inside")
        wrong += [f"told {text!r}" for text in apart.NEVER if text in body]
        leads = urlsplit(answer.headers.get("Location", "/"))
        if leads.netloc not in _KNOWN or leads.scheme not in ("", "http", "https"):
            wrong.append(f"led to {leads.geturl()[:100]}")
        return wrong

    def _changed(self, endpoint: Endpoint, answer: Any, ours: Any) -> list[str]:
        wrong = []
        if apart.rows_of(self.theirs) != self.before:
            wrong.append("changed the other organization")
        if answer.status_code >= 400 and not endpoint.is_scim:
            now = apart.rows_of(self.world)
            what = [before[0] for before, after in zip(ours, now, strict=True) if before != after]
            if set(what) - _NOTES:
                wrong.append(f"refused, and changed {what}")
        return wrong

    # ---- what is sent

    def _case(self, endpoint: Endpoint, fields: list[str]) -> tuple[str, str, dict[str, Any]]:
        choose, chance = self.random.choice, self.random.random
        method = (
            choose(METHODS) if chance() < 0.95 else choose(["HEAD", "OPTIONS", "TRACE", "QUERY"])
        )
        options: dict[str, Any] = {}
        headers = {choose(_HEADERS): self._header() for _ in range(choose([0, 0, 0, 1, 2]))}
        if endpoint.is_scim and chance() < 0.95:
            headers["Authorization"] = f"Bearer {self.world.okta.secret}"
        elif endpoint.is_api and chance() < 0.95:
            headers["Authorization"] = f"Bearer {self.secret}"
        if method != "GET":
            options["data"], options["content_type"] = self._body(endpoint, fields)
        if chance() < 0.6:
            names = fields if not endpoint.is_scim else _PARAMETERS
            query = {choose(names): self._value() for _ in range(choose([1, 1, 2, 4]))}
            if endpoint.is_scim and chance() < 0.5:
                query["filter"] = self.fuzzer.filter()
            options["query_params"] = {
                name: value.encode("utf-8", "surrogatepass") for name, value in query.items()
            }
        return method, self._path(endpoint), options | {"headers": headers}

    def _path(self, endpoint: Endpoint) -> str:
        where = self.random.choice([self.world, self.world, self.world, self.theirs])
        path = self.random.choice(self.addresses[endpoint, where is self.theirs])
        if self.random.random() < 0.1:
            parts = path.split("/")
            parts[self.random.randrange(len(parts))] = self._value()
            path = "/" + "/".join(parts).lstrip("/")
            path = path.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
        return path

    @property
    def addresses(self) -> dict[tuple[Endpoint, bool], list[str]]:
        if not hasattr(self, "_addresses"):
            self._addresses = {
                (endpoint, world is self.theirs): endpoint.addresses(world)
                for endpoint in endpoints.every()
                for world in (self.world, self.theirs)
            }
        return self._addresses

    def _fields(self, endpoint: Endpoint) -> list[str]:
        """Names that its page asks for, those of other pages, and made-up ones."""
        found = {"q", "next", "page", "after", "before", "sort", "person", "only", "deed", "kind"}
        if endpoint.is_api:
            found |= _api_fields()
        elif not endpoint.is_scim:
            with apart.undone():
                answer = self._send("GET", endpoint.addresses(self.world)[0], {})
            if answer.get("Content-Type", "").startswith("text/html"):
                for form in forms.of(answer.content.decode(), "/"):
                    found |= form.fields.keys()
        return sorted(found | {name.removesuffix("_id") for name in REFERENCES} | {"x", ""})

    def _body(self, endpoint: Endpoint, fields: list[str]) -> tuple[bytes, str]:
        choose, chance = self.random.choice, self.random.random
        kind = choose(MEDIA_TYPES) if chance() < 0.15 else None
        if endpoint.is_scim or chance() < 0.1:
            make = choose(
                [self.fuzzer.create, self.fuzzer.patch, self.fuzzer.bulk, self.fuzzer.search]
            )
            text = write(self.fuzzer.spoilt(make()[3]))
            raw = text.encode("utf-8", "surrogatepass")[:100_000]
            return raw, kind or "application/scim+json"
        values = {choose(fields): self._value() for _ in range(choose([1, 2, 4, 8]))}
        if endpoint.is_api and chance() < 0.9:
            evil = {name: choose([*EVIL_VALUES, value]) for name, value in values.items()}
            return write(evil).encode("utf-8", "surrogatepass"), kind or "application/json"
        if chance() < 0.2:
            parts = [
                f'--b\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n\r\n{value}\r\n'
                for name, value in values.items()
                for extra in [choose(["", '; filename="a.csv"', '; filename="../../x"'])]
            ]
            text = "".join(parts) + choose(["--b--\r\n", ""])
            return text.encode("utf-8", "surrogatepass"), kind or "multipart/form-data; boundary=b"
        encoded = urlencode(
            {name: value.encode("utf-8", "surrogatepass") for name, value in values.items()}
        )
        return encoded.encode(), kind or "application/x-www-form-urlencoded"

    def _value(self) -> str:
        chance = self.random.random()
        if chance < 0.25:
            return str(self.random.choice(self._ids()))
        if chance < 0.45:
            return self.random.choice(["", "on", "1", "approve", "owner", "groups", "x@y.example"])
        if chance < 0.55:
            return str(self.random.choice(EVIL_VALUES))[:2_000]
        return self.random.choice(_EVIL)

    def _header(self) -> str:
        """What a web server hands on: no line breaks, and bytes as Latin-1."""
        value = self._value().encode("utf-8", "replace").decode("latin-1")
        return re.sub(r"[\r\n\x00]", " ", value)[:2_000]

    def _ids(self) -> list[Any]:
        if not hasattr(self, "_known"):
            self._known = [
                value(world) for value in REFERENCES.values() for world in (self.world, self.theirs)
            ]
        return self._known


_PARAMETERS = ["filter", "count", "startIndex", "sortBy", "sortOrder", "attributes", "cursor",
               "excludedAttributes", *NAMES[:6], *FILTERS[:1]]  # fmt: skip
#: What is written about requests, also refused ones.
_NOTES = {
    "AuditEntry", "AdminSession", "Exchange", "TurnedAway", "Admin", "ApiToken", "ApiAnswer",
}  # fmt: skip


def _api_fields() -> set[str]:
    """What the Admin API's description calls a parameter or a field."""
    document = schema.document()
    fields = {
        name
        for one in document["components"]["schemas"].values()
        for name in one.get("properties", ())
    }
    operations = [
        operation
        for path in document["paths"].values()
        for operation in path.values()
        if isinstance(operation, dict)
    ]
    return fields | {
        parameter["name"]
        for operation in operations
        for parameter in operation.get("parameters", ())
        if parameter["in"] == "query"
    }
