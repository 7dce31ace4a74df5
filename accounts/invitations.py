"""Inviting admins by e-mail: one link, good once and for seven days.

The e-mail's link is made when it is sent and stored nowhere. Whether an address has a login
already is told to nobody but whoever opens the link that was sent to it.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from django.core import signing
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import QuerySet
from django.urls import reverse

from accounts import audit, changes, clock, outbox, passwords, roles
from accounts.deeds import Deed
from accounts.mail import Message
from accounts.models import Admin, AdminInvitation, Organization, Role
from accounts.refusal import NotFound, Refusal

VALID = dt.timedelta(days=7)
#: Sent again after so long at the earliest.
AGAIN_AFTER = dt.timedelta(minutes=10)
_SALT = "accounts.invitations"


def open_ones(organization: Organization) -> QuerySet[AdminInvitation]:
    """Neither accepted nor withdrawn, those that have expired too."""
    return (
        AdminInvitation.objects.of(organization)
        .filter(accepted_at=None, withdrawn_at=None)
        .select_related("invited_by")
        .order_by("email")
    )


def expires_at(invitation: AdminInvitation) -> dt.datetime:
    return invitation.sent_at + VALID


def invite(
    organization: Organization, email: str, kind: str, *, by: Admin | None = None
) -> AdminInvitation:
    """Send somebody a link that makes them an admin here.

    Refused: no e-mail address, an admin of this organization, somebody who is invited.
    """
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise Refusal("email_invalid", f"“{email}” is not an e-mail address.") from None
    roles.check(kind)

    def deed() -> AdminInvitation:
        if Role.objects.of(organization).filter(admin__email__iexact=email).exists():
            raise Refusal("admin_exists", f"{email} is an admin of {organization.name} already.")
        if open_ones(organization).filter(email=email).exists():
            raise Refusal(
                "admin_invited", f"{email} is invited already: send that invitation again."
            )
        invitation = AdminInvitation.objects.create(
            organization=organization, email=email, kind=kind, invited_by=by, sent_at=clock.now()
        )
        _send(invitation)
        audit.note(organization.pk, Deed.ADMIN_INVITED, invitation, by=by, after={"role": kind})
        return invitation

    return roles.as_owner(organization, deed, by=by)


def repeat(organization: Organization, invitation_id: int, *, by: Admin | None = None) -> str:
    """Send a new link; the one before works no longer. Returns the address.

    Refused: not open any more, sent within the last minutes ("invited_lately").
    """

    def deed() -> str:
        invitation = _get(organization, invitation_id)
        if abs(clock.now() - invitation.sent_at) < AGAIN_AFTER:
            raise Refusal(
                "invited_lately", f"{invitation.email} was invited a moment ago: wait a little."
            )
        invitation.sent += 1
        invitation.sent_at = clock.now()
        invitation.save(update_fields=["sent", "sent_at"])
        _send(invitation)
        audit.note(organization.pk, Deed.INVITATION_REPEATED, invitation, by=by)
        return invitation.email

    return roles.as_owner(organization, deed, by=by)


def withdraw(organization: Organization, invitation_id: int, *, by: Admin | None = None) -> str:
    """Its link works no longer. Returns the address. Refused: not open any more."""

    def deed() -> str:
        invitation = _get(organization, invitation_id)
        invitation.withdrawn_at = clock.now()
        invitation.save(update_fields=["withdrawn_at"])
        audit.note(
            organization.pk,
            Deed.INVITATION_WITHDRAWN,
            invitation,
            by=by,
            before={"role": invitation.kind},
        )
        return invitation.email

    return roles.as_owner(organization, deed, by=by)


# ------------------------------------------------------------------ the link


def link(invitation: AdminInvitation) -> str:
    proof = signing.dumps([invitation.pk, invitation.sent], salt=_SALT)
    return settings.PUBLIC_URL + reverse("accounts:join", args=[proof])


def find(proof: str) -> AdminInvitation:
    """What a link is for. Refused: broken, replaced, used, withdrawn, too old."""
    try:
        pk, sent = signing.loads(proof, salt=_SALT)
    except (signing.BadSignature, ValueError):
        raise Refusal(
            "link_invalid", "This link is not complete. Open it from the e-mail once more."
        ) from None
    invitation = (
        AdminInvitation.objects.select_related("organization", "invited_by")
        .filter(pk=pk, sent=sent, accepted_at=None, withdrawn_at=None)
        .first()
    )
    if invitation is None:
        raise Refusal(
            "invitation_over",
            "This invitation was used, withdrawn or sent anew. If you have accepted it, sign in; "
            "otherwise ask who invited you for another one.",
        )
    if expires_at(invitation) <= clock.now():
        raise Refusal(
            "link_expired",
            f"An invitation works for {VALID.days} days, and this one is older. Ask an owner of "
            f"{invitation.organization.name} to send it again.",
        )
    return invitation


def login_of(invitation: AdminInvitation) -> Admin | None:
    """The login with which the invited has to sign in first: one that is in use somewhere."""
    return (
        Admin.objects.filter(email__iexact=invitation.email, roles__isnull=False).distinct().first()
    )


def accept(proof: str, *, password: str = "", by: Admin | None = None) -> Admin:
    """Become an admin, once. by: who is signed in; password: for who has no login in use.

    Refused: the link (see find), another login than the invited one ("sign_in_first"), a weak
    password.
    """
    organization_id = find(proof).organization_id

    def deed() -> Admin:
        roles.hold(organization_id)
        invitation = find(proof)
        admin = login_of(invitation)
        if admin is None:
            admin = _new_login(invitation.email, password)
        elif by is None or by.pk != admin.pk:
            raise Refusal("sign_in_first", f"Sign in as {invitation.email} to accept.")
        _, made = Role.objects.get_or_create(
            admin=admin, organization_id=organization_id, defaults={"kind": invitation.kind}
        )
        invitation.accepted_at = clock.now()
        invitation.save(update_fields=["accepted_at"])
        if made:
            inviter = str(invitation.invited_by or audit.COMMAND)
            after = {"role": invitation.kind, "invited_by": inviter}
            audit.note(organization_id, Deed.ADMIN_ADDED, admin, by=admin, after=after)
        return admin

    return changes.run(deed)


def message(payload: dict[str, Any]) -> Message | None:
    """The e-mail with the link; None when the invitation is over."""
    invitation = (
        AdminInvitation.objects.select_related("organization", "invited_by")
        .filter(pk=payload["invitation"], sent=payload["sent"], accepted_at=None, withdrawn_at=None)
        .first()
    )
    if invitation is None:
        return None
    return _letter(
        invitation.email,
        invitation.organization,
        inviter=str(invitation.invited_by or ""),
        role=invitation.get_kind_display(),
        link=link(invitation),
        until=expires_at(invitation),
    )


def sample(organization: Organization, to: str) -> Message:
    """The e-mail with made-up data."""
    return _letter(
        to,
        organization,
        inviter="owner@example.com",
        role="Admin",
        link=settings.PUBLIC_URL + reverse("accounts:join", args=["EXAMPLE"]),
        until=clock.now() + VALID,
    )


# ------------------------------------------------------------------ inside


def _letter(
    to: str, organization: Organization, *, inviter: str, role: str, link: str, until: dt.datetime
) -> Message:
    who = f"{inviter} has invited you" if inviter else "You are invited"
    return Message(
        to=to,
        subject=f"Become an admin of {organization.name}",
        paragraphs=(f"{who} to the Admin Center of {organization.name}, with the role “{role}”.",),
        button=("Accept the invitation", link),
        after=(
            f"The link is yours alone, works once and until {until:%d %B %Y at %H:%M} UTC. If you "
            f"expected nothing of the kind, leave this e-mail alone.",
        ),
        why=f"You get this because an owner of {organization.name} entered your address.",
    )


def _send(invitation: AdminInvitation) -> None:
    outbox.put(
        invitation.organization_id,
        "admin_invitation",
        {"invitation": invitation.pk, "sent": invitation.sent},
    )


def _get(organization: Organization, invitation_id: int) -> AdminInvitation:
    invitation = open_ones(organization).filter(pk=invitation_id).first()
    if invitation is None:
        raise NotFound("invitation_over", "That invitation was accepted or withdrawn meanwhile.")
    return invitation


def _new_login(email: str, password: str) -> Admin:
    """A login of that address; one that no organization knows any more gets a new password."""
    admin = Admin.objects.filter(email__iexact=email).first() or Admin(email=email)
    if not admin.is_active:
        raise Refusal("login_off", "This login is switched off. Ask who invited you.")
    passwords.check(password, admin)
    admin.set_password(password)
    admin.save()
    return admin
