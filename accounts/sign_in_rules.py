"""How admins of an organization sign in: what its owners decide."""

from __future__ import annotations

from accounts import audit, roles
from accounts.deeds import Deed
from accounts.models import Admin, Organization, SignInRule
from accounts.refusal import Refusal


def of(organization: Organization) -> SignInRule:
    """The organization's rule; one that was never set is not saved."""
    found = SignInRule.objects.of(organization).first()
    return found or SignInRule(organization=organization)


def require_two_step(
    organization: Organization, required: bool, *, by: Admin | None = None
) -> None:
    """Whoever has no second step is led to set it up at their next page."""

    def change() -> None:
        before = of(organization).two_step_required
        SignInRule.objects.update_or_create(
            organization=organization, defaults={"two_step_required": required}
        )
        audit.note(
            organization.pk,
            Deed.TWO_STEP_RULE_CHANGED,
            organization,
            by=by,
            before={"required": before},
            after={"required": required},
        )

    roles.as_owner(organization, change, by=by)


def check_may_give_up_second_step(admin: Admin, instead: str) -> None:
    """Refused where one of the admin's organizations requires it. instead: what to do."""
    requiring = Organization.objects.filter(
        roles__admin=admin, sign_in_rule__two_step_required=True
    ).first()
    if requiring:
        raise Refusal(
            "second_step_required", f"{requiring.name} requires two-step sign-in. {instead}"
        )
