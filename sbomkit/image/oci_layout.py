"""OCI image layouts, as a directory or as a tar of one.

https://github.com/opencontainers/image-spec/blob/main/image-layout.md
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import BinaryIO

from sbomkit.errors import CannotCheck, CorruptInput, UsageError
from sbomkit.image.archive import Archive, open_file
from sbomkit.image.image import Image, open_image
from sbomkit.oci import manifest as oci
from sbomkit.oci.manifest import Descriptor, Index
from sbomkit.oci.platform import Platform

_ATTACHING_TAG = re.compile(r"sha256-[0-9a-f]{64}(\.(sig|att|sbom))?\Z")
_TAG_ANNOTATIONS = ("org.opencontainers.image.ref.name", "io.containerd.image.name")


class Layout:
    """A BlobStore over a layout; where its files come from is the two subclasses' matter."""

    def __init__(self, name: str, tag: str) -> None:
        self.name = name
        self._tag = tag

    def _read(self, path: str, limit: int) -> bytes:
        raise NotImplementedError

    def _open(self, path: str) -> BinaryIO:
        raise NotImplementedError

    def open_blob(self, descriptor: Descriptor) -> BinaryIO:
        return self._open(f"blobs/{descriptor.digest.algorithm}/{descriptor.digest.hex}")

    def index(self) -> Index:
        """The layout's index.json. Raises CannotCheck."""
        parsed = oci.parse(self._read("index.json", oci.MAX_MANIFEST), f"{self.name}: index.json")
        if not isinstance(parsed, Index):
            raise CorruptInput(f"{self.name}: index.json is not an image index")
        return parsed

    def roots(self) -> tuple[Descriptor, ...]:
        manifests = tuple(m for m in self.index().manifests if not _is_attached(m)) if not self._tag else ()
        manifests = manifests or self.index().manifests
        if not manifests:
            raise CorruptInput(f"{self.name}: the layout's index names no image")
        if self._tag:
            found = tuple(m for m in manifests if self._tag in _names(m))
            if not found:
                raise UsageError(f"{self.name}: no image is tagged {self._tag!r}; {_offer(manifests)}")
            return found
        if len(manifests) > 1 and len({m.platform for m in manifests}) < len(manifests):
            tags = _offer(manifests)
            raise UsageError(f"{self.name}: holds {len(manifests)} images; {tags}", hint="Add :TAG to the path.")
        return manifests


class LayoutDirectory(Layout):
    def __init__(self, path: Path, tag: str = "") -> None:
        super().__init__(str(path), tag)
        self._path = path
        if not (path / "index.json").is_file():
            raise CannotCheck(f"{path}: not an OCI layout: there is no index.json")

    def _open(self, path: str) -> BinaryIO:
        file = self._path / path
        if file.exists() and not file.is_file():
            # opening a pipe would wait for a writer that never comes
            raise CannotCheck(f"{file}: not a regular file")
        return open_file(file)

    def _read(self, path: str, limit: int) -> bytes:
        with self._open(path) as file:
            return file.read(limit)


class LayoutArchive(Layout):
    def __init__(self, archive: Archive, tag: str = "") -> None:
        super().__init__(str(archive.path), tag)
        self._archive = archive
        if "index.json" not in archive:
            raise CannotCheck(f"{archive.path}: not an archive of an OCI layout: there is no index.json in it")

    def _open(self, path: str) -> BinaryIO:
        return self._archive.open(path)

    def _read(self, path: str, limit: int) -> bytes:
        return self._archive.read(path, limit)


def open_layout(store: Layout, path: Path, tag: str, platform: Platform | None) -> Image:
    """The layout's image under the tag (or its only one)."""
    name = path.resolve().name
    return open_image(store, platform, f"{name}:{tag}" if tag else name)


def _is_attached(descriptor: Descriptor) -> bool:
    """Whether it is there for another manifest's sake: an artifact, or the tags that tools attach by."""
    tag = descriptor.annotations.get(_TAG_ANNOTATIONS[0], "")
    return bool(descriptor.artifact_type and not tag) or bool(_ATTACHING_TAG.match(tag))


def _names(descriptor: Descriptor) -> set[str]:
    """What an image of a layout is called: its tag, its full name, the tag of that, its digest."""
    names = {descriptor.annotations.get(key, "") for key in _TAG_ANNOTATIONS}
    return names | {n.rpartition(":")[2] for n in names if ":" in n} | {str(descriptor.digest)}


def _offer(manifests: tuple[Descriptor, ...]) -> str:
    tags = sorted({m.annotations.get(_TAG_ANNOTATIONS[0], "") or str(m.digest) for m in manifests})
    return "it has: " + ", ".join(tags[:20]) + (" ..." if len(tags) > 20 else "")
