"""The Admin API: the addresses of each layer below /api/v1, and what is none of them."""

from django.urls import path, re_path

import accounts.api.urls
import licensing.api.urls
import scim.api.urls
from accounts.api import reference
from accounts.pages import api_reference

app_name = "api"
urlpatterns = [
    path("", api_reference.reference, name="reference"),
    path("openapi.json", reference.openapi, name="openapi"),
    *accounts.api.urls.urlpatterns,
    *licensing.api.urls.urlpatterns,
    *scim.api.urls.urlpatterns,
    re_path(r"^[\s\S]*$", reference.Unknown.as_view(), name="unknown"),
]
