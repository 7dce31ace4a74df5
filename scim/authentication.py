"""Header to application, and what keeps an application out (R1, R3).

django-scim2 wraps every view in the middleware that its settings name; this is ours.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django_scim.middleware import SCIMAuthCheckMiddleware

from accounts import organizations
from scim import answers, caller, pace, resources, turned_away
from scim.models import TurnedAway
from scim.protocol import errors


class TokenMiddleware(SCIMAuthCheckMiddleware):
    """Sets request.caller, or answers 401 (the token), 403 (plan, switch) or 429 (too fast)."""

    def __call__(self, request: answers.ScimRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        header = request.META.get("HTTP_AUTHORIZATION", "")
        doors = pace.doors()
        try:
            doors.knock(header, request.META)
        except errors.TooManyRequests as too_many:
            turned_away.note(header, why=TurnedAway.Why.TOO_FAST)
            return answers.error(request, too_many)
        along = None
        if request.method == "GET":
            name = request.resolver_match.url_name if request.resolver_match else None
            along = resources.along(name, kwargs.get("uuid"), request.GET)
        known = caller.identify(header, getattr(request, "request_id", ""), along)
        if known is None:
            doors.unknown(header, request.META)
            turned_away.note(header)
            return answers.error(
                request,
                errors.Unauthorized(
                    "The bearer token is missing or not valid. Send a valid token of the "
                    "application as: Authorization: Bearer TOKEN."
                ),
            )
        doors.known(header)
        request.caller = known
        request.log_fields = {
            "organization": known.organization.slug,
            "application": str(known.application.pk),
        }
        organization = known.organization
        if not organization.may_use_scim:
            turned_away.note(header, why=TurnedAway.Why.PLAN)
            return answers.error(
                request, errors.Forbidden(organizations.plan_sentence(organization.plan))
            )
        if not organization.scim_enabled:
            turned_away.note(header, why=TurnedAway.Why.OFF)
            return answers.error(
                request,
                errors.Forbidden(
                    "SCIM is switched off. An admin can switch it on at Settings > Global "
                    "Settings > SCIM."
                ),
            )
        return self.get_response(request, *args, **kwargs)
