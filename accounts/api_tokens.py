"""Tokens of the Admin API: issue, revoke, and who is behind one.

A personal token may never do more than its admin's role, which is asked at each request, and
ends with that role. A service token belongs to the organization; owners make and revoke those.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from collections.abc import Collection, Sequence

from django.db.models import Q, QuerySet

from accounts import audit, changes, clock, secrets
from accounts.deeds import Deed
from accounts.models import Admin, ApiAnswer, ApiToken, Organization, Role
from accounts.refusal import NotFound, Refusal

DAYS = 90
MOST_DAYS = 730
LONGEST_NAME = 100
#: What a token may do, and what pages call it. To write is to read too.
SCOPES = {
    "organization:read": "See the organization and its settings",
    "organization:write": "Change its settings",
    "people:read": "See people, their licenses and why they have them",
    "people:write": "Add, change and remove people by hand",
    "groups:read": "See groups and their members",
    "groups:write": "Make, change and delete manual groups",
    "licenses:read": "See licenses, the waiting list and held removals",
    "licenses:write": "Give and take licenses, buy, restore, decide held removals",
    "applications:read": "See SCIM applications and their tokens",
    "applications:write": "Add applications, change their rules, issue and revoke their tokens",
    "reports:read": "Read reports",
    "reports:write": "Report who used the products, and when",
    "logs:read": "Read the ledger, the activity log and the audit log",
}
READING = [scope for scope in SCOPES if scope.endswith(":read")]
#: What was answered to a write with an Idempotency-Key is kept so long.
ANSWERS_KEPT = dt.timedelta(hours=24)
#: The last use is written at most this often.
_LAST_USED_STEP = dt.timedelta(minutes=1)


@dataclasses.dataclass(frozen=True, slots=True)
class Issued:
    """secret: the token itself, to be shown once; it is stored nowhere."""

    token: ApiToken
    secret: str


@dataclasses.dataclass(frozen=True, slots=True)
class Caller:
    """Who asks the API: an admin by a personal token, or the organization by a service token."""

    token: ApiToken
    organization: Organization
    admin: Admin | None
    role: str | None

    @property
    def actor(self) -> str:
        """What ledger and audit log call a service token."""
        return "" if self.admin else f"Service token “{self.token.name}”"

    @property
    def scopes(self) -> set[str]:
        """What the token may do now: its own scopes, within the role of its admin."""
        granted = set(self.token.scopes)
        granted |= {scope.replace(":write", ":read") for scope in granted}
        if self.role == Role.Kind.READ_ONLY:
            granted &= set(READING)
        return granted

    @property
    def is_authenticated(self) -> bool:
        return True

    @property
    def pk(self) -> uuid.UUID:
        return self.token.pk


def issue(
    organization: Organization,
    name: str,
    *,
    scopes: Collection[str],
    admin: Admin | None,
    days: int = DAYS,
    by: Admin | None = None,
) -> Issued:
    """A new token. admin: whose personal token it is; None is a service token.

    by: None is the command line. Refused: no name, a scope that there is not or that the role
    does not allow, more than two years, somebody who is no admin here, a personal token of
    somebody else, and a service token by whoever is no owner.
    """
    name = name.strip()
    if not 1 <= len(name) <= LONGEST_NAME:
        raise Refusal("name_invalid", f"A token needs a name of 1 to {LONGEST_NAME} characters.")
    if not 1 <= days <= MOST_DAYS:
        raise Refusal("days_invalid", f"A token is valid for 1 to {MOST_DAYS} days.")
    unknown = sorted(set(scopes) - SCOPES.keys())
    if unknown or not scopes:
        raise Refusal(
            "scopes_invalid",
            f"A token needs one scope or more of {', '.join(SCOPES)}"
            + (f"; {', '.join(unknown)} is none." if unknown else "."),
        )
    secret = secrets.make(secrets.API)

    def change() -> Issued:
        role = _role(organization, admin) if admin else None
        _check_may_issue(organization, role, scopes, by)
        now = clock.now()
        token = ApiToken.objects.create(
            organization=organization,
            admin=admin,
            role=role,
            name=name,
            scopes=[scope for scope in SCOPES if scope in scopes],
            digest=secrets.digest(secret),
            hint=secret[: secrets.HINT + len(secrets.API)],
            issued_by=by,
            issued_at=now,
            expires_at=now + dt.timedelta(days=days),
        )
        about = {
            "of": admin.email if admin else organization.name,
            "scopes": token.scopes,
            "expires_at": token.expires_at,
        }
        audit.note(organization.pk, Deed.API_TOKEN_ISSUED, token, by=by, after=about)
        return Issued(token, secret)

    return changes.run(change)


def revoke(token: ApiToken, *, by: Admin | None = None) -> ApiToken:
    """It ends now, for good; a second time changes nothing.

    Refused: the token of somebody else, or a service token, by whoever is no owner.
    """

    def change() -> ApiToken:
        held = ApiToken.objects.select_for_update(of=("self",)).select_related("admin")
        found = held.get(pk=token.pk)
        if by is not None and by != found.admin and not _owns(by, found.organization_id):
            raise Refusal("not_owner", "Only an owner may revoke a token of somebody else.")
        if found.revoked_at is None:
            found.revoked_at = clock.now()
            found.save(update_fields=["revoked_at"])
            about = {"of": found.admin.email if found.admin else "the organization"}
            audit.note(found.organization_id, Deed.API_TOKEN_REVOKED, found, by=by, after=about)
        return found

    return changes.run(change)


def get(token_id: str) -> ApiToken:
    try:
        return ApiToken.objects.get(pk=uuid.UUID(token_id))
    except (ValueError, ApiToken.DoesNotExist):
        raise NotFound(
            "token_not_found", f"There is no API token with the id {token_id}."
        ) from None


def shown_to(role: Role) -> QuerySet[ApiToken]:
    """An owner sees every token of the organization, others their own and service tokens."""
    tokens = ApiToken.objects.of(role.organization).select_related("admin", "role", "issued_by")
    if role.kind != Role.Kind.OWNER:
        tokens = tokens.filter(Q(admin=role.admin) | Q(admin=None))
    return tokens.order_by("-issued_at", "-id")


def works(token: ApiToken) -> bool:
    """Whether it is let in, as far as the token and its role go."""
    return (
        token.revoked_at is None
        and token.expires_at > clock.now()
        and (token.admin_id is None or token.role_id is not None)
    )


def allowed(kind: str | None) -> Sequence[str]:
    """The scopes that a role may give; None is a service token's."""
    return READING if kind == Role.Kind.READ_ONLY else list(SCOPES)


def identify(header: str) -> Caller | None:
    """Who is behind an Authorization header; None for every token that is not valid now,
    without a hint which of the reasons it was. One statement, and one a minute for the last use.
    """
    kind, _, secret = header.partition(" ")
    secret = secret.strip()
    if kind.lower() != "bearer" or not secrets.well_formed(secret, secrets.API):
        return None
    token = (
        ApiToken.objects.select_related("organization", "admin", "role")
        .filter(digest=secrets.digest(secret))
        .first()
    )
    if token is None or not works(token) or (token.admin and not token.admin.is_active):
        return None
    _note_use(token)
    return Caller(token, token.organization, token.admin, token.role.kind if token.role else None)


def prune() -> None:
    """Forget what was answered longer ago than ANSWERS_KEPT."""
    ApiAnswer.objects.filter(at__lt=clock.now() - ANSWERS_KEPT).delete()


# ------------------------------------------------------------------ inside


def _note_use(token: ApiToken) -> None:
    now = clock.now()
    if token.last_used_at is None or now - token.last_used_at > _LAST_USED_STEP:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)


def _role(organization: Organization, admin: Admin) -> Role:
    """Held, so that the role cannot end unseen."""
    role = Role.objects.of(organization).select_for_update().filter(admin=admin).first()
    if role is None:
        raise NotFound("admin_not_found", f"{admin} is no admin of {organization.name}.")
    return role


def _check_may_issue(
    organization: Organization, role: Role | None, scopes: Collection[str], by: Admin | None
) -> None:
    if role is not None and by is not None and by.pk != role.admin_id:
        raise Refusal("not_own", "A personal token is made by its admin alone.")
    if role is None and by is not None and not _owns(by, organization.pk):
        raise Refusal("not_owner", f"Only an owner of {organization.name} makes service tokens.")
    beyond = sorted(set(scopes) - set(allowed(role.kind if role else None)))
    if beyond:
        raise Refusal(
            "scopes_beyond_role",
            f"Your role is read-only, so your tokens only read: leave out {', '.join(beyond)}.",
        )


def _owns(admin: Admin, organization_id: int) -> bool:
    owners = Role.objects.filter(organization=organization_id, kind=Role.Kind.OWNER)
    return owners.filter(admin=admin).exists()
