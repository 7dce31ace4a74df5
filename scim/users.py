"""One change of one SCIM User: accounts and licensing in one transaction (R12–R19, R26, R27).

Everything is read and checked before anything is written; the pool's row is locked
last. A push that would leave somebody without a seat, where the application refuses, is
rolled back whole, and only then the refusal is noted (R18).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from accounts import changes, groups, people, rows, sql
from accounts.cause import Cause
from accounts.models import Link, Person
from accounts.profile import Profile
from licensing import allocation, brake, eligibility, idle, removals
from scim import resources
from scim.applications import base_url
from scim.caller import Caller
from scim.protocol import document as documents
from scim.protocol import etag, patch
from scim.protocol.errors import Forbidden, NotFound
from scim.protocol.schema import USER
from scim.resources import Resource
from scim.search import USERS_VISIBLE


class _NoSeat(Exception):
    """The push needs a license that is not there: undo it."""

    def __init__(self, profile: Profile, person_id: int | None) -> None:
        self.profile = profile
        self.person_id = person_id


def create(caller: Caller, body: dict[str, Any]) -> Resource:
    """A person that the application pushes for the first time; or takes over (R12)."""
    profile = Profile.of({"active": True} | documents.read(USER, body))
    cause = caller.cause("created this person")

    def change() -> Resource:
        added = people.add(caller.application, profile)
        # Before the commit: an error means that nothing was changed (R26).
        made = (
            resources.users(caller.view, [added.link.pk])[0]
            if added.was_known
            else resources.of_link(added.link)
        )
        _settle(
            caller,
            added.link,
            profile,
            cause,
            claiming=True,
            may_refuse=True,
            is_new=not added.was_known,
            answers=True,
        )
        if caller.removals_open and profile.active:
            brake.supersede(caller.application, added.link.person_id)
        caller.answered(made)
        return made

    return _run(caller, change, cause)


def replace(
    caller: Caller, id: uuid.UUID, body: dict[str, Any], *, if_match: str | None = None
) -> Resource:
    """PUT: what is not sent is cleared, but for `active`, which stays (RFC 7644 3.5.1)."""
    sent = documents.read(USER, body, for_replace=True)
    return _change(
        caller,
        id,
        lambda old: {"active": old.get("active", True)} | sent,
        "replaced this person",
        if_match,
    )


def modify(
    caller: Caller, id: uuid.UUID, body: dict[str, Any], *, if_match: str | None = None
) -> Resource:
    """PATCH (RFC 7644 3.5.2): all operations or none. `active` without a value counts as true."""
    operations = patch.read(body)
    return _change(
        caller,
        id,
        lambda old: patch.apply(USER, old, operations, resource_id=str(id)).document,
        "changed this person",
        if_match,
    )


def delete(caller: Caller, id: uuid.UUID, *, if_match: str | None = None) -> None:
    """Out of the application: the seat is free, the account goes when nothing else holds it
    (R13)."""
    cause = caller.cause("deleted this person")

    def change() -> None:
        groups.hold_all_of(caller.application, id)
        link = _locked(caller, id, if_match, mode="UPDATE")
        if link.application_id is None:
            raise Forbidden(
                "This person was added by hand and is not managed by the application: only an "
                "admin can remove them. Update the person first to manage them from here."
            )
        allocated = removals.delete(link, caller.application, caller.pool_id, cause=cause)
        brake.check(
            caller.pool_id,
            caller.application,
            allocated.released,
            wanted=brake.Wanted.DELETE,
            cause=cause,
        )
        caller.answered(None)

    brake.run(change)


# ------------------------------------------------------------------ inside


def _change(
    caller: Caller, id: uuid.UUID, new_document: Any, deed: str, if_match: str | None
) -> Resource:
    """A repeat of what is so changes nothing. Returns the User as it is then."""
    cause = caller.cause(deed)

    def change() -> Resource:
        made = resources.of_link(changed())
        caller.answered(made)
        return made

    def changed() -> Link:
        link = _locked(caller, id, if_match)
        old = link.document
        document = new_document(old)
        takes_over = link.application_id is None
        stays = caller.removals_open and _says(new_document, old, active=True)
        if not takes_over and document == old:
            if not link.active and _says(new_document, old, active=False):
                _forget_refusal(caller, link)
            elif stays:
                brake.supersede(caller.application, link.person_id)
            return link
        profile = Profile.of(document)
        was_active, old_keys = link.active and not takes_over, _keys(link)
        if takes_over:
            people.take_over(link, caller.application, profile)
        else:
            people.change(link, profile)
        answers = (
            was_active or takes_over or profile.active or _says(new_document, old, active=False)
        )
        if takes_over or profile.active != was_active or _keys(link) != old_keys:
            _settle(
                caller,
                link,
                profile,
                cause,
                claiming=takes_over or (profile.active and not was_active),
                may_refuse=profile.active and not was_active,
                is_new=False,
                answers=answers,
            )
        elif answers and not profile.active:
            _forget_refusal(caller, link)
        if stays:
            brake.supersede(caller.application, link.person_id)
        return link

    return _run(caller, change, cause)


def _keys(link: Link) -> tuple[str, str]:
    """The name and the place in the order, which a line of the waiting list goes by."""
    return link.user_name_key, link.sort_key


def _forget_refusal(caller: Caller, link: Link) -> None:
    allocation.forget_refusal(caller.pool_id, caller.application.pk, link.person_id)


def _says(new_document: Any, old: dict[str, Any], *, active: bool) -> bool:
    """Whether a push itself says that the person is active, or is not, whatever was so before:
    only that takes back what was asked for and refused (R18), or wanted and held (R27)."""
    said = new_document(old | {"active": not active}).get("active", True)
    return (said is True) == active


def _settle(
    caller: Caller,
    link: Link,
    profile: Profile,
    cause: Cause,
    *,
    claiming: bool,
    may_refuse: bool,
    is_new: bool,
    answers: bool,
) -> None:
    """answers: the push says whether the person is active, so what was refused before ends."""
    if claiming and not is_new:
        idle.welcome_back(caller.pool_id, link.person_id)
    allocated = allocation.settle(
        caller.pool_id,
        [link.person_id],
        cause=cause,
        claiming=claiming,
        answered=caller.application.pk if answers else None,
    )
    if not profile.active:
        brake.check(
            caller.pool_id,
            caller.application,
            allocated.released,
            wanted=brake.Wanted.TAKE_OVER if claiming else brake.Wanted.DEACTIVATE,
            cause=cause,
        )
    if (
        may_refuse
        and caller.refuses_when_full
        and link.person_id in allocated.waiting
        # Not by another application of the pool alone (R2).
        and eligibility.makes_person_eligible(caller.application.pk, link.person_id)
    ):
        raise _NoSeat(profile, None if is_new else link.person_id)


def _run(caller: Caller, change: Callable[[], Resource], cause: Cause) -> Resource:
    try:
        return brake.run(change)
    except _NoSeat as no_seat:
        profile, person_id = no_seat.profile, no_seat.person_id
    raise changes.run(
        lambda: allocation.note_refusal(
            caller.pool_id, caller.application, profile, person_id, cause=cause
        )
    )


def _locked(
    caller: Caller, id: uuid.UUID, if_match: str | None, *, mode: str = "NO KEY UPDATE"
) -> Link:
    """The link and its person, if the application may see it, for this transaction alone.

    mode: UPDATE for a link that will go, so that no group push gets between.
    """
    asked = {"id": id, "base": base_url(), **caller.view.parameters}
    links, persons = sql.fetch_all((_LINK.format(mode=mode), asked), (_PERSON, asked))
    try:
        link, person = rows.read(Link, links), rows.read(Person, persons)
    except (Link.DoesNotExist, Person.DoesNotExist):
        raise NotFound(f"There is no User with the id {id}.") from None
    link.person = person
    etag.require(if_match, link.version, "User")
    return link


_LINK = rows.select(
    Link,
    f"link WHERE link.id = %(id)s AND {USERS_VISIBLE} FOR {{mode}}",
    also=resources.GROUPS_OF,
)
# The one that the link has once it is locked.
_PERSON = rows.select(
    Person,
    f"""person WHERE person.id = (
        SELECT link.person_id FROM accounts_link link
        WHERE link.id = %(id)s AND {USERS_VISIBLE}) FOR NO KEY UPDATE""",
)
