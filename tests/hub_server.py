"""A small Hub on the loopback address: enough of its HTTP API for huggingface_hub to push and pull models and datasets.

Repositories live in memory. Writing needs ``TOKEN``, and so does reading a private repository. Large files go through
the LFS batch API to a storage server of another origin, by signed addresses, and come back from there by a redirect, as
on the Hub; the storage refuses a request that brings the token along. Clients must be told ``HF_HUB_DISABLE_XET=1``.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import re
import socket
import struct
import sys
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from urllib.parse import urlsplit


def _load(name: str) -> ModuleType:
    """A module beside this one; test folders are no packages."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


hub_api = _load("hub_api")
TOKEN = hub_api.TOKEN


@dataclass
class Fault:
    """What goes wrong with a request.

    Attributes:
        what: ``"METHOD path"``, a regular expression.
        status: of a refusal; 0 where no answer comes.
        headers: of the refusal.
        message: of the refusal; ``{token}`` repeats what the client sent.
        times: how often; then all is well.
        before: whether it happens before the request is carried out, or after, so that only the answer is lost.
        seconds: the connection stays silent for so long first.
        dies: from then on no request of the Hub is answered.
    """

    what: str
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    message: str = "out of order"
    times: int = 1000
    before: bool = True
    seconds: float = 0
    dies: bool = False


class HubServer:
    """Runs the server in a thread; use as a context manager.

    Attributes:
        repos: name -> repository.
        requests: ``"METHOD path"`` of every request, in order.
        faults: what goes wrong; the first that fits a request happens.
        pull_requests: messages of the commits sent as such.
    """

    def __init__(self) -> None:
        self.repos: dict[str, hub_api.Repo] = {}
        self.objects: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.faults: list[Fault] = []
        self.pull_requests: list[str] = []
        self._servers = [ThreadingHTTPServer(("127.0.0.1", 0), _handler(self)) for _ in range(2)]
        self.url, self.storage = (f"http://127.0.0.1:{server.server_port}" for server in self._servers)

    def __enter__(self) -> HubServer:
        for server in self._servers:
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def fault(self, request: str) -> Fault | None:
        """What goes wrong with this request, if anything does."""
        found = next((f for f in self.faults if f.times > 0 and re.fullmatch(f.what, request)), None)
        if found:
            found.times -= 1
            if found.dies:
                self.faults.insert(0, Fault(".*"))
        return found

    def files(self, repo: str, revision: str = "main") -> dict[str, bytes]:
        """What a repository holds."""
        commit = self.repos[repo].commit(revision)
        return {path: blob.data for path, blob in commit.files.items()} if commit else {}

    def commits(self, repo: str, revision: str = "main") -> list[str]:
        """Messages of the commits, without the one that made the repository."""
        return [commit.message for commit in self.repos[repo].branches[revision][1:]]


def _handler(hub: HubServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            address = urlsplit(self.path)
            request = f"{self.command} {address.path}"
            hub.requests.append(request)
            fault = hub.fault(request)
            if fault and fault.before and fault.seconds == 0 and not fault.status:
                return self.hang_up()  # in the middle of what is sent
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            try:
                if fault and fault.status and fault.before:
                    said = fault.message.format(token=self.headers.get("Authorization"))
                    raise hub_api.RefusedError(fault.status, said, None)
                api = hub_api.Api(hub, body, self.headers.get("Authorization"), address.query)
                status, data, headers = hub_api.answer(api, self.command, address.path)
            except hub_api.RefusedError as error:
                status, data, headers = error.status, json.dumps({"error": str(error)}).encode(), error.headers
            if status == 200 and (part := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")):
                first, last = int(part[1]), min(int(part[2] or len(data)), len(data) - 1)
                headers = {**headers, "Content-Range": f"bytes {first}-{last}/{len(data)}"}
                status, data = 206, data[first : last + 1]
            if fault and not fault.status:
                time.sleep(fault.seconds)
                return self.hang_up()
            self.send_response(status)
            for key, value in {**headers, **(fault.headers if fault else {})}.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        def hang_up(self) -> None:
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset
                self.connection.shutdown(socket.SHUT_RD)

        do_GET = do_HEAD = do_POST = do_PUT = answer  # noqa: N815

        def log_message(self, *args: object) -> None:
            pass

    return Handler
