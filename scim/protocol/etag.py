"""Versions: the entity tag of a resource, and the conditions that a request sets on it.

Source: RFC 7644 section 3.14, RFC 9110 sections 8.8.3 and 13.1. Tags are weak, because a resource
can be shown in several ways, and are compared weakly, as SCIM wants it for If-Match too.
"""

from __future__ import annotations

import re

from .errors import PreconditionFailed

HEADER_LIMIT = 8_192

_TAG = re.compile(r'(?:W/)?+"([^"]*+)"|([^\s,"]++)')


def make(version: int) -> str:
    """The entity tag of a version, as it stands in ETag and meta.version."""
    return f'W/"{version}"'


def matches(header: str, etag: str) -> bool:
    """Whether one of the tags in If-Match or If-None-Match is `etag`; `*` is every tag.

    Tags without quotation marks (meta.version that lost them on the way) count as if they had
    them. What cannot be read matches nothing: a write is then refused with 412 rather than done
    unseen, and a read is answered in full.
    """
    if header.strip() == "*":
        return True
    if len(header) > HEADER_LIMIT:
        return False
    wanted = _opaque(etag)
    return any(_text(match) == wanted for match in _TAG.finditer(header))


def require(if_match: str | None, version: int, kind: str) -> None:
    """PreconditionFailed (412) when If-Match is sent and is not this version of the resource."""
    if if_match is not None and not matches(if_match, make(version)):
        raise PreconditionFailed(
            f"The {kind} was changed since the version in If-Match: read it again, then repeat."
        )


def _opaque(etag: str) -> str:
    match = _TAG.fullmatch(etag)
    return _text(match) if match else etag


def _text(match: re.Match[str]) -> str:
    quoted = match[1]
    return quoted if quoted is not None else match[2].removeprefix("W/")
