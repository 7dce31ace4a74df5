"""The push of one person as a dry run: the real code, undone at the end.

It sends what the application's identity provider would send (scim.simulator), one request
after the other, to the very functions that the SCIM endpoint calls, within one transaction
that is rolled back. What is told is read before that.
"""

from __future__ import annotations

import dataclasses
import uuid
from typing import Any

from accounts import changes, names
from accounts.models import Application, Group
from accounts.refusal import NotFound, Refusal
from licensing import explain
from licensing.models import LedgerEntry, Policy, Pool
from scim import advice, bulk, resources, simulator
from scim.caller import Caller
from scim.employees import Employee
from scim.protocol.schema import BULK_REQUEST
from scim.simulator import Request

#: Which of a found person's attributes stay when nothing is said of them.
_KEPT = {
    "first_name": "name.givenName",
    "last_name": "name.familyName",
    "employee_number": simulator.EMPLOYEE_NUMBER,
    "department": simulator.DEPARTMENT,
    "title": "title",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """One request and what would be answered. answer: None is an empty one."""

    request: Request
    status: int
    answer: Any

    @property
    def sent(self) -> Any:
        """The body as it is shown: a password, even a made-up one, is not (R28)."""
        body = self.request.body
        return body and {name: part for name, part in body.items() if name != "password"}

    @property
    def advice(self) -> str:
        return advice.what_to_do(self.status, self.answer)


@dataclasses.dataclass(frozen=True, slots=True)
class Rehearsed:
    """known: the application has the person already. ledger: what would happen to seats.

    because: why the person has a seat then, or not; empty when nobody would be there.
    """

    known: bool
    steps: list[Step]
    ledger: list[LedgerEntry]
    has_seat: bool
    because: list[str]
    free_before: int
    free_after: int


def push(
    application: Application, employee: Employee, groups: list[str], *, delete: bool = False
) -> Rehearsed:
    """What would happen if the identity provider pushed this person, and them into these groups.

    Of somebody who is known, what is empty stays as it is. delete: remove them instead.
    Refused: the database is busy ("busy").
    """
    caller = _caller(application)
    pool = Pool.objects.get(pk=caller.pool_id)
    with changes.rehearsal():
        found = resources.users_by(caller.view, "userName", employee.email)
        there = found[0].as_dict() if found else None
        steps = _person(caller, _as_now(employee, there), there, delete=delete)
        if any(step.status >= 500 for step in steps):
            raise Refusal("busy", "Another change holds what this one needs. Try again.")
        if not delete and steps_succeeded(steps):
            steps += _groups(caller, employee, groups)
        after = Pool.objects.get(pk=pool.pk)
        lines = LedgerEntry.objects.filter(pool=pool, request_id=caller.request_id)
        because: list[str] = []
        has_seat = False
        try:
            told = explain.explain_address(after, application.organization, employee.email)
        except NotFound:
            pass
        else:
            has_seat, because = told.has_seat, told.because
        return Rehearsed(
            known=there is not None,
            steps=steps,
            ledger=list(lines.select_related("person").order_by("id")),
            has_seat=has_seat,
            because=because,
            free_before=pool.purchased - pool.held,
            free_after=after.purchased - after.held,
        )


def steps_succeeded(steps: list[Step]) -> bool:
    return all(step.status < 400 for step in steps)


# ------------------------------------------------------------------ inside


def _caller(application: Application) -> Caller:
    """As if a token of the application had been checked."""
    policy = Policy.objects.get(application=application)
    return Caller(
        token_id=uuid.UUID(int=0),
        application=application,
        organization=application.organization,
        pool_id=policy.pool_id,
        when_full=policy.when_full,
        request_id=f"dry run {uuid.uuid4()}",
        removals_open=True,  # asks once more; a real push knows it from its token
    )


def _idp(application: Application) -> simulator.Idp:
    return simulator.IDPS.get(application.idp, simulator.IDPS["okta"])


def _as_now(employee: Employee, there: dict[str, Any] | None) -> Employee:
    """Of somebody who is there, what the form leaves empty is as it is."""
    if there is None:
        return employee
    told = simulator.told(there)
    kept: dict[str, Any] = {
        name: str(told.get(path) or "")
        for name, path in _KEPT.items()
        if not getattr(employee, name)
    }
    return dataclasses.replace(employee, email=str(there["userName"]), **kept)


def _person(
    caller: Caller, employee: Employee, there: dict[str, Any] | None, *, delete: bool
) -> list[Step]:
    idp = _idp(caller.application)
    if delete:
        if there is None:
            raise Refusal(
                "person_not_found",
                f"{caller.application.name} has nobody with the user name {employee.email}.",
            )
        return [_send(caller, Request("DELETE", f"/Users/{there['id']}"))]
    request = idp.create(employee) if there is None else idp.correct(employee, there)
    return [] if request is None else [_send(caller, request)]


def _groups(caller: Caller, employee: Employee, wanted: list[str]) -> list[Step]:
    """Each group is made when the application has none of that name; then the person comes in."""
    idp, steps = _idp(caller.application), []
    found = resources.users_by(caller.view, "userName", employee.email)
    for name in wanted:
        group = Group.objects.filter(application=caller.application, name_key=names.key(name))
        id = next((str(each.pk) for each in group), "")
        if not id:
            steps.append(_send(caller, idp.create_group(name)))
            if steps[-1].status >= 400:
                continue
            id = str(steps[-1].answer["id"])
        members = [(user.id, employee.email) for user in found]
        steps += [
            _send(caller, request) for request in idp.change_members(id, add=members, remove=[])
        ]
    return steps


def _send(caller: Caller, request: Request) -> Step:
    """As one operation of a bulk request, which the same functions carry out."""
    operation: dict[str, Any] = {"method": request.method, "path": request.path}
    if request.method == "POST":
        operation["bulkId"] = "1"
    if request.body is not None:
        operation["data"] = request.body
    body = {"schemas": [BULK_REQUEST], "Operations": [operation]}
    [result] = bulk.run(caller, body, max_operations=1)["Operations"]
    status = int(result["status"])
    if status >= 400:
        return Step(request, status, result["response"])
    return Step(request, *_answer(caller, request, status, result.get("location", "")))


def _answer(caller: Caller, request: Request, status: int, location: str) -> tuple[int, Any]:
    """What the endpoint itself answers where a bulk request is told the address alone."""
    of_group = request.path.startswith("/Groups")
    if request.method == "DELETE" or (of_group and request.method == "PATCH"):
        return 204, None
    id = uuid.UUID(location.rpartition("/")[2])
    load = resources.groups if of_group else resources.users
    found = load(caller.view, [id])
    return status, found[0].as_dict() if found else None
