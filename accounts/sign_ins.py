"""Signing in and out, as lines of the audit log: whatever signs an admin in tells it by Django's
signals, so that a way that is added later is in the log too."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any, NamedTuple

from django.contrib.auth import signals

from accounts import audit, limits, sessions
from accounts.deeds import Deed
from accounts.models import Admin

#: Failures beyond are not noted, so that who guesses passwords cannot fill the log.
MOST_FAILURES = 20
_HOUR = dt.timedelta(hours=1)


class _Way(NamedTuple):
    name: str
    organization_id: int | None = None


_PASSWORD = _Way("password")
_way: ContextVar[_Way] = ContextVar("way", default=_PASSWORD)


@contextlib.contextmanager
def by(name: str, *, within: int | None = None) -> Iterator[None]:
    """Whoever is signed in inside came this way. within: by this organization's single sign-on."""
    reset = _way.set(_Way(name, within))
    try:
        yield
    finally:
        _way.reset(reset)


def signed_in(*, user: Admin, **_: Any) -> None:
    way = _way.get()
    about = {"with": way.name}
    audit.note_login(user, Deed.SIGNED_IN, by=user, after=about, within=way.organization_id)


def signed_out(*, user: Admin | None, request: Any, **_: Any) -> None:
    if user is not None:
        within = sessions.organization_of(request.session.session_key)
        audit.note_login(user, Deed.SIGNED_OUT, by=user, within=within)


def failed(*, credentials: dict[str, Any], **_: Any) -> None:
    """Of an address that nobody has there is nothing to tell, and nobody to tell it to."""
    admin = Admin.objects.filter(email__iexact=credentials.get("username") or "").first()
    if admin and limits.within("failures", admin.email, most=MOST_FAILURES, per=_HOUR):
        audit.note_login(admin, Deed.SIGN_IN_FAILED, by=None)


def listen() -> None:
    signals.user_logged_in.connect(signed_in, dispatch_uid="audit")
    signals.user_logged_out.connect(signed_out, dispatch_uid="audit")
    signals.user_login_failed.connect(failed, dispatch_uid="audit")
