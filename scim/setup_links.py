"""Setup links: an IT contact without a login follows the guide and generates one token (R6).

The link is signed and carries nothing but its number; what it may still do stands in its row.
"""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.core import signing
from django.db.models import QuerySet
from django.urls import reverse

from accounts import audit, changes, clock
from accounts.deeds import Deed
from accounts.models import Admin, Application
from accounts.refusal import Refusal
from scim import tokens
from scim.models import SetupLink
from scim.tokens import Issued

VALID = dt.timedelta(days=7)
_SALT = "scim.setup"


def make(application: Application, *, for_whom: str, by: Admin) -> SetupLink:
    """A link for one contact. Refused: nobody is named."""
    for_whom = for_whom.strip()
    if not 1 <= len(for_whom) <= 200:
        raise Refusal("name_invalid", "Say who gets the link, in 1 to 200 characters.")

    def change() -> SetupLink:
        now = clock.now()
        link = SetupLink.objects.create(
            organization_id=application.organization_id,
            application=application,
            for_whom=for_whom,
            made_by=by,
            made_at=now,
            expires_at=now + VALID,
        )
        about = {"application": application.name, "expires_at": link.expires_at}
        audit.note(link.organization_id, Deed.SETUP_LINK_MADE, link, by=by, after=about)
        return link

    return changes.run(change)


def address(link: SetupLink) -> str:
    """Whoever has it can generate the token: it is shown to its maker alone, once."""
    signed = signing.dumps(str(link.pk), salt=_SALT)
    return settings.PUBLIC_URL + reverse("scim_settings:setup", args=[signed])


def find(signed: str) -> SetupLink:
    """The link behind an address. Refused: broken, used, revoked, or more than 7 days old."""
    return _find(signed, lock=False)


def use(signed: str) -> Issued:
    """Generate the token; the link ends by it. Refused as above, the second time too."""

    def change() -> Issued:
        setup_link = _find(signed, lock=True)
        name = f"Set up by {setup_link.for_whom}"[:100]
        issued = tokens.issue(setup_link.application, name=name)
        setup_link.used_at, setup_link.token = clock.now(), issued.token
        setup_link.save(update_fields=["used_at", "token"])
        about = {"application": setup_link.application.name, "name": name}
        audit.note(
            setup_link.organization_id, Deed.SETUP_LINK_USED, setup_link, by=None, after=about
        )
        return issued

    return changes.run(change)


def revoke(link: SetupLink, *, by: Admin) -> None:
    """It ends now. One that was used has ended already: revoke its token instead."""

    def change() -> None:
        open_one = SetupLink.objects.filter(pk=link.pk, used_at=None, revoked_at=None)
        if open_one.update(revoked_at=clock.now()):
            about = {"application": link.application.name}
            audit.note(link.organization_id, Deed.SETUP_LINK_WITHDRAWN, link, by=by, before=about)

    changes.run(change)


def open_of(application: Application) -> QuerySet[SetupLink]:
    """Links of the application that would work now, the newest first."""
    return (
        SetupLink.objects.filter(
            application=application, used_at=None, revoked_at=None, expires_at__gt=clock.now()
        )
        .select_related("made_by")
        .order_by("-made_at")
    )


# ------------------------------------------------------------------ inside


def _find(signed: str, *, lock: bool) -> SetupLink:
    try:
        link_id = signing.loads(signed, salt=_SALT)
    except signing.BadSignature:
        raise Refusal(
            "link_invalid", "This link is not complete. Copy the whole of it once more."
        ) from None
    links = SetupLink.objects.select_related("application__policy", "organization", "made_by")
    if lock:
        links = links.select_for_update(of=("self",))
    link = links.filter(pk=link_id).first()
    who = str(link.made_by or "an admin") if link else "an admin"
    if link is None or link.revoked_at:
        raise Refusal("link_revoked", f"This link was withdrawn. Ask {who} for a new one.")
    if link.used_at:
        raise Refusal(
            "link_used",
            f"The token was generated through this link on {link.used_at:%d %B %Y at %H:%M} UTC, "
            f"and a link works once. Ask {who} for a new one if the token was lost.",
        )
    if link.expires_at <= clock.now():
        raise Refusal(
            "link_expired",
            f"A link works for {VALID.days} days, and this one is older. Ask {who} for a new one.",
        )
    return link
