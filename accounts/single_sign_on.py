"""Single sign-on of one organization: its settings, and who may come in by it (R5).

It needs no SCIM and changes nothing of it. An identity provider speaks for the admins of its
own organization and for nobody else: whoever it signs in sees that organization alone, however
many others they are an admin of.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from django.conf import settings
from django.urls import reverse

from accounts import audit, changes, clock, oidc, outbound, roles, sessions, vault
from accounts.deeds import Deed
from accounts.models import Admin, AdminSession, Organization, Role, SingleSignOn
from accounts.refusal import Refusal

Mode = SingleSignOn.Mode
_DOMAIN = re.compile(
    r"(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]"
)


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """What the form says. client_secret: "" keeps the one that is there."""

    issuer: str
    client_id: str
    client_secret: str
    domains: list[str]
    default_role: str
    trust_unsaid: bool


def of(organization: Organization) -> SingleSignOn | None:
    return SingleSignOn.objects.of(organization).select_related("organization").first()


def offered_at(slug: str) -> SingleSignOn | None:
    """What the sign-in page of an organization offers; None: there is nothing."""
    return (
        SingleSignOn.objects.filter(organization__slug=slug)
        .exclude(mode=Mode.OFF)
        .select_related("organization")
        .first()
    )


def offered_to(email: str) -> list[SingleSignOn]:
    """Where an address of this domain may sign in. Says nothing about who is an admin."""
    domain = email.rpartition("@")[2].lower()
    return list(
        SingleSignOn.objects.filter(domains__contains=[domain])
        .exclude(mode=Mode.OFF)
        .select_related("organization")
        .order_by("organization__name")
    )


def redirect_uri() -> str:
    """Where identity providers send browsers back to."""
    return settings.PUBLIC_URL + reverse("accounts:sso_callback")


def configure(
    organization: Organization, wanted: Wanted, *, by: Admin | None = None
) -> SingleSignOn:
    """Keep the settings. Whatever was tested before has to be tested again, and is required no
    longer. Refused: an address that is none, no domain, a secret that is missing."""
    domains = [domain.strip().lower().removeprefix("@") for domain in wanted.domains]
    try:
        outbound.check(wanted.issuer)
    except outbound.Unreachable as why:
        raise Refusal("issuer_invalid", f"{str(why)[:1].upper()}{str(why)[1:]}.") from None
    for domain in domains:
        if not _DOMAIN.fullmatch(domain):
            raise Refusal("domain_invalid", f"“{domain}” is not a domain, as in acme.example.")
    if not domains:
        raise Refusal("domain_missing", "Enter the domain of your admins' e-mail addresses.")

    def change() -> SingleSignOn:
        kept = SingleSignOn.objects.select_for_update().of(organization).first()
        found = kept or SingleSignOn(organization=organization)
        secret = vault.unseal(found.client_secret) if found.client_secret else None
        given = wanted.client_secret.strip()
        if not given and not secret:
            raise Refusal("secret_missing", "Enter the client secret that the provider gave you.")
        before = (found.issuer, found.client_id, secret, found.domains, found.trust_unsaid)
        was = _told(found) if kept else {}
        found.issuer = wanted.issuer
        found.client_id = wanted.client_id
        found.domains = domains
        found.trust_unsaid = wanted.trust_unsaid
        found.default_role = wanted.default_role
        if given:
            found.client_secret = vault.seal(given)
        after = (found.issuer, found.client_id, given or secret, domains, wanted.trust_unsaid)
        if before != after:
            found.tested_at = None
            if found.mode == Mode.REQUIRED:
                found.mode = Mode.ON
        found.save()
        now = _told(found)
        if kept and (given or secret) != secret:
            now["credentials"] = "entered anew"
        audit.note(organization.pk, Deed.SSO_CONFIGURED, organization, by=by, before=was, after=now)
        return found

    kept = roles.as_owner(organization, change, by=by)
    oidc.forget(kept.issuer)
    return kept


def set_mode(organization: Organization, mode: str, *, by: Admin | None = None) -> None:
    """Off, on, or required. Refused: before it is set up; required before it was tested, or
    without an owner who could still come in with a password."""

    def change() -> None:
        found = SingleSignOn.objects.select_for_update().of(organization).first()
        if found is None:
            raise Refusal("sso_missing", "Set single sign-on up first.")
        if mode == Mode.REQUIRED:
            if found.tested_at is None:
                raise Refusal("sso_untested", "Test the sign-in before you require it.")
            if not roles.owners_with_password(organization):
                raise Refusal(
                    "no_owner_with_password",
                    "No owner has a password: if the identity provider fails, nobody could come "
                    "in. Give one owner a password first.",
                )
        before, found.mode = found.mode, mode
        found.save(update_fields=["mode"])
        audit.note(
            organization.pk,
            Deed.SSO_SWITCHED,
            organization,
            by=by,
            before={"mode": before},
            after={"mode": mode},
        )

    roles.as_owner(organization, change, by=by)
    if mode == Mode.OFF:
        end_sessions(organization)


def end_sessions(organization: Organization) -> None:
    """Whoever single sign-on signed in is signed out."""
    for session in AdminSession.objects.filter(organization=organization):
        sessions.end(session)


def client_of(found: SingleSignOn) -> oidc.Client:
    secret = vault.unseal(found.client_secret)
    if secret is None:
        raise Refusal(
            "secret_unreadable",
            "The client secret cannot be read any more: an owner must enter it again.",
        )
    return oidc.Client(found.issuer, found.client_id, secret, redirect_uri())


def admit(found: SingleSignOn, claims: dict[str, Any]) -> Admin:
    """Whom the claims name. With a default role somebody new becomes an admin by this.

    Refused: an address that is missing, not verified or of another domain, and whoever has no
    role in the organization.
    """
    email = _address(found, claims)
    organization = found.organization
    admin = Admin.objects.filter(email__iexact=email).first()
    if admin is not None and not admin.is_active:
        raise Refusal("admin_inactive", "This login is switched off. Ask an owner.")
    if admin is not None and Role.objects.of(organization).filter(admin=admin).exists():
        return admin
    if not found.default_role:
        raise Refusal(
            "no_role",
            f"{email} is not an admin of {organization.name}. Ask an owner to add you.",
        )
    return changes.run(lambda: _welcome(found, email, str(claims.get("name") or "")))


def check_admitted(found: SingleSignOn, claims: dict[str, Any]) -> str:
    """For a test: the address that would come in, with nothing made and nobody signed in."""
    email = _address(found, claims)
    known = Role.objects.of(found.organization).filter(
        admin__email__iexact=email, admin__is_active=True
    )
    if not found.default_role and not known.exists():
        raise Refusal("no_role", f"{email} is not an admin of {found.organization.name}.")
    return email


def note_test(found: SingleSignOn, *, email: str = "", by: Admin | None = None) -> None:
    """It worked with these very settings: those that were changed meanwhile stay untested.

    email: whom the identity provider named.
    """

    def change() -> None:
        same = SingleSignOn.objects.filter(
            organization=found.organization,
            issuer=found.issuer,
            client_id=found.client_id,
            client_secret=found.client_secret,
            domains=found.domains,
            trust_unsaid=found.trust_unsaid,
        )
        if same.update(tested_at=clock.now()):
            about = {"would_come_in": email}
            audit.note(
                found.organization_id, Deed.SSO_TESTED, found.organization, by=by, after=about
            )

    roles.as_owner(found.organization, change, by=by)


def _welcome(found: SingleSignOn, email: str, name: str) -> Admin:
    admin = Admin.objects.filter(email__iexact=email).first()
    if admin is None:
        admin = Admin(email=email.lower(), name=name[:200])
        admin.set_unusable_password()
        admin.save()
    _, made = Role.objects.get_or_create(
        admin=admin, organization=found.organization, defaults={"kind": found.default_role}
    )
    if made:
        about = {"role": found.default_role, "with": "single sign-on"}
        audit.note(found.organization_id, Deed.ADMIN_ADDED, admin, by=admin, after=about)
    return admin


def _told(found: SingleSignOn) -> dict[str, Any]:
    """For the audit log: everything but the client secret."""
    names = ("issuer", "client_id", "domains", "default_role", "trust_unsaid", "mode")
    return {name: getattr(found, name) for name in names}


def _address(found: SingleSignOn, claims: dict[str, Any]) -> str:
    email = claims.get("email")
    if not isinstance(email, str) or email.count("@") != 1:
        raise Refusal(
            "email_missing",
            "The identity provider gave no e-mail address: let it send the claim “email”.",
        )
    verified = claims.get("email_verified", True if found.trust_unsaid else None)
    if verified is not True:
        raise Refusal(
            "email_unverified",
            f"The identity provider does not say that {email} is verified (email_verified).",
        )
    if email.rpartition("@")[2].lower() not in found.domains:
        raise Refusal(
            "domain_foreign",
            f"{email} is of another domain than {' and '.join(found.domains)}.",
        )
    return email
