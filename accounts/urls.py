"""Signing in, admins, settings, and what an admin chooses for their browser."""

from django.urls import path

from accounts.pages import plain, preferences, search, sign_in, styleguide, unsent

app_name = "accounts"
urlpatterns = [
    path("sign-in/", sign_in.SignIn.as_view(), name="sign_in"),
    path("sign-out/", sign_in.SignOut.as_view(), name="sign_out"),
    path("admins/", plain.admins, name="admins"),
    path("settings/", plain.settings, name="settings"),
    path("help/", plain.help_page, name="help"),
    path("scheme/", preferences.scheme, name="scheme"),
    path("preferences/", preferences.preferences, name="preferences"),
    path("keys/", preferences.keys, name="keys"),
    path("zone/", preferences.zone, name="zone"),
    path("search/", search.search, name="search"),
    path("mail/retry/", unsent.retry, name="retry_mail"),
    path("switch/", preferences.switch, name="switch"),
    path("styleguide/", styleguide.styleguide, name="styleguide"),
]
