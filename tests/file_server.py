"""A web server on the loopback address that serves files, resumes them, and breaks down on request.

A handler answers one request after the other on a connection, as servers do. Faults are given per path and used up one
by one: the first request for the path meets the first fault, and so on; requests after the last one are answered well.
"""

from __future__ import annotations

import re
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PAGE = b"<!DOCTYPE html>\n<html><body>Please log in.</body></html>\n"


@dataclass(frozen=True)
class Fault:
    """What is wrong with one answer.

    Attributes:
        cut: the connection ends after this many bytes of the body.
        reset: it ends by a reset instead of an orderly close.
        status: an error in place of the file.
        length: announced in place of the true one.
        page: an HTML page in place of the file; ``disguised`` where it is announced as a plain file.
        deaf: the Range header is not heeded.
        elsewhere: the part sent begins at another byte than asked for.
        endless: the body has no announced length, and this much is sent.
        stall: seconds of silence after the first half.
        redirect: the address is elsewhere.
    """

    cut: int | None = None
    reset: bool = False
    status: int | None = None
    length: int | None = None
    page: bool = False
    disguised: bool = False
    deaf: bool = False
    elsewhere: bool = False
    endless: int | None = None
    stall: float = 0
    redirect: str | None = None


@dataclass
class Request:
    """What was asked for and what was sent."""

    method: str
    path: str
    range: str | None
    status: int = 0
    sent: int = 0


@dataclass
class FileServer:
    """Runs the server in a thread; use as a context manager.

    Attributes:
        files: path, with its slash -> content.
        faults: path -> what goes wrong, request by request.
        requests: every request, in order.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> FileServer:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def put(self, path: str, data: bytes, *faults: Fault) -> str:
        """Publishes a file; gives its address."""
        self.files[path] = data
        self.faults[path] = list(faults)
        return self.url + path

    def sent(self) -> int:
        """Bytes of bodies sent so far."""
        return sum(request.sent for request in self.requests)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *args: object) -> None:
        """Clients that leave in the middle are part of the tests."""


def _handler(server: FileServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            seen = Request(self.command, path, self.headers.get("Range"))
            server.requests.append(seen)
            faults = server.faults.get(path, [])
            fault = faults.pop(0) if faults else Fault()
            data = server.files.get(path)
            if fault.status is not None or data is None:
                self._send(seen, Fault(), fault.status or 404, b"no such file\n", {"Content-Type": "text/plain"})
            elif fault.redirect is not None:
                self._send(seen, Fault(), 302, b"", {"Location": fault.redirect})
            elif fault.page:
                kind = "application/zip" if fault.disguised else "text/html; charset=utf-8"
                self._send(seen, fault, 200, PAGE, {"Content-Type": kind})
            else:
                self._send_file(seen, fault, data)

        def _send_file(self, seen: Request, fault: Fault, data: bytes) -> None:
            headers = {"Content-Type": "application/zip", "Accept-Ranges": "bytes"}
            match = re.fullmatch(r"bytes=(\d+)-", seen.range or "")
            start = int(match[1]) if match and not fault.deaf else 0
            if start and start >= len(data):
                self._send(seen, fault, 416, b"", {"Content-Range": f"bytes */{len(data)}"})
                return
            first = start // 2 if fault.elsewhere else start
            if start:
                headers["Content-Range"] = f"bytes {first}-{len(data) - 1}/{len(data)}"
            self._send(seen, fault, 206 if start else 200, data[first:], headers)

        def _send(self, seen: Request, fault: Fault, status: int, body: bytes, headers: dict[str, str]) -> None:
            seen.status = status
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            if fault.endless is not None:
                body = (body * (fault.endless // max(len(body), 1) + 1))[: fault.endless]
                self.send_header("Connection", "close")
                self.close_connection = True
            else:
                self.send_header("Content-Length", str(len(body) if fault.length is None else fault.length))
            self.end_headers()
            end = len(body) if fault.cut is None else min(fault.cut, len(body))
            half = end // 2 if fault.stall else end
            self._write(seen, body[:half])
            if fault.stall:
                time.sleep(fault.stall)
                self._write(seen, body[half:end])
            if end < len(body) or (fault.length is not None and fault.length != len(body)):
                self._hang_up(fault)

        def _write(self, seen: Request, data: bytes) -> None:
            view = memoryview(data)
            for start in range(0, len(view), 1 << 16):
                try:
                    self.wfile.write(view[start : start + (1 << 16)])
                except OSError:  # the client left
                    self.close_connection = True
                    return
                seen.sent += len(view[start : start + (1 << 16)])

        def _hang_up(self, fault: Fault) -> None:
            self.close_connection = True
            if fault.reset:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()

        def log_message(self, *args: object) -> None:
            pass

    return Handler
