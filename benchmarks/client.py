"""A lean HTTP client for load on one machine: what it spends is taken from the server's cores.

Each connection is an asyncio protocol that sends the next request as soon as the last answer
is complete: no task, no future, no header parsing beyond the length of the body.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.I)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.I)
_CLOSE = re.compile(rb"\r\nconnection: *close", re.I)
_NO_BODY = (204, 304)
#: No single answer is waited for longer (s).
TIMEOUT = 120


@dataclasses.dataclass(frozen=True, slots=True)
class Target:
    """A server on loopback, and the token that it takes."""

    port: int
    token: str

    def request(self, method: str, path: str, body: Any = None) -> bytes:
        """The bytes of one request."""
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
            f"Authorization: Bearer {self.token}\r\nAccept: application/scim+json\r\n"
        )
        if body is None:
            return f"{head}\r\n".encode()
        payload = json.dumps(body, separators=(",", ":")).encode()
        head += f"Content-Type: application/scim+json\r\nContent-Length: {len(payload)}\r\n\r\n"
        return head.encode() + payload


@dataclasses.dataclass(slots=True)
class Measured:
    """What one round of one kind of request gave; cpu: seconds that the servers computed."""

    seconds: float = 0.0
    cpu: float = 0.0
    latencies: list[float] = dataclasses.field(default_factory=list)
    statuses: Counter[int] = dataclasses.field(default_factory=Counter)
    failure: str = ""

    def add(self, seconds: float, status: int, body: bytes) -> None:
        self.latencies.append(seconds)
        self.statuses[status] += 1
        if status >= 400 and not self.failure:
            told = body[:400].decode("utf-8", "replace")
            self.failure = f"{status} {' '.join(told.split())}"

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.seconds if self.seconds else 0.0

    @property
    def cpu_ms(self) -> float:
        """What a request cost."""
        return self.cpu / len(self.latencies) * 1000 if self.latencies else 0.0

    def milliseconds(self, share: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000 if ordered else 0.0


def drive(
    target: Target,
    requests: Iterator[bytes],
    *,
    connections: int,
    seconds: float,
    most: int | None = None,
) -> Measured:
    """Send requests over so many connections until the time or the number is reached."""
    return asyncio.run(_drive(target, requests, connections, seconds, most))


def one(target: Target, request: bytes) -> tuple[int, bytes]:
    """One request by itself, for preparing and checking."""
    kept: list[tuple[int, bytes]] = []

    async def send() -> None:
        await _drive(target, iter([request]), 1, TIMEOUT, 1, keep=kept)

    asyncio.run(send())
    return kept[0]


async def _drive(
    target: Target,
    requests: Iterator[bytes],
    connections: int,
    seconds: float,
    most: int | None,
    keep: list[tuple[int, bytes]] | None = None,
) -> Measured:
    loop = asyncio.get_running_loop()
    measured = Measured()
    round_ = _Round(requests, time.perf_counter() + seconds, most, measured, keep)
    workers = [Worker(target, round_, loop.create_future()) for _ in range(connections)]
    started = time.perf_counter()
    for worker in workers:
        await worker.connect()
    async with asyncio.timeout(seconds + TIMEOUT):
        await asyncio.gather(*(worker.finished for worker in workers))
    measured.seconds = time.perf_counter() - started
    return measured


@dataclasses.dataclass(slots=True)
class _Round:
    requests: Iterator[bytes]
    deadline: float
    left: int | None
    measured: Measured
    keep: list[tuple[int, bytes]] | None

    def next(self) -> bytes | None:
        if time.perf_counter() >= self.deadline or self.left == 0:
            return None
        if self.left is not None:
            self.left -= 1
        return next(self.requests, None)


class Worker(asyncio.Protocol):
    """One connection: opened again when the server closes it between two answers."""

    def __init__(self, target: Target, round_: _Round, finished: asyncio.Future[None]) -> None:
        self.target, self.round, self.finished = target, round_, finished
        self.transport: asyncio.Transport | None = None
        self.buffer = bytearray()
        self.pending: bytes | None = None
        self.started = 0.0
        self.closes = False

    async def connect(self) -> None:
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: self, "127.0.0.1", self.target.port)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.closes = False
        if self.pending is None:
            self.pending = self.round.next()
        self._send()

    def _send(self) -> None:
        assert self.transport is not None
        if self.pending is None:
            self.transport.close()
            if not self.finished.done():
                self.finished.set_result(None)
            return
        self.started = time.perf_counter()
        self.transport.write(self.pending)

    def data_received(self, data: bytes) -> None:
        buffer = self.buffer
        buffer += data
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(buffer[:end])
        status = int(head[9:12])
        if length := _LENGTH.search(head):
            if len(buffer) < end + 4 + int(length[1]):
                return
        elif _CHUNKED.search(head):
            if not buffer.endswith((b"\r\n0\r\n\r\n"), end + 2):
                return
        elif status not in _NO_BODY:
            self._fail("an answer without a length")
            return
        body = bytes(buffer[end + 4 :])
        buffer.clear()
        self.pending = self._answered(status, body)
        self.closes = bool(_CLOSE.search(head))
        if not self.closes or self.pending is None:
            self._send()

    def _answered(self, status: int, body: bytes) -> bytes | None:
        """Keep what came; the next request."""
        self.round.measured.add(time.perf_counter() - self.started, status, body)
        if self.round.keep is not None:
            self.round.keep.append((status, body))
        return self.round.next()

    def connection_lost(self, error: Exception | None) -> None:
        if self.finished.done():
            return
        if self.buffer:
            self._fail(f"the connection broke: {error}")
            return
        # Closed between two answers: open another one and send what is pending.
        task = asyncio.ensure_future(self.connect())
        task.add_done_callback(
            lambda done: self._fail(str(done.exception())) if done.exception() else None
        )

    def _fail(self, why: str) -> None:
        if not self.finished.done():
            self.finished.set_exception(ConnectionError(why))
