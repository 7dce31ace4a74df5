"""The API's addresses of this layer."""

from django.urls import path

import accounts.api.urls  # noqa: F401  registers what stands between < and >
from scim.api import activity, applications, tokens

urlpatterns = [
    path("applications", applications.Applications.as_view(), name="applications"),
    path(
        "applications/<uuid:application_id>",
        applications.OneApplication.as_view(),
        name="application",
    ),
    path("applications/<uuid:application_id>/tokens", tokens.Tokens.as_view(), name="scim_tokens"),
    path("tokens/<uuid:token_id>", tokens.OneToken.as_view(), name="scim_token"),
    path("tokens/<uuid:token_id>/rotate", tokens.Rotate.as_view(), name="rotate_scim_token"),
    path("activity-log", activity.Activity.as_view(), name="activity"),
    path("activity-log/<id:exchange_id>", activity.OneExchange.as_view(), name="exchange"),
]
