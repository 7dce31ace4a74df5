"""The product's web entry, and one address more: a view that does nothing, beside /Users."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from config.wsgi import application
from scim import urls

__all__ = ["application"]


def nothing(request: HttpRequest) -> HttpResponse:
    return HttpResponse(b'{"schemas": []}', content_type="application/scim+json")


# Before the last one, which takes every address that is none.
urls.urlpatterns.insert(-1, path("nothing", nothing))
