from celery.signals import setup_logging
from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        from config import checks, heartbeat, tracing  # noqa: F401 - checks registers itself
        from config.logging import configure

        configure()
        heartbeat.listen()
        tracing.listen()
        # Celery then sets up none of its own.
        setup_logging.connect(configure, weak=False)
