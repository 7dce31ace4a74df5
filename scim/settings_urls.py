"""Settings > Global Settings > SCIM (scim/urls.py is the protocol itself)."""

from django.urls import path

from scim.pages import brake, rules, settings, tokens

app_name = "scim_settings"
urlpatterns = [
    path("", settings.settings, name="settings"),
    path("on/", settings.turn_on, name="turn_on"),
    path("off/", settings.turn_off, name="turn_off"),
    path("new/", settings.new, name="new"),
    path("<uuid:application_id>/", settings.application, name="application"),
    path("<uuid:application_id>/guide/", settings.guide, name="guide"),
    path("<uuid:application_id>/brake/", brake.brake, name="brake"),
    path("<uuid:application_id>/rules/", rules.change, name="rules"),
    path("<uuid:application_id>/tokens/", tokens.generate, name="generate_token"),
    path("tokens/<uuid:token_id>/revoke/", tokens.revoke, name="revoke_token"),
]
