"""E-mail, user name, group name and employee number in one form. Plain Python.

Two spellings that a person would call the same have the same key. Keys are what
unique constraints and look-ups use; what came is kept beside them for show.
"""

import hashlib
import re
import unicodedata

#: Fits the columns and, at four bytes a character, an index.
LONGEST_KEY = 256

_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
#: Parts of a sort key are joined by a character that sorts before every letter.
_JOIN = "\x01"
_PART = 100


def key(text: str) -> str:
    """A user name, e-mail or group name without case, compatibility forms and outer spaces.

    At most LONGEST_KEY characters: compatibility forms can grow eighteenfold, and an index has
    room for so much. Longer ones end in a digest instead, so that they differ as before.
    """
    if text.isascii():
        folded = text.strip().lower()
    else:
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
        folded = folded.strip()
    if len(folded) <= LONGEST_KEY:
        return folded
    digest = hashlib.sha256(folded.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{folded[: LONGEST_KEY - len(digest) - 1]}#{digest}"


def looks_like_email(text: str) -> bool:
    """Whether text could be an address: something, an @, something with no space."""
    name, at, domain = text.strip().rpartition("@")
    return bool(name and at and domain) and not re.search(r"[\s<>,;\x00-\x1f]", text.strip())


def alphabetical(text: str) -> str:
    """A name as a dictionary sorts it: no case, no accents."""
    if text.isascii():
        return text.strip().lower()[:_PART]
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in plain if not unicodedata.combining(c)).strip()[:_PART]


def employee_number_key(number: str) -> str:
    """Numbers by value, then other text, then nobody's: "9" < "10" < "A7" < "" (R17)."""
    number = number.strip()
    if not number:
        return "2"
    if _NUMBER.fullmatch(number):
        whole, _, fraction = number.partition(".")
        whole = whole.lstrip("0")
        return f"0{len(whole):04d}{whole}.{fraction.rstrip('0')}"[:_PART]
    return "1" + alphabetical(number)


def sort_key(employee_number: str, last_name: str, first_name: str, email: str) -> str:
    """The allocation order of R17 as one text, to be compared byte by byte (collation "C")."""
    return _JOIN.join(
        (
            employee_number_key(employee_number),
            alphabetical(last_name),
            alphabetical(first_name),
            key(email)[:_PART],
        )
    ).replace("\x00", "")
