"""Who asks the API, and how often."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

from django.conf import settings
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.permissions import BasePermission
from rest_framework.throttling import BaseThrottle

from accounts import api_tokens, limits
from accounts.api_tokens import Caller
from accounts.models import ApiToken
from accounts.pages.gate import address_of

_MINUTE = dt.timedelta(minutes=1)
#: Of requests without a token that works, one address has this part of what a token has.
_STRANGERS = 10


class TokenAuthentication(BaseAuthentication):
    """Only by `Authorization: Bearer`; a session of the Admin Center opens nothing here, so no
    other site can make a browser ask."""

    def authenticate(self, request: Any) -> tuple[Caller, ApiToken] | None:
        header = request.META.get("HTTP_AUTHORIZATION", "")
        caller = api_tokens.identify(header)
        if caller is not None:
            _tell(request, caller)
            return caller, caller.token
        whose = address_of(request) or ""
        most = settings.API_REQUESTS_PER_MINUTE // _STRANGERS
        spent = limits.spend("api_strangers", whose, most=most, per=_MINUTE)
        if spent.over:
            raise Throttled(wait=spent.seconds)
        raise AuthenticationFailed

    def authenticate_header(self, request: Any) -> str:
        return "Bearer"


class HasToken(BasePermission):
    """Scopes are asked by each operation (accounts.api.operations)."""

    def has_permission(self, request: Any, view: Any) -> bool:
        return isinstance(request.user, Caller)


class TokenThrottle(BaseThrottle):
    """So many requests a minute and token; the answer says how many are left."""

    def allow_request(self, request: Any, view: Any) -> bool:
        most = settings.API_REQUESTS_PER_MINUTE
        self.spent = limits.spend("api", str(request.user.pk), most=most, per=_MINUTE)
        view.rate = {
            "RateLimit-Policy": f'"token";q={most};w=60',
            "RateLimit": f'"token";r={self.spent.left};t={math.ceil(self.spent.seconds)}',
        }
        return not self.spent.over

    def wait(self) -> float:
        return max(1, math.ceil(self.spent.seconds))


# ------------------------------------------------------------------ inside


def _tell(request: Any, caller: Caller) -> None:
    """The line of the log says whose request it was."""
    fields = getattr(request, "log_fields", None)
    if fields is not None:
        fields |= {"organization": caller.organization.slug, "api_token": str(caller.token.pk)}
