"""One change of one SCIM Group: memberships and the seats that follow (R16, R19, R23, R24, R27).

Members are changed as sets, and only those who came or left are looked at for a seat.
A push that makes more people eligible than fit is kept, and answered with how many
licenses are missing (R19).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any

from accounts import changes, groups, rows
from accounts.models import Group
from accounts.refusal import Refusal
from licensing import allocation, brake, eligibility
from licensing.models import LedgerEntry
from scim.caller import Caller
from scim.protocol import document as documents
from scim.protocol import etag, patch
from scim.protocol.errors import NotFound
from scim.protocol.schema import GROUP
from scim.search import GROUPS_VISIBLE, USERS_VISIBLE

_Ids = Sequence[uuid.UUID]
#: What a change returns of the group with this id: the id itself, or what the answer shows. It is
#: read in the change's own transaction, so that an error means that nothing was changed (R26), and
#: before the pool is locked.
Read = Callable[[uuid.UUID], Any]


def _itself(id: uuid.UUID) -> uuid.UUID:
    return id


def create(caller: Caller, body: dict[str, Any], *, read: Read = _itself) -> Any:
    """A group with its first members. 201 also when they do not all fit (R19)."""
    sent: dict[str, Any] = documents.read(GROUP, body)
    members = _ids(sent.pop("members", ()))

    def change() -> Any:
        group = groups.create(
            caller.organization,
            sent["displayName"],
            application=caller.application,
            external_id=sent.get("externalId"),
            document=sent,
        )
        eligibility.follow(group)
        came = groups.add_members(group, members, _seen(caller))
        answer = read(group.pk)
        if eligibility.makes_eligible(group):
            _settle(caller, group, came, "created the group")
        caller.answered(answer)
        return answer

    return changes.run(change)


def replace(
    caller: Caller,
    id: uuid.UUID,
    body: dict[str, Any],
    *,
    if_match: str | None = None,
    read: Read = _itself,
) -> Any:
    """PUT: the name and exactly these members. Refused after the fact: somebody does not fit."""
    sent: dict[str, Any] = documents.read(GROUP, body, for_replace=True)
    members = _ids(sent.pop("members", ()))

    def members_changed(group: Group) -> list[int]:
        left = groups.keep_only(group, members, _seen(caller))
        return left + groups.add_members(group, members, _seen(caller))

    return _change(caller, id, lambda old: sent, members_changed, if_match, lambda: members, read)


def modify(
    caller: Caller,
    id: uuid.UUID,
    body: dict[str, Any],
    *,
    if_match: str | None = None,
    read: Read = _itself,
) -> Any:
    """PATCH: no member is ever loaded to change another (RFC 7644 3.5.2)."""
    operations = patch.read(body)
    patched: list[patch.GroupPatched] = []

    def new_document(old: dict[str, Any]) -> dict[str, Any]:
        patched.append(patch.apply_group(old, operations, resource_id=str(id)))
        return patched[-1].document

    def members_changed(group: Group) -> list[int]:
        wanted = patched[-1].members
        added, seen = _ids(wanted.add), _seen(caller)
        touched = groups.keep_only(group, added, seen) if wanted.clear else []
        touched += groups.remove_members(group, _ids(wanted.remove, unknown_is_nobody=True), seen)
        return touched + groups.add_members(group, added, seen)

    return _change(
        caller,
        id,
        new_document,
        members_changed,
        if_match,
        lambda: _ids(patched[-1].members.add),
        read,
    )


def delete(caller: Caller, id: uuid.UUID, *, if_match: str | None = None) -> None:
    """The group goes; its members stay people, and lose a seat that hung on it (R16)."""

    def change() -> None:
        group = _locked(caller, id, if_match)
        decides = eligibility.makes_eligible(group)
        name = group.name
        left = groups.delete(group)
        if decides:
            cause = caller.cause(f"deleted the group “{name}”")
            allocated = allocation.settle(caller.pool_id, left, cause=cause)
            brake.check(
                caller.pool_id,
                caller.application,
                allocated.released,
                wanted=brake.Wanted.DELETE_GROUP,
                cause=cause,
                group=brake.InGroup(id, name),
            )
        caller.answered(None)

    brake.run(change)


# ------------------------------------------------------------------ inside


def _change(
    caller: Caller,
    id: uuid.UUID,
    new_document: Callable[[dict[str, Any]], dict[str, Any]],
    members_changed: Callable[[Group], list[int]],
    if_match: str | None,
    members_named: Callable[[], _Ids],
    read: Read,
) -> Any:
    def change() -> tuple[Any, Refusal | None]:
        answer, refusal = changed()
        if refusal is None:
            caller.answered(answer)
        return answer, refusal

    def changed() -> tuple[Any, Refusal | None]:
        group = _locked(caller, id, if_match)
        document = new_document(group.document)
        renamed = document["displayName"] != group.document["displayName"]
        described = document != group.document
        if described:
            groups.change(
                group,
                name=document["displayName"],
                external_id=document.get("externalId"),
                document=document,
            )
        touched = members_changed(group)
        became_eligible = renamed and eligibility.follow(group)
        if touched and not described:
            groups.touch(group)
        if became_eligible:
            touched = list(group.memberships.values_list("person_id", flat=True))
        answer = read(id)
        if not eligibility.makes_eligible(group):
            return answer, None
        named = members_named() if caller.removals_open else ()
        brake.supersede_members(caller.pool_id, id, named)
        brake.check(
            caller.pool_id,
            caller.application,
            _settle(caller, group, touched, "pushed the group"),
            wanted=brake.Wanted.LEAVE_GROUP,
            cause=caller.cause(f"pushed the group “{group.name}”"),
            group=brake.InGroup(id, group.name),
            named=named,
        )
        return answer, _shortage(caller, group)

    answer, refusal = brake.run(change)
    if refusal is not None:
        raise refusal
    return answer


def _settle(caller: Caller, group: Group, touched: list[int], deed: str) -> list[int]:
    """Returns who lost a seat by it."""
    if not touched:
        return []
    cause = caller.cause(f"{deed} “{group.name}”")
    return allocation.settle(caller.pool_id, touched, cause=cause).released


def _shortage(caller: Caller, group: Group) -> Refusal | None:
    """R19: told on each push of the group until everyone fits; what was pushed is kept.

    Each time it is told is a line of the ledger (R21).
    """
    if not eligibility.members_wait(group):
        return None
    pool = allocation.lock(caller.pool_id)  # no line without the lock: licensing.seals
    cause = caller.cause(f"pushed the group “{group.name}”, and not everyone fits")
    allocation.note(pool, LedgerEntry.Deed.REFUSE, cause)
    return allocation.seats_missing(pool, allocation.shortage(pool))


def _locked(caller: Caller, id: uuid.UUID, if_match: str | None) -> Group:
    try:
        group = rows.one(
            Group,
            f"g WHERE g.id = %(id)s AND {GROUPS_VISIBLE} FOR NO KEY UPDATE",
            {"id": id, **caller.view.parameters},
        )
    except Group.DoesNotExist:
        raise NotFound(f"There is no Group with the id {id}.") from None
    group.organization, group.application = caller.organization, caller.application
    etag.require(if_match, group.version, "Group")
    return group


def _seen(caller: Caller) -> groups.Seen:
    return groups.Seen(USERS_VISIBLE, caller.view.parameters)


def _ids(members: Sequence[Any], *, unknown_is_nobody: bool = False) -> _Ids:
    """SCIM ids as UUIDs. Refused: what cannot be an id of ours, as any unknown member is."""
    ids, odd = [], []
    for member in members:
        value = member["value"] if isinstance(member, dict) else member
        try:
            ids.append(uuid.UUID(value))
        except ValueError:
            odd.append(value)
    if odd and not unknown_is_nobody:
        raise groups.member_unknown(odd[:3])
    return ids
