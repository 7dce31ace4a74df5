from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from accounts import invitations, mail, passwords, sign_in_notices, sign_ins
        from accounts.pages import api_tokens, panels, sign_in_settings, unsent

        panels.show("notices", unsent.notice)
        panels.add_setting(sign_in_settings.SETTING)
        panels.add_setting(api_tokens.SETTING)
        panels.add_setting(
            panels.Setting(
                "Audit log",
                "What admins did, when and from where, with the values before and after.",
                "accounts:audit",
                "history",
            )
        )
        mail.register("admin_invitation", invitations.message, name="Invitation of an admin")
        mail.register("password_reset", passwords.message, name="Link for a new password")
        mail.register(sign_in_notices.KIND, sign_in_notices.write, name="Change of a sign-in")
        sign_ins.listen()
