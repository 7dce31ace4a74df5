from django.apps import AppConfig


class ScimConfig(AppConfig):
    name = "scim"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from accounts import mail
        from scim import notices
        from scim.pages import panels

        mail.register("token_ends", notices.token_ends, name="Warning of a token that ends")
        panels.register()
