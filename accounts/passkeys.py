"""Passkeys (WebAuthn): add, use, remove.

A passkey is bound to the host name that the browser shows, and its device asks for a finger,
face or PIN: so one alone is both steps of a sign-in. What a browser answers is only good for
the challenge that was given to it, once.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import json
from typing import Any

import webauthn
from django.db import IntegrityError
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, options_to_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from accounts import audit, changes, clock, sign_in_notices, sign_in_rules
from accounts.deeds import Deed
from accounts.models import Admin, Passkey
from accounts.refusal import Refusal

MOST = 20
LONGEST = 20_000
SITE_NAME = "Seatkeeper"
_UNUSABLE = Refusal(
    "passkey_refused",
    "This passkey could not be checked. Try again, or use your password.",
)
_TRANSPORTS = {transport.value for transport in AuthenticatorTransport}


@dataclasses.dataclass(frozen=True, slots=True)
class Site:
    """What browsers bind a passkey to. host: with its port, as in the address line."""

    scheme: str
    host: str

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.host}"

    @property
    def name(self) -> str:
        return self.host.rpartition(":")[0] if _has_port(self.host) else self.host

    @property
    def can_have_passkeys(self) -> bool:
        """Browsers want a name (not a number) and https, except on this machine."""
        try:
            ipaddress.ip_address(self.name.strip("[]"))
        except ValueError:
            return self.scheme == "https" or self.name == "localhost"
        return False


@dataclasses.dataclass(frozen=True, slots=True)
class Question:
    """options: JSON for navigator.credentials. challenge: what the answer must be to."""

    options: str
    challenge: str


def ask_to_add(admin: Admin, site: Site) -> Question:
    """Refused: more than MOST passkeys."""
    known = list(Passkey.objects.filter(admin=admin))
    if len(known) >= MOST:
        raise Refusal("too_many_passkeys", f"You have {MOST} passkeys. Remove one first.")
    options = webauthn.generate_registration_options(
        rp_id=site.name,
        rp_name=SITE_NAME,
        user_id=_handle(admin),
        user_name=admin.email,
        user_display_name=admin.name or admin.email,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[_descriptor(passkey) for passkey in known],
    )
    return Question(options_to_json(options), bytes_to_base64url(options.challenge))


def add(admin: Admin, name: str, answer: str, *, challenge: str, site: Site) -> Passkey:
    """Refused: an answer to something else, a device that did not verify its user, one that is
    registered already."""
    try:
        document = _parsed(answer)
        verified = webauthn.verify_registration_response(
            credential=document,
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=site.name,
            expected_origin=site.origin,
            require_user_verification=True,
        )
        transports = document["response"].get("transports", [])
    except (WebAuthnException, KeyError, TypeError, ValueError, AttributeError):
        raise _UNUSABLE from None
    passkey = Passkey(
        admin=admin,
        name=name.strip()[:100] or "Passkey",
        credential_id=verified.credential_id,
        public_key=verified.credential_public_key,
        sign_count=verified.sign_count,
        transports=[kind for kind in transports if kind in _TRANSPORTS],
        created_at=clock.now(),
    )

    def change() -> None:
        passkey.save()
        sign_in_notices.tell(admin, f"The passkey “{passkey.name}” was added.")
        about = {"name": passkey.name}
        audit.note_login(admin, Deed.PASSKEY_ADDED, by=admin, after=about)

    try:
        changes.run(change)
    except IntegrityError:
        raise Refusal("passkey_known", "This passkey is registered already.") from None
    return passkey


def ask_to_sign_in(site: Site, *, admin: Admin | None = None) -> Question:
    """admin: whoever has given the password; None: whoever the passkey says."""
    known = Passkey.objects.filter(admin=admin) if admin else []
    options = webauthn.generate_authentication_options(
        rp_id=site.name,
        allow_credentials=[_descriptor(passkey) for passkey in known],
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return Question(options_to_json(options), bytes_to_base64url(options.challenge))


def sign_in(answer: str, *, challenge: str, site: Site, admin: Admin | None = None) -> Admin:
    """Whose passkey answered. admin: it must be theirs. Never says what was wrong."""
    try:
        document = _parsed(answer)
        credential_id = base64url_to_bytes(document["rawId"])
        passkey = Passkey.objects.select_related("admin").get(credential_id=credential_id)
        handle = document["response"].get("userHandle")
        verified = webauthn.verify_authentication_response(
            credential=document,
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=site.name,
            expected_origin=site.origin,
            credential_public_key=bytes(passkey.public_key),
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=True,
        )
    except (
        WebAuthnException,
        Passkey.DoesNotExist,
        KeyError,
        TypeError,
        ValueError,
        AttributeError,
    ):
        raise _UNUSABLE from None
    mine = admin is None or admin == passkey.admin
    named = handle is None or base64url_to_bytes(handle) == _handle(passkey.admin)
    if not (mine and named and passkey.admin.is_active):
        raise _UNUSABLE
    Passkey.objects.filter(pk=passkey.pk).update(
        sign_count=verified.new_sign_count, used_at=clock.now()
    )
    return passkey.admin


def remove(passkey: Passkey) -> None:
    """Refused: the last second step of somebody whose organization requires one."""

    def change() -> None:
        admin = Admin.objects.select_for_update().get(pk=passkey.admin_id)
        others = Passkey.objects.filter(admin=admin).exclude(pk=passkey.pk).exists()
        if not others and not hasattr(admin, "second_step"):
            sign_in_rules.check_may_give_up_second_step(
                admin, "This passkey is your only second step: set up another one first."
            )
        passkey.delete()
        sign_in_notices.tell(admin, f"The passkey “{passkey.name}” was removed.")
        about = {"name": passkey.name}
        audit.note_login(admin, Deed.PASSKEY_REMOVED, by=admin, before=about)

    changes.run(change)


def _parsed(answer: str) -> dict[str, Any]:
    if len(answer) > LONGEST:
        raise ValueError("too long")
    document = json.loads(answer)
    if not isinstance(document, dict):
        raise TypeError("not an object")
    return document


def _descriptor(passkey: Passkey) -> PublicKeyCredentialDescriptor:
    return PublicKeyCredentialDescriptor(
        id=bytes(passkey.credential_id),
        transports=[AuthenticatorTransport(kind) for kind in passkey.transports],
    )


def _handle(admin: Admin) -> bytes:
    """What a passkey keeps of its owner: no name and no address."""
    return f"admin {admin.pk}".encode()


def _has_port(host: str) -> bool:
    return host.rpartition(":")[2].isdigit() and not host.endswith("]")
