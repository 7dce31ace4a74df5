"""Whose request it is, behind proxies: an address that the client cannot make up.

Each proxy appends to X-Forwarded-For whom it was asked by. So the list is read from its end, and
the first address that is no proxy of ours is the client's; what stands before it is hearsay.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from functools import cache

from django.conf import settings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def of(meta: Mapping[str, str]) -> str | None:
    """The client's address, from a request's META; None where it is none (a socket's file).

    TRUSTED_PROXIES names the proxies' networks. Without it, whoever connects is one proxy if
    the public address is https, since nobody else may reach us then, and the client otherwise.
    """
    asked_by = _address(meta.get("REMOTE_ADDR", ""))
    forwarded = meta.get("HTTP_X_FORWARDED_FOR", "").split(",")
    if not settings.TRUSTED_PROXIES:
        if settings.SECURE_PROXY_SSL_HEADER and meta.get("HTTP_X_FORWARDED_FOR"):
            asked_by = _address(forwarded[-1])
        return None if asked_by is None else str(asked_by)
    proxies = networks(tuple(settings.TRUSTED_PROXIES))
    for said in reversed(forwarded):
        if asked_by is None or not _among(asked_by, proxies):
            break
        before = _address(said)
        if before is None:
            break  # the proxy noted nobody, so it is the one that asks
        asked_by = before
    return None if asked_by is None else str(asked_by)


def neighbours(address: str | None) -> str:
    """What one client can change by itself: of IPv6 it has a whole network of 64 bits."""
    found = _address(address or "")
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((found, 64), strict=False))
    return str(found)


@cache
def networks(texts: tuple[str, ...]) -> Sequence[Network]:
    """Raises ValueError for what is none."""
    return [ipaddress.ip_network(text.strip()) for text in texts]


def _among(address: Address, proxies: Sequence[Network]) -> bool:
    return any(address in network for network in proxies)


def _address(text: str) -> Address | None:
    try:
        found = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    # A server that listens for both kinds sees IPv4 so.
    return getattr(found, "ipv4_mapped", None) or found
