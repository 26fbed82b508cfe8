"""A strict stand-in for a daemon's Engine API: a unix socket, two calls, and nothing else answered."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import unquote


@dataclass
class Daemon:
    """What it has, and what it was asked for."""

    address: str = ""
    images: dict[str, tuple[dict[str, object], Path]] = field(default_factory=dict)
    """By every name it goes by: what inspecting says, and its `docker save` archive."""
    seen: list[str] = field(default_factory=list)
    cut: int | None = None
    """Hang up after so many bytes of an export."""
    chunked: bool = True
    """As real daemons send exports."""
    status: int = 200


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    daemon: Daemon

    def log_message(self, format: str, *args: object) -> None:
        pass

    def address_string(self) -> str:
        return "socket"

    def do_GET(self) -> None:
        self.daemon.seen.append(self.path)
        path = unquote(self.path)
        if not path.startswith("/images/") or not self.headers.get("Host"):
            return self._plain(400, b"{}")
        name, _, what = path.removeprefix("/images/").rpartition("/")
        if name not in self.daemon.images:
            return self._plain(404, b'{"message":"No such image"}')
        if self.daemon.status != 200:
            return self._plain(self.daemon.status, b"{}")
        known, archive = self.daemon.images[name]
        if what == "json":
            return self._plain(200, json.dumps(known).encode())
        assert what == "get"
        return self._export(archive)

    def _plain(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _export(self, archive: Path) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/x-tar")
        if self.daemon.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(archive.stat().st_size))
        self.end_headers()
        sent = 0
        with archive.open("rb") as file:
            while data := file.read(10_000):
                if self.daemon.cut is not None and sent + len(data) > self.daemon.cut:
                    self.close_connection = True
                    self.connection.close()
                    return
                self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data) if self.daemon.chunked else data)
                sent += len(data)
        if self.daemon.chunked:
            self.wfile.write(b"0\r\n\r\n")


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # connections that the tests cut on purpose


@contextmanager
def daemon_at(path: Path) -> Iterator[Daemon]:
    """A daemon that listens on a socket at this path."""
    daemon = Daemon(f"unix://{path}")
    server = _Server(str(path), type("Handler", (_Handler,), {"daemon": daemon}))
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield daemon
    finally:
        server.shutdown()
        server.server_close()
