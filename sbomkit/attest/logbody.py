"""What a log entry is about: its body must name this payload, this signature and this signer, or it proves nothing.

A valid entry for *another* artifact is the attack of CVE-2022-36056 and CVE-2026-22703.
Kinds: https://github.com/sigstore/rekor/tree/main/pkg/types and
https://github.com/sigstore/protobuf-specs/tree/main/protos/rekor/v2
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sbomkit.attest.bundle import LogEntry
from sbomkit.attest.reasons import NotTaken, Reason
from sbomkit.attest.strictjson import JsonError, parse, unbase64

_PEM = re.compile(rb"-----BEGIN (CERTIFICATE|PUBLIC KEY)-----\s([A-Za-z0-9+/=\s]+)-----END \1-----\s*")


@dataclass(frozen=True, slots=True)
class Material:
    """The signature at hand, in the terms that log entries use."""

    signature: bytes
    signer: bytes
    """DER of the leaf certificate, or of the public key."""
    signed_digests: Mapping[str, bytes]
    """Digests of the bytes that were signed: the artifact's, or those of DSSE's encoding."""
    payload: bytes | None = field(default=None, repr=False)
    """The payload of a DSSE envelope."""
    payload_type: str = ""
    envelope: bytes | None = field(default=None, repr=False)
    """The envelope's own bytes, where they are as they were uploaded (cosign's legacy layers)."""


def is_version_2(entry: LogEntry) -> bool:
    return (entry.kind, entry.version) in (("hashedrekord", "0.0.2"), ("dsse", "0.0.2"))


def check_body(entry: LogEntry, material: Material) -> None:
    """Raise NotTaken unless the entry is about exactly this material."""
    check = _CHECKS.get((entry.kind, entry.version))
    if check is None:
        kind = f"{entry.kind} {entry.version}"[:80]
        raise NotTaken(Reason.LOG_ENTRY_UNSUPPORTED, f"log entries of kind {kind!r} are not supported")
    try:
        body = parse(entry.body)
        if (body["kind"], body["apiVersion"]) != (entry.kind, entry.version):
            raise JsonError("the body is of another kind than the bundle says")
        bound = check(body["spec"], material)
    except (JsonError, KeyError, TypeError, IndexError, ValueError) as error:
        raise NotTaken(Reason.LOG_ENTRY_UNBOUND, f"the log entry's body cannot be read: {error}") from error
    if not bound:
        raise NotTaken(Reason.LOG_ENTRY_UNBOUND, "the log entry is about another signature, signer or artifact")


def _hashedrekord_1(spec: Any, material: Material) -> bool:
    digest = spec["data"]["hash"]
    return (
        material.signed_digests.get(digest["algorithm"]) == bytes.fromhex(digest["value"])
        and unbase64(spec["signature"]["content"], "signature") == material.signature
        and _unpem(spec["signature"]["publicKey"]["content"]) == material.signer
    )


def _hashedrekord_2(spec: Any, material: Material) -> bool:
    record = spec["hashedRekordV002"]
    algorithm = {"SHA2_256": "sha256", "SHA2_384": "sha384", "SHA2_512": "sha512"}.get(record["data"]["algorithm"], "")
    return (
        unbase64(record["data"]["digest"], "digest") == material.signed_digests.get(algorithm)
        and unbase64(record["signature"]["content"], "signature") == material.signature
        and _verifier(record["signature"]["verifier"]) == material.signer
    )


def _dsse_1(spec: Any, material: Material) -> bool:
    signatures = spec["signatures"]
    return (
        _is_payload(spec["payloadHash"], material)
        and len(signatures) == 1
        and unbase64(signatures[0]["signature"], "signature") == material.signature
        and _unpem(signatures[0]["verifier"]) == material.signer
    )


def _dsse_2(spec: Any, material: Material) -> bool:
    record = spec["dsseV002"]
    signatures, digest = record["signatures"], record["payloadHash"]
    return (
        material.payload is not None
        and digest["algorithm"] == "SHA2_256"
        and unbase64(digest["digest"], "digest") == hashlib.sha256(material.payload).digest()
        and len(signatures) == 1
        and unbase64(signatures[0]["content"], "signature") == material.signature
        and _verifier(signatures[0]["verifier"]) == material.signer
    )


def _intoto_1(spec: Any, material: Material) -> bool:
    """Names the payload (or the whole envelope, in older entries) and the signer, but not the signature."""
    content = spec["content"]
    digest = content.get("payloadHash")
    if digest is not None:
        bound = _is_payload(digest, material)
    else:
        bound = material.envelope is not None and _is_sha256(content["hash"], material.envelope)
    return bound and _unpem(spec["publicKey"]) == material.signer


def _intoto_2(spec: Any, material: Material) -> bool:
    content = spec["content"]
    envelope = content["envelope"]
    signatures = envelope["signatures"]
    return (
        _is_payload(content["payloadHash"], material)
        and envelope["payloadType"] == material.payload_type
        and len(signatures) == 1
        # base64 of base64: the entry keeps the envelope's text, encoded once more
        and unbase64(unbase64(signatures[0]["sig"], "sig").decode("ascii"), "sig") == material.signature
        and _unpem(signatures[0]["publicKey"]) == material.signer
    )


_CHECKS: dict[tuple[str, str], Callable[[Any, Material], bool]] = {
    ("hashedrekord", "0.0.1"): _hashedrekord_1,
    ("hashedrekord", "0.0.2"): _hashedrekord_2,
    ("dsse", "0.0.1"): _dsse_1,
    ("dsse", "0.0.2"): _dsse_2,
    ("intoto", "0.0.1"): _intoto_1,
    ("intoto", "0.0.2"): _intoto_2,
}


def _is_payload(digest: Any, material: Material) -> bool:
    return material.payload is not None and _is_sha256(digest, material.payload)


def _is_sha256(digest: Any, data: bytes) -> bool:
    return bool(digest["algorithm"] == "sha256" and digest["value"] == hashlib.sha256(data).hexdigest())


def _verifier(found: Any) -> bytes:
    held = found.get("x509Certificate") or found["publicKey"]
    return unbase64(held["rawBytes"], "verifier")


def _unpem(text: object) -> bytes:
    """The DER inside base64 of one PEM block."""
    block = _PEM.fullmatch(unbase64(text, "verifier"))
    if block is None:
        raise JsonError("the verifier is not one PEM certificate or key")
    return base64.b64decode(b"".join(block[2].split()), validate=True)
