"""What is attached to an image, as candidates for a verifier: bundles, cosign's layers, signed attestations.

Nothing is decided here. What cannot be read becomes a Refusal, so that a verdict can name it; only a place that
cannot be reached ends the collecting.
"""

from __future__ import annotations

from collections.abc import Iterator

from sbomkit.attest.bundle import MAX_BUNDLE, Bundle, read_bundles
from sbomkit.attest.legacy import TwoStep, read_legacy_layer
from sbomkit.attest.reasons import Reason, Refusal
from sbomkit.errors import CorruptInput
from sbomkit.model.digest import Digest
from sbomkit.publish.discover import Attachment, Node
from sbomkit.publish.kinds import BUNDLES, DSSE, IN_TOTO, SIMPLE_SIGNING
from sbomkit.publish.place import Place, read_blob

Candidate = Bundle | TwoStep | Refusal


def evidence(place: Place, node: Node, subject: Digest) -> Iterator[Candidate]:
    """Every candidate about one manifest: the node itself, or one of its platforms. Raises CannotCheck."""
    for part in (node, *node.platforms):
        if part.descriptor.digest != subject:
            continue
        for problem in part.problems:
            yield Refusal(Reason.UNREADABLE, problem, place.name)
        for attachment in part.attachments:
            yield from _candidates(place, attachment)


def _candidates(place: Place, attachment: Attachment) -> Iterator[Candidate]:
    statements = [p for p in attachment.payloads if p.descriptor.media_type == IN_TOTO]
    if statements:
        yield _two_step(place, attachment)
    for payload in attachment.payloads:
        kind = payload.descriptor.media_type
        origin = f"{attachment.manifest.digest} ({attachment.way})"
        if not (kind.startswith(BUNDLES) or kind in (DSSE, SIMPLE_SIGNING)):
            continue
        if payload.descriptor.size > MAX_BUNDLE:
            yield Refusal(Reason.TOO_LARGE, f"{payload.descriptor.size} bytes, at most {MAX_BUNDLE} are read", origin)
            continue
        try:
            raw = read_blob(place, payload.descriptor)
        except CorruptInput as error:
            yield Refusal(Reason.UNREADABLE, error.message, origin)
            continue
        if kind.startswith(BUNDLES):
            yield from read_bundles(raw, origin)
        else:
            yield read_legacy_layer(kind, raw, payload.descriptor.annotations, origin)


def _two_step(place: Place, attachment: Attachment) -> Candidate:
    """A bare statement: it counts only for the signatures on the manifest that holds it."""
    origin = f"{attachment.manifest.digest} ({attachment.way})"
    signatures = [found for below in attachment.attached for found in _candidates(place, below)]
    bundles = tuple(found for found in signatures if isinstance(found, Bundle))
    if not bundles:
        unreadable = next((found for found in signatures if isinstance(found, Refusal)), None)
        return unreadable or Refusal(Reason.NOT_SIGNED, "a statement that nobody signed", origin)
    if any(payload.descriptor.size > MAX_BUNDLE for payload in attachment.payloads):
        return Refusal(Reason.TOO_LARGE, f"the statement is larger than {MAX_BUNDLE} bytes", origin)
    try:
        manifest = place.manifest(attachment.manifest.digest).raw
        layers = tuple(read_blob(place, payload.descriptor) for payload in attachment.payloads)
    except CorruptInput as error:
        return Refusal(Reason.UNREADABLE, error.message, origin)
    return TwoStep(origin, manifest, layers, bundles)
