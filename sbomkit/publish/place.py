"""Where an image and what refers to it live: what discovery and attaching need of a registry or a layout."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, Protocol

from sbomkit.errors import CannotCheck, UsageError
from sbomkit.image.image import check_blob
from sbomkit.image.registry import RegistryStore
from sbomkit.model.digest import Digest
from sbomkit.oci.access import Access
from sbomkit.oci.manifest import Descriptor
from sbomkit.oci.push import Writer
from sbomkit.oci.reference import Reference
from sbomkit.oci.referrers import push_referrer, referrers
from sbomkit.oci.repository import Fetched
from sbomkit.publish.layout import LayoutPlace

MAX_BLOB = 256 << 20
"""Bytes of one document or bundle that are read into memory."""


class Place(Protocol):
    """One repository or layout, at one image of it."""

    name: str

    def root(self) -> Fetched:
        """The manifest or index that the reference means; resolved once."""

    def manifest(self, digest: Digest) -> Fetched:
        """Verified. Raises CannotCheck when it is not there."""

    def tagged(self, tag: str) -> Fetched | None:
        """What is under a tag; None where there is none."""

    def referrers(self, subject: Digest) -> tuple[Descriptor, ...]:
        """What is said to refer to a manifest. Nothing is verified."""

    def open_blob(self, descriptor: Descriptor) -> BinaryIO:
        """The raw bytes; whoever reads them verifies them."""

    def push_blob(self, raw: bytes, media_type: str) -> Descriptor: ...

    def push_referrer(self, raw: bytes, media_type: str, subject: Digest) -> Descriptor:
        """Store a manifest that has a subject, so that it will be found from it."""


class RegistryPlace:
    def __init__(self, reference: Reference, access: Access) -> None:
        self.name = str(reference)
        self._store = RegistryStore(reference, access)
        self._repository = self._store.repository

    def root(self) -> Fetched:
        return self._store.root()

    def manifest(self, digest: Digest) -> Fetched:
        root = self.root()
        return root if root.descriptor.digest == digest else self._repository.manifest(str(digest))

    def tagged(self, tag: str) -> Fetched | None:
        return self._repository.find_manifest(tag)

    def referrers(self, subject: Digest) -> tuple[Descriptor, ...]:
        return referrers(self._repository, subject)

    def open_blob(self, descriptor: Descriptor) -> BinaryIO:
        return self._repository.open_blob(descriptor)

    def push_blob(self, raw: bytes, media_type: str) -> Descriptor:
        return Writer(self._repository).push_bytes(raw, media_type)

    def push_referrer(self, raw: bytes, media_type: str, subject: Digest) -> Descriptor:
        return push_referrer(self._repository, Writer(self._repository), raw, media_type, subject)


def open_place(words: str, access: Access) -> Place:
    """`[registry:]REFERENCE`, `oci-dir:PATH[:TAG]`, or the path of a layout directory. Raises UsageError."""
    scheme, _, rest = words.partition(":")
    if scheme == "registry":
        return RegistryPlace(Reference.parse(rest), access)
    if scheme == "oci-dir":
        return _layout(rest)
    if scheme in ("docker", "podman", "oci-archive", "docker-archive", "dir", "tar"):
        raise UsageError(
            f"{words!r}: nothing can be attached there", hint="Give a reference in a registry, or oci-dir:PATH."
        )
    path = Path(words)
    if words[:1] in ("/", ".", "~") or path.is_dir() or Path(words.rpartition(":")[0] or "\0").is_dir():
        return _layout(words)
    return RegistryPlace(Reference.parse(words), access)


def _layout(words: str) -> LayoutPlace:
    if Path(words).is_dir():
        return LayoutPlace(Path(words), "")
    at, sign, digest = words.partition("@")
    if sign and Path(at).is_dir():
        return LayoutPlace(Path(at), digest)
    path, colon, tag = words.rpartition(":")
    if colon and "/" not in tag and Path(path).is_dir():
        return LayoutPlace(Path(path), tag)
    raise CannotCheck(f"{words}: not an OCI layout directory")


def read_blob(place: Place, descriptor: Descriptor, limit: int = MAX_BLOB) -> bytes:
    """A document or bundle whole, verified. Raises CannotCheck, CorruptInput."""
    what = f"{place.name}: blob {descriptor.digest}"
    if descriptor.size > limit:
        raise CannotCheck(f"{what}: {descriptor.size} bytes, more than the {limit} that are read of such a blob")
    with place.open_blob(descriptor) as stream:
        raw = stream.read(descriptor.size + 1)
    check_blob(raw, descriptor, what)
    return raw
