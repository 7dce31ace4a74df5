"""A receiver of webhooks on this machine, which answers as it is told to."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclasses.dataclass
class Got:
    path: str
    headers: dict[str, str]
    body: str


class Receiver:
    """got: what came, in order. answer: what a path is answered with, by its own hand; without
    one it is 200."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.got: list[Got] = []
        self.answer: dict[str, Callable[[BaseHTTPRequestHandler], Any]] = {}

    def at(self, path: str) -> list[Got]:
        return [got for got in self.got if got.path == path]


def status(number: int, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    """headers: as in Location."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(number)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def hangs(seconds: float) -> Callable[[BaseHTTPRequestHandler], None]:
    """Says nothing for so long."""
    return lambda handler: time.sleep(seconds)


def drips(seconds: float) -> Callable[[BaseHTTPRequestHandler], None]:
    """A byte of its head every tenth of a second, so that no single read takes long."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * int(10 * seconds):
            handler.wfile.write(bytes([byte]))
            time.sleep(0.1)

    return answer


def floods(handler: BaseHTTPRequestHandler) -> None:
    """A body without end, until nobody reads it."""
    handler.send_response(200)
    handler.end_headers()
    for _ in range(4000):
        handler.wfile.write(b"x" * 65536)


@contextlib.contextmanager
def receiving() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            receiver.got.append(Got(self.path, dict(self.headers), body))
            with contextlib.suppress(OSError):
                receiver.answer.get(self.path, status(200))(self)

        do_GET = do_POST

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver = Receiver(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
