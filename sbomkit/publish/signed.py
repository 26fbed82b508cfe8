"""What is attached to an image and might be signed, as candidates for a verifier. Order and labels prove nothing."""

from __future__ import annotations

from collections.abc import Iterator

from sbomkit.attest.bundle import MAX_BUNDLE, Bundle, read_bundle
from sbomkit.attest.legacy import SIMPLE_SIGNING, TwoStep, read_legacy_layer
from sbomkit.attest.reasons import Reason, Refusal
from sbomkit.attest.verifier import Candidate
from sbomkit.errors import CannotCheck
from sbomkit.model.digest import Digest
from sbomkit.publish.discover import Attachment, Node, Payload, discover
from sbomkit.publish.kinds import DSSE, IN_TOTO, is_bundle
from sbomkit.publish.place import Place, read_blob


def candidates(place: Place, node: Node | None = None) -> Iterator[Candidate]:
    """Everything attached to the node (by default the place's own image), not to its platforms.

    What nobody signed is told as a refusal. Raises CannotCheck when the place itself cannot be asked.
    """
    found = node or discover(place)
    for problem in found.problems:
        yield Refusal(Reason.UNREADABLE, problem, place.name)
    for attachment in found.attachments:
        yield from _of(place, attachment)


def subjects_of(node: Node) -> Iterator[tuple[Digest, Node]]:
    """The image or index itself, then each platform's image."""
    yield node.descriptor.digest, node
    for platform in node.platforms:
        yield platform.descriptor.digest, platform


def _of(place: Place, attachment: Attachment) -> Iterator[Candidate]:
    origin = f"{attachment.way} {attachment.manifest.digest}"
    signatures = tuple(_signatures(place, attachment))
    for payload in attachment.payloads:
        kind = payload.descriptor.media_type
        if is_bundle(kind) or kind in (DSSE, SIMPLE_SIGNING):
            yield _read(place, payload, origin)
        elif kind == IN_TOTO and not signatures:
            unsigned = f"the attestation {payload.contents} is attached, but nobody signed it"
            yield Refusal(Reason.NOT_SIGNED, unsigned, origin)
    if signatures:
        try:
            layers = tuple(read_blob(place, payload.descriptor, MAX_BUNDLE) for payload in attachment.payloads)
            yield TwoStep(origin, place.manifest(attachment.manifest.digest).raw, layers, signatures)
        except CannotCheck as error:
            yield Refusal(Reason.UNREADABLE, error.message, origin)


def _signatures(place: Place, attachment: Attachment) -> Iterator[Bundle]:
    """Signatures of an attestation's manifest, as Docker Hardened Images have them."""
    for below in attachment.attached:
        for payload in below.payloads:
            if payload.descriptor.media_type == SIMPLE_SIGNING or is_bundle(payload.descriptor.media_type):
                read = _read(place, payload, f"referrer {below.manifest.digest}")
                if isinstance(read, Bundle):
                    yield read


def _read(place: Place, payload: Payload, origin: str) -> Bundle | Refusal:
    descriptor = payload.descriptor
    if descriptor.size > MAX_BUNDLE:
        return Refusal(Reason.TOO_LARGE, f"{descriptor.size} bytes, more than the {MAX_BUNDLE} of a bundle", origin)
    try:
        raw = read_blob(place, descriptor, MAX_BUNDLE)
    except CannotCheck as error:
        return Refusal(Reason.UNREADABLE, error.message, origin)
    if is_bundle(descriptor.media_type):
        return read_bundle(raw, origin)
    return read_legacy_layer(descriptor.media_type, raw, descriptor.annotations, origin)
