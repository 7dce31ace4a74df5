"""Passwords of admins: what is good enough, changing the own one, a forgotten one.

Another password ends every other session, since a session knows the hash it began with.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode

from accounts import audit, changes, limits, outbox, sessions, sign_in_notices
from accounts.deeds import Deed
from accounts.mail import Message
from accounts.models import Admin, Organization, Role
from accounts.refusal import Refusal

HINT = (
    "At least 12 characters: a few words that only you would put together are best. Common "
    "passwords, and those like your own address, are refused."
)
#: What the admin is told by e-mail.
SUBJECT = "Your password for Seatkeeper was changed"
CHANGED = "Your password was changed, and every other session of yours was ended."
RESET = "Your password was set anew by the link of an e-mail, and every session was ended."
#: Longer ones are refused, before anything is computed of them.
MOST = 1000
#: Per hour: e-mails to one address, and requests from one IP.
TO_ONE_ADDRESS = 3
FROM_ONE_IP = 20
_HOUR = dt.timedelta(hours=1)


def check(password: str, admin: Admin) -> None:
    """Refused: too short, common, or like the admin's own address or name ("password_weak")."""
    if len(password) > MOST:
        raise Refusal("password_weak", f"A password has at most {MOST:,} characters.")
    try:
        validate_password(password, admin)
    except ValidationError as error:
        raise Refusal("password_weak", " ".join(error.messages)) from None


def change(admin: Admin, *, old: str, new: str, here: str = "") -> Admin:
    """An admin changes their own. Refused: the old one is wrong ("password_wrong"), a weak one.

    here: the key of the session that stays; the others end. Returns the admin with the new
    password, for that session.
    """

    def deed() -> Admin:
        held = Admin.objects.select_for_update(no_key=True).get(pk=admin.pk)
        if not held.check_password(old):
            raise Refusal("password_wrong", "That is not your password now.")
        _set(held, new)
        audit.note_login(held, Deed.PASSWORD_CHANGED, by=admin)
        sign_in_notices.tell(held, CHANGED, subject=SUBJECT)
        return held

    changed = changes.run(deed)
    sessions.end_others(changed, but=here)
    return changed


def ask_reset(email: str, *, address: str | None) -> None:
    """A link by e-mail to whoever has that login. Says nothing of what it found.

    address: the IP that asks; it and the e-mail address are each limited per hour.
    """
    email = email.strip().lower()
    if not limits.within("reset-from", address or "", most=FROM_ONE_IP, per=_HOUR):
        return
    if not limits.within("reset-to", email, most=TO_ONE_ADDRESS, per=_HOUR):
        return

    def deed() -> None:
        admin = Admin.objects.filter(email__iexact=email, is_active=True).first()
        role = Role.objects.filter(admin=admin).order_by("id").first() if admin else None
        if admin is None or role is None:
            return
        outbox.put(role.organization_id, "password_reset", {"admin": admin.pk})
        audit.note_login(admin, Deed.PASSWORD_RESET_ASKED, by=None)

    changes.run(deed)


def find(uid: str, proof: str) -> Admin:
    """Whose password a link resets. Refused: too old, used, broken ("link_invalid")."""
    try:
        pk = int(urlsafe_base64_decode(uid).decode())
    except (ValueError, UnicodeDecodeError):
        pk = 0
    admin = Admin.objects.filter(pk=pk, is_active=True).first()
    if admin is None or not default_token_generator.check_token(admin, proof):
        raise Refusal(
            "link_invalid",
            "This link works once, for two hours, and until the password changes or somebody "
            "signs in with it. Ask for a new one.",
        )
    return admin


def reset(uid: str, proof: str, password: str) -> Admin:
    """What the link is for; every session ends. Refused: the link (see find), a weak password."""

    def deed() -> Admin:
        admin = find(uid, proof)
        admin = Admin.objects.select_for_update(no_key=True).get(pk=admin.pk)
        find(uid, proof)  # of two that come at once the second finds it used
        _set(admin, password)
        audit.note_login(admin, Deed.PASSWORD_RESET, by=admin)
        sign_in_notices.tell(admin, RESET, subject=SUBJECT)
        return admin

    changed = changes.run(deed)
    sessions.end_all(changed)
    return changed


def message(payload: dict[str, Any]) -> Message | None:
    """The e-mail with the link, which is made now and stored nowhere."""
    admin = Admin.objects.filter(pk=payload["admin"], is_active=True).first()
    if admin is None:
        return None
    uid = urlsafe_base64_encode(force_bytes(admin.pk))
    proof = default_token_generator.make_token(admin)
    link = settings.PUBLIC_URL + reverse("accounts:reset", args=[uid, proof])
    return _letter(admin.email, link)


def sample(organization: Organization, to: str) -> Message:
    """The e-mail with made-up data."""
    return _letter(to, settings.PUBLIC_URL + reverse("accounts:reset", args=["EXAMPLE", "EXAMPLE"]))


def _letter(to: str, link: str) -> Message:
    return Message(
        to=to,
        subject="Set a new password for the Admin Center",
        paragraphs=(
            "Somebody, you perhaps, has forgotten the password of this login for the Admin Center.",
        ),
        button=("Set a new password", link),
        after=(
            "The link works once, for two hours. If it was not you, nothing has changed: leave "
            "this e-mail alone.",
        ),
        why="You get this because somebody asked for it on the sign-in page.",
    )


def _set(admin: Admin, password: str) -> None:
    check(password, admin)
    admin.set_password(password)
    admin.save(update_fields=["password"])
