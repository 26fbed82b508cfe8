"""Credentials for registries, from where people keep them. They never show in a repr, a log or an error.

Formats: Docker's config.json (`auths`, `credHelpers`, `credsStore`),
https://github.com/containers/image/blob/main/docs/containers-auth.json.5.md and
https://github.com/docker/docker-credential-helpers#development (protocol of the helpers).
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sbomkit.errors import CannotCheck
from sbomkit.oci import manifest as oci
from sbomkit.oci.reference import DEFAULT_REGISTRY, Reference

_HUB_KEYS = ("https://index.docker.io/v1/", "index.docker.io", "registry-1.docker.io")
"""Other names under which credentials for the default registry stand."""
_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")
_HELPER_SECONDS = 60
_MAX_FILE = 4 << 20
_IDENTITY_USER = "<token>"


@dataclass(frozen=True, slots=True)
class Credential:
    """A name and a password, or an identity token (OAuth2 refresh token)."""

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)

    def basic(self) -> str:
        """The value of an Authorization header."""
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()


@dataclass(frozen=True, slots=True)
class Keychain:
    """Looks credentials up: what was given by hand first, then the files in their order."""

    files: tuple[Path, ...] = ()
    given: Mapping[str, Credential] = field(default_factory=dict, repr=False)
    """By registry, as in `--username NAME --password-stdin`."""

    @classmethod
    def default(cls, environ: Mapping[str, str] = os.environ, home: Path | None = None) -> Keychain:
        """The user's own files: those of podman and skopeo, then Docker's."""
        home = home or Path.home()
        places = [Path(environ["REGISTRY_AUTH_FILE"])] if environ.get("REGISTRY_AUTH_FILE") else []
        if environ.get("DOCKER_CONFIG"):
            places.append(Path(environ["DOCKER_CONFIG"]) / "config.json")
        if environ.get("XDG_RUNTIME_DIR"):
            places.append(Path(environ["XDG_RUNTIME_DIR"]) / "containers" / "auth.json")
        places.append(Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "containers" / "auth.json")
        places.append(home / ".docker" / "config.json")
        return cls(tuple(places))

    def find(self, reference: Reference) -> Credential | None:
        """What is known for the reference's registry or a part of its repository; None for anonymous."""
        given = self.given.get(reference.registry)
        if given:
            return given
        for path in self.files:
            found = _in_file(path, reference)
            if found:
                return found
        return None


def _in_file(path: Path, reference: Reference) -> Credential | None:
    try:
        raw = path.read_bytes()[:_MAX_FILE]
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise CannotCheck(f"{path}: {error.strerror or error}", hint="It may hold credentials.") from None
    what = str(path)
    config = oci.load_object(raw, what) if raw.strip() else {}
    helpers = oci.strings(config, "credHelpers", what)
    auths = oci.mapping(config, "auths", what)
    for key in _keys(reference):
        if key in helpers:
            return _from_helper(helpers[key], key)
        entry = _entry(auths, key)
        if entry is not None:
            found = _from_entry(oci.as_object(entry, f"{what}: auths"), what)
            if found:
                return found
    store = oci.text(config, "credsStore", what)
    return _from_store(store, reference) if store else None


def _from_store(store: str, reference: Reference) -> Credential | None:
    host = _HUB_KEYS[0] if reference.registry == DEFAULT_REGISTRY else reference.registry
    return _from_helper(store, host)


def _keys(reference: Reference) -> Iterator[str]:
    """Names under which it may stand, the most particular first."""
    parts = reference.name.split("/")
    for end in range(len(parts), 0, -1):
        yield "/".join(parts[:end])
    if reference.registry == DEFAULT_REGISTRY:
        yield from _HUB_KEYS


def _entry(auths: oci.Json, key: str) -> object:
    """`auths` keys are hosts, or URLs as older Dockers wrote them."""
    if key in auths:
        return auths[key]
    for name, value in auths.items():
        if "://" in name and "/" not in key and name.partition("://")[2].partition("/")[0] == key:
            return value
    return None


def _from_entry(entry: oci.Json, what: str) -> Credential | None:
    token = entry.get("identitytoken")
    identity = token if isinstance(token, str) else ""
    auth = entry.get("auth")
    if isinstance(auth, str) and auth:
        try:
            text = base64.b64decode(auth, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise CannotCheck(f"{what}: an `auth` value that is not base64 of name:password") from None
        username, _, password = text.rstrip("\0").partition(":")
        return Credential(username, password, identity)
    name, secret = entry.get("username"), entry.get("password")
    if isinstance(name, str) and isinstance(secret, str) and name:
        return Credential(name, secret, identity)
    return Credential(identity_token=identity) if identity else None


def _from_helper(name: str, server: str) -> Credential | None:
    """Ask `docker-credential-NAME`. None when it knows nothing of the server."""
    program = f"docker-credential-{name}"
    if not _HELPER.match(name):
        raise CannotCheck(f"not the name of a credential helper: {name[:100]!r}")
    answer = _run([program, "get"], server)
    if answer is None:
        return None
    found = oci.load_object(answer, f"the answer of {program}")
    username, secret = oci.text(found, "Username", program), oci.text(found, "Secret", program)
    if not secret:
        return None
    return Credential(identity_token=secret) if username == _IDENTITY_USER else Credential(username, secret)


def _run(command: Sequence[str], given: str) -> bytes | None:
    """The program's output. Only its first line of complaint is repeated, and never what it was asked to keep."""
    try:
        done = subprocess.run(command, input=given.encode(), capture_output=True, timeout=_HELPER_SECONDS, check=False)
    except FileNotFoundError:
        raise CannotCheck(
            f"the credential helper {command[0]} is not installed", hint="Install it, or take it out of the config."
        ) from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotCheck(f"the credential helper {command[0]} failed: {type(error).__name__}") from None
    if done.returncode == 0:
        return done.stdout
    if b"credentials not found" in done.stdout + done.stderr:
        return None
    raise CannotCheck(f"the credential helper {command[0]} failed with exit code {done.returncode}")
