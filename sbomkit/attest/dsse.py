"""DSSE envelopes. https://github.com/secure-systems-lab/dsse/blob/master/envelope.md"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any

from sbomkit.attest.strictjson import JsonError, refuse_case_variants, unbase64

_KEYS = ("payload", "payloadType", "signatures")
_SIGNATURE_KEYS = ("sig", "keyid")
MAX_SIGNATURES = 32


@dataclass(frozen=True, slots=True)
class Envelope:
    """A payload, what kind of payload it claims to be, and the signatures over both."""

    payload: bytes = field(repr=False)
    payload_type: str
    signatures: tuple[bytes, ...]

    def signed_bytes(self) -> bytes:
        return pre_authentication_encoding(self.payload_type, self.payload)


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """The bytes that a DSSE signature is over. https://github.com/secure-systems-lab/dsse/blob/master/protocol.md"""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def read_envelope(found: object) -> Envelope:
    """An envelope from its parsed JSON; fields that DSSE does not have are ignored, as it demands. Raises JsonError."""
    if not isinstance(found, dict):
        raise JsonError("the envelope is not an object")
    refuse_case_variants(found, _KEYS)
    payload_type, signatures = found.get("payloadType"), found.get("signatures")
    if not isinstance(payload_type, str):
        raise JsonError("payloadType is not a string")
    if not isinstance(signatures, list) or len(signatures) > MAX_SIGNATURES:
        raise JsonError(f"signatures is not a list of at most {MAX_SIGNATURES}")
    payload = unbase64(found.get("payload"), "payload", url_safe=True)
    try:
        payload_type.encode()
    except UnicodeEncodeError as error:
        raise JsonError("payloadType is not Unicode text") from error
    return Envelope(payload, payload_type, tuple(map(_signature, signatures)))


def _signature(found: object) -> bytes:
    if not isinstance(found, dict):
        raise JsonError("a signature is not an object")
    refuse_case_variants(found, _SIGNATURE_KEYS)
    return unbase64(found.get("sig"), "signature", url_safe=True)


def envelope_fields(envelope: Envelope) -> dict[str, Any]:
    """The envelope as JSON fields, in the order in which they are written."""
    return {
        "payload": base64.b64encode(envelope.payload).decode(),
        "payloadType": envelope.payload_type,
        "signatures": [{"sig": base64.b64encode(signature).decode()} for signature in envelope.signatures],
    }
