from typing import Any

from celery.signals import setup_logging
from django.apps import AppConfig, apps
from django.db import connections
from django.db.models.signals import post_migrate, pre_migrate


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
        # Once a migration: Django sends one signal for each app that has models.
        models = apps.get_app_config("accounts")
        pre_migrate.connect(_wait_briefly, sender=models)
        post_migrate.connect(_wait_as_ever, sender=models)


# A migration that waits for a lock makes everybody who comes after it wait too: pushes would stand
# still behind one long report. It gives up instead, changes nothing, and is run again.
def _wait_briefly(using: str, **_: Any) -> None:
    connections[using].cursor().execute("SET lock_timeout = '5s'")


def _wait_as_ever(using: str, **_: Any) -> None:
    connections[using].cursor().execute("RESET lock_timeout")
