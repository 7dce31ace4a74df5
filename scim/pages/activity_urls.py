"""The activity log."""

from django.urls import path

from scim.pages import activity

app_name = "activity"
urlpatterns = [
    path("", activity.log, name="log"),
    path("export.csv", activity.export, name="export"),
    path("<int:exchange_id>/", activity.exchange, name="exchange"),
]
