"""One signed POST to an address that an admin has typed (https://www.standardwebhooks.com).

To the public internet alone, at the address that was looked up, without redirects, within ten
seconds altogether, however slowly the answer drips, and of the answer the beginning alone.
"""

from __future__ import annotations

import asyncio
import base64
import concurrent.futures
import dataclasses
import datetime as dt
import functools
import hashlib
import hmac
import time

import httpx
from django.conf import settings

from accounts import outbound

#: Seconds: for the whole, for connecting, and for finding the address.
TOTAL, CONNECT, RESOLVE = 10.0, 3.0, 5.0
MOST_BYTES = 16 * 1024
#: Making one costs more than sending.
_tls = functools.cache(httpx.create_ssl_context)
_resolvers = concurrent.futures.ThreadPoolExecutor(8, thread_name_prefix="resolve")


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """status: 0 is no answer, and error then says why. body: the beginning of it."""

    status: int
    error: str
    body: str
    milliseconds: int

    @property
    def accepted(self) -> bool:
        return 200 <= self.status < 300


def sign(secret: str, event: str, at: dt.datetime, body: str) -> str:
    """One signature, of a secret as it is shown: whsec_ and base64."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{event}.{int(at.timestamp())}.{body}".encode()
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def headers(secrets: list[str], event: str, at: dt.datetime, body: str) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "User-Agent": "Seatkeeper-Webhooks/1",
        "Accept-Encoding": "identity",
        "webhook-id": event,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(sign(secret, event, at, body) for secret in secrets),
    }


def post(url: str, headers: dict[str, str], body: str) -> Answer:
    """Never raises: whatever goes wrong is an answer that was not accepted."""
    began = time.monotonic()
    status, said = 0, bytearray()

    async def ask(target: httpx.URL, address: str) -> None:
        nonlocal status
        transport = httpx.AsyncHTTPTransport(verify=_tls())  # its own: no environment's proxy
        patience = httpx.Timeout(TOTAL, connect=CONNECT)
        async with (
            asyncio.timeout(TOTAL),
            httpx.AsyncClient(transport=transport, timeout=patience) as client,
            client.stream(
                "POST",
                target.copy_with(host=address),
                headers={"Host": target.netloc.decode(), **headers},
                content=body.encode(),
                extensions={"sni_hostname": target.host},
            ) as response,
        ):
            status = response.status_code
            async for part in response.aiter_raw():
                said.extend(part)
                if len(said) >= MOST_BYTES:
                    break

    error = ""
    try:
        private = settings.WEBHOOK_PRIVATE_ADDRESSES
        target = outbound.check(url, private=private)
        found = _resolvers.submit(outbound.resolve, target, private=private)
        address = found.result(timeout=RESOLVE)
        # In a thread of its own: whoever calls may have a loop running.
        with concurrent.futures.ThreadPoolExecutor(1) as alone:
            alone.submit(asyncio.run, ask(target, address)).result()
    except outbound.Unreachable as why:
        error = f"{str(why)[:1].upper()}{str(why)[1:]}."
    except TimeoutError:
        error = "There was no whole answer within 10 seconds."
    except httpx.ConnectTimeout:
        error = "The connection was not made within 3 seconds."
    except (httpx.HTTPError, OSError) as why:
        error = f"The connection failed: {type(why).__name__}."
    if status:
        # What was answered counts, even when the rest of it never came.
        error = "" if 200 <= status < 300 else _wrong(status)
    text = bytes(said[:MOST_BYTES]).decode(errors="replace").replace("\x00", "�")
    return Answer(status, error, text, round(1000 * (time.monotonic() - began)))


def _wrong(status: int) -> str:
    if 300 <= status < 400:
        return f"It answered {status}: redirects are not followed."
    return f"It answered {status}."
