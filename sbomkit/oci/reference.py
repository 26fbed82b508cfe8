"""Image references: `name[:tag][@digest]`, with Docker's defaults.

Grammar: https://github.com/distribution/reference/blob/main/reference.go
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from sbomkit.errors import UsageError
from sbomkit.model.digest import Digest

DEFAULT_REGISTRY = "docker.io"
_DEFAULT_TAG = "latest"
_DEFAULT_NAMESPACE = "library"
_ALIASES = {"index.docker.io": DEFAULT_REGISTRY}
_API_HOSTS = {DEFAULT_REGISTRY: "registry-1.docker.io"}
"""Where the API of a registry listens, when that is not its name."""

_MAX_NAME = 255
_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?\Z")
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_PART}(?:/{_PART})*\Z")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}\Z")
_STRONG = ("sha256", "sha384", "sha512")


@dataclass(frozen=True, slots=True)
class Reference:
    """An image in a registry. With a digest, the tag is only a name for people."""

    registry: str
    """As people write it: `host[:port]`."""
    repository: str
    tag: str = ""
    digest: Digest | None = None

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Read a reference as people write it. Raises UsageError."""
        rest, at, digest_text = text.partition("@")
        name, tag = _split_tag(rest)
        registry, repository = _split_host(name)
        if not _REPOSITORY.match(repository) or len(registry) + len(repository) > _MAX_NAME:
            raise UsageError(
                f"not an image reference: {text[:300]!r}",
                hint="Write name[:tag][@digest]; the name's parts are lower-case letters, digits, and . _ - between.",
            )
        if not _HOST.match(registry):
            raise UsageError(f"not the name of a registry: {registry[:300]!r}")
        if tag is not None and not _TAG.match(tag):
            raise UsageError(f"not a tag: {tag[:300]!r}", hint="At most 128 letters, digits, and . _ - within.")
        digest = _digest(digest_text, text) if at else None
        return cls(registry, repository, tag or ("" if digest else _DEFAULT_TAG), digest)

    @property
    def api_host(self) -> str:
        return _API_HOSTS.get(self.registry, self.registry)

    @property
    def name(self) -> str:
        """Registry and repository."""
        return f"{self.registry}/{self.repository}"

    @property
    def wanted(self) -> str:
        """What to ask the registry for: the digest where there is one, else the tag."""
        return str(self.digest) if self.digest else self.tag

    def at(self, digest: Digest) -> Reference:
        """The same name, bound to a digest."""
        return replace(self, digest=digest)

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.name}{tag}" + (f"@{self.digest}" if self.digest else "")


def _split_tag(text: str) -> tuple[str, str | None]:
    """A colon after the last slash begins the tag."""
    head, slash, last = text.rpartition("/")
    name, colon, tag = last.partition(":")
    return head + slash + name, tag if colon else None


def _split_host(name: str) -> tuple[str, str]:
    """The first part is a host when it looks like one: with a dot, a colon, upper case, or `localhost`."""
    first, slash, rest = name.partition("/")
    if slash and (any(c in first for c in ".:[") or first == "localhost" or first.lower() != first):
        registry, repository = _ALIASES.get(first, first), rest
    else:
        registry, repository = DEFAULT_REGISTRY, name
    if registry == DEFAULT_REGISTRY and "/" not in repository:
        repository = f"{_DEFAULT_NAMESPACE}/{repository}"
    return registry, repository


def _digest(text: str, whole: str) -> Digest:
    try:
        found = Digest.parse(text)
    except ValueError as error:
        raise UsageError(f"{whole[:300]!r}: {error}") from None
    if found.algorithm not in _STRONG:
        raise UsageError(f"{whole[:300]!r}: {found.algorithm} is too weak a digest to name an image")
    return found
