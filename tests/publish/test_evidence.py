"""From a place to a verdict: what is attached goes to the verifier, whatever shape it has."""

from __future__ import annotations

import json

from sbomkit.attest.api import attest, verify
from sbomkit.attest.keys import PrivateKey, generate_key
from sbomkit.attest.legacy import TwoStep
from sbomkit.attest.policy import KeyPolicy
from sbomkit.attest.reasons import Reason, Refusal
from sbomkit.attest.signers import KeySigner
from sbomkit.attest.statement import build_statement
from sbomkit.attest.target import Target
from sbomkit.oci.platform import Platform
from sbomkit.publish.attach import attach, attach_bundle, attach_document
from sbomkit.publish.discover import discover
from sbomkit.publish.evidence import Candidate, evidence
from sbomkit.publish.kinds import DSSE, IN_TOTO, SIMPLE_SIGNING
from sbomkit.publish.platforms import digest_for
from tests.publish.conftest import Opener
from tests.publish.test_attach import CYCLONEDX

KEY = generate_key()
WHO = KeyPolicy((KEY.public,))
KIND = "https://cyclonedx.org/bom"


def candidates(opener: Opener) -> list[Candidate]:
    place = opener()
    return list(evidence(place, discover(place), place.root().descriptor.digest))


def target(opener: Opener) -> Target:
    return Target.of_digest(opener().root().descriptor.digest)


def sign_bundle(key: PrivateKey, about: Target) -> bytes:
    return attest(KeySigner.of(key), about, KIND, CYCLONEDX).raw


def test_a_bundle_is_verified_where_it_lives(opener: Opener) -> None:
    attach_bundle(opener(), sign_bundle(KEY, target(opener)), predicate_type=KIND)
    outcome = verify(candidates(opener), target(opener), WHO, predicate_type=KIND)
    assert [v.predicate_type for v in outcome.verified] == [KIND]
    assert not verify(candidates(opener), target(opener), KeyPolicy((generate_key().public,))).ok


def test_evidence_of_the_index_is_none_of_its_platforms(opener: Opener) -> None:
    attach_bundle(opener(), sign_bundle(KEY, target(opener)), predicate_type=KIND)
    place = opener()
    platform = digest_for(place, Platform.parse("linux/arm64"))
    assert list(evidence(place, discover(place), platform)) == []


def test_an_envelope_of_cosign(opener: Opener) -> None:
    bundle = json.loads(sign_bundle(KEY, target(opener)))["dsseEnvelope"]
    attach(opener(), json.dumps(bundle).encode(), DSSE, DSSE, {})
    assert verify(candidates(opener), target(opener), WHO, predicate_type=KIND).ok


def test_unsigned_documents_and_statements_are_no_evidence(opener: Opener) -> None:
    attach_document(opener(), CYCLONEDX)
    assert candidates(opener) == []
    raw = build_statement([("", target(opener).digests[:1])], KIND, CYCLONEDX).raw
    attach(opener(), raw, IN_TOTO, IN_TOTO, {"in-toto.io/predicate-type": KIND})
    (only,) = candidates(opener)
    assert isinstance(only, Refusal)
    assert only.reason == Reason.NOT_SIGNED


def test_a_signature_on_the_attestation(opener: Opener) -> None:
    """Docker Hardened Images: the statement is bare, its manifest is signed."""
    raw = build_statement([("", target(opener).digests[:1])], KIND, CYCLONEDX).raw
    attestation = attach(opener(), raw, IN_TOTO, IN_TOTO, {"in-toto.io/predicate-type": KIND})
    attach_bundle(opener(), sign_bundle(KEY, Target.of_digest(attestation.digest)), predicate_type=KIND,
                  subject=attestation.digest)  # fmt: skip
    (only,) = candidates(opener)
    assert isinstance(only, TwoStep)
    assert only.layers == (raw,)
    assert only.manifest == opener().manifest(attestation.digest).raw


def test_damage_is_a_refusal_and_hides_nothing_else(opener: Opener) -> None:
    attach_bundle(opener(), b"{}", predicate_type=KIND)
    attach(opener(), b"nonsense", SIMPLE_SIGNING, SIMPLE_SIGNING, {})
    attach_bundle(opener(), sign_bundle(KEY, target(opener)), predicate_type=KIND)
    found = candidates(opener)
    assert sum(isinstance(each, Refusal) for each in found) >= 1
    assert verify(found, target(opener), WHO).ok
