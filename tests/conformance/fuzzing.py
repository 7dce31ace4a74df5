"""Requests that nobody should send, from a seed, and what must hold of each answer.

A case begins as a valid request and is then spoilt in one to three places: its JSON (types, nulls,
nesting, NUL, half surrogates, names twice, huge numbers and texts), its bytes (encodings, BOM,
gzip,
cut off), its filter, path or parameters, its headers, its address or its method. About one case in
four is left valid, so that the directory is never empty and the deep code is reached.

The same cases go into the application itself (`InProcess`, for ./test) and over a socket to the
real server (`OverHttp`, for benchmarks/fuzz_scim.py).
"""

from __future__ import annotations

import contextlib
import dataclasses
import gzip
import http.client
import io
import json
import random
import re
import socket
import uuid
import zlib
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, unquote_to_bytes

PREFIX = "/scim/v2"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
MESSAGES = "urn:ietf:params:scim:api:messages:2.0:"
ERROR = f"{MESSAGES}Error"

#: RFC 7644 table 9 and RFC 9865 section 2.3.
SCIM_TYPES = {
    "invalidFilter", "tooMany", "uniqueness", "mutability", "invalidSyntax", "invalidPath",
    "noTarget", "invalidValue", "invalidVers", "sensitive",
    "invalidCursor", "expiredCursor", "invalidCount",
}  # fmt: skip

#: 501 is what /Me answers (RFC 7644 section 3.11).
ALLOWED_STATUSES = {
    200, 201, 204, 304, 400, 401, 403, 404, 405, 406, 409, 412, 413, 414, 415, 431, 501,
}  # fmt: skip

#: What must never be told to a client.
_INSIDES = re.compile(rb"Traceback|psycopg|django|SELECT |INSERT |\.py\b|<html", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class Case:
    """target: path and query as they go over the wire."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def __str__(self) -> str:
        body = self.body if len(self.body) < 3000 else self.body[:3000] + b"..."
        return f"{self.method} {self.target[:1000]}\n{self.headers}\n{body!r}"


@dataclasses.dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body, parse_constant=_no_number)


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no JSON")


def by_the_web_server(answer: Answer) -> bool:
    """Whether gunicorn refused what it could not read as HTTP, before the application saw it."""
    return "x-request-id" not in answer.headers and answer.headers.get("connection") == "close"


def faults(case: Case, answer: Answer) -> list[str]:
    """What is wrong with an answer; nothing, if all is well."""
    found = []
    if answer.status not in ALLOWED_STATUSES:
        found.append(f"status {answer.status}")
    if _INSIDES.search(answer.body):
        found.append("the answer tells what is inside")
    if answer.status in (204, 304) or case.method == "HEAD":
        return found + (["a body where none may be"] if answer.body else [])
    if case.method == "OPTIONS" and not answer.body:
        return found
    if answer.headers.get("content-type") != "application/scim+json":
        return [*found, f"media type {answer.headers.get('content-type')}"]
    try:
        document = answer.json()
    except ValueError as error:
        return [*found, f"no JSON: {error}"]
    if not isinstance(document, dict) or not document.get("schemas"):
        return [*found, "no SCIM message"]
    if answer.status >= 400:
        found += _faults_of_error(answer, document)
    return found


def _faults_of_error(answer: Answer, document: dict[str, Any]) -> list[str]:
    """RFC 7644 section 3.12."""
    found = []
    if document["schemas"] != [ERROR]:
        found.append("schemas of an error")
    if document.get("status") != str(answer.status):
        found.append("status of an error")
    if not isinstance(document.get("detail"), str) or not document["detail"]:
        found.append("an error without detail")
    if document.get("scimType", "mutability") not in SCIM_TYPES:
        found.append("scimType")
    if answer.status == 401 and not answer.headers.get("www-authenticate", "").startswith("Bearer"):
        found.append("401 without WWW-Authenticate")
    if answer.status == 405 and not answer.headers.get("allow"):
        found.append("405 without Allow")
    return found


# ------------------------------------------------------------------ JSON that json cannot write


class Raw(str):
    """Goes into the JSON as it is."""


class Twice(dict[str, Any]):
    """An object whose first name stands in it twice."""


def write(value: Any) -> str:
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, dict):
        pairs = [f"{json.dumps(name)}: {write(part)}" for name, part in value.items()]
        return "{" + ", ".join(pairs[:1] + pairs if isinstance(value, Twice) else pairs) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(write, value)) + "]"
    return json.dumps(value)


EVIL_TEXTS = [
    "", " ", "\x00", "a\x00b", "\ud800", "\udfff\ud800", "😀", "ß", "İ", "ﬃ", "Ⅷ", "\u202e",
    "\ufeff",
    "true", "null", "bulkId:a", "bulkId:", "*", "%", "%s", "%(id)s", "{0}", "'", "';--", '"', "\\",
    "\\u0000", "../..", "<script>", "\r\nX: y", "urn:", "urn:x:y", ":", ".", "[", "]", "a" * 257,
    "a" * 5000, "é" * 300, "0" * 400, "1e999", "١٢٣", "\u0345\u0301", USER, ENTERPRISE, GROUP,
]  # fmt: skip
EVIL_VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, -(2**63) - 1, 1.5, -0.0, Raw("1e999"),
    Raw("1E400"), Raw("NaN"), Raw("Infinity"), Raw("1" * 5000), Raw("0.1" + "1" * 400), Raw("01"),
    Raw("'x'"), Raw("undefined"), Raw('"\\ud800"'), Raw('"\\u0000"'), Raw('"\\x"'), Raw('"\t"'),
    [], {}, [[]], [{}], [None], {"": None}, {"value": None}, [{"value": {}}], ["a", 1], {"$ref": 1},
    Raw("[" * 500 + "]" * 500), Raw('{"a":' * 300 + "1" + "}" * 300), Raw("[" * 100_000),
]  # fmt: skip
NAMES = [
    "schemas", "id", "meta", "userName", "USERNAME", "externalId", "active", "emails", "members",
    "groups", "name", "displayName", "password", "manager", "roles", "x509Certificates", "photos",
    "value", "type", "primary", "$ref", "display", "Operations", "op", "path", "method", "data",
    "bulkId", "version", "failOnErrors", "", ".", "name.givenName", 'emails[type eq "work"].value',
    "emails[", "urn:x:y", "urn:x:y:z", USER, f"{USER}:userName", f"{ENTERPRISE}:manager.value",
    ENTERPRISE.upper(), "\x00", "\ud800", "a" * 300, "__proto__", "constructor",
]  # fmt: skip
PATHS = [
    "active", "userName", "displayName", "title", "name", "name.givenName", "emails",
    "emails.value",
    'emails[type eq "work"]', 'emails[type eq "work"].value', 'emails[primary eq true].display',
    'roles[primary eq "True"].value', "members", 'members[value eq "x"]', 'members[type eq "User"]',
    f"{ENTERPRISE}:employeeNumber", f"{ENTERPRISE}:manager", ENTERPRISE, f"{USER}:title", "id",
    "meta", "groups", "password", "schemas", "externalId", "urn:x:y:z", "urn:x:y:z.q", "addresses",
    'addresses[type eq "work" and not (country pr)].country', "x509Certificates",
    "photos[value pr]",
]  # fmt: skip
FILTERS = [
    'userName eq "a1@example.com"', 'emails[type eq "work" and value co "a"]', "active eq true",
    'emails[type eq "work"].value eq "a2@example.com"', "title pr", "not (title pr)", "id pr",
    'meta.lastModified gt "2020-01-01T00:00:00Z"', 'name.familyName sw "L" or displayName ew "e"',
    f'{ENTERPRISE}:employeeNumber gt "1"', 'members.value eq "x"', 'groups.display co "a"',
    'displayName eq "Group 1"', 'externalId eq "x"', 'schemas eq "x"', 'meta.version eq "x"',
    '(userName co "a" and (active eq false or title pr)) or not (emails pr)', "emails pr",
    'x509Certificates.value eq "aGk="', 'meta.location ew "x"', 'meta.resourceType eq "User"',
]  # fmt: skip
WORDS = [
    *("and", "or", "not", "eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "pr", "xx"),
    *("(", ")", "[", "]", ".", '"', "true", "null", "1", "1e999", "-", "\\", "\x00", "\ud800", "%"),
    *("userName", "emails", "password", "members", "meta.created", "urn:", ENTERPRISE, "a" * 300),
    *('"\\ud800"', '"\\u0000"', '"' + "a" * 5000 + '"', "'x'", "\u3000", "é", "0" * 200),
]
MEDIA_TYPES = [
    "text/plain", "application/xml", "application/json", "application/json; charset=utf-16",
    "application/scim+json; charset=latin-1", "multipart/form-data; boundary=x", "*/*", "", ";",
    "a",
    "application/x-www-form-urlencoded", "APPLICATION/SCIM+JSON", "application/scim+json;;;=",
    "application/scim+json, text/html", "x" * 3000,
]  # fmt: skip


#: Bytes of a body. Larger ones are cut off, and tested by themselves (test_hostile.py).
LARGEST = 2_000_000


class Fuzzer:
    """Makes cases, and learns ids from answers."""

    def __init__(self, seed: int, token: str) -> None:
        self.random = random.Random(seed)
        self.token = token
        self.ids: dict[str, list[str]] = {"Users": [], "Groups": []}
        self.made = 0
        self.case_count = 0

    # What is valid

    def case(self) -> Case:
        self.case_count += 1
        pick = self.random.random
        make = self.choose(
            self.create, self.create, self.replace, self.patch, self.patch, self.patch, self.bulk,
            self.search, self.listing, self.listing, self.listing, self.one, self.delete, self.odd,
        )  # fmt: skip
        method, path, query, body = make()
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/scim+json"}
        raw = b"" if body is None else self.bytes_of(body)[:LARGEST]
        target = PREFIX + path
        if query:
            target += "?" + self.query(query)
        if pick() < 0.10:
            self.spoil_headers(headers)
        if pick() < 0.07:
            target = self.spoil_target(target)
        if pick() < 0.04:
            method = self.choose(
                "GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "get", "BREW",
                "PROPFIND", "QUERY", "M-SEARCH",
            )  # fmt: skip
        if raw:
            headers.setdefault("Content-Length", str(len(raw)))
        return Case(method, target, tuple(headers.items()), raw)

    def learn(self, case: Case, answer: Answer) -> None:
        if case.method == "DELETE" and answer.status == 204:
            for known in self.ids.values():
                known[:] = [id for id in known if id not in case.target]
        if answer.status == 201:
            location = answer.headers.get("location", "")
            kind, _, id = location.rpartition("/")
            self.ids[kind.rpartition("/")[2]].append(id)
            for known in self.ids.values():
                del known[:-40]

    def choose(self, *options: Any) -> Any:
        return self.random.choice(options)

    def id_of(self, kind: str) -> str:
        known = self.ids[kind]
        if known and self.random.random() < 0.9:
            return self.random.choice(known)
        return self.choose(str(uuid.UUID(int=self.random.getrandbits(128))), "x", "1", "-", "%00")

    def user(self) -> dict[str, Any]:
        self.made += 1
        n = self.made
        return {
            "schemas": [USER, ENTERPRISE],
            "userName": f"a{n}@example.com",
            "externalId": f"e{n}",
            "name": {"givenName": "Ada", "familyName": f"L{n}"},
            "displayName": f"Ada {n}",
            "active": self.random.random() < 0.8,
            "emails": [
                {"value": f"a{n}@example.com", "type": "work", "primary": True},
                {"value": f"h{n}@example.com", "type": "home"},
            ],
            "title": self.choose("Boss", "Engineer"),
            "roles": [{"value": "r", "primary": True}],
            ENTERPRISE: {"employeeNumber": str(n), "department": "D", "manager": {"value": "m"}},
        }

    def group(self) -> dict[str, Any]:
        self.made += 1
        members = self.random.sample(self.ids["Users"], min(3, len(self.ids["Users"])))
        return {
            "schemas": [GROUP],
            "displayName": f"Group {self.made}",
            "externalId": f"g{self.made}",
            "members": [{"value": id, "type": "User"} for id in members],
        }

    def resource(self, kind: str) -> dict[str, Any]:
        return self.user() if kind == "Users" else self.group()

    def kind(self) -> str:
        return self.choose("Users", "Users", "Groups")

    def create(self) -> tuple[str, str, Any, Any]:
        kind = self.kind()
        return "POST", f"/{kind}", self.projection(), self.spoilt(self.resource(kind))

    def replace(self) -> tuple[str, str, Any, Any]:
        kind = self.kind()
        path = f"/{kind}/{self.id_of(kind)}"
        return "PUT", path, self.projection(), self.spoilt(self.resource(kind))

    def patch(self) -> tuple[str, str, Any, Any]:
        kind = self.kind()
        body = {
            "schemas": [f"{MESSAGES}PatchOp"],
            "Operations": [self.operation(kind) for _ in range(self.random.randint(1, 4))],
        }
        path = f"/{kind}/{self.id_of(kind)}"
        return "PATCH", path, self.projection(), self.spoilt(body)

    def operation(self, kind: str) -> dict[str, Any]:
        op = self.choose("add", "replace", "remove", "Add", "Replace", "Remove")
        if self.random.random() < 0.15:
            return {"op": op, "value": self.resource(kind)}
        operation = {"op": op, "path": self.path()}
        if op.lower() != "remove" or self.random.random() < 0.3:
            operation["value"] = self.value(kind)
        return operation

    def path(self) -> str:
        path = self.random.choice(PATHS)
        if self.ids["Users"] and self.random.random() < 0.2:
            path = f'members[value eq "{self.random.choice(self.ids["Users"])}"]'
        return self.spoilt_text(path) if self.random.random() < 0.3 else path

    def value(self, kind: str) -> Any:
        return self.choose(
            "text", "True", True, False, [{"value": self.id_of("Users")}], {"value": "v"},
            [{"value": "v@example.com", "type": "work", "primary": True}], {"givenName": "B"}, None,
            {"value": "m", "$ref": "x"}, self.random.choice(EVIL_TEXTS),
            self.random.choice(EVIL_VALUES), self.resource(kind),
        )  # fmt: skip

    def bulk(self) -> tuple[str, str, Any, Any]:
        operations = []
        for n in range(self.random.randint(1, 5)):
            kind = self.kind()
            method = self.choose("POST", "POST", "PUT", "PATCH", "DELETE")
            one: dict[str, Any] = {"method": method, "path": f"/{kind}"}
            if method == "POST":
                one |= {"bulkId": f"b{n}", "data": self.resource(kind)}
                if kind == "Groups" and n:
                    one["data"]["members"] = [{"value": f"bulkId:b{self.random.randint(0, n)}"}]
            else:
                one["path"] += f"/{self.id_of(kind)}"
                if method == "PUT":
                    one["data"] = self.resource(kind)
                elif method == "PATCH":
                    one["data"] = {"Operations": [self.operation(kind)]}
            operations.append(one)
        body = {"schemas": [f"{MESSAGES}BulkRequest"], "Operations": operations}
        if self.random.random() < 0.3:
            body["failOnErrors"] = 1
        return "POST", "/Bulk", {}, self.spoilt(body)

    def search(self) -> tuple[str, str, Any, Any]:
        body: dict[str, Any] = {"schemas": [f"{MESSAGES}SearchRequest"], **self.parameters()}
        for name in ("count", "startIndex"):
            if re.fullmatch(r"-?[0-9]+", body.get(name, "")):
                body[name] = Raw(body[name])
        path = self.choose("/.search", "/Users/.search", "/Groups/.search")
        return "POST", path, {}, self.spoilt(body)

    def listing(self) -> tuple[str, str, Any, Any]:
        return "GET", f"/{self.kind()}", self.parameters(), None

    def parameters(self) -> dict[str, str]:
        """Of a list; each is often there, and now and then odd."""
        made = {}
        if self.random.random() < 0.6:
            made["filter"] = self.filter()
        for name, good in (
            ("count", ["1", "2", "0", "1000", "-1"]),
            ("startIndex", ["1", "2", "0", "99999"]),
            ("sortBy", ["userName", "name.familyName", "emails", "meta.created", "displayName"]),
            ("sortOrder", ["ascending", "descending"]),
            ("cursor", [""]),
        ):
            if self.random.random() < 0.2:
                made[name] = self.choose(*good) if self.random.random() < 0.6 else self.junk()
        return made | self.projection()

    def projection(self) -> dict[str, str]:
        if self.random.random() < 0.8:
            return {}
        name = self.choose("attributes", "excludedAttributes")
        names = [*NAMES, "members.display", "emails.value", ENTERPRISE, f"{ENTERPRISE}:manager"]
        return {name: ",".join(self.random.sample(names, self.random.randint(1, 4)))}

    def junk(self) -> str:
        return self.choose(
            self.random.choice(EVIL_TEXTS), self.random.choice(WORDS), "1e3", "1.0", "--1",
            "9" * 5000,
            "NaN", "WyJ4IiwgbnVsbCwgIngiXQ", "W10", "bnVsbA", "eyJ9", "=====", self.filter(),
        )  # fmt: skip

    def filter(self) -> str:
        text = self.random.choice(FILTERS)
        chance = self.random.random()
        if chance < 0.3:
            return text
        if chance < 0.4:
            other, depth = self.random.choice(FILTERS), self.choose(1, 2, 19, 21, 3000)
            return self.choose(
                f"{text} and {other}", f"{text} or {other}", f"not ({text})",
                "(" * depth + text + ")" * depth, "not " * depth + "(" + text + ")",
                " or ".join([text] * self.choose(2, 99, 101, 500)),
            )  # fmt: skip
        return self.spoilt_text(text)

    def one(self) -> tuple[str, str, Any, Any]:
        kind = self.kind()
        return "GET", f"/{kind}/{self.id_of(kind)}", self.projection(), None

    def delete(self) -> tuple[str, str, Any, Any]:
        kind = self.kind()
        return "DELETE", f"/{kind}/{self.id_of(kind)}", {}, None

    def odd(self) -> tuple[str, str, Any, Any]:
        path = self.choose(
            "/Me", "/Bulk", "/Schemas", f"/Schemas/{USER}", "/Schemas/x", "/ResourceTypes",
            "/ResourceTypes/User", "/ServiceProviderConfig", "/ServiceProviderConfig/1", "", "/",
            "/Nothing", "/.search", "/Users/.search", "/users", "/Users/", "/Users//", "/Users/1/2",
            "/v2/Users", "/Users.json", "/Groups/x/members",
        )  # fmt: skip
        method = self.choose("GET", "GET", "POST", "PUT", "PATCH", "DELETE")
        body = (
            self.spoilt(self.resource(self.kind())) if method in ("POST", "PUT", "PATCH") else None
        )
        return method, path, self.choose({}, {"filter": self.filter()}), body

    # What spoils

    def spoilt(self, body: Any) -> Any:
        for _ in range(self.choose(0, 0, 0, 1, 1, 2, 3)):
            body = self.spoil(body)
        return body

    def spoil(self, value: Any) -> Any:
        """The value with one part changed, somewhere."""
        inner = value if isinstance(value, (dict, list)) and value else None
        if inner is None or self.random.random() < 0.15:
            return self.instead_of(value)
        if isinstance(value, list):
            copy = list(value)
            at = self.random.randrange(len(copy))
            if self.random.random() < 0.15:
                copy += [copy[at]] * self.choose(1, 2, 1001)
            else:
                copy[at] = self.spoil(copy[at])
            return copy
        name = self.random.choice(list(value))
        chance = self.random.random()
        if chance < 0.08:
            return {other: part for other, part in value.items() if other != name}
        if chance < 0.16:
            return Twice(value)
        if chance < 0.26:
            new = self.choose(name.upper(), self.random.choice(NAMES), self.spoilt_text(name))
            return {new if other == name else other: part for other, part in value.items()}
        if chance < 0.36:
            return {**value, self.random.choice(NAMES): self.random.choice(EVIL_VALUES)}
        return {**value, name: self.spoil(value[name])}

    def instead_of(self, value: Any) -> Any:
        if isinstance(value, str) and self.random.random() < 0.5:
            return self.choose(self.random.choice(EVIL_TEXTS), self.spoilt_text(value))
        return self.choose(
            self.random.choice(EVIL_VALUES), self.random.choice(EVIL_TEXTS), [value],
            {"value": value},
            {self.random.choice(NAMES): value}, str(value)[:100],
        )  # fmt: skip

    def spoilt_text(self, text: str) -> str:
        for _ in range(self.choose(1, 1, 2)):
            parts = re.split(r"(\W)", text)
            at = self.random.randrange(len(parts))
            match self.random.randrange(5):
                case 0:
                    parts[at] = self.random.choice(WORDS)
                case 1:
                    parts.insert(at, self.random.choice(WORDS))
                case 2:
                    del parts[at]
                case 3:
                    parts[at] *= 2
                case 4:
                    parts = parts[:at]
            text = "".join(parts)
        return text

    def bytes_of(self, body: Any) -> bytes:
        text = write(body)
        chance = self.random.random()
        if chance < 0.85:
            return text.encode()
        data = text.encode()
        at = self.random.randrange(len(data))
        return self.choose(
            data[:at], data[:at] + bytes([self.random.randrange(256)]) + data[at:], data + b"x",
            b"\xef\xbb\xbf" + data, text.encode("utf-16"), text.encode("utf-32"), data + data,
            text.encode("latin-1", "replace") + b"\xff", gzip.compress(data), zlib.compress(data),
            b"\x00" + data, b"[" + data + b"]", b"\xff\xfe", b" " * 1000 + data, data[::-1],
            data.replace(b'"', b"'"), data.replace(b":", b"="), b"--x\r\n\r\n" + data, b"null",
            b'""',
        )  # fmt: skip

    def query(self, parameters: dict[str, str]) -> str:
        pairs = []
        for name, value in parameters.items():
            data = value.encode("utf-8", "surrogatepass")
            text = quote(data, safe="") if self.random.random() < 0.9 else self.loosely(data)
            pairs.append(f"{name}={text}")
            if self.random.random() < 0.03:
                pairs.append(f"{name}={text}")
        return "&".join(pairs)

    def loosely(self, data: bytes) -> str:
        """Percent-encoding as careless clients do it."""
        return self.choose(
            quote(data, safe="/:[]()=,;'\"@!$*"), quote(data).replace("%20", "+"),
            quote(data, safe="").lower(), quote(quote(data)), quote(data) + "%",
            "%zz%ff" + quote(data),
            quote(data) + "%00", quote(data)[:-1],
        )  # fmt: skip

    def spoil_headers(self, headers: dict[str, str]) -> None:
        match self.random.randrange(6):
            case 0:
                token = self.token
                headers["Authorization"] = self.choose(
                    "", "Bearer", "Bearer ", f"bearer {token}", f"Basic {token}", token,
                    f"Bearer  {token}",
                    f"Bearer {token} x", f"Bearer {token[:-1]}", f"Bearer {token}=", "Bearer é",
                    f"Bearer {token.upper()}", f"Digest {token}", f"Bearer {token},Bearer {token}",
                    "Bearer " + "x" * 5000, "Bearer null", f'Bearer "{token}"', "Bearer ' OR 1=1",
                )  # fmt: skip
            case 1:
                headers["Content-Type"] = self.random.choice(MEDIA_TYPES)
            case 2:
                headers[self.choose("If-Match", "If-None-Match")] = self.choose(
                    "*", 'W/"1"', '"1"', "1", 'W/"999"', "", ",", '"', 'W/"', "W/", '"a", W/"1"',
                    "é",
                    '"' * 8000, "x" * 8000, "**", 'W/"1" x',
                )  # fmt: skip
            case 3:
                headers["Accept"] = self.choose(
                    "text/html", "*/*", "", "application/xml", "application/scim+json;q=0",
                    "a" * 3000,
                )  # fmt: skip
            case 4:
                headers[self.choose("Content-Encoding", "Accept-Encoding")] = self.choose(
                    "gzip", "deflate", "br", "identity", "x",
                )  # fmt: skip
            case 5:
                headers[
                    self.choose(
                        "X-Request-ID",
                        "X-HTTP-Method-Override",
                        "Range",
                        "Prefer",
                        "If-Modified-Since",
                        "Cookie",
                        "X-Forwarded-Host",
                        "Origin",
                    )
                ] = self.choose("DELETE", "bytes=0-1", "é", "a" * 200, "return=minimal", "x=y; z")

    def spoil_target(self, target: str) -> str:
        at = self.random.randrange(len(PREFIX), len(target) + 1)
        spoilt = self.choose(
            target[:at] + "/" + target[at:], target[:at] + "%2f" + target[at:],
            target[:at] + "/../" + target[at:], target[:at] + "%00" + target[at:],
            target[:at] + "%0a" + target[at:],
            target[:at] + "%0d" + target[at:], target[:at] + "%ff" + target[at:],
            target[:at] + "%" + target[at:], target[:at] + ";x=y" + target[at:],
            target[:at] + "?" + target[at:], target[:at] + "%e2%80%ae" + target[at:],
            target[:at] + "a" * 3000 + target[at:], target[:at], target + "&" * 500,
            target.upper().replace(PREFIX.upper(), PREFIX), target + "/", target + "//",
            target + ".",
        )  # fmt: skip
        # What is not below /scim/v2 is no SCIM, and may be answered with a page.
        return spoilt if re.match(rf"{PREFIX}(?:[/?]|$)", spoilt) else target


# ------------------------------------------------------------------ ways in


class InProcess:
    """Into the application as gunicorn would call it, without a socket."""

    def __init__(self) -> None:
        from django.core.wsgi import get_wsgi_application

        self.application = get_wsgi_application()

    def __call__(self, case: Case) -> Answer:
        path, _, query = case.target.partition("?")
        environment: dict[str, Any] = {
            "REQUEST_METHOD": case.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "HTTP_HOST": "127.0.0.1",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(case.body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "wsgi.input_terminated": True,
        }
        for name, value in case.headers:
            key = name.upper().replace("-", "_")
            plain = key in ("CONTENT_TYPE", "CONTENT_LENGTH")
            data = value.encode("utf-8").decode("latin-1")
            environment[key if plain else f"HTTP_{key}"] = data
        seen: list[Any] = []

        def start(status: str, headers: list[tuple[str, str]], *_: Any) -> Callable[..., None]:
            seen.append((int(status[:3]), {name.lower(): value for name, value in headers}))
            return lambda data: None

        with _connections_kept():
            response = self.application(environment, start)
            try:
                body = b"".join(response)
            finally:
                response.close()
        status, headers = seen[0]
        return Answer(status, headers, b"" if case.method == "HEAD" else body)


@contextlib.contextmanager
def _connections_kept() -> Iterator[None]:
    """As Django's test client does it: a request closes no connection that a test is using."""
    from django.core import signals
    from django.db import close_old_connections

    both = (signals.request_started, signals.request_finished)
    for signal in both:
        signal.disconnect(close_old_connections)
    yield
    for signal in both:
        signal.connect(close_old_connections)


class OverHttp:
    """Over one connection to a server, byte by byte as the case says."""

    def __init__(self, host: str, port: int) -> None:
        self.address = (host, port)
        self.socket: socket.socket | None = None

    def __call__(self, case: Case) -> Answer:
        head = f"{case.method} {case.target} HTTP/1.1\r\nHost: {self.address[0]}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in case.headers)
        data = (head + "\r\n").encode("utf-8", "surrogatepass") + case.body
        for last in (False, True):
            fresh = self.socket is None
            if self.socket is None:
                self.socket = socket.create_connection(self.address, 30)
            try:
                # Who is answered before everything was sent reads the answer all the same.
                with contextlib.suppress(ConnectionError):
                    self.socket.sendall(data)
                return self._read(case.method)
            except (http.client.HTTPException, ConnectionError):
                self.close()
                if last or fresh:
                    raise
        raise AssertionError("unreachable")

    def _read(self, method: str) -> Answer:
        assert self.socket is not None
        response = http.client.HTTPResponse(self.socket, method=method)
        response.begin()
        body = response.read()
        headers = {name.lower(): value for name, value in response.getheaders()}
        if response.will_close:
            self.close()
        return Answer(response.status, headers, body)

    def close(self) -> None:
        if self.socket is not None:
            self.socket.close()
            self.socket = None


# ------------------------------------------------------------------ what must stay


def tables(execute: Callable[[str], list[Any]]) -> list[str]:
    """Those of ours, but for the activity log, which each request writes to."""
    rows = execute(
        "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace "
        "AND relkind IN ('r', 'p') AND NOT relispartition "
        "AND relname ~ '^(accounts|licensing|scim)_' AND relname <> 'scim_exchange' ORDER BY 1"
    )
    return [row[0] for row in rows]


#: Lines are only ever added to these: their number and last id tell of every change.
_GROWING = ("licensing_ledgerentry", "accounts_outbox")


def fingerprint(execute: Callable[[str], list[Any]], tables: list[str]) -> list[Any]:
    """All that the tables hold, in a few numbers. When a token was last used is no change."""
    parts = []
    for table in tables:
        value = (
            "max(id)::text"
            if table in _GROWING
            else "sum(hashtextextended((to_jsonb(t) - 'last_used_at')::text, 0))::text"
        )
        parts.append(f"SELECT '{table}', count(*), {value} FROM {table} t")
    return execute(" UNION ALL ".join(parts) + " ORDER BY 1")
