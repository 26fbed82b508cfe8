"""Log entries and timestamps for keys that people hold themselves. The HTTP is sigstore's."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sbomkit.attest import algorithms
from sbomkit.attest.bundle import MessageSignature
from sbomkit.attest.dsse import Envelope, envelope_fields
from sbomkit.attest.keys import PublicKey
from sbomkit.attest.target import Target
from sbomkit.errors import CannotCheck, UsageError

if TYPE_CHECKING:
    from sigstore.models import SigningConfig


@dataclass(frozen=True, slots=True)
class Witness:
    """The services of one trust configuration that vouch for a signature by somebody's own key."""

    config: SigningConfig
    with_log: bool = True
    with_timestamp: bool = True

    @property
    def is_version_2(self) -> bool:
        """Does the log take digests, as Rekor v2 does?"""
        from sigstore._internal.rekor.client_v2 import RekorV2Client

        return self.with_log and isinstance(self.config.get_tlogs()[0], RekorV2Client)

    def timestamp(self, signature: bytes) -> tuple[bytes, ...]:
        """RFC 3161 responses over the signature. Raises CannotCheck when no authority answers."""
        from sigstore._internal.timestamp import TimestampError

        if not self.with_timestamp:
            return ()
        authorities = self.config.get_tsas()
        if not authorities:
            raise UsageError("the trust configuration names no timestamp authority")
        try:
            return tuple(authority.request_timestamp(signature).as_bytes() for authority in authorities)
        except TimestampError as error:
            raise CannotCheck(f"the timestamp authority did not answer: {error}") from error

    def log(
        self, key: PublicKey, signature: bytes, signed: Target, content: Envelope | MessageSignature
    ) -> tuple[Mapping[str, Any], ...]:
        """Log entries, in protobuf's JSON. Raises CannotCheck when the log does not answer, UsageError for Ed25519.

        A version 1 log is given the whole envelope, a version 2 log digest and signature only.
        """
        import requests
        from pydantic import ValidationError
        from sigstore._internal.rekor import EntryRequestBody, RekorClientError
        from sigstore.errors import Error

        if not self.with_log:
            return ()
        client = self.config.get_tlogs()[0]
        if self.is_version_2:
            request = _request_v2(key, signature, signed)
        else:
            request = _request_v1(key, signature, signed, content)
        try:
            entry = client.create_entry(EntryRequestBody(request))
        except (RekorClientError, Error, requests.RequestException, ValidationError, ValueError) as error:
            raise CannotCheck(f"the transparency log took no entry: {error}") from error
        return (entry._inner.to_dict(),)


def _digest(key: PublicKey, signed: Target) -> tuple[str, str]:
    """The algorithm and hex of what the key signed."""
    if key.kind == "ed25519":
        raise UsageError(
            "an Ed25519 signature has no digest that this log could hold",
            hint="log it with a key of kind ecdsa-p256, or sign without a log entry",
        )
    name = algorithms.digest_algorithm(key.kind)
    digest = signed.digest(name)
    if digest is None:
        raise UsageError(f"a log entry for this key needs the artifact's {name}")
    return name, digest.hex


def _request_v2(key: PublicKey, signature: bytes, signed: Target) -> dict[str, Any]:
    _, value = _digest(key, signed)
    verifier = {"publicKey": {"rawBytes": _b64(key.der)}, "keyDetails": algorithms.key_details(key.kind)}
    held = {"content": _b64(signature), "verifier": verifier}
    return {"hashedRekordRequestV002": {"digest": _b64(bytes.fromhex(value)), "signature": held}}


def _request_v1(
    key: PublicKey, signature: bytes, signed: Target, content: Envelope | MessageSignature
) -> dict[str, Any]:
    if isinstance(content, Envelope):
        proposed = {"envelope": json.dumps(envelope_fields(content)), "verifiers": [_b64(key.pem)]}
        return {"apiVersion": "0.0.1", "kind": "dsse", "spec": {"proposedContent": proposed}}
    name, value = _digest(key, signed)
    spec = {
        "data": {"hash": {"algorithm": name, "value": value}},
        "signature": {"content": _b64(signature), "publicKey": {"content": _b64(key.pem)}},
    }
    return {"apiVersion": "0.0.1", "kind": "hashedrekord", "spec": spec}


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
