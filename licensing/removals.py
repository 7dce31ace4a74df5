"""Removals of people by an application, as a push does them and as the worker does what an
admin approved (R13, R27). The caller opens the transaction and holds what it changes."""

from __future__ import annotations

from accounts import groups, people
from accounts.cause import Cause
from accounts.models import Application, Link
from accounts.profile import Profile
from licensing import allocation
from licensing.allocation import Allocation


def deactivate(link: Link, application: Application, pool_id: int, *, cause: Cause) -> Allocation:
    """`active: false` and nothing else: the seat is free, the person stays (R13).

    Somebody added by hand is taken over by it, as by any push (R12).
    """
    takes_over = link.application_id is None
    profile = Profile.of(link.document | {"active": False})
    if takes_over:
        people.take_over(link, application, profile)
    elif link.active:
        people.change(link, profile)
    return allocation.settle(
        pool_id, [link.person_id], cause=cause, claiming=takes_over, answered=application.pk
    )


def delete(link: Link, application: Application, pool_id: int, *, cause: Cause) -> Allocation:
    """Out of the application: the seat is free, the account goes when nothing else holds it."""
    person, document = link.person, link.document
    people.unlink(link)
    groups.leave_all(application, person.pk)
    allocated = allocation.settle(pool_id, [person.pk], cause=cause, answered=application.pk)
    held = bool(allocation.holding_by_hand([person.pk]))
    people.let_go(person, held=held, document=document)
    return allocated
