"""Settings > Global Settings > SCIM (scim/urls.py is the protocol itself)."""

from django.urls import path

from scim.pages import (
    brake,
    connect,
    guides,
    rules,
    settings,
    setup,
    simulate,
    tokens,
    trial,
)

app_name = "scim_settings"
urlpatterns = [
    path("", settings.settings, name="settings"),
    path("on/", settings.turn_on, name="turn_on"),
    path("off/", settings.turn_off, name="turn_off"),
    path("new/", connect.connection, name="new"),
    path("new/licenses/", connect.rules, name="new_rules"),
    path("new/token/", connect.token, name="new_token"),
    path("new/discard/", connect.discard, name="new_discard"),
    path("<uuid:application_id>/", settings.application, name="application"),
    path("<uuid:application_id>/guide/", guides.guide, name="guide"),
    path("<uuid:application_id>/test/", trial.trial, name="test"),
    path("<uuid:application_id>/simulate/", simulate.simulate, name="simulate"),
    path("<uuid:application_id>/setup-link/", setup.make, name="setup_link"),
    path("<uuid:application_id>/brake/", brake.brake, name="brake"),
    path("<uuid:application_id>/rules/", rules.change, name="rules"),
    path("<uuid:application_id>/tokens/", tokens.generate, name="generate_token"),
    path("tokens/<uuid:token_id>/rotate/", tokens.rotate, name="rotate_token"),
    path("tokens/<uuid:token_id>/revoke/", tokens.revoke, name="revoke_token"),
    path("setup-links/<uuid:link_id>/revoke/", setup.revoke, name="revoke_setup_link"),
    path("setup/<str:signed>/", setup.setup, name="setup"),
]
