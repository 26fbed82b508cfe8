"""Two transparency logs over one Merkle tree: Rekor v1 (signed promises) and v2 (checkpoints only).

v1 entry kinds: https://github.com/sigstore/rekor/tree/main/pkg/types
v2: https://github.com/sigstore/rekor-tiles/blob/main/CLIENTS.md
"""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
import time
from typing import Any

import rfc8785
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

from tests.sigstore_service.encoding import b64, sha256, spki, unb64
from tests.sigstore_service.faults import Faults
from tests.sigstore_service.merkle import Inclusion, MerkleTree

_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


class Rekor:
    def __init__(self, origin: str, version: int, faults: Faults) -> None:
        self.version = version
        self._origin = origin
        self._faults = faults
        self._lock = threading.Lock()
        self._tree = MerkleTree()
        self._bodies: list[bytes] = []
        self._ecdsa = ec.generate_private_key(ec.SECP256R1())
        self._ed25519 = ed25519.Ed25519PrivateKey.generate()

    @property
    def public_key(self) -> bytes:
        return spki(self._ecdsa.public_key() if self.version == 1 else self._ed25519.public_key())

    @property
    def key_details(self) -> str:
        return "PKIX_ECDSA_P256_SHA_256" if self.version == 1 else "PKIX_ED25519"

    @property
    def log_id(self) -> bytes:
        if self.version == 1:
            return sha256(self.public_key)
        # the key hash of a signed note: name, newline, algorithm byte, raw key
        return sha256(self._origin.encode() + b"\n\x01" + self._ed25519.public_key().public_bytes_raw())

    def __len__(self) -> int:
        return len(self._bodies)

    def add_v1(self, raw: bytes) -> dict[str, Any]:
        entry = json.loads(raw)
        if entry["kind"] == "dsse":
            entry = self._dsse(entry["spec"]["proposedContent"])
        elif entry["kind"] == "hashedrekord":
            spec = entry["spec"]
            digest = spec["data"]["hash"]
            key = _load_verifier(unb64(spec["signature"]["publicKey"]["content"]))
            _check(
                key, unb64(spec["signature"]["content"]), bytes.fromhex(digest["value"]), _HASHES[digest["algorithm"]]
            )
        else:
            raise ValueError(f"entries of kind {entry['kind']} are not taken")
        return self.append_v1(entry)

    def append_v1(self, entry: dict[str, Any]) -> dict[str, Any]:
        """Log an entry as it is, unchecked."""
        body, proof = self._append(rfc8785.dumps(entry))
        seconds = int(time.time() + self._faults.log_shift.total_seconds())
        promised: dict[str, Any] = {
            "body": b64(body),
            "integratedTime": seconds,
            "logID": self.log_id.hex(),
            "logIndex": proof.index,
        }
        key = ec.generate_private_key(ec.SECP256R1()) if self._faults.forge_promise else self._ecdsa
        inclusion = {
            "logIndex": proof.index,
            "rootHash": proof.root.hex(),
            "treeSize": proof.size,
            "hashes": [node.hex() for node in proof.path],
            "checkpoint": self._checkpoint(proof),
        }
        promise = b64(key.sign(rfc8785.dumps(promised), ec.ECDSA(hashes.SHA256())))
        return {
            secrets.token_hex(40): {
                **promised,
                "verification": {"signedEntryTimestamp": promise, "inclusionProof": inclusion},
            }
        }

    def add_v2(self, raw: bytes) -> dict[str, Any]:
        request = json.loads(raw)["hashedRekordRequestV002"]
        verifier = request["signature"]["verifier"]
        key = _load_verifier(unb64((verifier.get("x509Certificate") or verifier["publicKey"])["rawBytes"]))
        size = {"PKIX_ECDSA_P384_SHA_384": 384}.get(verifier["keyDetails"], 256)
        digest = unb64(request["digest"])
        _check(key, unb64(request["signature"]["content"]), digest, _HASHES[f"sha{size}"])
        data = {"algorithm": f"SHA2_{size}", "digest": request["digest"]}
        spec = {"hashedRekordV002": {"data": data, "signature": request["signature"]}}
        entry: dict[str, Any] = {"apiVersion": "0.0.2", "kind": "hashedrekord", "spec": spec}
        body, proof = self._append(rfc8785.dumps(entry))
        return {
            "logIndex": str(proof.index),
            "logId": {"keyId": b64(self.log_id)},
            "kindVersion": {"kind": "hashedrekord", "version": "0.0.2"},
            "inclusionProof": {
                "logIndex": str(proof.index),
                "rootHash": b64(proof.root),
                "treeSize": str(proof.size),
                "hashes": [b64(node) for node in proof.path],
                "checkpoint": {"envelope": self._checkpoint(proof)},
            },
            "canonicalizedBody": b64(body),
        }

    def _append(self, body: bytes) -> tuple[bytes, Inclusion]:
        with self._lock:
            replay = self._faults.replay_index
            if replay is not None:
                return self._bodies[replay], self._tree.prove(replay)
            self._bodies.append(body)
            return body, self._tree.append(body)

    def _checkpoint(self, proof: Inclusion) -> str:
        """A signed note. https://github.com/C2SP/C2SP/blob/main/tlog-checkpoint.md"""
        text = f"{self._origin}\n{proof.size}\n{b64(proof.root)}\n"
        signed = (text + "x" if self._faults.forge_checkpoint else text).encode()
        if self.version == 1:
            signature = self._ecdsa.sign(signed, ec.ECDSA(hashes.SHA256()))
        else:
            signature = self._ed25519.sign(signed)
        return f"{text}\n\u2014 {self._origin} {b64(self.log_id[:4] + signature)}\n"

    def _dsse(self, proposed: dict[str, Any]) -> dict[str, Any]:
        envelope = json.loads(proposed["envelope"])
        payload = unb64(envelope["payload"])
        kind = envelope["payloadType"].encode()
        pae = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
        for signature, verifier in zip(envelope["signatures"], proposed["verifiers"], strict=True):
            _check_message(_load_verifier(unb64(verifier)), unb64(signature["sig"]), pae)
        if self._faults.intoto_entries:
            return _intoto(envelope, payload, proposed)
        signatures = [
            {"signature": signature["sig"], "verifier": verifier}
            for signature, verifier in zip(envelope["signatures"], proposed["verifiers"], strict=True)
        ]
        spec = {
            "envelopeHash": _sha256_value(proposed["envelope"].encode()),
            "payloadHash": _sha256_value(payload),
            "signatures": signatures,
        }
        return {"apiVersion": "0.0.1", "kind": "dsse", "spec": spec}


def bundle_entry(response: dict[str, Any]) -> dict[str, Any]:
    """What Rekor v1 answered, in the form that bundles hold; for entry kinds that no client of ours uploads."""
    (entry,) = response.values()
    body = json.loads(unb64(entry["body"]))
    proof = entry["verification"]["inclusionProof"]
    return {
        "logIndex": str(entry["logIndex"]),
        "logId": {"keyId": b64(bytes.fromhex(entry["logID"]))},
        "kindVersion": {"kind": body["kind"], "version": body["apiVersion"]},
        "integratedTime": str(entry["integratedTime"]),
        "inclusionPromise": {"signedEntryTimestamp": entry["verification"]["signedEntryTimestamp"]},
        "inclusionProof": {
            "logIndex": str(proof["logIndex"]),
            "rootHash": b64(bytes.fromhex(proof["rootHash"])),
            "treeSize": str(proof["treeSize"]),
            "hashes": [b64(bytes.fromhex(node)) for node in proof["hashes"]],
            "checkpoint": {"envelope": proof["checkpoint"]},
        },
        "canonicalizedBody": entry["body"],
    }


def _intoto(envelope: dict[str, Any], payload: bytes, proposed: dict[str, Any]) -> dict[str, Any]:
    signatures = [
        {"publicKey": verifier, "sig": b64(signature["sig"].encode())}
        for signature, verifier in zip(envelope["signatures"], proposed["verifiers"], strict=True)
    ]
    content = {
        "envelope": {"payloadType": envelope["payloadType"], "signatures": signatures},
        "hash": _sha256_value(proposed["envelope"].encode()),
        "payloadHash": _sha256_value(payload),
    }
    return {"apiVersion": "0.0.2", "kind": "intoto", "spec": {"content": content}}


def _sha256_value(data: bytes) -> dict[str, str]:
    return {"algorithm": "sha256", "value": hashlib.sha256(data).hexdigest()}


def _load_verifier(raw: bytes) -> Any:
    """The public key of a PEM or DER certificate or key."""
    if raw.startswith(b"-----BEGIN CERTIFICATE"):
        return x509.load_pem_x509_certificate(raw).public_key()
    if raw.startswith(b"-----BEGIN PUBLIC"):
        return serialization.load_pem_public_key(raw)
    try:
        return serialization.load_der_public_key(raw)
    except ValueError:
        return x509.load_der_x509_certificate(raw).public_key()


def _check(key: Any, signature: bytes, digest: bytes, algorithm: hashes.HashAlgorithm) -> None:
    """Raise InvalidSignature unless `key` signed a message with this digest."""
    if isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signature, digest, ec.ECDSA(utils.Prehashed(algorithm)))
    elif isinstance(key, rsa.RSAPublicKey):
        key.verify(signature, digest, padding.PKCS1v15(), utils.Prehashed(algorithm))
    else:
        raise ValueError(f"{type(key).__name__} cannot sign a digest")


def _check_message(key: Any, signature: bytes, message: bytes) -> None:
    """Rekor v1 checks every DSSE signature by SHA-256, whatever the curve."""
    if isinstance(key, ed25519.Ed25519PublicKey):
        key.verify(signature, message)
    else:
        _check(key, signature, sha256(message), hashes.SHA256())
