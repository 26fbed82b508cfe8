"""What is attached to an image, wherever its tool put it. Found is not verified: nothing here proves anything.

Referrers (OCI 1.1) and referrers of referrers (Docker Hardened Images sign the attestation, not the image);
cosign's tags `sha256-<hex>.sig/.att/.sbom`; BuildKit's attestation manifests inside the index.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from sbomkit.errors import CannotCheck, CorruptInput
from sbomkit.model.digest import Digest
from sbomkit.oci import manifest as oci
from sbomkit.oci.manifest import Descriptor, Index, Manifest
from sbomkit.publish.kinds import contents_of, holds_signature
from sbomkit.publish.place import Place

Way = Literal["referrer", "cosign tag", "BuildKit"]
_MAX_DEPTH = 3
"""Image, attestation, signature of the attestation: nobody goes deeper."""
_MAX_ALL = 10_000
_COSIGN_TAGS = (".sig", ".att", ".sbom")
_BUILDKIT_TYPE, _BUILDKIT_SUBJECT = "vnd.docker.reference.type", "vnd.docker.reference.digest"
_CREATED = "org.opencontainers.image.created"


@dataclass(frozen=True, slots=True)
class Payload:
    """One blob of an attachment."""

    descriptor: Descriptor
    contents: str
    """What it says it holds: a predicate type, or a media type. A hint: the truth is inside."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """One manifest that is about another."""

    subject: Digest
    way: Way
    manifest: Descriptor
    artifact_type: str
    payloads: tuple[Payload, ...]
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)
    created: str = ""
    """RFC 3339, as its maker claims; empty where it does not say."""
    carries_signature: bool = False
    """Whether there is a signature in it, or on it: not whether that is any good."""
    attached: tuple[Attachment, ...] = ()
    """What is attached to this one."""

    @property
    def size(self) -> int:
        """Bytes of its blobs."""
        return sum(payload.descriptor.size for payload in self.payloads)

    def walk(self) -> Iterator[Attachment]:
        yield self
        for below in self.attached:
            yield from below.walk()


@dataclass(frozen=True, slots=True)
class Node:
    """An image or index, with what is attached to it."""

    descriptor: Descriptor
    attachments: tuple[Attachment, ...]
    platforms: tuple[Node, ...] = ()
    problems: tuple[str, ...] = ()
    """What was said to be attached and could not be believed."""

    def walk(self) -> Iterator[Attachment]:
        """Every attachment, those of the image itself first."""
        for attachment in self.attachments:
            yield from attachment.walk()
        for platform in self.platforms:
            yield from platform.walk()


def discover(place: Place) -> Node:
    """All that is attached to the place's image, to its platforms' images, and to the attachments themselves."""
    return _Discovery(place).node(place.root().descriptor, ())


class _Discovery:
    def __init__(self, place: Place) -> None:
        self._place = place
        self._left = _MAX_ALL
        self._problems: list[str] = []

    def node(self, descriptor: Descriptor, buildkit: tuple[Descriptor, ...]) -> Node:
        before, self._problems = self._problems, []
        found = list(self._attached(descriptor.digest, 0))
        found += [a for d in buildkit if (a := self._buildkit(d, descriptor.digest)) is not None]
        platforms: tuple[Node, ...] = ()
        fetched = self._place.manifest(descriptor.digest)
        parsed = oci.parse(fetched.raw, f"{self._place.name}: manifest {descriptor.digest}")
        if isinstance(parsed, Index):
            platforms = tuple(self._platforms(parsed))
        problems, self._problems = tuple(self._problems), before
        known = Descriptor(
            fetched.descriptor.media_type, descriptor.digest, len(fetched.raw), platform=descriptor.platform
        )
        return Node(known, tuple(found), platforms, problems)

    def _platforms(self, index: Index) -> Iterator[Node]:
        statements = [d for d in index.manifests if d.annotations.get(_BUILDKIT_TYPE) == "attestation-manifest"]
        for descriptor in index.manifests:
            self._count()
            if descriptor in statements or (descriptor.platform and descriptor.platform.os == "unknown"):
                continue
            own = [d for d in statements if d.annotations.get(_BUILDKIT_SUBJECT) == str(descriptor.digest)]
            try:
                yield self.node(descriptor, tuple(own))
            except CorruptInput:
                raise
            except CannotCheck as error:
                # a partial copy of an index has not all its platforms
                yield Node(descriptor, (), (), (error.message,))

    def _count(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise CorruptInput(f"{self._place.name}: more than {_MAX_ALL} attachments")

    def _attached(self, subject: Digest, depth: int) -> Iterator[Attachment]:
        if depth >= _MAX_DEPTH:
            return
        for descriptor in self._place.referrers(subject):
            found = self._referrer(descriptor, subject, depth)
            if found is not None:
                yield found
        if depth == 0:
            for suffix in _COSIGN_TAGS:
                tagged = self._place.tagged(f"{subject.algorithm}-{subject.hex}{suffix}")
                if tagged is not None:
                    yield from self._legacy(tagged.raw, tagged.descriptor, subject, suffix)

    def _referrer(self, descriptor: Descriptor, subject: Digest, depth: int) -> Attachment | None:
        """The referrer, if it is one: a registry may list what it likes."""
        self._count()
        try:
            fetched = self._place.manifest(descriptor.digest)
            what = f"referrer {descriptor.digest}"
            value = oci.load_object(fetched.raw, what)
            about = oci.mapping(value, "subject", what).get("digest")
            parsed = oci.parse(fetched.raw, what)
        except CannotCheck as error:
            self._problems.append(error.message)
            return None
        if about != str(subject):
            self._problems.append(f"{what} is listed for {subject}, but does not refer to it")
            return None
        kind = oci.text(value, "artifactType", what)
        attached = tuple(self._attached(descriptor.digest, depth + 1))
        return _described(fetched.descriptor, parsed, kind, subject, "referrer", attached)

    def _legacy(self, raw: bytes, descriptor: Descriptor, subject: Digest, suffix: str) -> Iterator[Attachment]:
        self._count()
        try:
            parsed = oci.parse(raw, f"the tag {subject.algorithm}-{subject.hex}{suffix}")
        except CorruptInput as error:
            self._problems.append(error.message)
            return
        yield _described(descriptor, parsed, "", subject, "cosign tag", ())

    def _buildkit(self, descriptor: Descriptor, subject: Digest) -> Attachment | None:
        self._count()
        try:
            fetched = self._place.manifest(descriptor.digest)
            parsed = oci.parse(fetched.raw, f"attestation manifest {descriptor.digest}")
        except CannotCheck as error:
            self._problems.append(error.message)
            return None
        attached = tuple(self._attached(descriptor.digest, 1))
        return _described(fetched.descriptor, parsed, "", subject, "BuildKit", attached)


def _described(
    descriptor: Descriptor,
    parsed: Manifest | Index,
    artifact_type: str,
    subject: Digest,
    way: Way,
    attached: tuple[Attachment, ...],
) -> Attachment:
    layers = parsed.layers if isinstance(parsed, Manifest) else parsed.manifests
    payloads = tuple(Payload(layer, contents_of(layer, parsed.annotations)) for layer in layers)
    kind = artifact_type or (parsed.config.media_type if isinstance(parsed, Manifest) else "")
    signed = any(holds_signature(payload.descriptor) for payload in payloads) or any(
        below.carries_signature for below in attached
    )
    created = parsed.annotations.get(_CREATED, "")
    return Attachment(subject, way, descriptor, kind, payloads, parsed.annotations, created, signed, attached)
