"""What a command compares: an image of any source, or a document about one; its content says which."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sbomkit.cli._registry import access_from
from sbomkit.errors import CannotCheck, SbomkitError, UsageError

if TYPE_CHECKING:
    from sbomkit.layers.cache import SharedRecords
    from sbomkit.model.inventory import Inventory
    from sbomkit.model.package import Package
    from sbomkit.oci.access import Access
    from sbomkit.scan import Examined

_SCHEMES = ("oci-dir", "oci-archive", "docker-archive", "registry", "docker", "podman", "dir", "tar")
_HEAD = 512
_BOMS = (b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")


Known = dict[str, tuple[object, "Package"]]


@dataclass(frozen=True, slots=True)
class Input:
    """One thing to compare."""

    inventory: Inventory
    examined: Examined | None = None
    """Where it is an image, whose files can be seen."""


class Inputs:
    """Opens inputs. Layers that images of one call have in common are read once."""

    def __init__(
        self,
        texts: tuple[str, ...],
        *,
        platform: str | None = None,
        quiet: bool = False,
        cached: bool = True,
        full: bool = False,
        **access: Any,
    ) -> None:
        """`texts`: all that may be asked for; credentials are for the first of them that is no path."""
        if texts.count("-") > 1:
            raise UsageError("standard input can be read once only", hint="Give a file for one side.")
        self._reference = next((text for text in texts if text != "-" and not Path(text).exists()), "")
        self._given = access
        self._platform = platform
        self._quiet, self._cached, self._full = quiet, cached, full
        self._access: Access | None = None
        self._shared: SharedRecords | None = None
        self._known: Known = {}

    def open(self, text: str) -> Input:
        """Raises UsageError where there is nothing of this name, CannotCheck where it cannot be read."""
        if text == "-":
            return Input(load_inventory(sys.stdin.buffer.read(), "standard input", self._known))
        if text.partition(":")[0] not in _SCHEMES and Path(text).is_file() and _is_document(Path(text)):
            return Input(load_inventory(Path(text).read_bytes(), text, self._known))
        return self._image(text)

    def _image(self, text: str) -> Input:
        from sbomkit.cli._scan import examined
        from sbomkit.image.source import open_source
        from sbomkit.layers.cache import SharedRecords
        from sbomkit.oci.platform import Platform

        if self._access is None:
            self._access = access_from(self._reference, **self._given)
        if self._shared is None:
            self._shared = SharedRecords()
        platform = Platform.parse(self._platform) if self._platform else None
        image = open_source(text, platform, self._access)
        found = examined(image, quiet=self._quiet, cached=self._cached, full=self._full, shared=self._shared)
        return Input(found.inventory, found)


def load_inventory(raw: bytes, name: str, known: Known | None = None) -> Inventory:
    """The inventory that a document of any format holds; errors say which one. `known`: as `detect.read` has it."""
    from sbomkit.sbom.detect import read

    try:
        return read(raw, known)
    except SbomkitError as error:
        raise type(error)(f"{name}: {error.message}", hint=error.hint) from None


def _is_document(path: Path) -> bool:
    """Text, as documents are: a tar has NULs in its first header, whatever it is compressed with."""
    from sbomkit.streams.compression import decompressed

    with path.open("rb") as file:
        head = file.read(_HEAD)
        if not head.startswith((b"{", b"<", *_BOMS)):
            file.seek(0)
            try:
                head = next(iter(decompressed(file)), b"")[:_HEAD]
            except CannotCheck:
                return False
    return head.startswith(_BOMS) or b"\0" not in head


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    """Inventories hold no cycles: the collector finds nothing in them, and takes a third of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
