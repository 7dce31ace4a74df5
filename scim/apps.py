from django.apps import AppConfig


class ScimConfig(AppConfig):
    name = "scim"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from accounts import mail, partitions
        from accounts import notices as told
        from scim import notices, personal_data
        from scim.pages import panels

        personal_data.register()
        told.register(notices.TOKENS)
        told.register(notices.SILENCE)
        mail.register(
            "token_ends",
            notices.token_ends,
            name="Warning of a token that ends",
            sample=notices.sample,
            topic=notices.TOKENS.key,
        )
        mail.register(
            "application_silent",
            notices.application_silent,
            name="An application went silent",
            sample=notices.sample_silent,
            topic=notices.SILENCE.key,
        )
        panels.register()
        partitions.register("scim_exchange", "at")
