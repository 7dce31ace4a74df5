from django.apps import AppConfig


class LicensingConfig(AppConfig):
    name = "licensing"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from accounts import mail
        from licensing import activation, idle, notices, report_schedules, undo
        from licensing.pages import search

        undo.register()
        search.register()
        mail.register("invitation", activation.invitation, name="Invitation")
        mail.register(idle.WARNING, idle.warning, name="Warning of an idle license")
        mail.register("removals_held", notices.removals_held, name="Held removals")
        mail.register(report_schedules.LETTER, report_schedules.letter, name="Usage report")
