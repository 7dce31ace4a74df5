"""SCIM applications: one connection from an identity provider to one pool (R2)."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence

from django.conf import settings

from accounts import audit, changes, organizations
from accounts.deeds import Deed
from accounts.models import Admin, Application, Organization
from accounts.refusal import NotFound, Refusal
from licensing import eligibility as licensing_eligibility
from licensing import pools
from licensing.models import Policy
from scim import tokens
from scim.tokens import Issued

#: What when full, who is eligible, and which groups are chosen.
Rules = tuple[str, str, Sequence[str]]


def base_url() -> str:
    """The address that an identity provider is given; the token alone tells whose it is."""
    return f"{settings.PUBLIC_URL}/scim/v2"


def create(
    organization: Organization,
    name: str,
    *,
    product: str,
    idp: str = Application.Idp.OTHER,
    when_full: str = Policy.WhenFull.REFUSE,
    eligibility: str = Policy.Eligibility.EVERYONE,
    eligible_groups: Sequence[str] = (),
    by: Admin | None = None,
) -> Application:
    """A connection that feeds the product's pool; it turns SCIM on (R1, R2, R16).

    Refused: a plan without SCIM, a name that is used, groups chosen while everyone is
    eligible.
    """
    rules = (when_full, eligibility, eligible_groups)
    return changes.run(_creation(organization, name, product, idp, rules, by))


def connect(
    organization: Organization,
    name: str,
    *,
    product: str,
    idp: str,
    rules: Rules,
    token_name: str = "",
    days: int = tokens.DAYS,
    by: Admin | None = None,
) -> Issued:
    """The same with its first token, both or neither (R3)."""
    creation = _creation(organization, name, product, idp, rules, by)
    return changes.run(lambda: tokens.issue(creation(), name=token_name, days=days, by=by))


def _creation(
    organization: Organization,
    name: str,
    product: str,
    idp: str,
    rules: Rules,
    by: Admin | None,
) -> Callable[[], Application]:
    """What creates the application, once all that can be checked before is."""
    when_full, eligibility, eligible_groups = rules
    organizations.check_plan_allows_scim(organization)
    pool = pools.get(organization, product)
    name = name.strip()
    if not 1 <= len(name) <= 200:
        raise Refusal("name_invalid", "An application needs a name of 1 to 200 characters.")
    _check_choice("idp", idp, Application.Idp.values)
    _check_choice("when_full", when_full, Policy.WhenFull.values)
    _check_choice("eligibility", eligibility, Policy.Eligibility.values)
    licensing_eligibility.check_groups(eligibility, eligible_groups)

    def change() -> Application:
        application = Application.objects.create(
            organization=organization, name=name, product=product, idp=idp
        )
        policy = Policy.objects.create(
            application=application,
            organization=organization,
            pool=pool,
            when_full=when_full,
            eligibility=eligibility,
        )
        licensing_eligibility.choose(policy, eligible_groups)
        organizations.turn_scim_on(organization, by=by)
        about = {
            "product": application.get_product_display(),
            "identity_provider": application.get_idp_display(),
            "eligibility": eligibility,
            "when_full": when_full,
            "groups": list(eligible_groups),
        }
        audit.note(organization.pk, Deed.APPLICATION_ADDED, application, by=by, after=about)
        return application

    return change


def get(application_id: str) -> Application:
    try:
        return Application.objects.select_related("organization").get(pk=uuid.UUID(application_id))
    except (ValueError, Application.DoesNotExist):
        raise NotFound(
            "application_not_found", f"There is no SCIM application with the id {application_id}."
        ) from None


def _check_choice(name: str, value: str, values: Sequence[str]) -> None:
    if value not in values:
        raise Refusal(f"{name}_unknown", f"{name} is one of {', '.join(values)}, not “{value}”.")
