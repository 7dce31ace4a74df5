"""The product's settings, and one address more: a view that does nothing."""

from config.settings import *  # noqa: F403

ROOT_URLCONF = "benchmarks.urls"
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
