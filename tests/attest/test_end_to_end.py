"""Sign and verify with a real instance: both log versions, every kind of key, and each way to be refused."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from sbomkit.attest import (
    IdentityPolicy,
    KeylessSigner,
    KeyPolicy,
    KeySigner,
    Reason,
    Refusal,
    Target,
    TrustConfig,
    attest,
    build_statement,
    claimed_predicate_type,
    generate_key,
    load_trusted_roots,
    read_bundle,
    sign_blob,
    sign_image,
    uri_signer,
    verify,
)
from sbomkit.attest.bundle import Bundle, write_bundle
from sbomkit.attest.dsse import Envelope, pre_authentication_encoding
from sbomkit.attest.keys import KINDS
from sbomkit.attest.signers import Signer
from sbomkit.attest.statement import PAYLOAD_TYPE
from sbomkit.attest.trust import TrustedRoot
from sbomkit.errors import CannotCheck, Refused, UsageError
from sbomkit.model.digest import Digest
from tests.sigstore_service import SigstoreService

IMAGE = Target.of_digest(Digest.of(b"image"))
OTHER = Target.of_digest(Digest.of(b"other"))
BLOB = Target.of_bytes(b"some artifact")
SBOM = b'{"bomFormat": "CycloneDX", "version": 1.10}'


@pytest.fixture(params=[1, 2], ids=["rekor-v1", "rekor-v2"])
def service(request: pytest.FixtureRequest) -> SigstoreService:
    found: SigstoreService = request.getfixturevalue(f"sigstore_v{request.param}")
    return found


def config_of(service: SigstoreService) -> TrustConfig:
    return TrustConfig.of(json.dumps(service.trust_config()).encode())


def roots_of(service: SigstoreService) -> tuple[TrustedRoot, ...]:
    return load_trusted_roots(json.dumps(service.trusted_root()).encode(), "private")


def keyless(service: SigstoreService) -> KeylessSigner:
    return KeylessSigner(config_of(service), service.token())


def reason(*refusals: Refusal) -> Reason:
    (one,) = refusals
    return one.reason


def test_keyless_attestation(service: SigstoreService) -> None:
    bundle = attest(keyless(service), IMAGE, "cyclonedx", SBOM, name="app")
    who, roots = IdentityPolicy.of(identity="ci@example.com", issuer=service.url), roots_of(service)
    (verified,) = verify([bundle], IMAGE, who, predicate_type="cyclonedx", trusted_roots=roots).require()
    assert verified.statement is not None
    assert verified.statement.raw.endswith(b'"predicate":' + SBOM + b"}")
    assert verified.predicate == {"bomFormat": "CycloneDX", "version": 1.1}
    assert abs(verified.times[0].time - datetime.now(UTC)) < timedelta(minutes=1)
    assert len(verified.log_indices) == 1
    assert verified.subject is not None
    assert verified.subject.name == "app"


def test_every_wrong_expectation_has_its_reason(service: SigstoreService) -> None:
    bundle, roots = attest(keyless(service), IMAGE, "cyclonedx", SBOM), roots_of(service)
    right = IdentityPolicy.of(identity="ci@example.com", issuer=service.url)
    eve = IdentityPolicy.of(identity="eve@example.com", issuer=service.url)
    elsewhere = IdentityPolicy.of(identity_regexp=".*@example.com", issuer="https://example.com")
    later = datetime.now(UTC) + timedelta(days=31)
    key = KeyPolicy((generate_key().public,))
    outcomes = {
        Reason.IDENTITY_MISMATCH: verify([bundle], IMAGE, eve, trusted_roots=roots),
        Reason.ISSUER_MISMATCH: verify([bundle], IMAGE, elsewhere, trusted_roots=roots),
        Reason.KEY_DEMANDED: verify([bundle], IMAGE, key, trusted_roots=roots),
        Reason.SUBJECT_MISMATCH: verify([bundle], OTHER, right, trusted_roots=roots),
        Reason.PREDICATE_TYPE_MISMATCH: verify([bundle], IMAGE, right, predicate_type="spdx", trusted_roots=roots),
        Reason.TOO_OLD: verify([bundle], IMAGE, right, max_age=timedelta(days=30), now=later, trusted_roots=roots),
    }
    assert {wanted: reason(*outcome.refusals) for wanted, outcome in outcomes.items()} == {r: r for r in outcomes}
    for outcome in outcomes.values():
        with pytest.raises(Refused):
            outcome.require()
    assert verify([bundle], IMAGE, right, max_age=timedelta(days=30), trusted_roots=roots).ok
    # the public good instance, which is what no trusted root means
    assert not verify([bundle], IMAGE, right).ok


def test_plain_signatures(service: SigstoreService) -> None:
    bundle, roots = keyless(service).sign_target(BLOB), roots_of(service)
    who = IdentityPolicy.of(identity="ci@example.com", issuer=service.url)
    (verified,) = verify([bundle], BLOB, who, trusted_roots=roots).require()
    assert verified.statement is None
    other = verify([bundle], Target.of_bytes(b"other"), who, trusted_roots=roots)
    assert reason(*other.refusals) is Reason.SUBJECT_MISMATCH
    typed = verify([bundle], BLOB, who, predicate_type="cyclonedx", trusted_roots=roots)
    assert reason(*typed.refusals) is Reason.PREDICATE_TYPE_MISMATCH


@pytest.mark.parametrize("kind", KINDS)
def test_keys(kind: str) -> None:
    key, other = generate_key(kind), generate_key(kind)
    signer = KeySigner.of(key)
    for bundle, target in ((attest(signer, IMAGE, "spdx", b"{}"), IMAGE), (signer.sign_target(BLOB), BLOB)):
        assert verify([read_bundle(bundle.raw)], target, KeyPolicy((key.public,))).ok
        assert verify([bundle], target, KeyPolicy((other.public, key.public))).ok
        wrong = verify([bundle], target, KeyPolicy((other.public,)))
        assert reason(*wrong.refusals) is Reason.WRONG_KEY
        rules = (KeyPolicy((key.public,), require_log=True), KeyPolicy((key.public,), require_timestamp=True))
        missing = [reason(*verify([bundle], target, rule).refusals) for rule in rules]
        assert missing == [Reason.LOG_ENTRY_MISSING, Reason.TIMESTAMP_MISSING]


def test_signatures_that_others_make_by_the_same_keys() -> None:
    """securesystemslib pads RSA by PSS; P-384 is hashed by SHA-384 after the registry, by SHA-256 after cosign."""
    statement = build_statement([("app", IMAGE.digests)], "https://spdx.dev/Document", b"{}").raw
    message = pre_authentication_encoding(PAYLOAD_TYPE, statement)
    rsa_key, p384 = generate_key("rsa-2048"), generate_key("ecdsa-p384")
    assert isinstance(rsa_key.raw, rsa.RSAPrivateKey)
    assert isinstance(p384.raw, ec.EllipticCurvePrivateKey)
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    longest = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.MAX_LENGTH)
    for key, signature, taken in (
        (rsa_key, rsa_key.raw.sign(message, pss, hashes.SHA256()), True),
        (rsa_key, rsa_key.raw.sign(message, longest, hashes.SHA256()), True),
        (rsa_key, rsa_key.raw.sign(message, padding.PKCS1v15(), hashes.SHA1()), False),
        (p384, p384.raw.sign(message, ec.ECDSA(hashes.SHA384())), True),
        (p384, p384.raw.sign(message, ec.ECDSA(hashes.SHA256())), True),
        (p384, p384.raw.sign(message, ec.ECDSA(hashes.SHA512())), False),
    ):
        raw = write_bundle(Envelope(statement, PAYLOAD_TYPE, (signature,)), {"publicKey": {"hint": ""}})
        assert verify([read_bundle(raw)], IMAGE, KeyPolicy((key.public,))).ok is taken


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("ed25519", "rsa-4096")])
def test_keys_with_a_witness(service: SigstoreService, kind: str) -> None:
    key, roots = generate_key(kind), roots_of(service)
    signer = KeySigner.of(key, config_of(service).witness())
    who = KeyPolicy((key.public,), require_log=True, require_timestamp=True)
    for bundle, target in ((attest(signer, IMAGE, "spdx", b"{}"), IMAGE), (signer.sign_target(BLOB), BLOB)):
        (verified,) = verify([bundle], target, who, trusted_roots=roots).require()
        assert verified.signer == key.public.fingerprint
        assert verified.times
        # another instance's log is no reason to believe, unless logs are to be ignored
        unknown = verify([bundle], target, KeyPolicy((key.public,)), trusted_roots=())
        assert reason(*unknown.refusals) is Reason.TIMESTAMP_UNTRUSTED
        assert verify([bundle], target, KeyPolicy((key.public,), ignore_log=True), trusted_roots=()).ok


def test_ed25519_has_no_digest_for_a_log(service: SigstoreService) -> None:
    key = generate_key("ed25519")
    with pytest.raises(UsageError, match="Ed25519"):
        KeySigner.of(key, config_of(service).witness()).sign_target(BLOB)
    stamped = KeySigner.of(key, config_of(service).witness(log=False)).sign_target(BLOB)
    who = KeyPolicy((key.public,), require_timestamp=True)
    assert verify([stamped], BLOB, who, trusted_roots=roots_of(service)).ok
    by_digest = verify([stamped], Target.of_digest(BLOB.digests[0]), who)
    assert reason(*by_digest.refusals) is Reason.ARTIFACT_NEEDED
    with pytest.raises(CannotCheck):
        by_digest.require()
    with pytest.raises(UsageError, match="artifact itself"):
        KeySigner.of(key).sign_target(Target.of_digest(BLOB.digests[0]))


@pytest.mark.parametrize("kind", ["ecdsa-p256", "ecdsa-p384", "ed25519", "rsa-2048"])
def test_keys_behind_a_uri(kind: str, tmp_path: Path) -> None:
    key = generate_key(kind)
    (tmp_path / "key.pem").write_bytes(key.pem(None))
    signer: Signer = uri_signer(f"file2:{tmp_path}/key.pem", key.public)
    for bundle, target in ((attest(signer, IMAGE, "spdx", b"{}"), IMAGE), (signer.sign_target(BLOB), BLOB)):
        assert verify([bundle], target, KeyPolicy((key.public,))).ok
    with pytest.raises(UsageError, match="public key"):
        uri_signer(f"file2:{tmp_path}/key.pem")
    with pytest.raises(UsageError, match="no scheme"):
        uri_signer("floppy:a")
    with pytest.raises(CannotCheck):
        uri_signer(f"file2:{tmp_path}/missing.pem", key.public)


def test_services_fail_in_their_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """The libraries of KMS providers raise classes of their own; none of them may end in a traceback."""
    library: Any = import_module("securesystemslib.signer")

    class ClientError(Exception):
        pass

    class Remote:
        def sign(self, payload: bytes) -> NoReturn:
            raise ClientError("AccessDenied")

        @classmethod
        def from_priv_key_uri(cls, *_: object) -> Remote:
            return cls()

    key = generate_key()
    module = ModuleType("botocore.exceptions")
    monkeypatch.setattr(module, "ClientError", ClientError, raising=False)
    monkeypatch.setitem(sys.modules, "botocore.exceptions", module)
    monkeypatch.setitem(library.SIGNER_FOR_URI_SCHEME, "awskms", Remote)
    signer = uri_signer("awskms:alias/release", key.public)
    with pytest.raises(CannotCheck, match="AccessDenied"):
        signer.sign_target(BLOB)


def test_an_image_is_signed_as_cosign_does() -> None:
    key = generate_key()
    bundle = sign_image(KeySigner.of(key), IMAGE)
    assert claimed_predicate_type(bundle) == "https://sigstore.dev/cosign/sign/v1"
    assert verify([bundle], IMAGE, KeyPolicy((key.public,)), predicate_type="cosign-sign").ok
    plain = sign_blob(KeySigner.of(key), BLOB)
    assert claimed_predicate_type(plain) is None
    assert verify([plain], BLOB, KeyPolicy((key.public,))).ok


def test_tokens_that_do_not_serve(sigstore_v2: SigstoreService) -> None:
    config = config_of(sigstore_v2)
    with pytest.raises(UsageError, match="expired"):
        KeylessSigner(config, sigstore_v2.token(lifetime=-60))
    with pytest.raises(UsageError, match="cannot be used"):
        KeylessSigner(config, sigstore_v2.token(audience="somebody else"))
    with pytest.raises(UsageError, match="cannot be used"):
        KeylessSigner(config, "not.a.token")
    with SigstoreService(rekor_version=2) as stranger:
        foreign = KeylessSigner(config, stranger.token())
        with pytest.raises(CannotCheck, match="certificate authority"):
            foreign.sign_target(BLOB)


def test_no_ambient_identity_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    from sbomkit.attest import ambient_token

    for name in ("GITHUB_ACTIONS", "GITLAB_CI", "CIRCLECI", "BUILDKITE", "GOOGLE_SERVICE_ACCOUNT_NAME"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(CannotCheck) as caught:
        ambient_token()
    assert "id-token: write" in caught.value.hint


def test_services_that_do_not_answer(sigstore_v2: SigstoreService) -> None:
    config = sigstore_v2.trust_config()
    for field in ("caUrls", "rekorTlogUrls"):
        broken = json.loads(json.dumps(config))
        broken["signingConfig"][field][0]["url"] = "http://127.0.0.1:9"
        signer = KeylessSigner(TrustConfig.of(json.dumps(broken).encode()), sigstore_v2.token())
        with pytest.raises(CannotCheck):
            signer.sign_target(BLOB)
    broken = json.loads(json.dumps(config))
    broken["signingConfig"]["tsaUrls"][0]["url"] = "http://127.0.0.1:9"
    with pytest.raises(CannotCheck, match="no complete bundle"):
        KeylessSigner(TrustConfig.of(json.dumps(broken).encode()), sigstore_v2.token()).sign_target(BLOB)


def test_several_roots_are_not_mixed(sigstore_v1: SigstoreService, sigstore_v2: SigstoreService) -> None:
    """As `gh attestation trusted-root` writes them: one to a line."""
    lines = "\n".join(json.dumps(service.trusted_root()) for service in (sigstore_v1, sigstore_v2)).encode()
    roots = load_trusted_roots(lines)
    assert len(roots) == 2
    bundle = attest(keyless(sigstore_v2), IMAGE, "cyclonedx", SBOM)
    assert verify(
        [bundle], IMAGE, IdentityPolicy.of(identity="ci@example.com", issuer=sigstore_v2.url), trusted_roots=roots
    ).ok
    mixed = sigstore_v2.trusted_root()
    mixed["certificateAuthorities"] = []
    halves = load_trusted_roots(json.dumps(mixed).encode()) + load_trusted_roots(
        json.dumps({**sigstore_v2.trusted_root(), "timestampAuthorities": [], "tlogs": []}).encode()
    )
    who = IdentityPolicy.of(identity="ci@example.com", issuer=sigstore_v2.url)
    assert not verify([bundle], IMAGE, who, trusted_roots=halves).ok


def test_the_end_of_an_authority_is_inclusive(sigstore_v2: SigstoreService) -> None:
    bundle = attest(keyless(sigstore_v2), IMAGE, "cyclonedx", SBOM)
    who = IdentityPolicy.of(identity="ci@example.com", issuer=sigstore_v2.url)
    (verified,) = verify([bundle], IMAGE, who, trusted_roots=roots_of(sigstore_v2)).require()
    made = verified.times[0].time
    outcomes = []
    for end in (made, made - timedelta(seconds=1)):
        root = sigstore_v2.trusted_root()
        root["timestampAuthorities"][0]["validFor"]["end"] = end.isoformat()
        roots = load_trusted_roots(json.dumps(root).encode())
        outcomes.append(verify([bundle], IMAGE, who, trusted_roots=roots).ok)
    assert outcomes == [True, False]


def test_one_certificate_serves_several_signatures(sigstore_v2: SigstoreService) -> None:
    signer = keyless(sigstore_v2)
    first, second = signer.sign_target(BLOB), attest(signer, IMAGE, "vsa", b"{}")
    assert first.certificate == second.certificate


def test_a_verified_is_made_by_a_verifier_only() -> None:
    from sbomkit.attest import Verified

    with pytest.raises(TypeError, match="verifier only"):
        Verified("here", IMAGE, "me", ())


def test_candidates_have_an_end() -> None:
    key = generate_key()
    bundle = attest(KeySigner.of(key), IMAGE, "spdx", b"{}")
    refusal = Refusal(Reason.UNREADABLE, "noise")
    outcome = verify([refusal] * 10_000 + [bundle], IMAGE, KeyPolicy((key.public,)))
    assert len(outcome.refusals) == 1001
    assert outcome.refusals[-1].reason is Reason.TOO_LARGE
    with pytest.raises(CannotCheck):
        outcome.require()


def test_nothing_found_is_refused() -> None:
    with pytest.raises(Refused, match="nothing signed"):
        verify([], IMAGE, KeyPolicy((generate_key().public,))).require()


def test_upper_certificates_may_be_plain(sigstore_v2: SigstoreService) -> None:
    """A chain whose root is out of web PKI's rules still serves, as long as each certificate has issued the next."""
    bundle = attest(keyless(sigstore_v2), IMAGE, "cyclonedx", SBOM)
    who = IdentityPolicy.of(identity="ci@example.com", issuer=sigstore_v2.url)
    chain = sigstore_v2.trusted_root()["certificateAuthorities"][0]["certChain"]["certificates"]
    with SigstoreService(rekor_version=2) as stranger:
        foreign = stranger.trusted_root()["certificateAuthorities"][0]["certChain"]["certificates"]
    outcomes = []
    for certificates in (chain, chain[:1], [chain[0], foreign[1]], foreign[:1]):
        root = sigstore_v2.trusted_root()
        root["certificateAuthorities"][0]["certChain"]["certificates"] = certificates
        outcomes.append(verify([bundle], IMAGE, who, trusted_roots=load_trusted_roots(json.dumps(root).encode())).ok)
    assert outcomes == [True, True, False, False]


def test_large_bundles_are_not_read() -> None:
    found = read_bundle(b"{" + b" " * (100 << 20), "big")
    assert isinstance(found, Refusal)
    assert found.reason is Reason.TOO_LARGE
    assert found.unchecked


def test_bundles_made_here_are_read_here() -> None:
    bundle = attest(KeySigner.of(generate_key()), IMAGE, "https://example.com/custom", b'"text"')
    again = read_bundle(bundle.raw, bundle.origin)
    assert isinstance(again, Bundle)
    assert again == bundle
