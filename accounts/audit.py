"""The audit log: what admins did, with before and after. The only writer of AuditEntry.

`note` is called by the function that does the deed, inside its transaction: what is rolled
back (a refusal, a preview) leaves no line, and what is done always has one. The ledger tells
what became of seats, whoever caused it; this tells what admins did, to whatever.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any, NamedTuple

from django.db.models import Model, QuerySet

from accounts import actor, clock
from accounts.deeds import Deed
from accounts.models import Admin, AuditEntry, Organization, Person, Role, Undo
from accounts.sets import among

#: Who did it, where no admin is signed in: an operator at the command line.
COMMAND = "command"
#: So many of a list are named.
NAMED = 100
#: What was done to more at once cannot be undone at once.
MOST_UNDONE = 10_000
_SECRET = re.compile("password|secret|digest|token")


class Subject(NamedTuple):
    """What was done something to: a word for its kind, its id, and its name as it was."""

    kind: str
    id: Any
    name: str


class Origin(NamedTuple):
    """The request of the Admin Center that is being answered."""

    request_id: str
    address: str | None


_origin: ContextVar[Origin | None] = ContextVar("origin", default=None)


@contextlib.contextmanager
def within(origin: Origin) -> Iterator[None]:
    """What is noted inside comes from this request."""
    reset = _origin.set(origin)
    try:
        yield
    finally:
        _origin.reset(reset)


def note(
    organization_id: int,
    deed: Deed,
    subject: Model | Subject,
    *,
    by: Admin | None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    undo: Mapping[str, Any] | None = None,
) -> None:
    """One line. Runs inside the transaction of the deed.

    by: None is a service token (accounts.actor), the command line, or in a request somebody who
    is not signed in.
    before, after: the values as they were and are; of what is in both only the differences
    are kept, and when nothing differs nothing was done, so there is no line. Never a secret.
    undo: what its reverse needs (accounts.undo); kept for an admin alone, and not for too many.
    """
    entry = _entry(organization_id, deed, subject, by, before, after)
    _write([entry])
    if entry is not None and by is not None and undo and _is_small(undo):
        Undo.objects.create(entry=entry, organization_id=organization_id, needs=undo)


def note_login(
    admin: Admin,
    deed: Deed,
    *,
    by: Admin | None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    within: int | None = None,
) -> None:
    """The same about a login itself: a line in each organization that the admin has a role in.

    within: of this organization alone, since its identity provider speaks for no other.
    """
    roles = Role.objects.filter(admin=admin)
    if within is not None:
        roles = roles.filter(organization=within)
    organizations = roles.values_list("organization_id", flat=True)
    _write(_entry(organization, deed, admin, by, before, after) for organization in organizations)


def listed(names: Collection[Any], total: int | None = None) -> list[str]:
    """A list for before or after, the first NAMED of it. total: when more are meant than given."""
    shown = [str(name) for name in list(names)[:NAMED]]
    more = (len(names) if total is None else total) - len(shown)
    return [*shown, f"and {more:,} more"] if more else shown


def people(ids: Collection[int]) -> dict[str, Any]:
    """People of one organization for before or after: how many, and the first NAMED by name."""
    named = Person.objects.filter(pk__in=among(ids, "bigint")).order_by("sort_key", "id")[:NAMED]
    names = [str(person) for person in named]
    more = len(ids) - len(names)
    return {"number": len(ids), "people": [*names, f"and {more:,} more"] if more else names}


def last(organization: Organization, deed: Deed, things: Iterable[Model]) -> dict[Any, AuditEntry]:
    """The newest line of that deed about each of these things of one kind, by their pk."""
    ids = {str(thing.pk): thing for thing in things}
    if not ids:
        return {}
    kind = about(next(iter(ids.values()))).kind
    lines = AuditEntry.objects.of(organization).filter(
        deed=deed, subject_kind=kind, subject_id__in=among(ids, "text")
    )
    return {ids[line.subject_id].pk: line for line in lines.order_by("id")}


def of_organization(organization: Organization) -> QuerySet[AuditEntry]:
    """Every line, the newest first."""
    return AuditEntry.objects.of(organization).order_by("-id")


def about(thing: Model | Subject) -> Subject:
    if isinstance(thing, Subject):
        return thing
    return Subject(str(thing._meta.verbose_name), thing.pk, str(thing))


# ------------------------------------------------------------------ inside


def _entry(
    organization_id: int,
    deed: Deed,
    subject: Model | Subject,
    by: Admin | None,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
) -> AuditEntry | None:
    if before is not None and after is not None:
        before, after = _differences(before, after)
        if not before and not after:
            return None
    for name in {*(before or ()), *(after or ())}:
        if _SECRET.search(name):
            raise ValueError(f"“{name}” may be a secret: the audit log keeps none")
    origin = _origin.get()
    kind, id, name = about(subject)
    return AuditEntry(
        organization_id=organization_id,
        at=clock.now(),
        admin=by,
        email=by.email if by else actor.name() or (COMMAND if origin is None else ""),
        deed=deed,
        subject_kind=kind,
        subject_id=str(id),
        subject_name=name[:600],
        before=before,
        after=after,
        request_id=origin.request_id if origin else "",
        address=origin.address if origin else None,
    )


def _differences(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    names = [
        name
        for name in {**before, **after}
        if name not in before or name not in after or before[name] != after[name]
    ]
    return (
        {name: before[name] for name in names if name in before},
        {name: after[name] for name in names if name in after},
    )


def _is_small(undo: Mapping[str, Any]) -> bool:
    return all(len(value) <= MOST_UNDONE for value in undo.values() if isinstance(value, list))


def _write(entries: Iterable[AuditEntry | None]) -> None:
    AuditEntry.objects.bulk_create(entry for entry in entries if entry is not None)
