"""What tests of admins share."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def letters(settings: Any) -> None:
    """E-mails are kept in django.core.mail.outbox; passwords are hashed fast."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
