from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from accounts import mail, sign_in_notices
        from accounts.pages import panels, sign_in_settings, unsent

        panels.show("notices", unsent.notice)
        panels.add_setting(sign_in_settings.SETTING)
        mail.register(sign_in_notices.KIND, sign_in_notices.write, name="Change of a sign-in")
