"""Signing in, admins, settings, and what an admin chooses for their browser."""

from django.urls import path

from accounts.pages import (
    passkeys,
    plain,
    preferences,
    security,
    sign_in,
    sign_in_settings,
    single_sign_on,
    sso_settings,
    styleguide,
    two_step,
    unsent,
)

app_name = "accounts"
urlpatterns = [
    path("sign-in/", sign_in.SignIn.as_view(), name="sign_in"),
    path("sign-out/", sign_in.SignOut.as_view(), name="sign_out"),
    path("admins/", plain.admins, name="admins"),
    path("settings/", plain.settings, name="settings"),
    path("help/", plain.help_page, name="help"),
    path("scheme/", preferences.scheme, name="scheme"),
    path("keys/", preferences.keys, name="keys"),
    path("mail/retry/", unsent.retry, name="retry_mail"),
    path("switch/", preferences.switch, name="switch"),
    path("second-step/", two_step.prove, name="second_step"),
    path("passkey/options/", passkeys.ask_to_sign_in, name="passkey_options"),
    path("passkey/sign-in/", passkeys.sign_in, name="passkey_sign_in"),
    path("sso/", single_sign_on.where, name="sso_where"),
    path("sso/callback/", single_sign_on.come_back, name="sso_callback"),
    path("sso/<slug:slug>/start/", single_sign_on.start, name="sso_start"),
    path("sign-in/<slug:slug>", single_sign_on.offer, name="sso_offer"),
    path("sign-in/<slug:slug>/", single_sign_on.offer),
    path("account/security/", security.overview, name="security"),
    path("account/security/two-step/", two_step.set_up, name="two_step"),
    path("account/security/two-step/off/", two_step.turn_off, name="two_step_off"),
    path("account/security/recovery-codes/", two_step.recovery_codes, name="recovery_codes"),
    path("account/security/passkeys/add/", passkeys.add, name="add_passkey"),
    path("account/security/passkeys/options/", passkeys.ask_to_add, name="add_passkey_options"),
    path(
        "account/security/passkeys/<int:passkey_id>/remove/",
        passkeys.remove,
        name="remove_passkey",
    ),
    path("account/security/sessions/end/", security.end_other_sessions, name="end_other_sessions"),
    path(
        "account/security/sessions/<int:session_id>/end/", security.end_session, name="end_session"
    ),
    path("settings/global/sign-in/", sign_in_settings.overview, name="sign_in_settings"),
    path("settings/global/sign-in/two-step/", sign_in_settings.set_two_step, name="set_two_step"),
    path(
        "settings/global/sign-in/reset/<int:role_id>/",
        sign_in_settings.reset,
        name="reset_second_step",
    ),
    path("settings/global/sign-in/sso/", sso_settings.overview, name="sso_settings"),
    path("settings/global/sign-in/sso/mode/", sso_settings.set_mode, name="set_sso_mode"),
    path("settings/global/sign-in/sso/test/", sso_settings.test, name="test_sso"),
    path("styleguide/", styleguide.styleguide, name="styleguide"),
]
