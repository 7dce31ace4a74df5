"""Requests to addresses that an admin has typed: to the public internet alone.

Nobody may use Seatkeeper to reach what only its own network can (SSRF): the host name is
resolved here, each of its addresses must be public, and the connection goes to the address
that was looked at. No redirects, no proxy of the environment, little patience.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

import httpx
from django.conf import settings

PATIENCE = httpx.Timeout(5.0, connect=5.0)
MOST_BYTES = 512 * 1024
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class Unreachable(Exception):
    """Why there is no answer: the end of a sentence, for an admin."""


def get_json(url: str) -> dict[str, Any]:
    return _ask("GET", url)


def post_form(url: str, form: dict[str, str], **options: Any) -> dict[str, Any]:
    return _ask("POST", url, data=form, **options)


def check(url: str, *, private: bool | None = None) -> httpx.URL:
    """The address, if it may be asked: https (http only where private addresses are allowed).

    private: whether they are; by itself as single sign-on's setting says.
    """
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        raise Unreachable(f"“{url[:200]}” is no address") from None
    schemes = ("https", "http") if _allows(private) else ("https",)
    if parsed.scheme not in schemes or not parsed.host or parsed.userinfo:
        raise Unreachable(f"“{url[:200]}” is no https:// address")
    return parsed


def _ask(method: str, url: str, **options: Any) -> dict[str, Any]:
    """The JSON object that is answered with 200. Raises Unreachable."""
    parsed = check(url)
    address = resolve(parsed)
    headers = {
        "Host": parsed.netloc.decode(),
        "Accept": "application/json",
        # Not packed: a small answer could be unpacked into a huge one.
        "Accept-Encoding": "identity",
    }
    try:
        # A transport of its own: httpx then takes no proxy from the environment.
        with (
            httpx.Client(transport=httpx.HTTPTransport(), timeout=PATIENCE) as client,
            client.stream(
                method,
                parsed.copy_with(host=address),
                headers=headers,
                extensions={"sni_hostname": parsed.host},
                **options,
            ) as response,
        ):
            body = b""
            for part in response.iter_raw():
                body += part
                if len(body) > MOST_BYTES:
                    raise Unreachable(f"{parsed.host} answered with too much")
    except httpx.HTTPError as error:
        raise Unreachable(f"{parsed.host} does not answer ({type(error).__name__})") from None
    return _document(parsed.host, response.status_code, body)


def resolve(url: httpx.URL, *, private: bool | None = None) -> str:
    """An address of the host, after all of them were looked at. Raises Unreachable."""
    port = url.port or (443 if url.scheme == "https" else 80)
    try:
        found = socket.getaddrinfo(url.host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Unreachable(f"there is no host {url.host}") from None
    addresses = [str(entry[4][0]) for entry in found]
    if not _allows(private):
        for address in addresses:
            if not is_public(address):
                raise Unreachable(f"{url.host} is not on the public internet")
    return addresses[0]


def _allows(private: bool | None) -> bool:
    return settings.SSO_PRIVATE_ADDRESSES if private is None else private


def is_public(address: str) -> bool:
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        # Forms that carry an IPv4 address lead where that one leads.
        inner = parsed.ipv4_mapped or parsed.sixtofour
        if inner is not None:
            return is_public(str(inner))
        if parsed in _NAT64:
            return is_public(str(ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)))
    return parsed.is_global and not parsed.is_multicast


def _document(host: str, status: int, body: bytes) -> dict[str, Any]:
    try:
        document = httpx.Response(200, content=body).json()
    except ValueError:
        document = None
    if status != 200:
        said = document.get("error", "") if isinstance(document, dict) else ""
        raise Unreachable(f"{host} answered {status} {str(said)[:100]}".strip())
    if not isinstance(document, dict):
        raise Unreachable(f"{host} answered with no JSON object")
    return document
