from celery.signals import setup_logging
from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        from config import checks  # noqa: F401 - registers them
        from config.logging import configure

        configure()
        # Celery then sets up none of its own.
        setup_logging.connect(configure, weak=False)
