"""How admins of an organization sign in: what its owners decide."""

from __future__ import annotations

from accounts import changes
from accounts.models import Admin, Organization, SignInRule
from accounts.refusal import Refusal


def of(organization: Organization) -> SignInRule:
    """The organization's rule; one that was never set is not saved."""
    found = SignInRule.objects.of(organization).first()
    return found or SignInRule(organization=organization)


def require_two_step(organization: Organization, required: bool) -> None:
    """Whoever has no second step is led to set it up at their next page."""

    def change() -> None:
        SignInRule.objects.update_or_create(
            organization=organization, defaults={"two_step_required": required}
        )

    changes.run(change)


def check_may_give_up_second_step(admin: Admin, instead: str) -> None:
    """Refused where one of the admin's organizations requires it. instead: what to do."""
    requiring = Organization.objects.filter(
        roles__admin=admin, sign_in_rule__two_step_required=True
    ).first()
    if requiring:
        raise Refusal(
            "second_step_required", f"{requiring.name} requires two-step sign-in. {instead}"
        )
