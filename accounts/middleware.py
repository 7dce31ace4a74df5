"""Puts the organization in use, and the reader's time zone, on each request of the Admin Center."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from accounts import audit, zones
from accounts.pages.access import access_of
from accounts.pages.gate import address_of


class OrganizationMiddleware:
    """request.admin, .role and .organization, each looked up when it is first asked for.

    Lazy, so that static files and health checks pay nothing. SCIM never comes here
    (scim.middleware answers first), and nothing here can be set by a push.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        access = SimpleLazyObject(lambda: access_of(request))
        request.access = access  # type: ignore[attr-defined]
        request.admin = SimpleLazyObject(lambda: access.admin)  # type: ignore[attr-defined]
        request.role = SimpleLazyObject(lambda: access.role)  # type: ignore[attr-defined]
        request.organization = SimpleLazyObject(lambda: access.organization)  # type: ignore[attr-defined]
        origin = audit.Origin(getattr(request, "request_id", ""), address_of(request))
        zone = zones.of(request.COOKIES.get(zones.COOKIE))
        with audit.within(origin), timezone.override(zone):
            return self.get_response(request)
