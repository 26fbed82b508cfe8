"""The images of an index, by platform."""

from __future__ import annotations

from sbomkit.errors import UsageError
from sbomkit.image.image import images_of
from sbomkit.model.digest import Digest
from sbomkit.oci import manifest as oci
from sbomkit.oci.manifest import Index
from sbomkit.oci.platform import Platform, choose
from sbomkit.publish.discover import Node
from sbomkit.publish.place import Place


def digest_for(place: Place, wanted: Platform) -> Digest:
    """The digest of the place's image for a platform. Raises UsageError."""
    root = place.root()
    parsed = oci.parse(root.raw, place.name)
    if not isinstance(parsed, Index):
        return root.descriptor.digest
    images = images_of(parsed)
    at = choose(wanted, [image.platform for image in images])
    if at is None:
        raise _absent(place.name, wanted, [str(image.platform) for image in images])
    return images[at].digest


def node_for(node: Node, wanted: Platform, name: str) -> Node:
    """The part of what was discovered that belongs to one platform. Raises UsageError."""
    if not node.platforms:
        return node
    at = choose(wanted, [below.descriptor.platform for below in node.platforms])
    if at is None:
        raise _absent(name, wanted, [str(below.descriptor.platform) for below in node.platforms])
    return node.platforms[at]


def _absent(name: str, wanted: Platform, offered: list[str]) -> UsageError:
    return UsageError(f"{name}: has no image for {wanted}; it offers: {', '.join(sorted(offered))}")
