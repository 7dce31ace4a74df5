"""Clients that decide by the answer what to send next, and clients that keep to a timetable.

A conversation is a generator: it yields `(kind, request)`, is sent `(status, body)`, and ends when
it has nothing more to ask, as an identity provider looks somebody up and then creates or corrects
them. Connections are those of benchmarks/client.py.

Two ways to begin conversations: each connection the next one at once (`talk`, a closed loop, for
the most that a server can do), or at set moments whatever the server does (`keep_to`, an open
loop). In the second a late answer makes nobody ask later: a request that waits for a free
connection has waited since the moment it was due, so slow stretches count in full (coordinated
omission does not flatter).
"""

from __future__ import annotations

import asyncio
import collections
import time
from collections.abc import Generator, Iterable, Iterator

from benchmarks.client import TIMEOUT, Measured, Target, Worker

Answer = tuple[int, bytes]
Conversation = Generator[tuple[str, bytes], Answer, None]


class Crowd:
    """Connections to one server on loopback, and what they measured by kind of request."""

    def __init__(self, port: int, connections: int) -> None:
        self.measured: dict[str, Measured] = collections.defaultdict(Measured)
        self.broken: collections.Counter[str] = collections.Counter()
        #: Conversations that have begun and have not ended, or are due and have not begun.
        self.unfinished = 0
        self._error: BaseException | None = None
        self._due: collections.deque[tuple[float | None, Conversation]] = collections.deque()
        self._source: Iterator[Conversation] = iter(())
        self._until = 0.0
        self._lines = [_Line(port, self) for _ in range(connections)]
        self._idle = collections.deque(self._lines)

    async def talk(self, conversations: Iterable[Conversation], *, seconds: float) -> float:
        """Each connection one after the other, until there are no more or the time is over.
        Returns how long it took (s)."""
        started = time.perf_counter()
        self._source, self._until = iter(conversations), started + seconds
        self._wake(len(self._idle))
        while self.unfinished:
            await asyncio.sleep(0.005)
            self._raise()
            if time.perf_counter() > self._until + TIMEOUT:
                raise TimeoutError(f"{self.unfinished} conversations do not end")
        self._raise()
        self._source = iter(())
        return time.perf_counter() - started

    async def keep_to(self, timetable: Iterable[tuple[float, Conversation]]) -> None:
        """Begin each conversation so many seconds after now, free connection or not; then wait
        for all to end. Times only grow."""
        started = time.perf_counter()
        for at, conversation in timetable:
            due = started + at
            if (early := due - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            self._raise()
            self._due.append((due, conversation))
            self.unfinished += 1
            self._wake(1)
        patience = time.perf_counter() + TIMEOUT
        while self.unfinished and time.perf_counter() < patience:
            await asyncio.sleep(0.01)
            self._raise()
        if self.unfinished:
            self.broken["no answer"] += self.unfinished

    def take(self) -> dict[str, Measured]:
        """What was measured since the last time."""
        taken, self.measured = self.measured, collections.defaultdict(Measured)
        return taken

    def close(self) -> None:
        for line in self._lines:
            line.hang_up()

    def _wake(self, number: int) -> None:
        for _ in range(min(number, len(self._idle))):
            self._idle.popleft().rest()

    def next(self) -> tuple[float | None, Conversation] | None:
        if self._due:
            return self._due.popleft()
        if time.perf_counter() < self._until:
            try:
                for conversation in self._source:
                    self.unfinished += 1
                    return None, conversation
            except Exception as error:
                self.failed(error)
        return None

    def failed(self, error: BaseException) -> None:
        """A mistake of a conversation's own: whoever waits for the crowd gets it."""
        self._error = self._error or error

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def rests(self, line: _Line) -> None:
        self._idle.append(line)


class _Line(Worker):
    """One connection. It is opened when it is needed, and again when the server closed it."""

    def __init__(self, port: int, crowd: Crowd) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(Target(port, ""), None, loop.create_future())  # type: ignore[arg-type]
        self._crowd, self._kind = crowd, ""
        self._conversation: Conversation | None = None
        self._due: float | None = None
        self._opening: asyncio.Task[None] | None = None

    def rest(self) -> None:
        """Begin what is next; if there is nothing, wait to be woken."""
        while (got := self._crowd.next()) is not None:
            self._due, self._conversation = got
            self.pending = self._on(None)
            if self.pending is not None:
                return self._open() if self.transport is None else self._send()
        self._crowd.rests(self)
        return None

    def hang_up(self) -> None:
        self._conversation = self.pending = None
        if self.transport is not None:
            self.transport.abort()

    def _on(self, answer: Answer | None) -> bytes | None:
        """The conversation's next request; None when it has ended."""
        assert self._conversation is not None
        try:
            self._kind, request = (
                next(self._conversation) if answer is None else self._conversation.send(answer)
            )
        except Exception as error:
            if not isinstance(error, StopIteration):
                self._crowd.failed(error)
            self._conversation = None
            self._crowd.unfinished -= 1
            return None
        return request

    def _open(self) -> None:
        self._opening = asyncio.ensure_future(self.connect())
        self._opening.add_done_callback(
            lambda done: self._fail(str(done.exception())) if done.exception() else None
        )

    def _send(self) -> None:
        if self.pending is None:
            if not self.closes:  # else when the connection is lost
                self.rest()
            return
        super()._send()
        if self._due is not None:
            self.started, self._due = self._due, None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.closes = transport, False
        if self.pending is not None:
            self._send()

    def _answered(self, status: int, body: bytes) -> bytes | None:
        self._crowd.measured[self._kind].add(time.perf_counter() - self.started, status, body)
        return self._on((status, body))

    def connection_lost(self, error: Exception | None) -> None:
        self.transport = None
        if self.buffer:
            self._fail(f"the connection broke: {error}")
        elif self.pending is not None:
            self._open()  # closed between two answers: the request is sent again
        elif self.closes:
            self.rest()

    def _fail(self, why: str) -> None:
        """The conversation is over; the connection goes on with the next one."""
        self._crowd.broken[why] += 1
        self.buffer.clear()
        self.pending = None
        if self._conversation is not None:
            self._conversation.close()
            self._conversation = None
            self._crowd.unfinished -= 1
        if self.transport is not None:
            self.transport.abort()
        asyncio.get_running_loop().call_later(0.2, self.rest)
