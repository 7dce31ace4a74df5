"""Where an admin is signed in: one row beside each of Django's sessions.

Django's table knows sessions by their key alone; these rows say whose they are, so that
nobody has to read them all. A row is shown as long as its session is there.
"""

from __future__ import annotations

import dataclasses
import hashlib
from importlib import import_module

from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db.models import Exists, OuterRef, QuerySet

from accounts import audit, clock
from accounts.deeds import Deed
from accounts.models import Admin, AdminSession, Organization

#: Seconds between two notes that a session was seen.
SEEN_EVERY = 60
LONGEST_AGENT = 400


@dataclasses.dataclass(frozen=True, slots=True)
class Visit:
    """key: Django's. by: how they signed in (password, passkey, sso). organization: the one
    that single sign-on signed them in to, and no other."""

    key: str
    by: str
    address: str | None
    user_agent: str
    organization_id: int | None = None


def seen(admin: Admin, visit: Visit) -> None:
    """Note that the session is in use: one statement, at most once a minute."""
    noted = hashlib.sha256(visit.key.encode()).hexdigest()
    if not cache.add(f"seen:{noted}", 1, SEEN_EVERY):
        return
    now = clock.now()
    AdminSession.objects.bulk_create(
        [
            AdminSession(
                admin=admin,
                session_key=visit.key,
                by=visit.by,
                organization_id=visit.organization_id,
                address=visit.address,
                user_agent=visit.user_agent[:LONGEST_AGENT],
                first_seen_at=now,
                seen_at=now,
            )
        ],
        update_conflicts=True,
        unique_fields=["session_key"],
        update_fields=["seen_at", "address", "user_agent"],
    )


def follow(before: str | None, now: str | None) -> None:
    """The session has a new key."""
    AdminSession.objects.filter(session_key=before).update(session_key=now)


def of(admin: Admin, *, within: Organization | None = None) -> QuerySet[AdminSession]:
    """The admin's sessions that have not ended, those in use last first.

    within: only those that single sign-on of this organization made.
    """
    there = Session.objects.filter(pk=OuterRef("session_key"), expire_date__gt=clock.now())
    found = AdminSession.objects.filter(Exists(there), admin=admin)
    if within is not None:
        found = found.filter(organization=within)
    return found.order_by("-seen_at", "-id")


def organization_of(key: str | None) -> int | None:
    """Of the session that single sign-on made; None when it is good for every organization."""
    found = AdminSession.objects.filter(session_key=key).values_list("organization_id", flat=True)
    return found.first()


def end_own(admin: Admin, session: AdminSession) -> None:
    """One that the admin ends from another."""
    _note(admin, [session])
    end(session)


def end_own_others(admin: Admin, *, but: str, within: Organization | None = None) -> int:
    """All that the admin sees but the one with this key. Returns how many."""
    others = list(of(admin, within=within).exclude(session_key=but))
    if others:
        _note(admin, others)
    return end_others(admin, but=but, within=within)


def end(session: AdminSession) -> None:
    """Whoever uses it has to sign in again, from the next request on."""
    import_module(settings.SESSION_ENGINE).SessionStore(session.session_key).delete()
    session.delete()


def end_others(admin: Admin, *, but: str, within: Organization | None = None) -> int:
    """All but the one with this key. Returns how many."""
    others = list(of(admin, within=within).exclude(session_key=but))
    for session in others:  # each is in Django's table and in the cache
        end(session)
    return len(others)


def end_all(admin: Admin) -> int:
    return end_others(admin, but="")


def prune() -> None:
    """Forget rows whose session has ended."""
    there = Session.objects.filter(pk=OuterRef("session_key"))
    AdminSession.objects.exclude(Exists(there)).delete()


def _note(admin: Admin, ended: list[AdminSession]) -> None:
    """Ahead of the deed: a session is in the cache too, which no transaction takes back."""
    organizations = {session.organization_id for session in ended}
    within = organizations.pop() if len(organizations) == 1 else None
    about = {"sessions": audit.listed([session.browser for session in ended])}
    audit.note_login(admin, Deed.SESSIONS_ENDED, by=admin, before=about, within=within)
