"""Secrets that must be read again: encrypted with a key that follows from SECRET_KEY.

Whoever reads the database alone reads none of them. After SECRET_KEY was changed they are
lost, unless the old one stands in SECRET_KEY_FALLBACKS.
"""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


def seal(text: str) -> str:
    return _vault().encrypt(text.encode()).decode()


def unseal(sealed: str) -> str | None:
    """The text; None when it was sealed with a key that is gone."""
    try:
        return _vault().decrypt(sealed.encode()).decode()
    except InvalidToken:
        return None


def _vault() -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([Fernet(_key(key)) for key in keys])


def _key(secret: str | bytes) -> bytes:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"seatkeeper vault")
    return base64.urlsafe_b64encode(
        derived.derive(secret if isinstance(secret, bytes) else secret.encode())
    )
