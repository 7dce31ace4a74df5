from django.apps import AppConfig


class LicensingConfig(AppConfig):
    name = "licensing"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from accounts import mail, partitions, webhooks
        from accounts import notices as told
        from licensing import (
            activation,
            idle,
            notices,
            personal_data,
            report_schedules,
            undo,
            webhook_feed,
        )
        from licensing.pages import search

        undo.register()
        personal_data.register()
        search.register()
        mail.register(
            "invitation", activation.invitation, name="Invitation", sample=activation.sample
        )
        mail.register(
            idle.WARNING, idle.warning, name="Warning of an idle license", sample=idle.sample
        )
        told.register(notices.REMOVALS)
        mail.register(
            "removals_held",
            notices.removals_held,
            name="Held removals",
            sample=notices.sample,
            topic=notices.REMOVALS.key,
        )
        mail.register(
            report_schedules.LETTER,
            report_schedules.letter,
            name="Usage report",
            sample=report_schedules.sample,
        )
        webhooks.follow(webhook_feed.unread, webhook_feed.read)
        partitions.register("licensing_ledgerentry", "at")
