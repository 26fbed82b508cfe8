"""Others judge what is signed here: sigstore-js (npm, versions pinned) and sigstore's own command line."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sbomkit.attest import KeylessSigner, KeySigner, Target, TrustConfig, attest, generate_key
from sbomkit.attest.bundle import Bundle
from sbomkit.model.digest import Digest
from tests.sigstore_service import SigstoreService

pytestmark = pytest.mark.slow
HOME = Path(__file__).parent / "npm_judge"
BLOB = b"some artifact"
TARGET = Target.of_bytes(BLOB)


class NpmJudge:
    def __init__(self, home: Path) -> None:
        self._home = home

    def takes(self, bundle: Bundle, **words: Any) -> bool:
        request = self._home / "words.json"
        request.write_text(json.dumps({"bundle": json.loads(bundle.raw), **words}))
        command = ["node", "judge.js", str(request)]
        done = subprocess.run(command, cwd=self._home, capture_output=True, text=True, check=False)
        assert done.returncode == 0 or "Error " in done.stderr, done.stderr
        return done.returncode == 0


@pytest.fixture(scope="session")
def npm(tmp_path_factory: pytest.TempPathFactory) -> NpmJudge:
    if not shutil.which("npm"):
        pytest.skip("npm is not here")
    home = tmp_path_factory.mktemp("npm")
    for name in ("package.json", "package-lock.json", "judge.js"):
        shutil.copy(HOME / name, home)
    done = subprocess.run(["npm", "ci", "--ignore-scripts"], cwd=home, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"npm ci: {done.stderr[-200:]}")
    return NpmJudge(home)


@pytest.fixture(params=[1, 2], ids=["rekor-v1", "rekor-v2"])
def service(request: pytest.FixtureRequest) -> SigstoreService:
    found: SigstoreService = request.getfixturevalue(f"sigstore_v{request.param}")
    return found


def config_of(service: SigstoreService) -> TrustConfig:
    return TrustConfig.of(json.dumps(service.trust_config()).encode())


def test_keyless_under_npm(service: SigstoreService, npm: NpmJudge) -> None:
    signer = KeylessSigner(config_of(service), service.token())
    words = {"trustedRoot": service.trusted_root(), "tlog": 1, "ctlog": 1, "timestamps": 1, "issuer": service.url}
    artifact = base64.b64encode(BLOB).decode()
    for bundle in (attest(signer, TARGET, "cyclonedx", b"{}"), signer.sign_target(TARGET)):
        assert npm.takes(bundle, artifact=artifact, identity="ci@example.com", **words)
        assert not npm.takes(bundle, artifact=artifact, identity="eve@example.com", **words)


@pytest.mark.parametrize("kind", ["ecdsa-p256", "ecdsa-p384", "ed25519", "rsa-2048"])
def test_keys_under_npm(kind: str, sigstore_v1: SigstoreService, npm: NpmJudge) -> None:
    key = generate_key(kind)
    words = {"trustedRoot": sigstore_v1.trusted_root(), "ctlog": 0}
    plain = attest(KeySigner.of(key), TARGET, "spdx", b"{}")
    assert npm.takes(plain, key=key.public.pem.decode(), tlog=0, timestamps=0, **words)
    other = generate_key(kind).public.pem.decode()
    assert not npm.takes(plain, key=other, tlog=0, timestamps=0, **words)
    logged = attest(KeySigner.of(key, config_of(sigstore_v1).witness()), TARGET, "spdx", b"{}")
    assert npm.takes(logged, key=key.public.pem.decode(), tlog=1, timestamps=1, **words)


@pytest.mark.parametrize("kind", ["ecdsa-p256", "rsa-2048"])
def test_logged_keys_under_npm(kind: str, service: SigstoreService, npm: NpmJudge) -> None:
    key = generate_key(kind)
    signer = KeySigner.of(key, config_of(service).witness())
    words = {"trustedRoot": service.trusted_root(), "ctlog": 0, "tlog": 1, "timestamps": 1}
    artifact = base64.b64encode(BLOB).decode()
    for bundle in (attest(signer, TARGET, "spdx", b"{}"), signer.sign_target(TARGET)):
        assert npm.takes(bundle, key=key.public.pem.decode(), artifact=artifact, **words)


def test_keyless_under_the_sigstore_command(service: SigstoreService, tmp_path: Path) -> None:
    signer = KeylessSigner(config_of(service), service.token())
    config, artifact, path = tmp_path / "config.json", tmp_path / "artifact", tmp_path / "bundle.json"
    config.write_text(json.dumps(service.trust_config()))
    artifact.write_bytes(BLOB)
    for bundle in (attest(signer, TARGET, "cyclonedx", b"{}"), signer.sign_target(TARGET)):
        path.write_bytes(bundle.raw)
        for identity, taken in (("ci@example.com", True), ("eve@example.com", False)):
            command = [sys.executable, "-m", "sigstore", "--trust-config", str(config), "verify", "identity"]
            who = ["--cert-identity", identity, "--cert-oidc-issuer", service.url]
            words = [*command, "--bundle", str(path), *who, str(artifact)]
            done = subprocess.run(words, capture_output=True, text=True, check=False)
            assert (done.returncode == 0) == taken, done.stderr


def test_what_the_sigstore_library_signs_is_taken_here(service: SigstoreService) -> None:
    """The other way round: bundles of sigstore's own signer."""
    from sigstore.models import ClientTrustConfig
    from sigstore.oidc import IdentityToken
    from sigstore.sign import SigningContext

    from sbomkit.attest import IdentityPolicy, read_bundle, verify

    context = SigningContext.from_trust_config(ClientTrustConfig.from_json(json.dumps(service.trust_config())))
    with context.signer(IdentityToken(service.token())) as signer:
        raw = signer.sign_artifact(BLOB).to_json().encode()
    who = IdentityPolicy.of(identity="ci@example.com", issuer=service.url)
    roots = config_of(service).trusted_roots()
    assert verify([read_bundle(raw)], Target.of_digest(Digest.of(BLOB)), who, trusted_roots=roots).ok
