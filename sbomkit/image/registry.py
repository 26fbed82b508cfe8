"""Images in a registry: a tag is resolved once, and everything after goes by digest."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import BinaryIO

from sbomkit.image.image import Image, open_image
from sbomkit.oci.access import Access
from sbomkit.oci.manifest import Descriptor
from sbomkit.oci.platform import Platform
from sbomkit.oci.reference import Reference
from sbomkit.oci.repository import Fetched, Repository


class RegistryStore:
    """A BlobStore over one repository, bound to one tag or digest."""

    def __init__(self, reference: Reference, access: Access) -> None:
        self.reference = reference
        self.name = str(reference)
        self.repository = Repository(reference, access)
        self._root: Fetched | None = None

    def root(self) -> Fetched:
        """What the reference means: asked once, so that a tag that moves meanwhile changes nothing."""
        if self._root is None:
            self._root = self.repository.manifest(self.reference.wanted)
        return self._root

    def roots(self) -> tuple[Descriptor, ...]:
        return (self.root().descriptor,)

    def open_blob(self, descriptor: Descriptor) -> BinaryIO:
        root = self.root()
        if descriptor.digest == root.descriptor.digest:
            return io.BytesIO(root.raw)
        return self.repository.open_blob(descriptor)

    def read_range(self, descriptor: Descriptor, start: int, length: int) -> bytes | None:
        """Part of a blob, unverified; None where the registry does not do ranges."""
        return self.repository.read_range(descriptor, start, length)


def open_registry(reference: Reference, platform: Platform | None, access: Access) -> Image:
    """The image of one platform. Its name is the reference as a person would write it, without the digest."""
    return replace(open_image(RegistryStore(reference, access), platform, name_of(reference)), remote=True)


def name_of(reference: Reference) -> str:
    return f"{reference.name}:{reference.tag}" if reference.tag else reference.name
