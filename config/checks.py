"""Production starts with safe values or not at all.

Run by `manage.py check` (every command runs it), by the worker, and by config/wsgi.py.
A sentence says what is wrong and what to set. What counts as local is decided in
settings.py: a database and an address that only this machine can reach.
"""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured

from config import tracing
from config.embedded import on_this_machine

SHORTEST_KEY = 50
SHORTEST_TOKEN = 16
#: Values that stand in examples: everybody knows them.
KNOWN_KEYS = ("django-insecure", "changeme", "change-me", "secret", "your-", "example")


@register(Tags.security)
def safe_settings(app_configs: Any = None, **_: Any) -> list[CheckMessage]:
    if settings.TESTING:
        return []
    messages: list[CheckMessage] = []

    def refuse(number: int, text: str, hint: str) -> None:
        messages.append(Error(text, hint=hint, id=f"seatkeeper.E{number:03}"))

    local, debug = settings.LOCAL, settings.DEBUG
    given = "DATABASE_URL" in os.environ and not debug
    if (not local or (given and os.environ.get("SECRET_KEY"))) and (why := weakness(_secret_key())):
        refuse(
            1,
            f"SECRET_KEY {why}: whoever guesses it can sign in as anybody.",
            "Set SECRET_KEY to at least 50 random characters, for example the output of "
            "`python -c 'import secrets; print(secrets.token_urlsafe(50))'`, and keep it.",
        )
    if not settings.ALLOWED_HOSTS and not local:
        refuse(
            2,
            "ALLOWED_HOSTS is empty: no request would be answered.",
            "Set ALLOWED_HOSTS to the host names that Seatkeeper is reached by, with commas.",
        )
    if "*" in settings.ALLOWED_HOSTS and not debug:
        refuse(
            2,
            "ALLOWED_HOSTS has “*”: links in e-mails could be made to lead elsewhere.",
            "Set ALLOWED_HOSTS to the host names that Seatkeeper is reached by, with commas.",
        )
    if not settings.PUBLIC_URL.startswith("https://") and not on_this_machine(settings.PUBLIC_URL):
        refuse(
            3,
            f"PUBLIC_URL {settings.PUBLIC_URL} is not https: bearer tokens and passwords would "
            "travel in the clear.",
            "Set PUBLIC_URL to the https:// address that people and identity providers use.",
        )
    if not local and "PUBLIC_URL" not in os.environ:
        refuse(
            3,
            "PUBLIC_URL is not set: the addresses shown to admins would lead to this machine only.",
            "Set PUBLIC_URL to the https:// address that people and identity providers use.",
        )
    if debug and not local:
        refuse(
            4,
            "DEBUG is on with a database that is not on this machine: error pages would show its "
            "secrets.",
            "Unset DEBUG.",
        )
    if not local and not os.environ.get("REDIS_URL"):
        refuse(
            5,
            "DATABASE_URL is set and REDIS_URL is not: there is no queue.",
            "Set REDIS_URL to a Redis or Valkey, as redis://:PASSWORD@HOST:6379/0.",
        )
    if 0 < len(settings.METRICS_TOKEN) < SHORTEST_TOKEN:
        refuse(
            6,
            f"METRICS_TOKEN is shorter than {SHORTEST_TOKEN} characters: it could be guessed.",
            "Set METRICS_TOKEN to the output of "
            "`python -c 'import secrets; print(secrets.token_urlsafe(24))'`, or unset it.",
        )
    if lacking := tracing.missing():
        refuse(7, f"{tracing.NOT_INSTALLED} ({lacking} is missing).", tracing.INSTALL)
    if not local and not os.environ.get("EMAIL_URL"):
        messages.append(
            Warning(
                "EMAIL_URL is not set: e-mail goes to a mail server on this very machine.",
                hint="Set EMAIL_URL, as smtp+tls://USER:PASSWORD@HOST:587.",
                id="seatkeeper.W001",
            )
        )
    return messages


def refuse_unsafe() -> None:
    """For processes that run no checks by themselves. Raises with all sentences."""
    wrong = [m for m in safe_settings() if isinstance(m, Error)]
    if wrong:
        raise ImproperlyConfigured("\n".join(f"{m.msg} {m.hint}" for m in wrong))


def _secret_key() -> str:
    try:
        return str(settings.SECRET_KEY)
    except ImproperlyConfigured:  # Django's own way to say that it is empty
        return ""


def weakness(key: str) -> str | None:
    """What is wrong with a SECRET_KEY, as the end of a sentence."""
    if not key:
        return "is not set"
    if any(key.lower().startswith(known) for known in KNOWN_KEYS):
        return "is an example's"
    if len(key) < SHORTEST_KEY or len(set(key)) < 10:
        return f"is shorter than {SHORTEST_KEY} random characters"
    return None
