"""How registries are reached: everything about it that a user may set, and the patience that tests may shorten."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sbomkit.errors import UsageError
from sbomkit.oci.auth import Keychain
from sbomkit.oci.reference import Reference

_LONGEST_WAIT = 60.0


@dataclass(frozen=True, slots=True)
class Patience:
    """When to try again, in seconds. Clock and sleep are injected, so that tests need neither."""

    tries: int = 5
    """Of one request; the first counts."""
    first_wait: float = 0.5
    longest_wait: float = _LONGEST_WAIT
    """Also the longest Retry-After that is obeyed; a registry that asks for more is reported instead."""
    connect: float = 15.0
    silence: float = 60.0
    """How long a connection may say nothing."""
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.time

    def wait(self, attempt: int) -> float:
        """Before the try after `attempt` (counted from 0) failed ones."""
        return float(min(self.longest_wait, self.first_wait * 2**attempt))


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a repository is asked for: its registry, or a mirror of it."""

    origin: str
    """`scheme://host[:port]`"""
    repository: str
    mirror: bool = False

    @property
    def api(self) -> str:
        return f"{self.origin}/v2/{self.repository}"

    @property
    def host(self) -> str:
        return self.origin.partition("://")[2]


@dataclass(frozen=True, slots=True)
class Access:
    keychain: Keychain = field(default_factory=Keychain)
    plain_http: frozenset[str] = frozenset()
    """Hosts, `host[:port]`, that are spoken to without TLS; no other ever is."""
    ca_files: tuple[Path, ...] = ()
    """PEM certificates trusted besides the system's."""
    client_cert: Path | None = None
    """PEM, shown to the registry itself only."""
    client_key: Path | None = None
    mirrors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By registry: `host[:port][/prefix]`, tried in order before the registry itself, for reading only."""
    proxies: bool = True
    """Whether HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY are heeded."""
    patience: Patience = field(default_factory=Patience)

    def origin(self, host: str) -> str:
        return f"{'http' if host in self.plain_http else 'https'}://{host}"

    def endpoint(self, reference: Reference) -> Endpoint:
        """The registry itself; it may be named as people write it or by its API's host."""
        plain = {reference.registry, reference.api_host} & self.plain_http
        return Endpoint(f"{'http' if plain else 'https'}://{reference.api_host}", reference.repository)

    def mirrors_of(self, reference: Reference) -> tuple[Endpoint, ...]:
        found = []
        for mirror in self.mirrors.get(reference.registry, ()):
            host, _, prefix = mirror.strip("/").partition("/")
            path = f"{prefix}/{reference.repository}" if prefix else reference.repository
            found.append(Endpoint(self.origin(host), path, mirror=True))
        return tuple(found)


def parse_mirrors(words: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """`REGISTRY=HOST[:PORT][/PREFIX]`, any number. Raises UsageError."""
    found: dict[str, tuple[str, ...]] = {}
    for word in words:
        registry, equals, mirror = word.partition("=")
        if not equals or not registry or not mirror or "://" in mirror:
            raise UsageError(f"not a mirror: {word!r}", hint="Write REGISTRY=HOST[:PORT][/PREFIX].")
        found[registry] = (*found.get(registry, ()), mirror)
    return found
