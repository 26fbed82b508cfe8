"""What a document format is, which there are, and how a call names one: `FORMAT[@VERSION][=FILE]`.

One module of this room per format, each with a `FORMAT`; nothing else lists them.
"""

from __future__ import annotations

import difflib
import gc
import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol

from sbomkit.errors import UsageError
from sbomkit.model.inventory import Inventory
from sbomkit.model.package import Package
from sbomkit.sbom.text import EPOCH, utc_seconds


@dataclass(frozen=True, slots=True)
class Meta:
    """What a document says about itself. Injected: no encoder reads the clock, the environment or the terminal."""

    tool_version: str
    timestamp: str = ""
    """RFC 3339; kept as UTC with whole seconds. What is no time becomes the epoch, since formats must have one."""
    tool: str = "sbomkit"
    lifecycle: str = "post-build"
    """The phase the inventory was taken in, in CycloneDX's words."""
    color: bool = False
    """Whether a terminal reads it, and takes colours. Only formats for people ask."""
    width: int = 0
    """Columns of that terminal; 0: as wide as it needs."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "timestamp", utc_seconds(self.timestamp) or EPOCH)


@contextmanager
def _uncollected() -> Iterator[None]:
    """50,000 packages make a million small objects without cycles: the collector would walk them in vain."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class Encoder(Protocol):
    """What writes an inventory as a document. Pure: the same arguments give the same bytes."""

    @property
    def name(self) -> str: ...
    @property
    def versions(self) -> tuple[str, ...]: ...
    @property
    def media_type(self) -> str: ...
    def encode(self, inventory: Inventory, meta: Meta, version: str | None = None, /) -> bytes: ...


class Decoder(Protocol):
    """What reads a document back. Raises CorruptInput where it is not one."""

    def decode(self, raw: bytes, /) -> Inventory: ...


@dataclass(frozen=True, slots=True)
class Format:
    """A document format: an Encoder, and a Decoder where it can be read back."""

    name: str
    media_type: str
    write: Callable[[Inventory, Meta, str], bytes]
    versions: tuple[str, ...] = ()
    """Newest last; empty where the format has no versions."""
    default: str = ""
    """The version written when none is asked for."""
    read: Callable[[bytes], Inventory] | None = field(default=None, kw_only=True)
    read_value: Callable[[dict[str, Any], dict[str, tuple[object, Package]]], Inventory] | None = field(
        default=None, kw_only=True
    )
    """As `read`, of parsed JSON; the second argument holds, by purl, what was read of other documents."""
    aliases: tuple[str, ...] = field(default=(), kw_only=True)
    summary: str = field(default="", kw_only=True)
    """One line for help texts."""

    def encode(self, inventory: Inventory, meta: Meta, version: str | None = None, /) -> bytes:
        """The document. Raises UsageError for a version that this format does not have."""
        checked = self.check_version(version)
        with _uncollected():
            return self.write(inventory, meta, checked)

    def decode(self, raw: bytes, /) -> Inventory:
        """The inventory that a document holds. Raises CorruptInput, or UsageError where the format is write-only."""
        if self.read is None:
            raise UsageError(f"{self.name} can be written, but not read", hint="Convert from a format for machines.")
        return self.read(raw)

    def check_version(self, version: str | None) -> str:
        """The version to write. Raises UsageError."""
        if not version:
            return self.default
        if version in self.versions:
            return version
        offer = f"It has {_listed(self.versions)}." if self.versions else "It has no versions; leave out the @."
        raise UsageError(f"{self.name} has no version {version!r}", hint=offer)


@dataclass(frozen=True, slots=True)
class Output:
    """One `-o`: what to write, and where to."""

    format: Format
    version: str
    path: str = ""
    """The file; empty for standard output."""

    def encode(self, inventory: Inventory, meta: Meta) -> bytes:
        return self.format.encode(inventory, meta, self.version or None)


@cache
def formats() -> tuple[Format, ...]:
    """Every format of this room, found by its module's `FORMAT`, sorted by name."""
    room = importlib.import_module("sbomkit.sbom")
    found: list[Format] = []
    for module in pkgutil.iter_modules(room.__path__):
        candidate = getattr(importlib.import_module(f"{room.__name__}.{module.name}"), "FORMAT", None)
        if isinstance(candidate, Format):
            found.append(candidate)
    return tuple(sorted(found, key=lambda f: f.name))


def find(name: str) -> Format:
    """The format of this name, or alias. Raises UsageError, with the nearest name."""
    wanted = name.strip().lower().replace("_", "-")
    names = {alias: f for f in formats() for alias in f.aliases} | {f.name: f for f in formats()}
    if wanted in names:
        return names[wanted]
    near = difflib.get_close_matches(wanted[:64], names, n=1, cutoff=0.5)
    known = f"Formats: {_listed(f.name for f in formats())}."
    hint = f"Did you mean {near[0]}? {known}" if near else known
    raise UsageError(
        f"there is no format {name[:64]!r}" if wanted else "a format is missing before '@' or '='", hint=hint
    )


def parse_output(text: str) -> Output:
    """Read `FORMAT[@VERSION][=FILE]`; `-` as the file is standard output. Raises UsageError."""
    head, equals, path = text.partition("=")
    name, at, version = head.partition("@")
    format = find(name)
    if at and not version:
        raise UsageError(
            f"a version is missing after '@' in {text[:200]!r}", hint=f"{format.name} has {_listed(format.versions)}."
        )
    if equals and not path:
        raise UsageError(f"a file is missing after '=' in {text[:200]!r}", hint=f"Write {head}=FILE, or {head} alone.")
    if "\0" in path:
        raise UsageError("a file name cannot hold a NUL character")
    return Output(format, format.check_version(version), "" if path == "-" else path)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "no versions"
