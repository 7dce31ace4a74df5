"""One change: a transaction that happens whole or not at all (R26)."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import TypeVar

from django.db import DatabaseError, IntegrityError, connection, transaction

from accounts import sql
from accounts.refusal import Refusal

Result = TypeVar("Result")

#: Deadlocks and serialization failures are nobody's fault and go away by themselves; so does a
#: statement that was prepared before a migration.
TRY_AGAIN = {"40P01", "40001"} | sql.PREPARED_ANEW
_TRIES = 4
_joined: ContextVar[bool] = ContextVar("joined", default=False)

_REFUSALS = {
    "a_user_name_is_used_once": Refusal(
        "user_name_taken",
        "userName is taken: another request has just created a person of that name.",
    ),
    "a_person_is_linked_once_an_application": Refusal(
        "user_name_taken", "userName: the application has this person already."
    ),
    "a_group_name_is_used_once": Refusal(
        "group_name_taken", "displayName is taken by another group. Rename one of the two."
    ),
    "a_manual_and_a_scim_group_never_share_a_name": Refusal(
        "group_name_taken",
        "displayName is taken by another group of the organization. Rename one of the two.",
    ),
    "a_person_added_by_hand_has_an_own_address": Refusal(
        "person_exists", "Somebody of this address has just been added by hand."
    ),
    "a_person_has_one_seat_a_pool": Refusal(
        "seat_exists", "The person has just been given a seat."
    ),
    "an_address_is_one_admin": Refusal(
        "admin_exists", "A login of this address has just been made: sign in with it."
    ),
    "an_address_has_one_open_invitation": Refusal(
        "admin_invited", "Somebody has just invited this address: send that invitation again."
    ),
    "an_application_name_is_used_once": Refusal(
        "application_exists", "The organization has an application of that name."
    ),
}


def run(change: Callable[[], Result]) -> Result:
    """Run one change in its own transaction.

    A race that the database settles by a constraint becomes the refusal that the
    check before it would have given; deadlocks are tried again.
    """
    for left in reversed(range(_TRIES)):
        try:
            with transaction.atomic(durable=not _joined.get()):
                return change()
        except IntegrityError as error:
            name = getattr(getattr(error.__cause__, "diag", None), "constraint_name", None)
            refusal = _REFUSALS.get(name or "")
            if refusal is None:
                raise
            raise Refusal(refusal.code, refusal.detail) from error
        except DatabaseError as error:
            if getattr(error.__cause__, "sqlstate", None) not in TRY_AGAIN or not left:
                raise
            time.sleep(0.01 * (_TRIES - left))
    raise AssertionError("unreachable")


def together(changes: Callable[[], Result]) -> Result:
    """Several changes as one: all of them are done, or none (R26)."""

    def change() -> Result:
        with joined():
            return changes()

    return run(change)


@contextlib.contextmanager
def rehearsal(*, wait: str = "2s") -> Iterator[None]:
    """Whatever `run` does inside is undone at the end, as if it had never been (dry runs).

    The changes are parts of one transaction then, each undone by itself when it is refused.
    wait: for a lock at most so long; nobody else should wait long for a dry run either.
    """
    with joined(), transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [wait])
        yield
        transaction.set_rollback(True)


@contextlib.contextmanager
def joined() -> Iterator[None]:
    """Whatever `run` does inside is a part of the transaction that is open or opened there."""
    began = _joined.set(True)
    try:
        yield
    finally:
        _joined.reset(began)
