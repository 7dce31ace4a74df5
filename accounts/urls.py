"""Signing in, admins, settings, and what an admin chooses for their browser."""

from django.urls import path

from accounts.pages import (
    admins,
    audit,
    passwords,
    plain,
    preferences,
    sign_in,
    styleguide,
    unsent,
)

app_name = "accounts"
urlpatterns = [
    path("sign-in/", sign_in.SignIn.as_view(), name="sign_in"),
    path("sign-out/", sign_in.SignOut.as_view(), name="sign_out"),
    path("admins/", admins.admins, name="admins"),
    path("admins/invite/", admins.invite, name="invite_admin"),
    path("admins/invitations/<int:invitation_id>/again/", admins.repeat, name="invite_again"),
    path("admins/invitations/<int:invitation_id>/withdraw/", admins.withdraw, name="withdraw"),
    path("admins/<int:role_id>/role/", admins.change_role, name="change_role"),
    path("admins/<int:role_id>/remove/", admins.remove, name="remove_admin"),
    path("join/<str:proof>/", passwords.join, name="join"),
    path("password/", passwords.own, name="password"),
    path("password/forgotten/", passwords.forgotten, name="forgotten"),
    path("password/asked/", passwords.reset_asked, name="reset_asked"),
    path("password/reset/<str:uid>/<str:proof>/", passwords.reset, name="reset"),
    path("settings/audit/", audit.log, name="audit"),
    path("settings/audit/export/", audit.export, name="audit_export"),
    path("settings/", plain.settings, name="settings"),
    path("help/", plain.help_page, name="help"),
    path("scheme/", preferences.scheme, name="scheme"),
    path("keys/", preferences.keys, name="keys"),
    path("mail/retry/", unsent.retry, name="retry_mail"),
    path("switch/", preferences.switch, name="switch"),
    path("styleguide/", styleguide.styleguide, name="styleguide"),
]
