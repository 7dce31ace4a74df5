from django.apps import AppConfig


class LicensingConfig(AppConfig):
    name = "licensing"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from accounts import mail
        from licensing import activation, notices

        mail.register("invitation", activation.invitation)
        mail.register("removals_held", notices.removals_held)
