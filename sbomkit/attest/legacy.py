"""Older and other layouts, brought into the form of bundles: cosign's tags, and Docker Hardened Images' two steps.

cosign: https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sbomkit.attest.bundle import MAX_BUNDLE, Bundle, LogEntry, SimpleSigning
from sbomkit.attest.dsse import Envelope, read_envelope
from sbomkit.attest.reasons import NotTaken, Reason, Refusal
from sbomkit.attest.statement import PAYLOAD_TYPE
from sbomkit.attest.strictjson import JsonError, parse, refuse_case_variants, unbase64
from sbomkit.model.digest import Digest

SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
DSSE_LAYER = "application/vnd.dsse.envelope.v1+json"
SIGNATURE_ARTIFACT = "application/vnd.dev.cosign.artifact.sig.v1+json"

_SIGNATURE = "dev.cosignproject.cosign/signature"
_CERTIFICATE = "dev.sigstore.cosign/certificate"
_BUNDLE = "dev.sigstore.cosign/bundle"
_TIMESTAMP = "dev.sigstore.cosign/rfc3161timestamp"
_SIGNATURE_TYPE = "cosign container image signature"
_MAX_MANIFEST = 4 << 20
_PEM = re.compile(r"\s*-----BEGIN CERTIFICATE-----\s([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----\s*")


@dataclass(frozen=True, slots=True)
class TwoStep:
    """A statement that is not signed itself, in a manifest whose digest is.

    `signatures` are the referrers of that manifest; `layers` its blobs, in any order.
    """

    origin: str
    manifest: bytes = field(repr=False)
    layers: tuple[bytes, ...] = field(repr=False)
    signatures: tuple[Bundle, ...]


def read_legacy_layer(
    media_type: str, blob: bytes, annotations: Mapping[str, str], origin: str = ""
) -> Bundle | Refusal:
    """A layer of a cosign `.sig` or `.att` manifest, with its annotations, as a bundle."""
    if len(blob) > MAX_BUNDLE:
        return Refusal(Reason.TOO_LARGE, f"the layer has {len(blob)} bytes, at most {MAX_BUNDLE} are read", origin)
    try:
        if media_type == SIMPLE_SIGNING:
            signature = unbase64(annotations.get(_SIGNATURE), "signature annotation")
            return _bundle(origin, blob, SimpleSigning(blob, signature), signature, annotations)
        if media_type == DSSE_LAYER:
            # cosign has attestations timestamped as whole envelopes, not by their signature
            return _bundle(origin, blob, read_envelope(parse(blob)), blob, annotations)
    except JsonError as error:
        return Refusal(Reason.UNREADABLE, f"not a readable cosign layer: {error}", origin)
    return Refusal(Reason.UNKNOWN_MEDIA_TYPE, f"media type {media_type[:120]!r} is no signature", origin)


def _bundle(
    origin: str, blob: bytes, content: Envelope | SimpleSigning, stamped: bytes, annotations: Mapping[str, str]
) -> Bundle:
    certificate, log, stamp = (annotations.get(name) for name in (_CERTIFICATE, _BUNDLE, _TIMESTAMP))
    return Bundle(
        origin,
        blob,
        content,
        certificate=_unpem(certificate) if certificate else None,
        key_hint=None if certificate else "",
        entries=(_entry(log, content),) if log else (),
        timestamps=(_stamp(stamp),) if stamp else (),
        stamped=stamped,
        promise_suffices=True,
    )


def _unpem(text: str) -> bytes:
    block = _PEM.fullmatch(text)
    if block is None:
        raise JsonError("the certificate annotation is not one PEM certificate")
    return unbase64("".join(block[1].split()), "certificate annotation")


def _entry(text: str, content: Envelope | SimpleSigning) -> LogEntry:
    """cosign's own log annotation: the log's signed promise and what it is over."""
    found = parse(text.encode())
    try:
        payload = found["Payload"]
        body = unbase64(payload["body"], "body")
        about: Any = parse(body)
        index, seconds = payload["logIndex"], payload["integratedTime"]
        if not all(type(number) is int and 0 <= number < 1 << 63 for number in (index, seconds)):
            raise JsonError("the log annotation's numbers are off")
        return LogEntry(
            index=index,
            log_id=bytes.fromhex(payload["logID"]),
            kind=str(about["kind"]),
            version=str(about["apiVersion"]),
            body=body,
            integrated_time=seconds,
            promise=unbase64(found["SignedEntryTimestamp"], "promise"),
            proof=None,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise JsonError(f"the log annotation cannot be read: {error}") from error


def _stamp(text: str) -> bytes:
    found = parse(text.encode())
    if not isinstance(found, dict):
        raise JsonError("the timestamp annotation is not an object")
    return unbase64(found.get("SignedRFC3161Timestamp"), "timestamp annotation")


def check_simple_signing(content: SimpleSigning, digests: Sequence[Digest]) -> None:
    """The signed payload must name the target's digest. Raises NotTaken."""
    try:
        found = parse(content.payload)
        refuse_case_variants(found, ("critical", "optional"))
        critical = found["critical"]
        refuse_case_variants(critical, ("type", "image", "identity"))
        kind, named = critical["type"], critical["image"]["docker-manifest-digest"]
    except (JsonError, KeyError, TypeError, AttributeError) as error:
        raise NotTaken(Reason.STATEMENT_MALFORMED, f"the signed payload cannot be read: {error}") from error
    if kind != _SIGNATURE_TYPE:
        raise NotTaken(Reason.PAYLOAD_TYPE, f"the signed payload is a {str(kind)[:80]!r}, not an image signature")
    if named not in {str(digest) for digest in digests}:
        raise NotTaken(Reason.SUBJECT_MISMATCH, f"the signature is of {str(named)[:140]}, not of {digests[0]}")


def check_two_step(candidate: TwoStep) -> bytes:
    """The one statement that the manifest vouches for by digest. Raises NotTaken."""
    if len(candidate.manifest) > _MAX_MANIFEST:
        raise NotTaken(Reason.TOO_LARGE, "the attestation manifest is too large")
    try:
        listed = parse(candidate.manifest)["layers"]
        named = [
            Digest.parse(layer["digest"]) for layer in listed if layer["mediaType"].partition(";")[0] == PAYLOAD_TYPE
        ]
    except (JsonError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise NotTaken(Reason.UNREADABLE, f"the attestation manifest cannot be read: {error}") from error
    if len(named) != 1:
        raise NotTaken(Reason.STATEMENT_TOO_MANY, f"the attestation manifest holds {len(named)} statements, not one")
    for layer in candidate.layers:
        if len(layer) <= MAX_BUNDLE and Digest.of(layer, named[0].algorithm) == named[0]:
            return layer
    raise NotTaken(Reason.SUBJECT_MISMATCH, "no layer has the digest that the attestation manifest names")
