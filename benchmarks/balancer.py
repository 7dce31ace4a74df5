"""A small load balancer on this machine: each request goes to the next web that is well.

Like those of production it asks each web for /health/web, sends nothing to one that fails it, and
tries another where nobody listens. It never sends a request again that a web has got: it cannot
know whether that was done. Such a client loses its connection, and repeats the request itself.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import re
import threading
from collections.abc import Mapping

#: Seconds between two looks at each web, that one look may take, and how many in a row must fail.
EVERY, PATIENCE, FALL = 0.5, 5.0, 2
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CONNECTION = re.compile(rb"\r\n(?:connection|keep-alive):[^\r\n]*", re.IGNORECASE)
_NO_BODY = (b"204", b"304")
_NOBODY = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n"
    b"Content-Type: text/plain\r\nContent-Length: 15\r\n\r\nNo web is well."
)


class Balancer:
    """webs: the port of each, by name. answered: requests by web. broken: those that a web got and
    did not answer. in_flight: those that it has now. nobody: those for which no web was well.
    unwell: what the failed looks met."""

    def __init__(self, webs: Mapping[str, int], port: int) -> None:
        self.webs, self.port = dict(webs), port
        self.well: set[str] = set()
        self.answered: collections.Counter[str] = collections.Counter()
        self.broken: collections.Counter[str] = collections.Counter()
        self.in_flight: collections.Counter[str] = collections.Counter()
        self.nobody = 0
        self.unwell: collections.Counter[str] = collections.Counter()
        self._leaving: set[str] = set()
        self._turn = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="balancer")
        self._stop = asyncio.Event()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def take_out(self, name: str) -> None:
        """It gets no more requests, until it has failed a look and then is well again."""
        self._leaving.add(name)

    def forget(self) -> None:
        """Count from now on."""
        self.nobody = 0
        for counted in (self.answered, self.broken, self.unwell):
            counted.clear()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        looks = [asyncio.create_task(self._look_after(name)) for name in self.webs]
        server = await asyncio.start_server(self._client, "127.0.0.1", self.port)
        await self._stop.wait()
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*looks, *others, return_exceptions=True)

    async def _look_after(self, name: str) -> None:
        asked = b"GET /health/web HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        failed = 0
        while True:
            answer = b"no answer"
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    answer = await self._ask(name, asked)
            if answer.startswith(b"HTTP/1.1 200"):
                failed = 0
                self.well.add(name)
            else:
                failed += 1
                self.unwell[
                    f"{name}: {answer[:30].decode('ascii', 'replace').split(chr(13))[0]}"
                ] += 1
                if failed >= FALL:
                    self.well.discard(name)
                    self._leaving.discard(name)
            await asyncio.sleep(EVERY)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, for as many requests as come."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = _LENGTH.search(head)
                body = await reader.readexactly(int(length[1])) if length else b""
                answer = await self._answer(_closing(head) + body)
                if answer is None:
                    break
                writer.write(answer)
                await writer.drain()
        writer.close()

    async def _answer(self, request: bytes) -> bytes | None:
        """None: a web got the request, and nobody knows what it did with it."""
        for _ in self.webs:
            name = self._next()
            if name is None:
                break
            self.in_flight[name] += 1
            try:
                answer = await self._ask(name, request)
            except ConnectionRefusedError:
                self.well.discard(name)  # it got nothing: another may have it
                continue
            except OSError:
                answer = b""
            finally:
                self.in_flight[name] -= 1
            if not _is_whole(answer):
                self.broken[name] += 1
                return None
            self.answered[name] += 1
            return _CONNECTION.sub(b"", answer, count=1)
        self.nobody += 1
        return _NOBODY

    def _next(self) -> str | None:
        names = [name for name in self.webs if name in self.well - self._leaving]
        if not names:
            return None
        self._turn += 1
        return names[self._turn % len(names)]

    async def _ask(self, name: str, request: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.webs[name])
        try:
            writer.write(request)
            return await reader.read()
        finally:
            writer.close()


def _closing(head: bytes) -> bytes:
    """Each request has a connection of its own to its web."""
    return _CONNECTION.sub(b"", head)[:-2] + b"Connection: close\r\n\r\n"


def _is_whole(answer: bytes) -> bool:
    head, end, body = answer.partition(b"\r\n\r\n")
    length = _LENGTH.search(head)
    if not end:
        return False
    return head[9:12] in _NO_BODY or (length is not None and len(body) == int(length[1]))
