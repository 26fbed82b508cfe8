"""cosign's tags and Docker Hardened Images' two steps, written by hand from their specifications."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from rfc3161_client import TimestampRequestBuilder
from rfc3161_client.base import HashAlgorithm

from sbomkit.attest import (
    IdentityPolicy,
    KeylessSigner,
    KeyPolicy,
    KeySigner,
    PrivateKey,
    Reason,
    Refusal,
    Target,
    TrustConfig,
    TwoStep,
    attest,
    build_statement,
    generate_key,
    load_trusted_roots,
    read_bundle,
    read_legacy_layer,
    verify,
)
from sbomkit.attest.algorithms import sign
from sbomkit.attest.bundle import Bundle, LogEntry
from sbomkit.attest.legacy import DSSE_LAYER, SIMPLE_SIGNING
from sbomkit.attest.policy import Who
from sbomkit.attest.predicates import COSIGN_SIGN, CYCLONEDX
from sbomkit.model.digest import Digest
from tests.sigstore_service import SigstoreService
from tests.sigstore_service.encoding import b64, pem, sha256
from tests.sigstore_service.rekor import bundle_entry

IMAGE = Digest.of(b"image")
TARGET = Target.of_digest(IMAGE)
KEY = generate_key()
KEYS = KeyPolicy((generate_key().public, KEY.public))


def simple(digest: object, kind: str = "cosign container image signature") -> bytes:
    critical = {"identity": {"docker-reference": "app"}, "image": {"docker-manifest-digest": str(digest)}, "type": kind}
    return json.dumps({"critical": critical, "optional": None}).encode()


def layer(payload: bytes, key: PrivateKey = KEY, **annotations: str) -> Bundle | Refusal:
    signature = {"dev.cosignproject.cosign/signature": b64(sign(key, payload))}
    return read_legacy_layer(SIMPLE_SIGNING, payload, {**signature, **annotations}, "sha256-x.sig")


def reasons(candidate: Any, target: Target = TARGET, who: Who = KEYS, **words: Any) -> list[Reason]:
    return [refusal.reason for refusal in verify([candidate], target, who, **words).refusals]


def test_a_signature_tag_by_a_key() -> None:
    assert reasons(layer(simple(IMAGE))) == []
    assert reasons(layer(simple(Digest.of(b"other")))) == [Reason.SUBJECT_MISMATCH]
    assert reasons(layer(simple(str(IMAGE).upper()))) == [Reason.SUBJECT_MISMATCH]
    assert reasons(layer(simple(IMAGE, "atomic container signature"))) == [Reason.PAYLOAD_TYPE]
    assert reasons(layer(simple(IMAGE), generate_key())) == [Reason.WRONG_KEY]
    assert reasons(layer(b"{}")) == [Reason.STATEMENT_MALFORMED]
    assert reasons(layer(b"[]")) == [Reason.STATEMENT_MALFORMED]
    assert reasons(layer(simple(IMAGE)[:-1] + b',"critical":{}}')) == [Reason.STATEMENT_MALFORMED]
    assert reasons(layer(simple(IMAGE)), predicate_type="cyclonedx") == [Reason.PREDICATE_TYPE_MISMATCH]


@pytest.mark.parametrize(
    "annotations",
    [
        {"dev.sigstore.cosign/bundle": "{}"},
        {"dev.sigstore.cosign/bundle": "["},
        {"dev.sigstore.cosign/bundle": '{"SignedEntryTimestamp":"","Payload":{"body":"e30="}}'},
        {"dev.sigstore.cosign/certificate": "nonsense"},
        {"dev.sigstore.cosign/rfc3161timestamp": "[]"},
        {"dev.sigstore.cosign/rfc3161timestamp": '{"SignedRFC3161Timestamp":1}'},
        {"dev.cosignproject.cosign/signature": "%"},
    ],
)
def test_annotations_that_cannot_be_read(annotations: dict[str, str]) -> None:
    found = layer(simple(IMAGE), KEY, **annotations)
    assert isinstance(found, Refusal)
    assert found.reason is Reason.UNREADABLE


def test_layers_that_are_no_signature() -> None:
    assert reasons(read_legacy_layer("text/plain", b"", {}, "x")) == [Reason.UNKNOWN_MEDIA_TYPE]
    assert reasons(read_legacy_layer(SIMPLE_SIGNING, b"{}", {}, "x")) == [Reason.UNREADABLE]
    assert reasons(read_legacy_layer(DSSE_LAYER, b"[]", {}, "x")) == [Reason.UNREADABLE]


def log_annotation(entry: LogEntry) -> str:
    """cosign's form of a log entry: the promise, and what it is over."""
    promise = b64(entry.promise or b"")
    payload = {
        "body": b64(entry.body),
        "integratedTime": entry.integrated_time,
        "logIndex": entry.index,
        "logID": entry.log_id.hex(),
    }
    return json.dumps({"SignedEntryTimestamp": promise, "Payload": payload})


def certificate_annotation(bundle: Bundle) -> str:
    text = base64.encodebytes(bundle.certificate or b"").decode()
    return f"-----BEGIN CERTIFICATE-----\n{text}-----END CERTIFICATE-----\n"


def keyless(service: SigstoreService) -> tuple[KeylessSigner, IdentityPolicy, dict[str, Any]]:
    config = TrustConfig.of(json.dumps(service.trust_config()).encode())
    who = IdentityPolicy.of(identity="ci@example.com", issuer=service.url)
    return KeylessSigner(config, service.token()), who, {"trusted_roots": config.trusted_roots()}


def test_keyless_tags(sigstore_v1: SigstoreService) -> None:
    signer, who, words = keyless(sigstore_v1)
    signed = attest(signer, TARGET, "cyclonedx", b"{}")
    envelope = json.dumps(json.loads(signed.raw)["dsseEnvelope"]).encode()
    notes = {
        "dev.sigstore.cosign/certificate": certificate_annotation(signed),
        "dev.sigstore.cosign/bundle": log_annotation(signed.entries[0]),
    }
    attestation = read_legacy_layer(DSSE_LAYER, envelope, notes, "sha256-x.att")
    assert reasons(attestation, who=who, predicate_type="cyclonedx", **words) == []
    other = Target.of_digest(Digest.of(b"other"))
    assert reasons(attestation, other, who, **words) == [Reason.SUBJECT_MISMATCH]
    payload = simple(IMAGE)
    plain = signer.sign_target(Target.of_bytes(payload))
    notes = {
        "dev.cosignproject.cosign/signature": b64(plain.stamped),
        "dev.sigstore.cosign/certificate": certificate_annotation(plain),
        "dev.sigstore.cosign/bundle": log_annotation(plain.entries[0]),
    }
    assert reasons(read_legacy_layer(SIMPLE_SIGNING, payload, notes, "sha256-x.sig"), who=who, **words) == []
    # the promise of another signature's entry
    notes["dev.sigstore.cosign/bundle"] = log_annotation(signed.entries[0])
    swapped = read_legacy_layer(SIMPLE_SIGNING, payload, notes, "sha256-x.sig")
    assert reasons(swapped, who=who, **words) == [Reason.LOG_ENTRY_UNBOUND]


def timestamp_annotation(service: SigstoreService, message: bytes) -> str:
    query = TimestampRequestBuilder().data(message).hash_algorithm(HashAlgorithm.SHA256).build().as_bytes()
    return json.dumps({"SignedRFC3161Timestamp": b64(service.tsa.reply(query))})


def test_timestamps_of_tags(sigstore_v2: SigstoreService) -> None:
    """cosign has a signature stamped by its bytes, an attestation by its whole envelope."""
    roots = load_trusted_roots(json.dumps(sigstore_v2.trusted_root()).encode())
    who = KeyPolicy((KEY.public,), require_timestamp=True)
    payload = simple(IMAGE)
    signature = sign(KEY, payload)
    stamp, other = (timestamp_annotation(sigstore_v2, message) for message in (signature, payload))
    notes = {"dev.cosignproject.cosign/signature": b64(signature)}
    for text, expected in ((stamp, []), (other, [Reason.TIMESTAMP_INVALID])):
        found = read_legacy_layer(SIMPLE_SIGNING, payload, {**notes, "dev.sigstore.cosign/rfc3161timestamp": text})
        assert reasons(found, who=who, trusted_roots=roots) == expected
    signed = attest(KeySigner.of(KEY), TARGET, "cyclonedx", b"{}")
    envelope = json.dumps(json.loads(signed.raw)["dsseEnvelope"]).encode()
    stamp, other = (timestamp_annotation(sigstore_v2, message) for message in (envelope, signed.stamped))
    for text, expected in ((stamp, []), (other, [Reason.TIMESTAMP_INVALID])):
        found = read_legacy_layer(DSSE_LAYER, envelope, {"dev.sigstore.cosign/rfc3161timestamp": text})
        assert reasons(found, who=who, trusted_roots=roots) == expected


def test_older_intoto_entries(sigstore_v1: SigstoreService) -> None:
    """intoto 0.0.1 names payload or envelope, and the signer; made here by hand, since no client uploads it now."""
    signer, who, words = keyless(sigstore_v1)
    signed = attest(signer, TARGET, "cyclonedx", b"{}")
    envelope = json.dumps(json.loads(signed.raw)["dsseEnvelope"]).encode()
    from cryptography import x509

    armoured = pem(x509.load_der_x509_certificate(signed.certificate or b"")).encode()
    payload = base64.b64decode(json.loads(envelope)["payload"])
    for content, bound in (
        ({"hash": {"algorithm": "sha256", "value": sha256(envelope).hex()}}, True),
        ({"payloadHash": {"algorithm": "sha256", "value": sha256(payload).hex()}}, True),
        ({"hash": {"algorithm": "sha256", "value": "0" * 64}}, False),
        ({"payloadHash": {"algorithm": "sha256", "value": "0" * 64}}, False),
    ):
        body = {"apiVersion": "0.0.1", "kind": "intoto", "spec": {"content": content, "publicKey": b64(armoured)}}
        entry = bundle_entry(sigstore_v1.rekor.append_v1(body))
        number = {"integratedTime": int(entry["integratedTime"]), "logIndex": int(entry["logIndex"])}
        log_id = base64.b64decode(entry["logId"]["keyId"]).hex()
        payload_note = {"body": entry["canonicalizedBody"], "logID": log_id, **number}
        promise = entry["inclusionPromise"]["signedEntryTimestamp"]
        notes = {
            "dev.sigstore.cosign/certificate": armoured.decode(),
            "dev.sigstore.cosign/bundle": json.dumps({"SignedEntryTimestamp": promise, "Payload": payload_note}),
        }
        layer = read_legacy_layer(DSSE_LAYER, envelope, notes, "sha256-x.att")
        assert reasons(layer, who=who, **words) == ([] if bound else [Reason.LOG_ENTRY_UNBOUND])


def test_older_bundles_hold_a_chain(sigstore_v1: SigstoreService) -> None:
    signer, who, words = keyless(sigstore_v1)
    newer = json.loads(attest(signer, TARGET, "cyclonedx", b"{}").raw)
    material = newer["verificationMaterial"]
    material["x509CertificateChain"] = {"certificates": [material.pop("certificate")]}
    for version in ("0.1", "0.2"):
        newer["mediaType"] = f"application/vnd.dev.sigstore.bundle+json;version={version}"
        assert reasons(read_bundle(json.dumps(newer).encode()), who=who, **words) == []
    # only v0.1 predates inclusion proofs
    del material["tlogEntries"][0]["inclusionProof"]
    assert reasons(read_bundle(json.dumps(newer).encode()), who=who, **words) == [Reason.LOG_PROOF_INVALID]
    newer["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.1"
    assert reasons(read_bundle(json.dumps(newer).encode()), who=who, **words) == []
    newer["mediaType"] = "application/vnd.dev.sigstore.bundle.v0.3+json"
    assert reasons(read_bundle(json.dumps(newer).encode()), who=who, **words) == [Reason.UNREADABLE]


# --- Docker Hardened Images: the statement is not signed, the manifest that holds it is ------------------------------

STATEMENT = build_statement([("app", [IMAGE])], f"{CYCLONEDX}/v1.6", b'{"bomFormat":"CycloneDX"}').raw


def manifest(*layers: bytes) -> bytes:
    listed = [
        {"mediaType": "application/vnd.in-toto+json", "digest": str(Digest.of(layer)), "size": len(layer)}
        for layer in layers
    ]
    return json.dumps({"schemaVersion": 2, "artifactType": "application/vnd.in-toto+json", "layers": listed}).encode()


def two_step(signed: bytes, *signatures: Bundle | Refusal, layers: tuple[bytes, ...] = (STATEMENT,)) -> TwoStep:
    held = tuple(signature for signature in signatures if isinstance(signature, Bundle))
    return TwoStep("sha256:attestation", signed, layers, held)


def test_two_steps_with_simple_signing() -> None:
    signed = manifest(STATEMENT)
    right = layer(simple(Digest.of(signed)))
    outcome = verify([two_step(signed, right)], TARGET, KEYS, predicate_type="cyclonedx")
    (verified,) = outcome.require()
    assert verified.predicate == {"bomFormat": "CycloneDX"}
    assert verified.target == TARGET
    wrong = layer(simple(IMAGE))
    assert reasons(two_step(signed, wrong)) == [Reason.SUBJECT_MISMATCH]
    assert reasons(two_step(signed, wrong, right)) == []
    assert reasons(two_step(signed)) == [Reason.NOT_SIGNED]
    assert reasons(two_step(signed, layer(simple(Digest.of(signed)), generate_key()))) == [Reason.WRONG_KEY]
    assert reasons(two_step(signed, right), Target.of_digest(Digest.of(b"other"))) == [Reason.SUBJECT_MISMATCH]
    assert reasons(two_step(signed, right), predicate_type="spdx") == [Reason.PREDICATE_TYPE_MISMATCH]


def test_two_steps_hold_the_statement_by_digest() -> None:
    signed = manifest(STATEMENT)
    right = layer(simple(Digest.of(signed)))
    other = STATEMENT.replace(b"CycloneDX", b"CycloneDY")
    assert reasons(two_step(signed, right, layers=(other,))) == [Reason.SUBJECT_MISMATCH]
    assert reasons(two_step(manifest(other), right, layers=(other,))) == [Reason.SUBJECT_MISMATCH]
    both = manifest(STATEMENT, other)
    assert reasons(two_step(both, layer(simple(Digest.of(both))))) == [Reason.STATEMENT_TOO_MANY]
    for nonsense in (
        b"",
        b"[]",
        b"{}",
        b'{"layers":[{}]}',
        b'{"layers":[{"mediaType":"application/vnd.in-toto+json","digest":"x"}]}',
    ):
        assert reasons(two_step(nonsense, layer(simple(Digest.of(nonsense))))) == [Reason.UNREADABLE]


def test_two_steps_with_bundles() -> None:
    """The signature may be a bundle: a plain one, or cosign's statement that says no more than `signed`."""
    signed = manifest(STATEMENT)
    signer, target = KeySigner.of(KEY), Target.of_bytes(signed)
    assert reasons(two_step(signed, signer.sign_target(target))) == []
    assert reasons(two_step(signed, attest(signer, target, COSIGN_SIGN, b"{}"))) == []
    assert reasons(two_step(signed, attest(signer, target, "vuln", b"{}"))) == [Reason.NOT_SIGNED]
    other = Target.of_bytes(b"other")
    assert reasons(two_step(signed, attest(signer, other, COSIGN_SIGN, b"{}"))) == [Reason.SUBJECT_MISMATCH]


def test_roots_come_with_a_trust_configuration(sigstore_v2: SigstoreService) -> None:
    raw = json.dumps(sigstore_v2.trust_config()).encode()
    (ours,), (theirs,) = load_trusted_roots(raw), TrustConfig.of(raw).trusted_roots()
    assert ours.authorities == theirs.authorities
    assert set(ours.logs) == set(theirs.logs)
