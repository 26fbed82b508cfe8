"""An OCI layout directory as a place to attach to.

https://github.com/opencontainers/image-spec/blob/main/image-layout.md; referrers stand in index.json without a
tag, as other tools write them. Every file appears under its name only when it is complete; index.json is changed
under a lock, so that two processes lose nothing.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import orjson

from sbomkit.errors import CannotCheck, CorruptInput
from sbomkit.image.archive import open_file
from sbomkit.image.oci_layout import LayoutDirectory
from sbomkit.model.digest import Digest
from sbomkit.oci import manifest as oci
from sbomkit.oci.manifest import Descriptor, Index
from sbomkit.oci.referrers import MAX_REFERRERS, fallback_tag
from sbomkit.oci.repository import MANIFESTS, Fetched

_REF_NAME = "org.opencontainers.image.ref.name"


class LayoutPlace:
    def __init__(self, path: Path, tag: str) -> None:
        self.name = f"{path}:{tag}" if tag else str(path)
        self.path = path
        self._layout = LayoutDirectory(path, tag)
        self._root: Fetched | None = None

    def root(self) -> Fetched:
        if self._root is None:
            roots = self._layout.roots()
            if len(roots) > 1:
                raise CannotCheck(f"{self.name}: holds several images", hint="Add :TAG or @DIGEST to the path.")
            self._root = self._read(roots[0])
        return self._root

    def manifest(self, digest: Digest) -> Fetched:
        return self._read(Descriptor("", digest, 0))

    def _read(self, descriptor: Descriptor) -> Fetched:
        with self._layout.open_blob(descriptor) as file:
            raw = file.read(oci.MAX_MANIFEST + 1)
        what = f"{self.name}: manifest {descriptor.digest}"
        if len(raw) > oci.MAX_MANIFEST:
            raise CorruptInput(f"{what}: larger than {oci.MAX_MANIFEST} bytes")
        actual = Digest.of(raw, descriptor.digest.algorithm)
        if actual != descriptor.digest:
            raise CorruptInput(f"{what}: its content has the digest {actual}")
        return Fetched(raw, Descriptor(oci.parse(raw, what).media_type, descriptor.digest, len(raw)))

    def tagged(self, tag: str) -> Fetched | None:
        for descriptor in self._layout.index().manifests:
            if descriptor.annotations.get(_REF_NAME) == tag:
                return self._read(descriptor)
        return None

    def referrers(self, subject: Digest) -> tuple[Descriptor, ...]:
        found: dict[Digest, Descriptor] = {}
        for descriptor in self._listed(subject):
            raw = self._read(descriptor).raw
            value = oci.load_object(raw, str(descriptor.digest))
            about = value.get("subject")
            if isinstance(about, dict) and about.get("digest") == str(subject):
                found.setdefault(descriptor.digest, descriptor)
        return tuple(found.values())

    def _listed(self, subject: Digest) -> Iterator[Descriptor]:
        """Every manifest that the layout's index, or the fallback tag of `subject` in it, names."""
        listed = list(self._layout.index().manifests)
        stand_in = self.tagged(fallback_tag(subject))
        if stand_in is not None:
            parsed = oci.parse(stand_in.raw, self.name)
            listed += parsed.manifests if isinstance(parsed, Index) else ()
        if len(listed) > MAX_REFERRERS:
            raise CorruptInput(f"{self.name}: more than {MAX_REFERRERS} manifests")
        for descriptor in listed:
            if descriptor.media_type in MANIFESTS and self._has(descriptor.digest):
                yield descriptor

    def _has(self, digest: Digest) -> bool:
        return self._blob(digest).is_file()

    def _blob(self, digest: Digest) -> Path:
        return self.path / "blobs" / digest.algorithm / digest.hex

    def open_blob(self, descriptor: Descriptor) -> BinaryIO:
        return open_file(self._blob(descriptor.digest))

    def push_blob(self, raw: bytes, media_type: str) -> Descriptor:
        descriptor = Descriptor(media_type, Digest.of(raw), len(raw))
        path = self._blob(descriptor.digest)
        try:
            if not path.is_file() or path.read_bytes() != raw:
                path.parent.mkdir(parents=True, exist_ok=True)
                _replace(path, raw)
        except OSError as error:
            raise CannotCheck(f"{path}: {error.strerror or error}") from None
        return descriptor

    def push_referrer(self, raw: bytes, media_type: str, subject: Digest) -> Descriptor:
        descriptor = self.push_blob(raw, media_type)
        value = oci.load_object(raw, "a manifest")
        entry: dict[str, object] = {
            "mediaType": media_type, "digest": str(descriptor.digest), "size": descriptor.size,
            "artifactType": oci.text(value, "artifactType", "a manifest"),
        }  # fmt: skip
        annotations = oci.strings(value, "annotations", "a manifest")
        if annotations:
            entry["annotations"] = dict(annotations)
        path = self.path / "index.json"
        try:
            with _locked(self.path):
                index = dict(oci.load_object(path.read_bytes(), str(path)))
                manifests = oci.array(index, "manifests", str(path))
                known = [oci.as_object(item, str(path)).get("digest") for item in manifests]
                if entry["digest"] not in known:
                    index["manifests"] = [*manifests, entry]
                    _replace(path, orjson.dumps(index))
        except OSError as error:
            raise CannotCheck(f"{path}: {error.strerror or error}") from None
        return descriptor


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    # the directory itself is locked: index.json is replaced, and a file of our own would stay behind
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _replace(path: Path, content: bytes) -> None:
    """Write it whole beside its place, then put it there at once."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.", suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
