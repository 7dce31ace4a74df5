"""Admins: logins of the Admin Center. A push never reaches this module."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from accounts import audit, passwords
from accounts.deeds import Deed
from accounts.models import Admin, Organization, Role
from accounts.refusal import NotFound, Refusal


@transaction.atomic
def create(
    email: str,
    *,
    organization: Organization,
    password: str,
    role: str = Role.Kind.OWNER,
    by: Admin | None = None,
) -> Admin:
    """A login with a role in the organization.

    Somebody who is an admin elsewhere keeps the password and gets the role here.
    Refused: no e-mail address, a weak password, somebody who is an admin here already.
    """
    email = email.strip()
    try:
        validate_email(email)
    except ValidationError:
        raise Refusal("email_invalid", f"“{email}” is not an e-mail address.") from None
    admin = Admin.objects.filter(email__iexact=email).first()
    if admin is None:
        admin = Admin(email=email.lower())
        passwords.check(password, admin)
        admin.set_password(password)
        admin.save()
    _, made = Role.objects.get_or_create(
        admin=admin, organization=organization, defaults={"kind": role}
    )
    if not made:
        raise Refusal("admin_exists", f"{admin.email} is an admin of {organization.name} already.")
    audit.note(organization.pk, Deed.ADMIN_ADDED, admin, by=by, after={"role": role})
    return admin


def get(email: str) -> Admin:
    admin = Admin.objects.filter(email__iexact=email.strip()).first()
    if admin is None:
        raise NotFound("admin_not_found", f"There is no admin with the e-mail “{email}”.")
    return admin


class EmailBackend(BaseBackend):
    """Sign in by e-mail address, whatever its case."""

    def authenticate(
        self, request: Any, username: str | None = None, password: str | None = None, **_: Any
    ) -> Admin | None:
        admin = Admin.objects.filter(email__iexact=username or "", is_active=True).first()
        if admin is None:
            # As slow as a wrong password, so that addresses can't be guessed by timing.
            Admin().set_password(password or "")
            return None
        return admin if admin.check_password(password or "") else None

    def get_user(self, user_id: int) -> Admin | None:
        return Admin.objects.filter(pk=user_id, is_active=True).first()
