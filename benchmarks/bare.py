"""Django with one view and no middleware: as fast as the server can be."""

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path


def nothing(request: HttpRequest) -> HttpResponse:
    return HttpResponse(b'{"schemas": []}', content_type="application/scim+json")


urlpatterns = [path("scim/v2/nothing", nothing)]
settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["127.0.0.1"], LOGGING_CONFIG=None)
application = get_wsgi_application()
