"""Real registries and tools on loopback, where they are installed; tests without them are skipped, and say so."""

from __future__ import annotations

import atexit
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest

from sbomkit.oci.access import Access, Patience
from sbomkit.oci.auth import Credential, Keychain


@dataclass(frozen=True)
class Real:
    """A running registry."""

    host: str
    ca: Path | None = None
    referrers_api: bool = False

    def access(self, credential: Credential | None = None) -> Access:
        found = Access(Keychain(), proxies=False, patience=Patience(tries=3))
        plain = frozenset[str]() if self.ca else frozenset({self.host})
        found = replace(found, ca_files=(self.ca,) if self.ca else (), plain_http=plain)
        return replace(found, keychain=Keychain(given={self.host: credential})) if credential else found


def program(name: str) -> str:
    """Where it is; Go's own directory for binaries is looked at too."""
    path = os.pathsep.join((os.environ.get("PATH", ""), str(Path.home() / "go" / "bin")))
    found = shutil.which(name, path=path)
    if not found:
        pytest.skip(f"{name} is not installed")
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(command: list[str], url: str, environ: dict[str, str] | None = None) -> Iterator[None]:
    """The program, from when it answers until the test is over."""
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **(environ or {})}
    )
    try:
        for _ in range(200):
            try:
                urllib.request.urlopen(url, timeout=1).close()
                break
            except urllib.error.HTTPError:
                break
            except OSError as error:
                if "CERTIFICATE" in str(error):
                    break
                assert process.poll() is None, f"{command[0]} ended at once"
                time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def docker_registry(directory: Path, *, htpasswd: str = "", tls: tuple[Path, Path] | None = None) -> Iterator[Real]:
    """Debian's docker-registry (Distribution 2.8): no referrers API. `htpasswd` is a line of such a file."""
    binary = program("docker-registry")
    port = free_port()
    lines = [
        "version: 0.1",
        "log: {level: error}",
        "storage:",
        "  filesystem:",
        f"    rootdirectory: {directory}/store",
    ]
    lines += ["http:", f"  addr: 127.0.0.1:{port}"]
    if tls:
        lines += ["  tls:", f"    certificate: {tls[0]}", f"    key: {tls[1]}"]
    if htpasswd:
        (directory / "htpasswd").write_text(htpasswd + "\n")
        lines += ["auth:", "  htpasswd:", "    realm: test", f"    path: {directory}/htpasswd"]
    config = directory / "registry.yml"
    config.write_text("\n".join(lines) + "\n")
    host = f"127.0.0.1:{port}"
    with running([binary, "serve", str(config)], f"{'https' if tls else 'http'}://{host}/v2/"):
        yield Real(host, tls[0] if tls else None)


@cache
def _go_program() -> Path:
    """The Go registry beside this module, built; Go keeps what it built, so that a second time costs little."""
    target = Path(tempfile.gettempdir()) / f"sbomkit-test-registry-{os.getuid()}-{os.getpid()}"
    command = [program("go"), "build", "-o", str(target), "."]
    done = subprocess.run(command, cwd=Path(__file__).parent / "go", capture_output=True, text=True, timeout=300)
    if done.returncode:
        pytest.skip(f"the Go registry cannot be built here: {done.stderr[-200:]}")
    atexit.register(target.unlink, missing_ok=True)
    return target


@contextmanager
def go_registry(directory: Path) -> Iterator[Real]:
    """go-containerregistry's registry, with the referrers API."""
    binary = _go_program()
    host = f"127.0.0.1:{free_port()}"
    with running([str(binary), host], f"http://{host}/v2/"):
        yield Real(host, referrers_api=True)


def certificate(directory: Path) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1, and its key."""
    cert, key = directory / "cert.pem", directory / "key.pem"
    subprocess.run(
        [
            program("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-days", "2", "-subj", "/CN=127.0.0.1",
            "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert),
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    return cert, key


def skopeo(*arguments: str) -> None:
    subprocess.run([program("skopeo"), "--insecure-policy", *arguments], check=True, capture_output=True, timeout=300)
