"""The product's addresses, and the do-nothing view on the road of a SCIM request."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from config.urls import *  # noqa: F403
from config.urls import urlpatterns as product


def nothing(request: HttpRequest) -> HttpResponse:
    return HttpResponse(b'{"schemas": []}', content_type="application/scim+json")


urlpatterns = [path("scim/v2/nothing", nothing), *product]
