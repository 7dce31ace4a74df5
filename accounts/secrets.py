"""Bearer tokens: their form, checksum and hash. Plain Python.

A token reads `seatkeeper_` + 40 letters and digits + a checksum of 6; one of the Admin API
`seatkeeper_api_` + the same. The prefix lets secret scanners find it, the checksum tells a
typo without a look-up (R3), and 238 random bits need no slow hash.
"""

import hashlib
import re
import secrets
import string
import zlib

PREFIX = "seatkeeper_"
#: What follows the prefix of a token of the Admin API.
API = "api_"
_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_FORM = re.compile(r"([0-9A-Za-z]{40})([0-9A-Za-z]{6})")
#: So much of a token may be shown later, to tell it from others.
HINT = len(PREFIX) + 5


def make(kind: str = "") -> str:
    body = "".join(secrets.choice(_ALPHABET) for _ in range(40))
    return PREFIX + kind + body + _checksum(body)


def well_formed(token: str, kind: str = "") -> bool:
    """Whether the token has the form and its checksum holds; False is a typo or a guess."""
    prefix = PREFIX + kind
    match = _FORM.fullmatch(token, len(prefix)) if token.startswith(prefix) else None
    return match is not None and secrets.compare_digest(_checksum(match[1]), match[2])


def digest(token: str) -> str:
    """What is stored: SHA-256 in hexadecimal."""
    return hashlib.sha256(token.encode()).hexdigest()


def _checksum(body: str) -> str:
    number = zlib.crc32(body.encode())
    digits = ""
    for _ in range(6):
        number, rest = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[rest] + digits
    return digits
