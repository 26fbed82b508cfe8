"""The part of Docker's Engine API that reads images, which podman speaks too. Over a unix socket, or TCP with TLS.

https://docs.docker.com/reference/api/engine/ (ImageInspect, ImageGet)
"""

from __future__ import annotations

import http.client
import os
import socket
import ssl
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote, urlsplit

from sbomkit.errors import CannotCheck

_MAX_ANSWER = 16 << 20
_PIECE = 1 << 20
_SECONDS = 300.0
"""How long the daemon may be silent: it gathers a big image before it sends the first byte."""
_BROKEN = (OSError, http.client.HTTPException)


@dataclass(frozen=True, slots=True)
class Engine:
    """Where a daemon listens."""

    address: str
    """`unix:///path`, or `tcp://host:port`"""
    certificates: Path | None = None
    """Directory with ca.pem, cert.pem and key.pem, for TCP with TLS."""

    def inspect(self, image: str) -> bytes | None:
        """What the daemon knows of the image, as JSON; None when it has no such image. Raises CannotCheck."""
        connection = self._connect()
        try:
            response = self._get(connection, f"/images/{quote(image, safe='/:@')}/json")
            raw = response.read(_MAX_ANSWER + 1)
            if response.status == 404:
                return None
            if response.status != 200 or len(raw) > _MAX_ANSWER:
                raise CannotCheck(f"{self.address}: the daemon answered {response.status}")
            return raw
        except _BROKEN as error:
            raise CannotCheck(f"{self.address}: {_reason(error)}") from None
        finally:
            connection.close()

    def export(self, image: str, target: BinaryIO) -> None:
        """Write the image's `docker save` archive. Raises CannotCheck, also when it breaks off."""
        connection = self._connect()
        try:
            response = self._get(connection, f"/images/{quote(image, safe='/:@')}/get")
            if response.status != 200:
                raise CannotCheck(f"{self.address}: exporting {image}: the daemon answered {response.status}")
            while piece := response.read(_PIECE):
                target.write(piece)
            if response.length:
                raise CannotCheck(f"{self.address}: exporting {image}: the daemon broke off")
        except _BROKEN as error:
            raise CannotCheck(f"{self.address}: exporting {image}: {_reason(error)}") from None
        finally:
            connection.close()

    def _get(self, connection: http.client.HTTPConnection, path: str) -> http.client.HTTPResponse:
        connection.request("GET", path, headers={"Host": "daemon", "User-Agent": "sbomkit"})
        return connection.getresponse()

    def _connect(self) -> http.client.HTTPConnection:
        try:
            connection = self._connection()
            connection.connect()
        except (OSError, ValueError) as error:
            raise CannotCheck(f"{self.address}: {_reason(error)}", hint="Is the daemon running, and may you?") from None
        return connection

    def _connection(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.address)
        if parts.scheme == "unix":
            return _UnixConnection(parts.path)
        if parts.scheme not in ("tcp", "http", "https") or not parts.hostname:
            raise CannotCheck(
                f"{self.address!r}: this way to a daemon is not known",
                hint="It can be unix:///path or tcp://host:port; forward a remote socket for ssh.",
            )
        if self.certificates is None and parts.scheme != "https":
            return http.client.HTTPConnection(parts.hostname, parts.port or 2375, timeout=_SECONDS)
        return http.client.HTTPSConnection(parts.hostname, parts.port or 2376, timeout=_SECONDS, context=self._tls())

    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self.certificates:
            context.load_verify_locations(self.certificates / "ca.pem")
            context.load_cert_chain(self.certificates / "cert.pem", self.certificates / "key.pem")
        return context


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def docker_engine(environ: Mapping[str, str] = os.environ) -> Engine:
    """Where DOCKER_HOST says, else the usual socket."""
    certificates = Path(environ.get("DOCKER_CERT_PATH") or Path.home() / ".docker")
    secured = bool(environ.get("DOCKER_TLS_VERIFY"))
    return Engine(environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock", certificates if secured else None)


def podman_engine(environ: Mapping[str, str] = os.environ) -> Engine:
    """Where CONTAINER_HOST says, else the user's own socket, else the system's."""
    if environ.get("CONTAINER_HOST"):
        return Engine(environ["CONTAINER_HOST"])
    own = Path(environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}") / "podman" / "podman.sock"
    return Engine(f"unix://{own}" if _is_socket(own) else "unix:///run/podman/podman.sock")


def is_there(engine: Engine) -> bool:
    """Whether it is worth asking: a socket that exists, or any other address that was set."""
    parts = urlsplit(engine.address)
    return parts.scheme != "unix" or _is_socket(Path(parts.path))


def _is_socket(path: Path) -> bool:
    try:
        return stat.S_ISSOCK(path.stat().st_mode)
    except OSError:
        return False


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
