"""A customer's identity provider: what its directory says, and the conversations that push it.

The requests are those of scim/simulator.py, in the order in which the command scim_push sends
them: look-ups until one finds somebody, then a create, or what makes the found one right.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import random
import sys
from collections.abc import Iterator, Sequence
from urllib.parse import urlencode

from benchmarks import kills, running
from benchmarks.client import Target
from benchmarks.conversations import Conversation
from benchmarks.servers import ROOT
from scim import employees
from scim.employees import Employee
from scim.simulator import IDPS, Request

LIST = 100
#: More never join one directory.
MOST = 400_000


class Directory:
    """Who is pushed by one identity provider to one server.

    accepted: whoever the server said yes to, as it was pushed last; ids: what the server calls
    them. Somebody is in `accepted` only after the last answer of their conversation.
    """

    def __init__(
        self, style: str, target: Target, *, most: int, seed: int = 1, prefix: str = ""
    ) -> None:
        """most: so many people can join in all. prefix: of their addresses, where several
        directories push to one tenant."""
        self.idp, self.target = IDPS[style], target
        self.ids: dict[str, str] = {}
        self.groups: dict[str, str] = {}
        self.accepted: dict[str, Employee] = {}
        #: Okta makes one up. The plain project would compute a hash of it for a fifth of a second,
        #: which is no part of what is compared.
        self.without_password = False
        self._known: list[str] = []
        self._busy: set[str] = set()
        self.chance = random.Random(seed)
        self._joining = (
            dataclasses.replace(one, email=prefix + one.email)
            for one in employees.made_up(most, seed=seed)
        )
        self._numbers = itertools.count()
        self._head = "".join(f"{name}: {value}\r\n" for name, value in self.idp.headers.items())

    # ------------------------------------------------------------ conversations

    def joiners(self, number: int | None = None) -> Iterator[Conversation]:
        """So many people who were not there yet, or all that are left."""
        for employee in itertools.islice(self._joining, number):
            yield self.push(employee)

    def push(self, employee: Employee) -> Conversation:
        """Look them up, then create or correct them, if the server is not told so already."""
        self._busy.add(employee.email)
        try:
            yield from self._push(employee)
        finally:
            self._busy.discard(employee.email)

    def _push(self, employee: Employee) -> Conversation:
        found = None
        for look_up in self.idp.look_ups(employee):
            status, body = yield "look up", self._wire(look_up)
            if status == 200 and (resources := json.loads(body).get("Resources")):
                found = resources[0]
                break
        if found is None:
            creation = self.idp.create(employee)
            if self.without_password:
                (creation.body or {}).pop("password", None)
            status, body = yield "create", self._wire(creation)
            if status != 201:
                return
            found = json.loads(body)
        elif request := self.idp.correct(employee, found):
            kind = "change" if employee.active else "deactivate"
            status, _ = yield kind, self._wire(request)
            if status not in (200, 204):
                return
        if employee.email not in self.ids:
            self._known.append(employee.email)
        self.ids[employee.email] = found["id"]
        self.accepted[employee.email] = employee

    def change(self) -> Conversation:
        """Somebody gets another title."""
        for somebody in self.sample(1):
            title = f"Manager {next(self._numbers)}"
            yield from self.push(dataclasses.replace(somebody, title=title))

    def switch(self, *, active: bool) -> Conversation:
        """Somebody is deactivated, or comes back."""
        for somebody in self.sample(1, active=not active):
            yield from self.push(dataclasses.replace(somebody, active=active))

    def leave(self, employee: Employee) -> Conversation:
        """They are deactivated as they are by then, unless something is being said of them."""
        if employee.email not in self._busy:
            now = self.accepted[employee.email]
            yield from self.push(dataclasses.replace(now, active=False))

    def look_up(self) -> Conversation:
        for somebody in self.sample(1):
            yield "look up", self._wire(self.idp.look_ups(somebody)[0])

    def read(self) -> Conversation:
        for somebody in self.sample(1):
            yield "read", self._wire(Request("GET", f"/Users/{self.ids[somebody.email]}"))

    def delete(self) -> Conversation:
        for somebody in self.sample(1):
            self._busy.add(somebody.email)
            user = self.ids[somebody.email]
            status, _ = yield "delete", self._wire(Request("DELETE", f"/Users/{user}"))
            if status == 204:
                del self.ids[somebody.email], self.accepted[somebody.email]
                self._known.remove(somebody.email)
            self._busy.discard(somebody.email)

    def page(self, number: int) -> Conversation:
        query = (("startIndex", str(1 + LIST * number)), ("count", str(LIST)))
        yield "list of 100", self._wire(Request("GET", "/Users", query))

    def nothing(self) -> Conversation:
        yield "nothing", self._wire(Request("GET", "/nothing"))

    def fill_groups(self, most: int) -> list[Conversation]:
        """Everybody who was accepted (`most` of them at most) into the group of their department, a
        request's members to a conversation, so that several connections work on one group, in any
        order. Groups are made first."""
        pieces = []
        at_once = self.idp.members_at_once
        for name, members in self._departments(most).items():
            for start in range(0, len(members), at_once):
                pieces.append(self.members(name, add=members[start : start + at_once]))
        self.chance.shuffle(pieces)
        return pieces

    def make_groups(self) -> Iterator[Conversation]:
        for name in self._departments():
            yield self._make_group(name)

    def members(
        self, name: str, *, add: Sequence[Employee] = (), remove: Sequence[Employee] = ()
    ) -> Conversation:
        changes = self.idp.change_members(
            self.groups[name],
            add=[(self.ids[one.email], one.email) for one in add],
            remove=[self.ids[one.email] for one in remove],
        )
        for request in changes:
            yield "members", self._wire(request)

    def visit(self) -> Conversation:
        """Somebody comes into a group of another department and leaves it again."""
        for somebody in self.sample(1):
            self._busy.add(somebody.email)
            name = self.chance.choice([one for one in self.groups if one != somebody.department])
            yield from self.members(name, add=[somebody])
            yield from self.members(name, remove=[somebody])
            self._busy.discard(somebody.email)

    def look_up_group(self, name: str) -> Conversation:
        yield "group look-up", self._wire(self.idp.look_up_group(name))

    # ------------------------------------------------------------ inside

    def sample(self, number: int, *, active: bool = True) -> list[Employee]:
        """So many different ones, at random, of whom nothing is being said right now; fewer when
        they are hard to find."""
        found: dict[str, Employee] = {}
        for _ in range(20 * number + 20 if self._known else 0):
            employee = self.accepted[self.chance.choice(self._known)]
            if employee.active is active and employee.email not in self._busy:
                found[employee.email] = employee
                if len(found) == number:
                    break
        return list(found.values())

    def _make_group(self, name: str) -> Conversation:
        status, body = yield "group look-up", self._wire(self.idp.look_up_group(name))
        found = json.loads(body).get("Resources") if status == 200 else None
        if not found:
            status, body = yield "create group", self._wire(self.idp.create_group(name))
            if status != 201:
                return
            found = [json.loads(body)]
        self.groups[name] = found[0]["id"]

    def _departments(self, most: int | None = None) -> dict[str, list[Employee]]:
        found: dict[str, list[Employee]] = {}
        for employee in itertools.islice(self.accepted.values(), most):
            if employee.active:
                found.setdefault(employee.department, []).append(employee)
        return found

    def _wire(self, request: Request) -> bytes:
        """The bytes of a request."""
        query = f"?{urlencode(request.query)}" if request.query else ""
        head = (
            f"{request.method} /scim/v2{request.path}{query} HTTP/1.1\r\n"
            f"Host: 127.0.0.1:{self.target.port}\r\n"
            f"Authorization: Bearer {self.target.token}\r\n{self._head}"
        )
        if request.body is None:
            return f"{head}\r\n".encode()
        body = json.dumps(request.body, separators=(",", ":")).encode()
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def tenants(
    stage: kills.Stage, number: int, *, seats: int, named: str = "tenant", brake: bool = True
) -> list[tuple[str, Directory]]:
    """So many organizations, by slug, each with a directory that nobody was pushed from yet.
    brake: without it any number of people may be removed."""
    made = running.run(
        [
            *(sys.executable, "-m", "benchmarks.tenants", str(number)),
            *("--seats", str(seats), "--named", named),
            *([] if brake else ["--brake-off"]),
        ],
        ROOT,
        stage.environment,
    )
    return [
        (
            one["slug"],
            Directory(one["style"], Target(stage.port, one["token"]), most=MOST, seed=seed),
        )
        for seed, one in enumerate(json.loads(made), 1)
    ]
