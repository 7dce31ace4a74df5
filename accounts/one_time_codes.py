"""One-time codes by the clock (TOTP, RFC 6238) and recovery codes. Plain Python.

Codes are those that every authenticator app makes without being told: SHA-1, six
digits, a new one each 30 seconds.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from urllib.parse import quote, urlencode

STEP = 30
DIGITS = 6
#: Steps before and after that count too: clocks differ, and typing takes time.
SKEW = 1
#: Letters and digits that are not taken for each other (Crockford's).
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_CODE = re.compile(r"[0-9]{6}")


def make_secret() -> str:
    """A new key in base32, as apps read it: 160 bits."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def code(secret: str, step: int) -> str:
    """The code of a step (RFC 4226, section 5.3)."""
    digest = hmac.digest(base64.b32decode(secret), step.to_bytes(8, "big"), hashlib.sha1)
    start = digest[-1] & 0x0F
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
    return str(number % 10**DIGITS).zfill(DIGITS)


def step_of(secret: str, given: str, *, at: float) -> int | None:
    """The step whose code was given, of the one at that time (seconds) and those beside it."""
    now = int(at) // STEP
    steps = range(now - SKEW, now + SKEW + 1)
    typed = given.encode("utf-8", "replace")  # digits of other scripts are digits too
    right = [step for step in steps if hmac.compare_digest(code(secret, step).encode(), typed)]
    return right[-1] if right else None


def looks_like_one(given: str) -> bool:
    """Whether it is six digits; anything else may be a recovery code."""
    return _CODE.fullmatch(given) is not None


def tidy(given: str) -> str:
    """What was typed without spaces and hyphens, in lower case."""
    return re.sub(r"[\s-]", "", given).lower()


def address(secret: str, *, account: str, issuer: str) -> str:
    """What the QR code says to an authenticator app."""
    query = urlencode({"secret": secret, "issuer": issuer}, quote_via=quote)
    return f"otpauth://totp/{quote(issuer)}:{quote(account)}?{query}"


def make_recovery_code() -> str:
    """Three groups of four, 60 bits, as in `k3x9-04fz-wq7m`."""
    letters = [secrets.choice(_ALPHABET) for _ in range(12)]
    return "-".join("".join(letters[start : start + 4]) for start in (0, 4, 8))
