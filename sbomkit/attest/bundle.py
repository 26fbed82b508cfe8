"""Sigstore bundles: everything that came with a signature, read strictly and not yet believed.

Format: https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_bundle.proto (v0.1 to v0.3, JSON only)
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from sbomkit.attest.dsse import Envelope, envelope_fields, read_envelope
from sbomkit.attest.reasons import NotTaken, Reason, Refusal
from sbomkit.attest.strictjson import JsonError, parse, refuse_unknown, unbase64

MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_VERSIONS = {
    "application/vnd.dev.sigstore.bundle+json;version=0.1": 1,
    "application/vnd.dev.sigstore.bundle+json;version=0.2": 2,
    "application/vnd.dev.sigstore.bundle+json;version=0.3": 3,
    MEDIA_TYPE: 3,
}

MAX_BUNDLE = 80 << 20
"""Bytes of one bundle that are read at most; room for a 55 MB statement in base64."""
MAX_LINES = 1000
MAX_TIMESTAMPS = 32
MAX_LOG_ENTRIES = 32
_MAX_PROOF = 64

_KEYS = ("mediaType", "verificationMaterial", "dsseEnvelope", "messageSignature")
_MATERIAL_KEYS = ("certificate", "x509CertificateChain", "publicKey", "tlogEntries", "timestampVerificationData")
_ENTRY_KEYS = (
    "logIndex",
    "logId",
    "kindVersion",
    "integratedTime",
    "inclusionPromise",
    "inclusionProof",
    "canonicalizedBody",
)
# the fields of each message, by the name of the field that holds it
_FIELDS = {
    "verificationMaterial": _MATERIAL_KEYS,
    "messageDigest": ("algorithm", "digest"),
    "publicKey": ("hint",),
    "certificate": ("rawBytes",),
    "x509CertificateChain": ("certificates",),
    "timestampVerificationData": ("rfc3161Timestamps",),
    "kindVersion": ("kind", "version"),
    "logId": ("keyId",),
    "inclusionPromise": ("signedEntryTimestamp",),
    "inclusionProof": ("logIndex", "rootHash", "treeSize", "hashes", "checkpoint"),
    "checkpoint": ("envelope",),
}


@dataclass(frozen=True, slots=True)
class MessageSignature:
    """A signature straight over an artifact. The digest is the bundle's own word, a hint until it is compared."""

    signature: bytes
    algorithm: str = ""
    digest: bytes = b""


@dataclass(frozen=True, slots=True)
class SimpleSigning:
    """cosign's older image signature: a signed payload that names a manifest digest.

    https://github.com/containers/image/blob/main/docs/containers-signature.5.md
    """

    payload: bytes = field(repr=False)
    signature: bytes


@dataclass(frozen=True, slots=True)
class InclusionProof:
    index: int
    size: int
    root: bytes
    hashes: tuple[bytes, ...]
    checkpoint: str


@dataclass(frozen=True, slots=True)
class LogEntry:
    """What a transparency log said about a signature: the entry's body, and its proof or promise."""

    index: int
    log_id: bytes
    kind: str
    version: str
    body: bytes = field(repr=False)
    integrated_time: int | None
    promise: bytes | None
    proof: InclusionProof | None


@dataclass(frozen=True, slots=True)
class Bundle:
    """One signature with all that came with it. `origin` says where it was found, for people."""

    origin: str
    raw: bytes = field(repr=False)
    content: Envelope | MessageSignature | SimpleSigning
    certificate: bytes | None = None
    """The leaf certificate, DER."""
    key_hint: str | None = None
    entries: tuple[LogEntry, ...] = ()
    timestamps: tuple[bytes, ...] = ()
    stamped: bytes = field(default=b"", repr=False)
    """The bytes that the timestamps are over."""
    promise_suffices: bool = False
    """True for formats that predate inclusion proofs (v0.1, cosign's annotations)."""


def read_bundle(raw: bytes, origin: str = "") -> Bundle | Refusal:
    """Read one bundle. A bundle that cannot be read is a Refusal whose `unchecked` is true."""
    try:
        return _read(raw, origin)
    except NotTaken as refusal:
        return refusal.refusal(origin)
    except JsonError as error:
        return Refusal(Reason.UNREADABLE, f"not a readable bundle: {error}", origin)


def read_bundles(raw: bytes, origin: str = "") -> Iterator[Bundle | Refusal]:
    """Read a file that holds one bundle, or one to a line (JSON lines, as `gh attestation download` writes them)."""
    lines = [line for line in raw.split(b"\n", MAX_LINES) if line.strip()] if len(raw) <= MAX_BUNDLE else []
    if len(lines) < 2 or not _is_object(lines[0]):
        yield read_bundle(raw, origin)
        return
    if len(lines) > MAX_LINES:
        yield Refusal(Reason.TOO_LARGE, f"more than {MAX_LINES} bundles in one file", origin)
        return
    for number, line in enumerate(lines, 1):
        yield read_bundle(line, f"{origin}:{number}" if origin else f"line {number}")


def _is_object(line: bytes) -> bool:
    """A line that is a whole JSON object, not the first line of a pretty-printed one."""
    return line.lstrip().startswith(b"{") and line.rstrip().endswith(b"}")


def _read(raw: bytes, origin: str) -> Bundle:
    if len(raw) > MAX_BUNDLE:
        raise NotTaken(Reason.TOO_LARGE, f"the bundle has {len(raw)} bytes, and at most {MAX_BUNDLE} are read")
    found = parse(raw)
    if not isinstance(found, dict):
        raise JsonError("not a JSON object")
    if "_type" in found and "mediaType" not in found:
        raise NotTaken(Reason.NOT_SIGNED, "an in-toto statement by itself, which nobody has signed")
    refuse_unknown(found, _KEYS)
    version = _VERSIONS.get(_text(found, "mediaType", missing=""))
    if version is None:
        kind = str(found.get("mediaType"))[:120]
        raise NotTaken(Reason.UNKNOWN_MEDIA_TYPE, f"media type {kind!r} is no bundle that is known here")
    material = _object(found, "verificationMaterial")
    content, stamped = _content(found)
    certificate, hint = _signer(material, version)
    entries = _list(material, "tlogEntries")
    if len(entries) > MAX_LOG_ENTRIES:
        raise NotTaken(Reason.LOG_ENTRIES_TOO_MANY, f"{len(entries)} log entries, at most {MAX_LOG_ENTRIES} are read")
    return Bundle(
        origin,
        raw,
        content,
        certificate,
        hint,
        tuple(map(read_log_entry, entries)),
        _timestamps(material),
        stamped,
        promise_suffices=version == 1,
    )


def _content(found: Mapping[str, Any]) -> tuple[Envelope | MessageSignature, bytes]:
    envelope, message = found.get("dsseEnvelope"), found.get("messageSignature")
    if (envelope is None) == (message is None):
        raise JsonError("neither or both of dsseEnvelope and messageSignature")
    if isinstance(envelope, dict):
        _strict_envelope(envelope)
    if envelope is not None:
        read = read_envelope(envelope)
        return read, read.signatures[0] if read.signatures else b""
    if not isinstance(message, dict):
        raise JsonError("messageSignature is not an object")
    refuse_unknown(message, ("messageDigest", "signature"))
    signature = unbase64(message.get("signature"), "signature")
    digest = _object(message, "messageDigest")
    if not digest:
        return MessageSignature(signature), signature
    return MessageSignature(signature, _text(digest, "algorithm"), unbase64(digest.get("digest"), "digest")), signature


def _strict_envelope(found: Mapping[str, Any]) -> None:
    refuse_unknown(found, ("payload", "payloadType", "signatures"))
    for signature in _list(found, "signatures"):
        if isinstance(signature, dict):
            refuse_unknown(signature, ("sig", "keyid"))


def _signer(material: Mapping[str, Any], version: int) -> tuple[bytes | None, str | None]:
    """The leaf certificate or the key's hint: exactly one, in the field that the version has for it."""
    given = [name for name in ("certificate", "x509CertificateChain", "publicKey") if material.get(name) is not None]
    if len(given) != 1:
        raise JsonError(f"verificationMaterial names {len(given)} signers instead of one")
    if given == ["publicKey"]:
        hint = _object(material, "publicKey").get("hint", "")
        if not isinstance(hint, str):
            raise JsonError("the key's hint is not a string")
        return None, hint
    if (version == 3) != (given == ["certificate"]):
        raise JsonError(f"a bundle v0.{version} has no field {given[0]}")
    if version == 3:
        return unbase64(_object(material, "certificate").get("rawBytes"), "certificate"), None
    chain = _list(_object(material, "x509CertificateChain"), "certificates")
    if not chain:
        raise JsonError("the certificate chain is empty")
    return unbase64(_only(chain[0], "rawBytes"), "certificate"), None


def _timestamps(material: Mapping[str, Any]) -> tuple[bytes, ...]:
    listed = _list(_object(material, "timestampVerificationData"), "rfc3161Timestamps")
    if len(listed) > MAX_TIMESTAMPS:
        raise NotTaken(Reason.TIMESTAMPS_TOO_MANY, f"{len(listed)} timestamps, and at most {MAX_TIMESTAMPS} are read")
    return tuple(unbase64(_only(stamp, "signedTimestamp"), "timestamp") for stamp in listed)


def _only(found: object, name: str) -> object:
    """The value of a message with one field."""
    if not isinstance(found, dict) or list(found) != [name]:
        raise JsonError(f"not an object with the one field {name}")
    return found[name]


def read_log_entry(found: object) -> LogEntry:
    """A TransparencyLogEntry from its parsed JSON. Raises JsonError."""
    if not isinstance(found, dict):
        raise JsonError("a log entry is not an object")
    refuse_unknown(found, _ENTRY_KEYS)
    kind, promise, proof = (_object(found, name) for name in ("kindVersion", "inclusionPromise", "inclusionProof"))
    return LogEntry(
        index=_number(found, "logIndex"),
        log_id=unbase64(_object(found, "logId").get("keyId"), "log id"),
        kind=_text(kind, "kind"),
        version=_text(kind, "version"),
        body=unbase64(found.get("canonicalizedBody"), "canonicalizedBody"),
        integrated_time=_number(found, "integratedTime") or None,
        promise=unbase64(promise.get("signedEntryTimestamp"), "promise") if promise else None,
        proof=_proof(proof) if proof else None,
    )


def _proof(found: Mapping[str, Any]) -> InclusionProof:
    hashes = _list(found, "hashes")
    if len(hashes) > _MAX_PROOF:
        raise JsonError("the inclusion proof is longer than any tree is deep")
    return InclusionProof(
        index=_number(found, "logIndex"),
        size=_number(found, "treeSize"),
        root=unbase64(found.get("rootHash"), "root hash"),
        hashes=tuple(unbase64(node, "proof hash") for node in hashes),
        checkpoint=_text(_object(found, "checkpoint"), "envelope", missing=""),
    )


def _object(found: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = found.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise JsonError(f"{name} is not an object")
    refuse_unknown(value, _FIELDS[name])
    return value


def _list(found: Mapping[str, Any], name: str) -> list[Any]:
    value = found.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise JsonError(f"{name} is not a list")
    return value


def _text(found: Mapping[str, Any], name: str, *, missing: str | None = None) -> str:
    value = found.get(name, missing)
    if not isinstance(value, str):
        raise JsonError(f"{name} is not a string")
    return value


def _number(found: Mapping[str, Any], name: str) -> int:
    """A 64 bit number, which protobuf's JSON writes as a string; absent is zero."""
    value = found.get(name, 0)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 19:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 63:
        raise JsonError(f"{name} is not a number of 63 bits")
    return value


def write_bundle(
    content: Envelope | MessageSignature,
    signer: Mapping[str, Any],
    entries: tuple[Mapping[str, Any], ...] = (),
    timestamps: tuple[bytes, ...] = (),
) -> bytes:
    """Encode a v0.3 bundle. `signer` is the material's signer field, `entries` are log entries in protobuf's JSON."""
    material: dict[str, Any] = {**signer, "tlogEntries": list(entries)}
    if timestamps:
        stamps = [{"signedTimestamp": base64.b64encode(stamp).decode()} for stamp in timestamps]
        material["timestampVerificationData"] = {"rfc3161Timestamps": stamps}
    document: dict[str, Any] = {"mediaType": MEDIA_TYPE, "verificationMaterial": material}
    if isinstance(content, Envelope):
        document["dsseEnvelope"] = envelope_fields(content)
    else:
        digest = {"algorithm": content.algorithm, "digest": base64.b64encode(content.digest).decode()}
        signature = base64.b64encode(content.signature).decode()
        document["messageSignature"] = {"messageDigest": digest, "signature": signature}
    return orjson.dumps(document)
