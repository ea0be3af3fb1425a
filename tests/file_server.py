"""A local HTTP server for tests: serves bytes with ranges and ETags, misbehaves by path as it is told, keeps a log."""

from __future__ import annotations

import contextlib
import hashlib
import re
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit


@dataclass
class Served:
    """One request: its path, the headers that were sent with it, and how many bytes of a body it got."""

    path: str
    headers: dict[str, str]
    sent: int = 0

    @property
    def start(self) -> int:
        """The first byte that was asked for."""
        found = re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))
        return int(found[1]) if found else 0


Fault = Callable[["Handler", bytes], None]
"""Answers a request for these bytes otherwise than it should."""


def etag(data: bytes) -> str:
    return f'"{hashlib.sha1(data).hexdigest()}"'


@dataclass
class FileServer:
    """Serves `files` by path. The faults of a path are used up one by one, each by one request; then all is well.

    `answers` makes JSON or other answers: a function of the handler, which returns whether it has answered.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    log: list[Served] = field(default_factory=list)
    answers: Callable[[Handler], bool] = lambda handler: False
    closing: threading.Event = field(default_factory=threading.Event)
    reached: threading.Event = field(default_factory=threading.Event)
    open: set[socket.socket] = field(default_factory=set)

    def __post_init__(self) -> None:
        class Mine(Handler):
            owner = self

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Mine)
        self._server.daemon_threads = False
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), name="file-server")
        self._thread.start()

    def __enter__(self) -> FileServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        for connection in list(self.open):  # that a client keeps for later
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def bodies(self, path: str) -> list[tuple[int, int]]:
        """(first byte, bytes sent) of the answers to a path that had a body."""
        return [(one.start, one.sent) for one in self.log if one.path == path and one.sent]


class Handler(BaseHTTPRequestHandler):
    owner: FileServer
    protocol_version = "HTTP/1.1"
    timeout = 30

    def handle(self) -> None:
        self.owner.open.add(self.connection)
        with contextlib.suppress(ConnectionError):  # a killed client
            super().handle()
        self.owner.open.discard(self.connection)

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.served = Served(path, dict(self.headers))
        self.owner.log.append(self.served)
        faults = self.owner.faults.get(path)
        try:
            if faults:
                faults.pop(0)(self, self.owner.files.get(path, b""))
            elif not self.owner.answers(self):
                self.serve(self.owner.files.get(path))
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def serve(self, data: bytes | None, upto: int | None = None) -> None:
        """Answer as a good server does; `upto` breaks off before that byte of the file."""
        if data is None:
            self.answer(404, b"nothing here")
            return
        start = self.served.start
        if start and self.headers.get("If-Range") not in (None, etag(data)):
            start = 0
        if start and start >= len(data):
            self.answer(416, b"", {"Content-Range": f"bytes */{len(data)}"})
            return
        headers = {"ETag": etag(data)}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        self.answer(206 if start else 200, data[start:], headers, upto if upto is None else upto - start)

    def answer(self, code: int, body: bytes, headers: dict[str, str] | None = None, upto: int | None = None) -> None:
        self.send_response(code)
        named = {"Content-Length": str(len(body)), "Content-Type": "application/octet-stream", **(headers or {})}
        for name, value in named.items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        part = body if upto is None else body[: max(0, upto)]
        if "ETag" in named:
            self.served.sent = len(part)
        self.wfile.write(part)
        self.wfile.flush()
        if upto is not None:
            self.close_connection = True


def status(code: int, **headers: str) -> Fault:
    return lambda handler, data: handler.answer(
        code, b"no", {name.replace("_", "-"): value for name, value in headers.items()}
    )


def cut(at: int) -> Fault:
    """Close the connection before this byte of the file."""
    return lambda handler, data: handler.serve(data, at)


def hold(at: int) -> Fault:
    """Send what is before this byte, say so by `reached`, and nothing more until the server closes."""

    def fault(handler: Handler, data: bytes) -> None:
        handler.serve(data, at)
        handler.owner.reached.set()
        handler.owner.closing.wait(20)

    return fault


def silent(handler: Handler, data: bytes) -> None:
    """Not a word until the server closes."""
    handler.owner.reached.set()
    handler.owner.closing.wait(20)
    handler.close_connection = True


def page(handler: Handler, data: bytes) -> None:
    """A login page."""
    handler.answer(200, b"<!DOCTYPE html><html>Welcome</html>", {"Content-Type": "text/html; charset=utf-8"})


def unnamed_page(handler: Handler, data: bytes) -> None:
    handler.answer(200, b"\n<html><body>Welcome</body></html>", {"Content-Type": ""})


def no_ranges(handler: Handler, data: bytes) -> None:
    handler.answer(200, data, {"ETag": etag(data)})


def instead(other: bytes) -> Fault:
    """Other bytes, as a whole."""
    return lambda handler, data: handler.answer(200, other, {"ETag": etag(other)})


def redirect(target: str) -> Fault:
    return lambda handler, data: handler.answer(302, b"", {"Location": target})
