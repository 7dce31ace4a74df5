"""All addresses. /health/… is answered earlier, by config.health."""

from django.urls import include, path

urlpatterns = [
    path("", include("accounts.urls")),
    path("", include("licensing.urls")),
    path("settings/global/scim/", include("scim.settings_urls")),
    path("activity/", include("scim.pages.activity_urls")),
    path("scim/v2/", include("scim.urls")),
    path("api/v1/", include("config.api")),
]
