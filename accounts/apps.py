from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from accounts import (
            digests,
            invitations,
            mail,
            notices,
            partitions,
            passwords,
            personal_data,
            sign_in_notices,
            sign_ins,
            webhook_notices,
        )
        from accounts.pages import api_tokens, panels, sign_in_settings, unsent
        from accounts.pages import mails as mail_pages
        from accounts.pages import webhooks as webhook_pages

        personal_data.register()
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
        panels.add_setting(webhook_pages.SETTING)
        panels.add_setting(mail_pages.SETTING)
        panels.watch(webhook_pages.attention)
        mail.register(
            "admin_invitation",
            invitations.message,
            name="Invitation of an admin",
            sample=invitations.sample,
        )
        mail.register(
            "password_reset",
            passwords.message,
            name="Link for a new password",
            sample=passwords.sample,
        )
        mail.register(
            sign_in_notices.KIND,
            sign_in_notices.write,
            name="Change of a sign-in",
            sample=sign_in_notices.sample,
        )
        notices.register(webhook_notices.TOPIC)
        mail.register(
            webhook_notices.KIND,
            webhook_notices.write,
            name="A webhook was paused",
            sample=webhook_notices.sample,
            topic=webhook_notices.TOPIC.key,
        )
        mail.register(
            digests.KIND,
            digests.write,
            name="Daily summary",
            sample=digests.sample,
            topic=notices.ALL,
        )
        sign_ins.listen()
        # Whoever migrates owns the tables, which the worker may not.
        post_migrate.connect(partitions.after_migrations, sender=self)
