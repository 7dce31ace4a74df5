"""The kinds of requests that are measured: endless streams of them, for one server each."""

from __future__ import annotations

import dataclasses
import itertools
import random
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

from benchmarks.client import Target

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


def person(prefix: str, number: int) -> dict[str, Any]:
    """The person whom the baseline's seed and load tool make, too."""
    name = f"{prefix}.p{number:07d}@example.com"
    given, family = f"Given{number % 997}", f"Family{number % 4999}"
    return {
        "schemas": [USER, ENTERPRISE],
        "externalId": f"{prefix}-{number:07d}",
        "userName": name,
        "name": {"givenName": given, "familyName": family},
        "displayName": f"{given} {family}",
        "title": "Account Executive",
        "active": True,
        "emails": [{"value": name, "type": "work", "primary": True}],
        ENTERPRISE: {"employeeNumber": str(number), "department": f"Sales {number % 20}"},
    }


@dataclasses.dataclass
class Seeded:
    """A server with people in it: a sample of them as [id, userName], and groups by size."""

    target: Target
    count: int
    people: list[list[str]]
    groups: dict[str, dict[str, Any]]
    prefix: str = "new"  # of the people who are created

    def __post_init__(self) -> None:
        self._chance = random.Random(7)
        self._inactive: set[str] = set()
        self._numbers = itertools.count()

    def get(self) -> Iterator[bytes]:
        while True:
            yield self.target.request("GET", f"/scim/v2/Users/{self._anybody()[0]}")

    def filter(self) -> Iterator[bytes]:
        while True:
            term = quote(f'userName eq "{self._anybody()[1]}"')
            yield self.target.request("GET", f"/scim/v2/Users?filter={term}")

    def create(self) -> Iterator[bytes]:
        for number in self._numbers:
            yield self.target.request("POST", "/scim/v2/Users", person(self.prefix, number))

    def patch(self) -> Iterator[bytes]:
        """`active` off, and on again for the same person: every request changes something."""
        while True:
            somebody = self._anybody()[0]
            for active in (False, True):
                body = {
                    "schemas": [PATCH],
                    "Operations": [{"op": "replace", "value": {"active": active}}],
                }
                yield self.target.request("PATCH", f"/scim/v2/Users/{somebody}", body)

    def list(self) -> Iterator[bytes]:
        while True:
            start = self._chance.randrange(1, max(2, self.count - 100))
            yield self.target.request("GET", f"/scim/v2/Users?startIndex={start}&count=100")

    def member(self, size: str) -> Iterator[bytes]:
        """One member more into a group of so many."""
        group = self.groups[size]
        while group["outside"]:
            value = [{"value": group["outside"].pop()}]
            operation = {"op": "add", "path": "members", "value": value}
            body = {"schemas": [PATCH], "Operations": [operation]}
            yield self.target.request("PATCH", f"/scim/v2/Groups/{group['group']}", body)

    def nothing(self) -> Iterator[bytes]:
        return itertools.repeat(self.target.request("GET", "/scim/v2/nothing"))

    def _anybody(self) -> list[str]:
        return self.people[self._chance.randrange(len(self.people))]


@dataclasses.dataclass(frozen=True)
class Phase:
    """target: how many times faster than the baseline ours has to be (issue 4)."""

    name: str
    requests: Callable[[Seeded], Iterator[bytes]]
    connections: int = 4
    target: float | None = None


def member_phase(size: str, target: float | None = None) -> Phase:
    return Phase(f"member into {int(size):,}", lambda s: s.member(size), 1, target)


GET = Phase("get", Seeded.get, target=4)
FILTER = Phase("filter userName", Seeded.filter, target=40)
CREATE = Phase("create", Seeded.create, target=2)
ACTIVE = Phase("PATCH active", Seeded.patch, target=3)
LIST = Phase("list of 100", Seeded.list, target=40)
NOTHING = Phase("do nothing", Seeded.nothing)
